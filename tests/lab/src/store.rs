//! Reading a lab's etcd directly: the proof that something is in a cluster or
//! is not, whatever its API server says. Nothing here writes.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::base64;

/// Keys of one request; a page of large objects stays under etcd's own limits.
const PAGE: usize = 200;
const TIMEOUT: Duration = Duration::from_secs(30);
/// Everything that Kubernetes keeps stands under this key.
pub const KUBERNETES: &str = "/registry/";

/// The etcd of one lab.
#[derive(Debug, Clone)]
pub struct Store {
    url: String,
    data: PathBuf,
}

/// One key and what it holds now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Such as `/registry/secrets/shop/token`.
    pub key: String,
    /// The object as the API server wrote it: protobuf, or JSON for custom resources.
    pub value: Vec<u8>,
}

/// What a search went through and what it found. Nothing found proves something
/// only if something was read: look at both.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// Keys, or files, that were read.
    pub read: usize,
    /// Bytes of keys and values, or of files.
    pub bytes: usize,
    /// Those that hold what was looked for.
    pub found: Vec<String>,
}

#[derive(Deserialize)]
struct Page {
    header: Header,
    #[serde(default)]
    kvs: Vec<Pair>,
    #[serde(default)]
    more: bool,
}

#[derive(Deserialize)]
struct Header {
    revision: String,
}

#[derive(Deserialize)]
struct Pair {
    key: String,
    #[serde(default)]
    value: String,
}

impl Store {
    pub(crate) fn new(url: &str, data: PathBuf) -> Self {
        Self {
            url: url.to_owned(),
            data,
        }
    }

    /// All keys that begin so, with their values, as they were at one moment.
    ///
    /// # Errors
    /// When etcd does not answer, or not as expected.
    pub async fn read(&self, prefix: &str) -> Result<Vec<Entry>> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(TIMEOUT)
            .build()?;
        let end = base64::encode(&after(prefix.as_bytes()));
        let mut from = prefix.as_bytes().to_vec();
        let mut revision: Option<String> = None;
        let mut entries = Vec::new();
        loop {
            let mut question =
                json!({"key": base64::encode(&from), "range_end": end, "limit": PAGE});
            if let Some(revision) = &revision {
                question["revision"] = Value::from(revision.clone());
            }
            let answer = http
                .post(format!("{}/v3/kv/range", self.url))
                .body(question.to_string())
                .send()
                .await
                .context("etcd does not answer")?;
            let (status, text) = (answer.status(), answer.text().await?);
            ensure!(status.is_success(), "etcd refused to be read: {status}");
            let Page {
                header: Header { revision: now },
                kvs,
                more,
            } = serde_json::from_str(&text).context("not an answer of etcd")?;
            for Pair { key, value } in kvs {
                let key = base64::decode(&key)?;
                // The next page begins right after this key.
                from.clone_from(&key);
                from.push(0);
                entries.push(Entry {
                    key: String::from_utf8_lossy(&key).into_owned(),
                    value: base64::decode(&value)?,
                });
            }
            if !more {
                return Ok(entries);
            }
            revision.get_or_insert(now);
        }
    }

    /// Looks for these bytes, and for their base64, in everything that Kubernetes
    /// keeps now, keys and values.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub async fn search(&self, needle: &[u8]) -> Result<Search> {
        let forms = forms(needle)?;
        let mut search = Search::default();
        for Entry { key, value } in self.read(KUBERNETES).await? {
            search.read += 1;
            search.bytes += key.len() + value.len();
            if holds(key.as_bytes(), &forms) || holds(&value, &forms) {
                search.found.push(key);
            }
        }
        Ok(search)
    }

    /// The same in etcd's files: its log and its database, and with them what was
    /// deleted or overwritten since the lab began.
    ///
    /// # Errors
    /// When the files cannot be read.
    pub fn search_files(&self, needle: &[u8]) -> Result<Search> {
        let forms = forms(needle)?;
        let mut search = Search::default();
        look(&self.data, &forms, &mut search)?;
        Ok(search)
    }
}

fn look(folder: &Path, forms: &[Vec<u8>], search: &mut Search) -> Result<()> {
    let unreadable = || format!("cannot read {}", folder.display());
    for entry in fs::read_dir(folder).with_context(unreadable)? {
        let path = entry.with_context(unreadable)?.path();
        if path.is_dir() {
            look(&path, forms, search)?;
            continue;
        }
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            // etcd renames and removes its own files as it goes.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        search.read += 1;
        search.bytes += bytes.len();
        if holds(&bytes, forms) {
            search.found.push(path.display().to_string());
        }
    }
    Ok(())
}

/// The first key after all that begin so.
fn after(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return end;
        }
    }
    // etcd's word for "to the last key".
    vec![0]
}

/// The needle itself, and how it looks within base64: once for each way in which
/// it can stand in a group of three bytes, without the digits that also hold
/// bits of its neighbours. So up to two bytes at either end are not compared
/// there: that can find too much, never too little.
fn forms(needle: &[u8]) -> Result<Vec<Vec<u8>>> {
    const SHORTEST: usize = 8;
    const GROUP: usize = 3;
    ensure!(
        needle.len() >= SHORTEST,
        "look for {SHORTEST} bytes or more: fewer are found by chance"
    );
    let mut forms = vec![needle.to_vec()];
    for before in 0..GROUP {
        let skipped = (GROUP - before) % GROUP;
        let whole = (needle.len() - skipped) / GROUP * GROUP;
        let inner = needle.get(skipped..skipped + whole).unwrap_or_default();
        forms.push(base64::encode(inner).into_bytes());
    }
    Ok(forms)
}

fn holds(hay: &[u8], needles: &[Vec<u8>]) -> bool {
    needles.iter().any(|needle| {
        let first = needle.first().copied().unwrap_or_default();
        let mut rest = hay;
        // Most bytes are not the first one: skip over them quickly.
        while let Some(at) = rest.iter().position(|byte| *byte == first) {
            rest = rest.get(at..).unwrap_or_default();
            if rest.starts_with(needle) {
                return true;
            }
            rest = rest.get(1..).unwrap_or_default();
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_ends_right_after_its_prefix() {
        assert_eq!(after(b"/registry/"), b"/registry0");
        assert_eq!(after(&[b'a', 0xff]), b"b");
        assert_eq!(after(&[0xff, 0xff]), [0]);
        assert_eq!(after(b""), [0]);
    }

    #[test]
    fn a_needle_is_found_in_plain_and_in_base64_wherever_it_stands() {
        let canary = b"canary-7f3a9c";
        let forms = forms(canary).unwrap();
        for before in ["", "x", "xy", "xyz"] {
            for after in ["", "1", "12"] {
                let text = [before.as_bytes(), canary, after.as_bytes()].concat();
                assert!(holds(&text, &forms));
                let wrapped = format!("{{\"data\":\"{}\"}}", base64::encode(&text));
                assert!(holds(wrapped.as_bytes(), &forms), "{wrapped}");
            }
        }
        assert!(!holds(b"canary-7f3a9d canary-7f3a9 canary", &forms));
        assert!(!holds(base64::encode(b"canary-8f3a9c").as_bytes(), &forms));
    }

    #[test]
    fn too_few_bytes_are_refused() {
        assert!(forms(b"short").is_err());
    }

    #[test]
    fn files_are_searched_in_all_folders() {
        let temp = tempfile::tempdir().unwrap();
        fs::create_dir(temp.path().join("wal")).unwrap();
        fs::write(temp.path().join("wal/0"), b"..canary-7f3a9c..").unwrap();
        fs::write(temp.path().join("db"), b"nothing").unwrap();
        let store = Store::new("http://127.0.0.1:1", temp.path().to_owned());
        let search = store.search_files(b"canary-7f3a9c").unwrap();
        assert_eq!((search.read, search.found.len()), (2, 1));
        assert!(
            store
                .search_files(b"canary-0000000")
                .unwrap()
                .found
                .is_empty()
        );
        let gone = Store::new("http://127.0.0.1:1", temp.path().join("gone"));
        assert!(
            gone.search_files(b"canary-7f3a9c").is_err(),
            "no data is no proof"
        );
    }
}
