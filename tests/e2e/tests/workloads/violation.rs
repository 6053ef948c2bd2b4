//! A pod that was on a cloud node before its namespace became Sensitive: evidence within seconds, told
//! by Event, condition and metric, kept from everybody's hands; evicted where a policy says so, ended
//! when it is gone, closed by whoever may.

use crate::GROUPS;
use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::{Namespace, Pod};
use k8s_openapi::api::events::v1::Event;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt as _};
use pinisi_crds::sovereignty_violation::ViolationRule;
use pinisi_crds::{SovereigntyPolicy, SovereigntyViolation};
use pinisi_e2e::World;
use pinisi_e2e::objects::{apply, site};
use pinisi_e2e::wait::eventually;
use serde_json::{Value, json};

const NS: &str = "seen";
const NODE: &str = "cloud-seen-0";
const METRIC: &str = "pinisi_sovereignty_violations{rule=\"V01\",site=\"cloud-seen\"} 1";

#[test]
fn what_is_where_it_may_not_be_is_seen_told_evicted_and_closed() {
    pinisi_e2e::run(GROUPS, async |world| {
        let client = &world.client;
        // Where the policy lets it go once it is evicted, and where it does not.
        let mut abroad = site("home-abroad");
        abroad["spec"]["jurisdiction"] = json!("SG");
        for site in [site("home-seen"), abroad, site("cloud-seen")] {
            apply(client, site).await?;
        }
        apply(
            client,
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NS}}),
        )
        .await?;
        apply(client, pod()).await?;
        apply(client, policy(None)).await?;
        let pods = Api::<Pod>::namespaced(client.clone(), NS);
        let uid = pods.get("stray").await?.uid().context("a uid")?;
        let class = json!({"metadata": {"labels": {"pinisi.dev/class": "Sensitive"}}});
        Api::<Namespace>::all(client.clone())
            .patch(NS, &PatchParams::default(), &Patch::Merge(class))
            .await?;

        let name = format!("v01-{uid}");
        let all = Api::<SovereigntyViolation>::all(client.clone());
        eventually("it is written down", 20, async || {
            Ok(all.get_opt(&name).await?.is_some())
        })
        .await?;
        evidence(&all.get(&name).await?, &uid)?;
        told(world, &uid).await?;
        kept(client, &all, &name).await?;
        cited(&pods).await?;

        apply(client, policy(Some("Evict"))).await?;
        eventually("it is evicted, which ends it", 60, async || {
            let gone = pods.get_opt("stray").await?.is_none();
            let status = all.get(&name).await?.status.unwrap_or_default();
            Ok(gone && status.evicted_at.is_some() && status.ended_at.is_some())
        })
        .await?;
        eventually("the metric is gone", 20, async || {
            Ok(!metrics(world).await?.contains(METRIC))
        })
        .await?;
        all.delete(&name, &DeleteParams::default()).await?;
        Ok(())
    });
}

fn evidence(found: &SovereigntyViolation, uid: &str) -> Result<()> {
    let spec = &found.spec;
    ensure!(
        spec.rule == ViolationRule::V01 && spec.cause == "NodeAway",
        "{spec:?}"
    );
    ensure!(
        spec.object.uid == uid && spec.object.path == "Pod seen/stray",
        "{spec:?}"
    );
    ensure!(spec.place.node.as_deref() == Some(NODE), "{spec:?}");
    ensure!(spec.place.site.as_deref() == Some("cloud-seen"), "{spec:?}");
    ensure!(spec.policies == [NS], "{spec:?}");
    let by = spec.notice_deadline.as_ref().context("a deadline")?;
    let clock = by.0.duration_since(spec.detected_at.0);
    ensure!(clock.as_hours() == 72, "{clock}");
    ensure!(
        spec.law == ["PP 71/2019 Pasal 20; UU 27/2022 Pasal 46 ayat (1)"],
        "{spec:?}"
    );
    let seen = &spec.evidence;
    ensure!(
        seen.node_seen.is_some() && seen.node_attested.is_none(),
        "{seen:?}"
    );
    ensure!(
        seen.resource_version.is_some() && seen.created_at.is_some(),
        "{seen:?}"
    );
    let wrote = |manager: &str| seen.managers.iter().any(|writer| writer.manager == manager);
    ensure!(wrote("e2e"), "who made it: {seen:?}");
    Ok(())
}

async fn told(world: &World, uid: &str) -> Result<()> {
    let client = &world.client;
    eventually("an Event on the pod says it", 20, async || {
        let events = Api::<Event>::namespaced(client.clone(), NS);
        let events = events.list(&ListParams::default()).await?;
        Ok(events.iter().any(|event| {
            let on = event.regarding.as_ref().and_then(|on| on.uid.as_deref());
            on == Some(uid) && event.reason.as_deref() == Some("SovereigntyViolated")
        }))
    })
    .await?;
    eventually("the policy says it", 20, async || {
        let policy = Api::<SovereigntyPolicy>::all(client.clone())
            .get(NS)
            .await?;
        let status = policy.status.unwrap_or_default();
        let violated = status.conditions.iter().find(|c| c.type_ == "Violated");
        Ok(status.violations == 1 && violated.is_some_and(|c| c.status == "True"))
    })
    .await?;
    eventually("the metric says it", 20, async || {
        let text = metrics(world).await?;
        Ok(text.contains(METRIC)
            && text.contains("pinisi_sovereignty_notice_seconds{rule=\"V01\"}"))
    })
    .await
}

/// Not even a cluster admin changes it; who may write anything here may not write this.
async fn kept(client: &Client, all: &Api<SovereigntyViolation>, name: &str) -> Result<()> {
    let label = Patch::Merge(json!({"metadata": {"labels": {"a": "b"}}}));
    let ended = Patch::Merge(json!({"status": {"endedAt": "2026-01-01T00:00:00Z"}}));
    let params = PatchParams::default();
    let refusals = [
        all.patch(name, &params, &label).await.err(),
        all.patch_status(name, &params, &ended).await.err(),
    ];
    for refusal in refusals {
        let text = refusal.context("it was let through")?.to_string();
        ensure!(
            text.contains("pinisi G58:"),
            "not refused by G58 but: {text}"
        );
    }
    let still = Api::<SovereigntyViolation>::all(client.clone())
        .get(name)
        .await?;
    ensure!(still.status.is_none_or(|status| status.ended_at.is_none()));
    Ok(())
}

/// Own ground, but under another law than the policy's: the refusal says which article that is.
async fn cited(pods: &Api<Pod>) -> Result<()> {
    let mut abroad = pod();
    abroad["metadata"]["name"] = json!("abroad");
    abroad["spec"]["nodeName"] = json!("home-abroad-0");
    // Those alone would be refused, of whatever policy.
    abroad["spec"]["tolerations"] = json!([]);
    let abroad: Pod = serde_json::from_value(abroad)?;
    let params = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    eventually("a refusal names the article", 30, async || {
        let refused = pods.create(&params, &abroad).await.err();
        let text = refused.map_or_else(String::new, |error| error.to_string());
        Ok(text.contains("pinisi G0") && text.contains("(PP 71/2019 Pasal 20)"))
    })
    .await
}

pub async fn metrics(world: &World) -> Result<String> {
    let url = world.operator.lock().await.metrics_url();
    Ok(reqwest::get(url).await?.text().await?)
}

/// By name onto the cloud's node, tolerating all: lawful while nobody says what the namespace is.
fn pod() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "stray", "namespace": NS},
        "spec": {
            "nodeName": NODE, "tolerations": [{"operator": "Exists"}],
            "containers": [{"name": "c", "image": "registry.example/x:1"}],
        },
    })
}

fn policy(on_violation: Option<&str>) -> Value {
    let mut policy = json!({
        "apiVersion": "pinisi.dev/v1alpha1", "kind": "SovereigntyPolicy", "metadata": {"name": NS},
        "spec": {
            "namespaces": {"matchLabels": {"kubernetes.io/metadata.name": NS}},
            "unclassified": "Anywhere", "legal": ["id-pp-71-2019", "id-uu-27-2022"],
        },
    });
    if let Some(what) = on_violation {
        policy["spec"]["onViolation"] = json!(what);
    }
    policy
}
