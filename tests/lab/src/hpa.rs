//! The HPA controller as a process of its own, with the flags that a test or a
//! measurement wants, under a user that the audit log tells apart. The lab must
//! be one whose other controllers leave HPAs alone (`LabSpec::hpa_apart`).

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::audit::AuditFilter;
use crate::children::SpawnSpec;
use crate::controllers::HPA_CONTROLLER;
use crate::credentials::{HPA_USER, component_kubeconfig};
use crate::lab::Lab;

/// Its name within the lab.
pub const NAME: &str = "hpa";
const STOP_GRACE: Duration = Duration::from_secs(5);

/// How an HPA controller is to work. Its defaults are Kubernetes' own.
#[derive(Debug, Clone, PartialEq)]
pub struct HpaSpec {
    /// Between two looks at one HPA.
    pub sync_period: Duration,
    /// How many HPAs are looked at side by side.
    pub workers: u32,
    /// Requests a second to the API server, on average.
    pub requests_a_second: u32,
    /// Requests at once.
    pub burst: u32,
    /// Further flags.
    pub args: Vec<String>,
}

impl Default for HpaSpec {
    fn default() -> Self {
        Self {
            sync_period: Duration::from_secs(15),
            workers: 5,
            requests_a_second: 20,
            burst: 30,
            args: Vec::new(),
        }
    }
}

impl HpaSpec {
    /// As fast as people make it: a look each second, 100 side by side.
    #[must_use]
    pub fn tuned() -> Self {
        Self {
            sync_period: Duration::from_secs(1),
            workers: 100,
            requests_a_second: 1_000,
            burst: 2_000,
            args: Vec::new(),
        }
    }

    /// The same with a further flag, such as
    /// `--horizontal-pod-autoscaler-downscale-stabilization=10s`.
    #[must_use]
    pub fn arg(mut self, arg: &str) -> Self {
        self.args.push(arg.to_owned());
        self
    }

    fn flags(&self) -> Vec<String> {
        let Self {
            sync_period,
            workers,
            requests_a_second,
            burst,
            args,
        } = self;
        let mut flags = vec![
            format!("--controllers={HPA_CONTROLLER}"),
            "--secure-port=0".into(),
            "--leader-elect=false".into(),
            format!(
                "--horizontal-pod-autoscaler-sync-period={}ms",
                sync_period.as_millis()
            ),
            format!("--concurrent-horizontal-pod-autoscaler-syncs={workers}"),
            format!("--kube-api-qps={requests_a_second}"),
            format!("--kube-api-burst={burst}"),
            "--profiling=false".into(),
        ];
        flags.extend(args.iter().cloned());
        flags
    }
}

/// The requests of an HPA controller that [`Lab::start_hpa`] started.
#[must_use]
pub fn requests() -> AuditFilter {
    AuditFilter {
        user: Some(HPA_USER.to_owned()),
        ..AuditFilter::default()
    }
}

impl Lab {
    /// Starts an HPA controller; one at a time. Its CPU time is
    /// `cpu_time(hpa::NAME)`, its requests are those of [`requests`].
    ///
    /// # Errors
    /// When the lab's controllers look after HPAs themselves, or one runs already.
    pub async fn start_hpa(&self, spec: &HpaSpec) -> Result<()> {
        let state = self.state()?;
        ensure!(
            state.spec.hpa_apart,
            "the lab {} has an HPA controller already; start it with LabSpec::hpa_apart",
            state.spec.name
        );
        let mut args = spec.flags();
        args.push(format!(
            "--kubeconfig={}",
            component_kubeconfig(self.dir(), NAME).display()
        ));
        let mut spawn = SpawnSpec::new(NAME, state.programs.kubernetes, args);
        spawn.called = Some(crate::controllers::CONTROLLERS.into());
        self.spawn(spawn).await.map(drop)
    }

    /// Ends the HPA controller. `false` when none ran.
    ///
    /// # Errors
    /// When the lab does not answer.
    pub async fn stop_hpa(&self) -> Result<bool> {
        self.stop_process(NAME, STOP_GRACE).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_controller_runs_with_these_flags() {
        let flags = HpaSpec::tuned().arg("--x=1").flags();
        let has = |flag: &str| flags.iter().any(|found| found == flag);
        assert!(has("--controllers=horizontal-pod-autoscaler-controller"));
        assert!(has("--horizontal-pod-autoscaler-sync-period=1000ms"));
        assert!(has("--concurrent-horizontal-pod-autoscaler-syncs=100"));
        assert!(has("--kube-api-qps=1000") && has("--x=1"));
    }
}
