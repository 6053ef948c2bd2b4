//! A real HPA beside: the same metrics, on a Deployment like the workload's, ask for the same count.

use crate::bed::{self, Bed};
use crate::metric::{cpu, external};
use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::Api;
use pinisi_e2e::objects::{apply, deployment};
use pinisi_e2e::wait::{always, eventually};
use pinisi_lab::adapter::Series;
use serde_json::json;

const NS: &str = "beside";

async fn both_reach(bed: &Bed, count: i32) -> Result<()> {
    let api = Api::<HorizontalPodAutoscaler>::namespaced(bed.client.clone(), NS);
    eventually(&format!("both ask for {count}"), 90, async || {
        let status = api.get("theirs").await?.status.context("no status yet")?;
        let (theirs, ours) = (bed.count(NS, "theirs").await?, bed.count(NS, "ours").await?);
        let desired = status.desired_replicas;
        ensure!(
            (desired, theirs, ours) == (count, count, count),
            "an HPA desires {desired} and has set {theirs}; ours is {ours}"
        );
        Ok(true)
    })
    .await
}

#[test]
fn a_real_hpa_with_the_same_metrics_comes_to_the_same_count() {
    bed::run(async |bed| {
        let queue = |n| [Series::external(NS, "queue", n)];
        bed.namespace(NS).await?;
        bed.adapter.set(&queue("70")).await?;
        let metrics = json!([external("queue", "10"), cpu(50)]);
        bed.follow(NS, "ours", (1, 20), &metrics).await?;
        apply(&bed.client, deployment(NS, "theirs", bed::HOME, 2, 200)).await?;
        let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "theirs"});
        let hpa = json!({
            "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "theirs", "namespace": NS},
            "spec": {
                "scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 20,
                "metrics": metrics, "behavior": bed::at_once(),
            },
        });
        apply(&bed.client, hpa).await?;
        both_reach(bed, 7).await?;
        // A part of a replica is one. Nothing shrinks before the use of CPU is known.
        bed.adapter.set(&queue("31")).await?;
        both_reach(bed, 4).await?;
        bed.adapter.set(&queue("43")).await?;
        always(
            "within the tolerance of a tenth nothing moves",
            20,
            async || Ok(bed.count(NS, "ours").await? == 4 && bed.count(NS, "theirs").await? == 4),
        )
        .await?;
        // The other metric asks for most: 760m at 50 % of 200m.
        for app in ["app=ours", "app=theirs"] {
            bed.hub.set_pod_usage(NS, app, "190m", "8Mi").await?;
        }
        both_reach(bed, 8).await
    });
}
