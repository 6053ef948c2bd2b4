//! `guard remove`: takes the guard away on purpose. Bindings go first, so that nothing refuses the
//! rest. Refused while an operator leads, which would put it back.

use super::args::RemoveOptions;
use crate::args::Global;
use crate::connect::{NOT_FOUND, Otherwise, cause, connect};
use crate::handover::progress::agreed;
use crate::output::print;
use anyhow::{Result, anyhow, bail};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{ApiResource, DeleteParams, DynamicObject, ListParams};
use kube::core::GroupVersionKind;
use kube::{Api, Client, ResourceExt as _};
use pinisi_crds::names::{CLASS_LABEL, CLASS_SENSITIVE, GUARD_PREFIX};
use std::fmt::Write as _;
use std::process::ExitCode;

/// The Lease of the operator.
const LEASE: &str = "pinisi";
/// Kinds in the order in which they go.
const KINDS: [(&str, &str); 4] = [
    (
        "ValidatingAdmissionPolicyBinding",
        "validatingadmissionpolicybindings",
    ),
    (
        "MutatingAdmissionPolicyBinding",
        "mutatingadmissionpolicybindings",
    ),
    ("ValidatingAdmissionPolicy", "validatingadmissionpolicies"),
    ("MutatingAdmissionPolicy", "mutatingadmissionpolicies"),
];

/// Takes it away.
///
/// # Errors
/// The server cannot be reached or read.
pub async fn run(global: &Global, options: &RemoveOptions) -> Result<ExitCode> {
    let connection = connect(global, Otherwise::All).await?;
    let client = &connection.client;
    if let Some(holder) = leader(client, &options.operator_namespace).await? {
        bail!(
            "{holder} leads and would put the guard back: kubectl scale deployment/pinisi --namespace {} --replicas 0, or helm uninstall, then wait half a minute",
            options.operator_namespace
        );
    }
    let there = find(client).await?;
    print(&spoken(&there, &sensitive(client).await?))?;
    if there.is_empty() || options.dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    if !agreed("Take the guard away?", options.yes)? {
        return Ok(ExitCode::FAILURE);
    }
    for (kind, plural, name) in &there {
        match api(client, kind, plural)
            .delete(name, &DeleteParams::default())
            .await
        {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.code == NOT_FOUND => {}
            Err(error) => bail!("{kind} {name} stays: {}", cause(&error)),
        }
    }
    let left = find(client).await?;
    if let Some((kind, _, name)) = left.first() {
        bail!(
            "{} objects are there again, first {kind} {name}: somebody put them back",
            left.len()
        );
    }
    print(
        "The guard is gone: nothing keeps Sensitive pods on lawful nodes any more. The operator puts it back when it leads.\n",
    )?;
    Ok(ExitCode::SUCCESS)
}

fn api(client: &Client, kind: &str, plural: &str) -> Api<DynamicObject> {
    let gvk = GroupVersionKind::gvk("admissionregistration.k8s.io", "v1", kind);
    Api::all_with(
        client.clone(),
        &ApiResource::from_gvk_with_plural(&gvk, plural),
    )
}

type Found = (&'static str, &'static str, String);

async fn find(client: &Client) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    for (kind, plural) in KINDS {
        let list = match api(client, kind, plural).list(&ListParams::default()).await {
            Ok(list) => list,
            // An older server has no such kind.
            Err(kube::Error::Api(status)) if status.code == NOT_FOUND => continue,
            Err(error) => return Err(anyhow!("cannot list {plural}: {}", cause(&error))),
        };
        let ours = list
            .iter()
            .map(|object| object.name_any())
            .filter(|name| name.starts_with(GUARD_PREFIX));
        found.extend(ours.map(|name| (kind, plural, name)));
    }
    Ok(found)
}

/// Who holds a lease that has not run out.
async fn leader(client: &Client, namespace: &str) -> Result<Option<String>> {
    let leases = Api::<Lease>::namespaced(client.clone(), namespace);
    let lease = leases
        .get_opt(LEASE)
        .await
        .map_err(|error| anyhow!("cannot read Lease {namespace}/{LEASE}: {}", cause(&error)))?;
    let Some(spec) = lease.and_then(|lease| lease.spec) else {
        return Ok(None);
    };
    let holder = spec.holder_identity.filter(|holder| !holder.is_empty());
    let lasts = SignedDuration::from_secs(i64::from(spec.lease_duration_seconds.unwrap_or(0)));
    let fresh = spec
        .renew_time
        .is_some_and(|at| Timestamp::now().duration_since(at.0) <= lasts);
    Ok(holder.filter(|_| fresh))
}

async fn sensitive(client: &Client) -> Result<Vec<String>> {
    let labelled = ListParams::default().labels(&format!("{CLASS_LABEL}={CLASS_SENSITIVE}"));
    let list = Api::<Namespace>::all(client.clone())
        .list(&labelled)
        .await
        .map_err(|error| anyhow!("cannot list namespaces: {}", cause(&error)))?;
    Ok(list.iter().map(|namespace| namespace.name_any()).collect())
}

fn spoken(there: &[Found], sensitive: &[String]) -> String {
    if there.is_empty() {
        return "There is no guard.\n".into();
    }
    let mut text = format!("{} objects would go:\n", there.len());
    for (kind, _, name) in there {
        let _ = writeln!(text, "  {kind} {name}");
    }
    if sensitive.is_empty() {
        text.push_str("No namespace is Sensitive.\n");
    } else {
        let _ = writeln!(
            text,
            "Then nothing pins the pods of {} Sensitive namespace(s): {}",
            sensitive.len(),
            sensitive.join(", ")
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_what_goes_and_whose_pin_with_it() {
        let there = [(
            "ValidatingAdmissionPolicy",
            "x",
            "pinisi-guard-g01-bind".to_owned(),
        )];
        let text = spoken(&there, &["health".to_owned()]);
        assert_eq!(
            text,
            "1 objects would go:\n  ValidatingAdmissionPolicy pinisi-guard-g01-bind\nThen nothing pins the pods of 1 Sensitive namespace(s): health\n"
        );
        assert_eq!(spoken(&[], &[]), "There is no guard.\n");
    }

    #[test]
    fn bindings_go_before_their_policies() {
        let order: Vec<_> = KINDS
            .iter()
            .map(|(kind, _)| kind.ends_with("Binding"))
            .collect();
        assert_eq!(order, [true, true, false, false]);
    }
}
