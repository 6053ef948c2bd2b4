//! `cargo lab`: see `commands/`.

use std::process::ExitCode;

fn main() -> ExitCode {
    pinisi_lab::commands::main()
}
