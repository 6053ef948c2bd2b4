//! PN086: what a template names that another cluster does not have. Services do not travel.

use super::finding::{Check, Findings, known};
use super::workloads::object;
use crate::snapshot::Snapshot;
use kube::ResourceExt as _;
use pinisi_crds::hybrid_workload::Class;
use pinisi_crds::{HybridWorkload, Site};

const NAMES: Check = Check {
    id: "PN086",
    title: "workloads that may go to another cluster name no Service of this one",
};
/// In the order in which they run.
pub const CHECKS: &[&Check] = &[&NAMES];

/// Runs them.
pub fn run(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&NAMES);
    let (workloads, sites, names) = known!(
        verdict,
        snapshot.workloads,
        snapshot.sites,
        snapshot.local_names
    );
    let mut travelling = 0_usize;
    for workload in workloads {
        let Some(site) = other_cluster(workload, sites) else {
            continue;
        };
        travelling += 1;
        let namespace = workload.namespace().unwrap_or_default();
        let target = &workload.spec.target_ref.name;
        let found = names.get(&(namespace.clone(), target.clone()));
        for name in found.into_iter().flatten() {
            verdict.warn(
                object(workload),
                format!(
                    "{} of Deployment {namespace}/{target} names {}: at Site {site} that is a Service of that cluster, or none",
                    name.field, name.name
                ),
                "name an address that both clusters reach, or see that there is a Service of that name there",
            );
        }
    }
    verdict.or_ok(format!("{travelling} workloads that may travel"));
}

/// The first Site of its tiers that is another cluster.
fn other_cluster<'a>(workload: &'a HybridWorkload, sites: &[Site]) -> Option<&'a str> {
    if workload.spec.class != Class::MassTraffic {
        return None;
    }
    let placement = workload.spec.placement.as_ref()?;
    let mut named = placement.tiers.iter().flat_map(|tier| &tier.sites);
    let remote = |name: &&String| {
        let site = sites.iter().find(|site| site.name_any() == **name);
        site.is_some_and(|site| site.spec.kubeconfig_secret_ref.is_some())
    };
    named.find(remote).map(String::as_str)
}
