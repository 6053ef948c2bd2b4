//! Progress of long work, on standard error: a line a step, and while it waits what for. And the
//! one question that is asked before anything is written.

use crate::output::Screen;
use anyhow::{Result, bail};
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// Time between two looks at the cluster while waiting.
pub const POLL: Duration = Duration::from_millis(500);
/// Where there is no terminal, what is waited for is said again after this time.
const SAY_AGAIN: Duration = Duration::from_secs(15);
/// Goes to the start of the line and clears it.
const OVER: &str = "\r\u{1b}[2K";

/// Says how far it is.
pub struct Progress {
    terminal: bool,
    waiting: Option<(String, Instant)>,
}

impl Progress {
    /// On standard error.
    pub fn new() -> Self {
        Self {
            terminal: io::stderr().is_terminal(),
            waiting: None,
        }
    }

    /// One line that stays.
    pub fn say(&mut self, line: &str) {
        let over = self.over();
        eprintln!("{over}{line}");
        self.waiting = None;
    }

    /// What is waited for: on a terminal one line that moves, elsewhere a line when it changes.
    pub fn wait(&mut self, what: &str, since: Instant) {
        let seconds = since.elapsed().as_secs();
        if self.terminal {
            let over = self.over();
            eprint!("{over}  ... {what} ({seconds} s)");
            let _ = io::stderr().flush();
            self.waiting = Some((what.to_owned(), Instant::now()));
            return;
        }
        let known = self
            .waiting
            .as_ref()
            .is_some_and(|(before, at)| before == what && at.elapsed() < SAY_AGAIN);
        if !known {
            eprintln!("  ... {what} ({seconds} s)");
            self.waiting = Some((what.to_owned(), Instant::now()));
        }
    }

    fn over(&self) -> &'static str {
        if self.terminal && self.waiting.is_some() {
            OVER
        } else {
            ""
        }
    }
}

/// Asks a person; `yes` answers for one who is not there.
///
/// # Errors
/// Nobody can be asked and `--yes` was not given.
pub fn agreed(question: &str, yes: bool) -> Result<bool> {
    if yes {
        return Ok(true);
    }
    if !io::stdin().is_terminal() || !Screen::of_stdout().terminal {
        bail!(
            "nobody is here to answer {question:?}: look with --dry-run, then say --yes; nothing was written"
        );
    }
    eprint!("{question} [y/N] ");
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes" | "Yes"))
}
