//! Terminal or not, colour or not, and writing that survives a closed pipe.

use crate::args::Output;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use std::io::{self, IsTerminal as _, Write as _};

/// Exit code where the answer could not be found at all.
pub const EXIT_NOT_CHECKED: u8 = 2;

/// Columns of a terminal from which on cells are wrapped; below, long lines read better.
const NARROWEST: u16 = 80;

/// Where the output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Screen {
    /// A person's terminal, not a pipe or a file.
    pub terminal: bool,
    /// Colours are welcome.
    pub colour: bool,
}

impl Screen {
    /// Asks standard output and `NO_COLOR`.
    #[must_use]
    pub fn of_stdout() -> Self {
        Self::of(io::stdout().is_terminal())
    }

    /// Asks standard error and `NO_COLOR`.
    #[must_use]
    pub fn of_stderr() -> Self {
        Self::of(io::stderr().is_terminal())
    }

    fn of(terminal: bool) -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            terminal,
            colour: terminal && !refused,
        }
    }
}

/// Writes text as it is.
///
/// # Errors
/// Standard output is closed or full.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// One document for machines; as text it is JSON too.
///
/// # Errors
/// Never in practice: documents hold text and numbers only.
pub fn document<T: Serialize>(value: &T, output: Output) -> anyhow::Result<String> {
    match output {
        Output::Yaml => Ok(serde_saphyr::to_string(value)?),
        Output::Json | Output::Text | Output::Junit => {
            Ok(serde_json::to_string_pretty(value)? + "\n")
        }
    }
}

/// True where the reader has gone away, as `| head` does: no error of ours.
#[must_use]
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

/// An empty table without lines, as kubectl's are; wrapped only on a terminal.
#[must_use]
pub fn table(screen: Screen, header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_header(header.iter().copied());
    let wide = table.width().is_some_and(|columns| columns >= NARROWEST);
    if screen.terminal && wide {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    if !screen.terminal {
        table.force_no_tty();
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}
