//! What is wrong with an API is said with the metric, the API and the way out. Nothing shrinks
//! meanwhile, others in the same namespace go on, and it is over when it is mended.

use crate::bed::{self, Bed};
use crate::metric::external;
use anyhow::{Result, ensure};
use pinisi_e2e::record::Recorder;
use pinisi_lab::adapter::{Fault, MetricsApi, Series};
use serde_json::json;
use std::time::Duration;

/// For so long a metric that fails is borne on its last good answer, and then told; with two rounds.
const BORNE: u64 = 100;
/// Until the next round has been looked at.
const ROUND: u64 = 40;

/// A namespace with the workloads `sick` and `sound`, each with a queue of its own and 6 replicas.
/// What they ask for falls at once; of `sick` nobody can know.
struct Case<'a> {
    bed: &'a Bed,
    ns: &'a str,
    record: Recorder,
}

impl<'a> Case<'a> {
    async fn begin(bed: &'a Bed, ns: &'a str) -> Result<Self> {
        bed.namespace(ns).await?;
        for name in ["sick", "sound"] {
            let series = [Series::external(ns, &metric(ns, name), "60")];
            bed.adapter.set(&series).await?;
            let metrics = json!([external(&metric(ns, name), "10")]);
            bed.follow(ns, name, (1, 20), &metrics).await?;
        }
        for name in ["sick", "sound"] {
            bed.reaches(ns, name, 6, ROUND).await?;
            bed.scaling(ns, name, "True", &[], ROUND).await?;
        }
        let record = Recorder::start(&bed.client, ns);
        Ok(Self { bed, ns, record })
    }

    /// Sets what is wrong, and a value that would shrink both.
    async fn break_with(&self, fault: Fault) -> Result<()> {
        let Self { bed, ns, .. } = self;
        let sick = metric(ns, "sick");
        let external = MetricsApi::External;
        bed.adapter
            .fault(external, Some(&sick), Some(fault))
            .await?;
        let fallen = ["sick", "sound"].map(|name| Series::external(ns, &metric(ns, name), "20"));
        bed.adapter.set(&fallen).await
    }

    /// Waits for the condition with the metric, its API and these words.
    async fn told(&self, words: &[&str], seconds: u64) -> Result<()> {
        let sick = metric(self.ns, "sick");
        let mut all = vec![sick.as_str(), "external.metrics.k8s.io", "nothing shrinks"];
        all.extend(words);
        let (bed, ns) = (self.bed, self.ns);
        bed.scaling(ns, "sick", "False", &all, seconds).await
    }

    /// Mends it: until now `sick` was never below 6, and `sound` went its way.
    async fn mend(self) -> Result<()> {
        let Self { bed, ns, record } = self;
        bed.reaches(ns, "sound", 2, ROUND).await?;
        bed.scaling(ns, "sound", "True", &[], 5).await?;
        let fewest = record.moments().iter().map(|m| m["sick"].0).min();
        ensure!(fewest == Some(6), "{fewest:?} at some moment");
        drop(record);
        let sick = metric(ns, "sick");
        let external = MetricsApi::External;
        bed.adapter.fault(external, Some(&sick), None).await?;
        bed.scaling(ns, "sick", "True", &[], ROUND).await?;
        bed.reaches(ns, "sick", 2, ROUND).await
    }
}

/// Faults are set by the name of a metric, whatever its namespace.
fn metric(ns: &str, name: &str) -> String {
    format!("{ns}-{name}")
}

#[test]
fn an_api_that_answers_503_and_then_has_another_cause() {
    bed::run(async |bed| {
        let case = Case::begin(bed, "fault-unavailable").await?;
        case.break_with(Fault::Unavailable).await?;
        let way_out = "kubectl get apiservices";
        case.told(&["HTTP status 503", way_out], BORNE).await?;
        case.break_with(Fault::Empty).await?;
        case.told(&["returned no value"], ROUND).await?;
        case.mend().await
    });
}

#[test]
fn an_api_that_answers_an_empty_list() {
    bed::run(async |bed| {
        let case = Case::begin(bed, "fault-empty").await?;
        case.break_with(Fault::Empty).await?;
        let way_out = "check the metric's name and selector";
        case.told(&["returned no value", way_out], BORNE).await?;
        case.mend().await
    });
}

#[test]
fn an_api_whose_values_are_old() {
    bed::run(async |bed| {
        let case = Case::begin(bed, "fault-old").await?;
        case.break_with(Fault::Older(Duration::from_secs(7200)))
            .await?;
        case.told(&["the newest metrics are from"], ROUND).await?;
        case.mend().await
    });
}
