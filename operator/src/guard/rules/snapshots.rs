//! G25 to G29: snapshots, their classes and contents, and backups.

use super::super::cel::{GOING, or_empty, rule};
use super::super::rule::{Match, Rule, Scope, Tier, WRITES};

const SNAPSHOTS: &str = "snapshot.storage.k8s.io";
const GROUP_SNAPSHOTS: &str = "groupsnapshot.storage.k8s.io";
const NAMED: &str = "' + params.spec.terms.snapshotClasses.map(c, c).join(', ') + ' (SovereigntyPolicy spec.storage.snapshotClasses)'";

/// G25: a snapshot is of a lawful class, and of a claim of its namespace.
pub(super) fn snapshots() -> Rule {
    taken(
        "g25-snapshots",
        "G25",
        Match::new(SNAPSHOTS, "*", &["volumesnapshots"], WRITES),
        "volumeSnapshotClassName",
        "volumeSnapshotContentName",
    )
}

/// G28: the same of snapshots of a group of claims.
pub(super) fn group_snapshots() -> Rule {
    taken(
        "g28-groupsnapshots",
        "G28",
        Match::new(GROUP_SNAPSHOTS, "*", &["volumegroupsnapshots"], WRITES),
        "volumeGroupSnapshotClassName",
        "volumeGroupSnapshotContentName",
    )
}

fn taken(
    id: &'static str,
    rule_id: &'static str,
    matched: Match,
    class: &str,
    content: &str,
) -> Rule {
    let class_now = or_empty(&format!("object.spec.{class}"));
    Rule {
        id,
        matches: vec![matched],
        scope: Scope::Sensitive,
        tier: Tier::Terms,
        needs_inventory: true,
        validations: vec![
            rule(
                rule_id,
                format!("{class_now} in params.spec.terms.snapshotClasses || {GOING}"),
                &format!(
                    "'spec.{class} ' + {class_now} + ' is no class of Sensitive snapshots: use one of {NAMED}"
                ),
            ),
            rule(
                rule_id,
                format!(
                    "!has(object.spec.source) || !has(object.spec.source.{content}) || {GOING}"
                ),
                &format!(
                    "'spec.source.{content} brings in what was taken elsewhere: name a claim of this namespace'"
                ),
            ),
        ],
    }
}

/// G26: a lawful class keeps its driver.
pub(super) fn classes() -> Rule {
    Rule {
        id: "g26-snapshotclasses",
        matches: vec![
            Match::new(SNAPSHOTS, "*", &["volumesnapshotclasses"], WRITES),
            Match::new(
                GROUP_SNAPSHOTS,
                "*",
                &["volumegroupsnapshotclasses"],
                WRITES,
            ),
        ],
        scope: Scope::Everywhere,
        tier: Tier::Core,
        needs_inventory: true,
        validations: vec![rule(
            "G26",
            "!(object.metadata.name in params.spec.terms.snapshotClasses) || object.driver == params.spec.terms.snapshotClasses[object.metadata.name]",
            "object.kind + ' ' + object.metadata.name + ' holds Sensitive snapshots: its driver must be ' + params.spec.terms.snapshotClasses[object.metadata.name] + ', or change SovereigntyPolicy spec.storage.snapshotClasses first'",
        )],
    }
}

/// G29: the content of a lawful class is of its driver.
pub(super) fn contents() -> Rule {
    let lawful = |class: &str| {
        format!(
            "(!has(object.spec.{class}) || !(object.spec.{class} in params.spec.terms.snapshotClasses) || object.spec.driver == params.spec.terms.snapshotClasses[object.spec.{class}])"
        )
    };
    Rule {
        id: "g29-snapshotcontents",
        matches: vec![
            Match::new(SNAPSHOTS, "*", &["volumesnapshotcontents"], WRITES),
            Match::new(
                GROUP_SNAPSHOTS,
                "*",
                &["volumegroupsnapshotcontents"],
                WRITES,
            ),
        ],
        scope: Scope::Everywhere,
        tier: Tier::Core,
        needs_inventory: true,
        validations: vec![rule(
            "G29",
            format!(
                "{GOING} || ({} && {})",
                lawful("volumeSnapshotClassName"),
                lawful("volumeGroupSnapshotClassName")
            ),
            "object.kind + ' ' + object.metadata.name + ' is of a class of Sensitive snapshots, and not of its driver'",
        )],
    }
}

/// G27: once a policy names backup locations, backups name one of them.
pub(super) fn backups() -> Rule {
    // One kind has it in its template.
    let location = "(object.kind == 'Schedule' ? (has(object.spec.template) && has(object.spec.template.storageLocation) ? object.spec.template.storageLocation : '') : (has(object.spec.storageLocation) ? object.spec.storageLocation : ''))";
    Rule {
        id: "g27-backups",
        matches: vec![Match::new(
            "velero.io",
            "*",
            &["backups", "schedules"],
            WRITES,
        )],
        scope: Scope::Everywhere,
        tier: Tier::Core,
        needs_inventory: true,
        validations: vec![rule(
            "G27",
            format!(
                "params.spec.terms.backupLocations.size() == 0 || {location} in params.spec.terms.backupLocations || {GOING}"
            ),
            &format!(
                "object.kind + ' ' + object.metadata.name + ' would store what is Sensitive at location ' + {location} + ': use one of ' + params.spec.terms.backupLocations.join(', ') + ' (SovereigntyPolicy spec.storage.backupLocations)'"
            ),
        )],
    }
}
