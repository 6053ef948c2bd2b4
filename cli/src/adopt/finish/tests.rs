//! A take-over in a world that moves: whatever the autoscaler and the operator do meanwhile and
//! wherever it is interrupted, never two hold the count, never nobody, and it never shrinks.

use super::plan::{Step, plan};
use super::until::{Look, look};
use crate::handover::note::any_obstacle;
use crate::handover::record::Taken;
use crate::handover::testing::{condition, deployment, facts, hpa, scalable, workload};
use crate::handover::{Autoscaler, Facts, Floor, Record, Saved, Workload};
use jiff::SignedDuration;
use pinisi_crds::hybrid_workload::Mode;
use pinisi_crds::names::ADOPTION_ANNOTATION;
use proptest::prelude::*;
use serde_json::{Value, json};

const MAX: i32 = 12;

/// A cluster in miniature.
#[derive(Clone, Debug)]
struct World {
    facts: Facts,
    /// What the operator wants, within bounds.
    wants: i32,
    /// The fewest that may run from the moment the autoscaler was taken off.
    least: Option<i32>,
}

impl World {
    fn new(running: i32, keda: bool) -> Self {
        let object = workload(
            "Observe",
            &json!({"minReplicas": 2, "maxReplicas": MAX}),
            &Record::default(),
        );
        let autoscaler = if keda {
            Autoscaler::ScaledObject {
                object: json!({"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject",
                    "metadata": {"name": "so", "namespace": "shop"},
                    "spec": {"scaleTargetRef": {"name": "web"}, "minReplicaCount": 2, "maxReplicaCount": MAX}}),
                hpa: Some(hpa(2, MAX, running)),
            }
        } else {
            Autoscaler::Hpa(hpa(2, MAX, running))
        };
        let mut world = Self {
            facts: facts(running, Some(autoscaler), Some(object)),
            wants: 3,
            least: None,
        };
        world.operator_looks();
        world
    }

    fn workload(&self) -> &Workload {
        self.facts.workload.as_ref().unwrap()
    }

    fn change(&mut self, change: impl FnOnce(&mut Value, &mut Record)) {
        let mut record = self.workload().record().cloned().unwrap_or_default();
        let mut object = self.workload().object.clone();
        let spec = object["spec"].clone();
        change(&mut object, &mut record);
        if object["spec"] != spec {
            let generation = object["metadata"]["generation"].as_i64().unwrap();
            object["metadata"]["generation"] = json!(generation + 1);
        }
        object["metadata"]["annotations"][ADOPTION_ANNOTATION] = json!(record.text().unwrap());
        self.facts.workload = Some(Workload::of(object));
    }

    fn set_count(&mut self, replicas: i32, manager: &str) {
        let mut owners = vec![manager];
        if self.is_ours() && self.facts.running() == replicas {
            owners.push("pinisi");
        }
        self.facts.scalable = Some(scalable(&deployment(replicas, &owners)));
        if let Some(least) = self.least {
            assert!(replicas >= least, "{replicas} run, {least} must");
        }
    }

    fn is_ours(&self) -> bool {
        crate::handover::owners::is_ours(&self.facts.scalable.as_ref().unwrap().meta)
    }

    fn operator_looks(&mut self) {
        let mut object = self.workload().object.clone();
        let generation = object["metadata"]["generation"].clone();
        let holder = self.facts.holder().filter(|found| found.hpa().is_some());
        let mut contested = match holder {
            Some(holder) => condition(
                "Contested",
                "True",
                "Contested",
                &format!("{} sets the same count", holder.words()),
            ),
            None => condition("Contested", "False", "SoleWriter", "nobody else"),
        };
        contested["observedGeneration"] = generation.clone();
        object["status"]["observedGeneration"] = generation;
        object["status"]["conditions"] = json!([contested]);
        self.facts.workload = Some(Workload::of(object));
        self.operator_acts();
    }

    /// Writes the count where it holds it by the spec that it has read.
    fn operator_acts(&mut self) {
        let workload = self.workload();
        if workload.mode() == Mode::Active && workload.observed() && self.facts.holder().is_none() {
            let wants = self.wants.clamp(workload.min(), MAX);
            if wants != self.facts.running() {
                self.set_count(wants, "pinisi");
            }
        }
    }

    fn autoscaler_acts(&mut self, replicas: i32) {
        if self
            .facts
            .holder()
            .is_some_and(|found| found.hpa().is_some())
        {
            self.set_count(replicas.clamp(2, MAX), "kube-controller-manager");
        }
    }

    /// What the step's write does, without waiting for anything.
    fn write(&mut self, step: &Step) {
        match step.clone() {
            Step::SaveAutoscaler { taken, .. } => {
                let manifest = self.facts.holder().unwrap().manifest();
                self.change(|_, record| record.autoscaler = Some(Saved { taken, manifest }));
            }
            Step::Activate { floor, replicas } => {
                let running = self.facts.running();
                self.change(|object, record| {
                    object["spec"]["mode"] = json!("Active");
                    record.started_replicas.get_or_insert(running);
                    record.finished_at = None;
                    if let Some(floor) = floor {
                        let before = object["spec"]["autoscaling"]["minReplicas"].as_i64();
                        let before = before.map(|n| i32::try_from(n).unwrap());
                        let min_before = record.floor.map_or(before, |old| old.min_before);
                        record.floor = Some(Floor {
                            replicas: floor,
                            min_before,
                        });
                        object["spec"]["autoscaling"]["minReplicas"] = json!(floor);
                    }
                    if let Some(replicas) = replicas {
                        object["spec"]["replicas"] = json!(replicas);
                    }
                });
            }
            Step::RemoveAutoscaler { taken, .. } => {
                // The moment that matters: the operator must be ready to take over.
                let workload = self.workload();
                assert_eq!(workload.mode(), Mode::Active);
                assert!(
                    workload.observed() && workload.contested().is_some(),
                    "nobody would hold the count"
                );
                assert!(
                    workload.record().unwrap().autoscaler.is_some(),
                    "it could not be given back"
                );
                assert!(workload.min() >= self.facts.running() || self.facts.running() > MAX);
                self.least = Some(self.facts.running());
                match taken {
                    Taken::Deleted => self.facts.autoscalers.clear(),
                    Taken::Paused => {
                        if let Some(Autoscaler::ScaledObject { object, hpa }) =
                            self.facts.autoscalers.first_mut()
                        {
                            object["metadata"]["annotations"] =
                                json!({"autoscaling.keda.sh/paused": "true"});
                            *hpa = None;
                        }
                    }
                }
            }
            Step::OwnCount { replicas } => {
                assert_eq!(replicas, self.facts.running());
                self.facts.scalable = Some(scalable(&deployment(
                    replicas,
                    &["kube-controller-manager", "pinisi"],
                )));
                let now = self.facts.now;
                self.change(|_, record| {
                    record.held_since.get_or_insert(now);
                });
            }
            Step::HoldFloor { seconds, .. } => {
                self.facts.now += SignedDuration::from_secs(seconds.into());
            }
            Step::LowerFloor { min_replicas } => {
                let now = self.facts.now;
                self.least = None;
                self.change(|object, record| {
                    object["spec"]["autoscaling"]["minReplicas"] = json!(min_replicas);
                    record.floor = None;
                    record.finished_at = Some(now);
                });
            }
            Step::Complete => {
                let now = self.facts.now;
                self.change(|_, record| {
                    record.held_since.get_or_insert(now);
                    record.finished_at = Some(now);
                });
            }
        }
    }

    /// One round as the program makes it. `false` where it is done.
    fn round(&mut self, interrupted: bool) -> bool {
        let planned = plan(&self.facts, false);
        assert!(!any_obstacle(&planned.notes), "{:?}", planned.notes);
        let Some(step) = planned.steps.first() else {
            return false;
        };
        self.write(step);
        if !interrupted {
            self.operator_looks();
            let done = match step {
                Step::HoldFloor { .. } => matches!(look(step, &self.facts), Look::Wait(_)),
                Step::SaveAutoscaler { .. }
                | Step::Activate { .. }
                | Step::RemoveAutoscaler { .. }
                | Step::OwnCount { .. }
                | Step::LowerFloor { .. }
                | Step::Complete => look(step, &self.facts) == Look::Done,
            };
            assert!(done, "{step:?}: {:?}", look(step, &self.facts));
        }
        true
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_take_over_never_shrinks_and_always_ends(
        running in 1..=MAX,
        keda in any::<bool>(),
        events in prop::collection::vec((0..4_u8, 1..=MAX, any::<bool>()), 0..40),
    ) {
        let mut world = World::new(running, keda);
        for (kind, count, interrupted) in events {
            match kind {
                0 => world.autoscaler_acts(count),
                1 => {
                    world.wants = count;
                    world.operator_acts();
                }
                2 => world.operator_looks(),
                _ => {
                    world.round(interrupted);
                }
            }
        }
        // Left alone it comes to its end: seven steps, and one more for each that was interrupted.
        let mut rounds = 0;
        world.operator_looks();
        while world.round(false) {
            rounds += 1;
            prop_assert!(rounds <= 12, "{:?}", plan(&world.facts, false).steps);
        }
        let workload = world.workload();
        prop_assert_eq!(workload.mode(), Mode::Active);
        prop_assert_eq!(workload.min_said(), Some(2), "minReplicas is what it was");
        prop_assert!(world.is_ours() && world.facts.holder().is_none());
        let record = workload.record().unwrap();
        prop_assert!(record.floor.is_none() && record.finished_at.is_some() && record.autoscaler.is_some());
        prop_assert!(plan(&world.facts, false).steps.is_empty());
    }
}

fn names(steps: &[Step]) -> Vec<String> {
    steps
        .iter()
        .map(|step| {
            serde_json::to_value(step).unwrap()["step"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect()
}

#[test]
fn the_steps_of_a_whole_take_over_in_order() {
    let world = World::new(5, false);
    let planned = plan(&world.facts, false);
    assert_eq!(
        names(&planned.steps),
        [
            "SaveAutoscaler",
            "Activate",
            "RemoveAutoscaler",
            "OwnCount",
            "HoldFloor",
            "LowerFloor"
        ]
    );
    let words: Vec<_> = planned.steps.iter().map(Step::words).collect();
    insta::assert_snapshot!("steps_words", words.join("\n"));
    insta::assert_json_snapshot!("steps_json", planned.steps);
    // Where no more than the fewest run no floor is needed.
    let few = World::new(2, false);
    assert_eq!(
        names(&plan(&few.facts, false).steps),
        [
            "SaveAutoscaler",
            "Activate",
            "RemoveAutoscaler",
            "OwnCount",
            "Complete"
        ]
    );
}

#[test]
fn a_count_by_hand_is_taken_at_what_runs() {
    let object = workload("Observe", &Value::Null, &Record::default());
    let by_hand = facts(7, None, Some(object.clone()));
    let steps = plan(&by_hand, false).steps;
    assert_eq!(names(&steps), ["Activate", "OwnCount", "Complete"]);
    assert_eq!(
        steps[0],
        Step::Activate {
            floor: None,
            replicas: Some(7)
        }
    );
    // Sensitive without autoscaling: the count stays the target's own.
    let mut sensitive = object;
    sensitive["spec"]["class"] = json!("Sensitive");
    let steps = plan(&facts(7, None, Some(sensitive)), false).steps;
    assert_eq!(names(&steps), ["Activate", "Complete"]);
    assert_eq!(
        steps[0],
        Step::Activate {
            floor: None,
            replicas: None
        }
    );
}

fn stopped(facts: &Facts, delete_scaled_object: bool, words: &str) {
    let notes = plan(facts, delete_scaled_object).notes;
    let found = notes
        .iter()
        .any(|note| note.message.contains(words) && note.way_out.is_some());
    assert!(found && any_obstacle(&notes), "{words}: {notes:?}");
}

#[test]
fn what_stands_in_the_way_is_named() {
    let with = |change: fn(&mut Value)| {
        let mut object = World::new(5, false).workload().object.clone();
        change(&mut object);
        facts(5, Some(Autoscaler::Hpa(hpa(2, MAX, 5))), Some(object))
    };
    stopped(
        &with(|o| o["spec"]["mode"] = json!("Paused")),
        false,
        "is Paused",
    );
    stopped(
        &with(|o| o["spec"]["autoscaling"]["maxReplicas"] = json!(4)),
        false,
        "taking over would shrink",
    );
    stopped(
        &with(|o| o["status"]["observedGeneration"] = json!(0)),
        false,
        "has not looked at it",
    );
    stopped(
        &with(|o| {
            o["status"]["conditions"] =
                json!([condition("Stalled", "True", "SiteNotFound", "no such Site")])
        }),
        false,
        "no such Site",
    );
    stopped(
        &with(|o| {
            o["status"]["conditions"] = json!([condition(
                "ScalingActive",
                "False",
                "SignalStale",
                "too old"
            )])
        }),
        false,
        "no figures to go by",
    );
    stopped(
        &with(|o| o["metadata"]["deletionTimestamp"] = json!("2026-11-02T12:00:00Z")),
        false,
        "being released",
    );
    stopped(
        &with(|o| o["metadata"]["annotations"][ADOPTION_ANNOTATION] = json!("{")),
        false,
        "cannot be read",
    );
    let mut gone = World::new(5, false).facts;
    gone.scalable = None;
    stopped(&gone, false, "does not exist");
    let mut several = World::new(5, false).facts;
    several.autoscalers.push(Autoscaler::Hpa(hpa(1, 3, 1)));
    stopped(&several, false, "several");
}

#[test]
fn a_scaled_object_is_deleted_only_where_that_harms_nothing() {
    let mut world = World::new(5, true);
    assert!(!any_obstacle(&plan(&world.facts, true).notes));
    let metrics = json!([{"type": "External", "external": {"metric": {"name": "s0-prometheus",
        "selector": {"matchLabels": {"scaledobject.keda.sh/name": "so"}}}, "target": {"type": "AverageValue", "averageValue": "9"}}}]);
    world.change(|object, _| object["spec"]["autoscaling"]["metrics"] = metrics);
    world.operator_looks();
    stopped(&world.facts, true, "only while it exists");
    assert!(!any_obstacle(&plan(&world.facts, false).notes));
    if let Some(Autoscaler::ScaledObject { object, .. }) = world.facts.autoscalers.first_mut() {
        object["spec"]["advanced"] = json!({"restoreToOriginalReplicaCount": true});
    }
    stopped(&world.facts, true, "before KEDA");
}

#[test]
fn an_autoscaler_that_comes_back_is_seen() {
    let mut world = World::new(5, false);
    while world.facts.holder().is_some() {
        assert!(world.round(false));
    }
    let own = plan(&world.facts, false).steps[0].clone();
    assert!(matches!(own, Step::OwnCount { .. }));
    world.facts.autoscalers = vec![Autoscaler::Hpa(hpa(2, MAX, 5))];
    assert!(
        matches!(look(&own, &world.facts), Look::Failed(why) if why.contains("is there again"))
    );
    // And planning again takes it off once more.
    world.operator_looks();
    assert!(names(&plan(&world.facts, false).steps).contains(&"RemoveAutoscaler".to_owned()));
}
