//! Snapshots, their classes and contents, and backups: S21, S22, P08.

use crate::conformance::attempt::{Attempt, Request, Target, Wanted};
use crate::conformance::case::{Case, Level, Way};
use crate::conformance::fixtures::CANARY;
use crate::conformance::ground::Ground;
use crate::conformance::objects::{
    ABROAD, ABROAD_DRIVER, GROUP_SNAPSHOT, SNAPSHOT, SnapshotKind, backup, labelled,
};
use crate::conformance::outcome::Skip;
use serde_json::json;

/// These.
pub const CASES: &[Case] = &[
    Case {
        id: "S21",
        level: Level::Silver,
        bypasses: &["B30"],
        title: "a snapshot of a class abroad, or brought in",
        way: Way::Requests(snapshots),
    },
    Case {
        id: "S22",
        level: Level::Silver,
        bypasses: &["B30"],
        title: "a backup to a location abroad",
        way: Way::Requests(backups),
    },
    Case {
        id: "P08",
        level: Level::Silver,
        bypasses: &["B30"],
        title: "a lawful snapshot class that leads elsewhere",
        way: Way::Requests(classes),
    },
];

fn snapshots(ground: &Ground) -> Vec<Attempt> {
    let one = of_kind(ground, "G25", "one claim", SNAPSHOT);
    let many = of_kind(ground, "G28", "a group of claims", GROUP_SNAPSHOT);
    [one, many].concat()
}

fn of_kind(ground: &Ground, rule: &'static str, of: &str, kind: SnapshotKind) -> Vec<Attempt> {
    let snapshots = || kind.target(0).within(&ground.canaries.sensitive);
    let lawful = ground.snapshot_class().map(|(class, _)| class);
    let made = |class: Option<&str>| Request::create(snapshots(), kind.snapshot("attempt", class));
    let change = |spec| Request::merge(snapshots().named(CANARY), json!({"spec": spec}));
    vec![
        Attempt::refused(rule, format!("{of}: of a class that no policy names"), made(Some(ABROAD))),
        Attempt::refused(rule, format!("{of}: of no class"), made(None)),
        Attempt::refused(
            rule,
            format!("{of}: one of a class abroad changed"),
            Request::merge(snapshots().named(CANARY), labelled()),
        ),
        Attempt::new(
            rule,
            format!("{of}: brought in from elsewhere"),
            Wanted::Refused,
            lawful.map(|class| Request::create(snapshots(), kind.brought_in("attempt", class))),
        ),
        Attempt::new(
            rule,
            format!("{of}: one that is there turned into one brought in"),
            Wanted::RefusedWhereReached("/spec/source"),
            lawful.map(|class| {
                change(json!({kind.fields[0]: class, "source": {kind.fields[1]: "pinisi-conformance-nowhere"}}))
            }),
        ),
        Attempt::new(
            rule,
            format!("{of}: of a lawful class"),
            Wanted::Passed,
            lawful.map(|class| made(Some(class))),
        ),
        Attempt::new(
            rule,
            format!("{of}: one that is there put into a lawful class"),
            Wanted::Passed,
            lawful.map(|class| change(json!({kind.fields[0]: class}))),
        ),
    ]
}

/// Classes and contents of both kinds.
fn classes(ground: &Ground) -> Vec<Attempt> {
    let lawful = ground.snapshot_class();
    let mut attempts = Vec::new();
    for kind in [SNAPSHOT, GROUP_SNAPSHOT] {
        let of = |which: usize| kind.kinds.get(which).copied().unwrap_or_default();
        let class =
            |name: &str, driver: &str| Request::create(kind.target(2), kind.class(name, driver));
        let content = |class: &str, driver: &str| {
            Request::create(
                kind.target(1),
                kind.content(
                    "pinisi-conformance-attempt",
                    class,
                    driver,
                    &ground.canaries.mass,
                ),
            )
        };
        let there = || kind.target(1).named(&ground.canaries.cluster_name());
        let refused =
            |rule, name: String, request| Attempt::new(rule, name, Wanted::Refused, request);
        let passed =
            |rule, name: String, request| Attempt::new(rule, name, Wanted::Passed, request);
        attempts.extend([
            refused(
                "G26",
                format!("{}: made anew with another driver", of(2)),
                lawful.map(|(name, _)| class(name, ABROAD_DRIVER)),
            ),
            refused(
                "G26",
                format!("{}: its driver changed", of(2)),
                lawful.map(|(name, _)| {
                    Request::merge(kind.target(2).named(name), json!({"driver": ABROAD_DRIVER}))
                }),
            ),
            passed(
                "G26",
                format!("{}: with its own driver", of(2)),
                lawful.map(|(name, driver)| class(name, driver)),
            ),
            passed(
                "G26",
                format!("{}: any other", of(2)),
                Ok(class("pinisi-conformance-attempt", ABROAD_DRIVER)),
            ),
            refused(
                "G29",
                format!("{}: of another driver", of(1)),
                lawful.map(|(name, _)| content(name, ABROAD_DRIVER)),
            ),
            refused(
                "G29",
                format!("{}: one abroad put into a lawful class", of(1)),
                lawful.map(|(name, _)| {
                    Request::merge(there(), json!({"spec": {kind.fields[0]: name}}))
                }),
            ),
            passed(
                "G29",
                format!("{}: of the class's own driver", of(1)),
                lawful.map(|(name, driver)| content(name, driver)),
            ),
            passed(
                "G29",
                format!("{}: one abroad, changed", of(1)),
                Ok(Request::merge(there(), labelled())),
            ),
        ]);
    }
    attempts
}

fn backups(ground: &Ground) -> Vec<Attempt> {
    let location = ground
        .allowed
        .backup_locations
        .first()
        .ok_or(Skip::NothingAllowed);
    let mut attempts = Vec::new();
    for (kind, resource) in [("Backup", "backups"), ("Schedule", "schedules")] {
        let target = || Target::of("velero.io", "v1", resource).within(&ground.canaries.mass);
        let made = |location: &str| Request::create(target(), backup("attempt", kind, location));
        let moved = |location: &str| {
            Request::merge(
                target().named(CANARY),
                json!({"spec": backup("", kind, location)["spec"]}),
            )
        };
        attempts.extend([
            Attempt::new(
                "G27",
                format!("{kind}: abroad"),
                Wanted::Refused,
                location.map(|_| made(ABROAD)),
            ),
            Attempt::new(
                "G27",
                format!("{kind}: to no location"),
                Wanted::Refused,
                location.map(|_| made("")),
            ),
            Attempt::new(
                "G27",
                format!("{kind}: moved abroad"),
                Wanted::Refused,
                location.map(|_| moved(ABROAD)),
            ),
            Attempt::new(
                "G27",
                format!("{kind}: to a lawful location"),
                Wanted::Passed,
                location.map(|lawful| made(lawful)),
            ),
            Attempt::new(
                "G27",
                format!("{kind}: changed, and left where it is"),
                Wanted::Passed,
                location.map(|lawful| moved(lawful)),
            ),
        ]);
    }
    attempts
}
