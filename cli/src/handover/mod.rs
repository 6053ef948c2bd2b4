//! What `adopt` and `release` share: the facts of one target and of everybody who wants its count,
//! the record of what was taken over, and the few writes that are made as the user. Not here: what
//! is decided from them.

pub mod autoscaler;
pub mod cluster;
pub mod ending;
pub mod facts;
pub mod fields;
pub mod note;
pub mod owners;
pub mod progress;
pub mod record;
pub mod scalable;
pub mod target;
#[cfg(test)]
pub mod testing;
pub mod workload;

pub use autoscaler::Autoscaler;
pub use cluster::Cluster;
pub use ending::Ending;
pub use facts::Facts;
pub use note::{Note, Weight};
pub use progress::Progress;
pub use record::{Floor, Record, Saved};
pub use scalable::Scalable;
pub use target::{Kind, Target};
pub use workload::Workload;
