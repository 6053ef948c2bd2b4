//! Processes by identity: a pid together with its start time, so that a pid
//! that was given to somebody else is never signalled. Nothing here looks a
//! process up by name.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal};
use serde::{Deserialize, Serialize};

/// One process, told apart from a later one with the same pid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessId {
    /// Process number.
    pub pid: i32,
    /// Start time in clock ticks since boot, from `/proc/PID/stat`.
    pub start_ticks: u64,
    /// Which boot of the machine: ticks start again at each.
    pub boot_id: String,
}

impl ProcessId {
    /// The identity of the process that has this pid now.
    #[must_use]
    pub fn of(pid: u32) -> Option<Self> {
        let pid = i32::try_from(pid).ok()?;
        let (_, start_ticks) = read_stat(pid)?;
        Some(Self {
            pid,
            start_ticks,
            boot_id: boot_id(),
        })
    }

    /// Whether this very process still runs (a zombie does not).
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.boot_id == boot_id()
            && read_stat(self.pid)
                .is_some_and(|(state, start)| start == self.start_ticks && !is_dead(state))
    }

    /// CPU time that this very process has used, in user and in kernel mode, to
    /// the clock tick (10 ms); `None` when it is gone.
    #[must_use]
    pub fn cpu_time(&self) -> Option<Duration> {
        if !self.is_alive() {
            return None;
        }
        let line = fs::read_to_string(format!("/proc/{}/stat", self.pid)).ok()?;
        let ticks = parse_cpu_ticks(&line)?;
        let a_second = rustix::param::clock_ticks_per_second();
        let milliseconds = ticks.saturating_mul(1_000).checked_div(a_second)?;
        // Read after: whoever had the pid while the line was read has it still.
        self.is_alive().then(|| Duration::from_millis(milliseconds))
    }

    /// Sends a signal to this very process; `false` when it is gone.
    ///
    /// # Errors
    /// When the kernel refuses the signal.
    pub fn signal(&self, signal: Signal) -> io::Result<bool> {
        let Some(pid) = Pid::from_raw(self.pid) else {
            return Ok(false);
        };
        // The descriptor pins whoever has the pid now; checked after it is open,
        // the identity cannot change before the signal is sent.
        let descriptor = match rustix::process::pidfd_open(pid, PidfdFlags::empty()) {
            Ok(descriptor) => descriptor,
            Err(rustix::io::Errno::SRCH) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        if !self.is_alive() {
            return Ok(false);
        }
        match rustix::process::pidfd_send_signal(&descriptor, signal) {
            Ok(()) => Ok(true),
            Err(rustix::io::Errno::SRCH) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

fn is_dead(state: char) -> bool {
    matches!(state, 'Z' | 'X' | 'x')
}

fn read_stat(pid: i32) -> Option<(char, u64)> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// State letter and start time out of a `/proc/PID/stat` line. The program's
/// name stands in brackets and may itself hold spaces and brackets.
fn parse_stat(line: &str) -> Option<(char, u64)> {
    const START_TIME_AFTER_NAME: usize = 19;
    let (_, rest) = line.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?.chars().next()?;
    let start = fields.nth(START_TIME_AFTER_NAME - 1)?.parse().ok()?;
    Some((state, start))
}

/// CPU time out of a `/proc/PID/stat` line: user and system, in clock ticks.
fn parse_cpu_ticks(line: &str) -> Option<u64> {
    const USER_TIME_AFTER_NAME: usize = 12;
    let (_, rest) = line.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(USER_TIME_AFTER_NAME - 1);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user.saturating_add(system))
}

fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|id| id.trim().to_owned())
        .unwrap_or_default()
}

/// Makes the command's process receive `signal` when the thread that starts it
/// ends, however it ends. Start it from a thread that lives long enough.
#[allow(unsafe_code)]
pub fn end_with_parent(command: &mut Command, signal: Signal) {
    let parent = rustix::process::getpid();
    // SAFETY: between fork and exec the closure only makes two system calls
    // (prctl, getppid); it allocates nothing and takes no lock.
    unsafe {
        command.pre_exec(move || {
            rustix::process::set_parent_process_death_signal(Some(signal))?;
            // The parent may have ended before the request above was made.
            if rustix::process::getppid() == Some(parent) {
                Ok(())
            } else {
                Err(io::Error::from_raw_os_error(
                    rustix::io::Errno::SRCH.raw_os_error(),
                ))
            }
        });
    }
}

/// Gives the command's process a session of its own: no terminal, so that
/// Ctrl-C in the starter's terminal does not reach it.
#[allow(unsafe_code)]
pub fn own_session(command: &mut Command) {
    // SAFETY: the closure makes one system call, setsid, and nothing else.
    unsafe {
        command.pre_exec(|| {
            rustix::process::setsid()?;
            Ok(())
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_line_with_brackets_and_spaces_in_the_name() {
        let line = "42 (a (b) c) S 1 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 100 200";
        assert_eq!(parse_stat(line), Some(('S', 987_654)));
        assert_eq!(parse_stat("42 (short) S 1 2"), None);
        assert_eq!(parse_stat(""), None);
    }

    #[test]
    fn cpu_time_is_of_both_modes_and_grows_with_work() {
        let line = "42 (a (b) c) S 1 42 42 0 -1 4194560 1 2 3 4 50 6 70 80 20 0 1 0 987654 100 200";
        assert_eq!(parse_cpu_ticks(line), Some(56));
        assert_eq!(parse_cpu_ticks("42 (short) S 1 2"), None);
        let me = ProcessId::of(std::process::id()).unwrap();
        let before = me.cpu_time().unwrap();
        let mut sum = 0_u64;
        while me.cpu_time().unwrap() < before + Duration::from_millis(30) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        let earlier = ProcessId {
            start_ticks: 1,
            ..me
        };
        assert_eq!(earlier.cpu_time(), None);
    }

    #[test]
    fn a_reused_pid_is_not_the_same_process() {
        let me = ProcessId::of(std::process::id()).unwrap();
        assert!(me.is_alive());
        let mut earlier = me.clone();
        earlier.start_ticks -= 1;
        assert!(!earlier.is_alive());
        assert!(
            !earlier.signal(Signal::KILL).unwrap(),
            "a stranger must not be signalled"
        );
        let other_boot = ProcessId {
            boot_id: "another".into(),
            ..me
        };
        assert!(!other_boot.is_alive());
    }

    #[test]
    fn signals_reach_the_child_and_then_say_it_is_gone() {
        let mut command = Command::new("sleep");
        command.arg("30");
        end_with_parent(&mut command, Signal::KILL);
        let mut child = command.spawn().unwrap();
        let id = ProcessId::of(child.id()).unwrap();
        assert!(id.signal(Signal::TERM).unwrap());
        child.wait().unwrap();
        assert!(!id.is_alive());
        assert!(!id.signal(Signal::TERM).unwrap());
    }

    #[test]
    fn a_child_ends_with_the_thread_that_started_it() {
        let (mut child, id) = std::thread::spawn(|| {
            let mut command = Command::new("sleep");
            command.arg("30");
            end_with_parent(&mut command, Signal::KILL);
            let child = command.spawn().unwrap();
            let id = ProcessId::of(child.id()).unwrap();
            (child, id)
        })
        .join()
        .unwrap();
        let status = child.wait().unwrap();
        assert!(!status.success());
        assert!(!id.is_alive());
    }
}
