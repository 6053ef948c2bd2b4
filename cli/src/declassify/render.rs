//! What `declassify` shows and asks, for people and for machines.

use crate::handover::Ending;
use crate::output::{Screen, table};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt as _;
use pinisi_crds::Declassification;
use pinisi_crds::declassification::Outcome;
use pinisi_crds::names::CLASS_MASS_TRAFFIC;
use serde::Serialize;

/// The JSON's name: fields are only ever added under it.
const FORMAT: &str = "pinisi-declassify/v1";

/// What is shown.
#[derive(Serialize, Debug)]
pub struct Shown<'a> {
    format: &'static str,
    requests: Vec<Line<'a>>,
    ending: Ending,
}

/// One request.
#[derive(Serialize, Debug)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    namespace: String,
    name: String,
    reason: &'a str,
    requested_by: &'a str,
    approved_by: Option<&'a str>,
    state: Option<&'a str>,
    message: Option<&'a str>,
    may_change_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    outcome: Option<Outcome>,
}

impl<'a> Line<'a> {
    fn of(request: &'a Declassification) -> Self {
        let status = request.status.as_ref();
        let ready = status.and_then(|s| s.conditions.iter().find(|c| c.type_ == "Ready"));
        let time = |at: Option<&Time>| at.map(|time| time.0);
        Self {
            namespace: request.namespace().unwrap_or_default(),
            name: request.name_any(),
            reason: &request.spec.reason,
            requested_by: &request.spec.requested_by,
            approved_by: status
                .and_then(|s| s.approval.as_ref())
                .map(|approval| approval.approved_by.as_str()),
            state: ready.map(|c| c.reason.as_str()),
            message: ready.map(|c| c.message.as_str()),
            may_change_at: time(status.and_then(|s| s.may_change_at.as_ref())),
            expires_at: time(status.and_then(|s| s.expires_at.as_ref())),
            outcome: status.and_then(|s| s.outcome),
        }
    }
}

impl<'a> Shown<'a> {
    /// Of these, and how it ended.
    pub fn of(requests: &'a [Declassification], ending: Ending) -> Self {
        Self {
            format: FORMAT,
            requests: requests.iter().map(Line::of).collect(),
            ending,
        }
    }

    /// For people.
    pub fn text(&self, screen: Screen) -> String {
        match (self.ending, self.requests.first()) {
            (Ending::Refused | Ending::Stopped | Ending::Unread, _) => {
                "nothing was written\n".into()
            }
            (Ending::Done, Some(line)) => done(line),
            (Ending::Done | Ending::Shown, None) => "nobody asked for any\n".into(),
            (Ending::Shown, Some(_)) => self.table(screen),
        }
    }

    fn table(&self, screen: Screen) -> String {
        let header = [
            "NAMESPACE",
            "NAME",
            "REQUESTED BY",
            "APPROVED BY",
            "STATE",
            "AT",
            "REASON",
        ];
        let mut table = table(screen, &header);
        for line in &self.requests {
            let at = line.may_change_at.or(line.expires_at);
            table.add_row([
                line.namespace.as_str(),
                &line.name,
                line.requested_by,
                line.approved_by.unwrap_or("-"),
                line.state.unwrap_or("-"),
                &at.map_or_else(|| "-".to_owned(), |at| at.to_string()),
                line.reason,
            ]);
        }
        format!("{table}\n")
    }
}

fn done(line: &Line<'_>) -> String {
    let Line {
        namespace, name, ..
    } = line;
    match line.approved_by {
        None => format!(
            "asked. Another person approves it: kubectl pinisi declassify approve {name} -n {namespace}\n"
        ),
        Some(_) => format!(
            "approved. The operator starts the cool-down when it sees this: kubectl pinisi declassify list -n {namespace}. To cancel: kubectl delete declassification {name} -n {namespace}\n"
        ),
    }
}

/// Before it is asked for.
pub fn question_of_request(namespace: &str, user: &str) -> String {
    format!(
        "Ask as {user} that namespace {namespace}, with all pods, Secrets, ConfigMaps and volumes in it, become {CLASS_MASS_TRAFFIC} and may leave sovereign ground?"
    )
}

/// Before it is approved: all that whoever approves must know.
pub fn question_of_approval(request: &Declassification, user: &str) -> String {
    let namespace = request.namespace().unwrap_or_default();
    let line = Line::of(request);
    let said = line.message.map_or_else(
        || "The operator has not seen it yet: the cool-down is that of its SovereigntyPolicies, or a day.".to_owned(),
        |message| format!("The operator says: {message}."),
    );
    format!(
        "{} asks that namespace {namespace} become {CLASS_MASS_TRAFFIC}: all pods, Secrets, ConfigMaps and volumes in it may then leave sovereign ground.\nReason: {}\n{said}\nDeleting it in its cool-down cancels it.\nApprove as {user}?",
        line.requested_by, line.reason
    )
}
