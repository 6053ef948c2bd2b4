//! A metrics API that the cluster does not have, from the start or any more: said with what to
//! install, nothing shrinks, and it is over once it is there.

use crate::bed::{self, Bed};
use crate::metric::pods;
use anyhow::{Result, ensure};
use kube::Api;
use kube::api::{ApiResource, DeleteParams, DynamicObject, PostParams};
use kube::core::GroupVersionKind;
use pinisi_e2e::record::Recorder;
use pinisi_lab::adapter::Series;
use serde_json::json;

/// custom.metrics.k8s.io in both its versions.
const SERVICES: [&str; 2] = [
    "v1beta1.custom.metrics.k8s.io",
    "v1beta2.custom.metrics.k8s.io",
];

/// That API, taken away.
struct Taken {
    api: Api<DynamicObject>,
    objects: Vec<DynamicObject>,
}

impl Taken {
    async fn take(bed: &Bed) -> Result<Self> {
        let kind = GroupVersionKind::gvk("apiregistration.k8s.io", "v1", "APIService");
        let api = Api::all_with(bed.client.clone(), &ApiResource::from_gvk(&kind));
        let mut objects = Vec::new();
        for name in SERVICES {
            let mut object: DynamicObject = api.get(name).await?;
            object.metadata.resource_version = None;
            object.metadata.uid = None;
            objects.push(object);
            api.delete(name, &DeleteParams::default()).await?;
        }
        Ok(Self { api, objects })
    }

    async fn put_back(self) -> Result<()> {
        for object in &self.objects {
            self.api.create(&PostParams::default(), object).await?;
        }
        Ok(())
    }
}

#[test]
fn an_api_that_goes_or_never_was_is_told_with_what_to_install() {
    bed::run(async |bed| {
        let _alone = bed.custom.write().await;
        let ns = "gone";
        let offered = |all| [Series::spread_over_pods(ns, "rps", all)];
        let metrics = json!([pods("rps", "25")]);
        bed.namespace(ns).await?;
        bed.adapter.set(&offered("100")).await?;
        bed.follow(ns, "early", (1, 20), &metrics).await?;
        bed.reaches(ns, "early", 4, 40).await?;

        let record = Recorder::start(&bed.client, ns);
        let taken = Taken::take(bed).await?;
        let told = async {
            bed.adapter.set(&offered("50")).await?;
            bed.follow(ns, "late", (1, 20), &metrics).await?;
            let words = ["pods metric rps", "no API custom.metrics.k8s.io", "install"];
            bed.scaling(ns, "late", "False", &words, 40).await?;
            // What it had is borne for a minute.
            bed.scaling(ns, "early", "False", &words, 100).await?;
            let fewest = |name| {
                record
                    .moments()
                    .iter()
                    .filter_map(|m| Some(m.get(name)?.0))
                    .min()
            };
            let fewest = (fewest("early"), fewest("late"));
            ensure!(fewest == (Some(4), Some(2)), "{fewest:?} at some moment");
            Ok(())
        };
        let told = told.await;
        taken.put_back().await?;
        told?;
        for name in ["early", "late"] {
            bed.scaling(ns, name, "True", &[], 60).await?;
            bed.reaches(ns, name, 2, 40).await?;
        }
        Ok(())
    });
}
