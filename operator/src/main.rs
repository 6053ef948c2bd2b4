//! The operator's process: arguments, telemetry, signals. Everything else is in the library.

use anyhow::Context as _;
use clap::Parser;
use pinisi_operator::run::{self, Settings};
use pinisi_operator::telemetry::{self, LogFormat};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The hybrid-cloud workload operator: Sensitive stays home, MassTraffic overflows and comes home.
#[derive(Debug, Parser)]
#[command(name = "pinisi-operator", version, about)]
struct Args {
    /// Address of /metrics, /livez and /readyz.
    #[arg(long, env = "PINISI_HTTP_LISTEN", default_value = "0.0.0.0:8080")]
    http_listen: SocketAddr,
    /// How log lines look; RUST_LOG filters them.
    #[arg(long, env = "PINISI_LOG_FORMAT", value_enum, default_value = "json")]
    log_format: LogFormat,
    /// Name of the Lease by which one leader is chosen.
    #[arg(long, env = "PINISI_LEASE_NAME", default_value = "pinisi")]
    lease_name: String,
    /// Namespace of the Lease: the operator's own.
    #[arg(long, env = "POD_NAMESPACE", default_value = "pinisi-system")]
    lease_namespace: String,
    /// Our name in the Lease; must differ between replicas. Absent: made from the process id.
    #[arg(long, env = "POD_NAME")]
    identity: Option<String>,
    /// After this many seconds without a renewal another replica takes over.
    #[arg(long, env = "PINISI_LEASE_DURATION_SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u64).range(5..=300))]
    lease_duration_seconds: u64,
    /// Name of the operator's ServiceAccount, which alone may write SovereignNodes.
    #[arg(long, env = "POD_SERVICE_ACCOUNT", default_value = "pinisi")]
    service_account: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // Before anything makes a TLS connection; two providers would make rustls give up.
    if rustls::crypto::ring::default_provider()
        .install_default()
        .is_err()
    {
        anyhow::bail!("a TLS provider is installed already");
    }
    let args = Args::parse();
    telemetry::start(args.log_format);
    let stop = CancellationToken::new();
    stop_on_signals(&stop)?;
    let config = kube::Config::infer()
        .await
        .context("no way to the API server: run in a cluster, or set KUBECONFIG")?;
    let settings = Settings {
        listen: args.http_listen,
        operator_user: format!(
            "system:serviceaccount:{}:{}",
            args.lease_namespace, args.service_account
        ),
        lease_name: args.lease_name,
        lease_namespace: args.lease_namespace,
        identity: args
            .identity
            .unwrap_or_else(|| format!("pinisi-{}", std::process::id())),
        lease_duration: Duration::from_secs(args.lease_duration_seconds),
    };
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        identity = settings.identity,
        "starting"
    );
    run::run(settings, config, stop).await?;
    tracing::info!("stopped");
    Ok(())
}

/// SIGTERM and SIGINT end the process in order.
fn stop_on_signals(stop: &CancellationToken) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let stop = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stop.cancel();
    });
    Ok(())
}
