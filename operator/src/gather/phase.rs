//! When to ask a source next: as often as its spec says, and in step with its samples where their
//! rhythm is known, so that a new sample is read soon after it is there and not half an interval
//! later on average. Pure; not here: asking.

use jiff::{SignedDuration, Timestamp};
use std::{collections::VecDeque, time::Duration};

/// From the time that a sample bears (the scrape's start) until a query returns it.
const ARRIVAL: SignedDuration = SignedDuration::from_millis(60);
/// Pause before asking again for a sample that is due but was not there yet.
const AGAIN: Duration = Duration::from_millis(100);
/// How many times one sample is asked for again.
const AGAIN_MAX: u32 = 3;
/// Gaps between samples that are remembered; the smallest is the rhythm, as a missed sample only
/// makes a gap longer.
const GAPS: usize = 4;

/// The rhythm of one source's samples.
#[derive(Debug, Default)]
pub(super) struct Phase {
    newest: Option<Timestamp>,
    gaps: VecDeque<SignedDuration>,
    asked_again: u32,
}

impl Phase {
    /// How long to wait after an answer at `now` whose newest sample is `newest`. Around
    /// `interval`; less only to ask again for a sample that is due.
    pub(super) fn wait(
        &mut self,
        newest: Option<Timestamp>,
        now: Timestamp,
        interval: Duration,
    ) -> Duration {
        if let (Some(last), Some(this)) = (self.newest, newest)
            && this > last
        {
            self.gaps.push_back(this.duration_since(last));
            if self.gaps.len() > GAPS {
                self.gaps.pop_front();
            }
            self.asked_again = 0;
        }
        self.newest = newest;
        let (Some(newest), Some(gap)) = (newest, self.gaps.iter().min()) else {
            return interval;
        };
        let whole = SignedDuration::try_from(interval).unwrap_or(SignedDuration::MAX);
        // Much faster than we ask there is always something new; much slower the interval decides.
        if self.gaps.len() < GAPS || *gap < whole / 2 || *gap > whole.saturating_add(whole / 2) {
            return interval;
        }
        let age = now.duration_since(newest);
        // Long overdue, or from a clock that is not ours: nothing to be in step with.
        if age > gap.saturating_mul(2) || age.is_negative() {
            return interval;
        }
        match Duration::try_from(gap.saturating_add(ARRIVAL).saturating_sub(age)) {
            Ok(left) if !left.is_zero() => left.max(interval / 4),
            _ if self.asked_again < AGAIN_MAX => {
                self.asked_again += 1;
                AGAIN
            }
            _ => interval,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_000_000 + millis).unwrap()
    }

    /// Samples each `gap` ms that can be read 20 ms later; when is it asked, over ten seconds?
    fn asked(gap: i64, interval: Duration) -> Vec<(i64, i64)> {
        let (mut phase, mut now, mut seen) = (Phase::default(), 437_i64, vec![]);
        while now < 20_000 {
            let newest = (now - 20).div_euclid(gap) * gap;
            seen.push((now, now - newest));
            let wait = phase.wait(Some(at(newest)), at(now), interval);
            now += i64::try_from(wait.as_millis()).unwrap();
        }
        seen
    }

    #[test]
    fn falls_into_step_and_asks_no_more_often() {
        let seen = asked(1_000, SECOND);
        assert!(seen.len() <= 21, "{seen:?}");
        assert!(
            seen.iter().skip(6).all(|(_, age)| *age <= 80),
            "read soon after it is there: {seen:?}"
        );
    }

    #[test]
    fn another_rhythm_makes_nobody_ask_more_often() {
        for gap in [200, 15_000] {
            let seen = asked(gap, SECOND);
            let pauses = seen.windows(2).map(|w| w[1].0 - w[0].0);
            assert!(pauses.min() >= Some(1_000), "{seen:?}");
        }
    }

    #[test]
    fn a_sample_that_is_late_is_asked_for_again_a_few_times() {
        let mut phase = Phase::default();
        for n in 0..=4 {
            phase.wait(Some(at(n * 1_000)), at(n * 1_000 + 60), SECOND);
        }
        let late: Vec<_> = (0..5)
            .map(|n| phase.wait(Some(at(4_000)), at(5_060 + n * 100), SECOND))
            .collect();
        assert_eq!(late, [AGAIN, AGAIN, AGAIN, SECOND, SECOND]);
        let back = phase.wait(Some(at(6_000)), at(6_100), SECOND);
        assert!(back < SECOND, "{back:?}");
    }

    #[test]
    fn no_samples_and_clocks_that_jump_leave_the_interval() {
        let mut phase = Phase::default();
        assert_eq!(phase.wait(None, at(0), SECOND), SECOND);
        for n in 0..8 {
            phase.wait(Some(at(n * 1_000)), at(n * 1_000), SECOND);
        }
        assert_eq!(phase.wait(Some(at(8_000)), at(-90_000_000), SECOND), SECOND);
        assert_eq!(
            phase.wait(Some(at(9_000)), at(9_000 + 7_200_000), SECOND),
            SECOND
        );
        assert_eq!(phase.wait(None, at(0), SECOND), SECOND);
    }
}
