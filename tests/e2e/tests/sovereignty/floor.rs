//! With the static pack in the API server's own folder nobody takes the guard away, cluster admins
//! included, and the operator still keeps it. Without it an admin can; the operator puts it back.

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::admissionregistration::v1::{
    ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt as _};
use pinisi_e2e::plugin::plugin_in;
use pinisi_e2e::wait::eventually;
use pinisi_lab::conformance::{Stage, spec};
use pinisi_lab::operator::OperatorSpec;
use pinisi_lab::programs::Version;
use pinisi_lab::progress::Progress;
use pinisi_operator::guard::floor;
use serde_json::json;
use tokio::runtime::Runtime;

const BINDING: &str = "pinisi-guard-g01-bind";
const OPERATOR: &str = "system:serviceaccount:pinisi-system:pinisi";
/// The longest that the guard may be away while an operator leads.
const PUT_BACK_SECONDS: u64 = 30;

#[test]
fn the_floor_keeps_the_guard_and_the_operator_puts_back_what_has_none() {
    let tried = Runtime::new().expect("a tokio runtime").block_on(async {
        let name = format!("floor-{}", std::process::id());
        let floored = spec(&name, Version::V1_37).static_manifests(floor::documents(OPERATOR));
        let stage = Stage::start(floored, Progress::quiet()).await?;
        let result = kept(&stage).await;
        stage.lab.stop().await?;
        result?;

        let name = format!("no-floor-{}", std::process::id());
        let stage = Stage::start(spec(&name, Version::V1_37), Progress::quiet()).await?;
        let result = put_back(&stage).await;
        stage.lab.stop().await?;
        result
    });
    if let Err(error) = tried {
        panic!("{error:#}");
    }
}

async fn kept(stage: &Stage) -> Result<()> {
    let bindings = Api::<ValidatingAdmissionPolicyBinding>::all(stage.client.clone());
    let policies = Api::<ValidatingAdmissionPolicy>::all(stage.client.clone());
    let refused = |what: &str, result: Result<(), kube::Error>| -> Result<()> {
        let error = result
            .err()
            .with_context(|| format!("{what} was let through"))?;
        ensure!(error.to_string().contains("pinisi T01:"), "{what}: {error}");
        Ok(())
    };
    let delete = bindings.delete(BINDING, &DeleteParams::default()).await;
    refused("deleting a binding", delete.map(drop))?;
    let delete = policies.delete(BINDING, &DeleteParams::default()).await;
    refused("deleting a policy", delete.map(drop))?;
    let all = policies
        .delete_collection(&DeleteParams::default(), &ListParams::default())
        .await;
    refused("deleting every policy", all.map(drop))?;
    let soft = Patch::Merge(json!({"spec": {"validationActions": ["Audit"]}}));
    let patch = bindings
        .patch(BINDING, &PatchParams::default(), &soft)
        .await;
    refused("softening a binding", patch.map(drop))?;

    // The operator is stopped, and nothing changes; `check` says who guards the guard.
    stage.operator.kill_9(&stage.lab).await?;
    let delete = bindings.delete(BINDING, &DeleteParams::default()).await;
    refused("deleting a binding with no operator", delete.map(drop))?;
    let (_, check) = plugin_in(&stage.lab, &["check", "-o", "json"]).await?;
    let found = check["checks"].as_array().into_iter().flatten();
    let floor: Vec<_> = found.filter(|check| check["id"] == "PN023").collect();
    ensure!(
        floor.iter().all(|check| check["status"] == "ok") && !floor.is_empty(),
        "{floor:?}"
    );

    // The operator itself still applies the guard.
    stage.lab.start_operator(OperatorSpec::default()).await?;
    eventually(
        "it leads again, and no error of the guard is told",
        60,
        async || {
            let policies = policies.list(&ListParams::default()).await?;
            Ok(policies.iter().any(|policy| policy.name_any() == BINDING))
        },
    )
    .await
}

async fn put_back(stage: &Stage) -> Result<()> {
    let bindings = Api::<ValidatingAdmissionPolicyBinding>::all(stage.client.clone());
    let (_, check) = plugin_in(&stage.lab, &["check", "-o", "json"]).await?;
    let found = check["checks"].as_array().into_iter().flatten();
    let warned = found
        .filter(|check| check["id"] == "PN023" && check["status"] == "warn")
        .count();
    ensure!(warned == 1, "{check}");

    bindings.delete(BINDING, &DeleteParams::default()).await?;
    eventually("the binding is back", PUT_BACK_SECONDS, async || {
        Ok(bindings.get_opt(BINDING).await?.is_some())
    })
    .await?;
    let soft = Patch::Merge(json!({"spec": {"validationActions": ["Audit"]}}));
    bindings
        .patch(BINDING, &PatchParams::default(), &soft)
        .await?;
    eventually("it refuses again", PUT_BACK_SECONDS, async || {
        let binding = bindings.get(BINDING).await?;
        Ok(binding.spec.validation_actions.contains(&"Deny".to_owned()))
    })
    .await
}
