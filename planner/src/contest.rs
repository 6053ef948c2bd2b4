//! Somebody else writes the count that we hold. It is put back once; then it is left alone until
//! the other has been quiet for a while. Never a fight, and never silence about it.

use crate::memory::Contest;
use crate::model::amounts::Replicas;
use crate::model::workload::Leg;
use crate::time::elapsed;
use jiff::{SignedDuration, Timestamp};

/// Foreign writes after which the count is left alone.
pub const CONTEST_WRITES_MAX: u32 = 2;
/// How long it is left alone after the last foreign write.
pub const CONTEST_BACK_OFF: SignedDuration = SignedDuration::from_mins(10);

/// Who holds the count, as far as contests go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// We do.
    Us,
    /// Somebody else does.
    Other {
        /// Who.
        writer: String,
        /// Writes seen; 0 for an autoscaler known by its object.
        writes: u32,
    },
}

/// Judges the target's count. `decided` is the count decided last there; before there is one, any
/// writer is simply who was there before us.
pub(crate) fn judge(
    competitor: Option<&str>,
    home: &Leg,
    decided: Option<Replicas>,
    contest: Option<&Contest>,
    now: Timestamp,
) -> (Holder, Option<Contest>) {
    if let Some(writer) = competitor {
        return (
            Holder::Other {
                writer: writer.into(),
                writes: 0,
            },
            contest.cloned(),
        );
    }
    let new_write = match (&home.foreign_writer, decided) {
        (Some(writer), Some(decided))
            if home.spec != decided && contest.is_none_or(|c| c.generation != home.generation) =>
        {
            Some(writer)
        }
        (Some(_) | None, Some(_) | None) => None,
    };
    if let Some(writer) = new_write {
        let quiet = contest.is_none_or(|c| elapsed(c.last, now) >= CONTEST_BACK_OFF);
        let before = if quiet {
            0
        } else {
            contest.map_or(0, |c| c.writes)
        };
        let seen = Contest {
            writes: before.saturating_add(1),
            last: now,
            writer: writer.clone(),
            generation: home.generation,
        };
        return (holder(&seen), Some(seen));
    }
    let Some(contest) = contest else {
        return (Holder::Us, None);
    };
    let landed = contest.writes == 0 && home.foreign_writer.is_none();
    if landed || elapsed(contest.last, now) >= CONTEST_BACK_OFF {
        return (Holder::Us, None);
    }
    // A clock that ran backwards must not keep a contest for ever.
    let contest = Contest {
        last: contest.last.min(now),
        ..contest.clone()
    };
    (holder(&contest), Some(contest))
}

fn holder(contest: &Contest) -> Holder {
    if contest.writes < CONTEST_WRITES_MAX {
        return Holder::Us;
    }
    Holder::Other {
        writer: contest.writer.clone(),
        writes: contest.writes,
    }
}

/// Remembers which foreign write we are about to put right, so that seeing it again before our own
/// write has arrived does not count as another.
pub(crate) fn answered(contest: Option<Contest>, home: &Leg, now: Timestamp) -> Option<Contest> {
    let Some(writer) = &home.foreign_writer else {
        return contest;
    };
    let (writes, last) = contest.map_or((0, now), |c| (c.writes, c.last));
    Some(Contest {
        writes,
        last,
        writer: writer.clone(),
        generation: home.generation,
    })
}
