//! A cron expression of a schedule: a line with a zone, a line with the expression, and, if there is a
//! third, the moment from which on it is asked.
#![no_main]

use jiff::{SignedDuration, Timestamp};
use libfuzzer_sys::fuzz_target;
use pinisi_operator::check::schedule::cron::{PERIOD_MIN, starts};
use pinisi_operator::check::schedule::zone;

/// So far ahead are starts asked for.
const AHEAD: SignedDuration = SignedDuration::from_hours(24 * 40);

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let mut lines = text.lines();
    let (Some(name), Some(cron)) = (lines.next(), lines.next()) else {
        return;
    };
    let Some(zone) = zone(name) else { return };
    let from = lines.next().and_then(|at| at.parse().ok());
    let from: Timestamp = from.unwrap_or(Timestamp::UNIX_EPOCH);
    let until = from.saturating_add(AHEAD).unwrap_or(Timestamp::MAX);
    let Ok(found) = starts(cron, &zone, from, until) else {
        return;
    };
    for at in &found.at {
        assert!(
            (from..until).contains(at),
            "{at} is not within {from} and {until}"
        );
    }
    for (a, b) in found.at.iter().zip(found.at.iter().skip(1)) {
        assert!(b.duration_since(*a) >= PERIOD_MIN, "{a} and {b}");
    }
});
