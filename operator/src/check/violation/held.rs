//! What was written down and cannot be seen now: a kind that the operator may not list. It is not
//! called ended, and counts as open.

use crate::checked::{Held, Violation};
use crate::gather::index::Index;
use pinisi_crds::sovereignty_violation::ViolationRule;
use std::collections::BTreeMap;

/// Every violation that has not ended and may last all the same.
pub(super) fn all(index: &Index, open: &BTreeMap<String, Violation>) -> BTreeMap<String, Held> {
    let recorded = index.violations.iter().filter_map(|(name, facts)| {
        let spec = facts.spec.as_ref().ok()?;
        let lasts = facts.status.ended_at.is_none() && !open.contains_key(name);
        let held = || Held {
            rule: spec.rule,
            site: spec.place.site.clone(),
            policies: spec.policies.clone(),
            message: spec.message.clone(),
        };
        (lasts && !is_seen(index, spec.rule)).then(|| (name.clone(), held()))
    });
    recorded.collect()
}

/// True where everything that a rule is judged by was listed whole. Planning waits for pods.
fn is_seen(index: &Index, rule: ViolationRule) -> bool {
    match rule {
        ViolationRule::V01 | ViolationRule::V02 => true,
        ViolationRule::V03 => index.claims.is_whole() && index.volumes.is_whole(),
        ViolationRule::V04 => index.services.is_whole(),
    }
}
