//! The small HTTP server: /metrics, /livez, /readyz. Nothing of it is on the way of a request to
//! any workload.

use crate::metrics::{CONTENT_TYPE, Metrics};
use axum::{
    Router, extract::State, http::StatusCode, http::header, response::IntoResponse, routing::get,
};
use parking_lot::Mutex;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Older than this the loop counts as stuck.
pub const HEARTBEAT_MAX: Duration = Duration::from_secs(15);

/// What the loop says about itself.
#[derive(Clone, Debug)]
pub struct Health(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    beat: Mutex<Instant>,
    ready: AtomicBool,
}

impl Default for Health {
    fn default() -> Self {
        Self(Arc::new(Inner {
            beat: Mutex::new(Instant::now()),
            ready: AtomicBool::new(false),
        }))
    }
}

impl Health {
    /// The loop came round.
    pub fn beat(&self, now: Instant) {
        *self.0.beat.lock() = now;
    }

    /// Whether everything has been read once.
    pub fn set_ready(&self, ready: bool) {
        self.0.ready.store(ready, Ordering::Relaxed);
    }

    fn alive(&self, now: Instant) -> bool {
        now.saturating_duration_since(*self.0.beat.lock()) < HEARTBEAT_MAX
    }

    fn ready(&self) -> bool {
        self.0.ready.load(Ordering::Relaxed)
    }
}

/// Binds the address.
///
/// # Errors
/// The address is taken or not ours.
pub async fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Serves until cancelled.
pub async fn serve(
    listener: TcpListener,
    metrics: Arc<Metrics>,
    health: Health,
    cancel: CancellationToken,
) {
    let app = Router::new()
        .route("/metrics", get(exposition))
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .with_state((metrics, health));
    let served = axum::serve(listener, app)
        .with_graceful_shutdown(async move { cancel.cancelled().await })
        .await;
    if let Err(error) = served {
        tracing::error!(%error, "HTTP server");
    }
}

type Shared = State<(Arc<Metrics>, Health)>;

async fn exposition(State((metrics, _)): Shared) -> impl IntoResponse {
    match metrics.encode() {
        Ok(text) => (StatusCode::OK, [(header::CONTENT_TYPE, CONTENT_TYPE)], text),
        Err(error) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            [(header::CONTENT_TYPE, "text/plain")],
            error.to_string(),
        ),
    }
}

async fn livez(State((_, health)): Shared) -> (StatusCode, &'static str) {
    if health.alive(Instant::now()) {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the loop is stuck")
    }
}

async fn readyz(State((_, health)): Shared) -> (StatusCode, &'static str) {
    if health.ready() {
        (StatusCode::OK, "ok")
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "not everything has been read yet",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_that_stops_is_not_alive() {
        let (health, now) = (Health::default(), Instant::now());
        health.beat(now);
        assert!(health.alive(now + HEARTBEAT_MAX - Duration::from_millis(1)));
        assert!(!health.alive(now + HEARTBEAT_MAX));
        assert!(!health.ready());
    }
}
