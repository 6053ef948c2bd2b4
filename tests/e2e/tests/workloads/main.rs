//! One short test a feature of a workload's life, on one lab. Each test has sites of its own.

mod adopt;
mod attested;
mod bad_input;
mod bottleneck;
mod budget;
mod contested;
mod declassify;
mod deletion;
mod displaced;
mod drain_back;
mod elastic;
mod explain;
mod gateway;
mod modes;
mod overflow;
mod pinned;
mod scale;
mod shortage;
mod violation;
mod violation_of_things;

use pinisi_e2e::world::NodeGroupSpec;

/// Every site that a test here uses: name, nodes, cores of each.
const GROUPS: &[NodeGroupSpec] = &[
    ("home", 2, 16),
    ("cloud", 2, 8),
    ("home-spill", 2, 4),
    ("cloud-spill", 8, 4),
    ("home-short", 1, 4),
    ("cloud-short", 1, 4),
    ("home-drain", 2, 4),
    ("cloud-drain", 2, 4),
    ("home-pin", 1, 4),
    ("cloud-pin", 1, 4),
    ("home-gone", 1, 4),
    ("cloud-gone", 2, 4),
    ("home-adopt", 1, 4),
    ("cloud-adopt", 2, 4),
    ("home-bad", 1, 4),
    ("cloud-bad", 1, 4),
    ("home-gate", 2, 16),
    ("home-way", 1, 4),
    ("cloud-way", 2, 4),
    ("home-pool", 1, 4),
    ("cloud-pool", 0, 4),
    ("home-paid", 1, 4),
    ("cloud-paid", 2, 4),
    ("home-neck", 1, 4),
    ("cloud-neck", 2, 8),
    ("home-vouch", 1, 4),
    ("home-told", 1, 4),
    ("cloud-told", 2, 4),
    ("home-seen", 1, 4),
    ("home-abroad", 1, 4),
    ("cloud-seen", 1, 4),
    ("home-open", 1, 4),
    ("cloud-open", 2, 4),
];
