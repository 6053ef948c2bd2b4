//! G16, G17 and G19: who acts from a cloud opens no shell, tunnel or token in a Sensitive namespace, nor
//! goes around by a sovereign node's kubelet.

use super::super::cel::rule;
use super::super::rule::{Match, Rule, Scope, Tier};

/// True in CEL for who acts from a cloud: named by a policy, or the account of a node that is not
/// sovereign.
const FROM_A_CLOUD: &str = "(request.userInfo.username in params.spec.terms.cloudUsers \
    || (has(request.userInfo.groups) && request.userInfo.groups.exists(g, g in params.spec.terms.cloudGroups)) \
    || (request.userInfo.username.startsWith('system:node:') && !(request.userInfo.username.substring(12) in params.spec.nodes)))";

pub(super) fn connect() -> Rule {
    Rule {
        id: "g16-connect",
        matches: vec![Match::new(
            "",
            "v1",
            &[
                "pods/exec",
                "pods/attach",
                "pods/portforward",
                "pods/proxy",
                "services/proxy",
            ],
            &["CONNECT"],
        )],
        scope: Scope::Sensitive,
        tier: Tier::Terms,
        needs_inventory: true,
        validations: vec![rule(
            "G16",
            format!("!{FROM_A_CLOUD}"),
            "request.userInfo.username + ' acts from a cloud and opens nothing into namespace ' + namespaceObject.metadata.name + ', whose class is Sensitive: use an account that SovereigntyPolicy spec.cloudIdentities does not name'",
        )],
    }
}

/// G19: a kubelet opens shells and logs of all its pods. In a proxied node's name there may be a scheme
/// and a port beside it: `https:NODE:10250`.
pub(super) fn kubelet() -> Rule {
    Rule {
        id: "g19-node-proxy",
        matches: vec![Match::new("", "v1", &["nodes/proxy"], &["CONNECT"])],
        scope: Scope::Everywhere,
        tier: Tier::Core,
        needs_inventory: true,
        validations: vec![rule(
            "G19",
            format!(
                "!{FROM_A_CLOUD} || !request.name.split(':').exists(part, part in params.spec.nodes)"
            ),
            "request.userInfo.username + ' acts from a cloud and does not reach the kubelet of ' + request.name + ', a sovereign node: Sensitive pods run there'",
        )],
    }
}

pub(super) fn token() -> Rule {
    Rule {
        id: "g17-token",
        matches: vec![Match::new(
            "",
            "v1",
            &["serviceaccounts/token"],
            &["CREATE"],
        )],
        scope: Scope::Sensitive,
        tier: Tier::Terms,
        needs_inventory: true,
        validations: vec![rule(
            "G17",
            format!("!{FROM_A_CLOUD}"),
            "request.userInfo.username + ' acts from a cloud and gets no token of namespace ' + namespaceObject.metadata.name + ', whose class is Sensitive'",
        )],
    }
}
