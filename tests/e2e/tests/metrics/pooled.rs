//! Use of CPU is pooled: pods in the cloud's own cluster count with those at home.

use crate::bed::{self, HOME_POOL, POOL};
use crate::metric::cpu;
use anyhow::ensure;
use pinisi_e2e::objects::{apply, deployment, replicas};
use pinisi_e2e::wait::eventually;
use serde_json::json;

#[test]
fn use_of_pods_in_both_clusters_makes_one_count() {
    bed::run(async |bed| {
        let ns = POOL;
        bed.namespace(ns).await?;
        apply(&bed.client, deployment(ns, "web", HOME_POOL, 2, 500)).await?;
        let metrics = json!([cpu(50)]);
        let workload = bed::following(ns, "web", &[HOME_POOL, "cloud"], (2, 30), &metrics);
        apply(&bed.client, workload).await?;
        bed.reaches(ns, "web", 2, 20).await?;
        let spread = async |home: i32, cloud: i32| {
            let found = (
                replicas(&bed.client, ns, "web").await?.unwrap_or_default(),
                replicas(&bed.there, ns, "web").await?.unwrap_or_default(),
            );
            ensure!(found == ((home, home), (cloud, cloud)), "{found:?}");
            Ok(true)
        };
        // 1200m at 50 % of 500m are 5; 80 % of two cores hold 3.
        bed.hub.set_pod_usage(ns, "app=web", "600m", "8Mi").await?;
        eventually("3 at home and 2 in the cloud", 120, async || {
            spread(3, 2).await
        })
        .await?;
        // The same again in the cloud alone: 2400m are 10.
        bed.cloud
            .set_pod_usage(ns, "app=web", "600m", "8Mi")
            .await?;
        eventually("3 at home and 7 in the cloud", 120, async || {
            spread(3, 7).await
        })
        .await
    });
}
