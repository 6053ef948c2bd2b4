//! Kubernetes clients for the lab's API server, by token.

use std::sync::Once;

use anyhow::{Context, Result};
use kube::Client;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};

use crate::credentials::Token;
use crate::paths::StateDir;

/// Installs the process-wide TLS provider; more calls do nothing.
pub fn install_tls_provider() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An error means that the process has chosen a provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

/// The admin's configuration, from the lab's kubeconfig.
///
/// # Errors
/// When the kubeconfig is missing or broken.
pub async fn admin_config(dir: &StateDir) -> Result<Config> {
    install_tls_provider();
    let path = dir.kubeconfig();
    let kubeconfig =
        Kubeconfig::read_from(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut config =
        Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    // Loopback is never behind a proxy, whatever the user's environment says.
    config.proxy_url = None;
    Ok(config)
}

/// A client that is the lab's admin.
///
/// # Errors
/// As [`admin_config`].
pub async fn admin(dir: &StateDir) -> Result<Client> {
    Ok(Client::try_from(admin_config(dir).await?)?)
}

/// A client that is whoever the token belongs to.
///
/// # Errors
/// As [`admin_config`].
pub async fn for_token(dir: &StateDir, token: &Token) -> Result<Client> {
    let mut config = admin_config(dir).await?;
    config.auth_info.token = Some(token.expose().to_owned().into());
    Ok(Client::try_from(config)?)
}
