//! What becomes of a plan, by example.

use super::*;
use crate::testing;
use pinisi_planner::Memory;
use pinisi_planner::memory::{Drain, WorkloadMemory};

fn world(subject: WorkloadSubject, home: u32, cloud: u32) -> Checked {
    let mut checked = Checked::default();
    checked
        .world
        .workloads
        .insert(testing::id(), testing::workload(home, cloud));
    checked.workloads.insert(testing::id(), subject);
    checked
        .sites
        .insert(SiteName::new("home"), testing::site(SiteKind::OnPrem));
    checked
        .sites
        .insert(SiteName::new("cloud"), testing::site(SiteKind::Cloud));
    checked.sovereign.have = Some(checked.sovereign.want.clone());
    checked
}

fn planned(decision: Decision) -> Plan {
    Plan {
        budgets: Default::default(),
        at: testing::at(0),
        workloads: [(testing::id(), decision)].into(),
        sites: BTreeMap::new(),
        memory: Memory::default(),
    }
}

fn writes(checked: &Checked, plan: &Plan) -> Vec<Write> {
    derive(
        checked,
        plan,
        &BTreeMap::new(),
        &mut Ledgers::default(),
        Instant::now(),
    )
}

fn words(checked: &Checked, plan: &Plan) -> Vec<&'static str> {
    writes(checked, plan)
        .iter()
        .map(|write| write.kind.word())
        .collect()
}

fn with_sibling(replicas: i32) -> WorkloadSubject {
    let mut subject = testing::subject();
    subject.has_finalizer = true;
    subject
        .siblings
        .insert(SiteName::new("cloud"), testing::sibling(replicas));
    subject
}

#[test]
fn overflow_raises_home_and_makes_a_sibling_with_its_finalizer() {
    let checked = world(testing::subject(), 3, 0);
    let plan = planned(testing::decision(
        (5, 3),
        (2, 0),
        vec![],
        vec![testing::step("home", 3, 5), testing::step("cloud", 0, 2)],
    ));
    let writes = writes(&checked, &plan);
    assert_eq!(writes.len(), 2);
    assert!(matches!(&writes[0].kind, WriteKind::Scale { to, .. } if to.get() == 5));
    let WriteKind::ApplySibling {
        body,
        create,
        finalizer_for,
    } = &writes[1].kind
    else {
        panic!("{writes:?}")
    };
    assert!(*create && finalizer_for.as_deref() == Some("hw"));
    assert_eq!(body["metadata"]["name"], "web-cloud");
}

#[test]
fn no_decrease_before_its_workloads_increase() {
    let checked = world(with_sibling(4), 3, 4);
    let both = vec![testing::step("home", 3, 7), testing::step("cloud", 4, 0)];
    assert_eq!(
        writes(
            &checked,
            &planned(testing::decision((7, 3), (0, 4), vec![], both))
        )
        .len(),
        1
    );
    let one = vec![testing::step("cloud", 4, 0)];
    assert_eq!(
        words(
            &checked,
            &planned(testing::decision((3, 3), (0, 4), vec![], one))
        ),
        ["scale"]
    );
}

#[test]
fn an_empty_sibling_goes_but_not_in_a_drain_and_not_with_pods() {
    let settled = || planned(testing::decision((3, 3), (0, 0), vec![], vec![]));
    assert_eq!(
        words(&world(with_sibling(0), 3, 0), &settled()),
        ["sibling_delete"]
    );
    assert!(
        words(&world(with_sibling(0), 3, 1), &settled()).is_empty(),
        "a pod is still there"
    );
    let mut draining = settled();
    let drain = Drain {
        from: SiteName::new("cloud"),
        to: SiteName::new("home"),
        moving: Replicas::ZERO,
        since: testing::at(0),
    };
    let memory: &mut WorkloadMemory = draining.memory.workloads.entry(testing::id()).or_default();
    memory.decisions.drain = Some(drain);
    assert!(
        words(&world(with_sibling(0), 3, 0), &draining).is_empty(),
        "a drain is under way"
    );
}

#[test]
fn the_finalizer_goes_with_the_last_sibling() {
    let mut subject = testing::subject();
    subject.has_finalizer = true;
    let checked = world(subject, 3, 0);
    assert_eq!(
        words(
            &checked,
            &planned(testing::decision((3, 3), (0, 0), vec![], vec![]))
        ),
        ["finalizer_drop"]
    );
    assert!(
        words(
            &checked,
            &planned(testing::decision((3, 3), (1, 0), vec![], vec![]))
        )
        .is_empty(),
        "one is to be made"
    );
}

#[test]
fn a_template_reaches_the_sibling_after_the_targets_roll_out_with_its_count_kept() {
    let mut subject = with_sibling(4);
    subject
        .siblings
        .values_mut()
        .for_each(|sibling| sibling.digest = "old".into());
    let settled = planned(testing::decision((3, 3), (4, 4), vec![], vec![]));
    let written = writes(&world(subject.clone(), 3, 4), &settled);
    assert!(
        matches!(&written[..], [Write { kind: WriteKind::ApplySibling { body, create: false, .. }, .. }] if body["spec"]["replicas"] == 4)
    );
    let mut rolling = subject;
    if let Some(parts) = rolling
        .target
        .as_mut()
        .and_then(|target| target.deployment.as_mut())
    {
        std::sync::Arc::make_mut(parts).rolled_out = false;
    }
    assert!(words(&world(rolling, 3, 4), &settled).is_empty());
}

#[test]
fn observe_and_paused_write_nothing() {
    for mode in [Mode::Observe, Mode::Paused] {
        let mut subject = with_sibling(0);
        (subject.mode, subject.adopt_replicas) = (mode, true);
        let plan = planned(testing::decision((5, 3), (0, 0), vec![], vec![]));
        assert!(words(&world(subject, 3, 0), &plan).is_empty(), "{mode:?}");
    }
}

#[test]
fn a_sensitive_sibling_is_never_made_off_sovereign_ground() {
    let mut subject = testing::subject();
    subject.class = Class::Sensitive;
    let plan = planned(testing::decision(
        (3, 3),
        (2, 0),
        vec![],
        vec![testing::step("cloud", 0, 2)],
    ));
    assert!(words(&world(subject, 3, 0), &plan).is_empty());
}

#[test]
fn nothing_is_made_in_place_of_a_sibling_that_is_going() {
    let mut subject = with_sibling(0);
    subject
        .siblings
        .values_mut()
        .for_each(|sibling| sibling.deleting = true);
    let plan = planned(testing::decision(
        (3, 3),
        (2, 0),
        vec![],
        vec![testing::step("cloud", 0, 2)],
    ));
    assert!(words(&world(subject, 3, 0), &plan).is_empty());
}

#[test]
fn the_count_is_taken_over_once_as_the_sum_of_what_runs() {
    let mut subject = with_sibling(4);
    subject.adopt_replicas = true;
    let plan = planned(testing::decision((3, 3), (4, 4), vec![], vec![]));
    assert!(
        matches!(&writes(&world(subject, 3, 4), &plan)[..], [Write { kind: WriteKind::AdoptReplicas { to, .. }, .. }] if to.get() == 7)
    );
}

#[test]
fn a_workload_that_stands_still_is_not_written() {
    let checked = world(with_sibling(4), 3, 4);
    assert!(
        words(
            &checked,
            &planned(testing::decision((3, 3), (4, 4), vec![], vec![]))
        )
        .is_empty()
    );
}
