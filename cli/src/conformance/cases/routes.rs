//! Ways from outside to a service, and out of its cluster: S24 to S26, S35, P13, P14.

use crate::conformance::attempt::{Attempt, Identity, Request, Target, Wanted};
use crate::conformance::case::{Case, Level, Way};
use crate::conformance::fixtures::{CANARY, WILD};
use crate::conformance::ground::Ground;
use crate::conformance::objects::{
    ABROAD, GATEWAY, HOST, endpoint_slice, endpoints, gateway_of_own, gateway_routes, ingress,
    keeps, labelled, offloading, openshift_route, propagation, push_secret, service,
    service_export,
};
use crate::conformance::outcome::Skip;
use serde_json::{Value, json};

/// These.
pub const CASES: &[Case] = &[
    Case {
        id: "S24",
        level: Level::Silver,
        bypasses: &["B34"],
        title: "a Service that is reached from outside",
        way: Way::Requests(services),
    },
    Case {
        id: "S25",
        level: Level::Silver,
        bypasses: &["B34", "B35"],
        title: "a route from outside",
        way: Way::Requests(routes),
    },
    Case {
        id: "S26",
        level: Level::Silver,
        bypasses: &["B36"],
        title: "a Service exported, or pointed abroad",
        way: Way::Requests(exports),
    },
    Case {
        id: "S35",
        level: Level::Gold,
        bypasses: &["B22", "B23"],
        title: "an engine of many clusters told to spread it",
        way: Way::Requests(spread),
    },
    Case {
        id: "P13",
        level: Level::Silver,
        bypasses: &["B34"],
        title: "a Gateway that takes the namespace's certificates",
        way: Way::Requests(own_gateway),
    },
    Case {
        id: "P14",
        level: Level::Silver,
        bypasses: &["B23", "B36"],
        title: "marks by which other engines export or copy",
        way: Way::Requests(marks),
    },
];

/// Specs of Services that open it, each by its name; the type is changed as well as made.
fn openings() -> Vec<(&'static str, Value)> {
    vec![
        ("LoadBalancer", json!({"type": "LoadBalancer"})),
        (
            "LoadBalancer of a class that no policy names",
            json!({"type": "LoadBalancer", "loadBalancerClass": format!("example.com/{ABROAD}")}),
        ),
        ("NodePort", json!({"type": "NodePort"})),
        (
            "ExternalName",
            json!({"type": "ExternalName", "externalName": "abroad.example.com", "selector": null, "clusterIP": null, "clusterIPs": null}),
        ),
        ("externalIPs", json!({"externalIPs": ["192.0.2.1"]})),
    ]
}

fn services(ground: &Ground) -> Vec<Attempt> {
    let at = || Target::core("services").within(&ground.canaries.sensitive);
    let made = |spec: &Value| Request::create(at(), service("attempt", spec));
    let changed = |spec: &Value| Request::merge(at().named(CANARY), json!({"spec": spec}));
    let mut attempts = Vec::new();
    for (name, spec) in openings() {
        attempts.push(Attempt::refused(
            "G30",
            format!("made: {name}"),
            made(&spec),
        ));
        attempts.push(Attempt::refused(
            "G30",
            format!("changed into: {name}"),
            changed(&spec),
        ));
    }
    let balanced = ground
        .allowed
        .load_balancer_classes
        .first()
        .map(|class| json!({"type": "LoadBalancer", "loadBalancerClass": class}))
        .ok_or(Skip::NothingAllowed);
    attempts.extend([
        Attempt::passed(
            "G30",
            "made: ClusterIP",
            made(&json!({"type": "ClusterIP"})),
        ),
        Attempt::passed("G30", "made: headless", made(&json!({"clusterIP": "None"}))),
        Attempt::passed(
            "G30",
            "changed, and left as it is",
            Request::merge(at().named(CANARY), labelled()),
        ),
        Attempt::new(
            "G30",
            "made: LoadBalancer of a class that a policy names",
            Wanted::Passed,
            balanced.as_ref().map(&made).map_err(|skip| *skip),
        ),
        Attempt::new(
            "G30",
            "changed into: LoadBalancer of a class that a policy names",
            Wanted::Passed,
            balanced.as_ref().map(&changed).map_err(|skip| *skip),
        ),
    ]);
    attempts
}

fn routes(ground: &Ground) -> Vec<Attempt> {
    [ingresses(ground), gateways(ground), openshift(ground)].concat()
}

fn ingresses(ground: &Ground) -> Vec<Attempt> {
    let at =
        || Target::of("networking.k8s.io", "v1", "ingresses").within(&ground.canaries.sensitive);
    let made = |class: Option<&str>| Request::create(at(), ingress("attempt", class));
    // The API server takes the old annotation where the field is absent.
    let noted = |class: &str| {
        let mut body = ingress("attempt", None);
        body["metadata"]["annotations"] = json!({"kubernetes.io/ingress.class": class});
        Request::create(at(), body)
    };
    let lawful = ground
        .allowed
        .ingress_classes
        .first()
        .ok_or(Skip::NothingAllowed);
    let changed = |class: &str| {
        Request::merge(
            at().named(CANARY),
            json!({"spec": {"ingressClassName": class}}),
        )
    };
    vec![
        Attempt::refused(
            "G31",
            "Ingress: of a class that no policy names",
            made(Some(ABROAD)),
        ),
        Attempt::refused(
            "G31",
            "Ingress: of such a class, by the old annotation",
            noted(ABROAD),
        ),
        Attempt::refused("G31", "Ingress: of no class", made(None)),
        Attempt::refused(
            "G31",
            "Ingress: one of a class abroad changed",
            changed(ABROAD),
        ),
        Attempt::new(
            "G31",
            "Ingress: of a lawful class",
            Wanted::Passed,
            lawful.map(|class| made(Some(class))),
        ),
        Attempt::new(
            "G31",
            "Ingress: by the old annotation",
            Wanted::Passed,
            lawful.map(|class| noted(class)),
        ),
        Attempt::new(
            "G31",
            "Ingress: one put into a lawful class",
            Wanted::Passed,
            lawful.map(|class| changed(class)),
        ),
    ]
}

fn gateways(ground: &Ground) -> Vec<Attempt> {
    let lawful = ground
        .allowed
        .gateways
        .first()
        .and_then(|named| named.split_once('/'))
        .map(|(namespace, name)| json!({"namespace": namespace, "name": name}))
        .ok_or(Skip::NothingAllowed);
    let abroad = json!({"name": ABROAD});
    let mut attempts = Vec::new();
    let within = |target: Target| target.within(&ground.canaries.sensitive);
    for (target, body) in gateway_routes("attempt", &abroad) {
        let kind = body["kind"].as_str().unwrap_or_default().to_owned();
        let on = |gateway: &Value| {
            let mut body = body.clone();
            body["spec"]["parentRefs"] = json!([gateway]);
            body
        };
        let made = |gateway: &Value| Request::create(within(target.clone()), on(gateway));
        let changed = |gateway: &Value| {
            let there = within(target.clone()).named(CANARY);
            Request::merge(there, json!({"spec": {"parentRefs": [gateway]}}))
        };
        attempts.extend([
            Attempt::refused(
                "G32",
                format!("{kind}: on a Gateway that no policy names"),
                made(&abroad),
            ),
            Attempt::refused(
                "G32",
                format!("{kind}: moved to such a Gateway"),
                changed(&abroad),
            ),
            Attempt::new(
                "G32",
                format!("{kind}: on a lawful Gateway"),
                Wanted::Passed,
                lawful.as_ref().map(&made).map_err(|skip| *skip),
            ),
            Attempt::new(
                "G32",
                format!("{kind}: moved to a lawful Gateway"),
                Wanted::Passed,
                lawful.as_ref().map(&changed).map_err(|skip| *skip),
            ),
        ]);
        if kind == "HTTPRoute" {
            let service = json!({"kind": "Service", "group": "", "name": "any"});
            attempts.push(Attempt::refused(
                "G32",
                "HTTPRoute: on something else than a Gateway",
                made(&service),
            ));
            let mut loose = on(&abroad);
            loose["spec"]["parentRefs"] = json!([]);
            attempts.push(Attempt::passed(
                "G32",
                "HTTPRoute: on nothing",
                Request::create(within(Target::of(GATEWAY, "v1", "httproutes")), loose),
            ));
        }
    }
    attempts
}

fn openshift(ground: &Ground) -> Vec<Attempt> {
    let at = || Target::of("route.openshift.io", "v1", "routes").within(&ground.canaries.sensitive);
    let made = |host: Option<&str>| Request::create(at(), openshift_route("attempt", host));
    let changed = |host: &str| Request::merge(at().named(CANARY), json!({"spec": {"host": host}}));
    let lawful = ground
        .allowed
        .domains
        .first()
        .map(|domain| format!("conformance.{domain}"))
        .ok_or(Skip::NothingAllowed);
    let passed = |name: &str, request| Attempt::new("G33", name, Wanted::Passed, request);
    vec![
        Attempt::refused(
            "G33",
            "Route: of a host in no lawful domain",
            made(Some(HOST)),
        ),
        Attempt::refused(
            "G33",
            "Route: of a host that is the router's choice",
            made(None),
        ),
        Attempt::refused("G33", "Route: moved to such a host", changed(HOST)),
        Attempt::new(
            "G33",
            "Route: of a host that only ends like a lawful domain",
            Wanted::Refused,
            lawful
                .as_ref()
                .map(|host| made(Some(&host.replacen("conformance.", "conformance-", 1))))
                .map_err(|skip| *skip),
        ),
        passed(
            "Route: in a lawful domain",
            lawful
                .as_ref()
                .map(|host| made(Some(host)))
                .map_err(|skip| *skip),
        ),
        passed(
            "Route: moved to a lawful domain",
            lawful
                .as_ref()
                .map(|host| changed(host))
                .map_err(|skip| *skip),
        ),
    ]
}

/// The account of the cluster's own controller.
const CONTROLLER: [(&str, Identity); 2] = [
    ("endpointslices", Identity::SliceController),
    ("endpoints", Identity::EndpointController),
];

fn exports(ground: &Ground) -> Vec<Attempt> {
    let sensitive = |target: Target| target.within(&ground.canaries.sensitive);
    let slices = || Target::of("discovery.k8s.io", "v1", "endpointslices");
    let address = json!({"addresses": ["192.0.2.1"]});
    let subsets = json!([{"addresses": [{"ip": "192.0.2.1"}], "ports": [{"port": 80}]}]);
    let pointed_slice = || {
        let mut body = endpoint_slice("attempt");
        body["endpoints"] = json!([address]);
        body
    };
    let pointed = || {
        let mut body = endpoints("attempt");
        body["subsets"] = subsets.clone();
        body
    };
    let mut attempts = vec![
        Attempt::refused(
            "G34",
            "an EndpointSlice to an address abroad",
            Request::create(sensitive(slices()), pointed_slice()),
        ),
        Attempt::refused(
            "G34",
            "an EndpointSlice turned to an address abroad",
            Request::merge(
                sensitive(slices()).named(WILD),
                json!({"endpoints": [address]}),
            ),
        ),
        Attempt::refused(
            "G34",
            "Endpoints to an address abroad",
            Request::create(sensitive(Target::core("endpoints")), pointed()),
        ),
        Attempt::refused(
            "G34",
            "Endpoints turned to an address abroad",
            Request::merge(
                sensitive(Target::core("endpoints")).named(WILD),
                json!({"subsets": subsets}),
            ),
        ),
    ];
    for (resource, identity) in CONTROLLER {
        let request = match resource {
            "endpoints" => Request::create(sensitive(Target::core("endpoints")), pointed()),
            _ => Request::create(sensitive(slices()), pointed_slice()),
        };
        attempts.push(Attempt::passed(
            "G34",
            format!("{resource} by the cluster's own controller"),
            request.by(identity),
        ));
    }
    let export = || Target::of("multicluster.x-k8s.io", "v1alpha1", "serviceexports");
    attempts.extend(never(
        ground,
        "G35",
        "a ServiceExport",
        &export(),
        &service_export("attempt"),
    ));
    attempts
}

fn spread(ground: &Ground) -> Vec<Attempt> {
    let kinds = [
        (
            "a PropagationPolicy",
            Target::of("policy.karmada.io", "v1alpha1", "propagationpolicies"),
            propagation("attempt"),
        ),
        (
            "a NamespaceOffloading",
            Target::of("offloading.liqo.io", "v1beta1", "namespaceoffloadings"),
            offloading("attempt"),
        ),
        (
            "a PushSecret",
            Target::of("external-secrets.io", "v1alpha1", "pushsecrets"),
            push_secret("attempt"),
        ),
    ];
    kinds
        .iter()
        .flat_map(|(name, target, body)| never(ground, "G36", name, target, body))
        .collect()
}

fn own_gateway(ground: &Ground) -> Vec<Attempt> {
    let target = Target::of(GATEWAY, "v1", "gateways");
    never(
        ground,
        "G37",
        "a Gateway of its own",
        &target,
        &gateway_of_own("attempt"),
    )
}

/// Marks by which other engines export or copy what carries them: where they stand, and their key.
fn marks(ground: &Ground) -> Vec<Attempt> {
    let exported = [
        ("annotations", "service.cilium.io/global"),
        ("annotations", "io.cilium/global-service"),
        ("annotations", "io.cilium/shared-service"),
        ("annotations", "skupper.io/proxy"),
        ("labels", "mirror.linkerd.io/exported"),
    ];
    let mut attempts = Vec::new();
    for (place, key) in exported {
        let body = service("attempt", &json!({}));
        attempts.extend(marked(ground, "G38", "services", &body, place, key));
    }
    let copied = [
        "reflector.v1.k8s.emberstack.com/reflection-allowed",
        "replicator.v1.mittwald.de/replicate-to",
        "kubed.appscode.com/sync",
    ];
    for (resource, kind) in [("secrets", "Secret"), ("configmaps", "ConfigMap")] {
        for key in copied {
            let body = keeps(kind, "attempt");
            attempts.extend(marked(ground, "G39", resource, &body, "annotations", key));
        }
    }
    attempts
}

fn marked(
    ground: &Ground,
    rule: &'static str,
    resource: &'static str,
    body: &Value,
    place: &str,
    key: &str,
) -> Vec<Attempt> {
    let at = || Target::core(resource).within(&ground.canaries.sensitive);
    let mark = json!({"metadata": {place: {key: "true"}}});
    let mut with = body.clone();
    with["metadata"][place][key] = json!("true");
    vec![
        Attempt::refused(
            rule,
            format!("{resource} made with {key}"),
            Request::create(at(), with),
        ),
        Attempt::refused(
            rule,
            format!("{resource} marked with {key}"),
            Request::merge(at().named(CANARY), mark),
        ),
        Attempt::passed(
            rule,
            format!("{resource} without {key}"),
            Request::create(at(), body.clone()),
        ),
    ]
}

/// What a Sensitive namespace never has, and one of mass traffic may.
fn never(
    ground: &Ground,
    rule: &'static str,
    name: &str,
    target: &Target,
    body: &Value,
) -> Vec<Attempt> {
    let sensitive = || target.clone().within(&ground.canaries.sensitive);
    vec![
        Attempt::refused(rule, name, Request::create(sensitive(), body.clone())),
        Attempt::refused(
            rule,
            format!("{name} from before, changed"),
            Request::merge(sensitive().named(CANARY), labelled()),
        ),
        Attempt::passed(
            rule,
            format!("{name} of mass traffic"),
            Request::create(target.clone().within(&ground.canaries.mass), body.clone()),
        ),
    ]
}
