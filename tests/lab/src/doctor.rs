//! What the lab needs from this machine, and how to get what is missing.

use std::process::Command;

use serde::Serialize;

use crate::cache::{Cache, Key};
use crate::compile::DISK_NEEDED_BYTES;
use crate::files::free_bytes;
use crate::programs::{ETCD, PROGRAMS};
use crate::{go, paths, ports};

/// How one check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Nothing to do.
    Ok,
    /// The lab works without it.
    Note,
    /// Something does not work without it.
    Missing,
}

/// One check.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// Stable name.
    pub id: &'static str,
    /// How it came out.
    pub outcome: Outcome,
    /// What was found.
    pub found: String,
    /// Which part needs it.
    pub needed_for: String,
    /// What to do; empty where there is nothing to do.
    pub fix: String,
}

/// Runs all checks.
#[must_use]
pub fn checks() -> Vec<Check> {
    let mut all = vec![
        system(),
        go_toolchain(),
        c_compiler(),
        tool("git", "fetching the repository", Outcome::Missing),
    ];
    all.extend([disk(), state_folder(), loopback()]);
    all.extend(programs());
    all.push(tool(
        "kubectl",
        "looking around in the lab by hand",
        Outcome::Note,
    ));
    all
}

fn check(id: &'static str, needed_for: &str, result: Result<String, (String, String)>) -> Check {
    let (outcome, found, fix) = match result {
        Ok(found) => (Outcome::Ok, found, String::new()),
        Err((found, fix)) => (Outcome::Missing, found, fix),
    };
    Check {
        id,
        outcome,
        found,
        needed_for: needed_for.to_owned(),
        fix,
    }
}

fn system() -> Check {
    let os = std::env::consts::OS;
    let result = if os == "linux" {
        Ok(format!("{os} {}", std::env::consts::ARCH))
    } else {
        Err((
            os.to_owned(),
            "run the lab on Linux (a virtual machine will do)".to_owned(),
        ))
    };
    check(
        "system",
        "everything: processes are bound to the lab by Linux's own means",
        result,
    )
}

fn go_toolchain() -> Check {
    let result =
        go::version(&ETCD.module_dir()).map_err(|error| (error.to_string(), String::new()));
    check("go", "building the lab's programs", result)
}

fn c_compiler() -> Check {
    let compiler = std::env::var("CC")
        .ok()
        .filter(|cc| !cc.is_empty())
        .unwrap_or_else(|| "cc".to_owned());
    let result = first_line(&compiler, "--version").ok_or_else(|| {
        (
            format!("{compiler} does not run"),
            "install one (Debian: `apt-get install gcc libc6-dev`)".to_owned(),
        )
    });
    check("c-compiler", "building the Rust TLS library", result)
}

fn tool(name: &'static str, needed_for: &str, if_missing: Outcome) -> Check {
    let argument = if name == "kubectl" {
        "version --client"
    } else {
        "--version"
    };
    match first_line(name, argument) {
        Some(found) => check(name, needed_for, Ok(found)),
        None => Check {
            id: name,
            outcome: if_missing,
            found: "not found".into(),
            needed_for: needed_for.into(),
            fix: format!("install {name}"),
        },
    }
}

fn first_line(program: &str, arguments: &str) -> Option<String> {
    let output = Command::new(program)
        .args(arguments.split(' '))
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout)
        .lines()
        .next()?
        .trim()
        .to_owned();
    output.status.success().then_some(text)
}

fn disk() -> Check {
    let result = paths::cache_dir()
        .map_err(|error| (error.to_string(), String::new()))
        .and_then(|dir| {
            let free = free_bytes(&dir).unwrap_or(0);
            let found = format!("{} GB free for {}", free >> 30, dir.display());
            if free >= DISK_NEEDED_BYTES {
                return Ok(found);
            }
            let fix = format!(
                "free {} GB, or set {} to a folder on another disk",
                DISK_NEEDED_BYTES >> 30,
                paths::CACHE_VARIABLE
            );
            Err((found, fix))
        });
    check("disk", "building the lab's programs", result)
}

fn state_folder() -> Check {
    let result = paths::state_root()
        .map_err(|error| (error.to_string(), String::new()))
        .and_then(|dir| {
            match crate::files::private_dir(&dir).and_then(|()| Ok(tempfile::tempfile_in(&dir)?)) {
                Ok(_) => Ok(dir.display().to_string()),
                Err(error) => Err((
                    format!("{error:#}"),
                    format!("set {} to a folder you can write to", paths::STATE_VARIABLE),
                )),
            }
        });
    check("state", "running a lab", result)
}

fn loopback() -> Check {
    let result = ports::hold(None, "a test", "--apiserver-port")
        .map(|port| format!("127.0.0.1 takes ports (tried {})", port.number()))
        .map_err(|error| {
            (
                error.to_string(),
                "bring the loopback interface up: `ip link set lo up`".to_owned(),
            )
        });
    check("loopback", "all programs speak over 127.0.0.1", result)
}

fn programs() -> Vec<Check> {
    let version = go::version(&ETCD.module_dir());
    let cache = paths::cache_dir().map(Cache::at);
    let mut all = Vec::new();
    for program in &PROGRAMS {
        let id = program.name;
        let built = match (&version, &cache) {
            (Ok(version), Ok(cache)) => Key::of(program, version)
                .ok()
                .and_then(|key| cache.find(program, &key)),
            _ => None,
        };
        all.push(match built {
            Some(path) => check(
                id,
                program.needed_for,
                Ok(format!("built: {}", path.display())),
            ),
            None => Check {
                id,
                outcome: Outcome::Note,
                found: "not built yet".into(),
                needed_for: program.needed_for.into(),
                fix: if program.on_demand {
                    "nothing: the first lab that asks for it builds it; `cargo lab build --all` does so now"
                } else {
                    "nothing: the first start builds it; `cargo lab build` does so now"
                }
                .into(),
            },
        });
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_that_finds_something_missing_says_what_to_do_or_why() {
        for check in checks() {
            assert!(
                !check.found.is_empty() && !check.needed_for.is_empty(),
                "{check:?}"
            );
            if check.outcome == Outcome::Missing && check.id != "go" {
                assert!(!check.fix.is_empty(), "{check:?}");
            }
        }
    }

    #[test]
    fn a_tool_that_is_not_there_is_missing() {
        let check = tool("no-such-program", "nothing", Outcome::Missing);
        assert_eq!(check.outcome, Outcome::Missing);
    }
}
