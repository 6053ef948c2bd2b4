//! A real HPA drives a workload through its /scale, and Pinisi spreads the total.

use crate::bed;
use crate::metric::external;
use pinisi_e2e::objects::{apply, deployment, mass};
use pinisi_lab::adapter::Series;
use serde_json::json;

#[test]
fn a_real_hpa_drives_the_workload_through_scale() {
    bed::run(async |bed| {
        let ns = "scale";
        let queue = |n| [Series::external(ns, "queue", n)];
        bed.namespace(ns).await?;
        bed.adapter.set(&queue("70")).await?;
        apply(&bed.client, deployment(ns, "web", bed::HOME, 2, 200)).await?;
        let mut plain = mass(ns, "web", &[bed::HOME], 1, 20);
        plain["spec"]
            .as_object_mut()
            .and_then(|spec| spec.remove("autoscaling"));
        apply(&bed.client, plain).await?;
        let target =
            json!({"apiVersion": "pinisi.dev/v1alpha1", "kind": "HybridWorkload", "name": "web"});
        let hpa = json!({
            "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "web", "namespace": ns},
            "spec": {
                "scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 20,
                "metrics": [external("queue", "10")], "behavior": bed::at_once(),
            },
        });
        apply(&bed.client, hpa).await?;
        bed.reaches(ns, "web", 7, 60).await?;
        bed.adapter.set(&queue("30")).await?;
        bed.reaches(ns, "web", 3, 60).await
    });
}
