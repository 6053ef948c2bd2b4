//! A kubeconfig out of a Secret. It was written by somebody else: nothing in it may run a program,
//! read a file of this process, pass over TLS or take its traffic elsewhere, and no word of it ever
//! stands in a fault. Only what is named here goes into the client's configuration. Pure.

use super::super::link::LinkFault;
use http::Uri;
use k8s_openapi::ByteString;
use kube::Config;
use kube::config::{AuthInfo, Cluster, Kubeconfig, KubeconfigError};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use serde::Deserialize as _;
use serde::de::IntoDeserializer as _;
use serde::de::value::{Error as ValueError, StrDeserializer};
use std::time::Duration;

/// Longest kubeconfig that is read, in bytes.
pub const KUBECONFIG_MAX: usize = 256 * 1024;
/// Longest that connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest that sending a request may take.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Reads a kubeconfig as it stands in a Secret.
///
/// # Errors
/// What is wrong with it; the text never holds any of its content.
pub fn read(bytes: &[u8]) -> Result<Config, LinkFault> {
    if bytes.len() > KUBECONFIG_MAX {
        return Err(unreadable(format!(
            "it is longer than {KUBECONFIG_MAX} bytes"
        )));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8 text".into()))?;
    if text.trim().is_empty() {
        return Err(unreadable("it is empty".into()));
    }
    let file = Kubeconfig::from_yaml(text).map_err(|error| parse_fault(&error))?;
    let (cluster, user) = current(&file)?;
    let server = server(cluster)?;
    let mut config = Config::new(server);
    config.root_cert = authority(cluster)?;
    config.tls_server_name = cluster.tls_server_name.clone().filter(|n| !n.is_empty());
    config.auth_info = credential(user)?;
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    config.write_timeout = Some(WRITE_TIMEOUT);
    // A retry inside a call would hold a slot of a sick site, and outlive the lease.
    config.default_retry = false;
    Ok(config)
}

/// Makes the client.
///
/// # Errors
/// A certificate or key that cannot be used.
pub fn client(config: Config) -> Result<kube::Client, LinkFault> {
    // Its errors may quote what they could not read.
    kube::Client::try_from(config).map_err(|_| {
        unreadable("a certificate, key or server name in it cannot be used for TLS".into())
    })
}

fn unreadable(error: String) -> LinkFault {
    LinkFault::KubeconfigUnreadable { error }
}

fn incomplete(part: &'static str) -> LinkFault {
    LinkFault::KubeconfigIncomplete { part }
}

/// Where it cannot be read, without what stands there.
fn parse_fault(error: &KubeconfigError) -> LinkFault {
    let place = match error {
        KubeconfigError::Parse(error) => error.location(),
        _ => None,
    };
    unreadable(match place {
        Some(place) => format!("no kubeconfig from line {} on", place.line()),
        None => "no kubeconfig in YAML or JSON".into(),
    })
}

/// Cluster and user of the current context.
fn current(file: &Kubeconfig) -> Result<(&Cluster, &AuthInfo), LinkFault> {
    let wanted = file.current_context.as_deref().filter(|n| !n.is_empty());
    let wanted = wanted.ok_or_else(|| incomplete("current-context"))?;
    let context = file.contexts.iter().find(|c| c.name == wanted);
    let context = context.and_then(|c| c.context.as_ref());
    let context = context.ok_or_else(|| incomplete("contexts[].context of that name"))?;
    let cluster = file.clusters.iter().find(|c| c.name == context.cluster);
    let cluster = cluster.and_then(|c| c.cluster.as_ref());
    let cluster = cluster.ok_or_else(|| incomplete("clusters[].cluster of that context"))?;
    let user = file
        .auth_infos
        .iter()
        .find(|u| Some(&u.name) == context.user.as_ref());
    let user = user.and_then(|u| u.auth_info.as_ref());
    let user = user.ok_or_else(|| incomplete("users[].user of that context"))?;
    Ok((cluster, user))
}

fn server(cluster: &Cluster) -> Result<Uri, LinkFault> {
    if cluster.insecure_skip_tls_verify == Some(true) {
        return Err(LinkFault::InsecureRefused);
    }
    if cluster
        .proxy_url
        .as_ref()
        .is_some_and(|url| !url.is_empty())
    {
        return Err(LinkFault::ProxyRefused);
    }
    if cluster.certificate_authority.is_some() {
        return Err(file("clusters[].cluster.certificate-authority"));
    }
    let server = cluster.server.as_deref().unwrap_or_default();
    let uri: Uri = server.parse().map_err(|_| LinkFault::NoHost)?;
    if uri.host().is_none_or(str::is_empty) {
        return Err(LinkFault::NoHost);
    }
    match uri.scheme_str() {
        Some("https") => Ok(uri),
        Some(_) => Err(LinkFault::NotTls),
        None => Err(LinkFault::NoHost),
    }
}

const fn file(field: &'static str) -> LinkFault {
    LinkFault::FilePathRefused { field }
}

fn authority(cluster: &Cluster) -> Result<Option<Vec<Vec<u8>>>, LinkFault> {
    let part = "clusters[].cluster.certificate-authority-data";
    let Some(data) = &cluster.certificate_authority_data else {
        return Ok(None);
    };
    let pem = decoded(data).ok_or_else(|| incomplete(part))?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let certificates = certificates.map_err(|_| incomplete(part))?;
    if certificates.is_empty() {
        return Err(incomplete(part));
    }
    Ok(Some(certificates.iter().map(|c| c.to_vec()).collect()))
}

/// The credential, taken over field by field.
fn credential(user: &AuthInfo) -> Result<AuthInfo, LinkFault> {
    if user.exec.is_some() {
        return Err(LinkFault::ExecRefused);
    }
    if user.auth_provider.is_some() {
        return Err(LinkFault::AuthProviderRefused);
    }
    for (path, field) in [
        (&user.token_file, "users[].user.tokenFile"),
        (&user.client_certificate, "users[].user.client-certificate"),
        (&user.client_key, "users[].user.client-key"),
    ] {
        if path.is_some() {
            return Err(file(field));
        }
    }
    let Texts { token, key } = Texts::of(user)?;
    if token.as_deref().is_some_and(|token| !is_token(token)) {
        return Err(incomplete("users[].user.token"));
    }
    let certificate = user.client_certificate_data.clone();
    let pair = match (&certificate, &key) {
        (Some(certificate), Some(key)) => {
            decoded(certificate)
                .ok_or_else(|| incomplete("users[].user.client-certificate-data"))?;
            decoded(key).ok_or_else(|| incomplete("users[].user.client-key-data"))?;
            true
        }
        (Some(_), None) => return Err(incomplete("users[].user.client-key-data")),
        (None, Some(_)) => return Err(incomplete("users[].user.client-certificate-data")),
        (None, None) => false,
    };
    if token.is_none() && !pair {
        return Err(incomplete("token or client certificate in users[].user"));
    }
    Ok(AuthInfo {
        token: user.token.clone(),
        client_certificate_data: certificate,
        client_key_data: user.client_key_data.clone(),
        impersonate: user.impersonate.clone(),
        impersonate_uid: user.impersonate_uid.clone(),
        impersonate_groups: user.impersonate_groups.clone(),
        impersonate_user_extra: user.impersonate_user_extra.clone(),
        ..AuthInfo::default()
    })
}

/// The secret parts as text, for a look at their form.
#[derive(serde::Deserialize)]
struct Texts {
    token: Option<String>,
    #[serde(rename = "client-key-data")]
    key: Option<String>,
}

impl Texts {
    fn of(user: &AuthInfo) -> Result<Self, LinkFault> {
        serde_json::to_value(user)
            .and_then(serde_json::from_value)
            .map_err(|_| incomplete("users[].user"))
    }
}

/// True for what can stand in a header.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic())
}

/// Base64 as Kubernetes writes it; nothing where it is empty or something else.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let text: StrDeserializer<'_, ValueError> = text.into_deserializer();
    let ByteString(bytes) = ByteString::deserialize(text).ok()?;
    (!bytes.is_empty()).then_some(bytes)
}

#[cfg(test)]
mod tests;
