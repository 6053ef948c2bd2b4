//! Room at a site, node by node, as a working copy that shrinks while workloads are placed. Room
//! is what fits whole: two halves on two nodes are no room. What leaves in the same plan is not
//! credited, so a plan never counts on a pod that is still there.

use crate::model::amounts::{Percent, Replicas, Resources};
use crate::model::site::{Reach, Site};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Who asks for room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asker {
    /// Whatever fits.
    Sensitive,
    /// What fits and leaves the reserve.
    Mass,
    /// What fits, leaves the reserve and stays under the high watermark.
    MassUnderHigh,
}

/// Free part of one node.
#[derive(Clone, Debug)]
struct Free {
    room: Resources,
    slots: u64,
}

/// A site's room.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    nodes: Vec<Free>,
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
}

impl Room {
    /// The room of a site as gathered. A cordoned node counts as used whole.
    pub(crate) fn of(site: &Site) -> Self {
        let mut total = Resources::ZERO;
        let mut used = Resources::ZERO;
        let mut order: Vec<_> = site.nodes.iter().collect();
        // By name, so that the order in which nodes were gathered does not matter.
        order.sort_by_key(|n| {
            (
                n.name.clone(),
                n.allocatable.millicores,
                n.allocatable.bytes,
                n.used.millicores,
            )
        });
        let mut nodes = Vec::with_capacity(order.len());
        for node in order {
            total = total.plus(node.allocatable);
            if node.schedulable {
                used = used.plus(node.used);
                let slots = u64::from(node.pod_slots.saturating_sub(node.used_slots));
                nodes.push(Free {
                    room: node.allocatable.minus(node.used),
                    slots,
                });
            } else {
                used = used.plus(Resources {
                    millicores: node.used.millicores.max(node.allocatable.millicores),
                    bytes: node.used.bytes.max(node.allocatable.bytes),
                });
            }
        }
        Self {
            nodes,
            total,
            used,
            reserve: site.reserve,
            requested: Resources::ZERO,
            max: site.max,
            high: site.high,
            open: site.open && site.reach == Reach::Reachable,
        }
    }

    /// Counts pods of ours that are bound here already; their node's use has them.
    pub(crate) fn holds(&mut self, request: Resources, bound: Replicas) {
        self.count(request.times(bound.get().into()));
    }

    fn count(&mut self, request: Resources) {
        self.requested = self.requested.plus(request);
    }

    /// How many more replicas fit.
    pub(crate) fn more(&self, request: Resources, asker: Asker) -> Replicas {
        if !self.open {
            return Replicas::ZERO;
        }
        let whole = self.nodes.iter().fold(0u64, |n, f| {
            n.saturating_add(f.room.fits(request).min(f.slots))
        });
        let allowed = self
            .max
            .map_or(u64::MAX, |max| max.minus(self.requested).fits(request));
        let beside_reserve = || {
            let free = self
                .nodes
                .iter()
                .fold(Resources::ZERO, |sum, f| sum.plus(f.room));
            free.minus(self.reserve).fits(request)
        };
        let under_high = || self.total.percent(self.high).minus(self.used).fits(request);
        let n = match asker {
            Asker::Sensitive => whole.min(allowed),
            Asker::Mass => whole.min(allowed).min(beside_reserve()),
            Asker::MassUnderHigh => whole.min(allowed).min(beside_reserve()).min(under_high()),
        };
        Replicas::new(u32::try_from(n).unwrap_or(u32::MAX))
    }

    /// Takes room for replicas that are not bound yet, each on the node with the most free CPU as
    /// the scheduler would. What does not fit takes none: it waits, and so holds nothing.
    pub(crate) fn take(&mut self, request: Resources, replicas: Replicas) {
        let fits = |f: &Free| f.slots > 0 && f.room.fits(request) > 0;
        let mut heap: BinaryHeap<_> = self
            .nodes
            .iter()
            .enumerate()
            .filter(|(_, f)| fits(f))
            .map(|(i, f)| (f.room.millicores, f.room.bytes, Reverse(i)))
            .collect();
        let mut taken = 0u64;
        while taken < u64::from(replicas.get()) {
            let Some((_, _, Reverse(i))) = heap.pop() else {
                break;
            };
            let Some(node) = self.nodes.get_mut(i) else {
                break;
            };
            node.room = node.room.minus(request);
            node.slots -= 1; // above 0 while in the heap
            taken += 1;
            if fits(node) {
                heap.push((node.room.millicores, node.room.bytes, Reverse(i)));
            }
        }
        let sum = request.times(taken);
        self.used = self.used.plus(sum);
        self.count(sum);
    }

    /// Share in use, the larger of CPU and memory, rounded down.
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
