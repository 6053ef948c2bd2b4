//! How many replicas of a service were Ready, and since when, as far back as a metric can look.

use crate::time::Millis;
use pinisi_planner::model::amounts::Replicas;
use std::collections::VecDeque;

/// The furthest that a metric can look back.
pub const REACH: Millis = Millis::secs(600);

/// Counts with the moments from which they held.
#[derive(Clone, Debug, Default)]
pub struct History {
    ready: VecDeque<(Millis, Replicas)>,
}

impl History {
    /// Remembers a count, where it is another one than before.
    pub fn note(&mut self, now: Millis, ready: Replicas) {
        match self.ready.back_mut() {
            Some((_, last)) if *last == ready => return,
            Some((at, last)) if *at == now => *last = ready,
            Some(_) | None => self.ready.push_back((now, ready)),
        }
        let horizon = now.minus(REACH);
        while self.ready.get(1).is_some_and(|(at, _)| *at <= horizon) {
            self.ready.pop_front();
        }
    }

    /// The counts between two moments: from, to, Ready.
    pub fn between(
        &self,
        from: Millis,
        to: Millis,
    ) -> impl Iterator<Item = (Millis, Millis, Replicas)> {
        let ends = self.ready.iter().skip(1).map(|(at, _)| *at);
        let ends = ends.chain(std::iter::once(Millis::NEVER));
        let known_before = self.ready.partition_point(|(at, _)| *at <= from);
        let all = self.ready.iter().zip(ends);
        let cut = move |(&(at, ready), end): (&(Millis, Replicas), Millis)| {
            let (a, b) = (at.max(from), end.min(to));
            (a < b).then_some((a, b, ready))
        };
        all.skip(known_before.saturating_sub(1)).filter_map(cut)
    }
}
