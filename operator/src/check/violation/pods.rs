//! V01 and V02: bound pods, by the node that each is bound to.

use super::super::attested::{self, Standing, identity};
use super::super::policy::{self, Over, jurisdiction};
use super::{Cause, Found, Judge};
use crate::checked::{NodePlace, Offender, OffenderKind, Place};
use crate::gather::facts::PodFacts;
use pinisi_crds::sovereign_nodes::NodeIdentity;
use pinisi_crds::sovereignty_policy::{Enforcement, OnViolation};
use pinisi_planner::model::site::{SiteKind, SiteName};
use std::collections::BTreeMap;
use std::sync::Arc;

impl<'a> Judge<'a> {
    /// V01: pods of a Sensitive namespace.
    pub(super) fn sensitive_pods(&self, namespace: &str, over: &[Over<'a>]) -> Vec<Found> {
        // A slip in a Site must not take a whole service down.
        let somewhere = || {
            let mut nodes = self.base.nodes.keys();
            nodes.any(|node| self.forbidden(node, over).is_none())
        };
        let evict = over.iter().any(evicts) && somewhere();
        self.pods(namespace, evict, |node| self.sensitive(node, over))
    }

    /// V02: pods of a namespace without a class. Only a policy that refuses the same of what is new
    /// has what is there evicted.
    pub(super) fn unclassified_pods(&self, namespace: &str, over: &[Over<'a>]) -> Vec<Found> {
        if over.is_empty() {
            return Vec::new();
        }
        let refuses = |o: &&Over<'_>| o.spec.enforcement.unwrap_or_default() == Enforcement::Deny;
        let somewhere = || {
            let mut nodes = self.index.nodes.keys();
            nodes.any(|node| !self.base.away.contains_key(&**node))
        };
        let evict = over.iter().filter(refuses).any(evicts) && somewhere();
        self.pods(namespace, evict, |node| self.unclassified(node))
    }

    fn pods(
        &self,
        namespace: &str,
        evict: bool,
        cause: impl Fn(&str) -> Option<Cause>,
    ) -> Vec<Found> {
        let pods = self.index.pods.of_namespace(namespace);
        let bound = pods.filter(|pod| !pod.finished).filter_map(|pod| {
            let node = pod.node.as_ref()?;
            let cause = cause(node)?;
            Some(self.found(cause, pod, node, evict))
        });
        bound.collect()
    }

    fn found(&self, cause: Cause, pod: &PodFacts, node: &Arc<str>, evict: bool) -> Found {
        let site = match self.claims().get(&**node).map(Vec::as_slice) {
            Some([site]) => Some(site.to_string()),
            Some(_) | None => None,
        };
        let law = site.as_deref().map(|site| jurisdiction(self.index, site));
        Found {
            cause,
            object: Offender {
                kind: OffenderKind::Pod,
                namespace: pod.namespace.clone(),
                name: pod.name.clone(),
                uid: pod.uid.to_string(),
            },
            place: Place::Node(NodePlace {
                node: node.clone(),
                jurisdiction: law.filter(|law| !law.is_empty()).map(ToOwned::to_owned),
                site,
                seen: self.index.nodes.get(node).map(identity),
                attested: self.attested(node).cloned(),
            }),
            evict: evict && !pod.terminating,
        }
    }

    /// The policy that keeps its namespaces from a node of the inventory.
    fn forbidden(&self, node: &str, over: &[Over<'_>]) -> Option<String> {
        let law = self.grounds.get(node).map_or("", |g| &g.jurisdiction);
        let found = over.iter().find(|o| !policy::lawful(o.spec, law))?;
        Some(found.name.to_owned())
    }

    fn sensitive(&self, node: &str, over: &[Over<'_>]) -> Option<Cause> {
        if self.base.nodes.contains_key(node) {
            let policy = self.forbidden(node, over)?;
            return Some(Cause::Forbidden { policy });
        }
        let attested = self.attested(node);
        let Some(facts) = self.index.nodes.get(node) else {
            // A Node that is gone takes its pods with it; till then they are where they were.
            return attested.is_none().then_some(Cause::UnknownNode);
        };
        let cause = match self.claims().get(node).map(Vec::as_slice) {
            None | Some([]) => Cause::NoSite,
            Some([site]) => match self.sites.get(*site).map(|site| site.kind) {
                Some(kind @ (SiteKind::Cloud | SiteKind::Edge)) => Cause::Away { kind },
                Some(SiteKind::OnPrem) | None => {
                    match attested::judge(attested, &identity(facts), &facts.labels) {
                        Standing::Changed(change) => Cause::Changed(change),
                        Standing::New | Standing::Attested => Cause::NotAttested,
                    }
                }
            },
            Some(several) => Cause::SeveralSites {
                count: several.len(),
            },
        };
        Some(cause)
    }

    fn unclassified(&self, node: &str) -> Option<Cause> {
        let site = self.base.away.get(node)?;
        let kind = self.sites.get(&SiteName::new(site))?.kind;
        Some(Cause::Away { kind })
    }

    /// As whom a node of this name was attested, in whatever OnPrem Site.
    fn attested(&self, node: &str) -> Option<&NodeIdentity> {
        let specs = self
            .index
            .sites
            .values()
            .filter_map(|facts| facts.spec.as_ref().ok());
        specs
            .filter_map(|spec| spec.attested.as_ref())
            .find_map(|attested| attested.get(node))
    }

    fn claims(&self) -> &BTreeMap<&'a str, Vec<&'a SiteName>> {
        self.claims.get_or_init(|| {
            let mut claims: BTreeMap<&str, Vec<&SiteName>> = BTreeMap::new();
            for (name, site) in self.sites {
                for node in &site.nodes {
                    claims.entry(&*node.name).or_default().push(name);
                }
            }
            claims
        })
    }
}

fn evicts(over: &Over<'_>) -> bool {
    over.spec.on_violation.unwrap_or_default() == OnViolation::Evict
}
