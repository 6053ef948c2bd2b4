//! Report: status, conditions and Events. Everything but `send` is pure. Status moves only when
//! the world moves: at steady state nothing is written.

pub mod budget;
pub mod conditions;
mod decision;
pub mod declassification;
pub mod events;
pub mod ledger;
pub mod metrics;
pub mod objects;
pub mod outbox;
pub mod remote_site;
pub mod send;
pub mod stable;
pub mod status;
