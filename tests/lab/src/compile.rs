//! Building the programs that the cache does not have, with progress, and
//! turning a failed build into one line that says what to do.

use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use crate::cache::{Cache, Key};
use crate::files::free_bytes;
use crate::process::end_with_parent;
use crate::programs::{ETCD, Program, Programs};
use crate::progress::{Progress, human};
use crate::spec::LabSpec;
use crate::{go, paths};

/// Free disk that a build from nothing wants: Go's build cache (6 GB), its
/// modules (4 GB) and the programs (0.4 GB).
pub const DISK_NEEDED_BYTES: u64 = 11 << 30;
const LINES_KEPT: usize = 12;
const POLL: Duration = Duration::from_millis(200);

/// Makes sure that the programs of this lab are built, and says where they are.
/// Blocks for about a quarter of an hour where nothing is built yet, for a
/// moment where all is. Call it from a thread that lives until it returns.
///
/// # Errors
/// One line: what is missing or failed, and what to do.
pub fn ensure_programs(spec: &LabSpec, progress: &Progress) -> Result<Programs> {
    let built = ensure(&Programs::needed(spec), progress)?;
    Programs::from_needed(built)
        .context("the list of programs changed; this is a defect of the lab")
}

/// The same for any programs: a path for each.
///
/// # Errors
/// As [`ensure_programs`].
pub fn ensure(programs: &[Program], progress: &Progress) -> Result<Vec<PathBuf>> {
    let cache = Cache::at(paths::cache_dir()?);
    let go_version = go::version(&ETCD.module_dir())?;
    let mut lock = None;
    let mut built = Vec::new();
    for (index, program) in programs.iter().enumerate() {
        let key = Key::of(program, &go_version)?;
        if lock.is_none() && cache.find(program, &key).is_none() {
            lock = Some(cache.lock(progress)?);
            enough_disk(&cache)?;
        }
        // Looked up again: another lab may have built it while we waited.
        let path = match cache.find(program, &key) {
            Some(path) => path,
            None => {
                let place = format!("{} of {}", index + 1, programs.len());
                build(program, &key, &cache, &place, progress)?
            }
        };
        built.push(path);
    }
    drop(lock);
    Ok(built)
}

fn enough_disk(cache: &Cache) -> Result<()> {
    if let Some(free) = free_bytes(cache.root())
        && free < DISK_NEEDED_BYTES
    {
        bail!(
            "{} GB free at {}; a build from nothing needs {} GB: free some, or set {} to a folder on another disk",
            free >> 30,
            cache.root().display(),
            DISK_NEEDED_BYTES >> 30,
            paths::CACHE_VARIABLE,
        );
    }
    Ok(())
}

fn build(
    program: &Program,
    key: &Key,
    cache: &Cache,
    place: &str,
    progress: &Progress,
) -> Result<PathBuf> {
    let name = program.name;
    progress.say(&format!(
        "building {name} ({place}), once; later starts find it in {}",
        cache.root().display()
    ));
    let started = Instant::now();
    let scratch = cache.scratch()?;
    let mut command = go::command(&program.module_dir());
    command
        .args(["build", "-v"])
        .args(program.build_flags())
        .arg("-o")
        .arg(scratch.path().join(name))
        .arg(program.package)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    // Go cleans up after itself on an interrupt.
    end_with_parent(&mut command, Signal::INT);
    let mut child = command.spawn().context("cannot run go")?;
    let output = child.stderr.take().map(lines_of);
    let mut last_lines = VecDeque::new();
    let mut packages = 0_usize;
    while let Some(lines) = &output {
        match lines.recv_timeout(POLL) {
            Ok(line) => {
                packages += usize::from(is_package(&line));
                last_lines.push_back(line);
                if last_lines.len() > LINES_KEPT {
                    last_lines.pop_front();
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        progress.tick(|| {
            format!(
                "  {name} ({place}): {packages} packages compiled, {}",
                human(started.elapsed())
            )
        });
    }
    let status = child.wait().context("lost sight of go build")?;
    if !status.success() {
        let said: Vec<String> = last_lines
            .into_iter()
            .filter(|line| !is_package(line))
            .collect();
        bail!("building {name} failed: {}", explain(&said));
    }
    let path = scratch.path().join(name);
    fs::metadata(&path).with_context(|| format!("go build left no {}", path.display()))?;
    let kept = cache.keep(program, key, scratch)?;
    progress.say(&format!(
        "built {name} ({place}) in {}",
        human(started.elapsed())
    ));
    Ok(kept)
}

fn lines_of(stderr: std::process::ChildStderr) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// `go build -v` prints the import path of each package that it compiles.
fn is_package(line: &str) -> bool {
    !line.is_empty() && !line.starts_with('#') && !line.contains([' ', '\t', ':'])
}

/// What a failed build's output means to the person who ran it.
fn explain(lines: &[String]) -> String {
    let text = lines.join("\n");
    let has = |needles: &[&str]| needles.iter().any(|needle| text.contains(needle));
    if has(&["no space left on device"]) {
        return format!(
            "the disk is full; free {} GB (`go clean -cache` gives back the compiler's own cache), then run the same command again",
            DISK_NEEDED_BYTES >> 30
        );
    }
    if has(&[
        "no such host",
        "i/o timeout",
        "connection refused",
        "network is unreachable",
        "proxyconnect",
        "TLS handshake timeout",
    ]) {
        return "Go cannot fetch its modules over the network (see `go env GOPROXY`); what was fetched is kept, so run the same command again when the network is back".to_owned();
    }
    if has(&["C compiler \"", "cgo: C compiler"]) {
        return "no C compiler; install one (Debian: `apt-get install gcc libc6-dev`, Fedora: `dnf install gcc`)".to_owned();
    }
    if has(&["signal: killed"]) {
        return "the machine ran out of memory; a build needs about 3 GB free: close something, then run the same command again".to_owned();
    }
    if text.trim().is_empty() {
        "go build ended without a word".to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(line: &str) -> String {
        explain(&[line.to_owned()])
    }

    #[test]
    fn failures_say_what_to_do() {
        assert!(explained("write /x: no space left on device").contains("disk is full"));
        assert!(explained("dial tcp: lookup host: no such host").contains("network"));
        assert!(
            explained("cgo: C compiler \"gcc\" not found: exec: \"gcc\"").contains("install one")
        );
        assert!(explained("compile: signal: killed").contains("memory"));
        assert_eq!(
            explained("main.go:3:1: syntax error"),
            "main.go:3:1: syntax error"
        );
    }

    #[test]
    fn tells_packages_from_messages() {
        assert!(is_package("k8s.io/api/core/v1"));
        assert!(is_package("fmt"));
        assert!(!is_package("go: downloading k8s.io/api v0.37.2"));
        assert!(!is_package("# pinisi.dev/lab/etcd"));
        assert!(!is_package("main.go:3:1:error"));
    }
}
