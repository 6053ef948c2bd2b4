//! Manifests as they are written: files, folders of YAML files, and standard input, each with several
//! documents. Not here: what they mean.

use anyhow::{Context as _, bail};
use serde_json::Value;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Largest file that is read.
const BYTES_MAX: u64 = 16 << 20;
/// Most files of a folder that are read.
const FILES_MAX: usize = 1000;

/// The files that are named, and the YAML files of folders that are.
///
/// # Errors
/// A folder that cannot be read, or holds too many files.
pub fn files(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for path in paths {
        let shown = path.display();
        if !path.is_dir() {
            all.push(path.clone());
            continue;
        }
        let mut inside = Vec::new();
        for entry in std::fs::read_dir(path).with_context(|| format!("read {shown}"))? {
            let file = entry.with_context(|| format!("read {shown}"))?.path();
            let yaml = file.extension().is_some_and(|e| e == "yaml" || e == "yml");
            if yaml && file.is_file() {
                inside.push(file);
            }
        }
        inside.sort();
        all.extend(inside);
    }
    if all.len() > FILES_MAX {
        bail!(
            "-f names {} files, more than the {FILES_MAX} that are read",
            all.len()
        );
    }
    Ok(all)
}

/// The documents of a file; `-` is standard input.
///
/// # Errors
/// A file that cannot be read, is too large, or is no YAML.
pub fn documents(path: &Path) -> anyhow::Result<Vec<Value>> {
    let shown = path.display();
    if path == Path::new("-") {
        let mut text = String::new();
        let read = std::io::stdin().lock().take(BYTES_MAX + 1);
        let size = { read }
            .read_to_string(&mut text)
            .context("read standard input")?;
        if u64::try_from(size).is_ok_and(|size| size > BYTES_MAX) {
            bail!("standard input has more than the {BYTES_MAX} bytes that are read");
        }
        return parse(&text).context("standard input is no YAML");
    }
    let size = std::fs::metadata(path)
        .with_context(|| format!("read {shown}"))?
        .len();
    if size > BYTES_MAX {
        bail!("{shown} has {size} bytes, more than the {BYTES_MAX} that are read");
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("read {shown}"))?;
    parse(&text).with_context(|| format!("{shown} is no YAML"))
}

fn parse(text: &str) -> anyhow::Result<Vec<Value>> {
    Ok(serde_saphyr::from_multiple(text)?)
}
