//! Other clusters: one supervisor a remote Site, each with its own client, watches and breaker, none
//! waiting for another. What they see goes into `Index.clusters`; who writes there asks [`RemoteClients`].

pub mod breaker;
pub mod clients;

pub use breaker::Breaker;
pub use clients::{RemoteClient, RemoteClients};
