//! Whether no operator leads. A Lease is believed to have ended only when nobody was seen to renew
//! it for as long as it lasts, on our own clock.

use super::stop::Stop;
use crate::connect::cause;
use crate::handover::Progress;
use anyhow::{Context as _, Result, bail};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Name of the operator's Lease and Deployment.
const NAME: &str = "pinisi";
/// How long a Lease lasts that does not say.
const LEASE_SECONDS: u64 = 15;
/// Longest Lease that is waited for.
const LEASE_MAX: Duration = Duration::from_mins(5);
/// Waited beyond the Lease's own time.
const BEYOND: Duration = Duration::from_secs(1);
/// How long an operator that was scaled to 0 may take to go.
const GOING_MAX: Duration = Duration::from_mins(2);
const POLL: Duration = Duration::from_secs(1);

/// Who holds the Lease, as far as one look can say.
#[derive(Clone, Debug, PartialEq)]
struct Held {
    holder: String,
    renewed: Option<String>,
    lasts: Duration,
}

async fn look(client: &Client, namespace: &str) -> Result<Option<Held>> {
    let lease = Api::<Lease>::namespaced(client.clone(), namespace)
        .get_opt(NAME)
        .await
        .map_err(|error| {
            anyhow::anyhow!("cannot read Lease {namespace}/{NAME}: {}", cause(&error))
        })?;
    let Some(spec) = lease.and_then(|lease| lease.spec) else {
        return Ok(None);
    };
    let Some(holder) = spec.holder_identity.filter(|holder| !holder.is_empty()) else {
        return Ok(None);
    };
    let seconds = spec
        .lease_duration_seconds
        .and_then(|s| u64::try_from(s).ok());
    Ok(Some(Held {
        holder,
        renewed: spec.renew_time.map(|time| time.0.to_string()),
        lasts: Duration::from_secs(seconds.unwrap_or(LEASE_SECONDS)).min(LEASE_MAX),
    }))
}

/// Watches the Lease until it has ended.
///
/// # Errors
/// Somebody renews it, or it cannot be read.
pub async fn nobody_leads(
    client: &Client,
    namespace: &str,
    stop: &Stop,
    progress: &mut Progress,
) -> Result<()> {
    let Some(first) = look(client, namespace).await? else {
        return Ok(());
    };
    let began = Instant::now();
    while began.elapsed() < first.lasts + BEYOND && !stop.asked() {
        progress.wait("until the operator's Lease has ended", began);
        sleep(POLL).await;
        match look(client, namespace).await? {
            None => return Ok(()),
            Some(now) if now != first => bail!(
                "operator {} leads: it renewed Lease {namespace}/{NAME}. Scale it to 0 (kubectl scale deployment/{NAME} --replicas=0 --namespace {namespace}) and run again, or let this command do so with --scale-operator",
                now.holder
            ),
            Some(_) => {}
        }
    }
    Ok(())
}

/// Whether somebody took the Lease since.
///
/// # Errors
/// It cannot be read.
pub async fn somebody_came(client: &Client, namespace: &str) -> Result<Option<String>> {
    let Some(first) = look(client, namespace).await? else {
        return Ok(None);
    };
    sleep(POLL * 2).await;
    let now = look(client, namespace).await?;
    Ok(now.filter(|now| *now != first).map(|now| now.holder))
}

/// An operator that was scaled to 0, and how many it was.
pub struct Scaled {
    deployments: Api<Deployment>,
    namespace: String,
    replicas: i32,
}

impl Scaled {
    /// Scales it to 0 and waits until it is gone.
    ///
    /// # Errors
    /// There is no such Deployment, or its pods stay.
    pub async fn down(
        client: &Client,
        namespace: &str,
        stop: &Stop,
        progress: &mut Progress,
    ) -> Result<Self> {
        let deployments = Api::<Deployment>::namespaced(client.clone(), namespace);
        let found = deployments.get(NAME).await.map_err(|error| {
            anyhow::anyhow!(
                "cannot read Deployment {namespace}/{NAME}: {}",
                cause(&error)
            )
        })?;
        let scaled = Self {
            deployments,
            namespace: namespace.to_owned(),
            replicas: found.spec.replicas.unwrap_or(1),
        };
        scaled.to(0).await?;
        let began = Instant::now();
        while began.elapsed() < GOING_MAX && !stop.asked() {
            let now = scaled.deployments.get(NAME).await?;
            if now.status.and_then(|status| status.replicas).unwrap_or(0) == 0 {
                return Ok(scaled);
            }
            progress.wait("until the operator is gone", began);
            sleep(POLL).await;
        }
        scaled.back().await;
        bail!(
            "Deployment {namespace}/{NAME} still has pods after {} s; kubectl get pods --namespace {namespace}",
            GOING_MAX.as_secs()
        )
    }

    async fn to(&self, replicas: i32) -> Result<()> {
        let patch = Patch::Merge(json!({"spec": {"replicas": replicas}}));
        self.deployments
            .patch_scale(NAME, &PatchParams::default(), &patch)
            .await
            .map(drop)
            .with_context(|| format!("scale Deployment {}/{NAME} to {replicas}", self.namespace))
    }

    /// As many as before. Where that fails it is said, with the command.
    pub async fn back(&self) {
        if let Err(error) = self.to(self.replicas).await {
            eprintln!(
                "the operator is still scaled to 0: {error:#}; kubectl scale deployment/{NAME} --replicas={} --namespace {}",
                self.replicas, self.namespace
            );
        }
    }
}
