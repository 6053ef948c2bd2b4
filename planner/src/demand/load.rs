//! A total that follows a load: the load of now with the headroom that its past growth calls for, ahead
//! of a rise, held for a while, and what was announced on top.

use super::forecast::Forecast;
use super::schedule::{self, Floor};
use super::{Moment, Wanted, growth, trend, window};
use crate::memory::Statistics;
use crate::model::amounts::{MilliLoad, Replicas};
use crate::model::schedule::Window;
use crate::model::workload::{LoadDemand, Signal};
use crate::reason::Reason;
use crate::time::after;
use jiff::{SignedDuration, Timestamp};

/// The total. Below `floor` nothing shrinks while it is held.
pub(super) fn from_load(
    load: &LoadDemand,
    windows: &[Window],
    statistics: &mut Statistics,
    floor: Replicas,
    mut reasons: Vec<Reason>,
    now: Timestamp,
) -> Wanted {
    let lost = match &load.signal {
        Signal::Fresh { load: x, at } => {
            let moment = Moment {
                x: *x,
                at: *at,
                now,
            };
            return from_figure(load, windows, moment, statistics, floor, reasons);
        }
        Signal::Stale { at } => Reason::StaleSignal { at: *at },
        Signal::Missing(fault) => Reason::NoSignal(fault.clone()),
    };
    statistics.since = None;
    reasons.push(lost);
    let mut want = floor.max(load.min);
    if floor < load.min {
        reasons.push(Reason::AtMinimum(load.min));
    }
    // What was announced is known without a signal.
    if let Some(announced) = announced(load, windows, want, now) {
        want = announced.replicas.min(load.max.max(want));
        reasons.push(announced.reason);
    }
    Wanted {
        want,
        held: true,
        reasons,
        outcome: None,
        scaled_to_zero: false,
    }
}

/// The schedule's floor where it is above `want`.
fn announced(
    load: &LoadDemand,
    windows: &[Window],
    want: Replicas,
    now: Timestamp,
) -> Option<Floor> {
    schedule::floor(windows, Some(load.per_replica), load.start_up, want, now)
        .filter(|floor| floor.replicas > want)
}

fn from_figure(
    load: &LoadDemand,
    windows: &[Window],
    moment: Moment,
    statistics: &mut Statistics,
    floor: Replicas,
    mut reasons: Vec<Reason>,
) -> Wanted {
    let now = moment.now;
    let span = load.hold();
    let counted = count(load, windows, moment, span, statistics);
    let need = replicas(counted.load, load.per_replica);

    if window::lapsed(&statistics.needs, span, now) {
        statistics.since = None;
    }
    let since = statistics.since.map_or(now, |t| t.min(now));
    statistics.since = Some(since);
    let kept = window::record(&mut statistics.needs, need, span, now);
    if kept > need {
        reasons.push(Reason::HeldByWindow { need, held: kept });
    }
    let until = after(since, span);
    let held = now < until;
    let mut want = kept;
    if held && floor > kept {
        reasons.push(Reason::Warming { kept: floor, until });
        want = floor;
    }
    reasons.push(Reason::Load {
        signal: moment.x,
        load: counted.load,
        per_replica: load.per_replica,
        need,
        rising: counted.rising,
    });
    if let Some(announced) = announced(load, windows, want, now) {
        want = announced.replicas;
        reasons.push(announced.reason);
    }
    if want < load.min {
        want = load.min;
        reasons.push(Reason::AtMinimum(load.min));
    }
    if !load.forecast {
        statistics.forecast = None;
    } else {
        let forecast = statistics
            .forecast
            .get_or_insert_with(|| Forecast::new(moment.at).into());
        let (more, said) = expected(load, forecast, moment, want);
        want = more;
        reasons.extend(said);
    }
    // A maximum below what runs is obeyed once the history is back, as every other decrease.
    let most = if held { load.max.max(floor) } else { load.max };
    if want > most {
        reasons.push(Reason::AtMaximum {
            need: want,
            max: load.max,
            to: most,
        });
        want = most;
    }
    Wanted {
        want,
        held,
        reasons,
        outcome: None,
        scaled_to_zero: false,
    }
}

/// `want`, or what earlier days ask for beyond it, and what is said about it.
fn expected(
    load: &LoadDemand,
    forecast: &mut Forecast,
    moment: Moment,
    want: Replicas,
) -> (Replicas, Option<Reason>) {
    let one = load.per_replica;
    let of = |n: Replicas| MilliLoad(one.0.saturating_mul(n.get().into()));
    let expected = match forecast.ahead(moment, load.start_up, of(want), of(load.max)) {
        Ok(expected) => expected,
        Err(silence) => return (want, Some(Reason::ForecastSilent(silence))),
    };
    let need = replicas(expected, one);
    if need <= want {
        return (want, None);
    }
    let reason = Reason::Forecast {
        load: expected,
        need,
    };
    (need, Some(reason))
}

/// The load that counts.
struct Counted {
    load: MilliLoad,
    /// True where it is ahead of the signal because that rises.
    rising: bool,
}

fn count(
    load: &LoadDemand,
    windows: &[Window],
    Moment { x, at, now }: Moment,
    span: SignedDuration,
    statistics: &mut Statistics,
) -> Counted {
    let (one, start_up) = (load.per_replica, load.start_up);
    let known = schedule::announced(windows, one, start_up, span, now);
    let growth = &mut statistics.growth;
    growth.look(x, at, start_up, one, known);
    trend::record(&mut statistics.samples, at, x, now);
    let mut plain = growth.with_headroom(x, one, load.headroom);
    let rise = trend::rising(&statistics.samples, x, start_up, now).unwrap_or_default();
    let mut ahead = plain.max(rise);
    growth.counted(plain, ahead);
    if let Some(most) = schedule::within(windows, one, x, now) {
        (plain, ahead) = (plain.min(most), ahead.min(most));
    }
    if ahead > plain && growth.trend_pays() {
        Counted {
            load: ahead,
            rising: true,
        }
    } else {
        Counted {
            load: plain,
            rising: false,
        }
    }
}

/// Replicas for a load.
fn replicas(load: MilliLoad, per_replica: MilliLoad) -> Replicas {
    let n = load.0.div_ceil(per_replica.0.max(1));
    Replicas::new(u32::try_from(n).unwrap_or(u32::MAX))
}

impl LoadDemand {
    /// For how long a need is held.
    #[must_use]
    pub fn hold(&self) -> SignedDuration {
        let said = self.scale_down_window.map(|w| w.max(SignedDuration::ZERO));
        said.unwrap_or_else(|| growth::hold(self.start_up))
    }
}
