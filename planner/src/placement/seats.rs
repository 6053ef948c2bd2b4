//! One workload's sites in order, with what is there now: the table that allocation and drain work
//! on. Class is turned into tiers here; nothing after it can name another site. Not here: how much
//! room there is (caps).

use crate::budget::{Fare, Purse};
use crate::drain::with_made;
use crate::memory::{Blocked, Drain};
use crate::model::amounts::Replicas;
use crate::model::by_site::BySite;
use crate::model::money::Currency;
use crate::model::quota::Limit;
use crate::model::site::{Reach, Site, SiteKind, SiteName, SovereignSite};
use crate::model::workload::{Leg, Override, Placement, Workload};
use crate::placement::caps::Caps;
use crate::placement::rooms::{Place, Rooms};
use crate::time::elapsed;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Bounds of a tier.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub min: Replicas,
    pub max: Replicas,
}

/// Whether a site's replicas can be changed, and whether they count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Away {
    /// It answers.
    Here,
    /// It does not answer, and its replicas count as serving.
    Counted,
    /// It has not answered for longer than its grace: its replicas are made up for elsewhere.
    Lost,
}

impl Away {
    fn of(site: Option<&Site>, now: Timestamp) -> Self {
        match site.map(|site| (site.reach, site.grace)) {
            None | Some((Reach::Reachable, _)) => Self::Here,
            Some((Reach::Unreachable { since }, grace)) if elapsed(since, now) < grace => {
                Self::Counted
            }
            Some((Reach::Unreachable { since: _ }, _)) => Self::Lost,
        }
    }
}

/// What runs where nothing does.
static NOTHING: Leg = Leg {
    spec: Replicas::ZERO,
    ready: Replicas::ZERO,
    bound: Replicas::ZERO,
    pending: Replicas::ZERO,
    pending_since: None,
    generation: 0,
    foreign_writer: None,
    rolling: false,
    unmade: Replicas::ZERO,
    terminating: Replicas::ZERO,
};

/// A site in the table.
#[derive(Clone, Debug)]
pub(crate) struct Seat<'a> {
    pub site: &'a SiteName,
    /// Where it stands among the sites of the world.
    pub place: Option<Place>,
    pub tier: usize,
    /// The target itself, not a sibling.
    pub home: bool,
    pub leg: &'a Leg,
    /// Whether it answers.
    pub away: Away,
    /// False for a site of the placement that takes no new replicas.
    pub open: bool,
    /// Said by an override.
    pub pin: Option<Replicas>,
    /// Of what is specified now: what counts as placed here.
    pub keep: Replicas,
    /// Of what is specified now: not allowed here (any more); leaves when the rest is Ready.
    pub misplaced: Replicas,
    /// `keep` as it was sorted, whatever money and drain have made of it since.
    pub stays: Replicas,
    /// True once somebody has asked how much it may hold; before, `caps` and `limit` say nothing.
    pub asked: bool,
    pub caps: Caps,
    /// What allows no more than that, where it is a quota and not the room on nodes.
    pub limit: Option<Limit>,
    /// What a replica costs here.
    pub fare: Fare,
    /// The count being decided.
    pub target: Replicas,
}

impl Seat<'_> {
    /// The count that allocation must leave as it is: said by an override, or of a site that does
    /// not answer, where nothing can be written.
    pub(crate) fn fixed(&self) -> Option<Replicas> {
        match self.away {
            Away::Here => self.pin,
            Away::Counted | Away::Lost => Some(self.keep),
        }
    }

    /// Makes way, after it was asked: those that move stay until they are Ready elsewhere, the others
    /// and those without a node go at once.
    pub(crate) fn make_way(&mut self, moves: Replicas, goes: Replicas) {
        let without_node = self.leg.without_node();
        let of_misplaced = without_node.min(self.misplaced);
        self.misplaced = self.misplaced.minus(of_misplaced);
        self.keep = self
            .keep
            .minus(without_node.minus(of_misplaced))
            .minus(goes);
        let moves = moves.min(self.keep);
        self.keep = self.keep.minus(moves);
        self.misplaced = self.misplaced.plus(moves);
        self.caps.high = self.caps.high.min(self.keep);
        self.caps.fit = self.caps.fit.min(self.keep);
    }
}

/// The table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seats<'a> {
    pub rows: Vec<Seat<'a>>,
    /// Bounds by tier, those of `outside` included.
    pub tiers: Vec<Bounds>,
    /// The tier of sites that hold replicas but are in no tier of the placement.
    pub outside: usize,
    /// What may be spent.
    pub purses: BTreeMap<Currency, Purse>,
}

impl<'a> Seats<'a> {
    /// Sets the table for one workload. Sites that hold replicas but are in no tier (any more) come
    /// last, in a tier of their own that takes none; for Sensitive they are left out altogether.
    pub(crate) fn set(&mut self, rooms: &Rooms<'a>, workload: &'a Workload, now: Timestamp) {
        let any = Bounds {
            min: Replicas::ZERO,
            max: Replicas::MAX,
        };
        let none = Bounds {
            max: Replicas::ZERO,
            ..any
        };
        let Self {
            rows,
            tiers: bounds,
            outside: _,
            purses,
        } = self;
        rows.clear();
        bounds.clear();
        purses.clear();
        let (mass, home) = match &workload.placement {
            Placement::Sensitive { sites } => {
                for site in sites.iter().map(SovereignSite::name) {
                    let place = rooms.place(site);
                    // The type proves it; the world of this moment must not say otherwise.
                    match rooms.at(place).map(|ground| ground.site.kind) {
                        Some(SiteKind::OnPrem) | None => self.seat(rooms, site, place, 0, now),
                        Some(SiteKind::Cloud | SiteKind::Edge) => {}
                    }
                }
                self.tiers.push(any);
                self.outside = 1;
                (false, sites.first().map(SovereignSite::name))
            }
            Placement::MassTraffic { tiers } => {
                for (i, tier) in tiers.iter().enumerate() {
                    for site in &tier.sites {
                        self.seat(rooms, site, rooms.place(site), i, now);
                    }
                    self.tiers.push(Bounds {
                        min: tier.min,
                        max: tier.max,
                    });
                }
                self.tiers.push(none);
                self.outside = tiers.len();
                (true, tiers.iter().find_map(|t| t.sites.first()))
            }
        };
        for (site, leg) in &workload.legs {
            let place = rooms.place(site);
            let held = leg.spec > Replicas::ZERO || leg.bound > Replicas::ZERO;
            if mass && held {
                self.seat(rooms, site, place, self.outside, now);
            }
            if let Some(row) = self.find_mut(site, place) {
                row.leg = leg;
                (row.keep, row.target) = (leg.spec, leg.spec);
            }
        }
        if let Some(row) = home.and_then(|home| self.row_mut(home)) {
            row.home = true;
        }
    }

    /// Adds a site, unless it is there.
    fn seat(
        &mut self,
        rooms: &Rooms<'a>,
        site: &'a SiteName,
        place: Option<Place>,
        tier: usize,
        now: Timestamp,
    ) {
        if self.find_mut(site, place).is_some() {
            return;
        }
        let known = rooms.at(place).map(|ground| ground.site);
        self.rows.push(Seat {
            site,
            place,
            tier,
            home: false,
            leg: &NOTHING,
            away: Away::of(known, now),
            open: known.is_some_and(|site| site.open),
            pin: None,
            keep: Replicas::ZERO,
            misplaced: Replicas::ZERO,
            stays: Replicas::ZERO,
            asked: false,
            caps: Caps::NONE,
            limit: None,
            fare: Fare::Free,
            target: Replicas::ZERO,
        });
    }

    fn find_mut(&mut self, site: &SiteName, place: Option<Place>) -> Option<&mut Seat<'a>> {
        let same =
            |row: &&mut Seat<'a>| row.place == place && (place.is_some() || row.site == site);
        self.rows.iter_mut().find(same)
    }

    /// Sorts what is specified now into what counts, what waits in vain (`blocked`) and what is
    /// misplaced, and subtracts what a drain has made at its destination.
    pub(crate) fn sort(
        &mut self,
        drain: Option<&Drain>,
        decided: &BySite<Replicas>,
        blocked: &BTreeMap<SiteName, Blocked>,
    ) {
        for row in &mut self.rows {
            if let Some(drain) = drain.filter(|d| d.to == *row.site && d.moving > Replicas::ZERO) {
                row.keep = with_made(row, decided).minus(drain.moving);
            }
            if let Some(b) = blocked.get(row.site) {
                row.keep = row.keep.min(b.holds.max(row.leg.bound));
            }
            match row.away {
                Away::Here => {}
                Away::Counted => row.keep = row.keep.min(row.leg.spec),
                Away::Lost => row.keep = Replicas::ZERO,
            }
        }
        if self.all_may_stay() {
            for row in &mut self.rows {
                (row.misplaced, row.stays) = (Replicas::ZERO, row.keep);
            }
            return;
        }
        for (i, tier) in self.tiers.iter().enumerate() {
            let mut left = tier.max;
            // What cannot be changed is counted first, so that changing the rest changes nothing in it.
            for fixed in [true, false] {
                let of_turn = |r: &&mut Seat<'_>| r.tier == i && r.fixed().is_some() == fixed;
                for row in self.rows.iter_mut().filter(of_turn) {
                    let keep = row.keep.min(left);
                    row.misplaced = row.keep.minus(keep);
                    (row.keep, row.stays) = (keep, keep);
                    left = left.minus(row.fixed().unwrap_or(keep));
                }
            }
        }
    }

    /// True where nobody has said a count and every tier may have all that is there, as mostly.
    fn all_may_stay(&self) -> bool {
        let Self {
            rows,
            tiers,
            outside,
            purses: _,
        } = self;
        let free = |row: &Seat<'_>| row.fixed().is_none() && row.tier < *outside;
        let all = rows.iter().map(|row| u64::from(row.keep.get())).sum();
        let enough = |tier: &Bounds| u64::from(tier.max.get()) >= all;
        rows.iter().all(free) && tiers.iter().take(*outside).all(enough)
    }

    /// Sets the pins of an override. Sites outside the placement are ignored.
    pub(crate) fn pin(&mut self, word: &Override) {
        for row in &mut self.rows {
            if row.tier < self.outside && row.away == Away::Here {
                row.pin = word.sites.get(row.site).copied();
            }
        }
    }

    /// After everything was decided: what does not answer stays as it was last seen.
    pub(crate) fn freeze(&mut self) {
        let frozen = self.rows.iter_mut().filter(|r| r.away != Away::Here);
        frozen.for_each(|r| r.target = r.leg.spec);
    }

    /// What counts as placed now. Before anything was decided, all that is specified does.
    pub(crate) fn present(&self, decided: bool) -> Replicas {
        self.rows
            .iter()
            .map(|r| {
                if decided {
                    r.keep
                } else {
                    r.leg.spec.max(r.keep)
                }
            })
            .sum()
    }

    /// True where so many would reach an elastic site whose nodes are full, so that some wait for
    /// nodes to come.
    pub(crate) fn needs_nodes(&self, want: Replicas) -> bool {
        let mut there = Replicas::ZERO;
        for row in &self.rows {
            let Caps {
                high,
                fit,
                on_nodes,
                counted: _,
            } = row.caps;
            if on_nodes < fit {
                return want > there.plus(on_nodes);
            }
            there = there.plus(high.min(fit));
        }
        false
    }

    /// What the specs say in all.
    pub(crate) fn specified(&self) -> Replicas {
        self.rows.iter().map(|r| r.leg.spec).sum()
    }

    /// Sum of the targets.
    pub(crate) fn targets(&self) -> Replicas {
        self.rows.iter().map(|r| r.target).sum()
    }

    /// Sum of the targets in one tier.
    pub(crate) fn in_tier(&self, tier: usize) -> Replicas {
        self.rows
            .iter()
            .filter(|r| r.tier == tier)
            .map(|r| r.target)
            .sum()
    }

    /// The rank of a row's tier from 1; 0 where it is in none.
    pub(crate) fn rank(&self, row: &Seat<'_>) -> u32 {
        let inside = (row.tier < self.outside).then_some(row.tier + 1);
        inside.map_or(0, |rank| u32::try_from(rank).unwrap_or(u32::MAX))
    }

    /// The row of a site.
    pub(crate) fn row(&self, site: &SiteName) -> Option<&Seat<'a>> {
        self.rows.iter().find(|r| r.site == site)
    }

    /// The row of a site of the world.
    pub(crate) fn at(&self, place: Place) -> Option<&Seat<'a>> {
        self.rows.iter().find(|r| r.place == Some(place))
    }

    /// The row of a site, to change.
    pub(crate) fn row_mut(&mut self, site: &SiteName) -> Option<&mut Seat<'a>> {
        self.rows.iter_mut().find(|r| r.site == site)
    }

    /// The target's row.
    pub(crate) fn home(&self) -> Option<&Seat<'a>> {
        self.rows.iter().find(|r| r.home)
    }
}
