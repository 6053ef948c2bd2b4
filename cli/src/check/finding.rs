//! What a check says: a status, an object, words, and a hint.

use serde::Serialize;

/// Objects named by one check; the rest is counted. A list that scrolls away helps nobody.
const MAX_NAMED: usize = 20;

/// A check: its id never changes its meaning.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// For example PN001.
    pub id: &'static str,
    /// What should be so.
    pub title: &'static str,
}

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it should be.
    Ok,
    /// Works, but look at it.
    Warn,
    /// Broken or unlawful.
    Fail,
    /// Could not be looked at.
    Skip,
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The check's id.
    pub id: &'static str,
    /// The check's title.
    pub title: &'static str,
    /// How it went.
    pub status: Status,
    /// The object, for example `HybridWorkload shop/web`.
    pub object: Option<String>,
    /// What was found.
    pub message: String,
    /// A command to run or a field to change.
    pub hint: Option<String>,
}

/// How many findings of each status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Findings that are ok.
    pub ok: usize,
    /// Findings to look at.
    pub warn: usize,
    /// Findings that are broken or unlawful.
    pub fail: usize,
    /// Checks that could not be made.
    pub skip: usize,
}

/// All findings so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// All of them, in the order in which they were found.
    pub fn all(&self) -> &[Finding] {
        &self.0
    }

    /// True where at least one failed.
    pub fn any_failed(&self) -> bool {
        self.summary().fail > 0
    }

    /// Counts by status.
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        for finding in &self.0 {
            match finding.status {
                Status::Ok => summary.ok += 1,
                Status::Warn => summary.warn += 1,
                Status::Fail => summary.fail += 1,
                Status::Skip => summary.skip += 1,
            }
        }
        summary
    }

    /// Starts a check. End it with [`Verdict::or_ok`] or [`Verdict::skip`].
    pub fn check(&mut self, check: &'static Check) -> Verdict<'_> {
        Verdict {
            check,
            findings: self,
            named: 0,
            hidden: 0,
        }
    }
}

/// One check under way.
pub struct Verdict<'a> {
    check: &'static Check,
    findings: &'a mut Findings,
    named: usize,
    hidden: usize,
}

impl Verdict<'_> {
    /// Something is broken or unlawful.
    pub fn fail(
        &mut self,
        object: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.found(Status::Fail, object.into(), message.into(), hint.into());
    }

    /// Something works, but should be looked at.
    pub fn warn(
        &mut self,
        object: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.found(Status::Warn, object.into(), message.into(), hint.into());
    }

    /// Ends the check: ok with these words where nothing was found.
    pub fn or_ok(self, message: impl Into<String>) {
        if self.named == 0 {
            self.push(Status::Ok, None, message.into(), None);
        } else if self.hidden > 0 {
            let (status, hidden) = (self.worst(), self.hidden);
            self.push(status, None, format!("{hidden} more like these"), None);
        }
    }

    /// Ends the check: it could not be made.
    pub fn skip(self, why: impl Into<String>) {
        self.push(Status::Skip, None, why.into(), None);
    }

    fn found(&mut self, status: Status, object: String, message: String, hint: String) {
        self.named += 1;
        if self.named <= MAX_NAMED || (status == Status::Fail && self.worst() < Status::Fail) {
            self.push_ref(status, Some(object), message, Some(hint));
        } else {
            self.hidden += 1;
        }
    }

    /// The worst that this check has said.
    fn worst(&self) -> Status {
        let own = self
            .findings
            .0
            .iter()
            .filter(|finding| finding.id == self.check.id);
        own.map(|finding| finding.status)
            .max()
            .unwrap_or(Status::Ok)
    }

    fn push(
        mut self,
        status: Status,
        object: Option<String>,
        message: String,
        hint: Option<String>,
    ) {
        self.push_ref(status, object, message, hint);
    }

    fn push_ref(
        &mut self,
        status: Status,
        object: Option<String>,
        message: String,
        hint: Option<String>,
    ) {
        let Check { id, title } = *self.check;
        self.findings.0.push(Finding {
            id,
            title,
            status,
            object,
            message,
            hint,
        });
    }
}

/// The values of all, or why the first that is missing could not be read.
macro_rules! known {
    ($verdict:ident, $($seen:expr),+ $(,)?) => {
        ($(match &$seen {
            Ok(value) => value,
            Err(why) => return $verdict.skip(why.clone()),
        }),+)
    };
}
pub(super) use known;
