//! Starts the parts and ends them in order: the loop first, the lease and the HTTP server last.

use crate::gather::{Gather, GatherError};
use crate::lease::Elector;
use crate::metrics::Metrics;
use crate::runner::Runner;
use crate::serve::{self, Health};
use kube::{Api, Client, Config};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Longest that connecting to the API server may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What the operator is started with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Address of /metrics, /livez, /readyz.
    pub listen: SocketAddr,
    /// Name of the Lease.
    pub lease_name: String,
    /// Its namespace.
    pub lease_namespace: String,
    /// Our name in it.
    pub identity: String,
    /// Its duration.
    pub lease_duration: Duration,
    /// The operator's user name, for the guard.
    pub operator_user: String,
}

/// Why the operator cannot run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// No client.
    #[error("cannot make a client for the API server")]
    Client(#[source] Box<kube::Error>),
    /// No watches.
    #[error("cannot start gathering")]
    Gather(#[from] GatherError),
    /// No HTTP server.
    #[error("cannot listen on {address}: choose another with --http-listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// Runs until `stop`, then ends in order: writes first, the lease last.
///
/// # Errors
/// It cannot start.
pub async fn run(
    settings: Settings,
    config: Config,
    stop: CancellationToken,
) -> Result<(), RunError> {
    let client = |config: &Config| {
        let mut config = config.clone();
        // The loop retries, with what is true by then; a retry inside a call would outlive the lease.
        config.default_retry = false;
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        Client::try_from(config).map_err(|error| RunError::Client(Box::new(error)))
    };
    let (watching, writing, leasing) = (client(&config)?, client(&config)?, client(&config)?);
    let listener = serve::bind(settings.listen)
        .await
        .map_err(|source| RunError::Listen {
            address: settings.listen,
            source,
        })?;
    let (metrics, health, end) = (
        Arc::new(Metrics::default()),
        Health::default(),
        CancellationToken::new(),
    );
    let server = tokio::spawn(serve::serve(
        listener,
        metrics.clone(),
        health.clone(),
        end.clone(),
    ));
    let leases = Api::namespaced(leasing, &settings.lease_namespace);
    let (mut elector, leadership) = Elector::new(
        leases,
        settings.lease_name.clone(),
        settings.identity.clone(),
        settings.lease_duration,
    );
    let election_end = end.clone();
    let election = tokio::spawn(async move {
        elector.run(election_end).await;
        elector.release().await;
    });
    let gather = Gather::start(&watching, &settings.lease_namespace, &stop)?;
    let runner = Runner::new(&settings, writing, leadership, metrics, health);
    runner.until(gather, &stop).await;
    end.cancel();
    let _ = tokio::join!(election, server);
    Ok(())
}
