//! The recent samples of a load and the trend in them: how far it will have risen by the time
//! that a replica started now is Ready. Deliberately simple: no seasons, no learning.

use crate::model::amounts::MilliLoad;
use crate::time::{elapsed, millis};
use jiff::{SignedDuration, Timestamp};
use std::collections::VecDeque;

/// Samples kept for one workload.
pub const SAMPLES_MAX: usize = 32;
/// Samples closer than this give no slope: their times are too coarse.
const GAP_MIN: SignedDuration = SignedDuration::from_millis(500);
/// Samples older than this are not kept, however few there are.
const REACH: SignedDuration = SignedDuration::from_secs(60);
/// Samples older than this say nothing about the trend.
const TREND_REACH: SignedDuration = SignedDuration::from_secs(15);
/// Slopes that the trend is the median of.
const SLOPES: usize = 3;
/// From a change of load to the plan that sees it: scrape, query and this planner's own pace.
const SIGNAL_LAG: SignedDuration = SignedDuration::from_secs(2);
/// No look ahead is longer; what takes longer to start needs a schedule, not a trend.
const AHEAD_MAX_MILLIS: i64 = 3_600_000;
/// A rise below this share of the load is noise.
const NOISE_PERCENT: i128 = 10;
/// The part of that share which must have been seen already.
const SEEN_PERCENT: i128 = 75;
/// Standard deviations of a Poisson count that are still noise.
const NOISE_SIGMAS: u128 = 3;
/// A trend never asks for more than this many times the load.
const RISE_MAX_FOLD: i128 = 3;

/// Adds a sample unless it is already there or older than the newest. Samples from the future (the
/// clock ran backwards) are dropped first, so that one bad clock cannot stop the history for ever.
pub(crate) fn record(
    samples: &mut VecDeque<(Timestamp, MilliLoad)>,
    at: Timestamp,
    load: MilliLoad,
    now: Timestamp,
) {
    let newest_allowed = now.max(at);
    samples.retain(|(t, _)| *t <= newest_allowed && elapsed(*t, now) <= REACH);
    if samples.back().is_none_or(|(t, _)| *t < at) {
        samples.push_back((at, load));
    }
    while samples.len() > SAMPLES_MAX {
        samples.pop_front();
    }
}

/// The load to count with, where it rises: what it will be when a replica started now is Ready.
/// `None` where it does not rise clearly. At least `load`, at most three times `load`.
pub(crate) fn rising(
    samples: &VecDeque<(Timestamp, MilliLoad)>,
    load: MilliLoad,
    start_up: SignedDuration,
    now: Timestamp,
) -> Option<MilliLoad> {
    let ahead = millis(start_up)
        .saturating_add(millis(SIGNAL_LAG))
        .min(AHEAD_MAX_MILLIS);
    let (mut rises, mut known) = ([0; SLOPES], 0);
    let mut later: Option<(Timestamp, MilliLoad)> = None;
    let recent = || {
        samples
            .iter()
            .rev()
            .take_while(|(at, _)| elapsed(*at, now) <= TREND_REACH)
    };
    for &(at, value) in recent() {
        if known == SLOPES {
            break;
        }
        let Some((later_at, later_value)) = later else {
            later = Some((at, value));
            continue;
        };
        let gap = later_at.duration_since(at);
        if gap < GAP_MIN {
            continue;
        }
        let change = i128::from(later_value.0) - i128::from(value.0);
        // GAP_MIN keeps the divisor above 0.
        if let Some(rise) = rises.get_mut(known) {
            *rise = change * i128::from(ahead) / i128::from(millis(gap).max(1));
            known += 1;
        }
        later = Some((at, value));
    }
    let rises = rises.get_mut(..known)?;
    rises.sort_unstable();
    // With an even number the lower of the two in the middle: the careful one.
    let rise = *rises.get(rises.len().checked_sub(1)? / 2)?;
    let x = i128::from(load.0);
    let share = x * NOISE_PERCENT / 100;
    // As mostly: the rest takes far longer to work out.
    if rise <= share {
        return None;
    }
    // sqrt(x) in units is sqrt(1000 * x) in thousandths.
    let poisson = NOISE_SIGMAS * (u128::from(load.0) * 1000).isqrt();
    let poisson = i128::try_from(poisson).unwrap_or(i128::MAX);
    let noise = poisson.max(share);
    // What has been seen to rise must be more than noise as well: looking ahead enlarges noise. Ends are
    // means, so that many samples are as calm as few.
    let seen = || recent().map(|(_, value)| i128::from(value.0));
    let count = seen().count();
    let part = (count / 3).max(1);
    let mean = |sum: i128| sum / i128::try_from(part).unwrap_or(1);
    let newest: i128 = seen().take(part).sum();
    let oldest: i128 = seen().skip(count.checked_sub(part)?).sum();
    let risen = mean(newest) - mean(oldest);
    let calm = i128::try_from(part.isqrt().max(1)).unwrap_or(1);
    let seen_noise = (poisson / calm).max(share * SEEN_PERCENT / 100);
    (rise > noise && risen > seen_noise).then(|| {
        let y = (x + rise).min(x * RISE_MAX_FOLD).max(x);
        MilliLoad(u64::try_from(y).unwrap_or(u64::MAX))
    })
}
