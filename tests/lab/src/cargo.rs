//! cargo as a child of a program that cargo itself started. Such a program inherits what cargo says
//! of *its* package; build scripts that look at it (ring's) would run anew, and with them every crate
//! that needs TLS would be compiled anew, at each change between the outer and the inner cargo.

use std::env;
use std::ffi::OsStr;
use std::process::Command;

/// What cargo tells the programs that it runs about their own package: names, and beginnings of names.
const OF_A_PACKAGE: [&str; 4] = [
    "CARGO_CRATE_NAME",
    "CARGO_PRIMARY_PACKAGE",
    "CARGO_TARGET_TMPDIR",
    "OUT_DIR",
];
const OF_A_PACKAGE_BEGIN: [&str; 3] = ["CARGO_BIN_", "CARGO_MANIFEST_", "CARGO_PKG_"];

/// cargo, the same one that built this program where it says so, as if called from a shell.
#[must_use]
pub fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os().filter(|(name, _)| of_a_package(name)) {
        command.env_remove(name);
    }
    command
}

fn of_a_package(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    OF_A_PACKAGE.contains(&&*name)
        || OF_A_PACKAGE_BEGIN
            .iter()
            .any(|begin| name.starts_with(begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inner_cargo_hears_nothing_of_the_outer_package() {
        // This test was started by cargo: there is something to hide.
        assert!(env::var_os("CARGO_PKG_NAME").is_some());
        let command = cargo();
        let hidden: Vec<_> = command
            .get_envs()
            .filter(|(_, value)| value.is_none())
            .map(|(name, _)| name.to_string_lossy().into_owned())
            .collect();
        for name in ["CARGO_PKG_NAME", "CARGO_MANIFEST_DIR"] {
            assert!(hidden.iter().any(|one| one == name), "{name}: {hidden:?}");
        }
        for name in ["CARGO_HOME", "CARGO_TARGET_DIR", "PATH"] {
            assert!(!of_a_package(OsStr::new(name)), "{name}");
        }
    }
}
