//! Every row of bad input: a problem on that object that names field and fix; the others go on.

use super::build::*;
use crate::gather::samples::{Sample, SignalError};
use pinisi_planner::model::workload::{Signal, SignalFault};
use serde_json::{Value, json};

/// `shop/web` with one change, beside a sound neighbour that must stay sound.
fn changed(path: &str, value: Value) -> Cluster {
    let mut c = Cluster::with_web();
    neighbour(&mut c);
    let mut hw = web();
    set(&mut hw, path, value);
    c.workload(hw);
    c
}

fn neighbour(c: &mut Cluster) {
    let mut other = web();
    set(&mut other, "metadata.name", json!("api"));
    set(&mut other, "spec.targetRef.name", json!("api"));
    c.deployment(deployment("shop", "api", 1));
    c.workload(other);
    assert!(c.check().world.workloads.contains_key(&id("shop", "api")));
}

fn refused(path: &str, value: Value, reason: &str, words: &[&str]) {
    let c = changed(path, value.clone());
    c.web_is_refused(reason, words);
    assert!(
        c.check().world.workloads.contains_key(&id("shop", "api")),
        "{path} = {value} disturbs the neighbour"
    );
}

#[test]
fn unknown_site() {
    refused(
        "spec.placement.tiers.1.sites.0",
        json!("mars"),
        "SiteNotFound",
        &[
            "spec.placement.tiers[1].sites[0]",
            "mars",
            "kubectl get sites",
        ],
    );
}

#[test]
fn missing_target() {
    refused(
        "spec.targetRef.name",
        json!("gone"),
        "TargetNotFound",
        &["spec.targetRef", "Deployment gone", "shop", "create it"],
    );
}

#[test]
fn targets_without_scale() {
    refused(
        "spec.targetRef.kind",
        json!("DaemonSet"),
        "TargetNotScalable",
        &[
            "spec.targetRef.kind",
            "DaemonSet has no /scale",
            "Deployment",
        ],
    );
    refused(
        "spec.targetRef",
        json!({"apiVersion": "v1", "kind": "Pod", "name": "web"}),
        "TargetNotScalable",
        &["v1 Pod has no /scale"],
    );
    refused(
        "spec.targetRef.apiVersion",
        json!("argoproj.io/v1alpha1"),
        "TargetNotScalable",
        &["not supported by this version", "apps/v1"],
    );
}

#[test]
fn absurd_numbers() {
    for (path, value, words) in [
        (
            "spec.autoscaling.load.perReplica",
            json!("0"),
            ["spec.autoscaling.load.perReplica", "above 0"],
        ),
        (
            "spec.autoscaling.load.perReplica",
            json!("-5"),
            ["spec.autoscaling.load.perReplica", "above 0"],
        ),
        (
            "spec.autoscaling.load.perReplica",
            json!("2Ti"),
            ["spec.autoscaling.load.perReplica", "below 1Ti"],
        ),
        (
            "spec.autoscaling.load.perReplica",
            json!("many"),
            ["spec.autoscaling.load.perReplica", "many"],
        ),
        (
            "spec.autoscaling.load",
            Value::Null,
            ["spec.autoscaling.load", "signal"],
        ),
        (
            "spec.autoscaling.minReplicas",
            json!(51),
            ["spec.autoscaling.minReplicas", "maxReplicas, which is 50"],
        ),
        (
            "spec.autoscaling.minReplicas",
            json!(-1),
            ["spec.autoscaling.minReplicas", "-1"],
        ),
        (
            "spec.autoscaling.maxReplicas",
            json!(0),
            ["spec.autoscaling.maxReplicas", "100000"],
        ),
        (
            "spec.autoscaling.maxReplicas",
            json!(2_000_000),
            ["spec.autoscaling.maxReplicas", "2000000"],
        ),
        (
            "spec.autoscaling.behavior",
            json!({"scaleDown": {"stabilizationWindowSeconds": -1}}),
            ["stabilizationWindowSeconds", "3600"],
        ),
        (
            "spec.replicas",
            json!(3),
            ["spec.replicas", "spec.autoscaling"],
        ),
        (
            "spec.drainBack",
            json!({"stepPercent": 0}),
            ["spec.drainBack.stepPercent", "1 to 100"],
        ),
        (
            "spec.drainBack",
            json!({"afterSeconds": -1}),
            ["spec.drainBack.afterSeconds", "86400"],
        ),
        (
            "spec.drainBack",
            json!({"intervalSeconds": 0}),
            ["spec.drainBack.intervalSeconds", "3600"],
        ),
        (
            "spec.placement.tiers",
            json!([]),
            ["spec.placement.tiers", "1 to 8"],
        ),
        (
            "spec.placement.tiers.0.sites",
            json!([]),
            ["spec.placement.tiers[0].sites", "1 to 16"],
        ),
        (
            "spec.placement.tiers.0.minReplicas",
            json!(-1),
            ["spec.placement.tiers[0].minReplicas", "-1"],
        ),
        (
            "spec.placement.tiers.0",
            json!({"sites": ["home"], "minReplicas": 5, "maxReplicas": 4}),
            ["tiers[0].minReplicas", "which is 4"],
        ),
        (
            "spec.override",
            json!({"total": -4, "until": "2026-12-01T00:00:00Z"}),
            ["spec.override.total", "-4"],
        ),
        (
            "spec.override",
            json!({"until": "2026-12-01T00:00:00Z"}),
            ["spec.override", "total"],
        ),
    ] {
        refused(path, value, "ValueOutOfRange", &words);
    }
}

#[test]
fn unreadable_specs_stay_on_their_object() {
    for (path, value) in [
        ("spec.class", json!("Secretish")),
        ("spec.class", Value::Null),
        ("spec.targetRef", json!("web")),
        ("spec.autoscaling.maxReplicas", json!(99_999_999_999_i64)),
        ("spec.override", json!({"total": 1, "until": "soon"})),
        ("spec", json!(null)),
        ("spec.placement.tiers", json!("home")),
    ] {
        refused(path, value, "SpecUnreadable", &["spec", "apply it again"]);
    }
    let c = changed("spec.placement", json!(7));
    let checked = c.check();
    let subject = &checked.workloads[&id("shop", "web")];
    assert_eq!(
        (subject.class, subject.target_ref.name.as_str()),
        (pinisi_crds::hybrid_workload::Class::MassTraffic, "web")
    );
}

#[test]
fn two_workloads_on_one_target() {
    let mut c = Cluster::with_web();
    let mut late = web();
    set(&mut late, "metadata.name", json!("a-later-one"));
    set(
        &mut late,
        "metadata.creationTimestamp",
        json!("2026-11-02T00:00:00Z"),
    );
    c.workload(late);
    assert_eq!(c.reasons("shop", "web"), Vec::<&str>::new());
    let checked = c.check();
    let problems = &checked.workloads[&id("shop", "a-later-one")].problems;
    assert_eq!(problems[0].reason(), "TargetTaken");
    assert!(problems[0].to_string().contains("HybridWorkload web"));
    assert!(
        !checked
            .world
            .workloads
            .contains_key(&id("shop", "a-later-one"))
    );
    // Of the same age, the first by name keeps it.
    let mut twin = web();
    set(&mut twin, "metadata.name", json!("a-twin"));
    c.workload(twin);
    assert_eq!(c.reasons("shop", "a-twin"), Vec::<&str>::new());
    c.web_is_refused_by("a-twin");
    // One that is being deleted keeps nothing.
    let mut gone = web();
    set(&mut gone, "metadata.name", json!("a-twin"));
    set(
        &mut gone,
        "metadata.deletionTimestamp",
        json!("2026-11-20T11:00:00Z"),
    );
    c.workload(gone);
    assert_eq!(c.reasons("shop", "web"), Vec::<&str>::new());
}

impl Cluster {
    fn web_is_refused_by(&self, holder: &str) {
        let checked = self.check();
        assert!(
            checked.workloads[&id("shop", "web")].problems[0]
                .to_string()
                .contains(&format!("HybridWorkload {holder};"))
        );
    }
}

#[test]
fn class_and_namespace_disagree() {
    let mut c = Cluster::with_web();
    c.namespace("shop", json!({"pinisi.dev/class": "Sensitive"}));
    c.web_is_refused(
        "ClassMismatch",
        &[
            "spec.class is MassTraffic",
            "pinisi.dev/class=Sensitive",
            "move the service",
        ],
    );
    c.namespace("shop", json!({}));
    c.web_is_refused(
        "NamespaceUnclassified",
        &["kubectl label namespace shop pinisi.dev/class=MassTraffic"],
    );
    c.namespace("shop", json!({"pinisi.dev/class": "whatever"}));
    c.web_is_refused("ClassMismatch", &["whatever"]);
}

#[test]
fn sensitive_stays_on_sovereign_ground() {
    let mut c = Cluster::new();
    c.deployment(deployment("health", "records", 2));
    let mut hw = records();
    set(
        &mut hw,
        "spec.placement",
        json!({"tiers": [{"sites": ["cloud"]}]}),
    );
    c.workload(hw.clone());
    let text = c.check().workloads[&id("health", "records")].problems[0].to_string();
    assert!(
        text.contains("spec.placement.tiers[0].sites[0]") && text.contains("Site cloud is Cloud"),
        "{text}"
    );
    set(
        &mut hw,
        "spec.placement",
        json!({"tiers": [{"sites": ["home"]}, {"sites": ["cloud"]}]}),
    );
    c.workload(hw);
    assert_eq!(
        c.reasons("health", "records"),
        ["SensitiveTiers", "SiteNotSovereign"]
    );
    assert!(c.check().world.workloads.is_empty());
}

#[test]
fn sites_that_do_not_take_the_namespace() {
    let mut c = Cluster::with_web();
    for allowed in [
        Value::Null,
        json!({"matchLabels": {"team": "x"}}),
        json!({"matchExpressions": [{"key": "pinisi.dev/class", "operator": "NotIn", "values": ["MassTraffic"]}]}),
    ] {
        let mut cloud = site("cloud", "Cloud");
        set(&mut cloud, "spec.allowedNamespaces", allowed);
        c.site(cloud);
        c.web_is_refused(
            "SiteNotAllowed",
            &[
                "spec.placement.tiers[1].sites[0]",
                "Site cloud",
                "namespace shop",
                "spec.allowedNamespaces",
            ],
        );
    }
    let mut cloud = site("cloud", "Cloud");
    set(
        &mut cloud,
        "spec.allowedNamespaces",
        json!({"matchExpressions": [{"key": "pinisi.dev/class", "operator": "In", "values": ["MassTraffic"]}]}),
    );
    c.site(cloud);
    assert_eq!(c.reasons("shop", "web"), Vec::<&str>::new());
}

#[test]
fn no_lawful_site_at_all() {
    let mut c = Cluster::new();
    c.deployment(deployment("health", "records", 2));
    c.workload(records());
    let mut home = site("home", "OnPrem");
    set(&mut home, "spec.allowedNamespaces", Value::Null);
    c.site(home);
    assert_eq!(c.reasons("health", "records"), ["NoLawfulSite"]);
}

#[test]
fn placement_rows() {
    refused(
        "spec.placement",
        Value::Null,
        "NoPlacement",
        &["spec.placement.tiers"],
    );
    refused(
        "spec.placement.tiers.1.sites.0",
        json!("home"),
        "DuplicateSite",
        &["spec.placement.tiers[1].sites[0]", "home"],
    );
    let mut c = Cluster::with_web();
    c.site(json!({"metadata": {"name": "cloud"}, "spec": {"type": "Moon"}}));
    c.web_is_refused(
        "SiteUnusable",
        &[
            "spec.placement.tiers[1].sites[0]",
            "kubectl describe site cloud",
        ],
    );
    assert_eq!(c.site_reasons("cloud"), ["SpecUnreadable"]);
}

#[test]
fn what_cannot_be_split_over_sites() {
    let mut c = Cluster::with_web();
    let mut d = deployment("shop", "web", 3);
    set(
        &mut d,
        "spec.template.spec.volumes",
        json!([{"name": "cache", "emptyDir": {}}, {"name": "data", "persistentVolumeClaim": {"claimName": "d"}}]),
    );
    c.deployment(d.clone());
    c.web_is_refused("TargetHasClaims", &["data", "name one site"]);
    set(
        &mut d,
        "spec.template.spec.volumes",
        json!([{"name": "tmp", "ephemeral": {"volumeClaimTemplate": {}}}]),
    );
    c.deployment(d);
    c.web_is_refused("TargetHasClaims", &["tmp"]);
    let mut hw = web();
    set(
        &mut hw,
        "spec.placement.tiers",
        json!([{"sites": ["home"]}]),
    );
    c.workload(hw);
    assert_eq!(c.reasons("shop", "web"), Vec::<&str>::new());

    let mut c = Cluster::with_web();
    c.stateful_set(json!({"metadata": {"name": "web", "namespace": "shop", "generation": 1}, "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}}}));
    let mut hw = web();
    set(&mut hw, "spec.targetRef.kind", json!("StatefulSet"));
    c.workload(hw.clone());
    c.web_is_refused(
        "TargetNotSplittable",
        &["StatefulSet web", "use a Deployment"],
    );
    set(
        &mut hw,
        "spec.placement.tiers",
        json!([{"sites": ["home"]}]),
    );
    c.workload(hw);
    assert_eq!(c.web().legs.values().map(|l| l.spec.get()).sum::<u32>(), 2);
}

#[test]
fn the_target_is_a_sibling() {
    let mut c = Cluster::with_web();
    c.deployment(sibling("shop", "web", "cloud", 1));
    let mut hw = web();
    set(&mut hw, "metadata.name", json!("oops"));
    set(&mut hw, "spec.targetRef.name", json!("web-cloud"));
    c.workload(hw);
    assert_eq!(c.reasons("shop", "oops"), ["TargetIsSibling"]);
    assert_eq!(c.reasons("shop", "web"), Vec::<&str>::new());
}

#[test]
fn the_first_site_had_a_sibling_before() {
    let mut c = Cluster::with_web();
    c.deployment(sibling("shop", "web", "home", 1));
    c.web_is_refused(
        "HomeMoved",
        &["web-home", "spec.placement.tiers[0].sites[0]"],
    );
}

#[test]
fn deletion_holds_everything() {
    refused(
        "metadata.deletionTimestamp",
        json!("2026-11-20T11:00:00Z"),
        "BeingDeleted",
        &["keeps running"],
    );
    let mut c = Cluster::with_web();
    c.0.apply_namespace(
        "shop".into(),
        crate::gather::facts::NamespaceFacts {
            labels: [("pinisi.dev/class".into(), "MassTraffic".into())].into(),
            terminating: true,
            ..Default::default()
        },
    );
    c.web_is_refused("NamespaceTerminating", &["shop is being deleted"]);
    assert!(c.check().workloads[&id("shop", "web")].namespace_terminating);
    let mut c = Cluster::with_web();
    let mut d = deployment("shop", "web", 3);
    set(
        &mut d,
        "metadata.deletionTimestamp",
        json!("2026-11-20T11:00:00Z"),
    );
    c.deployment(d);
    c.web_is_refused("TargetBeingDeleted", &["Deployment web"]);
}

#[test]
fn a_target_that_selects_everything() {
    let mut c = Cluster::with_web();
    let mut d = deployment("shop", "web", 3);
    set(&mut d, "spec.selector", json!({}));
    c.deployment(d);
    c.web_is_refused(
        "TargetSelectorUnreadable",
        &["spec.selector of Deployment web"],
    );
}

fn signal(c: &Cluster) -> Signal {
    match c.web().demand {
        pinisi_planner::model::workload::Demand::Load(load) => load.signal,
        other => panic!("{other:?}"),
    }
}

fn fault(c: &Cluster) -> SignalFault {
    match signal(c) {
        Signal::Missing(fault) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn signals_that_cannot_be_used() {
    let mut c = Cluster::with_web();
    assert_eq!(fault(&c), SignalFault::NotAskedYet);
    for text in ["NaN", "-1", "+Inf", "-Inf", "1e300", "plenty", ""] {
        c.figure(text, Some("2026-11-20T11:59:59Z"));
        assert_eq!(fault(&c), SignalFault::NotANumber(text.to_owned()));
    }
    c.figures(std::collections::BTreeMap::new());
    assert_eq!(fault(&c), SignalFault::NoSeries);
    c.figure("12", Some("2026-11-20T09:00:00Z"));
    assert_eq!(
        signal(&c),
        Signal::Stale {
            at: "2026-11-20T09:00:00Z".parse().unwrap()
        }
    );
    c.figure("12", None);
    assert!(matches!(fault(&c), SignalFault::NotANumber(text) if text.contains("timestampQuery")));
    c.figure("12", Some("2026-11-20T13:00:00Z"));
    assert!(matches!(fault(&c), SignalFault::NotANumber(text) if text.contains("ahead")));
    let sample = Sample {
        text: "1".into(),
        at: Some(now()),
        ambiguous: true,
    };
    c.figures([("shop".to_owned(), [("web".to_owned(), sample)].into())].into());
    assert!(matches!(fault(&c), SignalFault::NotANumber(text) if text.contains("several series")));
    // None of it makes the workload unsound: a lost signal never stops what runs.
    assert_eq!(c.reasons("shop", "web"), Vec::<&str>::new());
}

#[test]
fn a_failing_source_ages_before_it_is_missing() {
    let mut c = Cluster::with_web();
    c.source_fails(SignalError::Unreachable("connection refused".into()));
    assert!(
        matches!(fault(&c), SignalFault::Unreachable(text) if text.contains("connection refused"))
    );
    c.figure("12", Some("2026-11-20T11:59:50Z"));
    c.source_fails(SignalError::Status(503));
    assert!(matches!(signal(&c), Signal::Fresh { .. }));
    c.figure("12", Some("2026-11-20T11:58:00Z"));
    c.source_fails(SignalError::Status(503));
    assert!(matches!(fault(&c), SignalFault::Unreachable(text) if text.contains("503")));
    let checked = c.check();
    let source = &checked.sources["prom"];
    assert_eq!(source.problems[0].reason(), "HttpStatus");
    assert!(source.problems[0].to_string().contains("spec.queries[rps]"));
    assert!(source.status_now.queries[0].error.is_some());
}

#[test]
fn signals_that_name_nothing() {
    let c = changed("spec.autoscaling.load.signal.source", json!("gone"));
    assert_eq!(fault(&c), SignalFault::NoSource("gone".into()));
    let c = changed("spec.autoscaling.load.signal.query", json!("gone"));
    assert_eq!(fault(&c), SignalFault::NoQuery("gone".into()));
    let mut c = Cluster::with_web();
    c.source(json!({"metadata": {"name": "prom"}, "spec": {"queries": "all"}}));
    assert!(matches!(fault(&c), SignalFault::Unreachable(_)));
    assert_eq!(
        c.check().sources["prom"].problems[0].reason(),
        "SpecUnreadable"
    );
}

#[test]
fn sources_out_of_limits() {
    for (path, value, reason) in [
        ("spec.prometheus", Value::Null, "NoAddress"),
        (
            "spec.prometheus.address",
            json!("prometheus:9090"),
            "NoAddress",
        ),
        (
            "spec.prometheus.address",
            json!("file:///etc/passwd"),
            "NoAddress",
        ),
        ("spec.queries", json!([]), "ValueOutOfRange"),
        (
            "spec.queries",
            json!([{"name": "a", "query": "x"}, {"name": "a", "query": "y"}]),
            "ValueOutOfRange",
        ),
        (
            "spec.queries",
            json!([{"name": "a", "query": " "}]),
            "ValueOutOfRange",
        ),
        ("spec.intervalSeconds", json!(0), "ValueOutOfRange"),
        ("spec.staleAfterSeconds", json!(1), "ValueOutOfRange"),
    ] {
        let mut c = Cluster::new();
        let mut s = source();
        set(&mut s, path, value);
        c.source(s);
        let problems = &c.check().sources["prom"].problems;
        assert!(
            problems.iter().any(|p| p.reason() == reason && p.blocks()),
            "{path}: {problems:?}"
        );
    }
}
