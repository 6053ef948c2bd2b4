//! The admission guard: what keeps Sensitive pods on lawful nodes with the operator stopped.
//! Rendered here as plain objects, applied by the leader, enforced by the API server alone.
//! Deliberately not here: webhooks. The rest of the pack (volumes, routes, exec) comes with
//! `SovereigntyPolicy`.

mod apply;
mod objects;
pub mod receiving;
pub mod rules;

pub use apply::{GuardError, apply};
pub use objects::{GuardObject, objects};

/// What the rendered guard depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardSettings {
    /// Name of the operator's user, the only writer of `SovereignNodes`:
    /// `system:serviceaccount:NAMESPACE:NAME`.
    pub operator_user: String,
}
