//! Every autoscaler with its own settings turned: what each way of setting it leaves unserved and
//! costs, and who is on the frontier, where nobody is better in one without being worse in the other.
//! The picture of it is in `picture`. Deliberately not here: which loads, and running them.

pub mod picture;

use crate::algorithm::Algorithm;
use crate::contenders::{
    Contender, Each,
    hpa::{Hpa, Tuning},
    keda::Keda,
    knative::Settings,
    pinisi::Pinisi,
    revision::Revision,
};
use crate::setup::{Setup, headroom};
use crate::summary::Summary;
use pinisi_planner::hpa::{Behavior, Policy, PolicyKind, Rules, Tolerance};
use pinisi_planner::model::amounts::Percent;

/// Pinisi's `headroomPercent`.
const HEADROOMS: [i32; 13] = [0, 2, 5, 10, 15, 20, 25, 30, 40, 50, 60, 80, 100];
/// Targets in percent, of an HPA, of KEDA's threshold and of Knative's utilization.
const TARGETS: [i32; 6] = [50, 60, 70, 80, 90, 95];
/// Tolerances in thousandths.
const TOLERANCES: [u64; 3] = [100, 50, 0];
/// Seconds for which the highest recommendation counts, with a behavior that grows without a limit.
const DOWN_WINDOWS: [i32; 3] = [60, 300, 900];
/// `panic-threshold-percentage`.
const PANICS: [f64; 3] = [200.0, 150.0, 110.0];
/// `stable-window` in seconds.
const STABLE_WINDOWS: [u32; 3] = [30, 60, 300];
/// `scale-down-delay` in seconds.
const DELAYS: [u32; 3] = [0, 60, 300];

/// One way to set one autoscaler.
#[derive(Clone, Debug, PartialEq)]
pub enum Setting {
    /// Pinisi with a `headroomPercent`.
    Pinisi(Percent),
    /// An HPA.
    Hpa(Tuning),
    /// KEDA. Its cooldown acts on the last replica alone, and no load of the benchmark comes to none.
    Keda(Tuning),
    /// Knative.
    Knative(Settings),
}

impl Setting {
    /// All that are tried, each autoscaler's default among its own.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let pinisi = HEADROOMS.map(|percent| Self::Pinisi(Percent::new(percent)));
        let hpa = tunings().into_iter().map(Self::Hpa);
        let keda = tunings().into_iter().map(Self::Keda);
        let knative = knatives().into_iter().map(Self::Knative);
        pinisi
            .into_iter()
            .chain(hpa)
            .chain(keda)
            .chain(knative)
            .collect()
    }

    /// Whose setting it is.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Pinisi(_) => Algorithm::Pinisi,
            Self::Hpa(_) => Algorithm::Hpa,
            Self::Keda(_) => Algorithm::Keda,
            Self::Knative(_) => Algorithm::Knative,
        }
    }

    /// True for what one has who sets nothing.
    #[must_use]
    pub fn is_default(&self) -> bool {
        match self {
            Self::Pinisi(percent) => *percent == headroom(),
            Self::Hpa(tuning) | Self::Keda(tuning) => *tuning == Tuning::default(),
            Self::Knative(settings) => *settings == Settings::default(),
        }
    }

    /// The setup as this one needs it, and who decides in it.
    #[must_use]
    pub fn enter(&self, mut setup: Setup, equal_lag: bool) -> (Setup, Box<dyn Contender>) {
        let contender: Box<dyn Contender> = match self {
            Self::Pinisi(percent) => {
                for service in &mut setup.services {
                    service.headroom = *percent;
                }
                Box::new(Pinisi::new(&setup))
            }
            Self::Hpa(tuning) => Box::new(Each::of(&setup, &Hpa::new(tuning.clone(), equal_lag))),
            Self::Keda(tuning) => Box::new(Each::of(&setup, &Keda::new(tuning.clone(), equal_lag))),
            Self::Knative(settings) => Box::new(Each::of(&setup, &Revision::new(*settings))),
        };
        (setup, contender)
    }

    /// What is set, in the words of whoever's it is.
    #[must_use]
    pub fn words(&self) -> String {
        let tuned = |name: &str, tuning: &Tuning| {
            let Tuning {
                target,
                tolerance,
                behavior,
            } = tuning;
            let behavior = behavior.as_ref().and_then(|b| b.down.window_seconds);
            let behavior = behavior.map_or(String::new(), |w| {
                format!(", no limit upwards, down window {w} s")
            });
            format!("{name} target {target} %, tolerance {tolerance}{behavior}")
        };
        match self {
            Self::Pinisi(percent) => format!("Pinisi headroomPercent {}", percent.get()),
            Self::Hpa(tuning) => tuned("HPA", tuning),
            Self::Keda(tuning) => tuned("KEDA", tuning),
            Self::Knative(s) => format!(
                "Knative utilization {} %, panic threshold {} %, stable window {} s, scale-down delay {} s",
                s.target_percent,
                s.panic_threshold_percent,
                s.stable_window_seconds,
                s.scale_down_delay_seconds
            ),
        }
    }
}

/// Targets, tolerances and behaviors, each with each.
fn tunings() -> Vec<Tuning> {
    let windows = DOWN_WINDOWS.iter().map(|w| Some(unlimited(*w)));
    let behaviors: Vec<_> = std::iter::once(None).chain(windows).collect();
    let mut all = Vec::new();
    for target in TARGETS {
        for milli in TOLERANCES {
            for behavior in &behaviors {
                all.push(Tuning {
                    target,
                    tolerance: Tolerance::from_nanos(milli * 1_000_000),
                    behavior: behavior.clone(),
                });
            }
        }
    }
    all
}

/// Upwards at once as far as the metric says, which is what people set who fear spikes.
fn unlimited(window: i32) -> Behavior {
    Behavior {
        up: Rules {
            policies: vec![Policy {
                kind: PolicyKind::Percent,
                value: 10_000,
                period_seconds: 15,
            }],
            ..Rules::up()
        },
        down: Rules {
            window_seconds: Some(window),
            ..Rules::down()
        },
    }
}

fn knatives() -> Vec<Settings> {
    let mut all = Vec::new();
    for target in TARGETS {
        for panic_threshold_percent in PANICS {
            for stable_window_seconds in STABLE_WINDOWS {
                for scale_down_delay_seconds in DELAYS {
                    all.push(Settings {
                        target_percent: target.into(),
                        panic_threshold_percent,
                        stable_window_seconds,
                        scale_down_delay_seconds,
                        ..Settings::default()
                    });
                }
            }
        }
    }
    all
}

/// What came of one setting on one load.
#[derive(Clone, Debug, PartialEq)]
pub struct Tried {
    /// The setting.
    pub setting: Setting,
    /// Its figures.
    pub summary: Summary,
}

impl Tried {
    /// True where it is no worse than another one in both, and better in one. Both are rounded to a
    /// millionth, so a difference that floats leave over is none.
    #[must_use]
    pub fn dominates(&self, other: &Self) -> bool {
        let (a, b) = (&self.summary, &other.summary);
        let no_worse = a.unserved_pct <= b.unserved_pct && a.cost_ratio <= b.cost_ratio;
        no_worse && (a.unserved_pct < b.unserved_pct || a.cost_ratio < b.cost_ratio)
    }
}

/// Those of some that none of them dominates, the cheapest first.
#[must_use]
pub fn frontier<'a>(all: &[&'a Tried]) -> Vec<&'a Tried> {
    let undominated = |one: &&Tried| !all.iter().any(|other| other.dominates(one));
    let mut best: Vec<_> = all.iter().copied().filter(undominated).collect();
    best.sort_by(|a, b| a.summary.cost_ratio.total_cmp(&b.summary.cost_ratio));
    best
}

/// Where an autoscaler stands on one load, all settings of all others beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing<'a> {
    /// Its own frontier, and who of the others dominates a point of it, the one that leaves least
    /// unserved of those.
    pub own: Vec<(&'a Tried, Option<&'a Tried>)>,
    /// The same of its default.
    pub default: Option<(&'a Tried, Option<&'a Tried>)>,
}

impl Standing<'_> {
    /// Points of its own frontier that no other dominates.
    #[must_use]
    pub fn held(&self) -> usize {
        self.own.iter().filter(|(_, by)| by.is_none()).count()
    }

    /// True where its default is on the frontier of all.
    #[must_use]
    pub fn default_holds(&self) -> bool {
        self.default.is_some_and(|(_, by)| by.is_none())
    }
}

/// Where one stands among all that were tried on one load.
#[must_use]
pub fn standing(all: &[Tried], whose: Algorithm) -> Standing<'_> {
    let (own, others): (Vec<_>, Vec<_>) = all
        .iter()
        .partition(|tried| tried.setting.algorithm() == whose);
    let beside = |one| {
        let over = others.iter().copied().filter(|other| other.dominates(one));
        let least = over.min_by(|a, b| a.summary.unserved_pct.total_cmp(&b.summary.unserved_pct));
        (one, least)
    };
    let best = frontier(&own);
    let default = own.iter().copied().find(|t| t.setting.is_default());
    Standing {
        own: best.into_iter().map(beside).collect(),
        default: default.map(beside),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(setting: Setting, unserved_pct: f64, cost_ratio: f64) -> Tried {
        Tried {
            setting,
            summary: Summary {
                unserved_pct,
                cost_ratio,
                replica_hours: 0.0,
                churn: 0.0,
            },
        }
    }

    #[test]
    fn each_way_is_tried_once_and_each_default_is_among_them() {
        let all = Setting::all();
        for (i, one) in all.iter().enumerate() {
            assert!(!all[..i].contains(one), "{}", one.words());
        }
        let defaults = all.iter().filter(|s| s.is_default());
        let whose: Vec<_> = defaults.map(Setting::algorithm).collect();
        assert_eq!(whose, Algorithm::ALL);
    }

    #[test]
    fn who_is_as_good_dominates_nobody() {
        let hpa = || Setting::Hpa(Tuning::default());
        let (a, b) = (tried(hpa(), 1.0, 1.5), tried(hpa(), 1.0, 1.5));
        assert!(!a.dominates(&b) && !b.dominates(&a));
        assert!(tried(hpa(), 0.9, 1.5).dominates(&a));
        assert!(!tried(hpa(), 0.9, 1.6).dominates(&a));
    }

    #[test]
    fn a_standing_names_who_is_better_at_each_point() {
        let own =
            |percent, unserved, cost| tried(Setting::Pinisi(Percent::new(percent)), unserved, cost);
        let all = [
            own(0, 3.0, 1.1),
            own(10, 2.5, 1.4), // its own headroom of 30 is better and cheaper
            own(30, 1.0, 1.3),
            tried(Setting::Hpa(Tuning::default()), 2.0, 1.05),
            tried(Setting::Keda(Tuning::default()), 1.5, 1.08),
        ];
        let found = standing(&all, Algorithm::Pinisi);
        let points: Vec<_> = found.own.iter().map(|(t, by)| (*t, *by)).collect();
        assert_eq!(points, [(&all[0], Some(&all[4])), (&all[2], None)]);
        assert_eq!((found.held(), found.default_holds()), (1, true));
        let hpa = standing(&all, Algorithm::Hpa);
        assert_eq!((hpa.held(), hpa.default_holds()), (1, true));
    }
}
