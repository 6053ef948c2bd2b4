//! The conformance cases that need another cluster: all green, and a copy of the Sensitive canary's Secret
//! or ConfigMap in the cloud turns its case red, under whatever name it lies there.

use crate::cloud::{self, Clouds};
use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};
use kube::api::ListParams;
use kube::{Api, ResourceExt};
use kubectl_pinisi::conformance::case::Case;
use kubectl_pinisi::conformance::cases;
use kubectl_pinisi::conformance::ground::Account;
use kubectl_pinisi::conformance::outcome::Verdict;
use kubectl_pinisi::conformance::suite::{Settings, Suite};
use pinisi_e2e::objects::{apply, namespace};
use pinisi_lab::operator::{NAMESPACE, SERVICE_ACCOUNT};
use serde_json::json;

/// What needs another cluster.
const CASES: [&str; 4] = ["S33", "S34", "S36", "P10"];
/// Where the copies lie.
const NS: &str = "copied";
const MARKED: &str = "canary-marked";

#[test]
fn what_needs_another_cluster_is_green_and_a_copy_of_the_canary_is_found() {
    cloud::run(async |clouds| {
        apply(&clouds.there, namespace(NS, "MassTraffic")).await?;
        let cases: Vec<&'static Case> = cases::named(&CASES).collect();
        ensure!(cases.len() == CASES.len(), "{cases:?}");
        let settings = Settings {
            operator: Account {
                namespace: NAMESPACE.into(),
                name: SERVICE_ACCOUNT.into(),
            },
            operator_down: false,
            remote: Some(clouds.there.clone()),
        };
        let mut suite = Suite::open(&clouds.hub, settings, &cases).await?;
        let result = found(clouds, &mut suite, &cases).await;
        suite.close().await;
        result
    });
}

async fn found(clouds: &Clouds, suite: &mut Suite, cases: &[&'static Case]) -> Result<()> {
    for case in cases {
        let report = suite.run(case).await?;
        ensure!(
            report.verdict() == Verdict::Green,
            "{}: {:#?}",
            case.id,
            report.tried
        );
    }
    copy(clouds).await?;
    for case in cases
        .iter()
        .filter(|case| ["S33", "S34"].contains(&case.id))
    {
        let report = suite.run(case).await?;
        let said = report.tried.iter().map(|tried| tried.answer.as_str());
        let said: Vec<&str> = said.collect();
        ensure!(
            report.verdict() == Verdict::Red
                && said.iter().any(|words| words.contains("copied/innocent")),
            "{}: {said:?}",
            case.id
        );
    }
    Ok(())
}

/// As an engine for several clusters would, but for the name and the labels.
async fn copy(clouds: &Clouds) -> Result<()> {
    let own = ListParams::default().labels("pinisi.dev/conformance");
    let namespaces = Api::<Namespace>::all(clouds.hub.clone()).list(&own).await?;
    let sensitive = |namespace: &&Namespace| {
        namespace
            .labels()
            .get("pinisi.dev/class")
            .is_some_and(|class| class == "Sensitive")
    };
    let mut copied = false;
    for home in namespaces
        .iter()
        .filter(sensitive)
        .map(ResourceExt::name_any)
    {
        let secret = Api::<Secret>::namespaced(clouds.hub.clone(), &home)
            .get_opt(MARKED)
            .await?;
        let config = Api::<ConfigMap>::namespaced(clouds.hub.clone(), &home)
            .get_opt(MARKED)
            .await?;
        let (Some(secret), Some(config)) = (secret, config) else {
            continue;
        };
        let metadata = json!({"name": "innocent", "namespace": NS});
        apply(&clouds.there, json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": secret.data})).await?;
        apply(&clouds.there, json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": config.data})).await?;
        copied = true;
    }
    copied.then_some(()).context("there is no canary to copy")
}
