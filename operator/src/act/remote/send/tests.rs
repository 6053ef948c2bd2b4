//! The order of requests, and faults that a real server cannot be made to show at will.

use super::*;
use crate::act::send::Sender;
use crate::act::write::{Key, RemoteObject, Write, WriteKind};
use crate::gather::remotes::{Breaker, RemoteClient, RemoteClients};
use crate::lease::Leadership;
use crate::refusals::Circumstances;
use crate::testing::id;
use fake::{Fake, Log};
use pinisi_crds::hybrid_workload::CarryKind;
use pinisi_planner::model::refusal::Refusal;
use pinisi_planner::model::site::SiteName;
use serde_json::Value;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::Semaphore;

mod fake;

const WEB: &str = "/apis/apps/v1/namespaces/shop/deployments/web";
const TLS: &str = "/api/v1/namespaces/shop/secrets/tls";
const OURS: fn() -> Value = || {
    json!({
        "name": "x",
        "uid": "u1",
        "resourceVersion": "7",
        "labels": { "app.kubernetes.io/managed-by": "pinisi", "pinisi.dev/site": "cloud" },
        "annotations": { "pinisi.dev/hub": "hub-1", "pinisi.dev/workload": "web" },
    })
};

struct Clusters {
    home: Fake,
    cloud: Fake,
    log: Log,
    breaker: Breaker,
    sender: Sender,
}

impl Clusters {
    async fn new() -> Self {
        Self::led(Some(Instant::now() + Duration::from_secs(60))).await
    }

    async fn led(until: Option<Instant>) -> Self {
        let log = Log::default();
        let (home, cloud) = (Fake::new("home", &log), Fake::new("cloud", &log));
        cloud.put(
            "/api/v1/namespaces/shop",
            json!({ "metadata": { "name": "shop" } }),
        );
        cloud.put(
            "/api/v1/namespaces/shop/serviceaccounts/default",
            json!({ "metadata": { "name": "default" } }),
        );
        home.put(
            TLS,
            json!({ "metadata": { "name": "tls" }, "data": { "k": "djE=" }, "type": "Opaque" }),
        );
        let breaker = Breaker::default();
        let remote = RemoteClient {
            client: cloud.client().await,
            permits: Arc::new(Semaphore::new(4)),
            breaker: breaker.clone(),
            hub_uid: "hub-1".into(),
            cluster_uid: "cloud-1".into(),
        };
        let sender = Sender::new(
            home.client().await,
            Leadership::fixed(until),
            RemoteClients::of("cloud", remote),
        );
        Self {
            home,
            cloud,
            log,
            breaker,
            sender,
        }
    }

    async fn send(&self, kind: WriteKind) -> Result<(), ActError> {
        let site = SiteName::new("cloud");
        let key = match &kind {
            WriteKind::RemoteGuard { .. } => Key::RemoteGuard(site),
            _ => Key::Remote {
                site,
                workload: id(),
                object: RemoteObject::Deployment,
            },
        };
        self.sender
            .send(&Write {
                key,
                before: String::new(),
                kind,
                sample: None,
            })
            .await
    }

    async fn refused(&self, kind: WriteKind) -> Refusal {
        match self.send(kind).await {
            Err(ActError::Refused(refusal)) => refusal,
            other => panic!("{other:?}"),
        }
    }

    /// What was written, in order: no reads, no dry-runs, no questions about rights.
    fn written(&self) -> Vec<String> {
        let log = self.log.lock();
        let write = |asked: &&String| {
            !asked.contains(" GET ") && !asked.ends_with("(dry)") && !asked.contains("selfsubject")
        };
        log.iter().filter(write).cloned().collect()
    }
}

fn tls() -> CarryRef {
    CarryRef {
        kind: CarryKind::Secret,
        name: "tls".into(),
    }
}

fn order() -> ApplyThere {
    ApplyThere {
        name: "web".into(),
        body: json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": { "name": "web", "namespace": "shop" },
            "spec": { "replicas": 2, "selector": {}, "template": { "metadata": { "labels": { "app": "web" } }, "spec": { "containers": [] } } },
        }),
        create: true,
        mend: false,
        finalizer_for: Some("hw".into()),
        may_make_namespace: false,
        carry: vec![tls()],
        drop: vec![],
        about: Circumstances::default(),
    }
}

fn apply(order: ApplyThere) -> WriteKind {
    WriteKind::RemoteApply(Box::new(order))
}

fn delete(copies: Vec<CarryRef>) -> WriteKind {
    WriteKind::RemoteDelete(Box::new(DeleteThere {
        name: "web".into(),
        uid: "u1".into(),
        copies,
    }))
}

#[tokio::test]
async fn all_judging_is_first_then_the_finalizer_then_copies_then_the_deployment() {
    let clusters = Clusters::new().await;
    clusters.send(apply(order())).await.unwrap();
    assert_eq!(
        clusters.written(),
        [
            "home: PATCH /apis/pinisi.dev/v1alpha1/namespaces/shop/hybridworkloads/web".to_owned(),
            format!("cloud: PATCH {TLS}"),
            format!("cloud: PATCH {WEB}"),
        ]
    );
    let asked = clusters.log.lock().clone();
    let at = |what: &str| asked.iter().position(|a| a == what).unwrap();
    let finalizer = at(&clusters.written()[0]);
    assert!(at(&format!("cloud: PATCH {WEB} (dry)")) < finalizer);
    assert!(at("cloud: POST /api/v1/namespaces/shop/pods (dry)") < finalizer);
    let copy = clusters.cloud.get(TLS).unwrap();
    assert_eq!(copy["data"], json!({ "k": "djE=" }));
    assert_eq!(copy["metadata"]["annotations"]["pinisi.dev/hub"], "hub-1");
}

#[tokio::test]
async fn a_refusal_writes_nothing_anywhere() {
    for (request, code, kind) in [
        (
            "GET /api/v1/namespaces/shop/serviceaccounts/default",
            404,
            RefusalKind::ServiceAccountMissing,
        ),
        (
            "POST /api/v1/namespaces/shop/pods",
            403,
            RefusalKind::QuotaExceeded,
        ),
        (
            "PATCH /apis/apps/v1/namespaces/shop/deployments/web",
            422,
            RefusalKind::Invalid,
        ),
    ] {
        let clusters = Clusters::new().await;
        clusters
            .cloud
            .answer(request, code, "pods is forbidden: exceeded quota: small");
        assert_eq!(
            clusters.refused(apply(order())).await.kind,
            kind,
            "{request}"
        );
        assert_eq!(clusters.written(), [""; 0]);
    }
    let clusters = Clusters::new().await;
    clusters.home.answer(
        &format!("GET {TLS}"),
        403,
        r#"User "op" cannot get resource "secrets""#,
    );
    let refusal = clusters.refused(apply(order())).await;
    assert_eq!(refusal.kind, RefusalKind::CarryForbidden);
    assert!(refusal.text.contains("--user=op"), "{refusal}");
    assert_eq!(clusters.written(), [""; 0]);
}

#[tokio::test]
async fn a_foreign_deployment_is_found_though_no_watch_shows_it() {
    let clusters = Clusters::new().await;
    clusters
        .cloud
        .put(WEB, json!({ "metadata": { "name": "web", "uid": "x" } }));
    let refusal = clusters.refused(apply(order())).await;
    assert_eq!(refusal.kind, RefusalKind::DeploymentForeign);
    assert_eq!(clusters.written(), [""; 0]);
}

#[tokio::test]
async fn a_sick_server_refuses_nothing_and_trips_its_breaker_alone() {
    for (code, reason) in [(503, "unavailable"), (429, "throttled"), (504, "timeout")] {
        let clusters = Clusters::new().await;
        clusters
            .cloud
            .answer("GET /api/v1/namespaces/shop", code, "busy");
        for _ in 0..3 {
            let error = clusters.send(apply(order())).await.unwrap_err();
            assert_eq!(error.reason(), reason);
        }
        assert!(clusters.breaker.is_open());
        assert_eq!(clusters.send(apply(order())).await, Err(ActError::NoLink));
    }
    let clusters = Clusters::new().await;
    clusters
        .home
        .answer(&format!("GET {TLS}"), 503, "home is busy");
    for _ in 0..5 {
        assert!(clusters.send(apply(order())).await.is_err());
    }
    assert!(
        !clusters.breaker.is_open(),
        "home's faults are not the cloud's"
    );
}

#[tokio::test]
async fn refusals_are_answers_and_keep_the_breaker_closed() {
    let clusters = Clusters::new().await;
    clusters.cloud.answer(
        "POST /api/v1/namespaces/shop/pods",
        403,
        "violates PodSecurity",
    );
    for _ in 0..5 {
        clusters.refused(apply(order())).await;
    }
    assert!(!clusters.breaker.is_open());
}

#[tokio::test]
async fn another_uid_is_a_conflict_and_no_refusal() {
    let clusters = Clusters::new().await;
    let words =
        r#"Deployment "web" is invalid: metadata.uid: Invalid value: "u1": field is immutable"#;
    clusters.cloud.answer(&format!("PATCH {WEB}"), 422, words);
    let error = clusters.send(apply(order())).await.unwrap_err();
    assert_eq!(error.reason(), "conflict");
}

#[tokio::test]
async fn a_follower_asks_nothing() {
    let clusters = Clusters::led(None).await;
    assert_eq!(
        clusters.send(apply(order())).await,
        Err(ActError::NotLeader)
    );
    assert!(clusters.log.lock().is_empty());
}

#[tokio::test]
async fn a_namespace_is_made_for_real_only_and_marked() {
    let order = ApplyThere {
        may_make_namespace: true,
        ..order()
    };
    let clusters = Clusters::new().await;
    clusters.cloud.remove("/api/v1/namespaces/shop");
    clusters
        .send(WriteKind::RemoteProbe(Box::new(order.clone())))
        .await
        .unwrap();
    assert_eq!(clusters.written(), [""; 0]);
    clusters.send(apply(order)).await.unwrap();
    assert_eq!(clusters.written()[0], "cloud: POST /api/v1/namespaces");
    let made = clusters.cloud.get("/api/v1/namespaces/shop").unwrap();
    assert_eq!(
        made["metadata"]["labels"]["pinisi.dev/class"],
        "MassTraffic"
    );
    assert_eq!(
        made["metadata"]["annotations"],
        json!({ "pinisi.dev/hub": "hub-1" })
    );
}

#[tokio::test]
async fn an_immutable_copy_is_made_anew_and_an_equal_one_left() {
    let copy = |data: &str, immutable| json!({ "metadata": OURS(), "data": { "k": data }, "type": "Opaque", "immutable": immutable });
    let follow = || {
        WriteKind::RemoteCopies(Box::new(CopiesThere {
            carry: vec![tls()],
            about: Circumstances::default(),
        }))
    };
    let clusters = Clusters::new().await;
    clusters.cloud.put(TLS, copy("djE=", false));
    clusters.send(follow()).await.unwrap();
    assert_eq!(clusters.written(), [""; 0]);
    clusters.cloud.put(TLS, copy("b2xk", false));
    clusters.send(follow()).await.unwrap();
    assert_eq!(clusters.written(), [format!("cloud: PATCH {TLS}")]);
    clusters.log.lock().clear();
    clusters.cloud.put(TLS, copy("b2xk", true));
    clusters.send(follow()).await.unwrap();
    assert_eq!(
        clusters.written(),
        [
            format!("cloud: DELETE {TLS}"),
            format!("cloud: PATCH {TLS}")
        ]
    );
    let bound = &clusters.cloud.bodies(&format!("DELETE {TLS}"))[0]["preconditions"];
    assert_eq!(*bound, json!({ "uid": "u1", "resourceVersion": "7" }));
}

#[tokio::test]
async fn copies_go_before_the_deployment_and_only_where_it_may_go_and_they_are_ours() {
    let clusters = Clusters::new().await;
    clusters.cloud.put(WEB, json!({ "metadata": OURS() }));
    clusters.cloud.put(TLS, json!({ "metadata": OURS() }));
    clusters
        .cloud
        .answer(&format!("DELETE {WEB} (dry)"), 403, "no");
    let error = clusters.send(delete(vec![tls()])).await.unwrap_err();
    assert_eq!(error.reason(), "forbidden");
    assert_eq!(clusters.written(), [""; 0]);

    let clusters = Clusters::new().await;
    clusters.cloud.put(WEB, json!({ "metadata": OURS() }));
    clusters.cloud.put(TLS, json!({ "metadata": OURS() }));
    clusters.send(delete(vec![tls()])).await.unwrap();
    assert_eq!(
        clusters.written(),
        [
            format!("cloud: DELETE {TLS}"),
            format!("cloud: DELETE {WEB}")
        ]
    );

    let clusters = Clusters::new().await;
    clusters.cloud.put(WEB, json!({ "metadata": OURS() }));
    clusters
        .cloud
        .put(TLS, json!({ "metadata": { "name": "tls", "uid": "x" } }));
    clusters.send(delete(vec![tls()])).await.unwrap();
    assert_eq!(clusters.written(), [format!("cloud: DELETE {WEB}")]);
}

#[tokio::test]
async fn what_others_wrote_is_made_ours_before_the_apply() {
    let clusters = Clusters::new().await;
    let mut metadata = OURS();
    metadata["managedFields"] = json!([
        { "manager": "pinisi", "operation": "Apply", "apiVersion": "apps/v1", "fieldsType": "FieldsV1", "fieldsV1": { "f:spec": { "f:template": {} } } },
        { "manager": "kubectl-edit", "operation": "Update", "apiVersion": "apps/v1", "fieldsType": "FieldsV1", "fieldsV1": { "f:spec": { "f:paused": {} } } },
    ]);
    clusters.cloud.put(WEB, json!({ "metadata": metadata }));
    let order = ApplyThere {
        create: false,
        mend: true,
        finalizer_for: None,
        carry: vec![],
        ..order()
    };
    clusters.send(apply(order)).await.unwrap();
    let patch = format!("cloud: PATCH {WEB}");
    assert_eq!(clusters.written(), [patch.clone(), patch]);
    let bodies = clusters.cloud.bodies(&format!("PATCH {WEB}"));
    let taken = bodies.iter().find(|body| body.is_array()).unwrap();
    assert_eq!(
        taken[0],
        json!({ "op": "test", "path": "/metadata/resourceVersion", "value": "7" })
    );
    assert_eq!(
        taken[1]["value"][0]["fieldsV1"]["f:spec"],
        json!({ "f:template": {}, "f:paused": {} })
    );
}

#[tokio::test]
async fn the_guard_is_in_force_only_when_it_was_seen_to_refuse() {
    let guard = || WriteKind::RemoteGuard {
        cluster: "cloud-1".into(),
    };
    let probe = "PATCH /api/v1/namespaces/pinisi-guard-probe (dry)";
    let clusters = Clusters::new().await;
    clusters
        .cloud
        .answer(probe, 403, "denied request: pinisi R01: no");
    clusters.send(guard()).await.unwrap();
    assert_eq!(
        clusters.written().len(),
        crate::guard::receiving::objects().len()
    );

    let unguarded = |code, message: &'static str, request: &'static str| async move {
        let clusters = Clusters::new().await;
        clusters.cloud.answer(request, code, message);
        match clusters.send(guard()).await {
            Err(ActError::Unguarded { reason, why: _ }) => reason,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(unguarded(403, "RBAC: no", probe).await, "GuardNotProven");
    let policies = "PATCH /apis/admissionregistration.k8s.io";
    assert_eq!(unguarded(403, "no", policies).await, "GuardForbidden");
    assert_eq!(unguarded(404, "no", policies).await, "GuardKindMissing");
}

#[tokio::test]
async fn another_hub_and_another_cluster_get_no_receiving_guard() {
    let clusters = Clusters::new().await;
    clusters.cloud.put(
        "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/pinisi-guard-g01-bind",
        json!({ "metadata": { "name": "pinisi-guard-g01-bind" } }),
    );
    let result = clusters
        .send(WriteKind::RemoteGuard {
            cluster: "cloud-1".into(),
        })
        .await;
    assert!(
        matches!(
            &result,
            Err(ActError::Unguarded {
                reason: "AnotherHub",
                ..
            })
        ),
        "{result:?}"
    );
    let other = WriteKind::RemoteGuard {
        cluster: "another".into(),
    };
    assert_eq!(clusters.send(other).await, Err(ActError::NoLink));
    assert_eq!(clusters.written(), [""; 0]);
}
