//! How a verb that writes ends, as a process and in words. Documented in each verb's help.

use crate::output::EXIT_NOT_CHECKED;
use serde::Serialize;
use std::process::ExitCode;

/// Exit code where an obstacle or a person said no: nothing was written.
const EXIT_REFUSED: u8 = 1;
/// Exit code where it stopped on the way: what serves goes on, the same command resumes.
const EXIT_STOPPED: u8 = 3;

/// How a verb ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Ending {
    /// Everything was done, or there was nothing to do.
    Done,
    /// Only shown.
    Shown,
    /// An obstacle, or a person's no: nothing was written.
    Refused,
    /// Stopped on the way. What serves goes on; the same command resumes.
    Stopped,
    /// Could not be read.
    Unread,
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Done | Ending::Shown => Self::SUCCESS,
            Ending::Refused => Self::from(EXIT_REFUSED),
            Ending::Unread => Self::from(EXIT_NOT_CHECKED),
            Ending::Stopped => Self::from(EXIT_STOPPED),
        }
    }
}
