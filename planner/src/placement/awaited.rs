//! Room that Sensitive pods without a node are about to take. Which pod the scheduler binds first is
//! not ours to say, so mass traffic grows only as far as these pods find room in whatever order all
//! are bound. Not here: where nothing is left for them at all (claim).

use crate::model::amounts::Resources;

/// Sensitive pods of one size that have no node yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Awaited {
    request: Resources,
    /// How many more of them would fit: so many places may be taken from under them.
    spare: u64,
}

impl Awaited {
    /// Of this size; `spare` more would fit beside those that wait.
    pub(crate) fn of(request: Resources, spare: u64) -> Self {
        Self { request, spare }
    }

    /// How many other pods may come before them.
    pub(crate) fn allows(&self, other: Resources) -> u64 {
        self.spare / self.takes(other)
    }

    /// So many others come.
    pub(crate) fn beside(&mut self, other: Resources, n: u64) {
        self.spare = self
            .spare
            .saturating_sub(n.saturating_mul(self.takes(other)));
    }

    /// Places that one other pod takes at most, wherever it lands: as often as it exceeds the request,
    /// begun ones counted, and at least the one where it is.
    fn takes(&self, other: Resources) -> u64 {
        let begun = |other: u64, one: u64| if one == 0 { 0 } else { other.div_ceil(one) };
        let Resources { millicores, bytes } = self.request;
        let most = begun(other.millicores, millicores).max(begun(other.bytes, bytes));
        most.max(1)
    }
}
