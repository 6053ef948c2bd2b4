//! A lab as the demo and the tests use it: started, tethered to this process,
//! asked for clients, and ended.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use kube::Client;
use rustix::process::Signal;

use crate::adapter::Adapter;
use crate::audit::AuditLog;
use crate::children::SpawnSpec;
use crate::control::{self, Answer, Request};
use crate::credentials::Token;
use crate::helm::Helm;
use crate::nodes::NodeCount;
use crate::operator::{Operator, OperatorSpec};
use crate::paths::StateDir;
use crate::process::{ProcessId, own_session};
use crate::progress::Progress;
use crate::spec::{LabSpec, ScrapeTarget};
use crate::state::{LabState, Phase};
use crate::store::Store;
use crate::supervise::{KEEP, Orders, Report};
use crate::{binaries, client, compile, etcd, nodes, prometheus, prune};

/// Most time for a lab to end.
const END_TIMEOUT: Duration = Duration::from_secs(30);
const NODES_TIMEOUT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);

/// A running lab. One that was started here ends with this process, however
/// that ends, unless [`Lab::keep`] was called.
#[derive(Debug)]
pub struct Lab {
    dir: StateDir,
    state: LabState,
    starter: Option<(Child, ChildStdin)>,
}

impl Lab {
    /// Builds what is missing, starts a lab and waits until it can be used.
    ///
    /// # Errors
    /// One line: what is missing, or which program did not start and its last
    /// lines. Nothing is left running.
    pub async fn start(spec: LabSpec) -> Result<Self> {
        Self::start_with(spec, Progress::quiet()).await
    }

    /// The same, saying how far it is.
    ///
    /// # Errors
    /// As [`Lab::start`].
    pub async fn start_with(spec: LabSpec, progress: Progress) -> Result<Self> {
        spec.validate()?;
        client::install_tls_provider();
        tokio::task::spawn_blocking(move || start(spec, &progress)).await?
    }

    /// Several labs at the same time, in the order of their specs. Builds what
    /// any of them lacks before the first one starts.
    ///
    /// # Errors
    /// As [`Lab::start`]; those that did start are ended.
    pub async fn start_all(specs: Vec<LabSpec>, progress: Progress) -> Result<Vec<Self>> {
        for spec in &specs {
            spec.validate()?;
        }
        let (builds, told) = (specs.clone(), progress.clone());
        tokio::task::spawn_blocking(move || {
            builds
                .iter()
                .try_for_each(|spec| compile::ensure_programs(spec, &told).map(drop))
        })
        .await??;
        let starts = specs
            .into_iter()
            .map(|spec| Self::start_with(spec, progress.clone()));
        let mut labs = Vec::new();
        let mut problem = None;
        for started in futures::future::join_all(starts).await {
            match started {
                Ok(lab) => labs.push(lab),
                Err(error) => problem = Some(error),
            }
        }
        let Some(problem) = problem else {
            return Ok(labs);
        };
        for lab in labs {
            // What matters is why the other one did not start.
            let _ = lab.stop().await;
        }
        Err(problem)
    }

    /// A lab that somebody else started and kept.
    ///
    /// # Errors
    /// When none of that name runs.
    pub fn attach(name: &str) -> Result<Self> {
        let dir = StateDir::of(name)?;
        match LabState::read(&dir)? {
            Some(state) if state.phase == Phase::Ready && state.supervisor.is_alive() => Ok(Self {
                dir,
                state,
                starter: None,
            }),
            _ => bail!("no lab called {name} runs; start it with `cargo lab up --name {name}`"),
        }
    }

    /// Lets the lab outlive this process.
    ///
    /// # Errors
    /// When the lab has ended already.
    pub async fn keep(mut self) -> Result<Self> {
        if let Some((_child, mut pipe)) = self.starter.take() {
            writeln!(pipe, "{KEEP}")
                .and_then(|()| pipe.flush())
                .context("the lab has ended")?;
            let deadline = Instant::now() + END_TIMEOUT;
            // Closed only after the word was heard.
            while LabState::read(&self.dir)?.is_none_or(|state| state.tethered) {
                if Instant::now() >= deadline {
                    bail!("the lab does not answer");
                }
                tokio::time::sleep(POLL).await;
            }
        }
        self.state = LabState::read(&self.dir)?.context("the lab has ended")?;
        Ok(self)
    }

    /// What the lab says about itself now.
    ///
    /// # Errors
    /// When its state cannot be read.
    pub fn state(&self) -> Result<LabState> {
        LabState::read(&self.dir)?.context("the lab's state is gone")
    }

    /// The lab's folder.
    #[must_use]
    pub fn dir(&self) -> &StateDir {
        &self.dir
    }

    /// The admin's kubeconfig.
    #[must_use]
    pub fn kubeconfig_path(&self) -> PathBuf {
        self.dir.kubeconfig()
    }

    /// The API server's address.
    #[must_use]
    pub fn apiserver_url(&self) -> &str {
        self.state.apiserver_url.as_deref().unwrap_or_default()
    }

    /// etcd, to read from it what the API server keeps.
    #[must_use]
    pub fn store(&self) -> Store {
        let url = self.state.etcd_url.as_deref().unwrap_or_default();
        Store::new(url, self.dir.data(etcd::NAME))
    }

    /// The metrics adapter, where the lab has the metrics APIs.
    #[must_use]
    pub fn adapter(&self) -> Option<Adapter> {
        self.state.adapter_url.as_deref().map(Adapter::new)
    }

    /// Prometheus' address, where the lab has one.
    #[must_use]
    pub fn prometheus_url(&self) -> Option<&str> {
        self.state.prometheus_url.as_deref()
    }

    /// A client that is the lab's admin.
    ///
    /// # Errors
    /// When the kubeconfig is gone.
    pub async fn admin_client(&self) -> Result<Client> {
        client::admin(&self.dir).await
    }

    /// The configuration of that client, to change before making one.
    ///
    /// # Errors
    /// When the kubeconfig is gone.
    pub async fn admin_config(&self) -> Result<kube::Config> {
        client::admin_config(&self.dir).await
    }

    /// A client that is whoever the token belongs to.
    ///
    /// # Errors
    /// When the kubeconfig is gone.
    pub async fn client_for_token(&self, token: &Token) -> Result<Client> {
        client::for_token(&self.dir, token).await
    }

    /// What the API server was asked.
    #[must_use]
    pub fn audit_log(&self) -> AuditLog {
        AuditLog::at(self.dir.audit_log())
    }

    /// Helm, on this lab.
    #[must_use]
    pub fn helm(&self) -> Helm {
        Helm::new(&self.state.programs.helm, &self.dir)
    }

    /// Starts an operator with its ServiceAccount's token.
    ///
    /// # Errors
    /// When there is no such account yet, or the binary cannot be built or run.
    pub async fn start_operator(&self, spec: OperatorSpec) -> Result<Operator> {
        Operator::start(self, spec).await
    }

    /// Replaces what Prometheus scrapes.
    ///
    /// # Errors
    /// When the lab has no Prometheus or it refuses.
    pub async fn scrape(&self, targets: Vec<ScrapeTarget>) -> Result<()> {
        let mut spec = self.state.spec.clone();
        if let Some(prometheus) = &mut spec.prometheus {
            prometheus.targets = targets;
        }
        spec.validate()?;
        let (Some(wanted), Some(url)) = (&spec.prometheus, self.prometheus_url()) else {
            bail!("this lab has no Prometheus");
        };
        prometheus::reload(&self.dir, url, wanted).await
    }

    /// Adds nodes to a site of the lab's spec and waits until they are ready.
    ///
    /// # Errors
    /// When the spec has no such site, or the nodes do not become ready.
    pub async fn add_nodes(&self, site: &str, count: u32) -> Result<()> {
        let Some(group) = self
            .state
            .spec
            .nodes
            .iter()
            .find(|group| group.site == site)
        else {
            bail!("the lab was started without the site {site}; give it a group of 0 nodes");
        };
        let admin = self.admin_client().await?;
        let from = nodes::next_index(&admin, site).await?;
        nodes::create(&admin, group, from, from + count).await?;
        let deadline = Instant::now() + NODES_TIMEOUT;
        loop {
            let sites = nodes::count(&admin).await?;
            if sites.get(site).is_some_and(|site| site.ready == site.total) {
                return Ok(());
            }
            if Instant::now() >= deadline {
                bail!(
                    "new nodes at {site} were not ready within {} s",
                    NODES_TIMEOUT.as_secs()
                );
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Ready and existing nodes by site.
    ///
    /// # Errors
    /// When the API server does not answer.
    pub async fn nodes(&self) -> Result<BTreeMap<String, NodeCount>> {
        nodes::count(&self.admin_client().await?).await
    }

    /// Starts a further process that ends with the lab.
    ///
    /// # Errors
    /// When the name is in use or the program cannot be run.
    pub async fn spawn(&self, spec: SpawnSpec) -> Result<ProcessId> {
        match control::ask(&self.dir, &Request::Spawn(spec)).await? {
            Answer::Started(process) => Ok(process),
            other => bail!("unexpected answer {other:?}"),
        }
    }

    /// Ends one process of the lab: SIGTERM, then SIGKILL after the grace.
    /// `false` when it did not run.
    ///
    /// # Errors
    /// When the lab does not answer.
    pub async fn stop_process(&self, name: &str, grace: Duration) -> Result<bool> {
        let grace_ms = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
        self.end_process(&Request::Stop {
            name: name.to_owned(),
            grace_ms,
        })
        .await
    }

    /// Ends one process of the lab with SIGKILL. `false` when it did not run.
    ///
    /// # Errors
    /// When the lab does not answer.
    pub async fn kill_process(&self, name: &str) -> Result<bool> {
        self.end_process(&Request::Kill {
            name: name.to_owned(),
        })
        .await
    }

    /// Starts a process of the lab again that has ended, exactly as before: the
    /// API server comes back on its port and with its data. Returns when it is
    /// started, which is before it is ready (see [`Lab::start_apiserver`]).
    ///
    /// # Errors
    /// When it still runs, never ran, or cannot be run.
    pub async fn start_process(&self, name: &str) -> Result<ProcessId> {
        let name = name.to_owned();
        match control::ask(&self.dir, &Request::StartAgain { name }).await? {
            Answer::Started(process) => Ok(process),
            other => bail!("unexpected answer {other:?}"),
        }
    }

    /// Halts one process of the lab: its connections stay open and new ones are
    /// taken, but nothing answers. `false` when it does not run.
    ///
    /// # Errors
    /// When the lab does not answer.
    pub async fn halt_process(&self, name: &str) -> Result<bool> {
        self.halt(name, true).await
    }

    /// Lets a halted process go on. `false` when it does not run.
    ///
    /// # Errors
    /// When the lab does not answer.
    pub async fn go_on_process(&self, name: &str) -> Result<bool> {
        self.halt(name, false).await
    }

    async fn halt(&self, name: &str, halted: bool) -> Result<bool> {
        let name = name.to_owned();
        match control::ask(&self.dir, &Request::Halt { name, halted }).await? {
            Answer::Halted { runs } => Ok(runs),
            other => bail!("unexpected answer {other:?}"),
        }
    }

    /// CPU time that a process of the lab has used since it was started; it
    /// starts again from nothing when the process does.
    ///
    /// # Errors
    /// When no process of this name runs.
    pub fn cpu_time(&self, name: &str) -> Result<Duration> {
        let state = self.state()?;
        let child = state.children.iter().find(|child| child.name == name);
        child
            .and_then(|child| child.process.cpu_time())
            .with_context(|| format!("no process {name} runs in the lab {}", state.spec.name))
    }

    async fn end_process(&self, request: &Request) -> Result<bool> {
        match control::ask(&self.dir, request).await? {
            Answer::Ended { was_running } => Ok(was_running),
            other => bail!("unexpected answer {other:?}"),
        }
    }

    /// Ends the lab and waits until all of its processes are gone. A lab that
    /// was tethered to this process also loses its folder.
    ///
    /// # Errors
    /// When it does not end in time.
    pub async fn stop(self) -> Result<()> {
        let Self {
            dir,
            state,
            starter,
        } = self;
        let tethered = starter.is_some();
        let ended = tokio::task::spawn_blocking(move || end(&state, starter)).await?;
        if ended.is_ok() && tethered {
            std::fs::remove_dir_all(dir.path())
                .with_context(|| format!("cannot remove {}", dir.path().display()))?;
        }
        ended
    }
}

fn start(spec: LabSpec, progress: &Progress) -> Result<Lab> {
    prune::old_folders();
    let programs = compile::ensure_programs(&spec, progress)?;
    let lab = binaries::lab(progress)?;
    let dir = StateDir::of(&spec.name)?;
    crate::files::private_dir(dir.path())?;
    let mut command = Command::new(&lab);
    command
        .arg("supervise")
        .arg(dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    own_session(&mut command);
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot run {}", lab.display()))?;
    let (Some(mut pipe), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        bail!("no pipe to the supervisor");
    };
    let name = spec.name.clone();
    let orders = serde_json::to_string(&Orders { spec, programs })?;
    writeln!(pipe, "{orders}").context("the supervisor ended at once")?;
    for line in BufReader::new(output).lines() {
        match serde_json::from_str(&line?) {
            Ok(Report::Step(step)) => progress.say(&format!("  {name}: {step}")),
            Ok(Report::Ready) => {
                let state = LabState::read(&dir)?.context("the lab has no state")?;
                return Ok(Lab {
                    dir,
                    state,
                    starter: Some((child, pipe)),
                });
            }
            Ok(Report::Failed(why)) => {
                child.wait()?;
                bail!(why);
            }
            Err(_) => {}
        }
    }
    let status = child.wait()?;
    bail!("the supervisor ended before the lab was ready ({status})")
}

/// Ends the supervisor, and with it everything, and waits for both.
pub(crate) fn end(state: &LabState, starter: Option<(Child, ChildStdin)>) -> Result<()> {
    let told = state
        .supervisor
        .signal(Signal::TERM)
        .context("cannot signal the lab's supervisor")?;
    let deadline = Instant::now() + END_TIMEOUT;
    if let Some((mut child, pipe)) = starter {
        drop(pipe);
        while child.try_wait()?.is_none() && Instant::now() < deadline {
            std::thread::sleep(POLL);
        }
    }
    let everyone = || {
        std::iter::once(&state.supervisor).chain(state.children.iter().map(|child| &child.process))
    };
    while told && everyone().any(ProcessId::is_alive) {
        if Instant::now() >= deadline {
            // Its children die with it.
            state
                .supervisor
                .signal(Signal::KILL)
                .context("cannot end the lab's supervisor")?;
            bail!(
                "the lab did not end within {} s and was killed",
                END_TIMEOUT.as_secs()
            );
        }
        std::thread::sleep(POLL);
    }
    Ok(())
}
