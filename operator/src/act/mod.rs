//! Act: the plan becomes writes, the writes become requests. `writes` derives (pure), `inflight`
//! says what may start (pure), `send` talks to the API server. Deliberately not here: deciding
//! counts (the planner's) and telling anybody (report's).

pub mod declassify;
pub mod error;
mod evidence;
pub mod farewell;
pub mod inflight;
pub mod ledgers;
pub mod name;
pub mod remote;
pub mod send;
pub mod sibling;
pub mod violations;
pub mod write;
pub mod writes;

pub use error::ActError;
pub use inflight::InFlight;
pub use write::{Key, Write, WriteKind};
