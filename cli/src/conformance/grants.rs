//! Which rights the canary identities of a run need: exactly those of the requests that they make,
//! worked out from these, and what the guard asks the authorizer about them. Pure.

use super::attempt::{Cluster, Identity, Request};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

type Right = (&'static str, String, &'static str);

/// Rights by identity, in a namespace or in the whole cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    namespaced: BTreeMap<(String, Identity), BTreeSet<Right>>,
    cluster: BTreeMap<Identity, BTreeSet<Right>>,
}

impl Grants {
    /// Of these requests. Whoever runs the suite and the operator have their rights already.
    #[must_use]
    pub fn of<'a>(requests: impl IntoIterator<Item = &'a Request>) -> Self {
        let mut grants = Self::default();
        for request in requests {
            let Request {
                cluster,
                target,
                act,
                identity,
            } = request;
            if *cluster == Cluster::Remote || !identity.is_granted() {
                continue;
            }
            let more = identity.more_verbs().iter();
            let rights = more
                .map(|(group, resource, verb)| (*group, (*resource).to_owned(), *verb))
                .chain([(target.group, target.full_resource(), act.verb())]);
            match &target.namespace {
                Some(namespace) => grants
                    .namespaced
                    .entry((namespace.clone(), *identity))
                    .or_default()
                    .extend(rights),
                None => grants.cluster.entry(*identity).or_default().extend(rights),
            }
        }
        grants
    }

    /// Namespace, identity and RBAC rules.
    pub fn namespaced(&self) -> impl Iterator<Item = (&str, Identity, Vec<Value>)> {
        self.namespaced
            .iter()
            .map(|((namespace, identity), rights)| (namespace.as_str(), *identity, rules(rights)))
    }

    /// Identity and RBAC rules of the whole cluster.
    pub fn cluster(&self) -> impl Iterator<Item = (Identity, Vec<Value>)> {
        self.cluster
            .iter()
            .map(|(identity, rights)| (*identity, rules(rights)))
    }
}

fn rules(rights: &BTreeSet<Right>) -> Vec<Value> {
    rights
        .iter()
        .map(|(group, resource, verb)| json!({"apiGroups": [group], "resources": [resource], "verbs": [verb]}))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::attempt::Target;

    #[test]
    fn an_identity_gets_what_it_asks_for_and_nothing_else() {
        let ask = |target: Target, identity| Request::create(target, json!({})).by(identity);
        let pods = || Target::core("pods").within("a");
        let requests = [
            ask(pods(), Identity::Me),
            ask(pods().named("p").subresource("exec"), Identity::Canary),
            ask(Target::core("nodes"), Identity::Canary),
        ];
        let grants = Grants::of(&requests);
        let own: Vec<_> = grants.namespaced().collect();
        let rule = json!({"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create"]});
        assert_eq!(own, [("a", Identity::Canary, vec![rule])]);
        assert_eq!(grants.cluster().count(), 1);
    }
}
