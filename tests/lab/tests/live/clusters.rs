//! Several clusters: side by side, told apart, silenced, ended together; and one
//! of an older Kubernetes.

use std::process::Command;
use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Node, Secret};
use kube::api::{DeleteParams, ListParams};
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use kube::{Api, Client};
use pinisi_lab::progress::Progress;
use pinisi_lab::state::LabState;
use pinisi_lab::{Lab, LabSpec, NodeGroup, Version};
use serde_json::Value;

use crate::{assert_nothing_runs, until};

const ACCOUNT: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: pinisi-remote}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: hub, namespace: pinisi-remote}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: hub}
rules: [{apiGroups: [''], resources: [nodes], verbs: [list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: hub}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: hub}
subjects: [{kind: ServiceAccount, name: hub, namespace: pinisi-remote}]
";

fn web(replicas: u32) -> String {
    format!(
        "
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, namespace: default}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec: {{containers: [{{name: c, image: x}}]}}
"
    )
}

async fn ready(client: &Client) -> i32 {
    let web: Deployment = Api::default_namespaced(client.clone())
        .get("web")
        .await
        .unwrap();
    web.status
        .and_then(|status| status.ready_replicas)
        .unwrap_or(0)
}

async fn client_of(kubeconfig: &str) -> Client {
    let kubeconfig = Kubeconfig::from_yaml(kubeconfig).unwrap();
    let options = KubeConfigOptions::default();
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .unwrap();
    config.proxy_url = None;
    config.read_timeout = Some(Duration::from_secs(2));
    Client::try_from(config).unwrap()
}

async fn list_nodes(client: &Client) -> Result<usize, kube::Error> {
    let nodes = Api::<Node>::all(client.clone())
        .list(&ListParams::default())
        .await;
    nodes.map(|nodes| nodes.items.len())
}

fn code<T: std::fmt::Debug>(answer: Result<T, kube::Error>) -> u16 {
    match answer {
        Err(kube::Error::Api(status)) => status.code,
        other => panic!("not an answer of the API server: {other:?}"),
    }
}

#[tokio::test]
#[ignore = "starts labs; see the top of this file"]
async fn a_hub_and_a_further_cluster_know_nothing_of_each_other() {
    let hub = LabSpec::for_test("live-hub", vec![NodeGroup::home(1, "8", "16Gi")]);
    let hub = hub.without_prometheus();
    let cloud = hub.further(NodeGroup::remote("cloud", 2, "8", "16Gi").ready_after(0.5));
    let mut labs = Lab::start_all(vec![hub, cloud], Progress::quiet())
        .await
        .unwrap();
    let (cloud, hub) = (labs.pop().unwrap(), labs.pop().unwrap());
    assert_ne!(hub.apiserver_url(), cloud.apiserver_url());
    assert_eq!(cloud.version().await.unwrap(), Version::V1_37.git_version());

    // Its nodes are plain ones: no taint, and no mark of home.
    let node: Node = Api::all(cloud.admin_client().await.unwrap())
        .get("cloud-0")
        .await
        .unwrap();
    assert_eq!(node.spec.unwrap().taints, None);
    let labels = node.metadata.labels.unwrap();
    assert_eq!(
        labels["node-restriction.kubernetes.io/pinisi-site"],
        "cloud"
    );
    assert!(!labels.contains_key("node-restriction.kubernetes.io/pinisi-ground"));

    identities(&hub, &cloud).await;
    canaries(&hub, &cloud).await;
    silence(&hub, &cloud).await;

    let states = [hub.state().unwrap(), cloud.state().unwrap()];
    hub.stop().await.unwrap();
    cloud.stop().await.unwrap();
    states.iter().for_each(assert_nothing_runs);
}

async fn identities(hub: &Lab, cloud: &Lab) {
    assert_eq!(cloud.apply(ACCOUNT).await.unwrap(), 4);
    let text = cloud
        .account_kubeconfig("pinisi-remote", "hub")
        .await
        .unwrap();
    assert!(!text.contains("certificate-authority:"), "no file paths");
    let account = client_of(&text).await;
    assert_eq!(list_nodes(&account).await.unwrap(), 2);
    let secrets: Api<Secret> = Api::default_namespaced(account.clone());
    assert_eq!(code(secrets.list(&ListParams::default()).await), 403);
    let admin = client_of(&hub.kubeconfig_text().unwrap()).await;
    assert_eq!(list_nodes(&admin).await.unwrap(), 1);

    // Another cluster's token, one whose time has passed, and the same in time.
    let token = cloud.account_token("pinisi-remote", "hub").await.unwrap();
    let stray = client_of(&hub.kubeconfig_with(&token).unwrap()).await;
    assert_eq!(code(list_nodes(&stray).await), 401);
    let expired = cloud.expired_token("pinisi-remote", "hub").await.unwrap();
    let late = client_of(&cloud.kubeconfig_with(&expired).unwrap()).await;
    assert_eq!(code(list_nodes(&late).await), 401);
    let soon = jiff::Timestamp::now().as_second() + 600;
    let moved = cloud.token_until(&token, soon).unwrap();
    let in_time = client_of(&cloud.kubeconfig_with(&moved).unwrap()).await;
    assert_eq!(
        list_nodes(&in_time).await.unwrap(),
        2,
        "only the time was wrong"
    );

    // One that is taken back.
    let token = cloud
        .revocable_token("pinisi-remote", "hub", "key")
        .await
        .unwrap();
    let guest = client_of(&cloud.kubeconfig_with(&token).unwrap()).await;
    assert_eq!(list_nodes(&guest).await.unwrap(), 2);
    let keys: Api<Secret> = Api::namespaced(cloud.admin_client().await.unwrap(), "pinisi-remote");
    keys.delete("key", &DeleteParams::default()).await.unwrap();
    until("401 for a token that was taken back", 20, || async {
        matches!(list_nodes(&guest).await, Err(kube::Error::Api(status)) if status.code == 401)
    })
    .await;
}

async fn canaries(hub: &Lab, cloud: &Lab) {
    const CANARY: &str = "canary-4e1d7b90";
    let secret = format!(
        "{{apiVersion: v1, kind: Secret, metadata: {{name: held, namespace: default}}, \
          stringData: {{word: '{CANARY}'}}}}"
    );
    hub.apply(&secret).await.unwrap();
    let at_hub = hub.store().search(CANARY.as_bytes()).await.unwrap();
    assert_eq!(at_hub.found, ["/registry/secrets/default/held"]);
    let in_cloud = cloud.store().search(CANARY.as_bytes()).await.unwrap();
    assert_eq!(in_cloud.found, Vec::<String>::new());
    assert!(in_cloud.read > 200, "more than one page: {}", in_cloud.read);
    let accounts = cloud
        .store()
        .read("/registry/serviceaccounts/pinisi-remote/")
        .await
        .unwrap();
    assert_eq!(
        accounts[0].key,
        "/registry/serviceaccounts/pinisi-remote/default"
    );
    assert!(!accounts[0].value.is_empty());

    // Deleted, it is gone from what is, and not from what was.
    let secrets: Api<Secret> = Api::default_namespaced(hub.admin_client().await.unwrap());
    secrets
        .delete("held", &DeleteParams::default())
        .await
        .unwrap();
    assert!(
        hub.store()
            .search(CANARY.as_bytes())
            .await
            .unwrap()
            .found
            .is_empty()
    );
    assert!(
        !hub.store()
            .search_files(CANARY.as_bytes())
            .unwrap()
            .found
            .is_empty()
    );
    let never = cloud.store().search_files(CANARY.as_bytes()).unwrap();
    assert!(
        never.found.is_empty() && never.bytes > 1_000_000,
        "{never:?}"
    );
}

async fn silence(hub: &Lab, cloud: &Lab) {
    cloud.apply(&web(2)).await.unwrap();
    let client = cloud.admin_client().await.unwrap();
    until("pods in the further cluster", 15, || async {
        ready(&client).await == 2
    })
    .await;

    let outside = client_of(&cloud.kubeconfig_text().unwrap()).await;
    assert!(cloud.pause_apiserver().await.unwrap());
    let mute = list_nodes(&outside).await.unwrap_err();
    assert!(!matches!(mute, kube::Error::Api(_)), "{mute:?}");
    let at_hub = hub.admin_client().await.unwrap();
    assert_eq!(list_nodes(&at_hub).await.unwrap(), 1, "the hub goes on");
    cloud.resume_apiserver().await.unwrap();
    until("an answer again", 10, || async {
        list_nodes(&outside).await.is_ok()
    })
    .await;

    let before = cloud.cpu_time("kube-apiserver").unwrap();
    assert!(before > Duration::from_millis(500), "{before:?}");
    assert!(cloud.stop_apiserver().await.unwrap());
    assert!(cloud.cpu_time("kube-apiserver").is_err());
    assert!(list_nodes(&outside).await.is_err());
    cloud.start_apiserver().await.unwrap();
    // Its data is there, and its controllers and nodes find their way back.
    let client = cloud.admin_client().await.unwrap();
    assert_eq!(ready(&client).await, 2);
    cloud.apply(&web(5)).await.unwrap();
    until("more pods after the return", 30, || async {
        ready(&client).await == 5
    })
    .await;
}

#[tokio::test]
#[ignore = "starts a lab; see the top of this file"]
async fn an_older_server_runs_and_lacks_what_came_later() {
    let nodes = vec![NodeGroup::remote("cloud", 1, "8", "16Gi").ready_after(0.5)];
    let spec = LabSpec::for_test("live-1-34", nodes);
    let spec = spec.without_prometheus().kubernetes(Version::V1_34);
    let lab = Lab::start(spec).await.unwrap();
    assert_eq!(lab.version().await.unwrap(), "v1.34.4");
    lab.apply(&web(3)).await.unwrap();
    let client = lab.admin_client().await.unwrap();
    until("pods", 15, || async { ready(&client).await == 3 }).await;
    let served = client
        .list_api_group_resources("admissionregistration.k8s.io/v1")
        .await
        .unwrap();
    let has = |name: &str| {
        served
            .resources
            .iter()
            .any(|resource| resource.name == name)
    };
    assert!(has("validatingadmissionpolicies"));
    assert!(!has("mutatingadmissionpolicies"));
    lab.stop().await.unwrap();
}

#[tokio::test]
#[ignore = "starts labs; see the top of this file"]
async fn up_and_down_of_the_remote_topology() {
    let name = format!("live-remote-{}", std::process::id());
    let lab = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_lab"))
            .args(args)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        text
    };
    let up = [
        "up",
        "--topology",
        "remote",
        "--no-prometheus",
        "-o",
        "json",
    ];
    let size = ["--home-nodes", "1", "--cloud-nodes", "1", "--name", &name];
    let said: Value = serde_json::from_str(&lab(&[&up[..], &size[..]].concat())).unwrap();
    let further = format!("{name}-cloud");
    assert_eq!(
        (&said[0]["name"], &said[1]["name"]),
        (&name.clone().into(), &further.clone().into())
    );
    assert_eq!(said[1]["hub"], name.clone());
    assert_eq!(
        said[0]["nodes"],
        serde_json::json!({"home": {"ready": 1, "total": 1}})
    );
    let status = lab(&["status", "--name", &name]);
    assert!(
        status.contains(&format!("lab {further}: runs, a further cluster of {name}")),
        "{status}"
    );
    assert!(
        !lab(&["logs", "kube-apiserver", "--name", &further])
            .trim()
            .is_empty()
    );

    let dirs = [&name, &further].map(|name| pinisi_lab::paths::StateDir::of(name).unwrap());
    let states = dirs
        .clone()
        .map(|dir| LabState::read(&dir).unwrap().unwrap());
    let maps: Api<ConfigMap> =
        Api::default_namespaced(Lab::attach(&further).unwrap().admin_client().await.unwrap());
    assert!(maps.list(&ListParams::default()).await.is_ok());
    lab(&["down", "--name", &name]);
    states.iter().for_each(assert_nothing_runs);
    assert!(dirs.iter().all(|dir| !dir.path().exists()));
}
