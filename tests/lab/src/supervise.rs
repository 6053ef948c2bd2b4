//! The supervisor: one process per lab that owns all of its other processes.
//! It ends when it is told to (SIGTERM), or when the pipe from its starter
//! closes before the starter said `keep`. If it crashes, the kernel ends its
//! children (see `process.rs`).

use std::cell::RefCell;
use std::fs::{self, File, TryLockError};
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use jiff::Timestamp;
use rustix::process::Signal;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::net::unix::pipe::Receiver;
use tokio::net::{UnixListener, UnixStream};
use tokio::signal::unix::{SignalKind, signal};

use crate::children::Children;
use crate::cluster::{Endpoints, Starter};
use crate::control::{self, Answer, Request};
use crate::paths::StateDir;
use crate::process::ProcessId;
use crate::programs::Programs;
use crate::spec::LabSpec;
use crate::state::{LabState, Phase};
use crate::{apiserver, client, etcd, files};

/// Word on the pipe that makes a lab outlive its starter.
pub const KEEP: &str = "keep";
/// How often ended children are looked for.
const WATCH_PAUSE: Duration = Duration::from_millis(200);
/// Most time for everything but the API server and etcd to end by itself.
const GRACE: Duration = Duration::from_secs(5);
/// Most time for the API server: it waits for its watchers, and its data is
/// thrown away.
const APISERVER_GRACE: Duration = Duration::from_secs(3);

/// First line on the supervisor's standard input.
#[derive(Debug, Serialize, Deserialize)]
pub struct Orders {
    /// What to start.
    pub spec: LabSpec,
    /// With which programs.
    pub programs: Programs,
}

/// Lines on the supervisor's standard output until the lab is ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// A step is done.
    Step(String),
    /// The lab can be used.
    Ready,
    /// The lab could not be started and has ended.
    Failed(String),
}

struct Supervisor {
    dir: StateDir,
    state: RefCell<LabState>,
    children: RefCell<Children>,
}

/// Runs a lab in `dir` until it is to end. Must be called on a process's main
/// thread, which then owns all children.
///
/// # Errors
/// When the lab cannot be started; its starter has been told.
pub fn run(dir: PathBuf) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let result = tokio::task::LocalSet::new().block_on(&runtime, supervise(StateDir::at(dir)));
    if let Err(error) = &result {
        report(&Report::Failed(format!("{error:#}")));
    }
    runtime.shutdown_background();
    result
}

async fn supervise(dir: StateDir) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let pipe = std::io::stdin().as_fd().try_clone_to_owned()?;
    let not_by_hand = "the supervisor is started by the lab, not by hand";
    let mut input = BufReader::new(Receiver::from_owned_fd(pipe).context(not_by_hand)?).lines();
    let orders = input.next_line().await?.context(not_by_hand)?;
    let Orders { spec, programs } =
        serde_json::from_str(&orders).context("not the lab's orders")?;
    let _lock = take_over(&dir, &spec.name)?;
    let state = LabState {
        spec: spec.clone(),
        programs: programs.clone(),
        phase: Phase::Starting,
        problem: None,
        tethered: true,
        supervisor: ProcessId::of(std::process::id()).context("cannot read /proc/self/stat")?,
        started_unix_ms: Timestamp::now().as_millisecond(),
        start_seconds: None,
        apiserver_url: None,
        etcd_url: None,
        prometheus_url: None,
        adapter_url: None,
        children: Vec::new(),
    };
    let this = Rc::new(Supervisor {
        children: RefCell::new(Children::new(dir.clone())),
        state: RefCell::new(state),
        dir,
    });
    this.save();
    client::install_tls_provider();
    let listener = control::listen(&this.dir)?;

    let started = Instant::now();
    let step = |text: &str| {
        this.save();
        report(&Report::Step(text.to_owned()));
    };
    let starter = Starter {
        dir: &this.dir,
        spec: &spec,
        programs: &programs,
        children: &this.children,
        step: &step,
    };
    let outcome = tokio::select! {
        outcome = starter.start() => outcome,
        () = tether_closed(&mut input, &this) => Err(anyhow!("the process that started the lab has ended")),
        _ = terminate.recv() => Err(anyhow!("told to end while starting")),
    };
    match outcome {
        Ok(endpoints) => {
            this.ready(endpoints, started.elapsed());
            report(&Report::Ready);
            tokio::select! {
                () = tether_closed(&mut input, &this) => {}
                _ = terminate.recv() => {}
                () = this.serve(&listener) => {}
                () = this.watch() => {}
            }
            this.end(None).await;
            Ok(())
        }
        Err(error) => {
            this.end(Some(format!("{error:#}"))).await;
            Err(error)
        }
    }
}

/// Locks the lab's folder and empties it of an earlier lab's files.
fn take_over(dir: &StateDir, name: &str) -> Result<File> {
    files::private_dir(dir.path())?;
    let path = dir.lock();
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            bail!(
                "a lab called {name} runs already; end it with `cargo lab down --name {name}`, or choose another --name"
            )
        }
        Err(TryLockError::Error(error)) => {
            return Err(error).context("cannot lock the lab's folder");
        }
    }
    for entry in fs::read_dir(dir.path())?.flatten() {
        let old = entry.path();
        if old == path {
            continue;
        }
        let removed = if old.is_dir() {
            fs::remove_dir_all(&old)
        } else {
            fs::remove_file(&old)
        };
        removed.with_context(|| format!("cannot remove {} of an earlier lab", old.display()))?;
    }
    files::private_dir(&dir.logs())?;
    Ok(lock)
}

/// Waits until the starter is gone without having said `keep`.
async fn tether_closed(input: &mut Lines<BufReader<Receiver>>, this: &Supervisor) {
    loop {
        match input.next_line().await {
            Ok(Some(line)) if line == KEEP => {
                this.state.borrow_mut().tethered = false;
                this.save();
                return std::future::pending().await;
            }
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => return,
        }
    }
}

fn report(report: &Report) {
    let Ok(line) = serde_json::to_string(report) else {
        return;
    };
    // Nobody may be listening any more; that is no reason to end.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

impl Supervisor {
    fn save(&self) {
        let mut state = self.state.borrow_mut();
        state.children = self.children.borrow().states();
        if let Err(error) = state.write(&self.dir) {
            eprintln!("{error:#}");
        }
    }

    fn ready(&self, endpoints: Endpoints, took: Duration) {
        let Endpoints {
            apiserver_url,
            etcd_url,
            prometheus_url,
            adapter_url,
        } = endpoints;
        {
            let mut state = self.state.borrow_mut();
            state.phase = Phase::Ready;
            state.start_seconds = Some(took.as_secs_f64());
            state.apiserver_url = Some(apiserver_url);
            state.etcd_url = Some(etcd_url);
            state.prometheus_url = prometheus_url;
            state.adapter_url = adapter_url;
        }
        self.save();
    }

    /// Notes children that end.
    async fn watch(&self) {
        loop {
            tokio::time::sleep(WATCH_PAUSE).await;
            let news = self.children.borrow_mut().reap();
            if news {
                self.save();
            }
        }
    }

    /// Answers requests, each by itself so that a slow one holds up no other.
    async fn serve(self: &Rc<Self>, listener: &UnixListener) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let this = Rc::clone(self);
                    tokio::task::spawn_local(async move { this.converse(stream).await });
                }
                Err(error) => {
                    eprintln!("control socket: {error}");
                    tokio::time::sleep(WATCH_PAUSE).await;
                }
            }
        }
    }

    async fn converse(&self, mut stream: UnixStream) {
        let answer = match control::read(&mut stream).await {
            Ok(request) => self
                .obey(request)
                .await
                .unwrap_or_else(|error| Answer::Refused(format!("{error:#}"))),
            Err(error) => Answer::Refused(format!("{error:#}")),
        };
        self.save();
        // The asker may have gone; what it asked for is done all the same.
        let _ = control::answer(&mut stream, &answer).await;
    }

    async fn obey(&self, request: Request) -> Result<Answer> {
        match request {
            Request::Spawn(spec) => Ok(Answer::Started(self.children.borrow_mut().spawn(&spec)?)),
            Request::Stop { name, grace_ms } => Ok(self
                .end_child(name, Signal::TERM, Duration::from_millis(grace_ms))
                .await),
            Request::Kill { name } => Ok(self.end_child(name, Signal::KILL, Duration::ZERO).await),
            Request::StartAgain { name } => {
                let process = self.children.borrow_mut().start_again(&name)?;
                Ok(Answer::Started(process))
            }
            Request::Halt { name, halted } => {
                let mut children = self.children.borrow_mut();
                let runs = if halted {
                    children.halt(&name)
                } else {
                    children.go_on(&name)
                };
                Ok(Answer::Halted { runs })
            }
        }
    }

    async fn end_child(&self, name: String, signal: Signal, grace: Duration) -> Answer {
        let was_running = self.children.borrow_mut().signal(&name, signal);
        self.wait_for(&[name], grace).await;
        Answer::Ended { was_running }
    }

    /// Waits for children to end, without keeping others from being looked at.
    async fn wait_for(&self, names: &[String], grace: Duration) {
        const POLL: Duration = Duration::from_millis(20);
        let deadline = Instant::now() + grace;
        loop {
            let running: Vec<&String> = names
                .iter()
                .filter(|name| self.children.borrow_mut().runs(name))
                .collect();
            if running.is_empty() {
                return;
            }
            if Instant::now() >= deadline {
                for name in running {
                    self.children.borrow_mut().signal(name, Signal::KILL);
                }
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Ends all children: those that use the API server first, etcd last.
    async fn end(&self, problem: Option<String>) {
        self.state.borrow_mut().phase = Phase::Stopping;
        self.save();
        let last = [apiserver::NAME, etcd::NAME];
        let running = self.children.borrow_mut().running();
        let first: Vec<String> = running
            .into_iter()
            .filter(|name| !last.contains(&name.as_str()))
            .collect();
        for (names, grace) in [
            (first, GRACE),
            (vec![apiserver::NAME.to_owned()], APISERVER_GRACE),
            (vec![etcd::NAME.to_owned()], APISERVER_GRACE),
        ] {
            for name in &names {
                self.children.borrow_mut().signal(name, Signal::TERM);
            }
            self.wait_for(&names, grace).await;
        }
        // The logs stay for whoever wants to know; the data goes.
        let _ = fs::remove_dir_all(self.dir.path().join("data"));
        let _ = fs::remove_dir_all(self.dir.secrets());
        let _ = fs::remove_file(self.dir.kubeconfig());
        let _ = fs::remove_file(self.dir.control());
        {
            let mut state = self.state.borrow_mut();
            state.phase = if problem.is_some() {
                Phase::Failed
            } else {
                Phase::Stopped
            };
            state.problem = problem;
        }
        self.save();
    }
}
