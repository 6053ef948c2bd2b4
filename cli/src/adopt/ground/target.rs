//! The target and whoever scales it: that it is there, is free, can be split, and would not freeze.

use super::Ground;
use crate::check::holds;
use crate::handover::facts::PodSeen;
use crate::handover::owners::splittable;
use crate::handover::{Autoscaler, Facts, Note, Scalable};
use kube::ResourceExt as _;
use pinisi_crds::Site;
use pinisi_crds::site::SiteType;

/// Longest name of a HybridWorkload.
const NAME_MAX: usize = 63;

/// Looks at the target; `sites` are those that the workload will name, home first.
pub fn judge(facts: &Facts, ground: &Ground, sites: &[String], notes: &mut Vec<Note>) {
    let object = facts.target.to_string();
    let Some(scalable) = &facts.scalable else {
        notes.push(Note::obstacle(
            &object,
            format!("does not exist in namespace {}", facts.namespace),
            format!("see kubectl get {} -A", facts.target.kind.short()),
        ));
        return;
    };
    itself(facts, scalable, &object, notes);
    if sites.len() > 1 {
        split(scalable, &object, notes);
        spreads(scalable, ground, sites, &object, notes);
    }
    away(facts, ground, sites, &object, notes);
    autoscalers(facts, &object, notes);
}

fn itself(facts: &Facts, scalable: &Scalable, object: &str, notes: &mut Vec<Note>) {
    if scalable.deleting() {
        notes.push(
            Note::obstacle(object, "is being deleted", "create it anew first")
                .at("metadata.deletionTimestamp"),
        );
    }
    if let Some(workload) = scalable.sibling_of() {
        notes.push(Note::obstacle(
            object,
            format!("is a sibling that serves HybridWorkload {workload}"),
            "that one scales it already: see kubectl pinisi status",
        ));
    }
    if scalable.selector().is_none() {
        notes.push(
            Note::obstacle(
                object,
                "selects every pod, or cannot be read",
                "give it matchLabels",
            )
            .at("spec.selector"),
        );
    }
    if let Some(owner) = scalable.made_by() {
        notes.push(
            Note::look(
                object,
                format!("was made by {owner}, which may set the count as well"),
                "while it does, Pinisi says Contested and leaves the count alone: switch that off there",
            )
            .at("metadata.ownerReferences"),
        );
    }
    if facts.target.name.len() > NAME_MAX && facts.workload.is_none() {
        notes.push(
            Note::look(
                object,
                format!("its name is longer than the {NAME_MAX} characters that a HybridWorkload's may have"),
                "give the workload a shorter one with --name",
            )
            .at("metadata.name"),
        );
    }
    if let Some(other) = &facts.namesake {
        notes.push(Note::obstacle(
            &other.words(),
            "has that name already and another target",
            "choose another name with --name",
        ));
    }
}

fn split(scalable: &Scalable, object: &str, notes: &mut Vec<Note>) {
    if !splittable(scalable.target.kind) {
        notes.push(Note::obstacle(
            object,
            "only a Deployment can run on several sites",
            "leave --overflow out, or make it a Deployment",
        ));
        return;
    }
    let claims = scalable.claims();
    if !claims.is_empty() {
        notes.push(
            Note::obstacle(
                object,
                format!(
                    "its pods hold claims that cannot follow them: {}",
                    claims.join(", ")
                ),
                "leave --overflow out, or drop the volumes",
            )
            .at("spec.template.spec.volumes"),
        );
    }
}

/// A hard spread that counts tainted nodes would freeze growth at home.
fn spreads(
    scalable: &Scalable,
    ground: &Ground,
    sites: &[String],
    object: &str,
    notes: &mut Vec<Note>,
) {
    let selector = scalable.node_selector();
    let away: Vec<&Site> = ground
        .sites
        .iter()
        .flatten()
        .filter(|site| site.spec.type_ != SiteType::OnPrem)
        .filter(|site| sites.first() != Some(&site.name_any()))
        .collect();
    for spread in scalable.freezing_spreads() {
        let honours = spread.node_affinity_policy.as_deref() != Some("Ignore");
        let nodes = ground.nodes.iter().flatten();
        let counted = nodes
            .filter(|node| away.iter().any(|site| holds(site, node)))
            .find(|node| {
                let selected = selector
                    .iter()
                    .all(|(key, value)| node.labels.get(key) == Some(value));
                node.labels.contains_key(&spread.topology_key) && (selected || !honours)
            });
        let example = match (counted, &ground.nodes) {
            (Some(node), _) => format!("nodes such as {}", node.name),
            (None, Ok(_)) => continue,
            (None, Err(_)) => "nodes of other sites, if they carry that key".to_owned(),
        };
        notes.push(
            Note::look(
                object,
                format!(
                    "its spread over {} counts tainted {example}, which would freeze growth at home",
                    spread.topology_key
                ),
                "set nodeTaintsPolicy: Honor on that constraint",
            )
            .at("spec.template.spec.topologySpreadConstraints"),
        );
    }
}

/// Pods of the target that run elsewhere than at its home.
fn away(facts: &Facts, ground: &Ground, sites: &[String], object: &str, notes: &mut Vec<Note>) {
    let (Some(home), Ok(all), Ok(nodes)) = (sites.first(), &ground.sites, &ground.nodes) else {
        return;
    };
    let Some(home) = all.iter().find(|site| site.name_any() == *home) else {
        return;
    };
    let elsewhere = |pod: &&PodSeen| {
        let node = nodes
            .iter()
            .find(|node| pod.node.as_ref() == Some(&node.name));
        pod.site.is_none() && node.is_some_and(|node| !holds(home, node))
    };
    let pods: Vec<_> = facts.pods.iter().filter(elsewhere).collect();
    if let Some(first) = pods.first() {
        notes.push(
            Note::look(
                object,
                format!(
                    "{} of its pods run elsewhere than at its home {}, for example {} on {}",
                    pods.len(),
                    home.name_any(),
                    first.name,
                    first.node.as_deref().unwrap_or_default()
                ),
                "bind its template to home by nodeSelector, or name another --home: replicas there count as at home",
            )
            .at("spec.template.spec.nodeSelector"),
        );
    }
}

fn autoscalers(facts: &Facts, object: &str, notes: &mut Vec<Note>) {
    if let Some(why) = &facts.keda_unreadable {
        notes.push(Note::look(
            "ScaledObjects",
            format!("cannot be looked at: {why}"),
            "make sure that none of them scales this target",
        ));
    }
    let names: Vec<_> = facts.autoscalers.iter().map(Autoscaler::words).collect();
    if names.len() > 1 {
        notes.push(Note::obstacle(
            object,
            format!("is scaled by several: {}", names.join(", ")),
            "delete all but one: they fight, and which one is right cannot be told",
        ));
    }
    for found in &facts.autoscalers {
        if let Some(owner) = found.made_by() {
            notes.push(
                Note::obstacle(
                    &found.words(),
                    format!("was made by {owner}, which would make it again"),
                    format!("switch autoscaling off in {owner}"),
                )
                .at("metadata.ownerReferences"),
            );
        }
        let (_, max) = found.bounds();
        if max.is_some_and(|max| facts.running() > max) {
            notes.push(
                Note::look(
                    object,
                    format!(
                        "runs {}, more than the most that {} allows",
                        facts.running(),
                        found.words()
                    ),
                    "finish waits until that is settled",
                )
                .at("spec.replicas"),
            );
        }
    }
}
