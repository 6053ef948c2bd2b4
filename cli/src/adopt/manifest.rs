//! The HybridWorkload that an adoption makes.

use crate::check::class_word;
use crate::handover::{Record, Target};
use pinisi_crds::hybrid_workload::Class;
use pinisi_crds::names::ADOPTION_ANNOTATION;
use serde_json::{Value, json};

/// What goes into it.
pub struct Parts<'a> {
    /// Namespace.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its class.
    pub class: Class,
    /// What it scales.
    pub target: &'a Target,
    /// Sites in order, home first; empty where none is named.
    pub sites: &'a [String],
    /// `spec.autoscaling`.
    pub autoscaling: Option<&'a Value>,
}

/// Builds it, in mode Observe.
///
/// # Errors
/// Never in practice: the record is empty.
pub fn build(parts: &Parts<'_>) -> Result<Value, String> {
    let Parts {
        namespace,
        name,
        class,
        target,
        sites,
        autoscaling,
    } = *parts;
    let mut spec = json!({
        "class": class_word(class),
        "mode": "Observe",
        "targetRef": { "apiVersion": Target::API_VERSION, "kind": target.kind.word(), "name": target.name },
    });
    if let Some(autoscaling) = autoscaling {
        spec["autoscaling"] = autoscaling.clone();
    }
    if !sites.is_empty() {
        let tiers: Vec<_> = sites
            .iter()
            .map(|site| json!({ "sites": [site] }))
            .collect();
        spec["placement"] = json!({ "tiers": tiers });
    }
    Ok(json!({
        "apiVersion": "pinisi.dev/v1alpha1",
        "kind": "HybridWorkload",
        "metadata": {
            "name": name, "namespace": namespace,
            "annotations": { ADOPTION_ANNOTATION: Record::default().text()? },
        },
        "spec": spec,
    }))
}
