//! What becomes of a plan in another cluster, by example: through the whole of `writes::derive`.

use super::*;
use crate::act::ledgers::Ledgers;
use crate::act::writes::derive;
use crate::gather::facts::Edit;
use crate::gather::link::{Link, LinkFault};
use crate::refusals::Standing;
use crate::testing::{self, at, id, remote, remote_leg, remote_site};
use pinisi_crds::hybrid_workload::CarryKind;
use pinisi_planner::model::refusal::{Refusal, RefusalKind};
use pinisi_planner::model::site::SiteKind;
use pinisi_planner::{Decision, Memory, Plan};
use std::time::Duration;

fn cloud() -> SiteName {
    SiteName::new("cloud")
}

fn config(name: &str) -> CarryRef {
    CarryRef {
        kind: CarryKind::ConfigMap,
        name: name.into(),
    }
}

/// One workload with home here and a cloud in another cluster.
struct World {
    checked: Checked,
    ledgers: Ledgers,
    now: Instant,
}

impl World {
    fn new(there: Option<RemoteDeployment>) -> Self {
        let running = there.as_ref().map_or(0, |there| there.spec_replicas);
        let mut checked = Checked {
            hub: Some("hub-1".into()),
            ..Checked::default()
        };
        let mut subject = testing::subject();
        subject.has_finalizer = there.is_some();
        subject.remotes.insert(
            cloud(),
            RemoteLeg {
                empty: running == 0,
                ..remote_leg(there)
            },
        );
        let world = testing::workload(3, u32::try_from(running).unwrap());
        checked.world.workloads.insert(id(), world);
        checked.workloads.insert(id(), subject);
        let home = testing::site(SiteKind::OnPrem);
        checked.sites.insert(SiteName::new("home"), home);
        checked.sites.insert(cloud(), remote_site());
        checked.sovereign.have = Some(checked.sovereign.want.clone());
        let mut ledgers = Ledgers::default();
        let now = Instant::now();
        ledgers.due.guarded(cloud(), "cloud-uid".into(), now);
        Self {
            checked,
            ledgers,
            now,
        }
    }

    fn subject(&mut self) -> &mut WorkloadSubject {
        self.checked.workloads.get_mut(&id()).unwrap()
    }

    fn leg(&mut self) -> &mut RemoteLeg {
        self.subject().remotes.get_mut(&cloud()).unwrap()
    }

    fn there(&mut self) -> &mut RemoteDeployment {
        self.leg().deployment.as_mut().unwrap()
    }

    fn connection(&mut self) -> &mut RemoteConnection {
        match &mut self.checked.sites.get_mut(&cloud()).unwrap().connection {
            Connection::Remote(connection) => connection,
            Connection::Nodes => panic!("another cluster"),
        }
    }

    fn writes(&mut self, decision: Decision) -> Vec<Write> {
        let plan = Plan {
            budgets: Default::default(),
            at: at(0),
            workloads: [(id(), decision)].into(),
            sites: BTreeMap::new(),
            memory: Memory::default(),
        };
        derive(
            &self.checked,
            &plan,
            &BTreeMap::new(),
            &mut self.ledgers,
            self.now,
        )
    }

    fn words(&mut self, decision: Decision) -> Vec<&'static str> {
        let writes = self.writes(decision);
        writes.iter().map(|write| write.kind.word()).collect()
    }
}

/// Cloud from `from` to `to`, home at three.
fn step(from: u32, to: u32) -> Decision {
    let steps = vec![testing::step("cloud", from, to)];
    testing::decision((3, 3), (to, from), vec![], steps)
}

fn settled(cloud: u32) -> Decision {
    testing::decision((3, 3), (cloud, cloud), vec![], vec![])
}

fn standing(due: bool) -> Option<Standing> {
    Some(Standing {
        refusal: Refusal {
            kind: RefusalKind::QuotaExceeded,
            object: "a pod".into(),
            text: "full".into(),
        },
        due,
    })
}

fn order(writes: &[Write]) -> &ApplyThere {
    match writes {
        [
            Write {
                kind: WriteKind::RemoteApply(order),
                ..
            },
        ] => order,
        other => panic!("{other:?}"),
    }
}

#[test]
fn overflow_makes_the_deployment_by_its_own_name_with_the_finalizer() {
    let mut world = World::new(None);
    let writes = world.writes(step(0, 2));
    let order = order(&writes);
    assert!(order.create && !order.mend && !order.may_make_namespace);
    assert_eq!(order.finalizer_for.as_deref(), Some("hw"));
    assert_eq!(order.body["metadata"]["name"], "web");
    assert_eq!(order.body["metadata"]["namespace"], "shop");
    assert_eq!(
        order.body["metadata"]["annotations"]["pinisi.dev/hub"],
        "hub-1"
    );
    assert_eq!(order.body["spec"]["replicas"], 2);
    assert_eq!(
        writes[0].key,
        Key::Remote {
            site: cloud(),
            workload: id(),
            object: RemoteObject::Deployment
        }
    );
}

#[test]
fn a_count_alone_goes_through_scale_bound_to_the_uid() {
    let mut world = World::new(Some(remote(4)));
    let writes = world.writes(step(4, 6));
    assert!(
        matches!(&writes[..], [Write { kind: WriteKind::RemoteScale { name, uid, to }, .. }] if name == "web" && uid == "r" && to.get() == 6),
        "{writes:?}"
    );
}

#[test]
fn no_decrease_there_before_the_increase_at_home_and_none_here_before_one_there() {
    let both = |home, cloud| {
        let steps = vec![
            testing::step("home", 3, home),
            testing::step("cloud", 4, cloud),
        ];
        testing::decision((home, 3), (cloud, 4), vec![], steps)
    };
    assert_eq!(World::new(Some(remote(4))).words(both(7, 0)), ["scale"]);
    assert_eq!(
        World::new(Some(remote(4))).words(both(1, 6)),
        ["remote_scale"]
    );
}

#[test]
fn nothing_is_written_where_the_link_is_down() {
    let mut world = World::new(Some(remote(4)));
    world.connection().link = Link::Down {
        since: at(0),
        fault: LinkFault::Unauthorized,
    };
    assert!(world.words(step(4, 6)).is_empty());
    world.there().spec_replicas = 0;
    world.leg().empty = true;
    assert!(world.words(step(4, 0)).is_empty() && world.words(settled(0)).is_empty());
}

#[test]
fn nothing_new_goes_where_the_guard_is_not_in_force_but_shrinking_does() {
    let missing = || GuardFacts::Missing {
        reason: "GuardForbidden",
        why: "no".into(),
    };
    let mut world = World::new(None);
    world.connection().guard = missing();
    assert!(world.words(step(0, 2)).is_empty());
    let mut world = World::new(Some(remote(4)));
    world.connection().guard = missing();
    assert_eq!(world.words(step(4, 2)), ["remote_scale"]);
}

#[test]
fn the_guard_is_put_in_place_first_again_after_a_while_and_wherever_the_link_is_up() {
    let mut world = World::new(None);
    assert!(world.words(settled(0)).is_empty());
    world.now += Duration::from_secs(300);
    assert_eq!(world.words(settled(0)), ["remote_guard"]);
    world.connection().link = Link::Connecting;
    assert!(world.words(settled(0)).is_empty());
    let mut world = World::new(None);
    world.connection().guard = GuardFacts::Unknown;
    assert_eq!(world.words(step(0, 2)), ["remote_guard"]);
}

#[test]
fn a_foreign_deployment_and_one_that_is_going_are_never_written() {
    for change in [
        |there: &mut RemoteDeployment| there.owner = Ownership::Foreign("helm".into()),
        |there: &mut RemoteDeployment| there.deleting = true,
    ] {
        let mut world = World::new(Some(remote(4)));
        change(world.there());
        let there = |word: &&str| word.starts_with("remote");
        assert!(!world.words(step(4, 6)).iter().any(there));
        assert!(!world.words(step(4, 0)).iter().any(there));
        world.there().spec_replicas = 0;
        world.leg().empty = true;
        world.there().digest = "old".into();
        assert!(!world.words(settled(0)).iter().any(there));
    }
}

#[test]
fn what_stands_against_a_site_holds_it_and_is_tried_again_when_due() {
    let mut world = World::new(None);
    world.leg().standing = standing(false);
    assert!(world.words(step(0, 2)).is_empty() && world.words(settled(0)).is_empty());
    world.leg().standing = standing(true);
    assert_eq!(world.words(settled(0)), ["remote_probe"]);
    let mut world = World::new(Some(remote(4)));
    world.there().digest = "old".into();
    world.leg().standing = standing(false);
    assert!(world.words(settled(4)).is_empty(), "no refresh");
    assert_eq!(
        world.words(step(4, 2)),
        ["remote_scale"],
        "shrinking is free"
    );
    world.leg().standing = standing(true);
    assert_eq!(world.words(settled(4)), ["remote_probe"]);
}

#[test]
fn a_template_arrives_after_the_targets_roll_out_with_its_count_kept() {
    let mut world = World::new(Some(remote(4)));
    world.there().digest = "old".into();
    let writes = world.writes(settled(4));
    let refresh = order(&writes);
    assert!(!refresh.create);
    assert_eq!(refresh.body["spec"]["replicas"], 4);
    assert_eq!(refresh.body["metadata"]["uid"], "r");
    let target = world.subject().target.as_mut().unwrap();
    let parts = target.deployment.as_mut().unwrap();
    std::sync::Arc::make_mut(parts).rolled_out = false;
    assert!(world.words(settled(4)).is_empty());
}

#[test]
fn growth_brings_a_new_template_along_and_shrinking_does_not() {
    let mut world = World::new(Some(remote(4)));
    world.there().digest = "old".into();
    assert_eq!(world.words(step(4, 6)), ["remote_apply"]);
    assert_eq!(world.words(step(4, 2)), ["remote_scale"]);
}

#[test]
fn a_changed_carry_list_refreshes_and_drops_what_nobody_carries_any_more() {
    let mut world = World::new(Some(remote(4)));
    world.there().carried = "ConfigMap/a,ConfigMap/b,ConfigMap/c".into();
    world.subject().carry = vec![config("b"), config("d")];
    let mut other = testing::subject();
    let shared = RemoteDeployment {
        carried: "ConfigMap/c".into(),
        ..remote(1)
    };
    other.remotes.insert(cloud(), remote_leg(Some(shared)));
    let other_id = WorkloadId {
        name: "api".into(),
        ..id()
    };
    world.checked.workloads.insert(other_id, other);
    let writes = world.writes(settled(4));
    let refresh = order(&writes);
    assert_eq!(refresh.carry, [config("b"), config("d")]);
    assert_eq!(
        refresh.drop,
        [config("a")],
        "c is carried by another workload"
    );
    assert_eq!(
        refresh.body["metadata"]["annotations"]["pinisi.dev/carried"],
        "ConfigMap/b,ConfigMap/d"
    );
}

#[test]
fn copies_follow_their_sources_once_a_minute_while_there_is_a_leg() {
    let mut world = World::new(Some(remote(4)));
    world.subject().carry = vec![config("a")];
    world.there().carried = "ConfigMap/a".into();
    let now = world.now;
    assert_eq!(world.words(settled(4)), ["remote_copies"]);
    world.ledgers.due.copied(id(), cloud(), now);
    assert!(world.words(settled(4)).is_empty());
    world.now += Duration::from_secs(60);
    assert_eq!(world.words(settled(4)), ["remote_copies"]);
    world.leg().deployment = None;
    assert_eq!(world.words(settled(0)), ["finalizer_drop"]);
}

#[test]
fn a_drained_leg_goes_with_its_copies_once_no_pod_is_left() {
    let mut world = World::new(Some(remote(0)));
    world.there().carried = "ConfigMap/a".into();
    world.subject().carry = vec![config("a")];
    let writes = world.writes(settled(0));
    let delete = writes.iter().find_map(|write| match &write.kind {
        WriteKind::RemoteDelete(order) => Some(order),
        _ => None,
    });
    assert_eq!(
        delete.unwrap().as_ref(),
        &DeleteThere {
            name: "web".into(),
            uid: "r".into(),
            copies: vec![config("a")]
        }
    );
    world.leg().empty = false;
    assert!(!world.words(settled(0)).contains(&"remote_delete"));
}

#[test]
fn serving_replicas_are_never_deleted_whatever_the_tiers_say() {
    // The site is gone from the tiers: the planner has no share for it.
    let mut world = World::new(Some(remote(4)));
    let mut decision = settled(0);
    decision.shares.remove(&cloud());
    assert!(world.words(decision).is_empty());
    // The Site itself is gone.
    let mut world = World::new(Some(remote(4)));
    world.checked.sites.remove(&cloud());
    assert!(!world.words(settled(4)).contains(&"remote_delete"));
}

#[test]
fn the_finalizer_stays_while_a_leg_is_there_or_may_be() {
    let mut world = World::new(Some(remote(4)));
    assert!(world.words(settled(4)).is_empty());
    world.leg().deployment = None;
    world.connection().age = None;
    assert!(
        world.words(settled(0)).is_empty(),
        "that cluster was not seen yet"
    );
    world.connection().age = Some(jiff::SignedDuration::ZERO);
    assert_eq!(world.words(settled(0)), ["finalizer_drop"]);
}

#[test]
fn an_edit_is_taken_back_once_and_then_left_alone_and_said() {
    let mut world = World::new(Some(remote(4)));
    let edit = |second| {
        Some(Edit {
            by: "argocd".into(),
            at: Some(at(second)),
        })
    };
    world.there().foreign_edit = edit(1);
    assert!(order(&world.writes(settled(4))).mend);
    world.there().foreign_edit = None;
    assert!(world.words(settled(4)).is_empty());
    world.there().foreign_edit = edit(9);
    assert!(world.words(settled(4)).is_empty());
    assert!(world.words(step(4, 6)).is_empty());
    let said = world.ledgers.contested.get(&(id(), cloud())).unwrap();
    assert_eq!(said.kind, RefusalKind::DeploymentContested);
}

#[test]
fn what_was_deleted_there_is_made_again_after_a_pause_and_home_waits_with_shrinking() {
    let mut world = World::new(Some(remote(4)));
    assert!(world.words(settled(4)).is_empty());
    world.leg().deployment = None;
    let again = || {
        let steps = vec![testing::step("cloud", 0, 4), testing::step("home", 3, 1)];
        testing::decision((1, 3), (4, 0), vec![], steps)
    };
    assert!(world.words(again()).is_empty());
    world.now += Duration::from_secs(1);
    assert_eq!(world.words(again()), ["remote_apply"]);
}

#[test]
fn a_sensitive_workload_is_never_made_in_another_cluster() {
    let mut world = World::new(None);
    world.subject().class = Class::Sensitive;
    assert!(world.words(step(0, 2)).is_empty());
}

#[test]
fn without_knowing_the_hub_nothing_is_made() {
    let mut world = World::new(None);
    world.checked.hub = None;
    assert!(world.words(step(0, 2)).is_empty());
}

#[test]
fn a_deleted_workload_hands_over_to_home_and_lets_go_of_what_it_cannot_reach() {
    let mut world = World::new(Some(remote(4)));
    let subject = world.subject();
    subject.deleting = true;
    subject.ready_home = Some(pinisi_planner::model::amounts::Replicas::new(7));
    subject.status.replicas = 7;
    subject.target.as_mut().unwrap().spec_replicas = 7;
    assert_eq!(world.words(settled(4)), ["remote_delete"]);
    world.connection().link = Link::Down {
        since: at(0),
        fault: LinkFault::Unauthorized,
    };
    assert!(world.words(settled(4)).is_empty());
    world.now += Duration::from_secs(60);
    let writes = world.writes(settled(4));
    assert!(
        matches!(&writes[..], [Write { kind: WriteKind::DropFinalizer { released, released_there, target, .. }, .. }]
            if released.is_empty() && *released_there == [cloud()] && target == "web"),
        "{writes:?}"
    );
}
