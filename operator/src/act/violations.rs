//! Evidence of what is where it may not be: which SovereigntyViolations are to be made, renewed and
//! ended, and which pods to be evicted. Pure. Nothing here deletes one: that is for people, as is all that
//! becomes of claims and Services.

use super::write::{Key, Write, WriteKind};
use crate::checked::{NodePlace, Offender, OffenderKind, Place, Recorded, Violation, Violations};
use jiff::{SignedDuration, Timestamp, Unit};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use pinisi_crds::sovereignty_violation::{
    Evidence, SovereigntyViolationSpec, SovereigntyViolationStatus, ViolatingObject, ViolationPlace,
};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// SovereigntyViolations at most, ended ones included. What is beyond is counted and told, not written.
pub const RECORDED_MAX: usize = 500;
/// How often it is renewed that one lasts.
pub const SEEN_EVERY: SignedDuration = SignedDuration::from_hours(1);
/// Evictions in a minute at most, over all namespaces.
pub const EVICTIONS_PER_MINUTE: usize = 10;
/// Policies named in one.
const POLICIES_MAX: usize = 64;
/// Articles named in one.
const ARTICLES_MAX: usize = 8;
/// Longest message that is kept, in characters.
const MESSAGE_MAX: usize = 1000;

/// When pods were evicted in the last minute. Plain data of this process; may be lost.
#[derive(Debug, Default)]
pub struct Evictions {
    begun: VecDeque<(String, Instant)>,
}

impl Evictions {
    /// True where one more may begin, or where this one began already.
    fn pass(&mut self, name: &str, now: Instant) -> bool {
        while self
            .begun
            .front()
            .is_some_and(|(_, at)| now.saturating_duration_since(*at) >= Duration::from_secs(60))
        {
            self.begun.pop_front();
        }
        if self.begun.iter().any(|(begun, _)| begun == name) {
            return true;
        }
        let pass = self.begun.len() < EVICTIONS_PER_MINUTE;
        if pass {
            self.begun.push_back((name.to_owned(), now));
        }
        pass
    }
}

/// Every write that is due: evidence before eviction, one at a time for each object.
pub fn derive(
    violations: &Violations,
    evictions: &mut Evictions,
    at: Timestamp,
    now: Instant,
) -> Vec<Write> {
    let Violations {
        open,
        held,
        recorded,
    } = violations;
    let mut room = RECORDED_MAX.saturating_sub(recorded.len());
    let mut writes = Vec::new();
    for (name, violation) in open {
        let Some(there) = recorded.get(name) else {
            if room > 0 {
                room -= 1;
                let spec = Box::new(spec(violation, at));
                writes.push(write(
                    name,
                    "absent".into(),
                    WriteKind::ViolationOpen { spec },
                ));
            }
            continue;
        };
        if let Some(status) = renewed(&there.status, at) {
            writes.push(status_write(name, there, status));
        } else if evicts(violation)
            && there.status.evicted_at.is_none()
            && evictions.pass(name, now)
        {
            let kind = WriteKind::ViolationEvict {
                namespace: violation.object.namespace.to_string(),
                pod: violation.object.name.to_string(),
                pod_uid: violation.object.uid.clone(),
                uid: there.uid.clone(),
                refused: there.status.eviction_refused.clone(),
                at: whole(at),
            };
            writes.push(write(name, looks(there), kind));
        }
    }
    for (name, there) in recorded {
        // What nobody can see has not ended.
        let lasts = open.contains_key(name) || held.contains_key(name);
        if !lasts && there.status.ended_at.is_none() {
            let status = SovereigntyViolationStatus {
                ended_at: Some(Time(whole(at))),
                ..there.status.clone()
            };
            writes.push(status_write(name, there, status));
        }
    }
    writes
}

/// What is written once: all of the evidence but the object's own metadata, which is read then.
fn spec(violation: &Violation, at: Timestamp) -> SovereigntyViolationSpec {
    let Violation {
        rule,
        cause,
        object:
            Offender {
                kind,
                namespace,
                name,
                uid,
            },
        place,
        policies,
        law,
        notice_hours,
        evict: _,
    } = violation;
    let (place, evidence) = seen(place);
    let at = whole(at);
    let deadline = notice_hours.and_then(|hours| {
        let span = SignedDuration::from_hours(i64::from(hours));
        at.checked_add(span).ok()
    });
    SovereigntyViolationSpec {
        rule: *rule,
        cause: cause.word().to_owned(),
        message: violation.to_string().chars().take(MESSAGE_MAX).collect(),
        object: ViolatingObject {
            api_version: "v1".into(),
            kind: kind.name().into(),
            namespace: namespace.to_string(),
            name: name.to_string(),
            uid: uid.clone(),
            path: format!("{} {namespace}/{name}", kind.name()),
        },
        place,
        policies: policies.iter().take(POLICIES_MAX).cloned().collect(),
        detected_at: Time(at),
        notice_deadline: deadline.map(Time),
        law: law.iter().take(ARTICLES_MAX).cloned().collect(),
        evidence,
    }
}

/// The place as it is written, and what is evidence of it.
fn seen(place: &Place) -> (ViolationPlace, Evidence) {
    let mut written = ViolationPlace {
        words: Some(place.to_string()),
        ..ViolationPlace::default()
    };
    let mut evidence = Evidence::default();
    match place {
        Place::Node(NodePlace {
            node,
            site,
            jurisdiction,
            seen,
            attested,
        }) => {
            written.node = Some(node.to_string());
            written.site.clone_from(site);
            written.jurisdiction.clone_from(jurisdiction);
            evidence.node_seen.clone_from(seen);
            evidence.node_attested.clone_from(attested);
        }
        Place::Storage { class, volume } => {
            written.storage_class = Some(class.clone());
            written.volume = Some(volume.clone());
        }
        Place::Outside { exposed_by } => written.exposed_by = Some((*exposed_by).to_owned()),
    }
    (written, evidence)
}

/// True where it is to be evicted: a pod alone, which runs elsewhere then. Whoever took a claim away
/// would take its data, and a Service its callers.
const fn evicts(violation: &Violation) -> bool {
    match violation.object.kind {
        OffenderKind::Pod => violation.evict,
        OffenderKind::Claim | OffenderKind::Service => false,
    }
}

/// The status of one that lasts, where that is to be said anew.
fn renewed(old: &SovereigntyViolationStatus, at: Timestamp) -> Option<SovereigntyViolationStatus> {
    let fresh = old
        .last_seen_at
        .as_ref()
        .is_some_and(|seen| at.duration_since(seen.0) < SEEN_EVERY);
    (!fresh || old.ended_at.is_some()).then(|| SovereigntyViolationStatus {
        last_seen_at: Some(Time(whole(at))),
        ended_at: None,
        // Back after its end it may be evicted again.
        evicted_at: old.evicted_at.clone().filter(|_| old.ended_at.is_none()),
        eviction_refused: old.eviction_refused.clone(),
    })
}

fn status_write(name: &str, there: &Recorded, status: SovereigntyViolationStatus) -> Write {
    let kind = WriteKind::ViolationStatus {
        uid: there.uid.clone(),
        status: Box::new(status),
    };
    write(name, looks(there), kind)
}

fn looks(there: &Recorded) -> String {
    format!("{}/{:?}", there.uid, there.status)
}

fn write(name: &str, before: String, kind: WriteKind) -> Write {
    Write {
        key: Key::Violation(name.to_owned()),
        before,
        kind,
        sample: None,
    }
}

/// Whole seconds, as the API has times.
fn whole(at: Timestamp) -> Timestamp {
    at.round(Unit::Second).unwrap_or(at)
}

#[cfg(test)]
mod tests;
