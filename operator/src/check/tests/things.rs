//! Claims and Services where they may not be: each cause, who must allow it, and what cannot be seen.

use super::build::*;
use super::violations::{only, policy};
use crate::checked::Checked;
use crate::gather::index::Index;
use crate::refusals::Refusals;
use pinisi_crds::sovereignty_violation::ViolationRule;
use serde_json::{Value, json};

fn claim(class: Value, volume: &str) -> Value {
    json!({"metadata": {"name": "data", "namespace": "health", "uid": "u-data"},
        "spec": {"storageClassName": class, "volumeName": volume}, "status": {"phase": "Bound"}})
}

fn volume(source: Value) -> Value {
    json!({"metadata": {"name": "pv-1", "uid": "u-pv-1"}, "spec": source})
}

fn service(spec: Value) -> Value {
    json!({"metadata": {"name": "api", "namespace": "health", "uid": "u-api"}, "spec": spec})
}

/// A policy that allows one storage class, one NFS server and one class of balancers.
fn terms() -> Value {
    json!({"namespaces": {}, "enforcement": "Audit", "storage": {
            "classes": [{"name": "ceph", "provisioner": "rbd.csi.ceph.com"}, {"name": "disks", "provisioner": "kubernetes.io/no-provisioner"}],
            "nfsServers": ["10.0.0.1"],
        }, "routes": {"loadBalancerClasses": ["metal/lb"]}})
}

fn allowed() -> Cluster {
    let mut c = Cluster::new();
    c.policy(policy("id", terms()));
    c
}

fn with_claim(class: Value, source: Value) -> Cluster {
    let mut c = allowed();
    c.claim(claim(class, "pv-1"));
    c.volume(volume(source));
    c
}

fn with_service(spec: Value) -> Cluster {
    let mut c = allowed();
    c.service(service(spec));
    c
}

/// The one violation, with every word in what it says.
fn says(checked: &Checked, rule: ViolationRule, cause: &str, place: &str, words: &[&str]) {
    let (name, found) = only(checked);
    assert_eq!(found.rule, rule);
    assert_eq!(
        name,
        format!("{}-{}", rule.id().to_lowercase(), found.object.uid)
    );
    assert_eq!(found.cause.word(), cause);
    assert_eq!(found.place.to_string(), place);
    assert!(!found.evict);
    let text = found.to_string();
    let path = format!("{} health/{}", found.object.kind.name(), found.object.name);
    for word in words.iter().chain(&[&*path, "--namespace health"]) {
        assert!(text.contains(word), "{word:?} is not in {text:?}");
    }
    assert!(text.chars().count() < 500, "an Event would cut {text:?}");
}

#[test]
fn what_the_policies_allow_breaks_nothing_nor_does_what_is_bound_to_nothing() {
    let ceph = json!({"csi": {"driver": "rbd.csi.ceph.com"}});
    let nfs = json!({"nfs": {"server": "10.0.0.1"}});
    let lawful = [
        with_claim(json!("ceph"), ceph),
        with_claim(json!("ceph"), nfs),
        with_claim(json!("disks"), json!({"local": {"path": "/d"}})),
        with_service(json!({"type": "ClusterIP"})),
        with_service(json!({"type": "LoadBalancer", "loadBalancerClass": "metal/lb"})),
    ];
    for cluster in lawful {
        assert_eq!(cluster.check().violations.open, Default::default());
    }
    let mut pending = allowed();
    let mut unbound = claim(json!("gp3"), "pv-1");
    set(&mut unbound, "status.phase", json!("Pending"));
    pending.claim(unbound);
    assert!(pending.check().violations.open.is_empty());
    let mut gone = allowed();
    gone.claim(claim(json!("ceph"), "no-such"));
    assert!(gone.check().violations.open.is_empty());
    let mut elsewhere = allowed();
    let mut mass = claim(json!("gp3"), "pv-1");
    set(&mut mass, "metadata.namespace", json!("shop"));
    elsewhere.claim(mass);
    let mut open = service(json!({"type": "NodePort"}));
    set(&mut open, "metadata.namespace", json!("shop"));
    elsewhere.service(open);
    assert!(elsewhere.check().violations.open.is_empty());
}

#[test]
fn every_cause_of_storage_is_told_apart() {
    let csi = |driver: &str| json!({"csi": {"driver": driver}});
    let here = "volume pv-1 of storage class ceph";
    let cases = [
        (
            with_claim(json!("gp3"), csi("ebs.csi.aws.com")),
            "StorageClassNotAllowed",
            "volume pv-1 of storage class gp3",
            vec![
                "SovereigntyPolicy id does not name",
                "spec.storage.classes of every policy",
                "copy its data",
            ],
        ),
        (
            with_claim(Value::Null, csi("rbd.csi.ceph.com")),
            "StorageClassNotAllowed",
            "volume pv-1 of storage class none",
            vec!["spec.storage.classes"],
        ),
        (
            with_claim(json!("ceph"), csi("ebs.csi.aws.com")),
            "VolumeOfOtherDriver",
            here,
            vec!["driver ebs.csi.aws.com", "rbd.csi.ceph.com"],
        ),
        (
            with_claim(json!("ceph"), json!({"nfs": {"server": "203.0.113.9"}})),
            "NfsServerNotAllowed",
            here,
            vec!["203.0.113.9", "spec.storage.nfsServers"],
        ),
        (
            with_claim(json!("ceph"), json!({"local": {"path": "/d"}})),
            "VolumeLocal",
            here,
            vec!["disk of a node", "rbd.csi.ceph.com"],
        ),
        (
            with_claim(json!("ceph"), json!({"hostPath": {"path": "/d"}})),
            "VolumeOfOtherKind",
            here,
            vec!["nobody can judge", "rbd.csi.ceph.com"],
        ),
    ];
    for (cluster, cause, place, words) in cases {
        says(&cluster.check(), ViolationRule::V03, cause, place, &words);
    }
    let mut old = allowed();
    let mut noted = claim(json!("ceph"), "pv-1");
    let note = json!({"volume.beta.kubernetes.io/storage-class": "gp3"});
    set(&mut noted, "metadata.annotations", note);
    old.claim(noted);
    let checked = old.check();
    assert_eq!(only(&checked).1.cause.word(), "StorageClassNotAllowed");
}

#[test]
fn every_way_outside_is_told_apart() {
    let balancer = |class: Value| json!({"type": "LoadBalancer", "loadBalancerClass": class});
    let cases = [
        (
            balancer(json!("aws/nlb")),
            "LoadBalancerClassNotAllowed",
            "LoadBalancer",
            vec![
                "aws/nlb",
                "SovereigntyPolicy id",
                "spec.routes.loadBalancerClasses",
                r#"'{"spec":{"type":"ClusterIP"}}'"#,
            ],
        ),
        (
            balancer(Value::Null),
            "LoadBalancerClassNotAllowed",
            "LoadBalancer",
            vec!["loadBalancerClass none"],
        ),
        (
            json!({"type": "NodePort", "externalIPs": ["203.0.113.7"]}),
            "NodePort",
            "NodePort",
            vec!["on every node", "kubectl patch service api"],
        ),
        (
            json!({"type": "ExternalName", "externalName": "db.example"}),
            "ExternalName",
            "ExternalName",
            vec!["db.example", "kubectl delete service api"],
        ),
        (
            json!({"type": "LoadBalancer", "loadBalancerClass": "metal/lb", "externalIPs": ["203.0.113.7", "203.0.113.8"]}),
            "ExternalIPs",
            "externalIPs",
            vec!["203.0.113.7 and 1 more", r#"{"externalIPs":null}"#],
        ),
    ];
    for (spec, cause, place, words) in cases {
        let checked = with_service(spec).check();
        says(&checked, ViolationRule::V04, cause, place, &words);
    }
}

#[test]
fn every_policy_that_speaks_must_allow_it_and_without_any_nothing_is_allowed() {
    let lawful = |c: &mut Cluster| {
        c.claim(claim(json!("ceph"), "pv-1"));
        c.volume(volume(json!({"nfs": {"server": "10.0.0.1"}})));
        c.service(service(
            json!({"type": "LoadBalancer", "loadBalancerClass": "metal/lb"}),
        ));
    };
    let causes = |specs: &[Value]| {
        let mut c = Cluster::new();
        lawful(&mut c);
        for (at, spec) in specs.iter().enumerate() {
            c.policy(policy(&format!("p{at}"), spec.clone()));
        }
        let open = c.check().violations.open;
        open.into_values()
            .map(|found| (found.cause.word(), found.to_string(), found.policies))
            .collect::<Vec<_>>()
    };
    assert!(causes(&[terms()]).is_empty());
    let none = causes(&[]);
    assert_eq!(none.len(), 2);
    for (_, text, policies) in &none {
        assert!(text.contains("no SovereigntyPolicy names in") && policies.is_empty());
    }
    let other = json!({"namespaces": {"matchLabels": {"pinisi.dev/class": "MassTraffic"}}});
    let mut elsewhere = terms();
    elsewhere["namespaces"] = other["namespaces"].clone();
    assert!(
        causes(&[elsewhere]).is_empty(),
        "as the guard: what any policy allows holds where none speaks"
    );
    let mut strict = terms();
    strict["storage"]["nfsServers"] = json!([]);
    strict["routes"] = json!({});
    let both = causes(&[terms(), strict.clone()]);
    let words: Vec<_> = both.iter().map(|(word, _, _)| *word).collect();
    assert_eq!(
        words,
        ["NfsServerNotAllowed", "LoadBalancerClassNotAllowed"]
    );
    for (_, text, policies) in &both {
        assert!(
            text.contains("SovereigntyPolicy p1 does not name"),
            "{text}"
        );
        assert_eq!(policies, &["p0", "p1"]);
    }
    strict["storage"]["classes"] = json!([]);
    assert_eq!(causes(&[strict, terms()])[0].0, "StorageClassNotAllowed");
}

#[test]
fn the_clusters_own_parts_are_out_and_the_policy_counts_the_rest() {
    let place = |c: &mut Cluster, namespace: &str| {
        let mut data = claim(json!("gp3"), "pv-1");
        set(&mut data, "metadata.namespace", json!(namespace));
        c.claim(data);
        let mut api = service(json!({"type": "NodePort"}));
        set(&mut api, "metadata.namespace", json!(namespace));
        c.service(api);
    };
    for own in ["kube-system", "pinisi-system", "storage-system"] {
        let mut c = Cluster::new();
        c.0.own_namespace = "pinisi-system".into();
        let mut spec = terms();
        spec["infrastructureNamespaces"] = json!(["storage-system"]);
        c.policy(policy("id", spec));
        c.namespace(own, json!({"pinisi.dev/class": "Sensitive"}));
        place(&mut c, own);
        assert!(c.check().violations.open.is_empty(), "{own}");
    }
    let mut c = allowed();
    place(&mut c, "health");
    let checked = c.check();
    assert_eq!(checked.policies["id"].violations.count, 2);
    assert!(!checked.violations.has_sensitive("u-data"));
}

#[test]
fn a_law_gives_its_article_and_its_clock_to_the_rules_that_rest_on_it() {
    let mut c = allowed();
    let mut spec = terms();
    spec["legal"] = json!(["id-pp-71-2019", "id-uu-27-2022"]);
    c.policy(policy("id", spec.clone()));
    c.claim(claim(json!("gp3"), "pv-1"));
    c.service(service(json!({"type": "NodePort"})));
    let open = c.check().violations.open;
    let storage = &open["v03-u-data"];
    assert_eq!(storage.notice_hours, Some(72));
    assert!(storage.law.first().unwrap().contains("PP 71/2019 Pasal 20"));
    let way = &open["v04-u-api"];
    assert_eq!((way.notice_hours, way.law.len()), (None, 0));
    spec["noticeWithinHours"] = json!(24);
    c.policy(policy("id", spec));
    let open = c.check().violations.open;
    assert_eq!(open["v04-u-api"].notice_hours, Some(24));
}

#[test]
fn what_is_put_right_or_gone_is_over() {
    let mut c = allowed();
    c.claim(claim(json!("gp3"), "pv-1"));
    c.service(service(json!({"type": "NodePort"})));
    assert_eq!(c.check().violations.open.len(), 2);
    c.service(service(json!({"type": "ClusterIP"})));
    let checked = c.check();
    assert_eq!(only(&checked).1.rule, ViolationRule::V03);
    let going = {
        let mut going = claim(json!("gp3"), "pv-1");
        let at = json!("2026-11-20T12:00:00Z");
        set(&mut going, "metadata.deletionTimestamp", at);
        going
    };
    c.claim(going);
    assert_eq!(
        c.check().violations.open.len(),
        1,
        "its data lies there until it is gone"
    );
    let key = crate::gather::facts::ObjectKey {
        namespace: "health".into(),
        name: "data".into(),
    };
    c.0.claims.delete(&key);
    assert!(c.check().violations.open.is_empty());
}

/// Evidence of the claim, of the Service and of a pod, none of which is there.
fn recorded() -> Cluster {
    let mut c = Cluster(Index::default(), Refusals::default());
    c.policy(policy("id", terms()));
    c.namespace("health", json!({"pinisi.dev/class": "Sensitive"}));
    for (rule, kind) in [
        ("V01", "Pod"),
        ("V03", "PersistentVolumeClaim"),
        ("V04", "Service"),
    ] {
        c.violation(json!({
            "metadata": {"name": format!("{}-u", rule.to_lowercase()), "uid": rule},
            "spec": {"rule": rule, "cause": "X", "message": format!("{rule} was seen"), "policies": ["id"], "place": {},
                "object": {"apiVersion": "v1", "kind": kind, "namespace": "health", "name": "x", "uid": "u", "path": "x"},
                "detectedAt": "2026-11-20T10:00:00Z", "evidence": {}},
        }));
    }
    c
}

#[test]
fn what_cannot_be_listed_is_held_and_counts() {
    let mut c = recorded();
    let held = |c: &Cluster| {
        let held = c.check().violations.held;
        held.into_keys().collect::<Vec<_>>()
    };
    assert_eq!(held(&c), ["v03-u", "v04-u"]);
    let checked = c.check();
    let sum = &checked.policies["id"].violations;
    assert_eq!((sum.count, sum.first.as_deref()), (2, Some("V03 was seen")));
    c.0.services.replace(vec![]);
    c.0.claims.replace(vec![]);
    assert_eq!(held(&c), ["v03-u"], "its volume may be what is wrong");
    c.claim(claim(json!("gp3"), "pv-1"));
    assert_eq!(
        c.check().violations.open.len(),
        1,
        "a class needs no volumes"
    );
    c.0.volumes.replace(vec![]);
    assert!(held(&c).is_empty());
    let mut ended = recorded();
    let record = ended.0.violations.get_mut("v04-u").unwrap();
    let at: k8s_openapi::apimachinery::pkg::apis::meta::v1::Time =
        serde_json::from_value(json!("2026-11-20T11:00:00Z")).unwrap();
    record.status.ended_at = Some(at);
    assert_eq!(held(&ended), ["v03-u"]);
}
