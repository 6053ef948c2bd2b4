//! The processes that the supervisor owns: starting, watching, ending. Each
//! dies with the supervisor, however that one ends.

use std::fs::{File, create_dir_all};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use crate::files::last_words;
use crate::paths::StateDir;
use crate::process::{ProcessId, end_with_parent};
use crate::state::ChildState;

/// Lines of a dead child's log that its error shows.
const LINES_SHOWN: usize = 12;

/// A process to start.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SpawnSpec {
    /// Its name within the lab; also the name of its log.
    pub name: String,
    /// The binary.
    pub program: PathBuf,
    /// The name it is called by, where that is not the binary's.
    pub called: Option<String>,
    /// Arguments.
    pub args: Vec<String>,
    /// Environment, beside `PATH` and a `HOME` inside the state folder; nothing
    /// of the user's own gets in.
    pub env: Vec<(String, String)>,
}

impl SpawnSpec {
    /// A process with these arguments and no further environment.
    #[must_use]
    pub fn new(name: &str, program: PathBuf, args: Vec<String>) -> Self {
        Self {
            name: name.into(),
            program,
            called: None,
            args,
            env: Vec::new(),
        }
    }
}

struct Owned {
    child: Child,
    spec: SpawnSpec,
    state: ChildState,
    awaited_end: bool,
}

/// All processes of one lab.
pub struct Children {
    dir: StateDir,
    owned: Vec<Owned>,
}

impl Children {
    /// None yet.
    #[must_use]
    pub fn new(dir: StateDir) -> Self {
        Self {
            dir,
            owned: Vec::new(),
        }
    }

    /// Starts a process. Must be called from the supervisor's main thread: the
    /// process dies with the thread that starts it. A process of the same name
    /// that has ended is replaced, and its log continued.
    ///
    /// # Errors
    /// When the name is in use or the program cannot be run.
    pub fn spawn(&mut self, spec: &SpawnSpec) -> Result<ProcessId> {
        let SpawnSpec {
            name,
            program,
            called,
            args,
            env,
        } = spec;
        self.reap();
        if let Some(index) = self
            .owned
            .iter()
            .position(|owned| owned.state.name == *name)
        {
            if self.owned[index].state.ended.is_none() {
                bail!("{name} already runs");
            }
            self.owned.remove(index);
        }
        let log = self.dir.log(name);
        create_dir_all(self.dir.logs())?;
        let output = File::options().create(true).append(true).open(&log)?;
        let home = self.dir.data("home");
        create_dir_all(&home)?;
        let mut command = Command::new(program);
        if let Some(called) = called {
            command.arg0(called);
        }
        command
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &home)
            .envs(env.iter().map(|(key, value)| (key, value)))
            .current_dir(&home)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        end_with_parent(&mut command, Signal::KILL);
        let child = command
            .spawn()
            .with_context(|| format!("cannot run {name} ({})", program.display()))?;
        let process = ProcessId::of(child.id()).with_context(|| format!("{name} ended at once"))?;
        let state = ChildState {
            name: name.clone(),
            process: process.clone(),
            log,
            ended: None,
        };
        self.owned.push(Owned {
            child,
            spec: spec.clone(),
            state,
            awaited_end: false,
        });
        Ok(process)
    }

    /// Starts a process again that has ended, as it was started before.
    ///
    /// # Errors
    /// When it runs, was never started, or cannot be run.
    pub fn start_again(&mut self, name: &str) -> Result<ProcessId> {
        let owned = self.owned.iter().find(|owned| owned.state.name == name);
        let spec = owned.map(|owned| owned.spec.clone());
        self.spawn(&spec.with_context(|| format!("{name} was never started"))?)
    }

    /// Notes which processes have ended; `true` when one did since last time.
    pub fn reap(&mut self) -> bool {
        let mut news = false;
        for owned in &mut self.owned {
            if owned.state.ended.is_none()
                && let Ok(Some(status)) = owned.child.try_wait()
            {
                owned.state.ended = Some(how_it_ended(status, owned.awaited_end));
                news = true;
            }
        }
        news
    }

    /// Whether a process of this name runs.
    pub fn runs(&mut self, name: &str) -> bool {
        self.reap();
        self.owned
            .iter()
            .any(|owned| owned.state.name == name && owned.state.ended.is_none())
    }

    /// Fails when this process has ended, with its last lines.
    ///
    /// # Errors
    /// The name, how it ended, and the end of its log.
    pub fn must_run(&mut self, name: &str) -> Result<()> {
        self.reap();
        match self.owned.iter().find(|owned| owned.state.name == name) {
            Some(Owned {
                state:
                    ChildState {
                        ended: Some(ended),
                        log,
                        ..
                    },
                ..
            }) => Err(anyhow!(
                "{name} {ended}; its last lines ({}):\n{}",
                log.display(),
                last_words(log, LINES_SHOWN)
            )),
            Some(_) => Ok(()),
            None => Err(anyhow!("{name} was never started")),
        }
    }

    /// Tells a process that runs to end, one that is halted too; `false` when
    /// none of this name runs.
    pub fn signal(&mut self, name: &str, signal: Signal) -> bool {
        let Some(owned) = self.running_one(name) else {
            return false;
        };
        owned.awaited_end = true;
        let told = owned.state.process.signal(signal).unwrap_or(false);
        // A halted process hears of the end only when it goes on. One that ran may have ended by now.
        let _ = owned.state.process.signal(Signal::CONT);
        told
    }

    /// Halts a process that runs: its sockets stay open and nothing answers.
    /// `false` when none of this name runs.
    pub fn halt(&mut self, name: &str) -> bool {
        self.running_one(name)
            .is_some_and(|owned| owned.state.process.signal(Signal::STOP).unwrap_or(false))
    }

    /// Lets a halted process go on. `false` when none of this name runs.
    pub fn go_on(&mut self, name: &str) -> bool {
        self.running_one(name)
            .is_some_and(|owned| owned.state.process.signal(Signal::CONT).unwrap_or(false))
    }

    fn running_one(&mut self, name: &str) -> Option<&mut Owned> {
        self.reap();
        self.owned
            .iter_mut()
            .find(|owned| owned.state.name == name && owned.state.ended.is_none())
    }

    /// What to write into the state file.
    #[must_use]
    pub fn states(&self) -> Vec<ChildState> {
        self.owned.iter().map(|owned| owned.state.clone()).collect()
    }

    /// The names of those that run, last started first.
    pub fn running(&mut self) -> Vec<String> {
        self.reap();
        let running = self
            .owned
            .iter()
            .rev()
            .filter(|owned| owned.state.ended.is_none());
        running.map(|owned| owned.state.name.clone()).collect()
    }
}

fn how_it_ended(status: ExitStatus, awaited: bool) -> String {
    let how = match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    };
    if awaited {
        format!("{how} (asked to)")
    } else {
        how
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn ended(children: &mut Children, name: &str) -> bool {
        let deadline = Instant::now() + Duration::from_secs(10);
        while children.runs(name) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        !children.runs(name)
    }

    #[test]
    fn starts_again_what_has_ended_and_ends_what_is_halted() {
        let temp = tempfile::tempdir().unwrap();
        let mut children = Children::new(StateDir::at(temp.path().to_owned()));
        let spec = SpawnSpec::new("nap", "sleep".into(), vec!["60".into()]);
        let first = children.spawn(&spec).unwrap();
        assert!(children.start_again("nap").is_err(), "it runs");
        assert!(children.halt("nap") && children.runs("nap"));
        assert!(children.signal("nap", Signal::TERM));
        assert!(ended(&mut children, "nap"), "a halted process must end too");
        assert!(!children.halt("nap") && !children.go_on("nap"));
        let second = children.start_again("nap").unwrap();
        assert_ne!(first, second);
        assert!(children.halt("nap") && children.go_on("nap"));
        assert!(children.signal("nap", Signal::KILL) && ended(&mut children, "nap"));
        assert!(children.start_again("other").is_err(), "never started");
    }
}
