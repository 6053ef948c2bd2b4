//! G30 to G37: ways into a Sensitive service from outside.

use super::super::cel::{GOING, or_empty, rule};
use super::super::rule::{Match, Rule, Scope, Tier, Validation, WRITES};

/// Who writes endpoints: the cluster's own controllers.
const ENDPOINT_WRITERS: &str = "['system:kube-controller-manager', 'system:serviceaccount:kube-system:endpoint-controller', 'system:serviceaccount:kube-system:endpointslice-controller', 'system:serviceaccount:kube-system:endpointslicemirroring-controller']";

fn in_namespace(
    id: &'static str,
    matches: Vec<Match>,
    needs_inventory: bool,
    validations: Vec<Validation>,
) -> Rule {
    Rule {
        id,
        matches,
        scope: Scope::Sensitive,
        tier: Tier::Terms,
        needs_inventory,
        validations,
    }
}

/// G30: a Service is reached inside the cluster, or through a balancer on sovereign ground.
pub(super) fn services() -> Rule {
    let kind = or_empty("object.spec.type");
    let class = or_empty("object.spec.loadBalancerClass");
    in_namespace(
        "g30-services",
        vec![Match::new("", "v1", &["services"], WRITES)],
        true,
        vec![
            rule(
                "G30",
                format!(
                    "{kind} != 'LoadBalancer' || {class} in params.spec.terms.loadBalancerClasses || {GOING}"
                ),
                &format!(
                    "'spec.type LoadBalancer needs a spec.loadBalancerClass that SovereigntyPolicy spec.routes.loadBalancerClasses names, not ' + ({class} == '' ? 'none' : {class})"
                ),
            ),
            rule(
                "G30",
                format!("{kind} != 'NodePort' || {GOING}"),
                "'spec.type NodePort opens the service on every node, those away too: use ClusterIP, or a load balancer that SovereigntyPolicy spec.routes names'",
            ),
            rule(
                "G30",
                format!("{kind} != 'ExternalName' || {GOING}"),
                "'spec.type ExternalName sends the callers of this service elsewhere: use ClusterIP'",
            ),
            rule(
                "G30",
                format!(
                    "!has(object.spec.externalIPs) || object.spec.externalIPs.size() == 0 || {GOING}"
                ),
                "'spec.externalIPs would let this service be reached at addresses that nobody vouches for: leave it out'",
            ),
        ],
    )
}

/// G31: an Ingress is of a class that is served on sovereign ground.
pub(super) fn ingresses() -> Rule {
    let field = or_empty("object.spec.ingressClassName");
    let note = "(has(object.metadata.annotations) && 'kubernetes.io/ingress.class' in object.metadata.annotations ? object.metadata.annotations['kubernetes.io/ingress.class'] : '')";
    in_namespace(
        "g31-ingresses",
        vec![Match::new(
            "networking.k8s.io",
            "v1",
            &["ingresses"],
            WRITES,
        )],
        true,
        vec![rule(
            "G31",
            format!(
                "({field} + {note} != '' && [{field}, {note}].all(c, c == '' || c in params.spec.terms.ingressClasses)) || {GOING}"
            ),
            &format!(
                "'an Ingress of a Sensitive namespace needs a class that SovereigntyPolicy spec.routes.ingressClasses names, not ' + ({field} + {note} == '' ? 'none' : {field} + {note})"
            ),
        )],
    )
}

/// G32: Gateway API routes hang on Gateways on sovereign ground.
pub(super) fn gateway_routes() -> Rule {
    let lawful = "(!has(p.kind) || p.kind == 'Gateway') && ((has(p.namespace) ? p.namespace : request.namespace) + '/' + p.name) in params.spec.terms.gateways";
    in_namespace(
        "g32-routes",
        vec![Match::new(
            "gateway.networking.k8s.io",
            "*",
            &[
                "httproutes",
                "grpcroutes",
                "tlsroutes",
                "tcproutes",
                "udproutes",
            ],
            WRITES,
        )],
        true,
        vec![rule(
            "G32",
            format!(
                "!has(object.spec.parentRefs) || object.spec.parentRefs.all(p, {lawful}) || {GOING}"
            ),
            "'spec.parentRefs of a route in a Sensitive namespace must be Gateways that SovereigntyPolicy spec.routes.gateways names, one of ' + params.spec.terms.gateways.join(', ')",
        )],
    )
}

/// G33: an OpenShift Route is under a domain that a router on sovereign ground serves.
pub(super) fn openshift_routes() -> Rule {
    let host = or_empty("object.spec.host");
    in_namespace(
        "g33-routes",
        vec![Match::new("route.openshift.io", "*", &["routes"], WRITES)],
        true,
        vec![rule(
            "G33",
            format!(
                "params.spec.terms.routeDomains.exists(d, {host} == d || {host}.endsWith('.' + d)) || {GOING}"
            ),
            &format!(
                "'spec.host ' + {host} + ' of a Route in a Sensitive namespace must be under a domain that SovereigntyPolicy spec.routes.domains names, one of ' + params.spec.terms.routeDomains.join(', ')"
            ),
        )],
    )
}

/// G34: endpoints are what the cluster's controllers say, not addresses from elsewhere.
pub(super) fn endpoints() -> Rule {
    in_namespace(
        "g34-endpoints",
        vec![
            Match::new("discovery.k8s.io", "v1", &["endpointslices"], WRITES),
            Match::new("", "v1", &["endpoints"], WRITES),
        ],
        false,
        vec![rule(
            "G34",
            format!("request.userInfo.username in {ENDPOINT_WRITERS} || {GOING}"),
            "'endpoints in a Sensitive namespace are written by the cluster\\'s own controllers, not by ' + request.userInfo.username + ': give the Service a selector'",
        )],
    )
}

/// G37: a Gateway of its own hands its certificates to whoever serves it.
pub(super) fn gateways() -> Rule {
    in_namespace(
        "g37-gateways",
        vec![Match::new(
            "gateway.networking.k8s.io",
            "*",
            &["gateways"],
            WRITES,
        )],
        true,
        vec![rule(
            "G37",
            format!(
                "(request.namespace + '/' + object.metadata.name) in params.spec.terms.gateways || {GOING}"
            ),
            "'Gateway ' + object.metadata.name + ' of a Sensitive namespace must be one that SovereigntyPolicy spec.routes.gateways names: its certificates go to whoever serves it'",
        )],
    )
}
