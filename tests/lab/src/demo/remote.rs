//! The cloud as a cluster of its own: the operator's account there, its kubeconfig at home, and
//! the canaries. Every wait is bounded and says what was missing.

use std::time::Duration;

use anyhow::{Context, Result};
use kube::Client;
use serde_json::json;

use super::canary::{Canary, CloudStore};
use super::example::{self, MASS};
use super::setup::{GUARD_PREFIX, JSON, send};
use super::wait::until;
use crate::checkout::checkout;
use crate::lab::Lab;
use crate::operator::NAMESPACE;

/// Name of the Secret at home that holds the kubeconfig.
pub const SECRET: &str = "cloud-kubeconfig";
/// The account in the cloud's cluster that the operator uses, as the chart for sites makes it.
const ACCOUNT: (&str, &str) = ("pinisi-system", "pinisi");
const GUARD_WAIT: Duration = Duration::from_secs(60);

/// The cluster in the cloud.
#[allow(missing_debug_implementations)] // kube's client has none
pub struct Cloud {
    /// Its lab.
    pub lab: Lab,
    /// Its admin.
    pub client: Client,
    canary: Option<Canary>,
}

impl Cloud {
    /// Makes the operator's account there by Helm, and the Secret with its kubeconfig at home.
    ///
    /// # Errors
    /// What Helm or an API server said.
    pub async fn join(hub: &Client, lab: Lab) -> Result<Self> {
        let client = lab.admin_client().await?;
        let chart = checkout().join("charts").join("pinisi-site");
        let (namespace, account) = ACCOUNT;
        // The platform's people decide what may come: the namespace is there before the account.
        let mass = json!({"apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": MASS, "labels": {"pinisi.dev/class": "MassTraffic"}}});
        example::apply(&client, &mass).await?;
        lab.helm()
            .upgrade_install("pinisi", &chart, namespace, &[("namespaces[0]", MASS)], &[])
            .await?;
        let kubeconfig = lab.account_kubeconfig(namespace, account).await?;
        let secret = json!({"apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": SECRET, "namespace": NAMESPACE},
            "stringData": {"kubeconfig": kubeconfig}});
        example::apply(hub, &secret).await?;
        Ok(Self {
            lab,
            client,
            canary: None,
        })
    }

    /// Waits until the operator's guard refuses there, which is asked of it with a dry run.
    ///
    /// # Errors
    /// What it said last.
    pub async fn guard_stands(&self) -> Result<()> {
        let probe = json!({"apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": "probe", "labels": {"pinisi.dev/class": "Sensitive"}}});
        let path = "/api/v1/namespaces?dryRun=All";
        until(
            "the refusal of a Sensitive namespace in the cloud's cluster",
            GUARD_WAIT,
            || async {
                Ok(match send(&self.client, "POST", path, JSON, &probe).await {
                    Ok(_) => Some("it was let through".into()),
                    Err(status) if status.message.contains(GUARD_PREFIX) => None,
                    Err(status) => Some(status.message),
                })
            },
        )
        .await
    }

    /// Plants the canaries.
    ///
    /// # Errors
    /// What an API server said.
    pub async fn with_canary(self, hub: &Client) -> Result<Self> {
        let canary = Canary::plant(hub, &self.client).await?;
        Ok(Self {
            canary: Some(canary),
            ..self
        })
    }

    /// Reads this cluster's etcd.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn look(&self) -> Result<CloudStore> {
        let canary = self.canary.as_ref().context("no canary was planted")?;
        canary.look(&self.lab).await
    }

    /// Waits until what travelled with the pods is gone; how many are left when the wait is over.
    ///
    /// # Errors
    /// When etcd cannot be read.
    pub async fn emptied(&self, most: Duration) -> Result<CloudStore> {
        const POLL: Duration = Duration::from_millis(500);
        let end = tokio::time::Instant::now() + most;
        loop {
            let store = self.look().await?;
            if store.carried_objects == 0 || tokio::time::Instant::now() >= end {
                return Ok(store);
            }
            tokio::time::sleep(POLL).await;
        }
    }
}
