//! A sound ground, and one change for each thing that can be wrong with it.

use super::{Ground, Judged, Wish, judge};
use crate::handover::facts::PodSeen;
use crate::handover::testing::{deployment, facts, hpa, scalable};
use crate::handover::{Autoscaler, Facts, Weight};
use crate::snapshot::NodeFact;
use pinisi_crds::Site;
use pinisi_crds::hybrid_workload::Class;
use pinisi_crds::names::CLASS_LABEL;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn site(name: &str, kind: &str, allowed: &Value) -> Site {
    serde_json::from_value(json!({
        "apiVersion": "pinisi.dev/v1alpha1", "kind": "Site", "metadata": {"name": name},
        "spec": {"type": kind, "jurisdiction": "ID", "nodes": {"matchLabels": {"site": name}}, "allowedNamespaces": allowed},
    }))
    .unwrap()
}

fn node(name: &str, site: &str) -> NodeFact {
    NodeFact {
        name: name.into(),
        labels: BTreeMap::from([("site".into(), site.into()), ("zone".into(), "z".into())]),
        ..NodeFact::default()
    }
}

fn ground() -> Ground {
    Ground {
        sites: Ok(vec![
            site("home", "OnPrem", &json!({})),
            site("other", "OnPrem", &json!({"matchLabels": {"team": "x"}})),
            site("cloud", "Cloud", &json!({})),
        ]),
        nodes: Ok(vec![node("home-0", "home"), node("cloud-0", "cloud")]),
    }
}

fn wish() -> Wish {
    Wish {
        class: Class::MassTraffic,
        home: Some("home".into()),
        overflow: vec!["cloud".into()],
        label_namespace: false,
    }
}

fn sound() -> Facts {
    let mut facts = facts(4, Some(Autoscaler::Hpa(hpa(2, 10, 4))), None);
    facts.pods = vec![PodSeen {
        name: "web-1".into(),
        node: Some("home-0".into()),
        site: None,
    }];
    facts
}

fn said(judged: &Judged, weight: Weight, words: &str) -> bool {
    let found = judged.notes.iter().find(|note| {
        note.weight == weight
            && (note.message.contains(words) || note.field.as_deref() == Some(words))
    });
    // Each names the way out.
    found.is_some_and(|note| note.way_out.is_some())
}

fn refused(facts: &Facts, ground: &Ground, wish: &Wish, words: &str) {
    let judged = judge(facts, ground, wish);
    assert!(
        said(&judged, Weight::Obstacle, words),
        "{words}: {judged:?}"
    );
}

#[test]
fn sound_ground_says_nothing_and_home_is_found_by_the_pods() {
    let judged = judge(&sound(), &ground(), &wish());
    assert_eq!(
        judged,
        Judged {
            sites: vec!["home".into(), "cloud".into()],
            label: false,
            notes: vec![]
        }
    );
    let mut without = wish();
    without.home = None;
    assert_eq!(
        judge(&sound(), &ground(), &without).sites,
        ["home", "cloud"]
    );
}

#[test]
fn a_home_that_cannot_be_told_is_asked_for() {
    let mut wide = ground();
    wide.sites
        .as_mut()
        .unwrap()
        .push(site("third", "OnPrem", &json!({})));
    let mut without = wish();
    without.home = None;
    let mut nowhere = sound();
    nowhere.pods.clear();
    refused(&nowhere, &wide, &without, "home cannot be told");
}

#[test]
fn the_namespace_says_its_class_first() {
    let mut unlabelled = sound();
    unlabelled.labels = Ok(BTreeMap::new());
    let judged = judge(&unlabelled, &ground(), &wish());
    let note = judged
        .notes
        .iter()
        .find(|n| n.weight == Weight::Obstacle)
        .unwrap();
    assert!(
        note.way_out
            .as_deref()
            .unwrap()
            .starts_with("kubectl label namespace shop pinisi.dev/class=MassTraffic"),
        "{note:?}"
    );
    let may = Wish {
        label_namespace: true,
        ..wish()
    };
    let judged = judge(&unlabelled, &ground(), &may);
    assert!(judged.label && judged.notes.is_empty(), "{judged:?}");

    let mut sensitive = sound();
    sensitive.labels = Ok(BTreeMap::from([(CLASS_LABEL.into(), "Sensitive".into())]));
    refused(&sensitive, &ground(), &may, "is Sensitive and stays so");
    let mut mixed = sound();
    mixed.classes = BTreeMap::from([("records".into(), "Sensitive".into())]);
    refused(&mixed, &ground(), &may, "holds one class");
}

#[test]
fn sites_have_to_exist_be_lawful_and_take_the_namespace() {
    let to = |home: &str, overflow: &[&str], class| Wish {
        class,
        home: Some(home.into()),
        overflow: overflow.iter().map(|s| (*s).to_owned()).collect(),
        label_namespace: false,
    };
    let mass = Class::MassTraffic;
    refused(
        &sound(),
        &ground(),
        &to("mars", &[], mass),
        "does not exist",
    );
    refused(
        &sound(),
        &ground(),
        &to("home", &["other"], mass),
        "spec.allowedNamespaces",
    );
    refused(
        &sound(),
        &ground(),
        &to("home", &["home"], mass),
        "is named twice",
    );
    let mut sensitive = sound();
    sensitive.labels = Ok(BTreeMap::from([(CLASS_LABEL.into(), "Sensitive".into())]));
    refused(
        &sensitive,
        &ground(),
        &to("cloud", &[], Class::Sensitive),
        "OnPrem Sites only",
    );
    refused(
        &sensitive,
        &ground(),
        &to("home", &["cloud"], Class::Sensitive),
        "never overflows",
    );
    let nowhere = Ground {
        sites: Ok(vec![site("cloud", "Cloud", &json!({}))]),
        ..ground()
    };
    let any = Wish {
        home: None,
        ..to("", &[], Class::Sensitive)
    };
    refused(&sensitive, &nowhere, &any, "no OnPrem Site takes it");
    assert!(judge(&sensitive, &ground(), &any).notes.is_empty());
}

#[test]
fn a_target_that_cannot_be_split_stays_in_one_place() {
    let mut claims = deployment(4, &[]);
    claims["spec"]["template"]["spec"]["volumes"] =
        json!([{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]);
    let mut facts = sound();
    facts.scalable = Some(scalable(&claims));
    refused(&facts, &ground(), &wish(), "data");
    let alone = Wish {
        overflow: vec![],
        ..wish()
    };
    assert!(judge(&facts, &ground(), &alone).notes.is_empty());

    let mut spread = deployment(4, &[]);
    spread["spec"]["template"]["spec"]["topologySpreadConstraints"] =
        json!([{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}]);
    facts.scalable = Some(scalable(&spread));
    assert!(said(
        &judge(&facts, &ground(), &wish()),
        Weight::Look,
        "freeze growth at home"
    ));
    spread["spec"]["template"]["spec"]["topologySpreadConstraints"][0]["nodeTaintsPolicy"] =
        json!("Honor");
    facts.scalable = Some(scalable(&spread));
    assert!(judge(&facts, &ground(), &wish()).notes.is_empty());
}

#[test]
fn a_target_that_is_not_free_is_refused() {
    let mut missing = sound();
    missing.scalable = None;
    refused(&missing, &ground(), &wish(), "does not exist");
    let mut several = sound();
    several.autoscalers.push(Autoscaler::Hpa(hpa(1, 5, 2)));
    refused(&several, &ground(), &wish(), "is scaled by several");
    let mut made = sound();
    let mut owned = hpa(1, 5, 2);
    owned["metadata"]["ownerReferences"] =
        json!([{"apiVersion": "x/v1", "kind": "Rollout", "name": "web", "uid": "u"}]);
    made.autoscalers = vec![Autoscaler::Hpa(owned)];
    refused(&made, &ground(), &wish(), "would make it again");
    let mut sibling = deployment(4, &[]);
    sibling["metadata"]["labels"] =
        json!({"app.kubernetes.io/managed-by": "pinisi", "pinisi.dev/site": "cloud"});
    sibling["metadata"]["annotations"] = json!({"pinisi.dev/workload": "web"});
    let mut facts = sound();
    facts.scalable = Some(scalable(&sibling));
    refused(&facts, &ground(), &wish(), "is a sibling");
}

#[test]
fn pods_elsewhere_and_a_site_that_is_another_cluster_are_pointed_out() {
    let mut away = sound();
    away.pods[0].node = Some("cloud-0".into());
    assert!(said(
        &judge(&away, &ground(), &wish()),
        Weight::Look,
        "run elsewhere"
    ));

    let mut remote = ground();
    let cloud = &mut remote.sites.as_mut().unwrap()[2];
    cloud.spec.nodes = None;
    cloud.spec.kubeconfig_secret_ref = serde_json::from_value(json!({"name": "cloud"})).unwrap();
    let mut facts = sound();
    let mut object = deployment(4, &[]);
    object["spec"]["template"]["spec"]["containers"][0]["envFrom"] =
        json!([{"secretRef": {"name": "db"}}, {"configMapRef": {"name": "app"}}]);
    facts.scalable = Some(scalable(&object));
    let judged = judge(&facts, &remote, &wish());
    assert!(
        said(&judged, Weight::Look, "ConfigMap app, Secret db"),
        "{judged:?}"
    );
}

#[test]
fn what_cannot_be_read_is_said_and_stops_nothing() {
    let blind = Ground {
        sites: Err("no right".into()),
        nodes: Err("no right".into()),
    };
    let judged = judge(&sound(), &blind, &wish());
    assert!(
        judged
            .notes
            .iter()
            .all(|note| note.weight != Weight::Obstacle),
        "{judged:?}"
    );
    assert!(said(&judged, Weight::Look, "nothing is known of them"));
}
