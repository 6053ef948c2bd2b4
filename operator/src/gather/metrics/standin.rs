//! A stand-in for an API server, for faults that a real one cannot be made to show at will. It
//! listens on loopback and ends with its test.

use axum::{Router, http::StatusCode, http::Uri};
use kube::{Client, Config};
use parking_lot::Mutex;
use std::sync::Arc;

/// Paths with their queries, in the order in which they were asked.
pub type Asked = Arc<Mutex<Vec<String>>>;

/// Answers each path as `answer` says; `None` never answers.
pub async fn server(
    answer: impl Fn(&str) -> Option<(u16, String)> + Clone + Send + Sync + 'static,
) -> (Client, Asked) {
    // Another test may have installed it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Asked::default();
    let seen = asked.clone();
    let router = Router::new().fallback(move |uri: Uri| {
        let (answer, seen) = (answer.clone(), seen.clone());
        async move {
            seen.lock().push(uri.to_string());
            match answer(&uri.to_string()) {
                Some((code, body)) => (StatusCode::from_u16(code).unwrap(), body),
                None => std::future::pending().await,
            }
        }
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
    let mut config = Config::new(format!("http://{address}").parse().unwrap());
    config.default_retry = false;
    (Client::try_from(config).unwrap(), asked)
}

/// The answer to `/apis`: these groups and versions.
pub fn groups(groups: &[(&str, &[&str])]) -> (u16, String) {
    let group = |(name, versions): &(&str, &[&str])| {
        let version =
            |v: &&str| serde_json::json!({"groupVersion": format!("{name}/{v}"), "version": v});
        let versions: Vec<_> = versions.iter().map(version).collect();
        serde_json::json!({"name": name, "versions": versions, "preferredVersion": versions[0]})
    };
    let groups: Vec<_> = groups.iter().map(group).collect();
    let list = serde_json::json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups});
    (200, list.to_string())
}

/// A failure as an API server says it.
pub fn failure(code: u16, message: &str) -> (u16, String) {
    let status = serde_json::json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": "x", "code": code});
    (code, status.to_string())
}

/// A list of one value.
pub fn one(value: &str) -> (u16, String) {
    let list = serde_json::json!({"items": [{"describedObject": {"name": "web-1"}, "timestamp": "2026-11-20T11:59:50Z", "value": value}]});
    (200, list.to_string())
}
