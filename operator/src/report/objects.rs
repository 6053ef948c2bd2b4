//! Status of Sites and SignalSources: what check counted, with conditions.

use super::conditions::{Said, problems};
use super::{remote_site, stable};
use crate::check::problem::Problem;
use crate::checked::{Connection, PolicySubject, PolicyViolations, SiteSubject, SourceSubject};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use pinisi_crds::{SignalSourceStatus, SiteStatus, SovereigntyPolicyStatus};

/// A Site's status.
#[must_use]
pub fn site(subject: &SiteSubject, old: &SiteStatus, now: Timestamp) -> SiteStatus {
    let SiteStatus {
        observed_generation: _,
        nodes,
        allocatable,
        cluster,
        conditions: _,
    } = subject.status_now.clone();
    let moved = nodes != old.nodes || allocatable != old.allocatable || cluster != old.cluster;
    let fine = ("NodesReady", format!("{nodes} nodes are Ready"));
    let conditions = match &subject.connection {
        Connection::Nodes => two(
            &old.conditions,
            &subject.problems,
            fine,
            subject.generation,
            moved,
            now,
        ),
        Connection::Remote(remote) => {
            let said = remote_site::conditions(subject, remote);
            let fresh = stable::conditions(&old.conditions, said, subject.generation, moved, now);
            stable::over(&old.conditions, fresh)
        }
    };
    SiteStatus {
        observed_generation: Some(subject.generation),
        nodes,
        allocatable,
        cluster,
        conditions,
    }
}

/// A SignalSource's status. Errors of its queries are problems of `Ready`, not of the spec.
#[must_use]
pub fn source(
    subject: &SourceSubject,
    old: &SignalSourceStatus,
    now: Timestamp,
) -> SignalSourceStatus {
    let SignalSourceStatus {
        observed_generation: _,
        queries,
        gateways,
        conditions: _,
    } = subject.status_now.clone();
    let moved = queries != old.queries || gateways != old.gateways;
    let failing: Vec<_> = queries
        .iter()
        .filter_map(|query| Some(format!("query {}: {}", query.name, query.error.as_ref()?)))
        .collect();
    let fine = ("Answering", "every query is answered".to_owned());
    let mut conditions = two(
        &old.conditions,
        &subject.problems,
        fine,
        subject.generation,
        moved,
        now,
    );
    if subject.problems.iter().all(|problem| !problem.blocks()) && !failing.is_empty() {
        let said = vec![Said::new("Ready", false, "QueryFailed", failing.join("; "))];
        conditions = stable::over(
            &conditions,
            stable::conditions(&old.conditions, said, subject.generation, moved, now),
        );
    }
    SignalSourceStatus {
        observed_generation: Some(subject.generation),
        queries,
        gateways,
        conditions,
    }
}

/// A SovereigntyPolicy's status.
#[must_use]
pub fn policy(
    subject: &PolicySubject,
    old: &SovereigntyPolicyStatus,
    now: Timestamp,
) -> SovereigntyPolicyStatus {
    let count = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    let (namespaces, nodes) = (count(subject.namespaces), count(subject.nodes));
    let violations = count(subject.violations.count);
    let moved = namespaces != old.namespaces
        || nodes != old.nodes
        || violations != old.violations
        || subject.laws != old.laws;
    let fine = (
        "Guarding",
        format!("{namespaces} Sensitive namespaces, {nodes} nodes"),
    );
    let mut conditions = two(
        &old.conditions,
        &subject.problems,
        fine,
        subject.generation,
        moved,
        now,
    );
    let said = vec![violated(&subject.violations)];
    conditions.extend(stable::conditions(
        &old.conditions,
        said,
        subject.generation,
        moved,
        now,
    ));
    SovereigntyPolicyStatus {
        observed_generation: Some(subject.generation),
        namespaces,
        nodes,
        laws: subject.laws.clone(),
        violations,
        conditions,
    }
}

fn violated(violations: &PolicyViolations) -> Said {
    let PolicyViolations { count, first } = violations;
    match first {
        None => Said::new(
            "Violated",
            false,
            "NothingSeen",
            "nothing is seen where it may not be",
        ),
        Some(first) => Said::new(
            "Violated",
            true,
            "ViolationsOpen",
            format!(
                "{count} where they may not be; kubectl get sovereigntyviolations shows them. First: {first}"
            ),
        ),
    }
}

/// Ready and Stalled, from problems.
pub(super) fn two(
    old: &[Condition],
    list: &[Problem],
    (reason, message): (&str, String),
    generation: i64,
    moved: bool,
    now: Timestamp,
) -> Vec<Condition> {
    let blocking = list.iter().find(|problem| problem.blocks());
    let said = match (blocking, list.first()) {
        (Some(first), _) => {
            let text = problems(list);
            vec![
                Said::new("Ready", false, first.reason(), text.clone()),
                Said::new("Stalled", true, first.reason(), text),
            ]
        }
        // A warning does not stall anything, but this is where people look.
        (None, Some(warning)) => {
            vec![
                Said::new("Ready", true, reason, message),
                Said::new("Stalled", false, warning.reason(), problems(list)),
            ]
        }
        (None, None) => vec![
            Said::new("Ready", true, reason, message),
            Said::new("Stalled", false, "Sound", "nothing needs a person"),
        ],
    };
    stable::conditions(old, said, generation, moved, now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use pinisi_crds::signal_source::{GatewayStatus, QueryStatus};
    use pinisi_planner::model::site::SiteKind;

    #[test]
    fn a_site_that_stands_still_keeps_its_status() {
        let mut subject = testing::site(SiteKind::OnPrem);
        subject.status_now.nodes = 3;
        let first = site(&subject, &SiteStatus::default(), testing::at(0));
        assert_eq!(site(&subject, &first, testing::at(60)), first);
        subject.status_now.nodes = 2;
        let second = site(&subject, &first, testing::at(61));
        assert_eq!(second.conditions[0].message, "2 nodes are Ready");
    }

    #[test]
    fn a_failing_query_is_not_ready_and_says_which() {
        let mut subject = SourceSubject {
            uid: "u".into(),
            generation: 1,
            status_now: SignalSourceStatus::default(),
            status: SignalSourceStatus::default(),
            newest_sample: None,
            problems: vec![],
        };
        subject.status_now.queries.push(QueryStatus {
            name: "q".into(),
            series: 0,
            error: Some("bad".into()),
        });
        let first = source(&subject, &SignalSourceStatus::default(), testing::at(0));
        assert_eq!(
            (
                first.conditions[0].status.as_str(),
                first.conditions[0].message.as_str()
            ),
            ("False", "query q: bad")
        );
        assert_eq!(source(&subject, &first, testing::at(9)), first);
    }

    #[test]
    fn a_gateway_that_fails_is_a_warning_first_and_then_not_ready() {
        let failing = |lost| Problem::GatewayFailing {
            address: "http://gw/".into(),
            reason: "HttpStatus",
            error: "HTTP status 503".into(),
            lost,
        };
        let mut subject = SourceSubject {
            uid: "u".into(),
            generation: 1,
            status_now: SignalSourceStatus::default(),
            status: SignalSourceStatus::default(),
            newest_sample: None,
            problems: vec![failing(false)],
        };
        let states = |status: &SignalSourceStatus| -> Vec<String> {
            let word = |c: &Condition| format!("{}={} {}", c.type_, c.status, c.reason);
            status.conditions.iter().map(word).collect()
        };
        let held = source(&subject, &SignalSourceStatus::default(), testing::at(0));
        assert_eq!(
            states(&held),
            ["Ready=True Answering", "Stalled=False HttpStatus"]
        );
        subject.problems = vec![failing(true)];
        subject.status_now.gateways.push(GatewayStatus {
            address: "http://gw/".into(),
            ..GatewayStatus::default()
        });
        let lost = source(&subject, &held, testing::at(60));
        assert_eq!(
            states(&lost),
            ["Ready=False HttpStatus", "Stalled=True HttpStatus"]
        );
        assert_eq!(lost.gateways.len(), 1);
        assert_eq!(source(&subject, &lost, testing::at(61)), lost);
    }
}
