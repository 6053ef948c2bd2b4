//! Announced windows: replicas are asked for so early that they are Ready when the window opens, in a
//! ramp and not at once. Who announced and does not come is released again. All of it follows from the
//! windows and the time: nothing is remembered.

use super::growth::{LAG, grown};
use crate::model::amounts::{MilliLoad, Replicas};
use crate::model::schedule::{Expected, Window};
use crate::reason::Reason;
use crate::time::{after, before, elapsed, millis};
use jiff::{SignedDuration, Timestamp};

/// On top of a load that was announced.
const MARGIN_MILLE: u64 = 1100;
/// On top of the load that is there while it stays within what was announced.
const WITHIN_MILLE: u64 = 1030;
/// So far past the announced load the announcement counts as wrong, and the load as any other.
const WRONG_MILLE: u64 = 1050;
/// Replicas are to be Ready so long before the window opens.
const EARLY: SignedDuration = SignedDuration::from_secs(60);
/// Replicas that a ramp asks for each second.
const RAMP_RATE: u32 = 10;
/// No ramp is longer.
const RAMP_MAX: SignedDuration = SignedDuration::from_mins(10);
/// So long after its start a window whose load has not come counts as a no-show.
const NO_SHOW_AFTER: SignedDuration = SignedDuration::from_mins(10);
/// A no-show's replicas are given up over this long.
const RELEASE: SignedDuration = SignedDuration::from_mins(10);

/// What a schedule asks for now.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Floor {
    /// At least so many replicas.
    pub replicas: Replicas,
    /// Why.
    pub reason: Reason,
}

/// When a window's ramp begins and when it is up.
fn ramp(window: &Window, all: Replicas, start_up: SignedDuration) -> (Timestamp, Timestamp) {
    let seconds = i64::from(all.get().div_ceil(RAMP_RATE));
    let length = SignedDuration::from_secs(seconds).min(RAMP_MAX);
    let start_up = start_up.max(SignedDuration::ZERO);
    let lead = start_up.saturating_add(LAG).saturating_add(EARLY);
    let up = before(window.start, lead);
    (before(up, length), up)
}

/// All replicas of a window. `None` where a load is expected and nobody knows what a replica serves.
pub(crate) fn replicas_of(window: &Window, per_replica: Option<MilliLoad>) -> Option<Replicas> {
    match window.expects {
        Expected::Replicas(n) => Some(n),
        Expected::Load(load) => {
            let replicas = grown(load, MARGIN_MILLE).0.div_ceil(per_replica?.0.max(1));
            Some(Replicas::new(u32::try_from(replicas).unwrap_or(u32::MAX)))
        }
    }
}

/// The largest floor of all windows; `need` is what the load alone needs now.
pub(crate) fn floor(
    windows: &[Window],
    per_replica: Option<MilliLoad>,
    start_up: SignedDuration,
    need: Replicas,
    now: Timestamp,
) -> Option<Floor> {
    let floors = windows.iter().filter_map(|window| {
        let all = replicas_of(window, per_replica)?;
        let (begin, up) = ramp(window, all, start_up);
        if now < begin || now >= window.end || window.end <= window.start {
            return None;
        }
        let (part, whole) = if now < up {
            let whole = millis(up.duration_since(begin)).max(1);
            ((millis(elapsed(begin, now)) + 1000).min(whole), whole)
        } else {
            released(window, all, need, now)
        };
        let share = i64::from(all.get()).saturating_mul(part);
        let share = share.saturating_add(whole - 1) / whole.max(1);
        let replicas = Replicas::new(u32::try_from(share).unwrap_or(0));
        Some(Floor {
            replicas,
            reason: Reason::Scheduled {
                window: window.name.clone(),
                start: window.start,
                end: window.end,
                replicas,
                all,
                no_show: now >= up && part < whole,
            },
        })
    });
    floors.max_by_key(|floor| floor.replicas)
}

/// What is left of a window's floor: all of it, or less and less where nobody came.
fn released(window: &Window, all: Replicas, need: Replicas, now: Timestamp) -> (i64, i64) {
    let came = need.get().saturating_mul(2) >= all.get();
    let waited = now.duration_since(after(window.start, NO_SHOW_AFTER));
    if came || waited <= SignedDuration::ZERO {
        return (1, 1);
    }
    let whole = millis(RELEASE);
    ((whole - millis(waited)).max(0), whole)
}

/// True from the beginning of a window's ramp to its end, and a hold beyond: what comes then is
/// not the growth of an ordinary day.
pub(crate) fn announced(
    windows: &[Window],
    per_replica: MilliLoad,
    start_up: SignedDuration,
    hold: SignedDuration,
    now: Timestamp,
) -> bool {
    windows.iter().any(|window| {
        replicas_of(window, Some(per_replica)).is_some_and(|all| {
            ramp(window, all, start_up).0 <= now && now < after(window.end, hold)
        })
    })
}

/// The most that a load which keeps to its announcement is provided for; `None` where none is under way
/// or it has been passed. Growth beyond what was announced need not be feared then.
pub(crate) fn within(
    windows: &[Window],
    per_replica: MilliLoad,
    x: MilliLoad,
    now: Timestamp,
) -> Option<MilliLoad> {
    let running = windows.iter().filter(|w| w.start <= now && now < w.end);
    let announced = running
        .map(|window| match window.expects {
            Expected::Load(load) => load,
            Expected::Replicas(n) => {
                MilliLoad(per_replica.0.saturating_mul(u64::from(n.get())) * 1000 / MARGIN_MILLE)
            }
        })
        .max()?;
    (x <= grown(announced, WRONG_MILLE))
        .then(|| grown(announced, MARGIN_MILLE).max(grown(x, WITHIN_MILLE)))
}
