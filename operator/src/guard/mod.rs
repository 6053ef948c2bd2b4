//! The admission guard: what keeps Sensitive pods on lawful nodes with the operator stopped.
//! Rendered here as plain objects, applied by the leader, enforced by the API server alone.
//! Deliberately not here: webhooks.

mod apply;
pub(crate) mod cel;
pub mod floor;
pub mod keep;
mod objects;
pub mod receiving;
pub mod rule;
pub mod rules;
pub mod settings;
mod stamp;
pub mod text;

pub use apply::{GuardError, apply};
pub use objects::{GuardObject, NAME_LABEL, objects};
pub use settings::{GuardPolicies, GuardSettings, PolicyBinding};
pub use stamp::{STAMP, passes_over_what_is_stamped_alone};
