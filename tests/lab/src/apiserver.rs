//! kube-apiserver: how it is started, and its audit policy.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use crate::children::SpawnSpec;
use crate::credentials::{Credentials, FRONT_PROXY};
use crate::files::{private_dir, write_private};
use crate::paths::StateDir;
use crate::programs::Programs;

/// Its name within the lab.
pub const NAME: &str = "kube-apiserver";
/// Most time to become ready.
pub const START_TIMEOUT: Duration = Duration::from_secs(90);
/// Service addresses: of the range set aside for benchmarks, never routed.
pub const SERVICE_RANGE: &str = "198.18.64.0/20";
/// The first of them, the API server's own.
pub const SERVICE_IP: &str = "198.18.64.1";
/// The server insists on an address that is not loopback to tell its peers.
/// Nothing listens there and, without a reconciler, nobody is told.
const ADVERTISED: &str = "198.18.0.1";
/// Large enough never to rotate: one file holds a whole run.
const AUDIT_MEGABYTES: u32 = 1_000_000;

/// Everything is logged once, when it is answered, without bodies.
const AUDIT_POLICY: &str = "\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
";

/// Writes the manifests into a folder of the API server's own, and the file that names it.
fn admission(dir: &StateDir, manifests: &[Value]) -> Result<PathBuf> {
    let folder = dir.config("admission");
    private_dir(&folder)?;
    for (at, manifest) in manifests.iter().enumerate() {
        let file = folder.join(format!("{at}.yaml"));
        // JSON is YAML too.
        write_private(&file, manifest.to_string().as_bytes())?;
    }
    let named = json!({
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AdmissionConfiguration",
        "plugins": [{
            "name": "ValidatingAdmissionPolicy",
            "configuration": {
                "apiVersion": "apiserver.config.k8s.io/v1",
                "kind": "ValidatingAdmissionPolicyConfiguration",
                "staticManifestsDir": folder,
            },
        }],
    });
    let file = dir.config("admission.yaml");
    write_private(&file, named.to_string().as_bytes())?;
    Ok(file)
}

/// Writes the audit policy and says how to start the API server.
///
/// # Errors
/// When the policy cannot be written.
pub fn command(
    programs: &Programs,
    dir: &StateDir,
    credentials: &Credentials,
    port: u16,
    etcd_url: &str,
    static_manifests: &[Value],
) -> Result<SpawnSpec> {
    let policy = dir.config("audit-policy.yaml");
    write_private(&policy, AUDIT_POLICY.as_bytes())?;
    let Credentials {
        ca,
        server_certificate,
        server_key,
        service_account_key,
        service_account_public_key,
        tokens,
        front_ca,
        front_certificate,
        front_key,
    } = credentials;
    let mut args = vec![
        format!("--etcd-servers={etcd_url}"),
        "--bind-address=127.0.0.1".into(),
        format!("--secure-port={port}"),
        format!("--advertise-address={ADVERTISED}"),
        "--endpoint-reconciler-type=none".into(),
        format!("--tls-cert-file={}", server_certificate.display()),
        format!("--tls-private-key-file={}", server_key.display()),
        format!("--token-auth-file={}", tokens.display()),
        format!(
            "--service-account-key-file={}",
            service_account_public_key.display()
        ),
        format!(
            "--service-account-signing-key-file={}",
            service_account_key.display()
        ),
        "--service-account-issuer=https://kubernetes.default.svc".into(),
        format!("--service-cluster-ip-range={SERVICE_RANGE}"),
        "--authorization-mode=Node,RBAC".into(),
        "--enable-admission-plugins=NodeRestriction".into(),
        "--enable-aggregator-routing=false".into(),
        // Nobody has a certificate of it; API services ask for one to be named.
        format!("--client-ca-file={}", ca.display()),
        format!("--requestheader-client-ca-file={}", front_ca.display()),
        format!("--requestheader-allowed-names={FRONT_PROXY}"),
        "--requestheader-username-headers=X-Remote-User".into(),
        "--requestheader-group-headers=X-Remote-Group".into(),
        "--requestheader-extra-headers-prefix=X-Remote-Extra-".into(),
        format!("--proxy-client-cert-file={}", front_certificate.display()),
        format!("--proxy-client-key-file={}", front_key.display()),
        "--allow-privileged=true".into(),
        "--max-requests-inflight=4000".into(),
        "--max-mutating-requests-inflight=2000".into(),
        format!("--audit-policy-file={}", policy.display()),
        format!("--audit-log-path={}", dir.audit_log().display()),
        format!("--audit-log-maxsize={AUDIT_MEGABYTES}"),
        "--profiling=false".into(),
    ];
    if !static_manifests.is_empty() {
        let file = admission(dir, static_manifests)?;
        args.push(format!(
            "--admission-control-config-file={}",
            file.display()
        ));
    }
    let mut spec = SpawnSpec::new(NAME, programs.kubernetes.clone(), args);
    spec.called = Some(NAME.into());
    Ok(spec)
}
