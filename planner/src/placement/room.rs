//! Room at a site, node by node, as a working copy that shrinks while workloads are placed. Room
//! is what fits whole: two halves on two nodes are no room. What leaves in the same plan is not
//! credited, so a plan never counts on a pod that is still there. Nodes that an autoscaled pool can
//! still add are room too, behind those that are there: a pod that waits is what adds them.

use crate::model::amounts::{Percent, Replicas, Resources};
use crate::model::site::{Node, Reach, Site};
use crate::placement::awaited::Awaited;
use crate::placement::coming::Coming;
use crate::placement::nodes::{Free, Nodes};

/// Who asks for room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asker {
    /// Whatever fits.
    Sensitive,
    /// What fits and leaves the reserve.
    Mass,
}

/// A site's room.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    /// Those that take anybody.
    nodes: Nodes,
    /// Those that nobody has attested: for mass traffic only, as are those to come.
    unattested: Nodes,
    coming: Coming,
    total: Resources,
    used: Resources,
    /// Still to be kept free for pods that are not mass traffic.
    /// Stays free beside what Sensitive workloads hold already: it is for their growth.
    reserve: Resources,
    /// What Pinisi's workloads request here.
    requested: Resources,
    max: Option<Resources>,
    high: Percent,
    open: bool,
    /// A Sensitive workload waits for room here: mass traffic takes none.
    claimed: bool,
    /// Sizes of Sensitive pods that have no node yet, and what mass traffic must leave them.
    waiting: Vec<Resources>,
    awaited: Vec<Awaited>,
}

impl Room {
    /// The room of a site as gathered. A cordoned node counts as used whole.
    pub(crate) fn of(site: &Site) -> Self {
        let mut total = Resources::ZERO;
        let mut used = Resources::ZERO;
        let mut order: Vec<_> = site.nodes.iter().collect();
        // By name, so that the order in which nodes were gathered does not matter.
        let rank = |n: &Node| {
            let Resources { millicores, bytes } = n.allocatable;
            (millicores, bytes, n.used.millicores)
        };
        order.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| rank(a).cmp(&rank(b))));
        let mut nodes = Vec::with_capacity(order.len());
        let mut unattested = Vec::new();
        for node in order {
            total = total.plus(node.allocatable);
            if node.schedulable {
                used = used.plus(node.used);
                let slots = u64::from(node.pod_slots.saturating_sub(node.used_slots));
                let free = Free {
                    room: node.allocatable.minus(node.used),
                    slots,
                };
                if node.unattested {
                    unattested.push(free);
                } else {
                    nodes.push(free);
                }
            } else {
                used = used.plus(Resources {
                    millicores: node.used.millicores.max(node.allocatable.millicores),
                    bytes: node.used.bytes.max(node.allocatable.bytes),
                });
            }
        }
        let coming = Coming::of(site.elastic);
        total = total.plus(coming.free());
        Self {
            nodes: Nodes::of(&nodes),
            unattested: Nodes::of(&unattested),
            coming,
            total,
            used,
            reserve: site.reserve,
            requested: Resources::ZERO,
            max: site.max,
            high: site.high,
            open: site.open && site.reach == Reach::Reachable,
            claimed: false,
            waiting: Vec::new(),
            awaited: Vec::new(),
        }
    }

    /// Counts pods of ours that are bound here already; their node's use has them.
    pub(crate) fn holds(&mut self, request: Resources, bound: Replicas) {
        self.count(request.times(bound.get().into()));
    }

    fn count(&mut self, request: Resources) {
        self.requested = self.requested.plus(request);
    }

    /// How many more replicas fit, counted no further than `enough`: Sensitive ones on attested nodes,
    /// mass traffic also on the others and on nodes to come.
    pub(crate) fn more(&self, request: Resources, asker: Asker, enough: Replicas) -> Replicas {
        let closed = match asker {
            Asker::Sensitive => !self.open,
            Asker::Mass => !self.open || self.claimed,
        };
        if closed {
            return Replicas::ZERO;
        }
        let allowed = || match self.max {
            Some(max) => max.minus(self.requested).fits(request),
            None => u64::MAX,
        };
        let beside_reserve = || {
            let free = self.nodes.free().plus(self.unattested.free());
            let free = free.plus(self.coming.free());
            free.minus(self.reserve).fits(request)
        };
        let beside_awaited = || {
            let allows = self.awaited.iter().map(|a| a.allows(request));
            allows.min().unwrap_or(u64::MAX)
        };
        let most = match asker {
            Asker::Sensitive => allowed(),
            Asker::Mass => allowed().min(beside_reserve()).min(beside_awaited()),
        };
        let most = most.min(enough.get().into());
        let mut n = self.nodes.fits(request, most);
        if asker == Asker::Mass {
            n += self.unattested.fits(request, most - n); // `n` is at most `most`, here and below
            n += self.coming.fits(request, most - n);
        }
        Replicas::new(u32::try_from(n).unwrap_or(u32::MAX))
    }

    /// How many more stay under the high watermark, whether or not they fit.
    pub(crate) fn under_high(&self, request: Resources) -> Replicas {
        let n = self.total.percent(self.high).minus(self.used).fits(request);
        Replicas::new(u32::try_from(n).unwrap_or(u32::MAX))
    }

    /// How many more have to wait for no node to come.
    pub(crate) fn on_nodes(&self, request: Resources) -> Replicas {
        if !self.coming.any() {
            return Replicas::MAX;
        }
        let fits = |nodes: &Nodes| nodes.fits(request, Replicas::MAX.get().into());
        let there = fits(&self.nodes).saturating_add(fits(&self.unattested));
        Replicas::new(u32::try_from(there).unwrap_or(u32::MAX))
    }

    /// Takes room for replicas that are not bound yet, each on the node with the most free CPU as
    /// the scheduler would, and mass traffic on nodes to come where those that are there are full. What
    /// does not fit takes none: it waits, and so holds nothing. Returns how many fitted.
    pub(crate) fn take(
        &mut self,
        request: Resources,
        sensitive: bool,
        replicas: Replicas,
    ) -> Replicas {
        let mut taken = 0u64;
        while taken < u64::from(replicas.get()) && self.take_one(request, sensitive) {
            taken += 1;
        }
        let sum = request.times(taken);
        self.used = self.used.plus(sum);
        self.count(sum);
        if !sensitive {
            let awaited = self.awaited.iter_mut();
            awaited.for_each(|a| a.beside(request, taken));
        } else if taken > 0 && !self.waiting.contains(&request) {
            self.waiting.push(request);
        }
        Replicas::new(u32::try_from(taken).unwrap_or(u32::MAX))
    }

    fn take_one(&mut self, request: Resources, sensitive: bool) -> bool {
        if sensitive {
            return self.nodes.take(request);
        }
        let unattested = self.unattested.best(request);
        if unattested.is_some_and(|most| self.nodes.best(request).is_none_or(|n| most > n)) {
            return self.unattested.take(request);
        }
        self.nodes.take(request) || self.coming.take(request)
    }

    /// After the Sensitive workloads: what others must leave for those of them that have no node yet.
    pub(crate) fn hold_for_waiting(&mut self) {
        let fits = |request| self.nodes.fits(request, u64::MAX);
        let held = self.waiting.iter().map(|r| Awaited::of(*r, fits(*r)));
        self.awaited = held.collect();
    }

    /// Keeps mass traffic out until a Sensitive workload has found room. False where it is not
    /// room that the workload lacks.
    pub(crate) fn claim(&mut self, request: Resources) -> bool {
        let full =
            self.open && self.more(request, Asker::Sensitive, Replicas::new(1)) == Replicas::ZERO;
        self.claimed |= full;
        full
    }

    /// True where somebody Sensitive waits for room.
    pub(crate) fn claimed(&self) -> bool {
        self.claimed
    }

    /// What has to become free for so many more. Where there is enough in sum, but nowhere whole,
    /// room is made for one at a time.
    pub(crate) fn lacks(&self, request: Resources, more: Replicas) -> Resources {
        if more == Replicas::ZERO {
            return Resources::ZERO;
        }
        let all = request.times(more.get().into());
        let free = self.nodes.free();
        let allowed = self.max.map_or(all, |max| max.minus(self.requested));
        match all.minus(free.min(allowed)) {
            Resources::ZERO => request,
            lacking => lacking,
        }
    }

    /// Share in use of what is there and can still come, the larger of CPU and memory, rounded down.
    pub(crate) fn share(&self) -> Percent {
        let of = |used: u64, total: u64| {
            let percent = (u128::from(used) * 100).checked_div(total.into());
            percent.unwrap_or(if used > 0 { 100 } else { 0 }).min(100)
        };
        let most = of(self.used.millicores, self.total.millicores)
            .max(of(self.used.bytes, self.total.bytes));
        Percent::new(i32::try_from(most).unwrap_or(100))
    }

    /// True where both CPU and memory are used below `low`. A site without nodes never is.
    pub(crate) fn under(&self, low: Percent) -> bool {
        let below = |used: u64, total: u64| match total {
            0 => used == 0,
            _ => u128::from(used) * 100 < u128::from(low.get()) * u128::from(total),
        };
        self.total != Resources::ZERO
            && below(self.used.millicores, self.total.millicores)
            && below(self.used.bytes, self.total.bytes)
    }
}
