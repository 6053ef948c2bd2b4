//! Plain requests to the API server, many at a time. Only JSON goes in and out:
//! the benchmark makes and unmakes objects of many kinds.

use anyhow::{Context, Result};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::{Method, Request, header::CONTENT_TYPE};
use kube::Client;
use serde_json::Value;

/// Requests at once while a fleet is made or unmade.
const AT_ONCE: usize = 16;
/// An object as it is.
pub const JSON: &str = "application/json";
/// Fields that replace those of the same name.
pub const MERGE: &str = "application/merge-patch+json";
/// A list of operations.
pub const OPERATIONS: &str = "application/json-patch+json";
/// An object to be applied.
pub const APPLY: &str = "application/apply-patch+yaml";

/// One request.
#[derive(Debug, Clone)]
pub struct Call {
    /// How.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// What the body is.
    pub content: &'static str,
    /// The body; `Null` for none.
    pub body: Value,
}

impl Call {
    /// Reads.
    #[must_use]
    pub fn get(path: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            content: JSON,
            body: Value::Null,
        }
    }

    /// Creates.
    #[must_use]
    pub fn post(path: impl Into<String>, body: Value) -> Self {
        Self {
            method: Method::POST,
            path: path.into(),
            content: JSON,
            body,
        }
    }

    /// Changes.
    #[must_use]
    pub fn patch(path: impl Into<String>, content: &'static str, body: Value) -> Self {
        Self {
            method: Method::PATCH,
            path: path.into(),
            content,
            body,
        }
    }

    /// Deletes one object or a whole collection.
    #[must_use]
    pub fn delete(path: impl Into<String>) -> Self {
        Self {
            method: Method::DELETE,
            path: path.into(),
            content: JSON,
            body: Value::Null,
        }
    }

    /// Sends it and reads the answer.
    ///
    /// # Errors
    /// What the API server said.
    pub async fn send(self, client: &Client) -> Result<Value> {
        let Self {
            method,
            path,
            content,
            body,
        } = self;
        let bytes = if body.is_null() {
            Vec::new()
        } else {
            serde_json::to_vec(&body)?
        };
        let words = || format!("{method} {path}");
        let request = Request::builder()
            .method(method.clone())
            .uri(&path)
            .header(CONTENT_TYPE, content)
            .body(bytes)?;
        client.request(request).await.with_context(words)
    }
}

/// Sends all of them, some at a time.
///
/// # Errors
/// The first that failed.
pub async fn send_all(client: &Client, calls: Vec<Call>) -> Result<()> {
    stream::iter(calls)
        .map(|call| async { call.send(client).await.map(drop) })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}
