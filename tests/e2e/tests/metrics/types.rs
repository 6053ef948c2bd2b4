//! Each type of metric moves a workload to the count that it asks for.

use crate::bed;
use crate::metric::{cpu, cpu_of, external, external_of, pods, service};
use anyhow::ensure;
use pinisi_e2e::objects::{apply, deployment, workload};
use pinisi_e2e::wait::eventually;
use pinisi_lab::adapter::Series;
use serde_json::json;

#[test]
fn resource() {
    bed::run(async |bed| {
        let ns = "types-resource";
        bed.namespace(ns).await?;
        bed.follow(ns, "web", (2, 20), &json!([cpu(50)])).await?;
        bed.reaches(ns, "web", 2, 20).await?;
        // 480m at 50 % of 200m are 5; pods that come later use next to nothing.
        bed.hub.set_pod_usage(ns, "app=web", "240m", "8Mi").await?;
        bed.reaches(ns, "web", 5, 90).await
    });
}

#[test]
fn container_resource() {
    bed::run(async |bed| {
        let ns = "types-container";
        bed.namespace(ns).await?;
        let mut two = deployment(ns, "web", bed::HOME, 2, 200);
        let containers = &mut two["spec"]["template"]["spec"]["containers"];
        let mut side = containers[0].clone();
        side["name"] = json!("side");
        *containers = json!([containers[0], side]);
        apply(&bed.client, two).await?;
        let metrics = json!([cpu_of("web", "100m")]);
        let hw = bed::following(ns, "web", &[bed::HOME], (2, 20), &metrics);
        apply(&bed.client, hw).await?;
        bed.reaches(ns, "web", 2, 20).await?;
        // 240m by each container of two pods: the other one plays no part, or it were 10.
        bed.hub.set_pod_usage(ns, "app=web", "240m", "8Mi").await?;
        bed.reaches(ns, "web", 5, 90).await
    });
}

#[test]
fn of_pods() {
    bed::run(async |bed| {
        let _read = bed.custom.read().await;
        let ns = "types-pods";
        let offered = |all| [Series::spread_over_pods(ns, "rps", all)];
        bed.namespace(ns).await?;
        bed.adapter.set(&offered("100")).await?;
        bed.follow(ns, "web", (1, 20), &json!([pods("rps", "25")]))
            .await?;
        bed.reaches(ns, "web", 4, 40).await?;
        bed.adapter.set(&offered("50")).await?;
        bed.reaches(ns, "web", 2, 40).await
    });
}

#[test]
fn of_an_object() {
    bed::run(async |bed| {
        let _read = bed.custom.read().await;
        let ns = "types-object";
        let hits = |n| [Series::object(ns, "services", "front", "hits", n)];
        bed.namespace(ns).await?;
        bed.adapter.set(&hits("60")).await?;
        bed.follow(ns, "web", (1, 20), &json!([service("front", "hits", "15")]))
            .await?;
        bed.reaches(ns, "web", 4, 40).await?;
        bed.adapter.set(&hits("30")).await?;
        bed.reaches(ns, "web", 2, 40).await
    });
}

#[test]
fn external_of_one_label() {
    bed::run(async |bed| {
        let ns = "types-external";
        let queue = |of, n| Series::external(ns, "queue", n).label("of", of);
        bed.namespace(ns).await?;
        bed.adapter
            .set(&[queue("orders", "70"), queue("others", "900")])
            .await?;
        bed.follow(
            ns,
            "web",
            (1, 20),
            &json!([external_of("queue", "orders", "10")]),
        )
        .await?;
        bed.reaches(ns, "web", 7, 40).await?;
        eventually("its value is shown", 40, async || {
            let status = workload(&bed.client, ns, "web").await?.status;
            let shown = serde_json::to_value(status.unwrap_or_default().current_metrics)?;
            let average = json!({"averageValue": "10"});
            let is = shown == json!([{"type": "External", "name": "queue", "current": average}]);
            ensure!(is, "{shown}");
            Ok(true)
        })
        .await?;
        bed.adapter.set(&[queue("orders", "20")]).await?;
        bed.reaches(ns, "web", 2, 40).await
    });
}

#[test]
fn from_outside_it_goes_to_zero_and_wakes() {
    bed::run(async |bed| {
        let ns = "types-zero";
        let queue = |n| [Series::external(ns, "queue", n)];
        bed.namespace(ns).await?;
        bed.adapter.set(&queue("0")).await?;
        bed.follow(ns, "web", (0, 20), &json!([external("queue", "10")]))
            .await?;
        bed.reaches(ns, "web", 0, 40).await?;
        bed.adapter.set(&queue("30")).await?;
        eventually(
            "three wake, and no average over no pods is told",
            40,
            async || {
                let status = workload(&bed.client, ns, "web").await?.status;
                for metric in status.unwrap_or_default().current_metrics {
                    let told = metric.current.average_value.unwrap_or_default();
                    // What 30 may be divided by here is 1 to 3.
                    ensure!(told.len() < 10, "absurd: {told}");
                }
                Ok(bed.count(ns, "web").await? == 3)
            },
        )
        .await?;
        bed.reaches(ns, "web", 3, 20).await
    });
}
