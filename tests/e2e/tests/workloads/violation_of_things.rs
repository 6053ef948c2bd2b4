//! A claim on a provider's storage and a Service on every node, from before their namespace became
//! Sensitive: each is written down and told, under a policy that only audits too; never taken away, and
//! ended when it is put right by the way out that it says, or gone.

use crate::GROUPS;
use crate::violation::metrics;
use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::{Namespace, PersistentVolume, PersistentVolumeClaim, Service};
use k8s_openapi::api::events::v1::Event;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::{Api, Client, ResourceExt as _};
use pinisi_crds::sovereignty_violation::ViolationRule;
use pinisi_crds::{SovereigntyPolicy, SovereigntyViolation};
use pinisi_e2e::World;
use pinisi_e2e::objects::apply;
use pinisi_e2e::wait::{always, eventually};
use serde_json::{Value, json};

const NS: &str = "stored";
const METRICS: [&str; 2] = [
    "pinisi_sovereignty_violations{rule=\"V03\",site=\"\"} 1",
    "pinisi_sovereignty_violations{rule=\"V04\",site=\"\"} 1",
];

#[test]
fn storage_and_a_way_outside_from_before_are_seen_told_and_end() {
    pinisi_e2e::run(GROUPS, async |world| {
        let client = &world.client;
        for object in [namespace(), policy(), volume(), claim(), service()] {
            apply(client, object).await?;
        }
        let claims = Api::<PersistentVolumeClaim>::namespaced(client.clone(), NS);
        eventually("the claim is bound", 30, async || {
            let status = claims.get("data").await?.status.unwrap_or_default();
            Ok(status.phase.as_deref() == Some("Bound"))
        })
        .await?;
        let services = Api::<Service>::namespaced(client.clone(), NS);
        let data = claims.get("data").await?.uid().context("a uid")?;
        let door = services.get("door").await?.uid().context("a uid")?;
        let class = json!({"metadata": {"labels": {"pinisi.dev/class": "Sensitive"}}});
        Api::<Namespace>::all(client.clone())
            .patch(NS, &PatchParams::default(), &Patch::Merge(class))
            .await?;

        let names = [format!("v03-{data}"), format!("v04-{door}")];
        let all = Api::<SovereigntyViolation>::all(client.clone());
        for name in &names {
            eventually("it is written down", 20, async || {
                Ok(all.get_opt(name).await?.is_some())
            })
            .await?;
        }
        of_claim(&all.get(&names[0]).await?, &data)?;
        of_service(&all.get(&names[1]).await?, &door)?;
        told(world, &[data, door]).await?;
        always("nothing is taken away nor written twice", 3, async || {
            let data = claims.get("data").await?;
            let versions = [
                all.get(&names[0]).await?.metadata.generation,
                all.get(&names[1]).await?.metadata.generation,
            ];
            let there = services.get("door").await?.metadata.deletion_timestamp;
            Ok(data.metadata.deletion_timestamp.is_none()
                && there.is_none()
                && versions == [Some(1), Some(1)])
        })
        .await?;

        // As the message says it.
        let inside = json!({"spec": {"type": "ClusterIP"}});
        services
            .patch("door", &PatchParams::default(), &Patch::Merge(inside))
            .await?;
        claims.delete("data", &DeleteParams::default()).await?;
        for name in &names {
            eventually("it has ended", 30, async || {
                let status = all.get(name).await?.status.unwrap_or_default();
                Ok(status.ended_at.is_some() && status.evicted_at.is_none())
            })
            .await?;
        }
        eventually("the metrics are gone", 20, async || {
            let text = metrics(world).await?;
            Ok(!METRICS.iter().any(|metric| text.contains(metric)))
        })
        .await?;
        for name in &names {
            all.delete(name, &DeleteParams::default()).await?;
        }
        gone(client).await
    });
}

fn of_claim(found: &SovereigntyViolation, uid: &str) -> Result<()> {
    let spec = &found.spec;
    ensure!(spec.rule == ViolationRule::V03, "{spec:?}");
    ensure!(spec.cause == "StorageClassNotAllowed", "{spec:?}");
    ensure!(spec.object.uid == uid, "{spec:?}");
    ensure!(
        spec.object.path == "PersistentVolumeClaim stored/data",
        "{spec:?}"
    );
    let place = &spec.place;
    ensure!(place.storage_class.as_deref() == Some("gp3"), "{place:?}");
    ensure!(
        place.volume.as_deref() == Some("stored-abroad") && place.node.is_none(),
        "{place:?}"
    );
    ensure!(spec.law == ["PP 71/2019 Pasal 20"], "{spec:?}");
    ensure!(
        spec.message.contains("SovereigntyPolicy stored"),
        "{spec:?}"
    );
    by_hand(found)
}

fn of_service(found: &SovereigntyViolation, uid: &str) -> Result<()> {
    let spec = &found.spec;
    ensure!(
        spec.rule == ViolationRule::V04 && spec.cause == "NodePort",
        "{spec:?}"
    );
    ensure!(
        spec.object.uid == uid && spec.object.path == "Service stored/door",
        "{spec:?}"
    );
    ensure!(
        spec.place.exposed_by.as_deref() == Some("NodePort"),
        "{spec:?}"
    );
    ensure!(spec.law.is_empty(), "{spec:?}");
    by_hand(found)
}

/// Who made it, read from its own metadata.
fn by_hand(found: &SovereigntyViolation) -> Result<()> {
    let seen = &found.spec.evidence;
    let wrote = |manager: &str| seen.managers.iter().any(|writer| writer.manager == manager);
    ensure!(seen.created_at.is_some() && wrote("e2e"), "{seen:?}");
    Ok(())
}

async fn told(world: &World, uids: &[String; 2]) -> Result<()> {
    let client = &world.client;
    for uid in uids {
        eventually("an Event on the object says it", 20, async || {
            let events = Api::<Event>::namespaced(client.clone(), NS);
            let events = events.list(&ListParams::default()).await?;
            Ok(events.iter().any(|event| {
                let on = event.regarding.as_ref().and_then(|on| on.uid.as_deref());
                on == Some(uid) && event.reason.as_deref() == Some("SovereigntyViolated")
            }))
        })
        .await?;
    }
    eventually("the policy says it", 20, async || {
        let policies = Api::<SovereigntyPolicy>::all(client.clone());
        let status = policies.get(NS).await?.status.unwrap_or_default();
        let violated = status.conditions.iter().find(|c| c.type_ == "Violated");
        Ok(status.violations == 2 && violated.is_some_and(|c| c.status == "True"))
    })
    .await?;
    eventually("the metrics say it", 20, async || {
        let text = metrics(world).await?;
        Ok(METRICS.iter().all(|metric| text.contains(metric)))
    })
    .await
}

/// What is of no namespace.
async fn gone(client: &Client) -> Result<()> {
    let volumes = Api::<PersistentVolume>::all(client.clone());
    let params = DeleteParams::default();
    volumes.delete("stored-abroad", &params).await?;
    Ok(())
}

fn namespace() -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NS}})
}

fn policy() -> Value {
    json!({
        "apiVersion": "pinisi.dev/v1alpha1", "kind": "SovereigntyPolicy", "metadata": {"name": NS},
        "spec": {
            "namespaces": {"matchLabels": {"kubernetes.io/metadata.name": NS}},
            "unclassified": "Anywhere", "enforcement": "Audit", "legal": ["id-pp-71-2019"],
            "storage": {"classes": [{"name": "stored-ceph", "provisioner": "rbd.csi.ceph.com"}]},
        },
    })
}

fn volume() -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "stored-abroad"},
        "spec": {
            "storageClassName": "gp3", "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "csi": {"driver": "ebs.csi.aws.com", "volumeHandle": "vol-1"},
        },
    })
}

fn claim() -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": NS},
        "spec": {
            "storageClassName": "gp3", "volumeName": "stored-abroad", "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    })
}

fn service() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "door", "namespace": NS},
        "spec": {"type": "NodePort", "selector": {"app": "none"}, "ports": [{"port": 80}]},
    })
}
