//! How much a site may hold of one workload, on its nodes and within quotas. Asked of a site only when
//! the answer matters: most workloads neither grow nor come home in most plans. Not here: money (pay).

use crate::budget::Fare;
use crate::memory::Blocked;
use crate::model::amounts::Replicas;
use crate::model::quota::Limit;
use crate::model::site::SiteName;
use crate::model::workload::{Workload, WorkloadId};
use crate::placement::Left;
use crate::placement::quotas::existing;
use crate::placement::room::Asker;
use crate::placement::seats::{Seat, Seats};
use std::collections::BTreeMap;

/// How much a site may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caps {
    /// Most replicas here under the high watermark.
    pub high: Replicas,
    /// Most replicas here.
    pub fit: Replicas,
    /// Of those, how many have to wait for no node to come.
    pub on_nodes: Replicas,
    /// True where that is all there is, and not only as far as it matters.
    pub counted: bool,
}

impl Caps {
    /// Before anybody has asked.
    pub(crate) const NONE: Self = Self {
        high: Replicas::ZERO,
        fit: Replicas::ZERO,
        on_nodes: Replicas::ZERO,
        counted: false,
    };
}

/// Who asks, and for what.
#[derive(Clone, Copy)]
pub(crate) struct Ask<'a> {
    pub left: &'a Left<'a>,
    /// Sites that do not take pods of this workload.
    pub blocked: &'a BTreeMap<SiteName, Blocked>,
    pub id: &'a WorkloadId,
    pub workload: &'a Workload,
    pub sensitive: bool,
    /// Room beyond this makes no difference and is not counted.
    pub enough: Replicas,
}

impl Ask<'_> {
    fn look(&self, row: &Seat<'_>) -> (Caps, Option<Limit>) {
        let Self {
            left,
            blocked,
            id,
            workload,
            sensitive,
            enough,
        } = *self;
        let request = workload.request;
        let asker = if sensitive {
            Asker::Sensitive
        } else {
            Asker::Mass
        };
        let barred = matches!(row.fare, Fare::Unfunded(_))
            || blocked.contains_key(row.site)
            || workload.refused.contains_key(row.site);
        let room = left.rooms.at(row.place).filter(|_| !barred);
        let room = room.map(|ground| &ground.room);
        // Pods without a node are in a quota's count already.
        let waiting = existing(row.leg).minus(row.leg.bound);
        let allowed = left.quotas.more(row.place, id, workload);
        let most = allowed
            .as_ref()
            .map_or(Replicas::MAX, |allowed| allowed.more.plus(waiting));
        let fits = room.map_or(Replicas::ZERO, |room| room.more(request, asker, enough));
        let limit = allowed.map(|a| a.by).filter(|_| most < fits);
        let bound = row.leg.bound;
        let (high, fit) = if fits.min(most) == Replicas::ZERO {
            // Nothing new: bound pods beyond the spec (a roll-out's surge) are no room either.
            (bound.min(row.stays), bound.min(row.stays))
        } else {
            let under_high = match room.filter(|_| !sensitive) {
                Some(room) => room.under_high(request).min(fits),
                None => fits,
            };
            (bound.plus(under_high.min(most)), bound.plus(fits.min(most)))
        };
        let on_nodes = room.map_or(Replicas::ZERO, |room| room.on_nodes(request));
        let caps = Caps {
            high,
            fit,
            on_nodes: fit.min(bound.plus(on_nodes)),
            counted: fits < enough,
        };
        (caps, limit)
    }
}

impl Seat<'_> {
    /// How much it may hold.
    pub(crate) fn caps(&mut self, ask: &Ask<'_>) -> Caps {
        if !self.asked {
            (self.caps, self.limit) = ask.look(self);
            self.asked = true;
        }
        self.caps
    }
}

impl Seats<'_> {
    /// Asks every site at once.
    pub(crate) fn ask_all(&mut self, ask: &Ask<'_>) {
        for row in &mut self.rows {
            row.caps(ask);
        }
    }

    /// Asks every site at once where a quota may have to be named or nodes may come.
    pub(crate) fn ask_early(&mut self, ask: &Ask<'_>) {
        let elastic = |row: &Seat<'_>| {
            let ground = ask.left.rooms.at(row.place);
            ground.is_some_and(|ground| ground.site.elastic.is_some())
        };
        let early = ask.left.rooms.elastic() && self.rows.iter().any(elastic);
        if ask.left.quotas.any() || early {
            self.ask_all(ask);
        }
    }

    /// More than any site can be asked for while `want` is spread: what is wanted and all that is
    /// there, twice over for what is made before it is removed, and once more for its way home.
    pub(crate) fn enough(&self, want: Replicas, moving: Replicas) -> Replicas {
        let there = self.rows.iter().map(|r| r.there().plus(r.stays));
        let all = want.plus(moving).plus(there.sum());
        Replicas::new(all.get().saturating_mul(4).saturating_add(1))
    }
}
