//! What the guard costs: pods made on an API server with it and on one from which it was taken away and
//! nothing else, in pairs, the order of each left to chance. The pods are gated, so that no scheduler looks at them, and go after each block.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use kube::Client;
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, ListParams};
use kube::core::GroupVersionKind;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::api::Call;
use super::chance::Chance;
use super::spread::{Spread, milliseconds};
use crate::conformance::{self, Stage};
use crate::nodes::{GROUND_LABEL, SOVEREIGN};
use crate::programs::Version;
use crate::progress::Progress;

/// Most pairs in each namespace.
pub const MOST_PAIRS: usize = 5_000;
/// Pairs that are made first and not counted: connections and caches.
const WARM_UP: usize = 50;
/// Pods whose template carries what the guard would stamp.
const STAMPED: &str = "Sensitive stamped";
/// Labels of what the guard consists of.
const OWN: &str = "app.kubernetes.io/managed-by=pinisi";
/// How long the API server may go on with a guard that is gone.
const FORGOTTEN: Duration = Duration::from_secs(3);
/// Pods in one block; they are deleted before the next.
const BLOCK: usize = 250;
/// Times the standard deviation of a count by chance that leaves 5 of 100 outside.
const NORMAL_95: f64 = 1.96;

/// What is measured.
#[derive(Debug, Clone)]
pub struct Options {
    /// Begin of the labs' names.
    pub name: String,
    /// Pairs in each namespace.
    pub pairs: usize,
    /// What chance begins with.
    pub seed: u64,
    /// Which Kubernetes.
    pub kubernetes: Version,
    /// Sovereign nodes: the guard knows each by name.
    pub home_nodes: u32,
}

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// What chance began with.
    pub seed: u64,
    /// By class of namespace.
    pub classes: Vec<Class>,
}

/// Pods of one class of namespace.
#[derive(Debug, Clone, Serialize)]
pub struct Class {
    /// The class, or `none`; and whether the pods carry the labels of sovereign nodes already.
    pub class: &'static str,
    /// Milliseconds with the guard.
    pub guarded: Spread,
    /// Milliseconds without.
    pub bare: Spread,
    /// Median of the pairs' ratios.
    pub ratio: f64,
    /// Within which it lies, 95 of 100.
    pub interval: (f64, f64),
    /// Median of the pairs' differences, in milliseconds.
    pub difference: f64,
}

/// Measures.
///
/// # Errors
/// A lab that does not start, or a pod that is refused.
pub async fn run(options: &Options, progress: &Progress) -> Result<Report> {
    let Options {
        name,
        pairs,
        seed,
        kubernetes,
        home_nodes,
    } = options;
    let spec = |which: &str| {
        let mut spec = conformance::spec(&format!("{name}-{which}"), *kubernetes);
        for group in spec.nodes.iter_mut().filter(|group| group.sovereign) {
            group.count = *home_nodes;
        }
        spec
    };
    let guarded = Stage::start(spec("guarded"), progress.clone()).await?;
    let bare = Stage::start(spec("bare"), progress.clone()).await;
    let result = match &bare {
        Ok(bare) => measured(&guarded, bare, (*pairs).min(MOST_PAIRS), *seed, progress).await,
        Err(error) => Err(anyhow::anyhow!("{error:#}")),
    };
    guarded.lab.stop().await?;
    if let Ok(bare) = bare {
        bare.lab.stop().await?;
    }
    result
}

/// Bindings first: nothing refuses the rest then.
async fn take_away_the_guard(client: &Client) -> Result<()> {
    for kind in [
        "ValidatingAdmissionPolicyBinding",
        "MutatingAdmissionPolicyBinding",
        "ValidatingAdmissionPolicy",
        "MutatingAdmissionPolicy",
    ] {
        let gvk = GroupVersionKind::gvk("admissionregistration.k8s.io", "v1", kind);
        let api = Api::<DynamicObject>::all_with(client.clone(), &ApiResource::from_gvk(&gvk));
        let own = ListParams::default().labels(OWN);
        api.delete_collection(&DeleteParams::default(), &own)
            .await?;
        let left = api.list_metadata(&own).await?.items.len();
        ensure!(left == 0, "{left} {kind} are still there");
    }
    sleep(FORGOTTEN).await;
    Ok(())
}

async fn measured(
    stage: &Stage,
    bare: &Stage,
    pairs: usize,
    seed: u64,
    progress: &Progress,
) -> Result<Report> {
    // The guard stands without the operator, which would only take time.
    for one in [stage, bare] {
        one.operator.kill_9(&one.lab).await?;
    }
    let with = &stage.client;
    let without = &bare.client;
    take_away_the_guard(without).await?;
    let mut chance = Chance::new(seed);
    let mut classes = Vec::new();
    let labels = json!({GROUND_LABEL: SOVEREIGN});
    for (class, label, selector) in [
        ("Sensitive", json!("Sensitive"), json!({})),
        (STAMPED, json!("Sensitive"), labels),
        ("MassTraffic", json!("MassTraffic"), json!({})),
        ("none", Value::Null, json!({})),
    ] {
        let namespace = format!("bench-{}", class.to_lowercase().replace(' ', "-"));
        for client in [with, without] {
            let body = json!({
                "apiVersion": "v1", "kind": "Namespace",
                "metadata": {"name": namespace, "labels": {"pinisi.dev/class": label}},
            });
            Call::post("/api/v1/namespaces", body).send(client).await?;
            account(client, &namespace).await?;
        }
        let mut times = Vec::with_capacity(pairs);
        for pair in 0..WARM_UP + pairs {
            if pair % BLOCK == 0 {
                for client in [with, without] {
                    clear(client, &namespace).await?;
                }
            }
            let (guarded, plain) = if chance.below(2) == 0 {
                let first = made(with, &namespace, &selector, pair).await?;
                (first, made(without, &namespace, &selector, pair).await?)
            } else {
                let first = made(without, &namespace, &selector, pair).await?;
                (made(with, &namespace, &selector, pair).await?, first)
            };
            if pair >= WARM_UP {
                times.push((guarded, plain));
            }
        }
        progress.say(&format!("{pairs} pairs in a namespace of class {class}"));
        classes.push(judged(class, &times).context("no pair was measured")?);
    }
    Ok(Report { seed, classes })
}

/// Waits for the namespace's account, without which no pod is made.
async fn account(client: &Client, namespace: &str) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(30);
    let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/default");
    while Call::get(path.clone()).send(client).await.is_err() {
        if Instant::now() >= deadline {
            bail!("namespace {namespace} has no ServiceAccount default after 30 s");
        }
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

async fn clear(client: &Client, namespace: &str) -> Result<()> {
    let all = format!("/api/v1/namespaces/{namespace}/pods?gracePeriodSeconds=0");
    Call::delete(all).send(client).await.map(drop)
}

async fn made(
    client: &Client,
    namespace: &str,
    selector: &Value,
    number: usize,
) -> Result<Duration> {
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": format!("p-{number}"), "labels": {"app": "bench"}},
        "spec": {
            "nodeSelector": selector,
            "schedulingGates": [{"name": "pinisi.dev/bench"}],
            "containers": [{
                "name": "c", "image": "registry.example.go.id/bench:1",
                "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}},
                "ports": [{"containerPort": 8080}],
                "env": [{"name": "A", "value": "1"}],
                "volumeMounts": [{"name": "config", "mountPath": "/config"}],
            }],
            "volumes": [{"name": "config", "configMap": {"name": "config"}}],
        },
    });
    let call = Call::post(format!("/api/v1/namespaces/{namespace}/pods"), pod);
    let begun = Instant::now();
    call.send(client).await?;
    Ok(begun.elapsed())
}

fn judged(class: &'static str, times: &[(Duration, Duration)]) -> Option<Class> {
    let ratios = sorted(times.iter().map(|(a, b)| a.as_secs_f64() / b.as_secs_f64()));
    let differences = sorted(
        times
            .iter()
            .map(|(a, b)| milliseconds(*a) - milliseconds(*b)),
    );
    Some(Class {
        class,
        guarded: Spread::of(times.iter().map(|(a, _)| *a))?,
        bare: Spread::of(times.iter().map(|(_, b)| *b))?,
        ratio: *ratios.get(ratios.len() / 2)?,
        interval: interval(&ratios)?,
        difference: *differences.get(differences.len() / 2)?,
    })
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut all: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    all.sort_by(f64::total_cmp);
    all
}

/// Of the median of sorted values: ranks between which it lies whatever their distribution (binomial,
/// by the normal approximation).
fn interval(sorted: &[f64]) -> Option<(f64, f64)> {
    let count = u32::try_from(sorted.len()).ok()?;
    let half = f64::from(count) / 2.0;
    let reach = NORMAL_95 * f64::from(count).sqrt() / 2.0;
    let rank = |at: f64| {
        let last = sorted.len().saturating_sub(1);
        (0..=last).find(|&rank| u32::try_from(rank).is_ok_and(|rank| f64::from(rank) >= at))
    };
    let low = rank((half - reach).floor().max(0.0))?;
    let high = rank((half + reach).ceil()).unwrap_or(sorted.len().checked_sub(1)?);
    Some((*sorted.get(low)?, *sorted.get(high)?))
}

impl Report {
    /// For people.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = format!(
            "seed {}\n| class of namespace | pairs | with, ms | without, ms | difference, ms | ratio | 95 % |\n|---|---|---|---|---|---|---|\n",
            self.seed
        );
        for one in &self.classes {
            let Class {
                class,
                guarded,
                bare,
                ratio,
                interval: (low, high),
                difference,
            } = one;
            text += &format!(
                "| {class} | {} | {:.2} | {:.2} | {difference:.2} | {ratio:.3} | {low:.3} to {high:.3} |\n",
                guarded.n, guarded.p50, bare.p50
            );
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_lies_between_ranks_that_chance_leaves_in_95_of_100() {
        let values: Vec<f64> = (0..100).map(f64::from).collect();
        assert_eq!(interval(&values), Some((40.0, 60.0)));
        assert_eq!(interval(&[7.0]), Some((7.0, 7.0)));
        assert_eq!(interval(&[]), None);
    }

    #[test]
    fn pairs_are_judged_by_their_own_ratios() {
        let ms = Duration::from_millis;
        let times = [(ms(2), ms(1)), (ms(10), ms(10)), (ms(9), ms(10))];
        let class = judged("Sensitive", &times).unwrap();
        assert_eq!((class.ratio, class.difference), (1.0, 0.0));
        assert_eq!((class.guarded.n, class.bare.p50), (3, 10.0));
    }
}
