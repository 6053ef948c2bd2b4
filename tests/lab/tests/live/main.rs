//! The lab itself, for real: what it starts works, and what it started ends.
//! Ignored by a plain `cargo test`, as it builds Kubernetes where the cache has
//! none: `cargo test -p pinisi-lab --test live -- --ignored`.

// The whole file is a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod clusters;
mod metrics;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::{Namespace, Node, Pod, ServiceAccount};
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::{Api, Client};
use pinisi_lab::audit::AuditFilter;
use pinisi_lab::exporter::Exporter;
use pinisi_lab::load::Offered;
use pinisi_lab::operator::OperatorSpec;
use pinisi_lab::paths::StateDir;
use pinisi_lab::process::ProcessId;
use pinisi_lab::state::{LabState, Phase};
use pinisi_lab::{Lab, LabSpec, NodeGroup};
use serde_json::json;

async fn until<F: Future<Output = bool>>(what: &str, seconds: u64, probe: impl Fn() -> F) {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    while !probe().await {
        assert!(Instant::now() < deadline, "not within {seconds} s: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn ready_on(client: &Client, node: &str) -> bool {
    let pods = Api::<Pod>::default_namespaced(client.clone())
        .list(&ListParams::default())
        .await
        .unwrap();
    pods.items.iter().any(|pod| {
        let conditions = pod
            .status
            .as_ref()
            .and_then(|status| status.conditions.clone())
            .unwrap_or_default();
        pod.spec
            .as_ref()
            .is_some_and(|spec| spec.node_name.as_deref() == Some(node))
            && conditions
                .iter()
                .any(|condition| condition.type_ == "Ready" && condition.status == "True")
    })
}

fn pod(name: &str, node: &str) -> Pod {
    let tolerations = json!([{"operator": "Exists"}]);
    let containers = json!([{"name": "c", "image": "x"}]);
    let spec = json!({"nodeName": node, "tolerations": tolerations, "containers": containers});
    serde_json::from_value(json!({"metadata": {"name": name}, "spec": spec})).unwrap()
}

/// A stand-in that says who it is and then waits, as the real one would.
fn stand_in(folder: &Path) -> PathBuf {
    let path = folder.join("operator");
    std::fs::write(
        &path,
        "#!/bin/sh\necho \"$POD_NAME $POD_NAMESPACE $*\"\nexec sleep 600\n",
    )
    .unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

async fn first_value(url: &str, query: &str) -> Option<f64> {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = http
        .get(format!("{url}/api/v1/query?query={query}"))
        .send()
        .await
        .ok()?
        .text()
        .await
        .ok()?;
    let answer: serde_json::Value = serde_json::from_str(&answer).ok()?;
    answer["data"]["result"][0]["value"][1]
        .as_str()?
        .parse()
        .ok()
}

#[tokio::test]
#[ignore = "starts a lab; see the top of this file"]
async fn a_lab_works_and_ends_without_a_trace() {
    let exporter = Exporter::start(None).await.unwrap();
    exporter.set("shop", "web", Offered::Rps(40.0));
    let nodes = vec![
        NodeGroup::home(2, "8", "16Gi").ready_after(0.5),
        NodeGroup::cloud(1, "8", "16Gi").ready_after(3.0),
    ];
    let spec = LabSpec::for_test("live", nodes).scrape("demo", exporter.address());
    let lab = Lab::start(spec).await.unwrap();
    let client = lab.admin_client().await.unwrap();

    // Pods become ready after their site's delay, and go when deleted.
    let pods = Api::<Pod>::default_namespaced(client.clone());
    until("the default account", 20, || async {
        pods.create(&PostParams::default(), &pod("at-home", "home-0"))
            .await
            .is_ok()
    })
    .await;
    let started = Instant::now();
    pods.create(&PostParams::default(), &pod("in-cloud", "cloud-0"))
        .await
        .unwrap();
    until("a pod at home", 3, || ready_on(&client, "home-0")).await;
    assert!(
        !ready_on(&client, "cloud-0").await,
        "the cloud must be slower"
    );
    until("a pod in the cloud", 10, || ready_on(&client, "cloud-0")).await;
    assert!(
        started.elapsed() >= Duration::from_millis(2_900),
        "{:?}",
        started.elapsed()
    );
    pods.delete("at-home", &DeleteParams::default())
        .await
        .unwrap();
    until("the deletion", 10, || async {
        pods.get_opt("at-home").await.unwrap().is_none()
    })
    .await;

    // Nodes: site label, taint, and more of them later.
    let node = Api::<Node>::all(client.clone())
        .get("cloud-0")
        .await
        .unwrap();
    let taints = node.spec.unwrap().taints.unwrap();
    assert!(
        taints
            .iter()
            .any(|taint| taint.key == "pinisi.dev/site" && taint.effect == "NoExecute")
    );
    lab.add_nodes("home", 2).await.unwrap();
    assert_eq!(lab.nodes().await.unwrap()["home"].ready, 4);

    // Prometheus scrapes, also what is added later.
    let prometheus = lab.prometheus_url().unwrap().to_owned();
    until("a sample", 20, || async {
        first_value(&prometheus, "pinisi_demo_offered_rps").await == Some(40.0)
    })
    .await;
    until("a rate of the counter", 20, || async {
        first_value(&prometheus, "rate(pinisi_demo_requests_total[5s])")
            .await
            .is_some_and(|rate| (rate - 40.0).abs() < 2.0)
    })
    .await;
    let second = Exporter::start(None).await.unwrap();
    second.set("shop", "later", Offered::Rps(1.0));
    lab.scrape(vec![exporter.target("demo"), second.target("second")])
        .await
        .unwrap();
    until("a new target", 20, || async {
        first_value(&prometheus, "pinisi_demo_offered_rps{workload=\"later\"}").await == Some(1.0)
    })
    .await;

    // The operator runs under its account, dies, comes back, and is told apart.
    let accounts = Api::<ServiceAccount>::namespaced(client.clone(), "pinisi-system");
    let namespace: Namespace =
        serde_json::from_value(json!({"metadata": {"name": "pinisi-system"}})).unwrap();
    Api::<Namespace>::all(client.clone())
        .create(&PostParams::default(), &namespace)
        .await
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut spec = OperatorSpec::replica(3);
    spec.binary = Some(stand_in(folder.path()));
    let early = lab.start_operator(spec.clone()).await.unwrap_err();
    assert!(
        early
            .to_string()
            .contains("no token for the ServiceAccount pinisi-system/pinisi"),
        "{early:#}"
    );
    let account: ServiceAccount =
        serde_json::from_value(json!({"metadata": {"name": "pinisi"}})).unwrap();
    accounts
        .create(&PostParams::default(), &account)
        .await
        .unwrap();
    let mut operator = lab.start_operator(spec).await.unwrap();
    assert!(operator.is_running());
    let first_pid = operator.pid();
    let log = operator.log_path().clone();
    let said = || std::fs::read_to_string(&log).unwrap();
    until("the operator's first word", 5, || async {
        said().lines().count() == 1
    })
    .await;
    assert!(operator.kill_9(&lab).await.unwrap());
    assert!(!operator.is_running());
    operator.restart(&lab).await.unwrap();
    assert_ne!(operator.pid(), first_pid);
    until("the operator's second word", 5, || async {
        said().lines().count() == 2
    })
    .await;
    assert!(
        said().starts_with(&format!(
            "pinisi-3 pinisi-system --http-listen {}",
            operator.address()
        )),
        "{}",
        said()
    );

    let token = pinisi_lab::operator::service_account_token(&lab, "pinisi-system", "pinisi")
        .await
        .unwrap();
    let as_operator = lab.client_for_token(&token).await.unwrap();
    let refused = Api::<Pod>::default_namespaced(as_operator)
        .list(&ListParams::default())
        .await;
    assert!(
        matches!(refused, Err(kube::Error::Api(status)) if status.code == 403),
        "it has no rights yet"
    );
    let filter = AuditFilter::service_account("pinisi-system", "pinisi");
    let events = lab.audit_log().read(&filter).unwrap();
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(
        (
            events[0].verb.as_str(),
            events[0].resource.as_str(),
            events[0].code
        ),
        ("list", "pods", 403)
    );

    // Helm speaks to this lab.
    assert!(
        lab.helm()
            .run(&["list", "--all-namespaces"])
            .await
            .unwrap()
            .starts_with("NAME")
    );

    // A second lab of the same name is refused; the first one is not disturbed.
    let again = Lab::start(lab.state().unwrap().spec)
        .await
        .unwrap_err()
        .to_string();
    assert!(again.contains("runs already"), "{again}");

    // The end: no process and no file.
    let state = lab.state().unwrap();
    let folder = lab.dir().path().to_owned();
    assert!(
        state.children.iter().all(|child| child.process.is_alive()),
        "{:?}",
        state.children
    );
    assert_eq!(state.children.len(), 7);
    lab.stop().await.unwrap();
    assert_nothing_runs(&state);
    assert!(!folder.exists());
}

fn assert_nothing_runs(state: &LabState) {
    let processes = state
        .children
        .iter()
        .map(|child| &child.process)
        .chain([&state.supervisor]);
    let left: Vec<&ProcessId> = processes.filter(|process| process.is_alive()).collect();
    assert!(left.is_empty(), "still alive: {left:?}");
}

async fn until_ended(dir: &StateDir) -> LabState {
    until("the end of the lab", 15, || async {
        LabState::read(dir)
            .unwrap()
            .is_some_and(|state| !state.supervisor.is_alive())
    })
    .await;
    LabState::read(dir).unwrap().unwrap()
}

#[tokio::test]
#[ignore = "starts a lab; see the top of this file"]
async fn a_killed_starter_takes_its_lab_with_it() {
    let name = format!("live-tether-{}", std::process::id());
    let dir = StateDir::of(&name).unwrap();
    let mut starter = Command::new(env!("CARGO_BIN_EXE_lab"))
        .args(["up", "--no-prometheus", "--name", &name])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until("a first child", 20, || async {
        LabState::read(&dir).is_ok_and(|state| state.is_some_and(|state| state.children.len() >= 2))
    })
    .await;
    starter.kill().unwrap();
    starter.wait().unwrap();
    let state = until_ended(&dir).await;
    assert_eq!(state.phase, Phase::Failed);
    assert_nothing_runs(&state);
    std::fs::remove_dir_all(dir.path()).unwrap();
}

#[tokio::test]
#[ignore = "starts a lab; see the top of this file"]
async fn a_killed_supervisor_leaves_nothing_and_a_kept_lab_outlives_its_starter() {
    let name = format!("live-crash-{}", std::process::id());
    let up = Command::new(env!("CARGO_BIN_EXE_lab"))
        .args(["up", "--no-prometheus", "-o", "json", "--name", &name])
        .output()
        .unwrap();
    assert!(
        up.status.success(),
        "{}",
        String::from_utf8_lossy(&up.stderr)
    );
    let lab = Lab::attach(&name).unwrap();
    assert!(lab.nodes().await.unwrap()["cloud"].ready > 0);
    let state = lab.state().unwrap();
    assert!(
        state
            .supervisor
            .signal(rustix::process::Signal::KILL)
            .unwrap()
    );
    until("the end of all children", 5, || async {
        state.children.iter().all(|child| !child.process.is_alive())
    })
    .await;
    assert_nothing_runs(&state);
    let down = Command::new(env!("CARGO_BIN_EXE_lab"))
        .args(["down", "--name", &name])
        .output()
        .unwrap();
    assert!(down.status.success());
    assert!(!lab.dir().path().exists());
}
