//! Supervisors against scripted clusters: what a real server can hardly be made to show, in a time
//! that only the tests turn.

use super::*;
use crate::gather::facts::SiteFacts;
use crate::gather::remotes::secret::Content;
use crate::gather::remotes::{self, secret};
use crate::gather::wire_custom::SiteWire;
use http::{Request, Response};
use kube::client::Body;
use parking_lot::Mutex;
use pinisi_crds::site::ClusterIdentity;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::convert::Infallible;

const HUB: &str = "uid-hub";

/// How a scripted cluster behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Well,
    /// Answers everything with this code.
    Says(u16),
    /// Answers lists of this plural with this code, all else well.
    SaysTo(&'static str, u16),
    /// Never answers.
    Hangs,
    /// Is not an API server.
    Babbles,
}

/// A scripted cluster.
struct Fake {
    uid: Mutex<String>,
    minor: &'static str,
    mood: Mutex<Mood>,
    /// Requests by path, and the tokens that they came with.
    asked: Mutex<BTreeMap<String, usize>>,
}

impl Fake {
    fn new(uid: &str) -> Arc<Self> {
        Self::of_version(uid, "37")
    }

    fn of_version(uid: &str, minor: &'static str) -> Arc<Self> {
        Arc::new(Self {
            uid: Mutex::new(uid.into()),
            minor,
            mood: Mutex::new(Mood::Well),
            asked: Mutex::default(),
        })
    }

    fn is(&self, mood: Mood) {
        *self.mood.lock() = mood;
    }

    fn asked(&self, path: &str) -> usize {
        self.asked.lock().get(path).copied().unwrap_or(0)
    }

    fn client(self: &Arc<Self>) -> Client {
        let fake = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let fake = fake.clone();
            let uri = request.uri().clone();
            async move { fake.answer(&uri).await }
        });
        Client::new(service, "default")
    }

    async fn answer(&self, uri: &http::Uri) -> Result<Response<Body>, Infallible> {
        let path = uri.path().to_owned();
        let query = uri.query().unwrap_or_default().to_owned();
        *self.asked.lock().entry(path.clone()).or_default() += 1;
        let mood = *self.mood.lock();
        let (code, body) = match mood {
            Mood::Hangs => std::future::pending().await,
            Mood::Says(code) => (code, failure(code)),
            Mood::SaysTo(plural, code) if path.ends_with(plural) => (code, failure(code)),
            Mood::Babbles => (200, json!("hello")),
            // A watch on which nothing ever happens.
            Mood::Well | Mood::SaysTo(..) if query.contains("watch=true") => {
                std::future::pending().await
            }
            Mood::Well | Mood::SaysTo(..) => (200, self.object(&path, &query)),
        };
        let body = Body::from(body.to_string().into_bytes());
        Ok(Response::builder().status(code).body(body).unwrap())
    }

    fn object(&self, path: &str, query: &str) -> Value {
        if path == "/version" {
            return json!({"major": "1", "minor": self.minor, "gitVersion": format!("v1.{}.2", self.minor), "gitCommit": "",
                "gitTreeState": "", "buildDate": "", "goVersion": "", "compiler": "", "platform": ""});
        }
        let items = match path {
            "/api/v1/namespaces" if query.contains("kube-system") => {
                json!([{"metadata": {"name": "kube-system", "uid": *self.uid.lock()}}])
            }
            "/api/v1/nodes" => json!([{"metadata": {"name": "n1", "uid": "u"}}]),
            path if path.ends_with("/secrets") => {
                json!([{"metadata": {"name": "abroad"}, "data": {"kubeconfig": base64_of(&kubeconfig("first"))}}])
            }
            _ => json!([]),
        };
        json!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": items})
    }
}

fn failure(code: u16) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "said", "reason": "Said", "code": code, "metadata": {}})
}

/// A kubeconfig whose server's host says which scripted cluster is meant.
fn kubeconfig(host: &str) -> String {
    json!({"apiVersion": "v1", "kind": "Config", "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        "clusters": [{"name": "k", "cluster": {"server": format!("https://{host}:6443")}}],
        "users": [{"name": "u", "user": {"token": "abc"}}]})
    .to_string()
}

fn base64_of(text: &str) -> Value {
    serde_json::to_value(k8s_openapi::ByteString(text.as_bytes().to_vec())).unwrap()
}

fn content(text: &str) -> Held {
    Held::Content(Content {
        digest: Sha256::digest(text.as_bytes()).into(),
        bytes: text.as_bytes().into(),
    })
}

fn site(extra: &Value) -> SiteFacts {
    let mut spec =
        json!({"type": "Cloud", "jurisdiction": "SG", "kubeconfigSecretRef": {"name": "abroad"}});
    for (key, value) in extra.as_object().unwrap() {
        spec[key] = value.clone();
    }
    let wire: SiteWire = serde_json::from_value(
        json!({"metadata": {"name": "abroad", "uid": "site", "generation": 1}, "spec": spec}),
    )
    .unwrap();
    wire.into()
}

/// A supervisor under test with the clusters that it may find, by host.
struct Scene {
    shared: Arc<Shared>,
    clients: RemoteClients,
    held: channel::Sender<Held>,
    nudge: Arc<Notify>,
    token: CancellationToken,
    first: Arc<Fake>,
    second: Arc<Fake>,
}

fn shared() -> Arc<Shared> {
    let shared = Arc::new(Shared::new());
    let mut index = shared.index.write();
    index.hub = Some(ClusterIdentity {
        uid: HUB.into(),
        version: "v1.37.2".into(),
    });
    index.apply_site(site(&json!({})));
    drop(index);
    shared
}

fn dial(clusters: BTreeMap<&'static str, Arc<Fake>>) -> Dial {
    Arc::new(move |config: Config| {
        let host = config.cluster_url.host().unwrap_or_default().to_owned();
        let found = clusters.get(host.as_str());
        Ok(found.expect("a host of the scene").client())
    })
}

impl Scene {
    fn new() -> Self {
        Self::with(Fake::new("uid-first"))
    }

    fn with(first: Arc<Fake>) -> Self {
        let (shared, second) = (shared(), Fake::new("uid-second"));
        let view = ClusterView::new(Timestamp::now());
        shared.index.write().clusters.insert("abroad".into(), view);
        let clients = RemoteClients::new(shared.clone());
        let (held, receiver) = channel::channel(Held::default());
        let (nudge, token) = (Arc::new(Notify::new()), CancellationToken::new());
        let clusters = [
            ("first", first.clone()),
            ("renewed", first.clone()),
            ("second", second.clone()),
            ("hub", Fake::new(HUB)),
        ];
        let supervisor = Supervisor {
            shared: shared.clone(),
            clients: clients.clone(),
            site: "abroad".into(),
            dial: dial(clusters.into()),
            held: receiver,
            nudge: nudge.clone(),
            token: token.clone(),
        };
        tokio::spawn(supervisor.run());
        Self {
            shared,
            clients,
            held,
            nudge,
            token,
            first,
            second,
        }
    }

    fn secret(&self, text: &str) {
        self.held.send_replace(content(text));
    }

    fn link(&self) -> Link {
        self.shared.index.read().clusters["abroad"].link.clone()
    }

    fn reason(&self) -> &'static str {
        match self.link() {
            Link::Connecting => "connecting",
            Link::Up => "up",
            Link::Down { fault, .. } | Link::Refused { fault, .. } => fault.reason(),
        }
    }

    fn nodes(&self) -> usize {
        self.shared.index.read().clusters["abroad"].nodes.len()
    }

    fn warnings(&self) -> Vec<&'static str> {
        let index = self.shared.index.read();
        let warnings = &index.clusters["abroad"].warnings;
        warnings.iter().map(LinkFault::reason).collect()
    }

    /// Lets time pass until the link says this.
    async fn until(&self, reason: &str) {
        for _ in 0..2000 {
            if self.reason() == reason {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the link says {} and not {reason}", self.reason());
    }

    async fn up(&self) {
        self.secret(&kubeconfig("first"));
        self.until("up").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_sound_kubeconfig_is_up_with_facts_and_a_client() {
    let s = Scene::new();
    assert_eq!(s.reason(), "connecting");
    s.up().await;
    assert_eq!(s.nodes(), 1);
    let client = s.clients.get("abroad").unwrap();
    assert_eq!((&*client.hub_uid, &*client.cluster_uid), (HUB, "uid-first"));
    let index = s.shared.index.read();
    let view = &index.clusters["abroad"];
    assert!(view.seen && view.warnings.is_empty());
    assert_eq!(view.identity.as_ref().unwrap().version, "v1.37.2");
}

#[tokio::test(start_paused = true)]
async fn faults_of_the_secret_and_the_kubeconfig_are_named_and_mended_by_a_new_one() {
    let s = Scene::new();
    for (text, reason) in [
        ("garbage: [", "KubeconfigUnreadable"),
        ("{}", "KubeconfigIncomplete"),
        (&kubeconfig("first").replace("https", "http"), "NotTls"),
    ] {
        s.secret(text);
        s.until(reason).await;
        assert!(matches!(s.link(), Link::Refused { .. }));
        assert!(s.clients.get("abroad").is_none());
    }
    assert_eq!(s.first.asked("/version"), 0);
    s.up().await;
}

#[tokio::test(start_paused = true)]
async fn an_expired_token_is_named_and_tried_again() {
    let s = Scene::new();
    s.first.is(Mood::Says(401));
    s.secret(&kubeconfig("first"));
    s.until("Unauthorized").await;
    assert!(matches!(s.link(), Link::Down { .. }));
    s.first.is(Mood::Says(403));
    s.until("Forbidden").await;
    s.first.is(Mood::Babbles);
    s.until("Unreachable").await;
    s.first.is(Mood::Well);
    s.until("up").await;
}

#[tokio::test(start_paused = true)]
async fn a_missing_right_to_nodes_is_down_and_one_to_quotas_only_a_warning() {
    let s = Scene::new();
    s.first.is(Mood::SaysTo("/nodes", 403));
    s.secret(&kubeconfig("first"));
    s.until("Forbidden").await;
    s.first.is(Mood::SaysTo("/resourcequotas", 404));
    s.until("up").await;
    assert_eq!(s.warnings(), ["KindMissing"]);
}

#[tokio::test(start_paused = true)]
async fn the_hub_itself_is_refused_before_anything_is_watched() {
    let s = Scene::new();
    s.secret(&kubeconfig("hub"));
    s.until("HubItself").await;
    assert!(s.clients.get("abroad").is_none());
    assert_eq!(s.nodes(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_old_server_is_refused_and_an_older_one_that_will_do_is_not() {
    let s = Scene::with(Fake::of_version("uid-first", "29"));
    s.secret(&kubeconfig("first"));
    s.until("TooOld").await;
    let s = Scene::with(Fake::of_version("uid-first", "34"));
    s.up().await;
}

#[tokio::test(start_paused = true)]
async fn the_wrong_cluster_is_refused_and_a_person_may_say_that_it_is_right() {
    let s = Scene::new();
    s.up().await;
    s.secret(&kubeconfig("second"));
    s.until("WrongCluster").await;
    assert!(s.clients.get("abroad").is_none());
    assert_eq!(
        s.second.asked("/api/v1/nodes"),
        0,
        "nothing of it is believed"
    );
    assert_eq!(s.nodes(), 1, "what was known of the right one is kept");
    let named = site(&json!({"clusterUid": "uid-second"}));
    s.shared.index.write().apply_site(named);
    s.nudge.notify_one();
    s.until("up").await;
    assert_eq!(
        s.clients.get("abroad").unwrap().cluster_uid.as_ref(),
        "uid-second"
    );
}

#[tokio::test(start_paused = true)]
async fn a_named_cluster_that_changes_ends_the_session_with_the_other() {
    let s = Scene::new();
    s.up().await;
    let named = site(&json!({"clusterUid": "uid-second"}));
    s.shared.index.write().apply_site(named);
    s.nudge.notify_one();
    s.until("WrongCluster").await;
    assert!(s.clients.get("abroad").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_replaced_behind_its_address_is_found_out() {
    let s = Scene::new();
    s.up().await;
    *s.first.uid.lock() = "uid-replaced".into();
    s.until("WrongCluster").await;
    assert!(s.clients.get("abroad").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_rotation_leaves_no_gap() {
    let s = Scene::new();
    s.up().await;
    let before = s.first.asked("/api/v1/nodes");
    s.secret(&kubeconfig("renewed"));
    for _ in 0..300 {
        assert_eq!(s.reason(), "up");
        assert_eq!(s.nodes(), 1);
        assert!(s.clients.get("abroad").is_some());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(
        s.first.asked("/api/v1/nodes") > before,
        "listed anew with it"
    );
    // A touch that changes nothing begins nothing.
    let listed = s.first.asked("/api/v1/nodes");
    s.held.send_replace(content(&kubeconfig("renewed")));
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(s.first.asked("/api/v1/nodes"), listed);
}

#[tokio::test(start_paused = true)]
async fn a_new_kubeconfig_that_does_not_work_yet_does_not_end_the_old_one() {
    let s = Scene::new();
    s.up().await;
    s.second.is(Mood::Says(401));
    *s.second.uid.lock() = "uid-first".into();
    s.secret(&kubeconfig("second"));
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!((s.reason(), s.warnings()), ("up", vec!["Unauthorized"]));
    s.second.is(Mood::Well);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!((s.reason(), s.warnings()), ("up", vec![]));
    assert!(s.second.asked("/api/v1/nodes") > 0);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_goes_takes_the_right_to_write_with_it_and_no_facts() {
    let s = Scene::new();
    s.up().await;
    s.held.send_replace(Held::Fault(LinkFault::SecretMissing {
        secret: "ns/abroad".into(),
    }));
    s.until("SecretNotFound").await;
    assert!(s.clients.get("abroad").is_none());
    assert_eq!(s.nodes(), 1);
    s.up().await;
}

#[tokio::test(start_paused = true)]
async fn silence_is_noticed_and_so_is_its_end() {
    let s = Scene::new();
    s.up().await;
    let guard = crate::gather::cluster::GuardFacts::InForce;
    s.clients.guarded("abroad", "uid-first", guard.clone());
    s.first.is(Mood::Hangs);
    let lost = Instant::now();
    s.until("Unreachable").await;
    assert!(
        lost.elapsed() < Duration::from_secs(45),
        "{:?}",
        lost.elapsed()
    );
    assert!(s.clients.get("abroad").is_none());
    assert_eq!(s.nodes(), 1);
    let since = s.link().fault().map(|(since, _)| since);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(s.link().fault().map(|(since, _)| since), since);
    s.first.is(Mood::Well);
    s.until("up").await;
    let now = s.shared.index.read().clusters["abroad"].guard.clone();
    assert_eq!(
        now,
        GuardFacts::Unknown,
        "nobody has seen what became of it"
    );
    s.clients.guarded("abroad", "another", guard);
    let now = s.shared.index.read().clusters["abroad"].guard.clone();
    assert_eq!(now, GuardFacts::Unknown, "word of another cluster");
}

#[tokio::test(start_paused = true)]
async fn writes_that_fail_open_the_breaker_and_it_closes_by_itself() {
    let s = Scene::new();
    s.up().await;
    let client = s.clients.get("abroad").unwrap();
    for _ in 0..super::super::breaker::FAILURES_MAX {
        client.breaker.failed(LinkFault::WritesFail {
            error: "timeout".into(),
        });
    }
    assert!(s.clients.get("abroad").is_none(), "at once");
    s.until("WritesFail").await;
    s.until("up").await;
    assert!(s.clients.get("abroad").is_some());
}

#[tokio::test(start_paused = true)]
async fn errors_are_counted_by_their_word() {
    let s = Scene::new();
    s.first.is(Mood::Says(401));
    s.secret(&kubeconfig("first"));
    tokio::time::sleep(Duration::from_secs(30)).await;
    let index = s.shared.index.read();
    let errors = &index.clusters["abroad"].errors;
    assert!(errors["Unauthorized"] > 2, "{errors:?}");
}

#[tokio::test(start_paused = true)]
async fn a_site_deleted_while_connecting_leaves_nothing_behind() {
    let (shared, first) = (shared(), Fake::new("uid-first"));
    let clients = RemoteClients::new(shared.clone());
    let stop = CancellationToken::new();
    let hub = Fake::new(HUB);
    tokio::spawn(remotes::supervise(
        shared.clone(),
        clients.clone(),
        hub.client(),
        "pinisi-system".into(),
        dial([("first", first.clone())].into()),
        stop.clone(),
    ));
    first.is(Mood::Hangs);
    while first.asked("/version") == 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    shared.index.write().delete_site("abroad");
    shared.sites_changed.notify_one();
    tokio::time::sleep(Duration::from_secs(1)).await;
    first.is(Mood::Well);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(shared.index.read().clusters.is_empty());
    assert!(clients.get("abroad").is_none());
    // Made anew under the same name it is looked for anew.
    let mut again = site(&json!({}));
    again.uid = "another".into();
    shared.index.write().apply_site(again);
    shared.sites_changed.notify_one();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(shared.index.read().clusters["abroad"].link.is_up());
    assert_eq!(
        hub.asked("/api/v1/namespaces/pinisi-system/secrets"),
        4,
        "two Sites: a list and a watch each"
    );
    stop.cancel();
}

#[tokio::test(start_paused = true)]
async fn a_site_on_sovereign_ground_is_never_connected_to() {
    let shared = shared();
    let on_prem = site(&json!({"type": "OnPrem"}));
    shared.index.write().apply_site(on_prem);
    let hub = Fake::new(HUB);
    let stop = CancellationToken::new();
    tokio::spawn(remotes::supervise(
        shared.clone(),
        RemoteClients::new(shared.clone()),
        hub.client(),
        "pinisi-system".into(),
        dial(BTreeMap::new()),
        stop.clone(),
    ));
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(shared.index.read().clusters.is_empty());
    assert_eq!(hub.asked("/api/v1/namespaces/pinisi-system/secrets"), 0);
    stop.cancel();
}

#[tokio::test(start_paused = true)]
async fn until_the_hub_knows_itself_nobody_is_judged() {
    let s = Scene::new();
    let hub = s.shared.index.write().hub.take();
    s.secret(&kubeconfig("first"));
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(s.reason(), "connecting");
    s.shared.index.write().hub = hub;
    s.until("up").await;
    s.token.cancel();
    assert_eq!(secret::KEY_DEFAULT, "kubeconfig");
}
