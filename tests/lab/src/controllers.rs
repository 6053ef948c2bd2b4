//! kube-controller-manager and kube-scheduler: how they are started. Both get
//! far more requests a second than by default, or 200 pods would take 8 s.

use anyhow::Result;

use crate::children::SpawnSpec;
use crate::credentials::{Credentials, component_kubeconfig};
use crate::files::write_private;
use crate::paths::StateDir;
use crate::programs::Programs;

/// The controllers' name within the lab.
pub const CONTROLLERS: &str = "kube-controller-manager";
/// The scheduler's name within the lab.
pub const SCHEDULER: &str = "kube-scheduler";
/// The name by which the HPA controller is told apart from the others.
pub const HPA_CONTROLLER: &str = "horizontal-pod-autoscaler-controller";
const REQUESTS_A_SECOND: u32 = 500;
const BURST: u32 = 1_000;

/// How to start the controllers.
#[must_use]
pub fn controllers(
    programs: &Programs,
    dir: &StateDir,
    credentials: &Credentials,
    hpa_apart: bool,
) -> SpawnSpec {
    let all_but = if hpa_apart {
        format!("-{HPA_CONTROLLER},-node-ipam-controller")
    } else {
        "-node-ipam-controller".to_owned()
    };
    let args = vec![
        format!(
            "--kubeconfig={}",
            component_kubeconfig(dir, CONTROLLERS).display()
        ),
        format!(
            "--service-account-private-key-file={}",
            credentials.service_account_key.display()
        ),
        format!("--root-ca-file={}", credentials.ca.display()),
        "--use-service-account-credentials=true".into(),
        "--secure-port=0".into(),
        "--leader-elect=false".into(),
        format!("--controllers=*,{all_but}"),
        format!("--kube-api-qps={REQUESTS_A_SECOND}"),
        format!("--kube-api-burst={BURST}"),
        "--concurrent-deployment-syncs=20".into(),
        "--concurrent-replicaset-syncs=20".into(),
        "--profiling=false".into(),
    ];
    let mut spec = SpawnSpec::new(CONTROLLERS, programs.kubernetes.clone(), args);
    spec.called = Some(CONTROLLERS.into());
    spec
}

/// Writes the scheduler's configuration and says how to start it.
///
/// # Errors
/// When the configuration cannot be written.
pub fn scheduler(programs: &Programs, dir: &StateDir) -> Result<SpawnSpec> {
    let config = dir.config("scheduler.yaml");
    let text = format!(
        "apiVersion: kubescheduler.config.k8s.io/v1\n\
         kind: KubeSchedulerConfiguration\n\
         leaderElection:\n\
         \x20 leaderElect: false\n\
         clientConnection:\n\
         \x20 kubeconfig: {}\n\
         \x20 qps: {REQUESTS_A_SECOND}\n\
         \x20 burst: {BURST}\n",
        serde_json::Value::from(component_kubeconfig(dir, SCHEDULER).to_string_lossy()),
    );
    write_private(&config, text.as_bytes())?;
    let args = vec![
        format!("--config={}", config.display()),
        "--secure-port=0".into(),
    ];
    let mut spec = SpawnSpec::new(SCHEDULER, programs.kubernetes.clone(), args);
    spec.called = Some(SCHEDULER.into());
    Ok(spec)
}
