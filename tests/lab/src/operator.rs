//! The operator as a process of the lab, with the token of the chart's
//! ServiceAccount and never as admin, so that its RBAC is exercised.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::api::authentication::v1::{BoundObjectReference, TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Api;
use kube::api::PostParams;

use crate::children::SpawnSpec;
use crate::credentials::{Authority, Token, kubeconfig};
use crate::files::write_private;
use crate::lab::Lab;
use crate::process::ProcessId;
use crate::progress::Progress;
use crate::{binaries, ports};

/// Where the chart puts the operator.
pub const NAMESPACE: &str = "pinisi-system";
/// The chart's ServiceAccount.
pub const SERVICE_ACCOUNT: &str = "pinisi";
/// Who an operator of the lab is, in the audit log.
#[must_use]
pub fn user() -> String {
    format!("system:serviceaccount:{NAMESPACE}:{SERVICE_ACCOUNT}")
}

/// Long enough for any run.
const TOKEN_SECONDS: i64 = 24 * 60 * 60;
/// Until a replica that was told to end is killed.
const STOP_GRACE: Duration = Duration::from_secs(20);

/// One replica of the operator.
#[derive(Debug, Clone)]
pub struct OperatorSpec {
    /// Its name within the lab, and its `POD_NAME`.
    pub name: String,
    /// The binary; the workspace's own, brought up to date, where none is given.
    pub binary: Option<PathBuf>,
    /// Port of metrics and health; a free one where none is given.
    pub http_port: Option<u16>,
    /// Further arguments.
    pub args: Vec<String>,
    /// Further environment.
    pub env: Vec<(String, String)>,
}

impl Default for OperatorSpec {
    fn default() -> Self {
        Self::replica(0)
    }
}

impl OperatorSpec {
    /// The replica `pinisi-INDEX`.
    #[must_use]
    pub fn replica(index: u32) -> Self {
        Self {
            name: format!("pinisi-{index}"),
            binary: None,
            http_port: None,
            args: Vec::new(),
            env: Vec::new(),
        }
    }
}

/// A replica that was started. It ends with the lab.
#[derive(Debug)]
pub struct Operator {
    spawn: SpawnSpec,
    process: ProcessId,
    address: String,
    log: PathBuf,
}

impl Operator {
    pub(crate) async fn start(lab: &Lab, spec: OperatorSpec) -> Result<Self> {
        let OperatorSpec {
            name,
            binary,
            http_port,
            args,
            env,
        } = spec;
        let token = service_account_token(lab, NAMESPACE, SERVICE_ACCOUNT).await?;
        let binary = match binary {
            Some(binary) => binary,
            None => {
                tokio::task::spawn_blocking(|| binaries::operator(&Progress::stderr())).await??
            }
        };
        let config = lab.dir().secrets().join(format!("{name}.kubeconfig"));
        let ca = lab.dir().secrets().join("ca.crt");
        write_private(
            &config,
            kubeconfig(
                lab.apiserver_url(),
                Authority::File(&ca),
                SERVICE_ACCOUNT,
                &token,
            )
            .as_bytes(),
        )?;
        let port = ports::hold(
            http_port,
            "the operator's metrics",
            "OperatorSpec::http_port",
        )?;
        let address = port.address();
        let mut all = vec![
            "--http-listen".into(),
            address.clone(),
            "--log-format".into(),
            "json".into(),
        ];
        all.extend(args);
        let mut spawn = SpawnSpec::new(&name, binary, all);
        spawn.env = vec![
            ("KUBECONFIG".into(), config.display().to_string()),
            ("POD_NAME".into(), name.clone()),
            ("POD_NAMESPACE".into(), NAMESPACE.into()),
        ];
        spawn.env.extend(env);
        port.release();
        let process = lab.spawn(spawn.clone()).await?;
        Ok(Self {
            spawn,
            process,
            address,
            log: lab.dir().log(&name),
        })
    }

    /// Its name within the lab.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.spawn.name
    }

    /// Its process number.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.process.pid
    }

    /// Whether it runs.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.process.is_alive()
    }

    /// Where its output goes, one JSON object a line.
    #[must_use]
    pub fn log_path(&self) -> &PathBuf {
        &self.log
    }

    /// `127.0.0.1:PORT`, for a [`crate::spec::ScrapeTarget`].
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The address of its metrics.
    #[must_use]
    pub fn metrics_url(&self) -> String {
        format!("http://{}/metrics", self.address)
    }

    /// Kills it as a crash would, and waits for its end.
    ///
    /// # Errors
    /// When the lab does not answer.
    pub async fn kill_9(&self, lab: &Lab) -> Result<bool> {
        lab.kill_process(self.name()).await
    }

    /// Ends it as Kubernetes would: SIGTERM, and SIGKILL after 20 s.
    ///
    /// # Errors
    /// When the lab does not answer.
    pub async fn stop(&self, lab: &Lab) -> Result<bool> {
        lab.stop_process(self.name(), STOP_GRACE).await
    }

    /// Starts it again after it ended, on the same port and with the same token.
    ///
    /// # Errors
    /// When it still runs or cannot be run.
    pub async fn restart(&mut self, lab: &Lab) -> Result<()> {
        self.process = lab.spawn(self.spawn.clone()).await?;
        Ok(())
    }
}

/// A fresh token of a ServiceAccount, as its pods would get one.
///
/// # Errors
/// When there is no such account.
pub async fn service_account_token(lab: &Lab, namespace: &str, name: &str) -> Result<Token> {
    requested_token(lab, namespace, name, None).await
}

/// The same, good only while an object exists, where one is given.
pub(crate) async fn requested_token(
    lab: &Lab,
    namespace: &str,
    name: &str,
    bound_to: Option<BoundObjectReference>,
) -> Result<Token> {
    let accounts: Api<ServiceAccount> = Api::namespaced(lab.admin_client().await?, namespace);
    let request = TokenRequest {
        spec: Some(TokenRequestSpec {
            expiration_seconds: Some(TOKEN_SECONDS),
            bound_object_ref: bound_to,
            ..TokenRequestSpec::default()
        }),
        ..TokenRequest::default()
    };
    let answer = accounts
        .create_token_request(name, &PostParams::default(), &request)
        .await
        .with_context(|| {
            format!("no token for the ServiceAccount {namespace}/{name}; is the chart installed?")
        })?;
    let token = answer.status.and_then(|status| status.token);
    Ok(Token::new(token.context("the API server gave no token")?))
}
