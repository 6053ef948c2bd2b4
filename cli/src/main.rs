//! The program; all of it is in the library, so that tests can call what a person calls.

use std::process::ExitCode;

fn main() -> ExitCode {
    kubectl_pinisi::main()
}
