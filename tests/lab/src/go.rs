//! The user's Go: which one it is, and whether it is new enough.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, anyhow, bail};

/// The oldest Go that builds the modules.
pub const OLDEST: (u32, u32) = (1, 26);
/// Where Go is to be had.
const GET_GO: &str = "install Go 1.26 or newer from https://go.dev/dl";

/// A `go` command with an environment in which the user's own settings (work
/// files, vendoring flags) do not change the build.
#[must_use]
pub fn command(module: &Path) -> Command {
    let mut command = Command::new("go");
    command
        .current_dir(module)
        .env("GOFLAGS", "-mod=readonly")
        .env("GOWORK", "off")
        .env_remove("GOOS")
        .env_remove("GOARCH");
    command
}

/// The version line of the Go that would build the module, such as
/// `go version go1.26.8 linux/amd64`.
///
/// # Errors
/// One line that says what to install.
pub fn version(module: &Path) -> Result<String> {
    let output = command(module)
        .arg("version")
        .output()
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => anyhow!("Go is not installed; {GET_GO}"),
            _ => anyhow!("cannot run go: {error}"),
        })?;
    let line = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        bail!(
            "go version failed ({}); {GET_GO}",
            error.trim().lines().next().unwrap_or("no output")
        );
    }
    match parse(&line) {
        Some(found) if found >= OLDEST => Ok(line),
        Some((major, minor)) => bail!("Go {major}.{minor} is too old; {GET_GO}"),
        None => bail!("cannot read Go's version from {line:?}; {GET_GO}"),
    }
}

/// Major and minor number out of a version line.
fn parse(line: &str) -> Option<(u32, u32)> {
    let word = line
        .split_whitespace()
        .find_map(|word| word.strip_prefix("go1."))?;
    let minor: String = word.chars().take_while(char::is_ascii_digit).collect();
    Some((1, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_versions() {
        assert_eq!(parse("go version go1.26.8 linux/amd64"), Some((1, 26)));
        assert_eq!(parse("go version go1.27rc1 linux/amd64"), Some((1, 27)));
        assert_eq!(parse("go version devel +abc"), None);
        assert!(parse("go version go1.9 linux/amd64").unwrap() < OLDEST);
    }
}
