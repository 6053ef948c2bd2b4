//! Free parts of a site's nodes, kept so that a question costs what its answer does and not a look
//! at every node: a tree of the most that any node below has free. Which node a pod lands on is the
//! scheduler's rule, most free CPU first. Not here: watermarks, reserves, limits (room).

use crate::model::amounts::Resources;
use std::cmp::Reverse;

/// Free part of one node; inside the tree the most of each that any node below has.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Free {
    pub room: Resources,
    pub slots: u64,
}

impl Free {
    /// Room for nothing.
    pub(crate) const NONE: Self = Self {
        room: Resources::ZERO,
        slots: 0,
    };

    /// How many replicas fit here whole.
    pub(crate) fn fits(self, request: Resources) -> u64 {
        self.room.fits(request).min(self.slots)
    }

    fn takes(self, request: Resources) -> bool {
        self.slots > 0
            && self.room.millicores >= request.millicores
            && self.room.bytes >= request.bytes
    }

    fn most(self, other: Self) -> Self {
        Self {
            room: Resources {
                millicores: self.room.millicores.max(other.room.millicores),
                bytes: self.room.bytes.max(other.room.bytes),
            },
            slots: self.slots.max(other.slots),
        }
    }
}

/// What decides between nodes: most free CPU, then most free memory, then the first.
type Rank = (u64, u64, Reverse<usize>);

/// The nodes of a site. Node `i` is the leaf at `leaves + i`; below it at `n` are `2n` and `2n + 1`.
#[derive(Clone, Debug)]
pub(crate) struct Nodes {
    tree: Vec<Free>,
    leaves: usize,
    /// How many of the leaves are nodes.
    len: usize,
    /// Sum over all nodes; wide, so that it is exact.
    free: (u128, u128),
}

impl Nodes {
    /// The nodes in their order.
    pub(crate) fn of(nodes: &[Free]) -> Self {
        let leaves = nodes.len().next_power_of_two();
        let mut tree = vec![Free::default(); leaves];
        tree.extend_from_slice(nodes);
        tree.resize(leaves.saturating_mul(2), Free::default());
        let mut free = (0u128, 0u128);
        for Free { room, slots: _ } in nodes {
            free.0 += u128::from(room.millicores);
            free.1 += u128::from(room.bytes);
        }
        let len = nodes.len();
        let mut nodes = Self {
            tree,
            leaves,
            len,
            free,
        };
        for at in (1..leaves).rev() {
            nodes.renew(at);
        }
        nodes
    }

    /// Adds a node behind all others.
    pub(crate) fn push(&mut self, node: Free) {
        if self.len >= self.leaves {
            let mut all = self.tree.split_off(self.leaves);
            all.push(node);
            *self = Self::of(&all);
            return;
        }
        let mut at = self.leaves + self.len;
        if let Some(place) = self.tree.get_mut(at) {
            *place = node;
        }
        self.len += 1;
        self.free.0 += u128::from(node.room.millicores);
        self.free.1 += u128::from(node.room.bytes);
        while at > 1 {
            at /= 2;
            self.renew(at);
        }
    }

    fn at(&self, at: usize) -> Free {
        self.tree.get(at).copied().unwrap_or_default()
    }

    fn renew(&mut self, at: usize) {
        let most = self.at(2 * at).most(self.at(2 * at + 1));
        if let Some(place) = self.tree.get_mut(at) {
            *place = most;
        }
    }

    /// What is free on all of them together.
    pub(crate) fn free(&self) -> Resources {
        let narrow = |n: u128| u64::try_from(n).unwrap_or(u64::MAX);
        Resources {
            millicores: narrow(self.free.0),
            bytes: narrow(self.free.1),
        }
    }

    /// How many replicas fit whole, counted no further than `enough`.
    pub(crate) fn fits(&self, request: Resources, enough: u64) -> u64 {
        let mut n = 0u64;
        self.count(1, request, enough, &mut n);
        n.min(enough)
    }

    fn count(&self, at: usize, request: Resources, enough: u64, n: &mut u64) {
        let here = self.at(at);
        if *n >= enough || !here.takes(request) {
            return;
        }
        if at >= self.leaves {
            *n = n.saturating_add(here.fits(request));
            return;
        }
        self.count(2 * at, request, enough, n);
        self.count(2 * at + 1, request, enough, n);
    }

    /// Takes room for one replica on the node that the scheduler would choose; false where it fits
    /// on none.
    pub(crate) fn take(&mut self, request: Resources) -> bool {
        let Some((_, _, Reverse(at))) = self.chosen(request) else {
            return false;
        };
        if let Some(node) = self.tree.get_mut(at) {
            node.room = node.room.minus(request);
            node.slots = node.slots.saturating_sub(1);
        }
        self.free.0 = self.free.0.saturating_sub(request.millicores.into());
        self.free.1 = self.free.1.saturating_sub(request.bytes.into());
        let mut above = at / 2;
        while above > 0 {
            self.renew(above);
            above /= 2;
        }
        true
    }

    /// Free CPU and memory of the node that the scheduler would choose.
    pub(crate) fn best(&self, request: Resources) -> Option<(u64, u64)> {
        let (millicores, bytes, _) = self.chosen(request)?;
        Some((millicores, bytes))
    }

    fn chosen(&self, request: Resources) -> Option<Rank> {
        let mut best = None;
        self.choose(1, request, &mut best);
        best
    }

    fn first_below(&self, mut at: usize) -> usize {
        while at < self.leaves {
            at *= 2;
        }
        at
    }

    fn choose(&self, at: usize, request: Resources, best: &mut Option<Rank>) {
        let here = self.at(at);
        // The best that could be below, at its first place.
        let rank = (
            here.room.millicores,
            here.room.bytes,
            Reverse(self.first_below(at)),
        );
        if !here.takes(request) || best.is_some_and(|best| rank < best) {
            return;
        }
        if at >= self.leaves {
            *best = Some(rank);
            return;
        }
        let (left, right) = (2 * at, 2 * at + 1);
        // The way of the most CPU first: what it finds mostly shuts off the other.
        if self.at(left).room.millicores >= self.at(right).room.millicores {
            self.choose(left, request, best);
            self.choose(right, request, best);
        } else {
            self.choose(right, request, best);
            self.choose(left, request, best);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small generator (SplitMix64): the same sites in every run.
    fn next(seed: &mut u64, end: u64) -> u64 {
        *seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (*seed ^ (*seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (mixed ^ (mixed >> 27)) % end
    }

    fn some(seed: &mut u64) -> Resources {
        // Few sizes, so that nodes are often equal.
        Resources {
            millicores: next(seed, 5),
            bytes: next(seed, 5),
        }
    }

    /// Node by node, as the scheduler's rule says it.
    fn take_slowly(nodes: &mut [Free], request: Resources) -> bool {
        let fitting = nodes
            .iter_mut()
            .enumerate()
            .filter(|(_, n)| n.takes(request));
        let best = fitting.max_by_key(|(i, n)| (n.room.millicores, n.room.bytes, Reverse(*i)));
        let Some((_, node)) = best else {
            return false;
        };
        node.room = node.room.minus(request);
        node.slots -= 1;
        true
    }

    #[test]
    fn the_tree_answers_as_a_look_at_every_node_does() {
        for seed in 0..300u64 {
            let mut seed = seed;
            let count = next(&mut seed, 40);
            let node = |seed: &mut u64| Free {
                room: some(seed).times(2),
                slots: next(seed, 6),
            };
            let mut slow: Vec<_> = (0..count).map(|_| node(&mut seed)).collect();
            let mut quick = Nodes::of(&slow);
            for _ in 0..120 {
                if next(&mut seed, 20) == 0 {
                    let more = node(&mut seed);
                    slow.push(more);
                    quick.push(more);
                }
                let (request, enough) = (some(&mut seed), next(&mut seed, 30));
                let whole: u64 = slow.iter().map(|n| n.fits(request)).sum();
                assert_eq!(quick.fits(request, enough), whole.min(enough));
                assert_eq!(quick.take(request), take_slowly(&mut slow, request));
                let free = slow.iter().fold(Resources::ZERO, |sum, n| sum.plus(n.room));
                assert_eq!(quick.free(), free);
                let kept = quick.tree.get(quick.leaves..quick.leaves + slow.len());
                let kept = kept.unwrap().iter().map(|n| (n.room, n.slots));
                assert!(
                    kept.eq(slow.iter().map(|n| (n.room, n.slots))),
                    "another node"
                );
            }
        }
    }
}
