//! A sound cluster, and one change for each check that makes it unsound.

use super::finding::Status;
use super::{GROUPS, judge, report};
use crate::args::Output;
use crate::output::Screen;
use crate::snapshot::{Heard, NodeFact, PodFact, Preview, Previewed, SiteTaint, Snapshot};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use pinisi_crds::local_names::LocalName;
use pinisi_crds::sovereign_nodes::{NodeIdentity, Terms};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const PLAIN: Screen = Screen {
    terminal: false,
    colour: false,
};
const LABEL: &str = "node-restriction.kubernetes.io/pinisi-site";

fn of<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("fixture")
}

fn node(name: &str, site: &str) -> NodeFact {
    let taint = SiteTaint {
        value: site.into(),
        effect: "NoExecute".into(),
    };
    NodeFact {
        name: name.into(),
        identity: NodeIdentity {
            uid: format!("uid-{name}"),
            provider_id: Some(format!("kwok://{name}")),
            machine_id: None,
        },
        labels: BTreeMap::from([(LABEL.into(), site.into())]),
        site_taints: if site == "home" { vec![] } else { vec![taint] },
        ready: true,
    }
}

fn pod(namespace: &str, name: &str, node: &str) -> PodFact {
    let text = str::to_owned;
    PodFact {
        namespace: text(namespace),
        name: text(name),
        node: Some(text(node)),
        phase: text("Running"),
        ready: true,
    }
}

fn site(name: &str, kind: &str) -> Value {
    json!({
        "apiVersion": "pinisi.dev/v1alpha1", "kind": "Site", "metadata": {"name": name},
        "spec": {"type": kind, "jurisdiction": "ID", "nodes": {"matchLabels": {LABEL: name}}, "allowedNamespaces": {}},
    })
}

/// Own ground, with these nodes attested as [`node`] makes them.
fn home(nodes: &[&str]) -> Value {
    let mut home = site("home", "OnPrem");
    home["spec"]["attested"] = attested(nodes);
    home
}

fn attested(nodes: &[&str]) -> Value {
    let one = |name: &&str| {
        let identity =
            json!({"uid": format!("uid-{name}"), "providerID": format!("kwok://{name}")});
        ((*name).to_owned(), identity)
    };
    Value::Object(nodes.iter().map(one).collect())
}

/// A Site in another cluster that answers and is guarded.
fn remote_site() -> Value {
    let condition = |kind: &str, reason: &str| json!({"type": kind, "status": "True", "reason": reason, "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"});
    json!({
        "apiVersion": "pinisi.dev/v1alpha1", "kind": "Site", "metadata": {"name": "abroad"},
        "spec": {"type": "Cloud", "jurisdiction": "SG", "kubeconfigSecretRef": {"name": "abroad"}, "allowedNamespaces": {}},
        "status": {"nodes": 3, "conditions": [
            condition("Reachable", "Connected"), condition("Guarded", "ReceivingGuardInForce"), condition("Ready", "NodesReady"),
        ]},
    })
}

/// Says the link of the Site in another cluster out of order.
fn link(snapshot: &mut Snapshot, reason: &str) {
    let site = &mut snapshot.sites.as_mut().unwrap()[2];
    for condition in &mut site.status.as_mut().unwrap().conditions {
        if condition.type_ != "Guarded" {
            condition.status = "False".into();
            condition.reason = reason.into();
            condition.message = "the words".into();
        }
    }
}

/// Conditions of the Site in another cluster.
fn conditions_abroad(snapshot: &mut Snapshot) -> &mut Vec<Condition> {
    let site = &mut snapshot.sites.as_mut().unwrap()[2];
    &mut site.status.as_mut().unwrap().conditions
}

fn well() -> Value {
    json!([
        {"type": "Ready", "status": "True", "reason": "ReplicasReady", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"},
        {"type": "Overflowing", "status": "True", "reason": "HomeAboveHighWatermark", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"},
    ])
}

fn ill(kind: &str, reason: &str) -> Value {
    json!({"type": kind, "status": "True", "reason": reason, "message": "the words", "lastTransitionTime": "2026-01-01T00:00:00Z"})
}

fn records() -> Value {
    json!({
        "apiVersion": "pinisi.dev/v1alpha1", "kind": "HybridWorkload",
        "metadata": {"name": "records", "namespace": "identity"},
        "spec": {"class": "Sensitive", "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "records"}},
        "status": {"replicas": 3, "home": 3, "cloud": 0, "ready": "3/3", "sites": [], "conditions": well()},
    })
}

fn web() -> Value {
    json!({
        "apiVersion": "pinisi.dev/v1alpha1", "kind": "HybridWorkload",
        "metadata": {"name": "web", "namespace": "public"},
        "spec": {
            "class": "MassTraffic",
            "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "autoscaling": {"maxReplicas": 40, "load": {"signal": {"source": "gateway", "query": "requests"}, "perReplica": "100"}},
            "placement": {"tiers": [{"sites": ["home"]}, {"sites": ["cloud"]}]},
        },
        "status": {"replicas": 14, "home": 10, "cloud": 4, "ready": "12/14", "sites": [], "conditions": well()},
    })
}

fn policy(id: &str, inventory: bool) -> Value {
    let mut spec = json!({"failurePolicy": "Fail", "validations": [{"expression": "true"}]});
    if inventory {
        spec["paramKind"] = json!({"apiVersion": "pinisi.dev/v1alpha1", "kind": "SovereignNodes"});
    }
    json!({"metadata": {"name": format!("pinisi-guard-{id}")}, "spec": spec})
}

fn binding(id: &str, inventory: bool) -> Value {
    let name = format!("pinisi-guard-{id}");
    let mut spec = json!({"policyName": name, "validationActions": ["Deny", "Audit"]});
    if inventory {
        spec["paramRef"] = json!({"name": "default", "parameterNotFoundAction": "Deny"});
    }
    json!({"metadata": {"name": name}, "spec": spec})
}

fn each_rule(make: fn(&str, bool) -> Value) -> Value {
    use pinisi_operator::guard::{GuardSettings, rules};
    let rules = rules::all(&GuardSettings::default());
    let made = rules.iter().map(|rule| make(rule.id, rule.needs_inventory));
    Value::Array(made.collect())
}

fn violation() -> Value {
    json!({
        "apiVersion": "pinisi.dev/v1alpha1", "kind": "SovereigntyViolation", "metadata": {"name": "v01-u"},
        "spec": {
            "rule": "V01", "cause": "NodeAway", "message": "Pod identity/records-1 is bound to node c1",
            "object": {"apiVersion": "v1", "kind": "Pod", "namespace": "identity", "name": "records-1", "uid": "u", "path": "Pod identity/records-1"},
            "place": {"node": "c1", "site": "cloud"}, "policies": [], "evidence": {},
            "detectedAt": "2026-01-01T10:00:00Z", "noticeDeadline": "2026-01-04T10:00:00Z",
        },
    })
}

fn labels(class: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("pinisi.dev/class".into(), class.into())])
}

/// A cluster on which every check is ok.
fn sound() -> Snapshot {
    let words = |words: &[&str]| {
        words
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<BTreeSet<_>>()
    };
    let now = "2026-01-01T12:00:00Z";
    Snapshot {
        now: now.parse().expect("a time"),
        operator_namespace: "pinisi-system".into(),
        server: ("1".into(), "37".into()),
        served_kinds: Ok(words(&[
            "sites",
            "hybridworkloads",
            "signalsources",
            "cloudbudgets",
            "sovereigntypolicies",
            "sovereignnodes",
            "sovereigntyviolations",
            "declassifications",
        ])),
        served_admission: Ok(words(&[
            "validatingadmissionpolicies",
            "mutatingadmissionpolicies",
        ])),
        api_services: Ok(BTreeMap::from([("metrics.k8s.io".into(), None)])),
        definitions: Ok(pinisi_crds::all()),
        deployments: Ok(of(json!([{
            "metadata": {"name": "pinisi", "labels": {"app.kubernetes.io/name": "pinisi"}},
            "spec": {"replicas": 2, "selector": {}, "template": {}}, "status": {"readyReplicas": 2},
        }]))),
        operator_pods: Ok(vec![
            pod("pinisi-system", "pinisi-1", "h1"),
            pod("pinisi-system", "pinisi-2", "h2"),
        ]),
        leases: Ok(of(json!([{
            "metadata": {"name": "pinisi"},
            "spec": {"holderIdentity": "pinisi-1", "leaseDurationSeconds": 15, "renewTime": "2026-01-01T11:59:55.000000Z"},
        }]))),
        policies: Ok(of(each_rule(policy))),
        bindings: Ok(of(each_rule(binding))),
        stamps: Ok(of(json!([policy("s01-stamp", true)]))),
        floor: Ok(true),
        stamp_bindings: Ok(of(
            json!([{"metadata": {"name": "pinisi-guard-s01-stamp"}, "spec": {"policyName": "pinisi-guard-s01-stamp"}}]),
        )),
        sites: Ok(of(json!([
            home(&["h1", "h2"]),
            site("cloud", "Cloud"),
            remote_site()
        ]))),
        secrets: Ok(words(&["abroad"])),
        workloads: Ok(of(json!([records(), web()]))),
        local_names: Ok(BTreeMap::from([(
            ("public".into(), "web".into()),
            vec![LocalName {
                field: "spec.template.spec.containers[0].env[0].value".into(),
                name: "db.public.svc".into(),
            }],
        )])),
        sources: Ok(of(json!([{
            "apiVersion": "pinisi.dev/v1alpha1", "kind": "SignalSource", "metadata": {"name": "gateway"},
            "spec": {
                "prometheus": {"address": "http://prometheus.monitoring.svc:9090"},
                "queries": [{"name": "requests", "query": "sum(r)", "timestampQuery": "max(timestamp(r))"}],
            },
            "status": {"queries": [{"name": "requests", "series": 2}], "conditions": well()},
        }, {
            "apiVersion": "pinisi.dev/v1alpha1", "kind": "SignalSource", "metadata": {"name": "ingress"},
            "spec": {
                "gateways": [{"address": "http://gateway-0.gateways.ingress.svc:9100/metrics"}],
                "queries": [{"name": "requests", "metric": "requests_total"}],
            },
            "status": {"queries": [{"name": "requests", "series": 2}], "conditions": well()},
        }]))),
        budgets: Ok(vec![]),
        inventories: Ok(of(json!([{
            "apiVersion": "pinisi.dev/v1alpha1", "kind": "SovereignNodes", "metadata": {"name": "default"},
            "spec": {
                "nodes": attested(&["h1", "h2"]), "nodeSelector": {LABEL: "home"},
                "away": {"c1": "cloud"}, "terms": Terms::default(),
                "renewedAt": "2026-01-01T11:30:00Z", "maxAgeSeconds": 604_800,
            },
        }]))),
        violations: Ok(vec![]),
        declassifications: Ok(vec![]),
        nodes: Ok(vec![
            node("h1", "home"),
            node("h2", "home"),
            node("c1", "cloud"),
        ]),
        namespaces: Ok(BTreeMap::from([
            ("identity".into(), labels("Sensitive")),
            ("public".into(), labels("MassTraffic")),
            ("kube-system".into(), BTreeMap::new()),
        ])),
        sensitive_pods: Ok(vec![
            pod("identity", "records-1", "h1"),
            pod("identity", "records-2", "h2"),
        ]),
        preview: Ok(Preview {
            tried: vec![previewed("Deployment identity/records", Heard::Fine)],
            left_out: 0,
        }),
        autoscalers: Ok(vec![]),
    }
}

fn previewed(object: &str, heard: Heard) -> Previewed {
    Previewed {
        object: object.to_owned(),
        heard,
    }
}

fn tried(snapshot: &mut Snapshot) -> &mut Vec<Previewed> {
    &mut snapshot.preview.as_mut().unwrap().tried
}

fn declassification(status: &Value) -> Value {
    json!({
        "apiVersion": "pinisi.dev/v1alpha1", "kind": "Declassification",
        "metadata": {"name": "reports-1", "namespace": "identity"},
        "spec": {"reason": "aggregates only", "requestedBy": "ani"},
        "status": status,
    })
}

#[test]
fn a_declassification_that_has_ended_waits_no_more() {
    let mut snapshot = sound();
    let ended = declassification(&json!({"outcome": "Expired"}));
    snapshot.declassifications = Ok(of(json!([ended])));
    assert_eq!(
        judge(&snapshot).summary().warn,
        judge(&sound()).summary().warn
    );
}

/// What makes a check speak.
struct Fault {
    id: &'static str,
    status: Status,
    make: fn(&mut Snapshot),
}

const fn fault(id: &'static str, status: Status, make: fn(&mut Snapshot)) -> Fault {
    Fault { id, status, make }
}

fn faults() -> Vec<Fault> {
    use Status::{Fail, Skip, Warn};
    vec![
        fault("PN001", Fail, |s| s.server.1 = "29+".into()),
        fault("PN002", Fail, |s| {
            s.definitions
                .as_mut()
                .unwrap()
                .retain(|d| d.spec.names.plural != "sites")
        }),
        fault("PN002", Fail, |s| {
            _ = s.served_kinds.as_mut().unwrap().remove("sites")
        }),
        fault("PN003", Fail, |s| without_field(s, "drainBack")),
        fault("PN003", Warn, with_other_words),
        fault("PN010", Fail, |s| s.deployments = Ok(vec![])),
        fault("PN010", Warn, |s| {
            s.deployments.as_mut().unwrap()[0]
                .status
                .as_mut()
                .unwrap()
                .ready_replicas = Some(1)
        }),
        fault("PN010", Fail, |s| {
            s.deployments.as_mut().unwrap()[0].status = None
        }),
        fault("PN010", Fail, |s| {
            s.deployments.as_mut().unwrap()[0].spec.replicas = Some(0);
            s.leases = Ok(vec![]);
        }),
        fault("PN011", Warn, |s| {
            s.operator_pods.as_mut().unwrap()[1].ready = false
        }),
        fault("PN012", Warn, |s| s.leases = Ok(vec![])),
        fault("PN012", Warn, |s| {
            s.now = "2026-01-01T13:00:00Z".parse().unwrap()
        }),
        fault("PN020", Fail, |s| _ = s.policies.as_mut().unwrap().pop()),
        fault("PN020", Fail, |s| _ = s.bindings.as_mut().unwrap().pop()),
        fault("PN021", Fail, |s| {
            s.bindings.as_mut().unwrap()[0].spec.validation_actions = vec!["Warn".into()]
        }),
        fault("PN021", Fail, |s| {
            s.bindings.as_mut().unwrap()[0]
                .spec
                .param_ref
                .as_mut()
                .unwrap()
                .parameter_not_found_action = Some("Allow".into())
        }),
        fault("PN021", Fail, |s| {
            s.policies.as_mut().unwrap()[0]
                .spec
                .as_mut()
                .unwrap()
                .failure_policy = Some("Ignore".into())
        }),
        fault("PN022", Fail, |s| s.stamps = Ok(vec![])),
        fault("PN022", Warn, |s| s.served_admission = Ok(BTreeSet::new())),
        fault("PN022", Skip, |s| {
            s.served_admission = Ok(BTreeSet::new());
            s.server.1 = "34".into();
        }),
        fault("PN023", Warn, |s| s.floor = Ok(false)),
        fault("PN024", Fail, |s| {
            tried(s)[0].heard = Heard::Refused("G03: spec.nodeSelector".into());
        }),
        fault("PN024", Skip, |s| {
            tried(s)[0].heard = Heard::Silent("forbidden".into());
        }),
        fault("PN025", Warn, |s| {
            tried(s)[0].heard = Heard::Warned(vec!["G20: storage class".into()]);
        }),
        fault("PN030", Fail, |s| {
            s.sites
                .as_mut()
                .unwrap()
                .push(of(with_labels_of("copy", "home")))
        }),
        fault("PN031", Fail, |s| {
            s.nodes.as_mut().unwrap()[2].site_taints[0].effect = "NoSchedule".into()
        }),
        fault("PN032", Warn, |s| {
            s.nodes.as_mut().unwrap()[2].ready = false
        }),
        fault("PN033", Warn, |s| {
            s.sites
                .as_mut()
                .unwrap()
                .push(of(with_own_label("annex", "zone")))
        }),
        fault("PN034", Fail, |s| {
            s.sites
                .as_mut()
                .unwrap()
                .push(of(with_own_label("annex", "zone")))
        }),
        fault("PN040", Fail, |s| {
            s.sensitive_pods.as_mut().unwrap()[0].node = Some("c1".into())
        }),
        fault("PN040", Warn, |s| {
            let pod = &mut s.sensitive_pods.as_mut().unwrap()[0];
            (pod.node, pod.phase) = (Some("c1".into()), "Succeeded".into());
        }),
        fault("PN041", Fail, |s| s.inventories = Ok(vec![])),
        fault("PN042", Fail, |s| {
            s.nodes.as_mut().unwrap()[0].identity.uid = "another".into()
        }),
        fault("PN042", Fail, |s| {
            let inventory = &mut s.inventories.as_mut().unwrap()[0];
            let h1 = inventory.spec.nodes.get_mut("h1").unwrap();
            h1.uid = "another".into();
        }),
        fault("PN042", Fail, |s| {
            s.nodes = Ok(vec![node("h1", "home"), node("c1", "cloud")])
        }),
        fault("PN042", Warn, |s| {
            s.nodes.as_mut().unwrap().push(node("h3", "home"));
            s.sites.as_mut().unwrap()[0] = of(home(&["h1", "h2", "h3"]));
        }),
        fault("PN046", Fail, |s| {
            s.inventories.as_mut().unwrap()[0].spec.renewed_at = None
        }),
        fault("PN046", Fail, |s| {
            s.inventories.as_mut().unwrap()[0].spec.max_age_seconds = 1800
        }),
        fault("PN046", Warn, |s| {
            s.inventories.as_mut().unwrap()[0].spec.max_age_seconds = 3500
        }),
        fault("PN043", Warn, |s| {
            s.nodes.as_mut().unwrap().push(node("h3", "home"))
        }),
        fault("PN044", Fail, |s| {
            s.nodes.as_mut().unwrap()[0].identity.provider_id = Some("kwok://other".into())
        }),
        fault("PN044", Fail, |s| {
            let labels = &mut s.nodes.as_mut().unwrap()[0].labels;
            labels.insert("type".into(), "virtual-kubelet".into());
        }),
        fault("PN044", Warn, |s| {
            s.sites.as_mut().unwrap()[0] = of(home(&["h1", "h2", "h9"]))
        }),
        fault("PN045", Fail, |s| {
            s.violations = Ok(of(json!([violation()])))
        }),
        fault("PN045", Warn, |s| {
            let mut ended = violation();
            ended["status"] = json!({"endedAt": "2026-01-01T11:00:00Z"});
            s.violations = Ok(of(json!([ended])));
        }),
        fault("PN050", Fail, |s| {
            s.workloads.as_mut().unwrap()[0].metadata.namespace = Some("public".into())
        }),
        fault("PN051", Fail, |s| {
            _ = s
                .namespaces
                .as_mut()
                .unwrap()
                .insert("identity".into(), BTreeMap::new())
        }),
        fault("PN052", Fail, |s| {
            _ = s
                .namespaces
                .as_mut()
                .unwrap()
                .insert("kube-system".into(), labels("sensitive"))
        }),
        fault("PN053", Warn, |s| {
            s.declassifications = Ok(of(json!([declassification(&json!({}))])))
        }),
        fault("PN053", Warn, |s| {
            let approved =
                json!({"approval": {"approvedBy": "budi"}, "mayChangeAt": "2026-01-02T12:00:00Z"});
            s.declassifications = Ok(of(json!([declassification(&approved)])));
        }),
        fault("PN060", Fail, |s| {
            s.workloads.as_mut().unwrap()[1]
                .spec
                .placement
                .as_mut()
                .unwrap()
                .tiers[1]
                .sites[0] = "moon".into()
        }),
        fault("PN061", Fail, |s| {
            s.sites.as_mut().unwrap()[1].spec.allowed_namespaces = None
        }),
        fault("PN062", Fail, |s| {
            let tiers = s.workloads.as_ref().unwrap()[1].spec.placement.clone();
            s.workloads.as_mut().unwrap()[0].spec.placement = tiers;
        }),
        fault("PN063", Fail, |s| {
            let mut copy = s.workloads.as_ref().unwrap()[1].clone();
            copy.metadata.name = Some("web-again".into());
            s.workloads.as_mut().unwrap().push(copy);
        }),
        fault("PN064", Warn, |s| {
            s.autoscalers = Ok(of(json!([{
                "metadata": {"name": "web", "namespace": "public"},
                "spec": {"maxReplicas": 9, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}},
            }])));
        }),
        fault("PN065", Fail, |s| says(s, ill("Stalled", "TargetNotFound"))),
        fault("PN065", Warn, |s| {
            says(s, ill("CapacityShort", "CapacityShort"))
        }),
        fault("PN065", Warn, |s| {
            s.workloads.as_mut().unwrap()[1].status = None
        }),
        fault("PN070", Fail, |s| {
            s.sources.as_mut().unwrap()[0].spec.queries[0].name = "other".into()
        }),
        fault("PN070", Fail, |s| s.sources = Ok(vec![])),
        fault("PN071", Warn, |s| {
            s.sources.as_mut().unwrap()[0]
                .status
                .as_mut()
                .unwrap()
                .queries[0]
                .error = Some("no answer".into())
        }),
        fault("PN071", Warn, |s| {
            let status = s.sources.as_mut().unwrap()[0].status.as_mut().unwrap();
            status.gateways = of(
                json!([{"address": "http://gw-0/metrics", "series": 0, "error": "HTTP status 503"}]),
            );
        }),
        fault("PN072", Warn, |s| {
            s.sources.as_mut().unwrap()[0].spec.queries[0].timestamp_query = None
        }),
        fault("PN073", Fail, |s| follows(s, "Pods")),
        fault("PN073", Fail, |s| {
            follows(s, "Resource");
            let apis = s.api_services.as_mut().unwrap();
            apis.insert("metrics.k8s.io".into(), Some("no endpoints".into()));
        }),
        fault("PN073", Skip, |s| s.api_services = Err("forbidden".into())),
        fault("PN080", Fail, |s| s.secrets = Ok(BTreeSet::new())),
        fault("PN080", Skip, |s| s.secrets = Err("forbidden".into())),
        fault("PN081", Fail, |s| link(s, "SecretForbidden")),
        fault("PN082", Fail, |s| link(s, "ExecRefused")),
        fault("PN082", Fail, |s| link(s, "NotTls")),
        fault("PN083", Fail, |s| link(s, "HubItself")),
        fault("PN083", Fail, |s| link(s, "WrongCluster")),
        fault("PN083", Fail, |s| {
            let ready = &mut conditions_abroad(s)[2];
            (ready.status, ready.reason) = ("False".into(), "ClusterInTwoSites".into());
        }),
        fault("PN084", Fail, |s| link(s, "Unreachable")),
        fault("PN084", Fail, |s| link(s, "Unauthorized")),
        fault("PN084", Warn, |s| conditions_abroad(s).clear()),
        fault("PN085", Fail, |s| {
            conditions_abroad(s).retain(|c| c.type_ != "Guarded")
        }),
        fault("PN085", Fail, |s| {
            conditions_abroad(s)[1].status = "False".into()
        }),
        fault("PN090", Fail, |s| {
            priced(s);
            s.budgets = Ok(vec![]);
        }),
        fault("PN090", Fail, |s| {
            priced(s);
            s.budgets.as_mut().unwrap()[0].spec.ceiling.currency = "USD".into();
        }),
        fault("PN091", Warn, |s| {
            priced(s);
            s.sites.as_mut().unwrap()[1].spec.price = None;
        }),
        fault("PN092", Fail, |s| {
            priced(s);
            let status = s.budgets.as_mut().unwrap()[0].status.as_mut();
            status.unwrap().conditions = vec![of(ill("Stalled", "ValueOutOfRange"))];
        }),
        fault("PN092", Warn, |s| {
            priced(s);
            s.budgets.as_mut().unwrap()[0].status = None;
        }),
        // Its name is of this cluster, as long as it stays in it.
        fault("PN086", Warn, |s| {
            let placement = s.workloads.as_mut().unwrap()[1].spec.placement.as_mut();
            placement.unwrap().tiers[1].sites[0] = "abroad".into();
        }),
    ]
}

/// The cloud has a price, and a budget pays there.
fn priced(snapshot: &mut Snapshot) {
    let price = json!({"currency": "IDR", "perCpuHour": "650", "perGibHour": "0"});
    snapshot.sites.as_mut().unwrap()[1].spec.price = Some(of(price));
    snapshot.budgets = Ok(of(json!([{
        "apiVersion": "pinisi.dev/v1alpha1", "kind": "CloudBudget", "metadata": {"name": "public"},
        "spec": {
            "namespaces": {"matchLabels": {"pinisi.dev/class": "MassTraffic"}},
            "period": "Month", "ceiling": {"currency": "IDR", "amount": "1000000"},
        },
        "status": {"spent": "0", "conditions": well()},
    }])));
}

#[test]
fn a_price_that_a_budget_pays_is_fine() {
    let mut snapshot = sound();
    priced(&mut snapshot);
    let judged = judge(&snapshot);
    assert!(!judged.any_failed(), "{:?}", judged.all());
    assert_eq!(judged.summary().warn, judge(&sound()).summary().warn);
}

/// The workload `web` follows a metric of this type.
fn follows(snapshot: &mut Snapshot, kind: &str) {
    let source = match kind {
        "Pods" => {
            json!({"metric": {"name": "rps"}, "target": {"type": "AverageValue", "averageValue": "1"}})
        }
        _ => json!({"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}),
    };
    let mut metric = json!({"type": kind});
    metric[kind.to_lowercase()] = source;
    let scaling = snapshot.workloads.as_mut().unwrap()[1]
        .spec
        .autoscaling
        .as_mut();
    scaling.unwrap().metrics = Some(of(json!([metric])));
}

fn without_field(snapshot: &mut Snapshot, field: &str) {
    edit_schema(snapshot, |spec| {
        _ = spec["properties"].as_object_mut().unwrap().remove(field)
    });
}

fn with_other_words(snapshot: &mut Snapshot) {
    edit_schema(snapshot, |spec| {
        spec["properties"]["class"]["description"] = json!("other words")
    });
}

fn edit_schema(snapshot: &mut Snapshot, edit: impl Fn(&mut Value)) {
    let mut all = serde_json::to_value(snapshot.definitions.as_ref().unwrap()).unwrap();
    edit(&mut all[1]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]);
    snapshot.definitions = Ok(of(all));
}

fn with_labels_of(name: &str, other: &str) -> Value {
    let mut value = site(name, "Edge");
    value["spec"]["nodes"]["matchLabels"] = json!({LABEL: other});
    value
}

fn with_own_label(name: &str, key: &str) -> Value {
    let mut value = site(name, "OnPrem");
    value["spec"]["nodes"]["matchLabels"] = json!({key: name});
    value
}

fn says(snapshot: &mut Snapshot, condition: Value) {
    let status = snapshot.workloads.as_mut().unwrap()[1]
        .status
        .as_mut()
        .unwrap();
    status.conditions.push(of(condition));
}

#[test]
fn a_sound_cluster_is_ok_in_every_check() {
    let findings = judge(&sound());
    let bad: Vec<_> = findings
        .all()
        .iter()
        .filter(|finding| finding.status != Status::Ok)
        .collect();
    assert!(bad.is_empty(), "{bad:#?}");
    let ids: Vec<_> = findings.all().iter().map(|finding| finding.id).collect();
    let expected: Vec<_> = GROUPS
        .iter()
        .flat_map(|group| group.iter().map(|check| check.id))
        .collect();
    assert_eq!(ids, expected);
}

#[test]
fn every_check_can_go_wrong_and_says_object_and_way_out() {
    let mut spoke = BTreeSet::new();
    for Fault { id, status, make } in faults() {
        let mut snapshot = sound();
        make(&mut snapshot);
        let findings = judge(&snapshot);
        let found = findings
            .all()
            .iter()
            .find(|finding| finding.id == id && finding.status == status);
        let found = found.unwrap_or_else(|| panic!("{id} does not say {status:?}: {findings:#?}"));
        if status != Status::Skip {
            assert!(found.object.is_some() && found.hint.is_some(), "{found:?}");
        }
        assert_eq!(findings.any_failed(), findings.summary().fail > 0);
        spoke.insert(id);
    }
    let silent: Vec<_> = GROUPS
        .iter()
        .flat_map(|group| group.iter())
        .filter(|check| !spoke.contains(check.id))
        .collect();
    assert!(silent.is_empty(), "no test makes these speak: {silent:?}");
}

#[test]
fn what_cannot_be_read_is_skipped_and_hides_nothing_else() {
    let mut snapshot = sound();
    snapshot.nodes = Err("cannot read nodes: forbidden".into());
    snapshot.workloads.as_mut().unwrap()[1]
        .spec
        .placement
        .as_mut()
        .unwrap()
        .tiers[1]
        .sites[0] = "moon".into();
    let findings = judge(&snapshot);
    let status = |id: &str| {
        findings
            .all()
            .iter()
            .find(|finding| finding.id == id)
            .map(|finding| finding.status)
    };
    assert_eq!(status("PN040"), Some(Status::Skip));
    assert_eq!(status("PN060"), Some(Status::Fail));
}

#[test]
fn an_empty_cluster_does_not_pass() {
    let mut snapshot = sound();
    snapshot.served_kinds = Ok(BTreeSet::new());
    snapshot.definitions = Ok(vec![]);
    snapshot.deployments = Ok(vec![]);
    (snapshot.policies, snapshot.bindings, snapshot.stamps) = (Ok(vec![]), Ok(vec![]), Ok(vec![]));
    let none = || Err("the server has no sites".to_owned());
    (snapshot.sites, snapshot.workloads, snapshot.sources) =
        (none(), Err("no".into()), Err("no".into()));
    snapshot.inventories = Ok(vec![]);
    let findings = judge(&snapshot);
    assert!(findings.any_failed());
    assert!(findings.summary().fail >= 12, "{:?}", findings.summary());
}

#[test]
fn a_long_list_is_cut_and_counted() {
    let mut snapshot = sound();
    let pods = (0..30).map(|n| pod("identity", &format!("records-{n}"), "c1"));
    snapshot.sensitive_pods = Ok(pods.collect());
    let findings = judge(&snapshot);
    let own: Vec<_> = findings
        .all()
        .iter()
        .filter(|finding| finding.id == "PN040")
        .collect();
    assert_eq!(own.len(), 21);
    assert_eq!(own[20].message, "10 more like these");
    assert_eq!(own[20].status, Status::Fail);
}

#[test]
fn text_and_json_look_like_this() {
    insta::assert_snapshot!("sound_text", report::text(&judge(&sound()), PLAIN));
    let mut snapshot = sound();
    snapshot.sensitive_pods.as_mut().unwrap()[0].node = Some("c1".into());
    snapshot.sites.as_mut().unwrap()[1].spec.allowed_namespaces = None;
    snapshot.nodes.as_mut().unwrap()[2].ready = false;
    snapshot.autoscalers = Err("cannot read horizontalpodautoscalers: forbidden".into());
    let findings = judge(&snapshot);
    insta::assert_snapshot!("unsound_text", report::text(&findings, PLAIN));
    insta::assert_snapshot!(
        "unsound_json",
        report::document(&findings, Output::Json).unwrap()
    );
    let checks: Vec<_> = GROUPS
        .iter()
        .flat_map(|group| group.iter().copied())
        .collect();
    insta::assert_snapshot!("list", report::list(&checks, Output::Text).unwrap());
}

#[test]
fn the_guard_looked_for_is_the_one_that_the_operator_applies() {
    use pinisi_operator::guard::{GuardSettings, PolicyBinding, objects};
    let mut settings = GuardSettings {
        operator_user: "system:serviceaccount:pinisi-system:pinisi".into(),
        operator_namespace: "pinisi-system".into(),
        ..GuardSettings::default()
    };
    let stands = |settings: &GuardSettings, without: &str| {
        let applied = objects(settings);
        let mut snapshot = sound();
        let of_kind = |kind: &str| {
            let all = applied
                .iter()
                .filter(|o| o.kind == kind && (without.is_empty() || o.name != without));
            Value::Array(all.map(|o| o.body.clone()).collect())
        };
        snapshot.policies = Ok(of(of_kind("ValidatingAdmissionPolicy")));
        snapshot.bindings = Ok(of(of_kind("ValidatingAdmissionPolicyBinding")));
        snapshot.stamps = Ok(of(of_kind("MutatingAdmissionPolicy")));
        snapshot.stamp_bindings = Ok(of(of_kind("MutatingAdmissionPolicyBinding")));
        judge(&snapshot)
    };
    let findings = stands(&settings, "");
    assert!(!findings.any_failed(), "{findings:#?}");
    // One that speaks for every namespace stands in for the binding for all, as long as it is there.
    let everywhere = PolicyBinding {
        narrows_nodes: true,
        ..PolicyBinding::default()
    };
    settings.policies.bindings.insert("all".into(), everywhere);
    let findings = stands(&settings, "");
    assert!(!findings.any_failed(), "{findings:#?}");
    let findings = stands(&settings, "pinisi-guard-g11-pod-parts.all");
    assert!(findings.any_failed());
}

/// Every word that the operator has against a link is somebody's to speak of, and one check's only.
#[test]
fn every_fault_of_a_link_belongs_to_one_check() {
    for reason in pinisi_operator::gather::link::LinkFault::REASONS {
        let mut snapshot = sound();
        link(&mut snapshot, reason);
        let findings = judge(&snapshot);
        let ids: BTreeSet<_> = findings
            .all()
            .iter()
            .filter(|finding| finding.status != Status::Ok)
            .map(|finding| finding.id)
            .collect();
        // A missing Secret is looked for, not taken from what the operator says.
        let expected = usize::from(reason != "SecretNotFound");
        assert_eq!(ids.len(), expected, "{reason}: {ids:?}");
    }
}
