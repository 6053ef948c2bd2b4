//! From an answer of the API server to what became of an attempt. Pure.

use super::attempt::{Act, Attempt, Request, Wanted};
use super::outcome::{Outcome, Skip};
use serde_json::Value;
use std::collections::BTreeMap;

/// Longest part of an answer that is kept.
const ANSWER_MAX: usize = 400;
/// Names of policies that the API server reads from its own files end so.
const STATIC_SUFFIX: &str = ".static.k8s.io'";
/// How the server says that there is one of that name; it looks only when admission has passed.
const EXISTS: &str = "already exists";
/// What a refusal of the guard has before its rule's id.
const REFUSAL: &str = "pinisi ";

/// What the API server answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Yes, with this object.
    Yes(Value),
    /// No: code and words.
    No {
        /// HTTP status.
        code: u16,
        /// The server's words.
        message: String,
    },
    /// None that could be read.
    None(String),
}

impl Answer {
    /// One short line.
    #[must_use]
    pub fn line(&self) -> String {
        match self {
            Self::Yes(_) => "accepted".into(),
            Self::No { code, message } => format!("{code}: {}", short(message)),
            Self::None(why) => short(why),
        }
    }

    /// The rule of the guard that refused.
    #[must_use]
    pub fn rule(&self) -> Option<&str> {
        let Self::No { message, .. } = self else {
            return None;
        };
        // Where a policy refuses stands before its own words; nothing that a requester writes does.
        let (before, after) = message.split_once("denied request: ")?;
        if !before.contains("ValidatingAdmissionPolicy '") {
            return None;
        }
        let (rule, _) = after.strip_prefix(REFUSAL)?.split_once(':')?;
        Some(rule)
    }

    /// Whether the request was stopped before admission for want of rights.
    #[must_use]
    pub fn lacks_rights(&self) -> bool {
        matches!(self, Self::No { code: 401 | 403, message }
            if !message.contains("denied request") && message.contains(" cannot "))
    }

    /// Whether it is worth asking again.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Yes(_) => false,
            Self::None(_) => true,
            Self::No { code: 409, message } => !message.contains(EXISTS),
            Self::No { code, .. } => matches!(code, 429 | 500 | 502 | 504),
        }
    }
}

/// What the stamp is, and whether the server puts it on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// Labels of sovereign ground.
    pub labels: BTreeMap<String, String>,
    /// Whether the server has the kind that puts them on.
    pub served: bool,
}

/// What became of it.
#[must_use]
pub fn judge(attempt: &Attempt, request: &Request, answer: &Answer, stamp: &Stamp) -> Outcome {
    if let Answer::None(_) = answer {
        return Outcome::NoAnswer;
    }
    if passed_admission(request, answer) {
        return match attempt.wanted {
            Wanted::Passed => Outcome::Passed,
            Wanted::Refused => Outcome::LetThrough,
            Wanted::RefusedWhereReached(field) if dropped(answer, field) => {
                Outcome::Skipped(Skip::Unreachable)
            }
            Wanted::RefusedWhereReached(_) => Outcome::LetThrough,
            Wanted::RefusedStatically => Outcome::Skipped(Skip::NotGuaranteed),
            Wanted::Stamped if stamped(answer, stamp) => Outcome::Passed,
            Wanted::Stamped => Outcome::Unstamped,
        };
    }
    if is_absent(request, answer) {
        return Outcome::Skipped(Skip::Absent);
    }
    let by_its_rule = answer.rule() == Some(attempt.rule);
    match attempt.wanted {
        Wanted::Refused | Wanted::RefusedWhereReached(_) if by_its_rule => Outcome::Refused,
        Wanted::RefusedWhereReached(_) if is_invalid(answer) => Outcome::Skipped(Skip::Unreachable),
        Wanted::Refused | Wanted::RefusedWhereReached(_) => Outcome::RefusedByOther,
        Wanted::Stamped if by_its_rule && !stamp.served => Outcome::Refused,
        Wanted::Stamped | Wanted::Passed => Outcome::LawfulRefused,
        Wanted::RefusedStatically => match answer {
            Answer::No { message, .. } if message.contains(STATIC_SUFFIX) => Outcome::Refused,
            Answer::No { .. } | Answer::Yes(_) | Answer::None(_) => Outcome::RefusedByOther,
        },
    }
}

/// Whether admission let it pass. Who connects to a pod that runs nowhere, or to a Service without
/// pods, is told so only behind admission.
fn passed_admission(request: &Request, answer: &Answer) -> bool {
    match (answer, &request.act) {
        (Answer::Yes(_), _) => true,
        (Answer::No { code, .. }, Act::Connect(_)) => matches!(code, 400 | 500 | 503),
        (Answer::No { code, message }, Act::Create(_)) => *code == 409 && message.contains(EXISTS),
        (Answer::No { .. } | Answer::None(_), _) => false,
    }
}

/// Whether the server's own definitions refuse it.
fn is_invalid(answer: &Answer) -> bool {
    matches!(answer, Answer::No { code: 422, .. })
}

/// Whether the server left this field out of what it took.
fn dropped(answer: &Answer, field: &str) -> bool {
    matches!(answer, Answer::Yes(object) if object.pointer(field).is_none())
}

/// Whether there is nothing to change. What is created never is.
fn is_absent(request: &Request, answer: &Answer) -> bool {
    let there = matches!(request.act, Act::Create(_) | Act::Connect(_));
    matches!(answer, Answer::No { code: 404, .. }) && !there
}

fn stamped(answer: &Answer, stamp: &Stamp) -> bool {
    let Answer::Yes(object) = answer else {
        return false;
    };
    let selector = &object["spec"]["nodeSelector"];
    !stamp.labels.is_empty()
        && stamp
            .labels
            .iter()
            .all(|(key, value)| selector[key].as_str() == Some(value))
}

fn short(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(ANSWER_MAX) {
        Some((end, _)) => format!("{}...", line.get(..end).unwrap_or_default()),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::attempt::Target;
    use serde_json::json;

    fn no(message: &str) -> Answer {
        Answer::No {
            code: 403,
            message: message.into(),
        }
    }

    fn of(wanted: Wanted, act: Act, answer: &Answer) -> Outcome {
        let request = Request::new(Target::core("pods"), act);
        let attempt = Attempt::new("G02", "x", wanted, Ok(request.clone()));
        let stamp = Stamp {
            labels: [("a/b".to_owned(), "c".to_owned())].into(),
            served: true,
        };
        judge(&attempt, &request, answer, &stamp)
    }

    const G02: &str = "pods \"x\" is forbidden: ValidatingAdmissionPolicy 'pinisi-guard-g02-pod-create' with binding 'pinisi-guard-g02-pod-create' denied request: pinisi G02: spec.nodeName";

    #[test]
    fn only_the_rule_that_is_named_counts() {
        let create = || Act::Create(json!({}));
        let wanted = |answer: &Answer| of(Wanted::Refused, create(), answer);
        assert_eq!(wanted(&no(G02)), Outcome::Refused);
        assert_eq!(
            wanted(&no(&G02.replace("pinisi G02", "pinisi G04"))),
            Outcome::RefusedByOther
        );
        assert_eq!(
            wanted(&no(
                "pods \"denied request: pinisi G02: \" is forbidden: exceeded quota"
            )),
            Outcome::RefusedByOther,
            "a name that looks like a refusal is none"
        );
        assert_eq!(wanted(&Answer::Yes(json!({}))), Outcome::LetThrough);
        assert_eq!(wanted(&Answer::None("reset".into())), Outcome::NoAnswer);
        let lawful = |answer: &Answer| of(Wanted::Passed, create(), answer);
        assert_eq!(lawful(&no(G02)), Outcome::LawfulRefused);
        assert_eq!(lawful(&Answer::Yes(json!({}))), Outcome::Passed);
    }

    #[test]
    fn a_stamp_is_seen_in_the_answer() {
        let stamped = |object: Value| {
            let answer = Answer::Yes(object);
            of(Wanted::Stamped, Act::Create(json!({})), &answer)
        };
        let on = json!({"spec": {"nodeSelector": {"a/b": "c", "d": "e"}}});
        assert_eq!(stamped(on), Outcome::Passed);
        let other = json!({"spec": {"nodeSelector": {"a/b": "other"}}});
        assert_eq!(stamped(other), Outcome::Unstamped);
        assert_eq!(stamped(json!({"spec": {}})), Outcome::Unstamped);
    }

    #[test]
    fn who_is_told_that_a_pod_runs_nowhere_has_passed_admission() {
        let nowhere = Answer::No {
            code: 400,
            message: "pod canary does not have a host assigned".into(),
        };
        let connect = |wanted| of(wanted, Act::Connect(""), &nowhere);
        assert_eq!(connect(Wanted::Refused), Outcome::LetThrough);
        assert_eq!(connect(Wanted::Passed), Outcome::Passed);
        let create = of(Wanted::Refused, Act::Create(json!({})), &nowhere);
        assert_eq!(
            create,
            Outcome::RefusedByOther,
            "elsewhere 400 is a slip of the case"
        );
    }

    #[test]
    fn what_a_server_drops_or_does_not_know_is_no_way_around() {
        let wanted = Wanted::RefusedWhereReached("/spec/a");
        let judged = |answer: &Answer| of(wanted, Act::Create(json!({})), answer);
        let yes = |object| Answer::Yes(object);
        assert_eq!(judged(&yes(json!({"spec": {"a": 1}}))), Outcome::LetThrough);
        let unreachable = Outcome::Skipped(Skip::Unreachable);
        assert_eq!(judged(&yes(json!({"spec": {}}))), unreachable);
        let invalid = Answer::No {
            code: 422,
            message: "is invalid".into(),
        };
        assert_eq!(judged(&invalid), unreachable);
        assert_eq!(judged(&no(G02)), Outcome::Refused);
        assert_eq!(judged(&no("exceeded quota")), Outcome::RefusedByOther);
    }

    #[test]
    fn want_of_rights_is_told_from_a_refusal() {
        assert!(no("pods is forbidden: User \"x\" cannot create resource").lacks_rights());
        assert!(!no(G02).lacks_rights());
        assert_eq!(no(G02).rule(), Some("G02"));
        let fixed = no("x is forbidden: ValidatingAdmissionPolicy 'a.static.k8s.io' denied");
        assert_eq!(
            of(Wanted::RefusedStatically, Act::Delete, &fixed),
            Outcome::Refused
        );
    }
}
