//! `kubectl pinisi conformance run` as a person runs it. What is skipped is listed here, each with its
//! reason: a case that ceases to be tried fails the test.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::ListParams;
use kube::{Api, ResourceExt};
use pinisi_e2e::plugin::plugin_in;
use pinisi_e2e::wait::eventually;
use pinisi_lab::conformance::{Stage, spec};
use pinisi_lab::programs::Version;
use pinisi_lab::progress::Progress;
use serde_json::Value;
use tokio::runtime::Runtime;

/// Cases that are not tried here, or not all of them, whatever runs: the server has no static pack, and
/// there is no other cluster.
const NOT_TRIED: &[(&str, &str)] = &[
    ("S15", "not-guaranteed"),
    ("S23", "needs-dataplane"),
    ("S27", "needs-dataplane"),
    ("S28", "needs-dataplane"),
    ("S29", "needs-dataplane"),
    ("S30", "needs-dataplane"),
    ("S31", "needs-dataplane"),
    ("S32", "needs-dataplane"),
    ("S33", "needs-remote"),
    ("S34", "needs-remote"),
    ("S36", "needs-remote"),
    ("S37", "needs-dataplane"),
    ("S38", "needs-dataplane"),
    ("S43", "needs-lab"),
    ("S45", "not-built"),
    ("S46", "not-built"),
    ("S47", "not-built"),
    ("S48", "needs-lab"),
    ("P10", "needs-remote"),
];
/// Attempts that the server itself refuses or drops: cloning from another namespace is behind a
/// feature gate, and an older server does not know image volumes.
const UNREACHABLE: &[&str] = &["made from a claim of another namespace"];
const UNREACHABLE_BEFORE: &[&str] = &["image", "made from a claim of another namespace"];

#[test]
fn every_way_around_is_refused() {
    on(Version::V1_37, UNREACHABLE);
}

#[test]
#[ignore = "deep: cargo lab test --deep older"]
fn every_way_around_is_refused_by_an_older_server() {
    on(Version::V1_34, UNREACHABLE_BEFORE);
}

fn on(version: Version, unreachable: &[&str]) {
    let tried = Runtime::new().expect("a tokio runtime").block_on(async {
        let name = format!("conformance-{}", std::process::id());
        let stage = Stage::start(spec(&name, version), Progress::quiet()).await?;
        let result = running_and_stopped(&stage, unreachable).await;
        stage.lab.stop().await?;
        result
    });
    if let Err(error) = tried {
        panic!("{error:#}");
    }
}

async fn running_and_stopped(stage: &Stage, unreachable: &[&str]) -> Result<()> {
    let (code, running) = gold(stage, &[]).await?;
    as_must_be(
        (code, &running),
        &[("S13", "needs-operator-down")],
        unreachable,
    )?;

    // With one that leads nothing is shown, and the suite says so.
    let (code, _) = gold(stage, &["--operator-down"]).await?;
    ensure!(code == 2, "exit code {code} while an operator leads");

    stage.operator.kill_9(&stage.lab).await?;
    let (code, stopped) = gold(stage, &["--operator-down"]).await?;
    as_must_be((code, &stopped), &[], unreachable)?;
    ensure!(stopped["operatorDown"] == true, "{stopped}");
    let again = case(&stopped, "S13")?;
    let attempts = again["attempts"].as_array().map_or(0, Vec::len);
    ensure!(attempts > 40, "S13 tried only {attempts} times");

    let (code, strict) = gold(stage, &["--operator-down", "--strict"]).await?;
    ensure!(
        code == 1 && strict["verdict"] == "partial",
        "{code}: {strict}"
    );
    nothing_left(stage).await
}

async fn gold(stage: &Stage, more: &[&str]) -> Result<(i32, Value)> {
    let args = ["conformance", "run", "--level", "gold", "-o", "json"];
    plugin_in(&stage.lab, &[&args, more].concat()).await
}

/// Nothing is red, and what was skipped is what is listed here.
fn as_must_be(
    (code, report): (i32, &Value),
    also: &[(&str, &str)],
    unreachable: &[&str],
) -> Result<()> {
    let cases = report["cases"].as_array().context("no report")?;
    let red: Vec<&Value> = cases
        .iter()
        .filter(|case| case["verdict"] == "red")
        .collect();
    ensure!(red.is_empty(), "{}", serde_json::to_string_pretty(&red)?);
    ensure!(code == 0, "exit code {code}");
    ensure!(report["format"] == "pinisi-conformance/v1", "{report}");
    let text = |case: &Value, field: &str| case[field].as_str().unwrap_or_default().to_owned();
    let left: BTreeMap<String, String> = cases
        .iter()
        .filter(|case| case["verdict"] != "green")
        .map(|case| (text(case, "id"), text(case, "reason")))
        .collect();
    let wanted: BTreeMap<String, String> = [NOT_TRIED, also]
        .concat()
        .into_iter()
        .map(|(id, reason)| (id.to_owned(), reason.to_owned()))
        .collect();
    ensure!(left == wanted, "not green: {left:?}, expected {wanted:?}");
    let attempts = cases
        .iter()
        .filter(|case| case["verdict"] != "skipped")
        .flat_map(|case| case["attempts"].as_array());
    let mut missed: Vec<String> = attempts
        .flatten()
        .filter(|attempt| attempt["outcome"] == "skipped")
        .filter(|attempt| {
            !NOT_TRIED
                .iter()
                .chain(also)
                .any(|(_, reason)| attempt["reason"] == *reason)
        })
        .map(|attempt| text(attempt, "name"))
        .collect();
    missed.sort();
    ensure!(
        missed == unreachable,
        "not tried: {missed:?}, expected {unreachable:?}"
    );
    Ok(())
}

fn case(report: &Value, id: &str) -> Result<Value> {
    let cases = report["cases"].as_array();
    let found = cases.and_then(|cases| cases.iter().find(|case| case["id"] == id));
    found.cloned().with_context(|| format!("no case {id}"))
}

async fn nothing_left(stage: &Stage) -> Result<()> {
    let namespaces = Api::<Namespace>::all(stage.client.clone());
    let own = ListParams::default().labels("pinisi.dev/conformance");
    eventually("the canaries are gone", 60, async || {
        let left = namespaces.list(&own).await?;
        let names: Vec<String> = left.iter().map(ResourceExt::name_any).collect();
        ensure!(names.is_empty(), "{names:?}");
        Ok(true)
    })
    .await
}
