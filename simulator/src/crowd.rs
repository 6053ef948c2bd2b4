//! People who wait and who try again: what finds no room at once waits as long as it has patience, then
//! gives up, and part of those come back. A fluid in steps of a second; who waits is served first. Not
//! here: services without patience, which `run` integrates exactly.

use crate::history::REACH;
use crate::time::Millis;
use pinisi_planner::model::amounts::{Percent, Replicas};
use std::collections::VecDeque;

/// Longest step in which all happens at once.
pub const STEP: Millis = Millis::secs(1);

/// How people behave who find no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// They wait so long.
    pub wait: Millis,
    /// This share of those who gave up tries again.
    pub again: Percent,
    /// So long after they gave up.
    pub after: Millis,
}

/// The people of one service.
#[derive(Clone, Debug, Default)]
pub struct Crowd {
    waiting: f64,
    returning: VecDeque<(Millis, f64)>,
    steps: VecDeque<Step>,
}

/// What happened in a step.
#[derive(Clone, Copy, Debug)]
struct Step {
    from: Millis,
    to: Millis,
    returned: f64,
    served: f64,
    ready: Replicas,
}

/// What a step comes to, in requests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flow {
    /// Served.
    pub served: f64,
    /// Gave up for good.
    pub lost: f64,
}

impl Crowd {
    /// A step from `from` to `to`, in which `fresh` requests come and `ready` replicas serve `each`
    /// requests a second each.
    pub fn step(
        &mut self,
        patience: Patience,
        (from, to): (Millis, Millis),
        fresh: f64,
        (ready, each): (Replicas, f64),
    ) -> Flow {
        let mut returned = 0.0;
        while let Some((_, n)) = self.returning.pop_front_if(|(due, _)| *due < to) {
            returned += n;
        }
        let capacity = f64::from(ready.get()) * each;
        let all = self.waiting + fresh + returned;
        let served = all.min(capacity * to.minus(from).seconds());
        let left = all - served;
        // More than can be served within their patience do not wait.
        self.waiting = left.min(capacity * patience.wait.seconds());
        let gave_up = left - self.waiting;
        let again = gave_up * f64::from(patience.again.get()) / 100.0;
        if again > 0.0 {
            self.returning.push_back((to.plus(patience.after), again));
        }
        self.steps.push_back(Step {
            from,
            to,
            returned,
            served,
            ready,
        });
        let horizon = to.minus(REACH);
        while self.steps.pop_front_if(|s| s.to <= horizon).is_some() {}
        Flow {
            served,
            lost: gave_up - again,
        }
    }

    /// Those who are neither served nor have given up.
    #[must_use]
    pub fn pending(&self) -> f64 {
        self.waiting + self.returning.iter().map(|(_, n)| n).sum::<f64>()
    }

    /// Requests that came back between two moments.
    #[must_use]
    pub fn returned(&self, window: (Millis, Millis)) -> f64 {
        self.sum(window, |s| s.returned)
    }

    /// Requests that each Ready replica served between two moments.
    #[must_use]
    pub fn served_by_one(&self, window: (Millis, Millis)) -> f64 {
        let one = |s: &Step| match s.ready {
            Replicas::ZERO => 0.0,
            ready => s.served / f64::from(ready.get()),
        };
        self.sum(window, one)
    }

    fn sum(&self, (from, to): (Millis, Millis), value: impl Fn(&Step) -> f64) -> f64 {
        let recent = self.steps.iter().rev().skip_while(|s| s.from >= to);
        let recent = recent.take_while(|s| s.to > from);
        let share = |s: &Step| {
            let inside = s.to.min(to).minus(s.from.max(from)).seconds();
            value(s) * inside / s.to.minus(s.from).seconds().max(f64::MIN_POSITIVE)
        };
        recent.map(share).sum()
    }
}
