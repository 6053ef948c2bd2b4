//! When the guard is put in place: at the start of a leadership, where policies ask for another one,
//! soon after somebody else changed it, and from time to time. Pure; the runner does it.

use super::{GuardPolicies, GuardSettings};
use crate::check::renewal;
use crate::report::conditions::GuardState;
use pinisi_crds::SovereignNodesSpec;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// How often the guard is put in place again.
const EVERY: Duration = Duration::from_secs(300);
/// Pause after it could not be put in place.
const RETRY: Duration = Duration::from_secs(10);
/// Shortest pause before it is put back where somebody changed it.
const PUT_BACK: Duration = Duration::from_secs(5);
/// Longest that putting it in place may take.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// An object of the guard: kind and name.
pub type ObjectName = (&'static str, String);
/// Which state of an object: its uid, and its generation.
pub type Version = (String, i64);
/// The guard's objects as they stand, for each kind that can be watched.
pub type Seen = BTreeMap<&'static str, BTreeMap<String, Version>>;

/// Keeps the guard in place.
#[derive(Debug)]
pub struct Keeper {
    settings: GuardSettings,
    state: GuardState,
    next: Option<Instant>,
    running: bool,
    /// What was put in place last, and when.
    applied: Option<(BTreeMap<ObjectName, Version>, Instant)>,
}

impl Keeper {
    /// One that has put nothing in place yet.
    #[must_use]
    pub fn new(operator_user: &str, operator_namespace: &str) -> Self {
        Self {
            settings: GuardSettings {
                operator_user: operator_user.to_owned(),
                operator_namespace: operator_namespace.to_owned(),
                policies: GuardPolicies::default(),
                inventories: BTreeMap::new(),
                left: BTreeSet::new(),
            },
            state: GuardState::Unknown,
            next: None,
            running: false,
            applied: None,
        }
    }

    /// How the guard fares.
    #[must_use]
    pub const fn state(&self) -> &GuardState {
        &self.state
    }

    /// Another leads: whatever was known is old.
    pub fn stepped_down(&mut self) {
        self.state = GuardState::Unknown;
        self.next = None;
        self.applied = None;
    }

    /// The guard to put in place now, if it is due, and what somebody else changed of it.
    pub fn due(
        &mut self,
        policies: &GuardPolicies,
        inventories: &BTreeMap<&str, &SovereignNodesSpec>,
        seen: &Seen,
        now: Instant,
    ) -> (Option<GuardSettings>, Vec<ObjectName>) {
        if self.running {
            return (None, Vec::new());
        }
        let changed = self.changed(seen, now);
        let held = &self.settings.inventories;
        let same = held.len() == inventories.len()
            && held.iter().all(|(name, held)| {
                let wanted = inventories.get(name.as_str());
                wanted.is_some_and(|wanted| says_the_same(held, wanted))
            });
        let other = !same || self.settings.policies != *policies;
        if !other && changed.is_empty() && self.next.is_some_and(|next| now < next) {
            return (None, Vec::new());
        }
        self.settings.policies = policies.clone();
        let inventories = inventories.iter();
        self.settings.inventories = inventories
            .map(|(name, one)| ((*name).to_owned(), (*one).clone()))
            .collect();
        self.settings.left = left(seen, policies);
        self.running = true;
        (Some(self.settings.clone()), changed)
    }

    /// Objects that are not as they were put in place. A watch may lag, so that an older generation,
    /// or one that is not there yet, means nothing in the first seconds.
    fn changed(&self, seen: &Seen, now: Instant) -> Vec<ObjectName> {
        let Some((applied, at)) = &self.applied else {
            return Vec::new();
        };
        if now.saturating_duration_since(*at) < PUT_BACK {
            return Vec::new();
        }
        let differs = |(kind, name): &ObjectName, (uid, generation): &Version| {
            seen.get(kind).is_some_and(|there| {
                there
                    .get(name)
                    .is_none_or(|(other, later)| other != uid || later > generation)
            })
        };
        applied
            .iter()
            .filter(|(object, version)| differs(object, version))
            .map(|(object, _)| object.clone())
            .collect()
    }

    /// Notes how it ended: what was put in place, or why not.
    pub fn finish(&mut self, result: Result<BTreeMap<ObjectName, Version>, String>, now: Instant) {
        self.running = false;
        match result {
            Ok(applied) => {
                self.next = Some(now + EVERY);
                self.applied = Some((applied, now));
                self.state = GuardState::InPlace;
            }
            Err(why) => {
                self.next = Some(now + RETRY);
                self.applied = None;
                self.state = GuardState::Missing(why);
            }
        }
    }
}

/// Whether a text of one inventory does for the other: a time that is not due to be renewed does, or an
/// inventory that cannot be written would have the guard put in place at every turn.
fn says_the_same(held: &SovereignNodesSpec, wanted: &SovereignNodesSpec) -> bool {
    let SovereignNodesSpec {
        nodes,
        node_selector,
        away,
        terms,
        renewed_at,
        max_age_seconds,
    } = held;
    let fresh = match (renewed_at, &wanted.renewed_at) {
        (None, None) => true,
        (Some(held), Some(wanted_at)) => {
            let later = wanted_at.0.duration_since(held.0);
            !later.is_negative() && later < renewal::every(wanted)
        }
        (None, Some(_)) | (Some(_), None) => false,
    };
    fresh
        && *nodes == wanted.nodes
        && *node_selector == wanted.node_selector
        && *away == wanted.away
        && *terms == wanted.terms
        && *max_age_seconds == wanted.max_age_seconds
}

/// Bindings that are named after a SovereigntyPolicy that is not there.
fn left(seen: &Seen, policies: &GuardPolicies) -> BTreeSet<String> {
    let bindings = seen.iter().filter(|(kind, _)| kind.ends_with("Binding"));
    let names = bindings.flat_map(|(_, there)| there.keys());
    let gone = |name: &&String| {
        let policy = name.split_once('.').map(|(_, policy)| policy);
        policy.is_some_and(|policy| !policies.bindings.contains_key(policy))
    };
    names.filter(gone).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use pinisi_crds::sovereign_nodes::NodeIdentity;

    const KIND: &str = "ValidatingAdmissionPolicy";

    fn applied(generation: i64) -> BTreeMap<ObjectName, Version> {
        BTreeMap::from([((KIND, "g".to_owned()), ("u".to_owned(), generation))])
    }

    fn seen(objects: &[(&str, i64)]) -> Seen {
        let there = objects
            .iter()
            .map(|(uid, generation)| ("g".to_owned(), ((*uid).to_owned(), *generation)));
        BTreeMap::from([(KIND, there.collect())])
    }

    fn in_place(at: Instant) -> Keeper {
        let mut keeper = Keeper::new("user", "namespace");
        let (due, changed) = keeper.due(
            &GuardPolicies::default(),
            &BTreeMap::new(),
            &Seen::new(),
            at,
        );
        assert!(due.is_some() && changed.is_empty());
        keeper.finish(Ok(applied(3)), at);
        keeper
    }

    fn is_due(keeper: &mut Keeper, seen: &Seen, now: Instant) -> (bool, usize) {
        let (due, changed) = keeper.due(&GuardPolicies::default(), &BTreeMap::new(), seen, now);
        (due.is_some(), changed.len())
    }

    #[test]
    fn it_is_put_back_when_somebody_deleted_or_changed_it_and_not_before_the_watch_can_know() {
        let start = Instant::now();
        let later = start + PUT_BACK;
        for (there, due) in [
            (seen(&[("u", 3)]), false),
            // The watch is behind.
            (seen(&[("u", 2)]), false),
            (seen(&[("u", 4)]), true),
            (seen(&[("other", 1)]), true),
            (seen(&[]), true),
            // A kind that cannot be watched.
            (Seen::new(), false),
        ] {
            let mut keeper = in_place(start);
            assert_eq!(is_due(&mut keeper, &there, start), (false, 0));
            assert_eq!(
                is_due(&mut keeper, &there, later),
                (due, usize::from(due)),
                "{there:?}"
            );
            // Not twice at once.
            if due {
                assert_eq!(is_due(&mut keeper, &there, later), (false, 0));
            }
        }
    }

    #[test]
    fn other_policies_are_put_in_place_at_once_and_a_failure_is_tried_again_soon() {
        let start = Instant::now();
        let mut keeper = in_place(start);
        let other = GuardPolicies {
            infrastructure: ["net".to_owned()].into(),
            ..GuardPolicies::default()
        };
        let (due, _) = keeper.due(&other, &BTreeMap::new(), &Seen::new(), start);
        assert_eq!(due.map(|settings| settings.policies), Some(other.clone()));
        keeper.finish(Err("no".into()), start);
        assert_eq!(keeper.state(), &GuardState::Missing("no".into()));
        let again = |keeper: &mut Keeper, at| {
            let (due, _) = keeper.due(&other, &BTreeMap::new(), &Seen::new(), at);
            due.is_some()
        };
        assert!(!again(
            &mut keeper,
            start + RETRY - Duration::from_millis(1)
        ));
        assert!(again(&mut keeper, start + RETRY));
        keeper.finish(Ok(applied(1)), start);
        assert!(!again(
            &mut keeper,
            start + EVERY - Duration::from_millis(1)
        ));
        assert!(again(&mut keeper, start + EVERY));
    }

    #[test]
    fn an_inventory_that_changes_is_put_into_the_text_at_once() {
        let start = Instant::now();
        let mut keeper = in_place(start);
        let at = |seconds| Time(jiff::Timestamp::from_second(seconds).expect("a time"));
        let inventory = |seconds| SovereignNodesSpec {
            max_age_seconds: 60,
            renewed_at: Some(at(seconds)),
            ..SovereignNodesSpec::default()
        };
        let (first, soon, due) = (inventory(0), inventory(14), inventory(15));
        let mut changes = |one| {
            let inventories = BTreeMap::from([("default", one)]);
            let policies = GuardPolicies::default();
            let (due, _) = keeper.due(&policies, &inventories, &Seen::new(), start);
            if due.is_some() {
                keeper.finish(Ok(applied(4)), start);
            }
            due.is_some()
        };
        assert!(changes(&first) && !changes(&first));
        assert!(!changes(&soon) && changes(&due));
        let mut other = inventory(15);
        other.nodes.insert("h1".into(), NodeIdentity::default());
        assert!(changes(&other));
    }

    #[test]
    fn bindings_that_a_policy_left_are_known_by_its_name() {
        let there = |names: &[&str]| {
            let version = ("u".to_owned(), 1);
            let one = |name: &&str| ((*name).to_owned(), version.clone());
            names.iter().map(one).collect::<BTreeMap<_, _>>()
        };
        let seen = Seen::from([
            (
                "ValidatingAdmissionPolicyBinding",
                there(&["g.here", "g.gone", "g"]),
            ),
            ("ValidatingAdmissionPolicy", there(&["g.other"])),
        ]);
        let mut policies = GuardPolicies::default();
        let here = crate::guard::PolicyBinding::default();
        policies.bindings.insert("here".to_owned(), here);
        assert_eq!(left(&seen, &policies), ["g.gone".to_owned()].into());
    }

    #[test]
    fn a_new_leader_begins_anew() {
        let start = Instant::now();
        let mut keeper = in_place(start);
        keeper.stepped_down();
        assert_eq!(keeper.state(), &GuardState::Unknown);
        assert!(is_due(&mut keeper, &Seen::new(), start).0);
    }
}
