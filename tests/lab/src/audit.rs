//! Reading the API server's audit log: who asked for what, when, to the
//! microsecond. Requests are noted once, when they are answered; a watch also
//! when it begins.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom};
use std::path::PathBuf;

use anyhow::{Context, Result};
use jiff::Timestamp;
use serde::Deserialize;

/// The audit log of a lab.
#[derive(Debug, Clone)]
pub struct AuditLog {
    path: PathBuf,
}

/// One request that the API server has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// Who asked.
    pub user: String,
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, …
    pub verb: String,
    /// API group; empty for the core one.
    pub group: String,
    /// Resource, such as `pods`; empty for paths that are none.
    pub resource: String,
    /// Subresource, such as `binding`, or empty.
    pub subresource: String,
    /// Namespace, or empty.
    pub namespace: String,
    /// Object's name, or empty.
    pub name: String,
    /// The request's path and query.
    pub uri: String,
    /// The program that asked, by its own word.
    pub user_agent: String,
    /// HTTP status of the answer.
    pub code: u16,
    /// `ResponseComplete`, `ResponseStarted` (a watch begins) or `Panic`.
    pub stage: String,
    /// When the request came.
    pub received: Timestamp,
    /// When this stage was reached: for `ResponseComplete`, the answer was sent.
    pub reached: Timestamp,
}

/// Which events to read; a field that is empty lets all through.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Exactly this user, such as `system:serviceaccount:pinisi-system:pinisi`.
    pub user: Option<String>,
    /// One of these verbs.
    pub verbs: Vec<String>,
    /// This resource.
    pub resource: Option<String>,
    /// This subresource; `Some("")` for none.
    pub subresource: Option<String>,
    /// This namespace.
    pub namespace: Option<String>,
    /// Received at this time or later.
    pub from: Option<Timestamp>,
    /// Received before this time.
    pub until: Option<Timestamp>,
    /// Also watches that begin (they are seen again when they end).
    pub with_started: bool,
}

impl AuditFilter {
    /// All events of one ServiceAccount.
    #[must_use]
    pub fn service_account(namespace: &str, name: &str) -> Self {
        Self {
            user: Some(format!("system:serviceaccount:{namespace}:{name}")),
            ..Self::default()
        }
    }

    /// The same, received from `from` until before `until`.
    #[must_use]
    pub fn between(mut self, from: Timestamp, until: Timestamp) -> Self {
        (self.from, self.until) = (Some(from), Some(until));
        self
    }

    fn lets_through(&self, event: &AuditEvent) -> bool {
        let Self {
            user,
            verbs,
            resource,
            subresource,
            namespace,
            from,
            until,
            with_started,
        } = self;
        let same = |wanted: &Option<String>, found: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == found)
        };
        same(user, &event.user)
            && (verbs.is_empty() || verbs.contains(&event.verb))
            && same(resource, &event.resource)
            && same(subresource, &event.subresource)
            && same(namespace, &event.namespace)
            && from.is_none_or(|from| event.received >= from)
            && until.is_none_or(|until| event.received < until)
            && (*with_started || event.stage != "ResponseStarted")
    }
}

impl AuditLog {
    /// The log at a path.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &PathBuf {
        &self.path
    }

    /// All events that pass, in the order of the file. A last line that is
    /// still being written is left out.
    ///
    /// # Errors
    /// When the file cannot be read or a whole line is not an event.
    pub fn read(&self, filter: &AuditFilter) -> Result<Vec<AuditEvent>> {
        let file = File::open(&self.path)
            .with_context(|| format!("cannot read {}", self.path.display()))?;
        let mut reader = BufReader::new(file);
        let mut line = String::new();
        let mut events = Vec::new();
        while reader.read_line(&mut line)? > 0 {
            if line.ends_with('\n') {
                let event = parse(&line).with_context(|| format!("not an audit event: {line}"))?;
                if filter.lets_through(&event) {
                    events.push(event);
                }
            }
            line.clear();
        }
        Ok(events)
    }
}

impl AuditLog {
    /// Reads on from where the log ends now.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn tail(&self) -> Result<AuditTail> {
        let file = File::open(&self.path);
        let end = file.and_then(|file| file.metadata());
        let end = end.with_context(|| format!("cannot read {}", self.path.display()))?;
        Ok(AuditTail {
            path: self.path.clone(),
            read: end.len(),
            within: end.len() > 0,
        })
    }
}

/// What is added to an audit log, piece by piece: for runs whose whole log would
/// be long to read again and again.
#[derive(Debug)]
pub struct AuditTail {
    path: PathBuf,
    read: u64,
    /// The place may be within a line that was being written.
    within: bool,
}

impl AuditTail {
    /// Passes on what was added since last time, of the lines that `wanted` lets
    /// through unread. A last line that is still being written comes next time.
    ///
    /// # Errors
    /// When the file cannot be read or a whole line is not an event.
    pub fn read(
        &mut self,
        wanted: impl Fn(&str) -> bool,
        mut pass: impl FnMut(AuditEvent),
    ) -> Result<()> {
        let file = File::open(&self.path)
            .with_context(|| format!("cannot read {}", self.path.display()))?;
        let mut reader = BufReader::new(file);
        if self.within {
            // The byte before says whether a line ends there.
            reader.seek(SeekFrom::Start(self.read - 1))?;
            let mut rest = Vec::new();
            let skipped = reader.read_until(b'\n', &mut rest)?;
            if !rest.ends_with(b"\n") {
                return Ok(());
            }
            self.read += u64::try_from(skipped)? - 1;
            self.within = false;
        } else {
            reader.seek(SeekFrom::Start(self.read))?;
        }
        let mut line = String::new();
        loop {
            line.clear();
            let length = reader.read_line(&mut line)?;
            if !line.ends_with('\n') {
                return Ok(());
            }
            self.read += u64::try_from(length)?;
            if wanted(&line) {
                pass(parse(&line).with_context(|| format!("not an audit event: {line}"))?);
            }
        }
    }
}

/// How many events there are of each kind that `kind` tells them by, such as
/// `|event| event.user.clone()`.
pub fn count_by<K: Ord>(
    events: &[AuditEvent],
    kind: impl Fn(&AuditEvent) -> K,
) -> BTreeMap<K, usize> {
    let mut counts = BTreeMap::new();
    for event in events {
        *counts.entry(kind(event)).or_default() += 1;
    }
    counts
}

impl AuditEvent {
    /// The program that asked, without its version and platform: the first word
    /// and the part after the last slash of `kube-controller-manager/v1.37.2
    /// (linux/amd64) kubernetes/abc/horizontal-pod-autoscaler`.
    #[must_use]
    pub fn program(&self) -> String {
        let first = self.user_agent.split('/').next().unwrap_or_default();
        let last = self.user_agent.rsplit('/').next().unwrap_or_default();
        if self.user_agent.contains(") ") && !last.contains(' ') {
            format!("{first}/{last}")
        } else {
            first.to_owned()
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    stage: String,
    #[serde(rename = "requestURI")]
    request_uri: String,
    verb: String,
    user: RawUser,
    #[serde(default)]
    user_agent: String,
    #[serde(default)]
    object_ref: RawObject,
    #[serde(default)]
    response_status: RawStatus,
    request_received_timestamp: Timestamp,
    stage_timestamp: Timestamp,
}

#[derive(Deserialize)]
struct RawUser {
    #[serde(default)]
    username: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawObject {
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
    api_group: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawStatus {
    code: u16,
}

fn parse(line: &str) -> Result<AuditEvent> {
    let Raw {
        stage,
        request_uri,
        verb,
        user: RawUser { username },
        user_agent,
        object_ref:
            RawObject {
                resource,
                subresource,
                namespace,
                name,
                api_group,
            },
        response_status: RawStatus { code },
        request_received_timestamp,
        stage_timestamp,
    } = serde_json::from_str(line)?;
    Ok(AuditEvent {
        user: username,
        verb,
        group: api_group,
        resource,
        subresource,
        namespace,
        name,
        uri: request_uri,
        user_agent,
        code,
        stage,
        received: request_received_timestamp,
        reached: stage_timestamp,
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const SCALE: &str = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"1","stage":"ResponseComplete","requestURI":"/apis/apps/v1/namespaces/shop/deployments/web/scale","verb":"patch","user":{"username":"system:serviceaccount:pinisi-system:pinisi","groups":["system:authenticated"]},"sourceIPs":["127.0.0.1"],"userAgent":"pinisi","objectRef":{"resource":"deployments","namespace":"shop","name":"web","apiGroup":"apps","apiVersion":"v1","subresource":"scale"},"responseStatus":{"metadata":{},"code":200},"requestReceivedTimestamp":"2026-01-02T03:04:05.000001Z","stageTimestamp":"2026-01-02T03:04:05.123456Z","annotations":{}}"#;
    const PATH: &str = r#"{"stage":"ResponseComplete","requestURI":"/readyz","verb":"get","user":{"username":"lab-admin"},"requestReceivedTimestamp":"2026-01-02T03:04:06.000000Z","stageTimestamp":"2026-01-02T03:04:06.000000Z"}"#;
    const WATCH: &str = r#"{"stage":"ResponseStarted","requestURI":"/api/v1/pods?watch=true","verb":"watch","user":{"username":"lab-admin"},"objectRef":{"resource":"pods"},"requestReceivedTimestamp":"2026-01-02T03:04:07.000000Z","stageTimestamp":"2026-01-02T03:04:07.000000Z"}"#;

    fn log(text: &str) -> (tempfile::NamedTempFile, AuditLog) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let path = file.path().to_owned();
        (file, AuditLog::at(path))
    }

    #[test]
    fn reads_times_to_the_microsecond() {
        let event = parse(SCALE).unwrap();
        assert_eq!(
            event.reached.as_microsecond() - event.received.as_microsecond(),
            123_455
        );
        assert_eq!(
            (
                event.resource.as_str(),
                event.subresource.as_str(),
                event.code
            ),
            ("deployments", "scale", 200)
        );
        assert_eq!(parse(PATH).unwrap().resource, "");
    }

    #[test]
    fn filters_and_leaves_out_the_unfinished_line() {
        let (_file, log) = log(&format!("{SCALE}\n{PATH}\n{WATCH}\n{{\"stage\":\"Resp"));
        let read = |filter: AuditFilter| log.read(&filter).unwrap().len();
        assert_eq!(read(AuditFilter::default()), 2);
        assert_eq!(
            read(AuditFilter {
                with_started: true,
                ..AuditFilter::default()
            }),
            3
        );
        assert_eq!(
            read(AuditFilter::service_account("pinisi-system", "pinisi")),
            1
        );
        assert_eq!(
            read(AuditFilter::service_account("pinisi-system", "other")),
            0
        );
        assert_eq!(
            read(AuditFilter {
                verbs: vec!["get".into()],
                ..AuditFilter::default()
            }),
            1
        );
        assert_eq!(
            read(AuditFilter {
                subresource: Some("scale".into()),
                ..AuditFilter::default()
            }),
            1
        );
        let from: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let until: Timestamp = "2026-01-02T03:04:06Z".parse().unwrap();
        assert_eq!(read(AuditFilter::default().between(from, until)), 1);
    }

    #[test]
    fn counts_by_user_and_by_program() {
        let (_file, log) = log(&format!("{SCALE}\n{SCALE}\n{PATH}\n"));
        let events = log.read(&AuditFilter::default()).unwrap();
        let users = count_by(&events, |event| event.user.clone());
        assert_eq!(users["system:serviceaccount:pinisi-system:pinisi"], 2);
        assert_eq!(users["lab-admin"], 1);
        let mut event = events[0].clone();
        assert_eq!(event.program(), "pinisi");
        let agent = "kube-controller-manager/v1.37.2 (linux/amd64) kubernetes/abc";
        event.user_agent = format!("{agent}/horizontal-pod-autoscaler");
        assert_eq!(
            event.program(),
            "kube-controller-manager/horizontal-pod-autoscaler"
        );
        event.user_agent = "kubectl/v1.37.2 (linux/amd64)".into();
        assert_eq!(event.program(), "kubectl");
    }

    #[test]
    fn a_tail_passes_on_each_new_line_once_and_whole() {
        let (mut file, log) = log(&format!("{SCALE}\n"));
        let half = PATH.len() / 2;
        file.write_all(&PATH.as_bytes()[..half]).unwrap();
        let mut tail = log.tail().unwrap();
        let mut next = || {
            let mut users = Vec::new();
            tail.read(
                |line| !line.contains("unwanted"),
                |event| users.push(event.user),
            )
            .unwrap();
            users
        };
        assert!(next().is_empty());
        // The line that was being written began before.
        file.write_all(&PATH.as_bytes()[half..]).unwrap();
        file.write_all(format!("\n{SCALE}\nunwanted\n{PATH}").as_bytes())
            .unwrap();
        assert_eq!(next(), ["system:serviceaccount:pinisi-system:pinisi"]);
        file.write_all(b"\n").unwrap();
        assert_eq!(next(), ["lab-admin"]);
        assert!(next().is_empty());
    }

    #[test]
    fn a_broken_line_is_an_error_not_a_smaller_count() {
        let (_file, log) = log("not json\n");
        assert!(log.read(&AuditFilter::default()).is_err());
    }
}
