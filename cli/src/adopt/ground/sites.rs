//! The Sites: that they exist, are lawful for the class, and take the namespace; and which one is
//! home where none was named.

use super::{Ground, Wish};
use crate::check::{class_word, holds};
use crate::handover::{Facts, Note};
use kube::ResourceExt as _;
use kube::core::{Selector, SelectorExt as _};
use pinisi_crds::Site;
use pinisi_crds::hybrid_workload::Class;
use pinisi_crds::names::CLASS_LABEL;
use pinisi_crds::site::SiteType;
use std::collections::{BTreeMap, BTreeSet};

/// Names of Sites in order, home first; empty where none has to be named.
pub fn judge(facts: &Facts, ground: &Ground, wish: &Wish, notes: &mut Vec<Note>) -> Vec<String> {
    if wish.class == Class::Sensitive && !wish.overflow.is_empty() {
        notes.push(Note::obstacle(
            &facts.target.to_string(),
            "a Sensitive workload never overflows",
            "leave --overflow out, or adopt it as MassTraffic in a MassTraffic namespace",
        ));
    }
    let sites = match &ground.sites {
        Ok(sites) => sites,
        Err(why) => {
            notes.push(Note::look(
                "Sites",
                format!("cannot be read, so that nothing is known of them: {why}"),
                "ask whoever runs the platform whether they take this namespace",
            ));
            &vec![]
        }
    };
    let labels = after(facts, wish);
    let home = match (&wish.home, wish.class) {
        (Some(home), _) => Some(home.clone()),
        (None, Class::Sensitive) => None,
        (None, Class::MassTraffic) => found_home(facts, ground, sites, &labels, notes),
    };
    let named: Vec<_> = home.into_iter().chain(wish.overflow.clone()).collect();
    let mut seen = BTreeSet::new();
    for name in &named {
        if !seen.insert(name) {
            notes.push(Note::obstacle(
                &format!("Site {name}"),
                "is named twice",
                "name each site once, home by --home and the others by --overflow",
            ));
        } else if ground.sites.is_ok() {
            one(facts, sites, &labels, wish.class, name, notes);
        }
    }
    if wish.class == Class::Sensitive && named.is_empty() && ground.sites.is_ok() {
        let lawful = sites
            .iter()
            .any(|site| site.spec.type_ == SiteType::OnPrem && takes(site, &labels));
        if !lawful {
            notes.push(Note::obstacle(
                &format!("Namespace {}", facts.namespace),
                "no OnPrem Site takes it, and Sensitive runs nowhere else",
                "ask whoever runs the platform to let spec.allowedNamespaces of an OnPrem Site select it",
            ));
        }
    }
    named
}

/// Labels of the namespace as they will be.
fn after(facts: &Facts, wish: &Wish) -> BTreeMap<String, String> {
    let mut labels = facts.labels.clone().unwrap_or_default();
    if wish.label_namespace {
        let class = class_word(wish.class);
        labels
            .entry(CLASS_LABEL.into())
            .or_insert_with(|| class.into());
    }
    labels
}

fn takes(site: &Site, labels: &BTreeMap<String, String>) -> bool {
    let selector = site.spec.allowed_namespaces.clone();
    selector.is_some_and(|selector| {
        Selector::try_from(selector).is_ok_and(|selector| selector.matches(labels))
    })
}

fn one(
    facts: &Facts,
    sites: &[Site],
    labels: &BTreeMap<String, String>,
    class: Class,
    name: &str,
    notes: &mut Vec<Note>,
) {
    let object = format!("Site {name}");
    let Some(site) = sites.iter().find(|site| site.name_any() == name) else {
        let known: Vec<_> = sites.iter().map(|site| site.name_any()).collect();
        notes.push(Note::obstacle(
            &object,
            "does not exist",
            format!("name one of: {}", known.join(", ")),
        ));
        return;
    };
    if class == Class::Sensitive && site.spec.type_ != SiteType::OnPrem {
        notes.push(
            Note::obstacle(
                &object,
                format!(
                    "is {:?}; Sensitive runs on OnPrem Sites only",
                    site.spec.type_
                ),
                "name an OnPrem Site with --home, or leave --home out",
            )
            .at("spec.type"),
        );
    }
    if !takes(site, labels) {
        notes.push(
            Note::obstacle(
                &object,
                format!("does not take namespace {}", facts.namespace),
                "ask whoever runs the platform to let it select the namespace, or name another Site",
            )
            .at("spec.allowedNamespaces"),
        );
    }
    let references = facts.scalable.as_ref().map(|found| found.references());
    let references: Vec<_> = references.into_iter().flatten().collect();
    if site.spec.kubeconfig_secret_ref.is_some() && !references.is_empty() {
        notes.push(
            Note::look(
                &object,
                format!(
                    "is another cluster, and the pods need {}: nothing travels there by itself",
                    references.join(", ")
                ),
                "list what may travel in spec.carry of the HybridWorkload, or see that it is there already",
            )
            .at("spec.kubeconfigSecretRef"),
        );
    }
}

/// The Site where the target's pods run; where that cannot be told, the only one that takes it.
fn found_home(
    facts: &Facts,
    ground: &Ground,
    sites: &[Site],
    labels: &BTreeMap<String, String>,
    notes: &mut Vec<Note>,
) -> Option<String> {
    let candidates: Vec<_> = sites
        .iter()
        .filter(|site| takes(site, labels) && site.spec.type_ != SiteType::Cloud)
        .collect();
    let nodes = ground.nodes.as_deref().unwrap_or_default();
    let bound: BTreeSet<_> = facts
        .pods
        .iter()
        .filter_map(|pod| pod.node.as_deref())
        .collect();
    let running: Vec<_> = candidates
        .iter()
        .filter(|site| {
            nodes
                .iter()
                .any(|node| bound.contains(node.name.as_str()) && holds(site, node))
        })
        .collect();
    match (running.as_slice(), candidates.as_slice()) {
        ([site], _) => Some(site.name_any()),
        ([], [site]) => Some(site.name_any()),
        _ => {
            let names: Vec<_> = candidates.iter().map(|site| site.name_any()).collect();
            let known = match names.as_slice() {
                [] => "no OnPrem or Edge Site takes this namespace".to_owned(),
                names => format!("one of: {}", names.join(", ")),
            };
            notes.push(Note::obstacle(
                &facts.target.to_string(),
                "which Site is its home cannot be told",
                format!("say --home SITE; {known}"),
            ));
            None
        }
    }
}
