//! One workload's sites in order, with what is there now: the table that allocation and drain work
//! on. Class is turned into tiers here; nothing after it can name another site.

use crate::budget::{Fare, Purse};
use crate::drain::with_made;
use crate::memory::{Blocked, Drain};
use crate::model::World;
use crate::model::amounts::Replicas;
use crate::model::money::Currency;
use crate::model::quota::Limit;
use crate::model::site::{Reach, Site, SiteKind, SiteName};
use crate::model::workload::{Leg, Override, Placement, Workload, WorkloadId};
use crate::placement::quotas::existing;
use crate::placement::room::Asker;
use crate::placement::{Left, grace};
use crate::time::elapsed;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

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

/// A site's place in the table.
#[derive(Clone, Debug)]
pub(crate) struct Seat {
    pub site: SiteName,
    pub tier: usize,
    /// The target itself, not a sibling.
    pub home: bool,
    pub leg: Leg,
    /// Whether it answers.
    pub away: Away,
    /// How long a pod may wait here for a node.
    pub grace: SignedDuration,
    /// False for a site of the placement that takes no new replicas.
    pub open: bool,
    /// Said by an override.
    pub pin: Option<Replicas>,
    /// Of what is specified now: what counts as placed here.
    pub keep: Replicas,
    /// Of what is specified now: not allowed here (any more); leaves when the rest is Ready.
    pub misplaced: Replicas,
    /// Most replicas here under the high watermark.
    pub cap_high: Replicas,
    /// Most replicas here.
    pub cap_fit: Replicas,
    /// Of those, how many have to wait for no node to come.
    pub on_nodes: Replicas,
    /// What allows no more than that, where it is a quota and not the room on nodes.
    pub limit: Option<Limit>,
    /// What a replica costs here.
    pub fare: Fare,
    /// The count being decided.
    pub target: Replicas,
}

impl Seat {
    /// The count that allocation must leave as it is: said by an override, or of a site that does
    /// not answer, where nothing can be written.
    pub(crate) fn fixed(&self) -> Option<Replicas> {
        match self.away {
            Away::Here => self.pin,
            Away::Counted | Away::Lost => Some(self.keep),
        }
    }
}

impl Seat {
    /// Makes way: those that move stay until they are Ready elsewhere, the others and those without
    /// a node go at once.
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
        self.cap_high = self.cap_high.min(self.keep);
        self.cap_fit = self.cap_fit.min(self.keep);
    }
}

/// The table.
#[derive(Clone, Debug)]
pub(crate) struct Seats {
    pub rows: Vec<Seat>,
    /// Bounds by tier, those of `outside` included.
    pub tiers: Vec<Bounds>,
    /// The tier of sites that hold replicas but are in no tier of the placement.
    pub outside: usize,
    /// What may be spent.
    pub purses: BTreeMap<Currency, Purse>,
}

impl Seats {
    /// The table for one workload. Sites that hold replicas but are in no tier (any more) come
    /// last, in a tier of their own that takes none; for Sensitive they are left out altogether.
    pub(crate) fn of(world: &World, workload: &Workload, now: Timestamp) -> Self {
        let mut rows = Vec::new();
        let mut seen = BTreeSet::new();
        let mut seat = |site: &SiteName, tier: usize| {
            if !seen.insert(site.clone()) {
                return;
            }
            let leg = workload.legs.get(site).cloned().unwrap_or_default();
            rows.push(Seat {
                site: site.clone(),
                tier,
                home: false,
                away: Away::of(world.sites.get(site), now),
                grace: grace(workload, world.sites.get(site)),
                open: world.sites.get(site).is_some_and(|s| s.open),
                pin: None,
                keep: leg.spec,
                misplaced: Replicas::ZERO,
                cap_high: Replicas::ZERO,
                cap_fit: Replicas::ZERO,
                on_nodes: Replicas::ZERO,
                limit: None,
                fare: Fare::Free,
                target: leg.spec,
                leg,
            });
        };
        let tiers = match &workload.placement {
            Placement::Sensitive { sites } => {
                for site in sites {
                    // The type proves it; the world of this moment must not say otherwise.
                    let kind = world.sites.get(site.name()).map(|s| s.kind);
                    match kind {
                        Some(SiteKind::OnPrem) | None => seat(site.name(), 0),
                        Some(SiteKind::Cloud | SiteKind::Edge) => {}
                    }
                }
                vec![Bounds {
                    min: Replicas::ZERO,
                    max: Replicas::MAX,
                }]
            }
            Placement::MassTraffic { tiers } => {
                for (i, tier) in tiers.iter().enumerate() {
                    tier.sites.iter().for_each(|site| seat(site, i));
                }
                let held = workload
                    .legs
                    .iter()
                    .filter(|(_, leg)| leg.spec > Replicas::ZERO || leg.bound > Replicas::ZERO);
                held.for_each(|(site, _)| seat(site, tiers.len()));
                let mut bounds: Vec<_> = tiers
                    .iter()
                    .map(|t| Bounds {
                        min: t.min,
                        max: t.max,
                    })
                    .collect();
                bounds.push(Bounds {
                    min: Replicas::ZERO,
                    max: Replicas::ZERO,
                });
                bounds
            }
        };
        let home = match &workload.placement {
            Placement::Sensitive { sites } => {
                sites.first().map(crate::model::site::SovereignSite::name)
            }
            Placement::MassTraffic { tiers } => tiers.iter().find_map(|t| t.sites.first()),
        };
        for row in &mut rows {
            row.home = Some(&row.site) == home;
        }
        let outside = match &workload.placement {
            Placement::Sensitive { sites: _ } => tiers.len(),
            Placement::MassTraffic { tiers: named } => named.len(),
        };
        Self {
            rows,
            tiers,
            outside,
            purses: BTreeMap::new(),
        }
    }

    /// Sorts what is specified now into what counts, what waits in vain (`blocked`) and what is
    /// misplaced, and subtracts what a drain has made at its destination.
    pub(crate) fn sort(
        &mut self,
        drain: Option<&Drain>,
        decided: &BTreeMap<SiteName, Replicas>,
        blocked: &BTreeMap<SiteName, Blocked>,
    ) {
        for row in &mut self.rows {
            if let Some(drain) = drain.filter(|d| d.to == row.site && d.moving > Replicas::ZERO) {
                row.keep = with_made(row, decided).minus(drain.moving);
            }
            if let Some(b) = blocked.get(&row.site) {
                row.keep = row.keep.min(b.holds.max(row.leg.bound));
            }
            match row.away {
                Away::Here => {}
                Away::Counted => row.keep = row.keep.min(row.leg.spec),
                Away::Lost => row.keep = Replicas::ZERO,
            }
        }
        for (i, tier) in self.tiers.iter().enumerate() {
            let mut left = tier.max;
            // What cannot be changed is counted first, so that changing the rest changes nothing in it.
            for fixed in [true, false] {
                let of_turn = |r: &&mut Seat| r.tier == i && r.fixed().is_some() == fixed;
                for row in self.rows.iter_mut().filter(of_turn) {
                    let keep = row.keep.min(left);
                    row.misplaced = row.keep.minus(keep);
                    row.keep = keep;
                    left = left.minus(row.fixed().unwrap_or(keep));
                }
            }
        }
    }

    /// Measures the room for this workload at each site.
    pub(crate) fn measure(
        &mut self,
        left: &Left<'_>,
        blocked: &BTreeMap<SiteName, Blocked>,
        id: &WorkloadId,
        workload: &Workload,
        sensitive: bool,
    ) {
        let request = workload.request;
        let asker = if sensitive {
            Asker::Sensitive
        } else {
            Asker::Mass
        };
        for row in &mut self.rows {
            row.fare = left.purses.fare(&row.site, id, workload);
            let unfunded = matches!(row.fare, Fare::Unfunded(_));
            let room = left
                .rooms
                .get(&row.site)
                .filter(|_| !unfunded && !blocked.contains_key(&row.site))
                .filter(|_| !workload.refused.contains_key(&row.site));
            // Pods without a node are in a quota's count already.
            let waiting = existing(&row.leg).minus(row.leg.bound);
            let allowed = left.quotas.more(&row.site, id, workload);
            let most = allowed
                .as_ref()
                .map_or(Replicas::MAX, |allowed| allowed.more.plus(waiting));
            let fits = room.map_or(Replicas::ZERO, |r| r.more(request, asker, Replicas::MAX));
            let under_high = match asker {
                Asker::Sensitive => fits,
                Asker::Mass => room.map_or(fits, |r| fits.min(r.under_high(request))),
            };
            let fit = fits.min(most);
            row.limit = allowed.map(|a| a.by).filter(|_| most < fits);
            row.cap_high = row.leg.bound.plus(under_high.min(most));
            row.cap_fit = row.leg.bound.plus(fit);
            if fit == Replicas::ZERO {
                // Nothing new: bound pods beyond the spec (a roll-out's surge) are no room either.
                row.cap_high = row.cap_high.min(row.keep);
                row.cap_fit = row.cap_fit.min(row.keep);
            }
            let on_nodes = room.map_or(Replicas::ZERO, |r| r.on_nodes(request));
            row.on_nodes = row.cap_fit.min(row.leg.bound.plus(on_nodes));
        }
        self.open_purses(&left.purses, id, workload);
    }

    /// Sets the pins of an override. Sites outside the placement are ignored.
    pub(crate) fn pin(&mut self, word: &Override) {
        for row in &mut self.rows {
            if row.tier < self.outside && row.away == Away::Here {
                row.pin = word.sites.get(&row.site).copied();
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
            if row.on_nodes < row.cap_fit {
                return want > there.plus(row.on_nodes);
            }
            there = there.plus(row.cap_high.min(row.cap_fit));
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
    pub(crate) fn rank(&self, row: &Seat) -> u32 {
        let inside = (row.tier < self.outside).then_some(row.tier + 1);
        inside.map_or(0, |rank| u32::try_from(rank).unwrap_or(u32::MAX))
    }

    /// The row of a site.
    pub(crate) fn row(&self, site: &SiteName) -> Option<&Seat> {
        self.rows.iter().find(|r| r.site == *site)
    }

    /// The row of a site, to change.
    pub(crate) fn row_mut(&mut self, site: &SiteName) -> Option<&mut Seat> {
        self.rows.iter_mut().find(|r| r.site == *site)
    }

    /// The target's row.
    pub(crate) fn home(&self) -> Option<&Seat> {
        self.rows.iter().find(|r| r.home)
    }
}
