//! From options to a client, and words for a server that cannot be reached.

use crate::args::Global;
use anyhow::{Result, anyhow};
use k8s_openapi::apimachinery::pkg::version::Info;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use std::time::Duration;

/// How long to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long to wait for a first answer before saying that there is none.
const FIRST_ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Code of an answer that knows no such thing. A server without the kind answers in plain text, so
/// that its status carries no reason.
pub const NOT_FOUND: u16 = 404;

/// A server that answered once.
pub struct Connection {
    /// The client.
    pub client: Client,
    /// What the server says of itself.
    pub version: Info,
    /// Which workloads are asked for.
    pub scope: Scope,
}

/// Which namespaces are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One.
    One(String),
    /// All.
    All,
}

/// What `-n` and `-A` leave open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Otherwise {
    /// The context's namespace, as kubectl does.
    ContextNamespace,
    /// Every namespace.
    All,
}

/// Reads the kubeconfig and asks the server for its version.
///
/// # Errors
/// No usable kubeconfig, or no answer: the words say which address and what to do.
pub async fn connect(global: &Global, otherwise: Otherwise) -> Result<Connection> {
    let (mut config, from) = load(global).await?;
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    let address = config.cluster_url.to_string();
    let scope = match (&global.namespace, global.all_namespaces, otherwise) {
        (Some(name), _, _) => Scope::One(name.clone()),
        (None, true, _) | (None, false, Otherwise::All) => Scope::All,
        (None, false, Otherwise::ContextNamespace) => Scope::One(config.default_namespace.clone()),
    };
    let client = Client::try_from(config)
        .map_err(|error| anyhow!("{from} does not make a client: {}", cause(&error)))?;
    let answer = tokio::time::timeout(FIRST_ANSWER_TIMEOUT, client.apiserver_version()).await;
    let version = match answer {
        Ok(Ok(version)) => version,
        Ok(Err(error)) => return Err(unreachable_words(&address, &from, &cause(&error))),
        Err(_) => {
            let why = format!("no answer in {} s", FIRST_ANSWER_TIMEOUT.as_secs());
            return Err(unreachable_words(&address, &from, &why));
        }
    };
    Ok(Connection {
        client,
        version,
        scope,
    })
}

async fn load(global: &Global) -> Result<(Config, String)> {
    let options = KubeConfigOptions {
        context: global.context.clone(),
        ..Default::default()
    };
    let context = match &global.context {
        Some(name) => format!("context {name} of "),
        None => String::new(),
    };
    if let Some(path) = &global.kubeconfig {
        let from = format!("{context}kubeconfig {}", path.display());
        let kubeconfig = Kubeconfig::read_from(path).map_err(|error| {
            anyhow!(
                "cannot read {from}: {}; give --kubeconfig a file that exists",
                innermost(&error)
            )
        })?;
        let config = Config::from_custom_kubeconfig(kubeconfig, &options)
            .await
            .map_err(|error| unusable(&from, &error))?;
        return Ok((config, from));
    }
    let from = format!("{context}{}", default_place());
    let config = if global.context.is_some() {
        Config::from_kubeconfig(&options)
            .await
            .map_err(|error| unusable(&from, &error))
    } else {
        Config::infer()
            .await
            .map_err(|error| unusable(&from, &error))
    };
    Ok((config?, from))
}

fn unusable(from: &str, error: &dyn std::error::Error) -> anyhow::Error {
    anyhow!(
        "{from} is not usable: {}. Set --kubeconfig or KUBECONFIG (in the lab `cargo lab up` prints it), \
         and choose with --context among `kubectl config get-contexts`",
        innermost(error)
    )
}

fn default_place() -> String {
    match std::env::var("KUBECONFIG") {
        Ok(value) if !value.is_empty() => format!("kubeconfig {value} (KUBECONFIG)"),
        Ok(_) | Err(_) => "kubeconfig ~/.kube/config".into(),
    }
}

fn unreachable_words(address: &str, from: &str, why: &str) -> anyhow::Error {
    anyhow!(
        "cannot reach the API server at {address} (from {from}): {why}. \
         Is the cluster up (in the lab: `cargo lab status`)? Another one: --kubeconfig FILE or --context NAME"
    )
}

/// The words of an error that help: the server's own message, or the innermost cause.
#[must_use]
pub fn cause(error: &kube::Error) -> String {
    if let kube::Error::Api(status) = error {
        return match status.message.is_empty() {
            true => format!("the server answered {}", status.code),
            false => status.message.clone(),
        };
    }
    innermost(error)
}

/// The cause behind all others, whose words say most.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut at = error;
    while let Some(source) = at.source() {
        at = source;
    }
    at.to_string()
}
