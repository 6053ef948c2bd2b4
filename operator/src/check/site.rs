//! Sites: which nodes each has, what they hold, and whether it may take new placement.

use super::{
    attested, budget,
    capacity::{self, SiteNodes},
    elastic,
    limits::{number, outside},
    problem::Problem,
    quotas, remote_site,
};
use crate::checked::{Connection, SiteSubject};
use crate::gather::{
    cluster::GuardFacts,
    facts::{NodeFacts, SiteFacts},
    index::Index,
    quantity::{QuantityError, bytes_text, cpu_text, millis, units},
};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::core::{Selector, SelectorExt as _};
use pinisi_crds::{
    SiteSpec, SiteStatus,
    names::SITE_LABEL,
    site::{ResourceAmounts, ResourceTotals, SiteType, Watermarks},
};
use pinisi_planner::model::{
    amounts::{Percent, Resources},
    site::{Reach, Site, SiteKind, SiteName},
};
use std::collections::{BTreeMap, BTreeSet};

/// Share of a site above which mass traffic goes on, in percent, where the Site names none.
pub const HIGH_DEFAULT: i32 = 80;
/// Share of a site below which replicas come back, in percent, where the Site names none.
pub const LOW_DEFAULT: i32 = 60;
/// CPU from which an amount is absurd, in thousandths of a core (1Gi cores, as in the schema).
const CPU_MAX: u64 = (1 << 30) * 1000;
/// Memory from which an amount is absurd, in bytes (1Ei, as in the schema).
const MEMORY_MAX: u64 = 1 << 60;
/// Longest name of a Site.
const NAME_MAX: usize = 40;

/// A Site with what later steps ask of it.
#[derive(Debug)]
pub struct CheckedSite<'a> {
    /// Kind of place.
    pub kind: SiteKind,
    /// Namespaces that it takes; `None` takes none.
    pub allowed: Option<Selector>,
    /// All nodes of this cluster that its labels match, Ready or not.
    pub nodes: Vec<&'a NodeFacts>,
    /// Of these, the names of those that are attested as they are; none where it is not OnPrem.
    pub lawful: BTreeSet<&'a str>,
    /// What goes on to `report`.
    pub subject: SiteSubject,
    /// For the planner; `None` where its spec cannot be read.
    pub world: Option<Site>,
}

impl CheckedSite<'_> {
    /// True where workloads of a namespace with these labels may run here.
    #[must_use]
    pub fn takes(&self, labels: &BTreeMap<String, String>) -> bool {
        self.allowed.as_ref().is_some_and(|s| s.matches(labels))
    }
}

/// Checks every Site.
#[must_use]
pub fn check_all(index: &Index, now: Timestamp) -> BTreeMap<SiteName, CheckedSite<'_>> {
    let nodes = SiteNodes::of(index);
    let mut sites = index
        .sites
        .iter()
        .map(|(name, facts)| (SiteName::new(name), check_one(index, facts, &nodes, now)))
        .collect();
    remote_site::shared_clusters(&mut sites);
    sites
}

/// Kind of a spec's type.
#[must_use]
pub const fn kind_of(site_type: SiteType) -> SiteKind {
    match site_type {
        SiteType::OnPrem => SiteKind::OnPrem,
        SiteType::Cloud => SiteKind::Cloud,
        SiteType::Edge => SiteKind::Edge,
    }
}

/// A kind's name in the API.
#[must_use]
pub const fn kind_name(kind: SiteKind) -> &'static str {
    match kind {
        SiteKind::OnPrem => "OnPrem",
        SiteKind::Cloud => "Cloud",
        SiteKind::Edge => "Edge",
    }
}

fn check_one<'a>(
    index: &'a Index,
    facts: &SiteFacts,
    nodes: &SiteNodes<'a>,
    now: Timestamp,
) -> CheckedSite<'a> {
    let subject = |kind, connection, match_labels, status_now, problems| SiteSubject {
        uid: facts.uid.clone(),
        generation: facts.generation,
        kind,
        connection,
        match_labels,
        status_now,
        status: facts.status.clone(),
        problems,
    };
    let spec = match &facts.spec {
        Ok(spec) => spec,
        Err(unreadable) => {
            let status = SiteStatus {
                observed_generation: Some(facts.generation),
                ..SiteStatus::default()
            };
            let problems = vec![Problem::Unreadable {
                error: unreadable.error.clone(),
            }];
            // Not sovereign until it says so in words that can be read.
            return CheckedSite {
                kind: SiteKind::Cloud,
                allowed: None,
                nodes: Vec::new(),
                lawful: BTreeSet::new(),
                subject: subject(
                    SiteKind::Cloud,
                    Connection::Nodes,
                    BTreeMap::new(),
                    status,
                    problems,
                ),
                world: None,
            };
        }
    };
    let SiteSpec {
        type_,
        jurisdiction,
        nodes: site_nodes,
        attested: vouched,
        kubeconfig_secret_ref,
        // Read where the connection is.
        create_namespaces: _,
        // Read by the gathering, which judges the cluster.
        cluster_uid: _,
        unreachable_grace_seconds: _,
        allowed_namespaces,
        capacity,
        watermarks,
        price,
    } = spec;
    let name = facts.key.name.as_str();
    let mut problems = Vec::new();
    let remote = kubeconfig_secret_ref.is_some() && site_nodes.is_none();
    if kubeconfig_secret_ref.is_some() == site_nodes.is_some() {
        problems.push(Problem::ConnectionUnclear);
    }
    let kind = match kind_of(*type_) {
        // Another cluster's ground is never sovereign, whatever its Site says.
        SiteKind::OnPrem if remote => {
            problems.push(Problem::RemoteOnPrem);
            SiteKind::Cloud
        }
        kind => kind,
    };
    let view = index.clusters.get(name).filter(|_| remote);
    if name.len() > NAME_MAX || name.contains('.') {
        problems.push(outside(
            "metadata.name",
            &name,
            "at most 40 lower-case letters, digits and '-'",
        ));
    }
    if jurisdiction.len() != 2 || !jurisdiction.bytes().all(|b| b.is_ascii_uppercase()) {
        problems.push(outside(
            "spec.jurisdiction",
            &format!("{jurisdiction:?}"),
            "a country as ISO 3166-1 alpha-2, for example ID",
        ));
    }
    let match_labels = site_nodes
        .as_ref()
        .map(|n| n.match_labels.clone())
        .unwrap_or_default();
    let selector = selector_text(&match_labels);
    let own = nodes.of_site(name);
    let ready: Vec<_> = if remote {
        remote_site::nodes(view)
    } else {
        own.iter().copied().filter(|n| n.ready).collect()
    };
    let pool = capacity.as_ref().and_then(|c| c.elastic.as_ref());
    let pool = pool.and_then(|pool| elastic::read(pool, ready.len(), &mut problems));
    // A pool adds nodes only where pods are sent before there are any.
    let nodeless = ready.is_empty() && pool.is_none();
    if remote {
        remote_site::judge(view, nodeless, &mut problems);
    } else if match_labels.is_empty() {
        problems.push(outside(
            "spec.nodes.matchLabels",
            &"empty",
            "the labels that the site's nodes carry",
        ));
    } else {
        for (node, other) in nodes.shared_with(name) {
            problems.push(Problem::SharedNode {
                node: node.to_owned(),
                other: other.to_owned(),
            });
        }
        if nodeless {
            problems.push(Problem::NoNodes {
                selector: selector.clone(),
            });
        }
    }
    let (high, low) = levels(watermarks.as_ref(), &mut problems);
    let (max, reserve) = capacity.as_ref().map_or((None, None), |c| {
        (c.max.as_ref(), c.reserve_for_sensitive.as_ref())
    });
    // What a limit does not name is not limited; what a reserve does not name is not reserved.
    let max = max.map(|a| {
        amounts(
            a,
            "spec.capacity.max",
            Resources {
                millicores: u64::MAX,
                bytes: u64::MAX,
            },
            &mut problems,
        )
    });
    let reserve = reserve.map_or(Resources::ZERO, |a| {
        amounts(
            a,
            "spec.capacity.reserveForSensitive",
            Resources::ZERO,
            &mut problems,
        )
    });
    let allowed = allowed_namespaces.as_ref().and_then(|selector| {
        match Selector::try_from(selector.clone()) {
            Ok(selector) => Some(selector),
            Err(error) => {
                problems.push(Problem::BadSelector {
                    field: "spec.allowedNamespaces".to_owned(),
                    error: error.to_string(),
                });
                None
            }
        }
    });
    let price = price
        .as_ref()
        .and_then(|price| budget::price(price, *type_, &mut problems));
    let none = BTreeMap::new();
    let vouched = vouched.as_ref().unwrap_or(&none);
    let lawful = match kind {
        SiteKind::OnPrem => attested::of_site(name, vouched, &own, &mut problems),
        SiteKind::Cloud | SiteKind::Edge => {
            if !vouched.is_empty() {
                problems.push(outside(
                    "spec.attested",
                    &format!("set on a Site of type {}", kind_name(kind)),
                    "nothing: only nodes of OnPrem Sites are attested",
                ));
            }
            BTreeSet::new()
        }
    };
    if kind != SiteKind::OnPrem && !remote {
        problems.extend(untainted(name, &selector, &own));
    }
    let (connection, reach, grace) = if remote {
        (
            remote_site::connection(spec, view, now),
            remote_site::reach(facts, view, now),
            remote_site::grace(spec, &mut problems),
        )
    } else {
        (Connection::Nodes, Reach::Reachable, SignedDuration::ZERO)
    };
    // Nothing goes into another cluster before its guard is seen to refuse what is Sensitive.
    let guarded = !remote || view.is_some_and(|v| v.guard == GuardFacts::InForce);
    let open = guarded && !problems.iter().any(Problem::blocks);
    let total = ready
        .iter()
        .fold(Resources::ZERO, |sum, n| sum.plus(n.allocatable));
    let status_now = SiteStatus {
        observed_generation: Some(facts.generation),
        nodes: i32::try_from(ready.len()).unwrap_or(i32::MAX),
        allocatable: Some(ResourceTotals {
            cpu: cpu_text(total.millicores),
            memory: bytes_text(total.bytes),
        }),
        cluster: None,
        conditions: Vec::new(),
    };
    let status_now = if remote {
        remote_site::status(status_now, &facts.status, view)
    } else {
        status_now
    };
    let pods = view.map_or(&index.pods, |view| &view.pods);
    let world = Site {
        kind,
        high: Percent::new(high),
        low: Percent::new(low),
        reserve,
        max,
        open,
        reach,
        grace,
        nodes: ready
            .iter()
            .map(|n| {
                capacity::room(
                    pods,
                    n,
                    kind == SiteKind::OnPrem && !lawful.contains(&*n.name),
                )
            })
            .collect(),
        elastic: pool,
        quotas: quotas::left(view),
        price,
    };
    CheckedSite {
        kind,
        allowed,
        nodes: own,
        lawful,
        subject: subject(kind, connection, match_labels, status_now, problems),
        world: Some(world),
    }
}

fn levels(watermarks: Option<&Watermarks>, problems: &mut Vec<Problem>) -> (i32, i32) {
    let Some(Watermarks {
        high_percent,
        low_percent,
    }) = watermarks
    else {
        return (HIGH_DEFAULT, LOW_DEFAULT);
    };
    let before = problems.len();
    let high = number(
        "spec.watermarks.highPercent",
        Some(*high_percent),
        HIGH_DEFAULT,
        1,
        100,
        problems,
    );
    let low = number(
        "spec.watermarks.lowPercent",
        Some(*low_percent),
        LOW_DEFAULT,
        0,
        99,
        problems,
    );
    if problems.len() == before && low >= high {
        problems.push(outside(
            "spec.watermarks.lowPercent",
            &low,
            &format!("less than highPercent, which is {high}"),
        ));
    }
    // Whatever stands there, the planner gets two levels in order.
    if low < high {
        (high, low)
    } else {
        (HIGH_DEFAULT, LOW_DEFAULT)
    }
}

/// CPU and memory of a field; `absent` is what a part that is not named, or is absurd, comes to.
pub(super) fn amounts(
    amounts: &ResourceAmounts,
    field: &str,
    absent: Resources,
    problems: &mut Vec<Problem>,
) -> Resources {
    let ResourceAmounts { cpu, memory } = amounts;
    if cpu.is_none() && memory.is_none() {
        problems.push(outside(field, &"empty", "at least one of cpu and memory"));
    }
    let mut read = |quantity: &Option<Quantity>,
                    part: &str,
                    parse: fn(&str) -> Result<u64, QuantityError>,
                    limit: u64,
                    example: &str,
                    absent: u64| {
        let Some(Quantity(text)) = quantity else {
            return absent;
        };
        match parse(text) {
            Ok(n) if n < limit => n,
            _ => {
                problems.push(outside(
                    &format!("{field}.{part}"),
                    &format!("{text:?}"),
                    example,
                ));
                absent
            }
        }
    };
    Resources {
        millicores: read(
            cpu,
            "cpu",
            millis,
            CPU_MAX,
            "a quantity of 0 or more and below 1Gi, for example 12 or 1500m",
            absent.millicores,
        ),
        bytes: read(
            memory,
            "memory",
            units,
            MEMORY_MAX,
            "a quantity of 0 or more and below 1Ei, for example 64Gi",
            absent.bytes,
        ),
    }
}

/// Labels as `kubectl -l` takes them.
#[must_use]
pub fn selector_text(labels: &BTreeMap<String, String>) -> String {
    labels
        .iter()
        .map(|(k, v)| format!("{k}={v}"))
        .collect::<Vec<_>>()
        .join(",")
}

fn untainted(site: &str, selector: &str, nodes: &[&NodeFacts]) -> Option<Problem> {
    let tainted = |n: &NodeFacts| {
        n.taints.iter().any(|t| {
            t.key == SITE_LABEL && t.value.as_deref() == Some(site) && t.effect == "NoExecute"
        })
    };
    let mut bare = nodes.iter().filter(|n| !tainted(n));
    let first = bare.next()?;
    Some(Problem::Untainted {
        node: first.name.to_string(),
        count: bare.count().saturating_add(1),
        site: site.to_owned(),
        selector: selector.to_owned(),
    })
}
