//! What is written down of the money that was spent, and when: as seldom as it can be, since what is
//! spent at a known rate can be worked out. Not here: the sums (the planner's ledger).

use pinisi_planner::budget::ledger::{Account, Ledger};
use pinisi_planner::model::price::Exact;
use std::time::{Duration, Instant};

/// The ledger is written no more often than this, but for a period that begins.
pub const LEDGER_EVERY: Duration = Duration::from_secs(60);
/// Even then not sooner: what was written must be seen first.
const SEEN_WITHIN: Duration = Duration::from_secs(5);

/// Keeps when it was written.
#[derive(Debug, Default)]
pub struct Pen {
    written: Option<Instant>,
    under_way: bool,
}

impl Pen {
    /// True where the ledger is to be written now: `seen` is what stands there.
    #[must_use]
    pub fn due(&self, seen: &Ledger, new: &Ledger, now: Instant) -> bool {
        let rested = |least| {
            self.written
                .is_none_or(|at| now.saturating_duration_since(at) >= least)
        };
        let turn = rested(LEDGER_EVERY) && !follows(seen, new);
        !self.under_way && (turn || rested(SEEN_WITHIN) && begins(seen, new))
    }

    /// Notes that it is being written.
    pub fn start(&mut self, now: Instant) {
        (self.written, self.under_way) = (Some(now), true);
    }

    /// Notes the end of it. What failed is tried again in its turn.
    pub fn finish(&mut self) {
        self.under_way = false;
    }
}

/// True where `new` is what `seen` comes to as time goes by.
fn follows(seen: &Ledger, new: &Ledger) -> bool {
    let same = |(a, b): (&Account, &Account)| {
        let Account {
            period,
            currency,
            namespaces,
            spent,
            at,
            rate,
        } = a;
        let by_now = spent.plus(Exact::over(*rate, b.at.duration_since(*at)));
        (period, currency, namespaces, rate) == (&b.period, &b.currency, &b.namespaces, &b.rate)
            && by_now == b.spent
    };
    seen.keys().eq(new.keys())
        && seen
            .values()
            .zip(new.values())
            .all(|(a, b)| a.len() == b.len() && a.iter().zip(b).all(same))
}

/// True where an account is new.
fn begins(seen: &Ledger, new: &Ledger) -> bool {
    new.iter().any(|(name, accounts)| {
        let old = seen.get(name).map_or(&[][..], Vec::as_slice);
        let known = |a: &Account| {
            let same = |b: &Account| (a.period.from, a.currency) == (b.period.from, b.currency);
            old.iter().any(same)
        };
        accounts.iter().any(|a| !known(a))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at;
    use pinisi_planner::model::budget::{BudgetName, Period};
    use pinisi_planner::model::money::{Currency, Money};
    use pinisi_planner::model::price::PerHour;

    fn ledger(from: i64, now: i64, spent: &str, rate: &str) -> Ledger {
        let money = |text: &str| text.parse::<Money>().unwrap();
        let account = Account {
            period: Period {
                from: at(from),
                until: at(100_000),
            },
            currency: Currency::parse("IDR").unwrap(),
            namespaces: ["shop".into()].into(),
            spent: Exact::of(money(spent)),
            at: at(now),
            rate: PerHour::new(money(rate)),
        };
        [(BudgetName::new("b"), vec![account])].into()
    }

    #[test]
    fn what_can_be_worked_out_is_not_written() {
        let (pen, now) = (Pen::default(), Instant::now());
        let seen = ledger(0, 0, "1", "2");
        assert!(!pen.due(&seen, &ledger(0, 3600, "3", "2"), now));
        assert!(
            pen.due(&seen, &ledger(0, 3600, "3", "2.5"), now),
            "another rate"
        );
        assert!(
            pen.due(&seen, &ledger(0, 3600, "3.000001", "2"), now),
            "another sum"
        );
    }

    #[test]
    fn once_a_minute_but_for_a_new_period() {
        let (mut pen, now) = (Pen::default(), Instant::now());
        let (seen, new) = (ledger(0, 0, "1", "2"), ledger(0, 1, "1", "3"));
        pen.start(now);
        let later = now + LEDGER_EVERY;
        assert!(!pen.due(&seen, &new, later), "one at a time");
        pen.finish();
        assert!(!pen.due(&seen, &new, later - Duration::from_millis(1)));
        assert!(pen.due(&seen, &new, later));
        let begun = ledger(500, 501, "0", "2");
        assert!(!pen.due(&seen, &begun, now), "it may be there unseen");
        assert!(pen.due(&seen, &begun, now + SEEN_WITHIN));
    }
}
