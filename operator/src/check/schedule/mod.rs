//! `spec.autoscaling.schedules`, worked out to instants. What is wrong with one schedule leaves that
//! one out and is said; the service follows its load all the same. Not here: when replicas for a
//! window are made, and how many.

pub mod cron;
mod kept;
#[cfg(test)]
mod tests;

pub use cron::zone;
pub use kept::Kept;

use super::limits::{LOAD_MAX, REPLICAS_MAX};
use super::problem::Problem;
use crate::gather::facts::ObjectKey;
use crate::gather::quantity::millis;
use cron::{PERIOD_MIN, starts};
use jiff::{SignedDuration, Timestamp};
use pinisi_crds::autoscaling::schedule::{
    self as api, CRON_MAX, DURATION_MAX, DURATION_MIN, SCHEDULES_MAX,
};
use pinisi_crds::hybrid_workload::Autoscaling;
use pinisi_planner::model::amounts::{MilliLoad, Replicas};
use pinisi_planner::model::schedule::{Expected, Window};
use std::collections::BTreeSet;
use std::fmt::Display;

/// A window that is over is told for so long.
const PAST: SignedDuration = SignedDuration::from_hours(1);
/// A window is told so long before it begins.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);
/// What was worked out holds for so long.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(1);

/// What schedules come to around one time.
#[derive(Debug, Default)]
pub struct Expanded {
    windows: Vec<Window>,
    problems: Vec<Problem>,
}

/// The windows around `now`, in the spec's order and then in that of time.
pub fn windows(
    kept: &Kept,
    key: &ObjectKey,
    autoscaling: Option<&Autoscaling>,
    now: Timestamp,
    problems: &mut Vec<Problem>,
) -> Vec<Window> {
    let scheduled = |a: &&Autoscaling| a.schedules.is_some();
    let Some(autoscaling) = autoscaling.filter(scheduled) else {
        return Vec::new();
    };
    let expanded = kept.get(key, autoscaling, now, || expand(autoscaling, now));
    problems.extend(expanded.problems.iter().cloned());
    let (past, ahead) = (back(now, PAST), on(now, AHEAD));
    let near = |w: &&Window| w.end > past && w.start < ahead;
    expanded.windows.iter().filter(near).cloned().collect()
}

fn back(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_sub(by).unwrap_or(Timestamp::MIN)
}

fn on(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// One schedule is left out, for this.
fn left_out(field: &str, value: &dyn Display, allowed: &str) -> Problem {
    Problem::ScheduleLeftOut {
        field: field.to_owned(),
        value: value.to_string(),
        allowed: allowed.to_owned(),
    }
}

/// A text of the spec as a problem shows it.
fn shown(text: &str) -> String {
    format!("{:?}", text.chars().take(CRON_MAX).collect::<String>())
}

fn expand(autoscaling: &Autoscaling, now: Timestamp) -> Expanded {
    let list = autoscaling.schedules.as_deref().unwrap_or_default();
    let mut expanded = Expanded::default();
    if list.len() > SCHEDULES_MAX {
        let allowed = format!("at most {SCHEDULES_MAX} schedules; the others count for nothing");
        expanded.problems.push(left_out(
            "spec.autoscaling.schedules",
            &format!("a list of {}", list.len()),
            &allowed,
        ));
    }
    let mut names = BTreeSet::new();
    for (i, schedule) in list.iter().take(SCHEDULES_MAX).enumerate() {
        let field = format!("spec.autoscaling.schedules[{i}]");
        let Expanded { windows, problems } = &mut expanded;
        if !names.insert(schedule.name.as_str()) {
            let allowed = "a name that no other schedule has";
            problems.push(left_out(&format!("{field}.name"), &schedule.name, allowed));
            continue;
        }
        match one(schedule, &field, autoscaling, now, problems) {
            Ok(found) => windows.extend(found),
            Err(problem) => problems.push(problem),
        }
    }
    expanded
}

/// The windows of one schedule; what is only worth a word goes to `problems`.
fn one(
    schedule: &api::Schedule,
    field: &str,
    autoscaling: &Autoscaling,
    now: Timestamp,
    problems: &mut Vec<Problem>,
) -> Result<Vec<Window>, Problem> {
    let api::Schedule {
        name,
        cron,
        at,
        expect,
    } = schedule;
    let expects = expected(expect, field, autoscaling, problems)?;
    let window = |start, end| Window {
        name: name.clone(),
        start,
        end,
        expects,
    };
    match (cron, at) {
        (Some(cron), None) => {
            let found = recurring(cron, &format!("{field}.cron"), now, problems)?;
            Ok(found
                .into_iter()
                .map(|(start, end)| window(start, end))
                .collect())
        }
        (None, Some(api::FixedWindow { from, until })) if from.0 < until.0 => {
            Ok(vec![window(from.0, until.0)])
        }
        (None, Some(api::FixedWindow { from, until })) => {
            let allowed = format!("a time after at.from, which is {}", from.0);
            Err(left_out(&format!("{field}.at.until"), &until.0, &allowed))
        }
        (Some(_), Some(_)) | (None, None) => Err(left_out(
            &format!("{field}.cron"),
            &if at.is_some() {
                "set beside at"
            } else {
                "missing"
            },
            "a start, a duration and a zone, or set at: exactly one of the two",
        )),
    }
}

fn recurring(
    cron: &api::CronWindow,
    field: &str,
    now: Timestamp,
    problems: &mut Vec<Problem>,
) -> Result<Vec<(Timestamp, Timestamp)>, Problem> {
    let api::CronWindow {
        start,
        duration_seconds,
        time_zone,
    } = cron;
    if !(DURATION_MIN..=DURATION_MAX).contains(duration_seconds) {
        let allowed = format!("a number from {DURATION_MIN} to {DURATION_MAX}");
        return Err(left_out(
            &format!("{field}.durationSeconds"),
            duration_seconds,
            &allowed,
        ));
    }
    let zone = zone(time_zone).ok_or_else(|| {
        let allowed = "a zone of the IANA database, for example Asia/Jakarta";
        left_out(&format!("{field}.timeZone"), &shown(time_zone), allowed)
    })?;
    let lasts = SignedDuration::from_secs(i64::from(*duration_seconds));
    let from = back(back(now, PAST), lasts);
    let until = on(on(now, AHEAD), KEPT_FOR);
    let found = if start.chars().count() > CRON_MAX {
        Err(format!("it is longer than {CRON_MAX} characters"))
    } else {
        starts(start, &zone, from, until).map_err(|fault| fault.to_string())
    };
    let cron::Starts {
        at,
        period,
        left_out: missed,
    } = found.map_err(|fault| {
        let allowed = "minute, hour, day of month, month and day of week of days that come, for example 0 8 * * MON-FRI";
        let value = format!("{} ({fault})", shown(start));
        left_out(&format!("{field}.start"), &value, allowed)
    })?;
    if let Some(missed) = missed {
        problems.push(Problem::ScheduleTooOften {
            field: format!("{field}.start"),
            seconds: missed.as_secs(),
            least: PERIOD_MIN.as_secs(),
        });
    }
    if let Some(period) = period.filter(|period| *period < lasts) {
        problems.push(Problem::ScheduleOverlaps {
            field: format!("{field}.durationSeconds"),
            seconds: *duration_seconds,
            period: period.as_secs(),
        });
    }
    Ok(at
        .into_iter()
        .map(|start| (start, on(start, lasts)))
        .collect())
}

/// What is expected, and a word where it is more than may run.
fn expected(
    expect: &api::Expect,
    field: &str,
    autoscaling: &Autoscaling,
    problems: &mut Vec<Problem>,
) -> Result<Expected, Problem> {
    let field = format!("{field}.expect");
    let api::Expect { load, replicas } = expect;
    let (expects, need) = match (load, replicas) {
        (Some(load), None) => {
            let field = format!("{field}.load");
            let Some(per_replica) = autoscaling.load.as_ref().map(|l| &l.per_replica) else {
                let allowed = "nothing, and set expect.replicas: without spec.autoscaling.load nobody knows what one replica serves";
                return Err(left_out(&field, &shown(&load.0), allowed));
            };
            let milli = millis(&load.0).ok().filter(|n| (1..LOAD_MAX).contains(n));
            let Some(milli) = milli else {
                let allowed = "a load in all: a quantity above 0 and below 1Ti, for example 20k";
                return Err(left_out(&field, &shown(&load.0), allowed));
            };
            // A perReplica that is wrong is said with the load that it is of.
            let need = milli.div_ceil(millis(&per_replica.0).unwrap_or(0).max(1));
            (Expected::Load(MilliLoad(milli)), need)
        }
        (None, Some(n)) if (1..=REPLICAS_MAX).contains(n) => {
            let n = Replicas::from_api(*n);
            (Expected::Replicas(n), u64::from(n.get()))
        }
        (None, Some(n)) => {
            let allowed = format!("a number from 1 to {REPLICAS_MAX}");
            return Err(left_out(&format!("{field}.replicas"), n, &allowed));
        }
        (Some(_), Some(_)) => {
            return Err(left_out(&field, &"load and replicas", "one of the two"));
        }
        (None, None) => return Err(left_out(&field, &"empty", "load or replicas")),
    };
    let max = Replicas::from_api(autoscaling.max_replicas);
    if need > u64::from(max.get()) {
        problems.push(Problem::ScheduleAboveMaximum { field, need, max });
    }
    Ok(expects)
}
