//! Nodes that an autoscaled pool can still add to a site, as a working copy: one is opened for pods
//! that fit on none before it. Not here: nodes that are there (nodes).

use crate::model::amounts::Resources;
use crate::model::site::Elastic;
use crate::placement::nodes::{Free, Nodes};

/// Nodes to come.
#[derive(Clone, Debug)]
pub(crate) struct Coming {
    /// True where any can come.
    some: bool,
    /// So many that nobody has been promised yet.
    left: u32,
    /// One of them, empty.
    shape: Free,
    /// Those that somebody has been promised.
    opened: Nodes,
}

impl Coming {
    /// What the pool says.
    pub(crate) fn of(pool: Option<Elastic>) -> Self {
        let (left, shape) = pool.map_or((0, Free::NONE), |pool| {
            let slots = pool.pod_slots.into();
            (
                pool.nodes,
                Free {
                    room: pool.room,
                    slots,
                },
            )
        });
        Self {
            some: left > 0,
            left,
            shape,
            opened: Nodes::of(&[]),
        }
    }

    /// True where any can come.
    pub(crate) fn any(&self) -> bool {
        self.some
    }

    /// What is free on all of them together.
    pub(crate) fn free(&self) -> Resources {
        let rest = self.shape.room.times(self.left.into());
        self.opened.free().plus(rest)
    }

    /// How many replicas fit whole, counted no further than `enough`.
    pub(crate) fn fits(&self, request: Resources, enough: u64) -> u64 {
        let rest = u64::from(self.left).saturating_mul(self.shape.fits(request));
        let opened = self.opened.fits(request, enough);
        opened.saturating_add(rest).min(enough)
    }

    /// Takes room for one replica; false where it fits on none.
    pub(crate) fn take(&mut self, request: Resources) -> bool {
        if self.opened.take(request) {
            return true;
        }
        if self.left == 0 || self.shape.fits(request) == 0 {
            return false;
        }
        self.left = self.left.saturating_sub(1);
        self.opened.push(self.shape);
        self.opened.take(request)
    }
}
