//! What a person sees while the lab works: one living line on a terminal, and
//! plain lines with a heartbeat where there is none (a CI log).

use std::io::{IsTerminal as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Between two heartbeats where there is no terminal.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Between two redraws of the living line.
const REDRAW: Duration = Duration::from_millis(500);

/// Writes to standard error, or nowhere. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Progress(Option<Arc<Mutex<Screen>>>);

#[derive(Debug)]
struct Screen {
    terminal: bool,
    living: bool,
    last: Instant,
}

impl Progress {
    /// Says nothing: for tests.
    #[must_use]
    pub fn quiet() -> Self {
        Self(None)
    }

    /// Writes to standard error.
    #[must_use]
    pub fn stderr() -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self(Some(Arc::new(Mutex::new(Screen {
            terminal,
            living: false,
            last: Instant::now(),
        }))))
    }

    /// One finished line.
    pub fn say(&self, line: &str) {
        let Some(screen) = &self.0 else { return };
        let mut screen = screen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut out = std::io::stderr().lock();
        if screen.living {
            let _ = write!(out, "\r\x1b[K");
            screen.living = false;
        }
        let _ = writeln!(out, "{line}");
        screen.last = Instant::now();
    }

    /// How far something long has come; may be called as often as one likes.
    pub fn tick(&self, line: impl FnOnce() -> String) {
        let Some(screen) = &self.0 else { return };
        let mut screen = screen.lock().unwrap_or_else(PoisonError::into_inner);
        let pause = if screen.terminal { REDRAW } else { HEARTBEAT };
        if screen.last.elapsed() < pause {
            return;
        }
        screen.last = Instant::now();
        let mut out = std::io::stderr().lock();
        if screen.terminal {
            screen.living = true;
            let _ = write!(out, "\r\x1b[K{}", line());
        } else {
            let _ = writeln!(out, "{}", line());
        }
        let _ = out.flush();
    }
}

/// A duration as people write it: `8m37s`, `12s`, `0.4s`.
#[must_use]
pub fn human(duration: Duration) -> String {
    const MINUTE: u64 = 60;
    let seconds = duration.as_secs();
    if seconds >= MINUTE {
        format!("{}m{:02}s", seconds / MINUTE, seconds % MINUTE)
    } else if seconds >= 10 {
        format!("{seconds}s")
    } else {
        format!("{:.1}s", duration.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        assert_eq!(human(Duration::from_millis(400)), "0.4s");
        assert_eq!(human(Duration::from_secs(12)), "12s");
        assert_eq!(human(Duration::from_secs(517)), "8m37s");
    }
}
