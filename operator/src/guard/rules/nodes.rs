//! G40 to G43: nodes. What marks sovereign ground is put on a node, and the taint of a Site away is
//! taken off, only by who may attest; a listed name comes back only as the machine that was listed;
//! what only looks like a node is none.

use super::super::cel::{label, quoted, rule};
use super::super::rule::{Match, Rule, Scope, Tier, WRITES};
use super::kinds::MAY_ATTEST;
use crate::check::attested::VIRTUAL;
use pinisi_crds::names::{NODE_RESTRICTION_PREFIX, SITE_LABEL};
use std::collections::BTreeMap;

/// Taint that Virtual Kubelet puts on its nodes.
const VIRTUAL_TAINT: &str = "virtual-kubelet.io/provider";

/// Writes of nodes; labels can be written through status as well.
fn written() -> Vec<Match> {
    vec![
        Match::new("", "v1", &["nodes"], WRITES),
        Match::new("", "v1", &["nodes/status"], &["UPDATE"]),
    ]
}

/// G40: labels of the stamp that a node cannot set on itself are set by who may attest. Others are
/// left to the inventory, which goes by name: a new node could not register with them otherwise.
pub(super) fn labels(stamp: &BTreeMap<String, String>) -> Rule {
    let unchanged: Vec<_> = stamp
        .keys()
        .filter(|key| key.starts_with(NODE_RESTRICTION_PREFIX))
        .map(|key| {
            format!(
                "{} == (request.operation == 'CREATE' ? '' : {})",
                label("object", key),
                label("oldObject", key)
            )
        })
        .collect();
    let unchanged = if unchanged.is_empty() {
        "true".to_owned()
    } else {
        unchanged.join(" && ")
    };
    Rule {
        id: "g40-node-labels",
        matches: written(),
        scope: Scope::Everywhere,
        tier: Tier::Core,
        needs_inventory: false,
        validations: vec![rule(
            "G40",
            format!("({unchanged}) || {MAY_ATTEST}"),
            &format!(
                "'labels {} of node ' + object.metadata.name + ' mark sovereign ground: ' + request.userInfo.username + ' may change them only with the verb attest on sites of pinisi.dev'",
                stamp.keys().cloned().collect::<Vec<_>>().join(", ")
            ),
        )],
    }
}

/// G41: a listed name comes back as the same machine or not at all.
pub(super) fn again() -> Rule {
    let listed = "params.spec.nodes[object.metadata.name]";
    Rule {
        id: "g41-node-again",
        matches: vec![Match::new("", "v1", &["nodes"], &["CREATE"])],
        scope: Scope::Everywhere,
        tier: Tier::Core,
        needs_inventory: true,
        validations: vec![rule(
            "G41",
            format!(
                "!(object.metadata.name in params.spec.nodes) \
                 || (has({listed}.providerID) ? has(object.spec.providerID) && object.spec.providerID == {listed}.providerID \
                 : has({listed}.machineID) && has(object.status) && has(object.status.nodeInfo) && object.status.nodeInfo.machineID == {listed}.machineID)"
            ),
            "'node ' + object.metadata.name + ' is listed as sovereign under another machine: a node of that name must have its providerID or machineID. Take it out of the Site with kubectl pinisi attest --remove, then let it join'",
        )],
    }
}

/// G42: a node that stands for other machines, or that an owner could have removed and made again,
/// carries no mark of sovereign ground.
pub(super) fn virtual_nodes(stamp: &BTreeMap<String, String>) -> Rule {
    let mut signs: Vec<_> = VIRTUAL
        .iter()
        .map(|(key, value)| match value {
            None => format!(
                "(has(object.metadata.labels) && object.metadata.labels.exists(k, k.startsWith('{key}')))"
            ),
            Some(value) => format!("{} == '{value}'", label("object", key)),
        })
        .collect();
    signs.push(format!(
        "(has(object.spec.taints) && object.spec.taints.exists(t, t.key == '{VIRTUAL_TAINT}'))"
    ));
    signs.push(
        "(has(object.metadata.ownerReferences) && object.metadata.ownerReferences.size() > 0)"
            .into(),
    );
    let marked: Vec<_> = stamp
        .iter()
        .map(|(key, value)| format!("{} == {}", label("object", key), quoted(value)))
        .collect();
    // Without a stamp there is no mark to carry.
    let marked = if marked.is_empty() {
        "false".to_owned()
    } else {
        marked.join(" && ")
    };
    Rule {
        id: "g42-virtual-nodes",
        matches: written(),
        scope: Scope::Everywhere,
        tier: Tier::Core,
        needs_inventory: false,
        validations: vec![rule(
            "G42",
            format!("!({marked}) || !({})", signs.join(" || ")),
            "'node ' + object.metadata.name + ' stands for other machines or has an owner, and carries the labels of sovereign ground: take them off'",
        )],
    }
}

/// G43: the taint of a Site away stays on.
pub(super) fn taint() -> Rule {
    let kept = format!(
        "(!has(oldObject.spec.taints) || oldObject.spec.taints.all(o, o.key != '{SITE_LABEL}' || (has(object.spec.taints) && object.spec.taints.exists(t, t.key == o.key && t.effect == o.effect && (has(t.value) ? t.value : '') == (has(o.value) ? o.value : '')))))"
    );
    Rule {
        id: "g43-node-taint",
        matches: vec![Match::new("", "v1", &["nodes"], &["UPDATE"])],
        scope: Scope::Everywhere,
        tier: Tier::Core,
        needs_inventory: false,
        validations: vec![rule(
            "G43",
            format!("{kept} || {MAY_ATTEST}"),
            &format!(
                "'taint {SITE_LABEL} keeps pods off node ' + object.metadata.name + ' that nobody sent there: ' + request.userInfo.username + ' may take it off only with the verb attest on sites of pinisi.dev'"
            ),
        )],
    }
}
