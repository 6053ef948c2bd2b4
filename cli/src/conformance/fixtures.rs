//! Objects that exist before they are changed: admission judges an UPDATE of what is there. They are
//! made before their namespace is Sensitive, as they may stand in a real one from before the guard.
//! All are inert: they name nothing that exists, and go with the canaries.

use super::attempt::{Act, Attempt, Cluster, Identity, Request, Target};
use super::cases::Carried;
use super::ground::{Ground, POD};
use super::objects::{
    ABROAD, ABROAD_DRIVER, GATEWAY, GROUP_SNAPSHOT, IMAGE, NOWHERE_LABEL, RUN_LABEL, SNAPSHOT,
    approved, backup, claim, container, declassification, deployment, endpoint_slice, endpoints,
    extend, gateway_of_own, gateway_routes, grant, ingress, keeps, lawful_pod, offloading,
    openshift_route, propagation, push_secret, role_binding, runtime_class, service,
    service_export, violation, volume, workload,
};
use pinisi_crds::names::CLASS_MASS_TRAFFIC;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Name of each of them that stands in a namespace.
pub const CANARY: &str = POD;
/// Name of those that no controller may take for a Service of the same name.
pub const WILD: &str = "canary-wild";

/// Requests to declassify, as a resource.
pub const DECLASSIFICATIONS: &str = "declassifications";
/// Name of the one that whoever may approve has asked for.
pub const OF_THE_APPROVER: &str = "canary-of-the-approver";
/// Name of the one that is approved.
pub const APPROVED: &str = "canary-approved";

/// Those that these attempts would change, in the order in which they are made.
#[must_use]
pub fn needed(attempts: &[Attempt], ground: &Ground) -> Vec<Request> {
    let changed: Vec<&Request> = attempts
        .iter()
        .filter_map(|attempt| attempt.request.as_ref().ok())
        .filter(|request| !matches!(request.act, Act::Create(_)))
        .collect();
    let is_changed = |(cluster, target, body): &(Cluster, Target, Value)| {
        changed.iter().any(|request| {
            let changed = &request.target;
            request.cluster == *cluster
                && changed.group == target.group
                && changed.resource == target.resource
                && changed.namespace == target.namespace
                && changed.name.as_deref() == body["metadata"]["name"].as_str()
        })
    };
    let named_runtime = attempts.iter().any(|attempt| {
        attempt
            .request
            .as_ref()
            .is_ok_and(|request| match &request.act {
                Act::Create(body) => !body["spec"]["runtimeClassName"].is_null(),
                _ => false,
            })
    });
    let runtime = named_runtime.then(|| {
        let target = Target::of("node.k8s.io", "v1", "runtimeclasses");
        (
            Cluster::Here,
            target,
            runtime_class(&ground.canaries.cluster_name()),
        )
    });
    let here = all(ground)
        .into_iter()
        .map(|(target, body)| (Cluster::Here, target, body));
    // The pod there is made with its namespace.
    let others = carried()
        .into_iter()
        .filter(|kind| kind.target.resource != "pods");
    let there = others.map(|kind| {
        let target = kind.target.within(&ground.canaries.mass);
        (Cluster::Remote, target, kind.body)
    });
    let requests =
        here.chain(there)
            .filter(is_changed)
            .chain(runtime)
            .map(|(cluster, target, mut body)| {
                body["metadata"]["labels"][RUN_LABEL] = json!(ground.canaries.run);
                // Evidence comes from the operator alone.
                let identity = match target.resource {
                    "sovereigntyviolations" => Identity::Operator,
                    _ => Identity::Me,
                };
                let mut request = Request::create(target, body).by(identity);
                request.cluster = cluster;
                request
            });
    let asked_for = changed
        .iter()
        .any(|request| request.target.resource == DECLASSIFICATIONS);
    let persons = asked_for.then(|| declassifications(ground));
    requests.chain(persons.into_iter().flatten()).collect()
}

/// Requests to declassify, each by the person who asks, and one that another one has approved. They
/// stand where there is nothing to declassify, so that an operator that runs never uses one.
fn declassifications(ground: &Ground) -> Vec<Request> {
    let canaries = &ground.canaries;
    let at = || Target::of("pinisi.dev", "v1alpha1", DECLASSIFICATIONS).within(&canaries.mass);
    let asked = |name: &str, by: Identity| {
        let mut body = declassification(name, &canaries.group(by));
        body["metadata"]["labels"] = json!({RUN_LABEL: canaries.run});
        Request::create(at(), body).by(by)
    };
    let approval = approved(&canaries.group(Identity::Approver));
    let status = at().named(APPROVED).subresource("status");
    vec![
        asked(CANARY, Identity::Canary),
        asked(OF_THE_APPROVER, Identity::Approver),
        asked(APPROVED, Identity::Canary),
        Request::merge(status, approval).by(Identity::Approver),
    ]
}

/// Kinds that can arrive in the cloud's cluster, each with one that is inert there: no replica, no
/// node, suspended.
#[must_use]
pub fn carried() -> Vec<Carried> {
    let app = json!({"app": "pinisi-conformance"});
    let pods = json!({
        "metadata": {"labels": app},
        "spec": {
            "nodeSelector": {NOWHERE_LABEL: "true"}, "restartPolicy": "Always", "containers": [container(IMAGE)],
        },
    });
    let mut once = pods.clone();
    once["spec"]["restartPolicy"] = json!("Never");
    let selector = json!({"matchLabels": app});
    let of = |rule, target: Target, api: &str, kind: &str, more: Value, template| {
        let mut body = json!({"apiVersion": api, "kind": kind, "metadata": {"name": CANARY}});
        extend(&mut body, &more);
        Carried {
            rule,
            target,
            body,
            template,
        }
    };
    let core = |resource, kind: &str, more: Value| {
        of("R02", Target::core(resource), "v1", kind, more, &[])
    };
    let apps = |resource, kind: &str, spec: Value| {
        let mut spec = spec;
        spec["selector"] = selector.clone();
        spec["template"] = pods.clone();
        let target = Target::of("apps", "v1", resource);
        of(
            "R03",
            target,
            "apps/v1",
            kind,
            json!({"spec": spec}),
            &["spec", "template"],
        )
    };
    let job = json!({"suspend": true, "template": once});
    let batch = |resource| Target::of("batch", "v1", resource);
    vec![
        // The pod itself is among the canaries, with its account.
        core(
            "pods",
            "Pod",
            json!({"spec": lawful_pod(CANARY, &BTreeMap::new(), IMAGE)["spec"]}),
        ),
        core(
            "secrets",
            "Secret",
            json!({"stringData": {"word": "canary"}}),
        ),
        core(
            "configmaps",
            "ConfigMap",
            json!({"data": {"word": "canary"}}),
        ),
        core(
            "persistentvolumeclaims",
            "PersistentVolumeClaim",
            json!({"spec": unprovisioned()["spec"]}),
        ),
        core(
            "services",
            "Service",
            json!({"spec": service(CANARY, &json!({}))["spec"]}),
        ),
        core(
            "replicationcontrollers",
            "ReplicationController",
            json!({"spec": {"replicas": 0, "selector": app, "template": pods}}),
        ),
        apps("deployments", "Deployment", json!({"replicas": 0})),
        apps(
            "statefulsets",
            "StatefulSet",
            json!({"replicas": 0, "serviceName": CANARY}),
        ),
        apps("daemonsets", "DaemonSet", json!({})),
        apps("replicasets", "ReplicaSet", json!({"replicas": 0})),
        of(
            "R04",
            batch("jobs"),
            "batch/v1",
            "Job",
            json!({"spec": job}),
            &["spec", "template"],
        ),
        of(
            "R05",
            batch("cronjobs"),
            "batch/v1",
            "CronJob",
            json!({"spec": {"schedule": "0 0 1 1 *", "suspend": true, "jobTemplate": {"spec": {"template": once}}}}),
            &["spec", "jobTemplate", "spec", "template"],
        ),
    ]
}

/// A claim bound to a volume that is not there, so that nobody provisions one.
fn unprovisioned() -> Value {
    let mut body = claim(CANARY, None);
    body["spec"]["volumeName"] = json!("pinisi-conformance-nowhere");
    body
}

fn all(ground: &Ground) -> Vec<(Target, Value)> {
    let canaries = &ground.canaries;
    let sensitive = |target: Target| target.within(&canaries.sensitive);
    let mass = |target: Target| target.within(&canaries.mass);
    let cluster = canaries.cluster_name();
    let gateway = json!({"name": "pinisi-conformance-nowhere"});
    let workloads = || Target::of("pinisi.dev", "v1alpha1", "hybridworkloads");
    let mut all = vec![
        (
            sensitive(Target::core("persistentvolumeclaims")),
            unprovisioned(),
        ),
        (
            sensitive(Target::core("services")),
            service(CANARY, &json!({})),
        ),
        (
            sensitive(Target::of("networking.k8s.io", "v1", "ingresses")),
            ingress(CANARY, Some(ABROAD)),
        ),
        (
            sensitive(Target::of("route.openshift.io", "v1", "routes")),
            openshift_route(CANARY, Some("conformance.pinisi.invalid")),
        ),
        // The name of the Service is that of Endpoints that a controller writes.
        (sensitive(Target::core("endpoints")), endpoints(WILD)),
        (
            sensitive(Target::of("discovery.k8s.io", "v1", "endpointslices")),
            endpoint_slice(WILD),
        ),
        (
            sensitive(Target::of(
                "multicluster.x-k8s.io",
                "v1alpha1",
                "serviceexports",
            )),
            service_export(CANARY),
        ),
        (
            sensitive(Target::of(
                "policy.karmada.io",
                "v1alpha1",
                "propagationpolicies",
            )),
            propagation(CANARY),
        ),
        (
            sensitive(Target::of(
                "offloading.liqo.io",
                "v1beta1",
                "namespaceoffloadings",
            )),
            offloading(CANARY),
        ),
        (
            sensitive(Target::of("external-secrets.io", "v1alpha1", "pushsecrets")),
            push_secret(CANARY),
        ),
        (
            sensitive(Target::of(GATEWAY, "v1", "gateways")),
            gateway_of_own(CANARY),
        ),
        (sensitive(Target::core("secrets")), keeps("Secret", CANARY)),
        (
            sensitive(Target::core("configmaps")),
            keeps("ConfigMap", CANARY),
        ),
        (
            sensitive(Target::of(GATEWAY, "v1beta1", "referencegrants")),
            grant(CANARY, &canaries.mass),
        ),
        (
            sensitive(Target::of(
                "rbac.authorization.k8s.io",
                "v1",
                "rolebindings",
            )),
            role_binding(CANARY, &json!([])),
        ),
        (sensitive(workloads()), workload(CANARY, CLASS_MASS_TRAFFIC)),
        (mass(workloads()), workload(CANARY, CLASS_MASS_TRAFFIC)),
        (
            mass(Target::of("apps", "v1", "deployments")),
            deployment(CANARY, &json!({})),
        ),
        (
            Target::of("pinisi.dev", "v1alpha1", "sovereigntyviolations"),
            violation(&cluster),
        ),
        (
            Target::core("persistentvolumes"),
            volume(
                &cluster,
                ABROAD,
                &json!({"csi": {"driver": ABROAD_DRIVER, "volumeHandle": "canary"}}),
            ),
        ),
    ];
    all.extend(
        gateway_routes(CANARY, &gateway)
            .into_iter()
            .map(|(target, body)| (sensitive(target), body)),
    );
    for kind in [SNAPSHOT, GROUP_SNAPSHOT] {
        all.push((
            sensitive(kind.target(0)),
            kind.snapshot(CANARY, Some(ABROAD)),
        ));
        let content = kind.content(&cluster, ABROAD, ABROAD_DRIVER, &canaries.mass);
        all.push((kind.target(1), content));
    }
    if let Some(location) = ground.allowed.backup_locations.first() {
        for (kind, resource) in [("Backup", "backups"), ("Schedule", "schedules")] {
            all.push((
                mass(Target::of("velero.io", "v1", resource)),
                backup(CANARY, kind, location),
            ));
        }
    }
    all
}
