//! Readings: what the metrics APIs said, judged. A value lives for [`STALE_AFTER`] and the window in
//! which it was measured; one that is older counts as none, and nothing shrinks on it.

use super::pods;
use super::scope::{Remote, Scope};
use super::target::Held;
use super::{lost, word};
use crate::check::problem::Problem;
use crate::gather::metrics::INTERVAL;
use crate::gather::metrics::answers::{Answer, ContainerUsage, Figure, Good, PodUsage};
use crate::gather::metrics::question::{Place, Question};
use crate::gather::metrics::wanted::{self, Need};
use jiff::{SignedDuration, Timestamp};
use pinisi_crds::autoscaling::MetricSpec;
use pinisi_planner::hpa::{Fault, METRIC_WINDOW, Metric, PodKey, PodValue, Reading, ResourceName};
use pinisi_planner::model::site::SiteName;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Age from which a value is stale, beside the window in which it was measured.
pub const STALE_AFTER: SignedDuration = SignedDuration::from_secs(60);
/// A question that is so much behind the newest is not waited for.
const BEHIND_MAX: SignedDuration = SignedDuration::from_secs(5);

/// Reads the metrics of one workload, and keeps what else comes to light.
pub struct Readings<'a> {
    /// The workload.
    pub scope: &'a Scope<'a>,
    /// Now.
    pub now: Timestamp,
    /// When each question was asked last; `None`: never.
    pub asked: Vec<Option<Timestamp>>,
    /// Sites whose metrics are not known though they answer.
    pub unknown: BTreeSet<SiteName>,
    /// Why.
    pub warnings: Vec<Problem>,
}

/// A good answer that is young enough.
struct Young<T> {
    /// When it came.
    at: Timestamp,
    figures: Arc<T>,
    /// Why the API has given none since; `None` where it was the last one.
    failing: Option<Fault>,
}

impl<T> Young<T> {
    /// Values measured then are too old. What fails now is the nearer cause.
    fn stale(&self, at: Timestamp) -> Fault {
        self.failing.clone().unwrap_or(Fault::Stale { at })
    }
}

/// Time of the last round that is over for all questions: those that fell behind are not waited for,
/// and before the first answer to each there is none.
#[must_use]
pub fn round(asked: &[Option<Timestamp>]) -> Timestamp {
    if asked.iter().any(Option::is_none) {
        return Timestamp::UNIX_EPOCH;
    }
    let newest = asked.iter().flatten().max().copied().unwrap_or_default();
    let limit = BEHIND_MAX
        .checked_add(SignedDuration::try_from(INTERVAL).unwrap_or(SignedDuration::ZERO))
        .unwrap_or(BEHIND_MAX);
    let waited_for = asked.iter().flatten();
    let waited_for = waited_for.filter(|at| newest.duration_since(**at) <= limit);
    waited_for.min().copied().unwrap_or(newest)
}

impl<'a> Readings<'a> {
    /// Nothing read yet.
    #[must_use]
    pub fn new(scope: &'a Scope<'a>, now: Timestamp) -> Self {
        Self {
            scope,
            now,
            asked: Vec::new(),
            unknown: BTreeSet::new(),
            warnings: Vec::new(),
        }
    }

    /// One metric with its reading.
    pub fn metric(&mut self, spec: &MetricSpec, held: &Held, field: &str) -> Metric {
        match held.clone() {
            Held::Resource {
                name,
                container,
                target,
            } => {
                let reading = self.pooled(held, field, |readings, remote| {
                    readings.usage(&name, container.as_deref(), remote)
                });
                Metric::Resource {
                    name,
                    container,
                    target,
                    reading,
                }
            }
            Held::Pods { name, average } => {
                let reading = self.pooled(held, field, |readings, remote| {
                    readings.of_pods(spec, remote)
                });
                Metric::Pods {
                    name,
                    average,
                    reading,
                }
            }
            Held::Object { name, kind, target } => {
                let reading = match self.series(spec) {
                    Ok(values) => values
                        .first()
                        .copied()
                        .map_or_else(|| lost(Fault::Empty), Reading::Read),
                    Err(fault) => lost(fault),
                };
                Metric::Object {
                    name,
                    kind,
                    target,
                    reading,
                }
            }
            Held::External { name, target } => {
                let reading = self.series(spec).map_or_else(lost, Reading::Read);
                Metric::External {
                    name,
                    target,
                    reading,
                }
            }
        }
    }

    /// Values of pods here and in each other cluster that answers. Of a cluster whose metrics are
    /// not known the pods count without values, and its site as unknown.
    fn pooled(
        &mut self,
        held: &Held,
        field: &str,
        read: impl Fn(&mut Self, Option<&Remote<'a>>) -> Result<Vec<PodValue>, Fault>,
    ) -> Reading<Vec<PodValue>> {
        let mut values = match read(self, None) {
            Ok(values) => values,
            Err(fault) => return lost(fault),
        };
        let scope = self.scope;
        for remote in scope.remotes.iter().filter(|remote| remote.answers()) {
            if pods::there(scope, remote).next().is_none() {
                continue;
            }
            match read(self, Some(remote)) {
                Ok(more) => values.extend(more),
                // Its first pods have just come: until the next round they are without values.
                Err(Fault::NotAskedYet) => {}
                Err(fault) => {
                    self.unknown.insert(remote.site.clone());
                    self.warnings.push(Problem::MetricUnknownAt {
                        field: field.to_owned(),
                        kind: word(held),
                        site: remote.site.to_string(),
                        why: fault.to_string(),
                    });
                }
            }
        }
        Reading::Read(values)
    }

    /// Use of a resource by the pods of one cluster.
    fn usage(
        &mut self,
        resource: &ResourceName,
        container: Option<&str>,
        remote: Option<&Remote<'a>>,
    ) -> Result<Vec<PodValue>, Fault> {
        let scope = self.scope;
        let place = remote.map_or(Place::Hub, Remote::place);
        let here = scope.index.metrics.of(&place);
        let answer = here.and_then(|here| here.usage.as_ref());
        if answer.is_none() && remote.is_some() {
            return Err(Fault::NotAskedYet);
        }
        let good = self.fresh(answer)?;
        let namespace = &scope.workload.key.namespace;
        if !good.figures.covers(namespace) {
            return Err(Fault::NotAskedYet);
        }
        let found = good.figures.pods.get(namespace);
        let keys: Vec<_> = match remote {
            None => pods::here(scope)
                .map(|(site, pod)| (site, pod.name.clone()))
                .collect(),
            Some(remote) => pods::there(scope, remote)
                .map(|pod| (remote.site.clone(), pod.name.clone()))
                .collect(),
        };
        let values = keys.into_iter().filter_map(|(site, name)| {
            let pod = found?.get(&*name)?;
            let PodUsage {
                at: measured,
                window,
                containers,
            } = pod;
            Some(PodValue {
                milli: used(containers, resource, container)?,
                pod: PodKey { site, name },
                at: measured.unwrap_or(good.at),
                window: *window,
            })
        });
        let values: Vec<_> = values.collect();
        self.still_good(values, &good, |v| (v.at, v.window))
    }

    /// A custom metric of the pods of one cluster.
    fn of_pods(
        &mut self,
        spec: &MetricSpec,
        remote: Option<&Remote<'a>>,
    ) -> Result<Vec<PodValue>, Fault> {
        let scope = self.scope;
        let site = remote.map(|r| r.site.as_str());
        let namespace = &scope.workload.key.namespace;
        let Some(Need::OfPods(question)) = wanted::need(spec, namespace, scope.target, site) else {
            return Err(Fault::NotAskedYet);
        };
        let place = remote.map_or(Place::Hub, Remote::place);
        let good = self.list(&place, &question)?;
        let sites: BTreeMap<&str, SiteName> = match remote {
            None => pods::here(scope)
                .map(|(site, pod)| (&*pod.name, site))
                .collect(),
            Some(_) => BTreeMap::new(),
        };
        let elsewhere = remote
            .map(|r| r.site.clone())
            .or_else(|| scope.home.cloned());
        let mut values = Vec::new();
        let mut no_number = None;
        for figure in good.figures.iter() {
            let Figure {
                name,
                milli,
                at: measured,
                window,
            } = figure;
            let site = sites.get(&**name).cloned().or_else(|| elsewhere.clone());
            match (milli, site) {
                (Ok(milli), Some(site)) => {
                    let value = PodValue {
                        pod: PodKey {
                            site,
                            name: Arc::from(&**name),
                        },
                        milli: *milli,
                        at: measured.unwrap_or(good.at),
                        window: window.unwrap_or(METRIC_WINDOW),
                    };
                    values.push((value, window.unwrap_or_default()));
                }
                (Err(text), _) => no_number = Some(text),
                (Ok(_), None) => {}
            }
        }
        if let (true, Some(text)) = (values.is_empty(), no_number) {
            return Err(Fault::NotANumber(text.to_string()));
        }
        let values = self.still_good(values, &good, |(v, window)| (v.at, *window))?;
        Ok(values.into_iter().map(|(v, _)| v).collect())
    }

    /// Values of an Object or External metric. One that is old or no number spoils the sum.
    fn series(&mut self, spec: &MetricSpec) -> Result<Vec<i64>, Fault> {
        let scope = self.scope;
        let namespace = &scope.workload.key.namespace;
        let Some(Need::Once(question)) = wanted::need(spec, namespace, scope.target, None) else {
            return Err(Fault::NotAskedYet);
        };
        let good = self.list(&Place::Hub, &question)?;
        let mut values = Vec::new();
        for figure in good.figures.iter() {
            let Figure {
                name: _,
                milli,
                at: measured,
                window,
            } = figure;
            let milli = milli.clone();
            let milli = milli.map_err(|text| Fault::NotANumber(text.to_string()))?;
            let (at, window) = (measured.unwrap_or(good.at), window.unwrap_or_default());
            if self.age(at) >= STALE_AFTER.saturating_add(window) {
                return Err(good.stale(at));
            }
            self.not_ahead(at)?;
            values.push(milli);
        }
        Ok(values)
    }

    fn list(&mut self, place: &Place, question: &Question) -> Result<Young<Vec<Figure>>, Fault> {
        let here = self.scope.index.metrics.of(place);
        let answer = here.and_then(|here| here.lists.get(question));
        if answer.is_none() && *place != Place::Hub {
            return Err(Fault::NotAskedYet);
        }
        self.fresh(answer)
    }

    /// The last good answer, while it is young enough.
    fn fresh<T>(&mut self, answer: Option<&Answer<T>>) -> Result<Young<T>, Fault> {
        let Some(Answer { asked, good, fault }) = answer else {
            self.asked.push(None);
            return Err(Fault::NotAskedYet);
        };
        self.asked.push(Some(*asked));
        let failing = fault.as_ref().map(|f| Fault::Unavailable(f.to_string()));
        let Some(Good { at, figures }) = good else {
            return Err(failing.unwrap_or(Fault::NotAskedYet));
        };
        let good = Young {
            at: *at,
            figures: figures.clone(),
            failing,
        };
        if self.age(*at) >= STALE_AFTER {
            return Err(good.stale(*at));
        }
        Ok(good)
    }

    /// Without the values that are too old; lost where no other is left.
    fn still_good<T, A>(
        &self,
        mut values: Vec<T>,
        answer: &Young<A>,
        time: impl Fn(&T) -> (Timestamp, SignedDuration),
    ) -> Result<Vec<T>, Fault> {
        let newest = values.iter().map(|v| time(v).0).max();
        if let Some(newest) = newest {
            self.not_ahead(newest)?;
        }
        values.retain(|v| {
            let (at, window) = time(v);
            self.age(at) < STALE_AFTER.saturating_add(window)
        });
        match newest {
            Some(at) if values.is_empty() => Err(answer.stale(at)),
            Some(_) | None => Ok(values),
        }
    }

    fn not_ahead(&self, at: Timestamp) -> Result<(), Fault> {
        let ahead = SignedDuration::ZERO.saturating_sub(self.age(at));
        if ahead < STALE_AFTER {
            return Ok(());
        }
        Err(Fault::NotANumber(format!(
            "values with a time {} s ahead of this clock",
            ahead.as_secs()
        )))
    }

    fn age(&self, at: Timestamp) -> SignedDuration {
        self.now.duration_since(at)
    }
}

/// Use of a resource by a whole pod, or by one of its containers. `None` where it is not known whole.
fn used(
    containers: &[ContainerUsage],
    resource: &ResourceName,
    container: Option<&str>,
) -> Option<i64> {
    let of = |c: &ContainerUsage| match resource.as_str() {
        "cpu" => c.cpu,
        "memory" => c.memory,
        _ => None,
    };
    match container {
        Some(name) => containers.iter().find(|c| &*c.name == name).and_then(of),
        None if containers.is_empty() => None,
        None => containers
            .iter()
            .try_fold(0i64, |sum, c| Some(sum.saturating_add(of(c)?))),
    }
}
