//! OpenMetrics: what the operator counts. Series of a workload go with the workload; labels are
//! bounded words, never messages. Deliberately not here: deciding what to show (run and report).

use crate::check::declassification::next;
use crate::checked::{Checked, Connection, RemoteConnection, SensitivePods, Violations};
use crate::gather::metrics::question::Place;
use jiff::Timestamp;
use pinisi_crds::hybrid_workload::Class;
use pinisi_crds::sovereignty_violation::ViolationRule;
use pinisi_planner::budget::Standing;
use pinisi_planner::model::amounts::Replicas;
use pinisi_planner::model::money::Money;
use pinisi_planner::model::site::SiteName;
use pinisi_planner::{Plan, Reason};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hash::Hash;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// Content type of the exposition.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Seconds: a decision from its sample, 50 ms to 100 s.
const LATENCY_BUCKETS: [f64; 16] = [
    0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 7.5, 10.0, 20.0, 50.0, 100.0,
];

macro_rules! labels {
    ($(#[$doc:meta])* $name:ident { $($field:ident),+ }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, EncodeLabelSet)]
        struct $name { $($field: String),+ }
    };
}
labels!(ClassLabels { class });
labels!(ShareLabels {
    namespace,
    workload,
    site
});
labels!(DependencyLabels {
    namespace,
    workload,
    dependency
});
labels!(StepLabels { step });
labels!(SiteLabels { site });
labels!(SiteErrorLabels { site, reason });
labels!(ErrorLabels { step, reason });
labels!(WriteLabels { kind, result });
labels!(SignalLabels { source, query });
labels!(AskedLabels { cluster, result });
labels!(BudgetLabels { budget, currency });
labels!(ViolationLabels { rule, site });
labels!(RuleLabels { rule });

/// A gauge by labels, whose series go when they are not set any more.
#[derive(Clone, Debug)]
struct Shown<L: Clone + Hash + Eq, G> {
    family: Family<L, G>,
    keys: BTreeSet<L>,
}

impl<L: Clone + Hash + Eq + Ord, G: Default> Default for Shown<L, G> {
    fn default() -> Self {
        Self {
            family: Family::default(),
            keys: BTreeSet::new(),
        }
    }
}

impl<L: Clone + Hash + Eq + Ord, G: Default> Shown<L, G> {
    fn show(&mut self, rows: impl IntoIterator<Item = (L, impl FnOnce(&G))>) {
        let mut keys = BTreeSet::new();
        for (labels, set) in rows {
            set(&self.family.get_or_create(&labels));
            keys.insert(labels);
        }
        for gone in self.keys.difference(&keys) {
            self.family.remove(gone);
        }
        self.keys = keys;
    }
}

type FloatGauge = Gauge<f64, AtomicU64>;

/// Every metric, and the registry that they are read through.
pub struct Metrics {
    registry: Registry,
    shown: parking_lot::Mutex<Gauges>,
    sensitive: Gauge,
    unlawful: Gauge,
    unrecorded: Gauge,
    detected: Family<RuleLabels, Counter>,
    leader: Gauge,
    latency: Histogram,
    plan: Histogram,
    check: Histogram,
    errors: Family<ErrorLabels, Counter>,
    link_errors: Family<SiteErrorLabels, Counter>,
    writes: Family<WriteLabels, Counter>,
    asked: Family<AskedLabels, Counter>,
}

#[derive(Default)]
struct Gauges {
    workloads: Shown<ClassLabels, Gauge>,
    declassifications: Shown<StepLabels, Gauge>,
    desired: Shown<ShareLabels, Gauge>,
    ready: Shown<ShareLabels, Gauge>,
    withheld: Shown<DependencyLabels, Gauge>,
    reachable: Shown<SiteLabels, Gauge>,
    site_age: Shown<SiteLabels, FloatGauge>,
    /// Link errors counted so far, by site and reason.
    link_errors: BTreeMap<SiteErrorLabels, u64>,
    signal_age: Shown<SignalLabels, FloatGauge>,
    spent: Shown<BudgetLabels, FloatGauge>,
    burn: Shown<BudgetLabels, FloatGauge>,
    ceiling: Shown<BudgetLabels, FloatGauge>,
    violations: Shown<ViolationLabels, Gauge>,
    notice: Shown<RuleLabels, FloatGauge>,
}

impl Default for Metrics {
    fn default() -> Self {
        let spans = || Histogram::new(exponential_buckets(0.0005, 2.0, 14));
        let metrics = Self {
            registry: Registry::with_prefix("pinisi"),
            shown: parking_lot::Mutex::default(),
            sensitive: Gauge::default(),
            unlawful: Gauge::default(),
            unrecorded: Gauge::default(),
            detected: Family::default(),
            leader: Gauge::default(),
            latency: Histogram::new(LATENCY_BUCKETS),
            plan: spans(),
            check: spans(),
            errors: Family::default(),
            link_errors: Family::default(),
            writes: Family::default(),
            asked: Family::default(),
        };
        metrics.registered()
    }
}

impl Metrics {
    fn registered(mut self) -> Self {
        let registry = &mut self.registry;
        let gauges = self.shown.get_mut();
        registry.register(
            "workloads",
            "HybridWorkloads by class",
            gauges.workloads.family.clone(),
        );
        registry.register(
            "declassifications",
            "Declassifications by their step",
            gauges.declassifications.family.clone(),
        );
        registry.register(
            "replicas_desired",
            "Replicas decided, by site",
            gauges.desired.family.clone(),
        );
        registry.register(
            "replicas_ready",
            "Replicas Ready, by site",
            gauges.ready.family.clone(),
        );
        registry.register(
            "replicas_withheld",
            "Replicas that load asks for and a dependency could not serve; there while it is a bottleneck",
            gauges.withheld.family.clone(),
        );
        registry.register(
            "site_reachable",
            "1 where the site's cluster answers and has a Ready node",
            gauges.reachable.family.clone(),
        );
        registry.register(
            "site_facts_age_seconds",
            "Age of what is known of a site in another cluster; 0 while its watches are sound",
            gauges.site_age.family.clone(),
        );
        registry.register(
            "site_link_errors",
            "Errors on the way to a site in another cluster, by bounded reason",
            self.link_errors.clone(),
        );
        registry.register(
            "signal_age_seconds",
            "Age of the newest sample of a source, by query",
            gauges.signal_age.family.clone(),
        );
        registry.register(
            "budget_spent",
            "Spent in the budget's running period, in units of its currency",
            gauges.spent.family.clone(),
        );
        registry.register(
            "budget_per_hour",
            "What runs under the budget costs an hour",
            gauges.burn.family.clone(),
        );
        registry.register(
            "budget_ceiling",
            "The most that the budget may spend in its running period",
            gauges.ceiling.family.clone(),
        );
        registry.register(
            "sensitive_pods",
            "Bound pods in Sensitive namespaces",
            self.sensitive.clone(),
        );
        registry.register(
            "sensitive_pods_off_lawful_nodes",
            "Bound pods in Sensitive namespaces on nodes that are not sovereign; must be 0",
            self.unlawful.clone(),
        );
        registry.register(
            "sovereignty_violations",
            "What is where it may not be now, by rule and Site (empty for none); must be 0",
            gauges.violations.family.clone(),
        );
        registry.register(
            "sovereignty_violations_detected",
            "SovereigntyViolations that this process has written",
            self.detected.clone(),
        );
        registry.register(
            "sovereignty_violations_unrecorded",
            "What is where it may not be and has no SovereigntyViolation: it is about to, or too many are there",
            self.unrecorded.clone(),
        );
        registry.register(
            "sovereignty_notice_seconds",
            "Seconds until notice of a violation that nobody has closed must be given, the nearest of a rule; below 0 it is late",
            gauges.notice.family.clone(),
        );
        registry.register("leader", "1 where this process leads", self.leader.clone());
        registry.register(
            "decision_latency_seconds",
            "From a load sample's timestamp to the accepted write it caused",
            self.latency.clone(),
        );
        registry.register(
            "plan_seconds",
            "Time to plan everything once",
            self.plan.clone(),
        );
        registry.register(
            "check_seconds",
            "Time to check everything once",
            self.check.clone(),
        );
        registry.register(
            "errors",
            "Errors by step and bounded reason",
            self.errors.clone(),
        );
        registry.register(
            "writes",
            "Writes to the API server by kind and result",
            self.writes.clone(),
        );
        registry.register(
            "metrics_questions",
            "Questions to metrics APIs, by cluster (hub, or a Site) and bounded result",
            self.asked.clone(),
        );
        registry.register(
            "build",
            "The build",
            Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]),
        );
        self
    }

    /// The exposition.
    ///
    /// # Errors
    /// A metric that cannot be written as text.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut body = String::new();
        text::encode(&mut body, &self.registry)?;
        Ok(body)
    }

    /// Shows how often metrics APIs were asked so far.
    pub fn asked(&self, counts: &BTreeMap<(Place, &'static str), u64>) {
        for ((place, result), count) in counts {
            let labels = AskedLabels {
                cluster: match place {
                    Place::Hub => "hub".to_owned(),
                    Place::Site(site) => site.clone(),
                },
                result: (*result).to_owned(),
            };
            let counter = self.asked.get_or_create(&labels);
            counter.inc_by(count.saturating_sub(counter.get()));
        }
    }

    /// Shows a round's world and plan.
    pub fn show(&self, checked: &Checked, plan: &Plan, now: Timestamp) {
        let gauges = &mut *self.shown.lock();
        let count = |class| {
            checked
                .workloads
                .values()
                .filter(|subject| subject.class == class)
                .count()
        };
        gauges
            .workloads
            .show([Class::Sensitive, Class::MassTraffic].map(|class| {
                let number = whole(count(class));
                (
                    ClassLabels {
                        class: format!("{class:?}"),
                    },
                    move |gauge: &Gauge| drop_value(gauge.set(number)),
                )
            }));
        let shares = || {
            plan.workloads.iter().flat_map(|(id, decision)| {
                decision.shares.iter().map(move |(site, share)| {
                    let labels = ShareLabels {
                        namespace: id.namespace.to_string(),
                        workload: id.name.to_string(),
                        site: site.to_string(),
                    };
                    (labels, *share)
                })
            })
        };
        gauges
            .desired
            .show(shares().map(|(labels, share)| (labels, set(share.desired))));
        gauges
            .ready
            .show(shares().map(|(labels, share)| (labels, set(share.ready))));
        gauges
            .withheld
            .show(plan.workloads.iter().flat_map(|(id, decision)| {
                decision.reasons.iter().filter_map(|reason| {
                    let Reason::Bottlenecked {
                        dependency,
                        need,
                        to,
                        ..
                    } = reason
                    else {
                        return None;
                    };
                    let labels = DependencyLabels {
                        namespace: id.namespace.to_string(),
                        workload: id.name.to_string(),
                        dependency: dependency.clone(),
                    };
                    Some((labels, set(need.minus(*to))))
                })
            }));
        let mut steps: BTreeMap<&str, i64> = BTreeMap::new();
        for subject in checked.declassifications.values() {
            let (step, _) = next(subject, &subject.status, now);
            let count = steps.entry(step.word()).or_default();
            *count = count.saturating_add(1);
        }
        gauges
            .declassifications
            .show(steps.into_iter().map(|(step, count)| {
                let labels = StepLabels {
                    step: step.to_owned(),
                };
                (labels, move |gauge: &Gauge| drop_value(gauge.set(count)))
            }));
        gauges
            .reachable
            .show(checked.sites.iter().map(|(name, site)| {
                let up = i64::from(site.status_now.nodes > 0 && answers(&site.connection));
                (
                    SiteLabels {
                        site: name.to_string(),
                    },
                    move |gauge: &Gauge| drop_value(gauge.set(up)),
                )
            }));
        gauges
            .site_age
            .show(remotes(checked).filter_map(|(name, remote)| {
                let age = remote.age?.as_secs_f64();
                let labels = SiteLabels {
                    site: name.to_string(),
                };
                Some((labels, move |gauge: &FloatGauge| drop_value(gauge.set(age))))
            }));
        self.count_link_errors(&mut gauges.link_errors, checked);
        gauges
            .signal_age
            .show(checked.sources.iter().flat_map(|(name, source)| {
                let age = source
                    .newest_sample
                    .map(|at| now.duration_since(at).as_secs_f64());
                source.status_now.queries.iter().filter_map(move |query| {
                    let age = age?;
                    let labels = SignalLabels {
                        source: name.clone(),
                        query: query.name.clone(),
                    };
                    Some((labels, move |gauge: &FloatGauge| drop_value(gauge.set(age))))
                })
            }));
        let budgets = |amount: fn(&Standing) -> Money| {
            plan.budgets.iter().map(move |(name, standing)| {
                let amount = units(amount(standing));
                (
                    BudgetLabels {
                        budget: name.to_string(),
                        currency: standing.currency.to_string(),
                    },
                    move |gauge: &FloatGauge| drop_value(gauge.set(amount)),
                )
            })
        };
        gauges.spent.show(budgets(|s| s.spent));
        gauges.burn.show(budgets(|s| s.per_hour.money()));
        gauges.ceiling.show(budgets(|s| s.ceiling));
        let SensitivePods {
            seen,
            off,
            off_nodes: _,
        } = &checked.sensitive_pods;
        self.sensitive.set(i64::try_from(*seen).unwrap_or(i64::MAX));
        self.unlawful.set(i64::try_from(*off).unwrap_or(i64::MAX));
        self.unrecorded.set(whole(checked.violations.unrecorded()));
        gauges.violations.show(violations(&checked.violations));
        gauges.notice.show(notices(&checked.violations, now));
    }

    /// A violation that was written down.
    pub fn violated(&self, rule: ViolationRule) {
        let rule = rule.id().to_owned();
        self.detected.get_or_create(&RuleLabels { rule }).inc();
    }

    /// Adds what came to the counters since the last look; those of a site go with it.
    fn count_link_errors(&self, seen: &mut BTreeMap<SiteErrorLabels, u64>, checked: &Checked) {
        let mut now = BTreeMap::new();
        for (name, remote) in remotes(checked) {
            for (reason, count) in &remote.errors {
                let labels = SiteErrorLabels {
                    site: name.to_string(),
                    reason: (*reason).to_owned(),
                };
                now.insert(labels, *count);
            }
        }
        for (labels, count) in &now {
            let before = seen.get(labels).copied().unwrap_or(0);
            // A Site made anew begins to count anew.
            let more = count.checked_sub(before).unwrap_or(*count);
            self.link_errors.get_or_create(labels).inc_by(more);
        }
        for gone in seen.keys().filter(|labels| !now.contains_key(*labels)) {
            self.link_errors.remove(gone);
        }
        *seen = now;
    }

    /// Whether this process leads.
    pub fn leading(&self, leader: bool) {
        self.leader.set(i64::from(leader));
    }

    /// Time that a check took.
    pub fn checked(&self, took: Duration) {
        self.check.observe(took.as_secs_f64());
    }

    /// Time that a plan took.
    pub fn planned(&self, took: Duration) {
        self.plan.observe(took.as_secs_f64());
    }

    /// An accepted write that answers a load sample.
    pub fn decided(&self, sample: Timestamp, now: Timestamp) {
        self.latency
            .observe(now.duration_since(sample).as_secs_f64().max(0.0));
    }

    /// An error of a step; both words are bounded.
    pub fn error(&self, step: &'static str, reason: &'static str) {
        self.errors
            .get_or_create(&ErrorLabels {
                step: step.into(),
                reason: reason.into(),
            })
            .inc();
    }

    /// A write that was answered.
    pub fn wrote(&self, kind: &'static str, result: &'static str) {
        self.writes
            .get_or_create(&WriteLabels {
                kind: kind.into(),
                result: result.into(),
            })
            .inc();
    }
}

/// How many violations stand open, by rule and Site.
fn violations(
    violations: &Violations,
) -> impl Iterator<Item = (ViolationLabels, impl FnOnce(&Gauge))> {
    let mut counts: BTreeMap<ViolationLabels, usize> = BTreeMap::new();
    let open = violations.open.values().map(|v| (v.rule, v.place.site()));
    let held = violations
        .held
        .values()
        .map(|h| (h.rule, h.site.as_deref()));
    for (rule, site) in open.chain(held) {
        let labels = ViolationLabels {
            rule: rule.id().to_owned(),
            site: site.unwrap_or_default().to_owned(),
        };
        *counts.entry(labels).or_default() += 1;
    }
    counts.into_iter().map(|(labels, count)| {
        let count = whole(count);
        (labels, move |gauge: &Gauge| drop_value(gauge.set(count)))
    })
}

/// The nearest deadline of each rule.
fn notices(
    violations: &Violations,
    now: Timestamp,
) -> impl Iterator<Item = (RuleLabels, impl FnOnce(&FloatGauge))> {
    let mut nearest: BTreeMap<RuleLabels, Timestamp> = BTreeMap::new();
    for recorded in violations.recorded.values() {
        let (Some(rule), Some(by)) = (recorded.rule, recorded.notice_deadline) else {
            continue;
        };
        let rule = rule.id().to_owned();
        let at = nearest.entry(RuleLabels { rule }).or_insert(by);
        *at = (*at).min(by);
    }
    nearest.into_iter().map(move |(labels, by)| {
        let left = by.duration_since(now).as_secs_f64();
        (labels, move |gauge: &FloatGauge| {
            drop_value(gauge.set(left))
        })
    })
}

/// Sites that are other clusters.
fn remotes(checked: &Checked) -> impl Iterator<Item = (&SiteName, &RemoteConnection)> {
    checked
        .sites
        .iter()
        .filter_map(|(name, site)| match &site.connection {
            Connection::Nodes => None,
            Connection::Remote(remote) => Some((name, remote)),
        })
}

/// True for this cluster, and for another one while it is written to.
fn answers(connection: &Connection) -> bool {
    match connection {
        Connection::Nodes => true,
        Connection::Remote(remote) => remote.link.is_up(),
    }
}

fn set(replicas: Replicas) -> impl FnOnce(&Gauge) {
    move |gauge| drop_value(gauge.set(i64::from(replicas.get())))
}

fn whole(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// Money as a gauge has it; the exact sums stand in status.
fn units(money: Money) -> f64 {
    money.to_string().parse().unwrap_or(f64::NAN)
}

/// Gauges return their old value, which nobody needs here.
fn drop_value<T>(_: T) {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checked::Held;
    use crate::testing;

    #[test]
    fn the_names_are_those_that_are_documented_and_the_text_ends_well() {
        let metrics = Metrics::default();
        metrics.error("act", "conflict");
        metrics.wrote("scale", "ok");
        metrics.decided(testing::at(0), testing::at(2));
        let text = metrics.encode().unwrap();
        for line in [
            "pinisi_errors_total{step=\"act\",reason=\"conflict\"} 1",
            "pinisi_writes_total{kind=\"scale\",result=\"ok\"} 1",
            "pinisi_decision_latency_seconds_count 1",
            "pinisi_decision_latency_seconds_sum 2.0",
            "pinisi_build_info{version=",
            "pinisi_leader 0",
            "pinisi_sensitive_pods_off_lawful_nodes 0",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn series_go_with_their_workload() {
        let (metrics, checked) = (Metrics::default(), Checked::default());
        let decision = testing::decision((3, 2), (1, 1), vec![], vec![]);
        let mut plan = Plan {
            budgets: Default::default(),
            at: testing::at(0),
            workloads: [(testing::id(), decision)].into(),
            sites: BTreeMap::new(),
            memory: Default::default(),
        };
        metrics.show(&checked, &plan, testing::at(0));
        let line = "pinisi_replicas_ready{namespace=\"shop\",workload=\"web\",site=\"home\"} 2";
        assert!(metrics.encode().unwrap().contains(line));
        plan.workloads.clear();
        metrics.show(&checked, &plan, testing::at(0));
        assert!(!metrics.encode().unwrap().contains("workload=\"web\""));
    }
    #[test]
    fn what_is_held_counts_as_open() {
        let (metrics, mut checked) = (Metrics::default(), Checked::default());
        for name in ["v03-a", "v03-b"] {
            let held = Held {
                rule: ViolationRule::V03,
                site: None,
                policies: vec![],
                message: String::new(),
            };
            checked.violations.held.insert(name.into(), held);
        }
        let plan = Plan {
            budgets: Default::default(),
            at: testing::at(0),
            workloads: Default::default(),
            sites: BTreeMap::new(),
            memory: Default::default(),
        };
        metrics.show(&checked, &plan, testing::at(0));
        let line = "pinisi_sovereignty_violations{rule=\"V03\",site=\"\"} 2";
        assert!(metrics.encode().unwrap().contains(line));
    }
}
