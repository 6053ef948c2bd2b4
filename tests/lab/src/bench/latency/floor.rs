//! The floor: a bare loop that knows the answer at the moment of the change and
//! only writes the scales, with the operator's account, client settings and body.
//! Nothing that decides can be faster on the same API server.

use std::sync::Arc;

use anyhow::Result;
use kube::Client;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::fleet::{SPIKE, scale_path};
use crate::bench::api::{Call, OPERATIONS};
use crate::lab::Lab;
use crate::operator::{NAMESPACE, SERVICE_ACCOUNT, service_account_token};

/// Writes in flight at most, as the operator has it.
pub const AT_ONCE: usize = 64;
const MANAGER: &str = "floor";

/// The loop.
#[allow(missing_debug_implementations)] // kube's client has none
pub struct Floor {
    client: Client,
}

impl Floor {
    /// With a client as the operator's: no retries, HTTP/1.1, by token.
    ///
    /// # Errors
    /// When the operator's account is not there.
    pub async fn new(lab: &Lab) -> Result<Self> {
        let token = service_account_token(lab, NAMESPACE, SERVICE_ACCOUNT).await?;
        let mut config = lab.admin_config().await?;
        config.auth_info.token = Some(token.expose().to_owned().into());
        config.default_retry = false;
        Ok(Self {
            client: Client::try_from(config)?,
        })
    }

    /// Writes the count of each of these, by name and uid. The audit log tells
    /// how it went.
    pub async fn write(&self, targets: Vec<(String, String)>) {
        let permits = Arc::new(Semaphore::new(AT_ONCE));
        let mut writes = JoinSet::new();
        for (name, uid) in targets {
            let Ok(permit) = permits.clone().acquire_owned().await else {
                return;
            };
            let client = self.client.clone();
            writes.spawn(async move {
                let body = json!([
                    {"op": "test", "path": "/metadata/uid", "value": uid},
                    {"op": "add", "path": "/spec", "value": {"replicas": SPIKE}},
                ]);
                // What was not accepted is missing in the log, and told there.
                let _ = Call::patch(scale_path(&name, MANAGER), OPERATIONS, body)
                    .send(&client)
                    .await;
                drop(permit);
            });
        }
        while writes.join_next().await.is_some() {}
    }
}
