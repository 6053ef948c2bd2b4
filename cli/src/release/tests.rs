//! A release in a world in miniature: home takes over before anything is taken away, the autoscaler
//! is back before the workload goes, and it can be interrupted anywhere.

use super::plan::{Step, plan};
use super::until::{Look, look};
use crate::handover::facts::Sibling;
use crate::handover::note::any_obstacle;
use crate::handover::record::Taken;
use crate::handover::testing::{condition, deployment, facts, hpa, noon, scalable, workload};
use crate::handover::{Autoscaler, Facts, Record, Saved, Workload};
use pinisi_crds::hybrid_workload::Mode;
use pinisi_crds::names::ADOPTION_ANNOTATION;
use proptest::prelude::*;
use serde_json::{Value, json};

fn adopted(taken: Taken) -> Record {
    let manifest = match taken {
        Taken::Deleted => crate::handover::record::manifest(&hpa(2, 30, 5)),
        Taken::Paused => {
            json!({"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": {"name": "so", "namespace": "shop"},
            "spec": {"scaleTargetRef": {"name": "web"}, "minReplicaCount": 2, "maxReplicaCount": 30}})
        }
    };
    Record {
        autoscaler: Some(Saved { taken, manifest }),
        held_since: Some(noon()),
        finished_at: Some(noon()),
        ..Record::default()
    }
}

/// `home` replicas at home and `away` in the cloud, all Ready.
fn spread(home: i32, away: i32, taken: Taken) -> Facts {
    let mut object = workload(
        "Active",
        &json!({"minReplicas": 2, "maxReplicas": 30}),
        &adopted(taken),
    );
    let total = home + away;
    object["status"]["replicas"] = json!(total);
    object["status"]["sites"] = json!([
        {"name": "home", "desired": home, "ready": home}, {"name": "cloud", "desired": away, "ready": away},
    ]);
    let mut facts = facts(home, None, Some(object));
    if away > 0 {
        facts.siblings = vec![Sibling {
            name: "web-cloud".into(),
            site: "cloud".into(),
            replicas: away,
            ready: away,
        }];
    }
    if taken == Taken::Paused {
        let mut paused = adopted(taken).autoscaler.unwrap().manifest;
        paused["metadata"]["annotations"] = json!({"autoscaling.keda.sh/paused": "true"});
        facts.autoscalers = vec![Autoscaler::ScaledObject {
            object: paused,
            hpa: None,
        }];
    }
    facts
}

fn names(facts: &Facts) -> Vec<String> {
    let steps = plan(facts, false).steps;
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

fn change(facts: &mut Facts, change: impl FnOnce(&mut Value, &mut Record)) {
    let found = facts.workload.as_ref().unwrap();
    let mut record = found.record().cloned().unwrap_or_default();
    let mut object = found.object.clone();
    change(&mut object, &mut record);
    object["metadata"]["annotations"][ADOPTION_ANNOTATION] = json!(record.text().unwrap());
    facts.workload = Some(Workload::of(object));
}

/// What a step's write does.
fn write(facts: &mut Facts, step: &Step) {
    let pins = |home: &str, replicas: i32, others: Vec<(String, i32)>| {
        let all = std::iter::once((home.to_owned(), replicas)).chain(others);
        let sites: Vec<_> = all
            .map(|(name, replicas)| json!({"name": name, "replicas": replicas}))
            .collect();
        json!({ "sites": sites, "until": "2026-11-02T12:30:00Z" })
    };
    let pinned = |facts: &mut Facts, word: Value| {
        change(facts, |object, record| {
            object["spec"]["mode"] = json!("Active");
            object["spec"]["override"] = word;
            record.releasing_since.get_or_insert(noon());
        });
    };
    match step.clone() {
        Step::RaiseHome {
            site,
            replicas,
            away,
        } => {
            pinned(facts, pins(&site, replicas, away.into_iter().collect()));
        }
        Step::EmptyAway {
            site,
            replicas,
            away,
        } => {
            let ready = facts.scalable.as_ref().unwrap().ready;
            assert!(ready >= replicas, "{ready} of {replicas} are Ready at home");
            pinned(
                facts,
                pins(
                    &site,
                    replicas,
                    away.into_iter().map(|site| (site, 0)).collect(),
                ),
            );
        }
        Step::Pause => change(facts, |object, record| {
            object["spec"]["mode"] = json!("Paused");
            object["spec"].as_object_mut().unwrap().remove("override");
            record.releasing_since.get_or_insert(noon());
        }),
        Step::RestoreAutoscaler { taken, .. } => {
            assert_eq!(
                facts.workload.as_ref().unwrap().mode(),
                Mode::Paused,
                "two would write"
            );
            facts.autoscalers = vec![match taken {
                Taken::Deleted => Autoscaler::Hpa(hpa(2, 30, facts.running())),
                Taken::Paused => Autoscaler::ScaledObject {
                    object: adopted(taken).autoscaler.unwrap().manifest,
                    hpa: Some(hpa(2, 30, facts.running())),
                },
            }];
        }
        Step::DeleteWorkload => {
            assert!(facts.holder().is_some(), "nobody would hold the count");
            assert!(facts.siblings.is_empty(), "siblings would stay");
            facts.workload = None;
        }
    }
}

/// The operator does what the override says, make before break, and home becomes Ready.
fn operator(facts: &mut Facts) {
    let Some(found) = facts.workload.clone() else {
        return;
    };
    let pins = crate::handover::fields::list(&found.object, "/spec/override/sites").to_vec();
    if found.mode() != Mode::Active || pins.is_empty() {
        return;
    }
    let mut shares = vec![];
    for pin in &pins {
        let replicas = i32::try_from(pin["replicas"].as_i64().unwrap()).unwrap();
        shares.push(json!({"name": pin["name"], "desired": replicas, "ready": replicas}));
        if pin["name"] == "home" {
            facts.scalable = Some(scalable(&deployment(replicas, &["pinisi"])));
        } else if replicas == 0 {
            facts.siblings.clear();
        }
    }
    change(facts, |object, _| object["status"]["sites"] = json!(shares));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_release_can_be_interrupted_anywhere(
        home in 1..10_i32, away in 0..10_i32, keda in any::<bool>(),
        interruptions in prop::collection::vec(any::<bool>(), 0..20),
    ) {
        let taken = if keda { Taken::Paused } else { Taken::Deleted };
        let mut world = spread(home, away, taken);
        let total = home + away;
        let mut interruptions = interruptions.into_iter();
        let mut rounds = 0;
        while world.workload.is_some() {
            let planned = plan(&world, false);
            prop_assert!(!any_obstacle(&planned.notes), "{:?}", planned.notes);
            let step = planned.steps.first().unwrap().clone();
            write(&mut world, &step);
            if !interruptions.next().unwrap_or(false) {
                operator(&mut world);
            }
            let serving = world.running() + world.siblings.iter().map(|s| s.replicas).sum::<i32>();
            prop_assert!(serving >= total, "{serving} of {total} serve after {step:?}");
            rounds += 1;
            prop_assert!(rounds < 40);
        }
        prop_assert_eq!(world.running(), total);
        prop_assert!(world.siblings.is_empty() && world.holder().is_some());
    }
}

#[test]
fn the_steps_of_a_whole_release_in_order() {
    let all = spread(5, 3, Taken::Deleted);
    assert_eq!(
        names(&all),
        [
            "RaiseHome",
            "EmptyAway",
            "Pause",
            "RestoreAutoscaler",
            "DeleteWorkload"
        ]
    );
    let words: Vec<_> = plan(&all, false).steps.iter().map(Step::words).collect();
    insta::assert_snapshot!("steps_words", words.join("\n"));
    insta::assert_json_snapshot!("steps_json", plan(&all, false).steps);
    assert_eq!(
        names(&spread(5, 0, Taken::Deleted)),
        ["Pause", "RestoreAutoscaler", "DeleteWorkload"]
    );
    // Never taken over: the autoscaler holds the count, and nothing was saved.
    let object = workload("Observe", &json!({"maxReplicas": 9}), &Record::default());
    assert_eq!(
        names(&facts(4, Some(Autoscaler::Hpa(hpa(2, 9, 4))), Some(object))),
        ["DeleteWorkload"]
    );
    // Stopped between activation and removal.
    let object = workload(
        "Active",
        &json!({"maxReplicas": 9}),
        &adopted(Taken::Deleted),
    );
    assert_eq!(
        names(&facts(4, Some(Autoscaler::Hpa(hpa(2, 9, 4))), Some(object))),
        ["Pause", "DeleteWorkload"]
    );
}

#[test]
fn a_total_is_not_doubled_when_home_was_raised_already() {
    let mut half = spread(5, 3, Taken::Deleted);
    let step = plan(&half, false).steps[0].clone();
    assert!(
        matches!(&step, Step::RaiseHome { replicas: 8, .. }),
        "{step:?}"
    );
    write(&mut half, &step);
    operator(&mut half);
    let steps = plan(&half, false).steps;
    assert!(
        matches!(&steps[0], Step::EmptyAway { replicas: 8, .. }),
        "{steps:?}"
    );
}

#[test]
fn what_stands_in_the_way_is_named() {
    let stopped = |facts: &Facts, force: bool, words: &str| {
        let notes = plan(facts, force).notes;
        let found = notes.iter().find(|note| note.message.contains(words));
        (
            found.is_some_and(|note| note.way_out.is_some()),
            any_obstacle(&notes),
        )
    };
    let many = spread(25, 20, Taken::Deleted);
    assert_eq!(stopped(&many, false, "would shrink at once"), (true, true));
    assert_eq!(stopped(&many, true, "would shrink at once"), (true, false));
    let mut stalled = spread(5, 3, Taken::Deleted);
    change(&mut stalled, |object, _| {
        object["status"]["conditions"] =
            json!([condition("Stalled", "True", "SiteNotFound", "no such Site")]);
    });
    assert_eq!(stopped(&stalled, false, "no such Site"), (true, true));
    let mut garbled = spread(5, 0, Taken::Deleted);
    let mut object = garbled.workload.as_ref().unwrap().object.clone();
    object["metadata"]["annotations"][ADOPTION_ANNOTATION] = json!("{");
    garbled.workload = Some(Workload::of(object));
    assert_eq!(stopped(&garbled, false, "cannot be read"), (true, true));
}

#[test]
fn it_is_waited_for_home_and_for_the_autoscaler() {
    let mut world = spread(5, 3, Taken::Deleted);
    let raise = plan(&world, false).steps[0].clone();
    write(&mut world, &raise);
    assert!(matches!(look(&raise, &world), Look::Wait(what) if what.contains("from 5 to 8")));
    let mut half = deployment(8, &["pinisi"]);
    half["status"]["readyReplicas"] = json!(6);
    world.scalable = Some(scalable(&half));
    assert!(matches!(look(&raise, &world), Look::Wait(what) if what.contains("6 of 8")));
    operator(&mut world);
    assert_eq!(look(&raise, &world), Look::Done);

    let restore = Step::RestoreAutoscaler {
        autoscaler: "HorizontalPodAutoscaler web-hpa".into(),
        taken: Taken::Deleted,
    };
    assert!(matches!(look(&restore, &world), Look::Wait(_)));
    let mut blind = hpa(2, 30, 8);
    blind["status"] = json!({});
    world.autoscalers = vec![Autoscaler::Hpa(blind)];
    assert!(matches!(look(&restore, &world), Look::Wait(_)));
    world.autoscalers = vec![Autoscaler::Hpa(hpa(2, 30, 8))];
    assert_eq!(look(&restore, &world), Look::Done);
}
