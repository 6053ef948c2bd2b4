//! Whether a forward-looking term pays: what counting with it has cost against what counting without it
//! would have. A load that was not served weighs many times one that was provided for in vain.

use crate::model::amounts::MilliLoad;
use serde::{Deserialize, Serialize};

/// A load not served weighs so many times a load provided for in vain.
const UNSERVED_WEIGHS: f64 = 20.0;
/// Natural logarithm of 2.
const LN_2: f64 = std::f64::consts::LN_2;

/// Losses so far, decaying.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Gate {
    with: f64,
    without: f64,
}

impl Gate {
    /// True while the term has cost no more than its absence.
    pub(super) fn pays(&self) -> bool {
        self.with <= self.without
    }

    /// Takes in what was counted with, without the term and with it, and what came. Where the term
    /// made no difference there is nothing to judge. A judgement weighs half after `half_life`.
    pub(super) fn judge(
        &mut self,
        plain: MilliLoad,
        ahead: MilliLoad,
        came: MilliLoad,
        millis: i64,
        half_life: f64,
    ) {
        if ahead <= plain {
            return;
        }
        #[allow(clippy::cast_precision_loss)]
        let keep = kept(millis as f64, half_life);
        self.with = self.with * keep + loss(ahead, came);
        self.without = self.without * keep + loss(plain, came);
    }
}

/// The part that is left of something after some milliseconds.
pub(super) fn kept(millis: f64, half_life: f64) -> f64 {
    (1.0 - millis * LN_2 / half_life).max(0.0)
}

fn loss(counted: MilliLoad, came: MilliLoad) -> f64 {
    #[allow(clippy::cast_precision_loss)]
    let (short, idle) = (
        came.0.saturating_sub(counted.0) as f64,
        counted.0.saturating_sub(came.0) as f64,
    );
    UNSERVED_WEIGHS * short + idle
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF_LIFE: f64 = 1_800_000.0;

    #[test]
    fn a_rise_that_came_opens_it_and_rises_that_did_not_close_it() {
        let mut gate = Gate::default();
        assert!(gate.pays(), "at first it is believed");
        gate.judge(
            MilliLoad(100),
            MilliLoad(200),
            MilliLoad(100),
            5_000,
            HALF_LIFE,
        );
        assert!(!gate.pays());
        gate.judge(
            MilliLoad(100),
            MilliLoad(200),
            MilliLoad(180),
            5_000,
            HALF_LIFE,
        );
        assert!(gate.pays(), "one load not served weighs many in vain");
        for _ in 0..30 {
            gate.judge(
                MilliLoad(100),
                MilliLoad(200),
                MilliLoad(100),
                5_000,
                HALF_LIFE,
            );
        }
        assert!(!gate.pays());
    }

    #[test]
    fn where_it_made_no_difference_nothing_is_judged() {
        let mut gate = Gate::default();
        gate.judge(
            MilliLoad(100),
            MilliLoad(100),
            MilliLoad(900),
            5_000,
            HALF_LIFE,
        );
        assert_eq!(gate, Gate::default());
    }
}
