//! Beside each other: the count that the autoscaler (or a hand) set, and the count that Pinisi
//! would have set, with the causes of a difference. Pure.

use super::phase::Phase;
use crate::handover::fields::{condition, number, said};
use crate::handover::{Autoscaler, Facts, Target, Workload};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

/// The JSON's name: fields are only ever added under it.
pub const FORMAT: &str = "pinisi-adopt-status/v1";

/// Both counts at one moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pair {
    /// [`FORMAT`].
    pub format: &'static str,
    /// When.
    pub at: Timestamp,
    /// The namespace.
    pub namespace: String,
    /// What is scaled.
    pub target: Target,
    /// Where the adoption stands.
    pub phase: Phase,
    /// The autoscaler's side.
    pub autoscaler: Option<Theirs>,
    /// What runs.
    pub running: Running,
    /// Pinisi's side.
    pub pinisi: Option<Ours>,
    /// Pinisi's count minus the other.
    pub difference: Option<i32>,
    /// Why they differ.
    pub causes: Vec<Cause>,
}

/// The autoscaler's side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Theirs {
    /// Kind and name.
    pub name: String,
    /// The count that it wants; `None` before it has said one.
    pub desired: Option<i32>,
    /// Its own words.
    pub why: String,
}

/// What runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Running {
    /// The count in the target's spec.
    pub specified: i32,
    /// Ready replicas of the target.
    pub ready: i32,
}

/// Pinisi's side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ours {
    /// The count that it wants over all sites.
    pub desired: i32,
    /// Of those at home.
    pub home: i32,
    /// Of those in the cloud.
    pub cloud: i32,
    /// Its own words.
    pub why: String,
    /// True where it speaks of the spec as it is now.
    pub fresh: bool,
}

/// Why two counts differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// A CamelCase word.
    pub cause: &'static str,
    /// In words.
    pub message: String,
}

/// Compares.
pub fn compare(facts: &Facts) -> Pair {
    let autoscaler = facts.autoscalers.first();
    let theirs = autoscaler.map(theirs);
    let ours = facts.workload.as_ref().and_then(ours);
    let running = Running {
        specified: facts.running(),
        ready: facts.scalable.as_ref().map_or(0, |found| found.ready),
    };
    let other = match &theirs {
        Some(theirs) => theirs.desired,
        None => Some(running.specified),
    };
    let difference = ours
        .as_ref()
        .zip(other)
        .map(|(ours, other)| ours.desired.saturating_sub(other));
    let causes = match (&facts.workload, difference) {
        (Some(_), Some(0)) => vec![],
        (Some(workload), _) => causes(facts, workload, autoscaler, theirs.as_ref()),
        (None, _) => vec![],
    };
    Pair {
        format: FORMAT,
        at: facts.now,
        namespace: facts.namespace.clone(),
        target: facts.target.clone(),
        phase: Phase::of(facts),
        autoscaler: theirs,
        running,
        pinisi: ours,
        difference,
        causes,
    }
}

fn theirs(autoscaler: &Autoscaler) -> Theirs {
    let hpa = autoscaler.hpa();
    Theirs {
        name: autoscaler.words(),
        desired: hpa.and_then(desired),
        why: match hpa {
            Some(hpa) => why_of(hpa),
            None => "KEDA has no HPA for it now".into(),
        },
    }
}

/// The count that an HPA wants. Without figures it says an old one or 0, but keeps what runs.
fn desired(hpa: &Value) -> Option<i32> {
    let blind = condition(hpa, "ScalingActive").is_some_and(|found| found.status == "False");
    let field = match blind {
        true => "/status/currentReplicas",
        false => "/status/desiredReplicas",
    };
    number(hpa, field)
}

/// What an HPA says of itself: the conditions that shape its count.
fn why_of(hpa: &Value) -> String {
    let mut words = Vec::new();
    for (kind, shaping) in [
        ("ScalingActive", "False"),
        ("AbleToScale", "True"),
        ("ScalingLimited", "True"),
    ] {
        let Some(found) = condition(hpa, kind).filter(|found| found.status == shaping) else {
            continue;
        };
        let plain = kind == "AbleToScale" && !found.reason.ends_with("Stabilized");
        if !plain {
            words.push(found.reason);
        }
    }
    match words.is_empty() {
        true if condition(hpa, "AbleToScale").is_some() => "as its metrics ask".into(),
        true => "has not looked yet".into(),
        false => words.join(", "),
    }
}

fn ours(workload: &Workload) -> Option<Ours> {
    let status = &workload.status;
    status.observed_generation?;
    Some(Ours {
        desired: status.replicas,
        home: status.home,
        cloud: status.cloud,
        why: status.why.clone().unwrap_or_default(),
        fresh: workload.observed(),
    })
}

fn causes(
    facts: &Facts,
    workload: &Workload,
    autoscaler: Option<&Autoscaler>,
    theirs: Option<&Theirs>,
) -> Vec<Cause> {
    let mut causes = Vec::new();
    let mut add = |cause, message: String| causes.push(Cause { cause, message });
    if !workload.observed() {
        add(
            "NotLookedAt",
            "the operator has not looked at the workload as it is now: kubectl pinisi check".into(),
        );
    }
    let told = |kind: &str, status: &str| {
        workload
            .condition(kind)
            .filter(|found| found.status == status)
            .map(|found| format!("Pinisi: {} ({})", found.message, found.reason))
    };
    if let Some(words) = told("Stalled", "True") {
        add("Stalled", words);
    }
    if let Some(words) = told("ScalingActive", "False") {
        add("NoFigures", words);
    }
    if let Some(words) = told("CapacityShort", "True") {
        add("CapacityShort", words);
    }
    match (autoscaler, theirs) {
        (Some(found), Some(theirs)) => {
            let name = &theirs.name;
            if theirs.desired.is_none() {
                add("AutoscalerSilent", format!("{name}: {}", theirs.why));
            }
            for (kind, status, cause) in [
                ("ScalingActive", "False", "AutoscalerHasNoFigures"),
                ("ScalingLimited", "True", "AutoscalerLimited"),
            ] {
                let hpa = found.hpa().and_then(|hpa| condition(hpa, kind));
                if let Some(said) = hpa.filter(|said| said.status == status) {
                    add(cause, format!("{name}: {} ({})", said.message, said.reason));
                }
            }
            let able = found.hpa().and_then(|hpa| condition(hpa, "AbleToScale"));
            if let Some(said) = able.filter(|said| said.reason.ends_with("Stabilized")) {
                add(
                    "AutoscalerStabilizes",
                    format!("{name}: {} ({})", said.message, said.reason),
                );
            }
            let (min, max) = found.bounds();
            if min != workload.min() || max != workload.max() {
                add(
                    "OtherBounds",
                    format!(
                        "{name} has {min} to {}, the workload {} to {}",
                        words(max),
                        workload.min(),
                        words(workload.max())
                    ),
                );
            }
            if said(&workload.object, "/spec/autoscaling/load").is_some() {
                add(
                    "OtherSignal",
                    format!("the workload follows spec.autoscaling.load, {name} its own metrics"),
                );
            }
        }
        _ if workload.autoscaling().is_some() => add(
            "ByHand",
            format!(
                "{} is set by hand, the workload follows figures",
                facts.target
            ),
        ),
        _ => {}
    }
    let why = workload.status.why.clone().unwrap_or_default();
    if !why.is_empty() {
        add("Pinisi", format!("Pinisi: {why}"));
    }
    causes
}

fn words(max: Option<i32>) -> String {
    max.map_or_else(|| "?".into(), |max| max.to_string())
}

/// What a watch saw in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sum {
    /// Rows.
    pub rows: u32,
    /// Rows in which both agreed.
    pub equal: u32,
    /// Largest difference, whatever its sign.
    pub largest: u32,
    /// Seconds watched while both were known.
    pub seconds: u64,
    /// Of those, seconds in which both agreed.
    pub seconds_equal: u64,
    #[serde(skip)]
    last: Option<(Timestamp, Option<i32>)>,
}

impl Sum {
    /// Takes a row in, and the time that the one before it stood.
    pub fn add(&mut self, pair: &Pair) {
        self.until(pair.at);
        self.rows = self.rows.saturating_add(1);
        if pair.difference == Some(0) {
            self.equal = self.equal.saturating_add(1);
        }
        let size = pair.difference.map_or(0, i32::unsigned_abs);
        self.largest = self.largest.max(size);
        self.last = Some((pair.at, pair.difference));
    }

    /// Counts the time that the last row stood.
    pub fn until(&mut self, now: Timestamp) {
        let Some((since, Some(difference))) = self.last else {
            return;
        };
        let seconds = u64::try_from(now.duration_since(since).as_secs()).unwrap_or(0);
        self.seconds = self.seconds.saturating_add(seconds);
        if difference == 0 {
            self.seconds_equal = self.seconds_equal.saturating_add(seconds);
        }
        self.last = Some((now, Some(difference)));
    }
}
