//! The thirteen loads of the benchmark: twelve that were recorded (`simulator/traces`, with their
//! sources) and a registration that opens at 08:00.

use crate::time::Millis;
use crate::trace::Trace;
use jiff::Timestamp;

/// A load of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its name in tables.
    pub name: &'static str,
    /// Its file in `simulator/traces`; the registration has none.
    pub file: Option<&'static str>,
}

const fn row(name: &'static str, file: &'static str) -> Row {
    Row {
        name,
        file: Some(file),
    }
}

/// All of them.
pub const ROWS: [Row; 13] = [
    row("World Cup 98, 30 Apr to 6 Jun", "wc98_early.csv"),
    row("World Cup 98, 8 Jun to 12 Jul", "wc98_games.csv"),
    row("World Cup 98, 13 to 26 Jul", "wc98_late.csv"),
    row("NAB ELB", "nab_elb.csv"),
    row("NAB Twitter AAPL", "nab_twitter_aapl.csv"),
    row("NAB Twitter AMZN", "nab_twitter_amzn.csv"),
    row("NAB Twitter FB", "nab_twitter_fb.csv"),
    row("NAB Twitter GOOG", "nab_twitter_goog.csv"),
    row("Autothrottle bursty", "autothrottle_bursty.csv"),
    row("Autothrottle noisy", "autothrottle_noisy.csv"),
    row("Autothrottle diurnal", "autothrottle_diurnal.csv"),
    row("Autothrottle diurnal-2", "autothrottle_diurnal-2.csv"),
    Row {
        name: "Registration 08:00",
        file: None,
    },
];

/// When the registration opens, in seconds after its trace begins: 08:00.
pub const REGISTRATION_OPENS: i64 = 8 * 3600;
/// When its load begins to fall, likewise: 09:00.
pub const REGISTRATION_FALLS: i64 = 9 * 3600;
/// In how many seconds its load grows ten-fold.
pub const REGISTRATION_RISE: i64 = 90;

/// A day on which a registration opens at 08:00 in Jakarta, second by second: ten-fold in 90 s, as much
/// until 09:00, and back in a straight line until 14:00.
#[must_use]
pub fn registration() -> Trace {
    const QUIET: f64 = 100.0;
    const FOLD: f64 = 10.0;
    const HOUR: i64 = 3600;
    let full = REGISTRATION_OPENS + REGISTRATION_RISE;
    let (falls, over) = (REGISTRATION_FALLS, 14 * HOUR);
    let rate = |t: i64| {
        let share = if t < REGISTRATION_OPENS || t >= over {
            0.0
        } else if t < full {
            (t - REGISTRATION_OPENS) as f64 / REGISTRATION_RISE as f64
        } else if t < falls {
            1.0
        } else {
            (over - t) as f64 / (over - falls) as f64
        };
        QUIET * (1.0 + (FOLD - 1.0) * share)
    };
    Trace {
        // 2026-07-01 in Jakarta.
        start: Timestamp::constant(1_782_838_800, 0),
        step: Millis::secs(1),
        requests: (0..24 * HOUR).map(rate).collect(),
        gaps: 0,
    }
}
