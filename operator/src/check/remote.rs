//! A workload at sites that are other clusters: what runs there, whose it is, and what stands
//! against more of it.

use super::placement::Placed;
use super::site::CheckedSite;
use super::start_up::Starts;
use crate::checked::{
    Connection, Ownership, RemoteConnection, RemoteDeployment, RemoteLeg, RemoteNamespace,
};
use crate::gather::{
    cluster::{ClusterView, GuardFacts},
    facts::{ObjectKey, ScalableFacts, SiblingMarks, WorkloadFacts},
    index::Index,
};
use crate::refusals::{Circumstances, Refusals};
use jiff::Timestamp;
use pinisi_crds::hybrid_workload::CarryRef;
use pinisi_crds::names::{
    CLASS_LABEL, CLASS_MASS_TRAFFIC, CLASS_SENSITIVE, MANAGED_BY, MANAGED_BY_LABEL, SITE_LABEL,
};
use pinisi_planner::WorkloadId;
use pinisi_planner::model::{
    amounts::Replicas,
    refusal::{Refusal, RefusalKind},
    site::SiteName,
    workload::Leg,
};
use std::collections::BTreeMap;

/// What a workload is looked for by in other clusters.
pub struct Search<'a> {
    /// Everything that is known.
    pub index: &'a Index,
    /// Every Site.
    pub sites: &'a BTreeMap<SiteName, CheckedSite<'a>>,
    /// The HybridWorkload.
    pub facts: &'a WorkloadFacts,
    /// Name of its target.
    pub target_name: &'a str,
    /// The target, where it exists.
    pub target: Option<&'a ScalableFacts>,
    /// Where it may run, where that could be read.
    pub placed: Option<&'a Placed>,
    /// What is to travel with it.
    pub carry: &'a [CarryRef],
    /// Preflights that failed.
    pub refusals: &'a Refusals,
    /// Now.
    pub now: Timestamp,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// For `act` and `report`.
    pub remotes: BTreeMap<SiteName, RemoteLeg>,
    /// For the planner.
    pub legs: BTreeMap<SiteName, Leg>,
    /// How long its pods took to start.
    pub starts: Starts,
    /// Sites that take no more of it.
    pub refused: BTreeMap<SiteName, Refusal>,
}

impl Search<'_> {
    /// Looks at every site that is another cluster.
    #[must_use]
    pub fn run(&self) -> Found {
        let mut found = Found::default();
        for (name, site) in self.sites {
            if let Connection::Remote(connection) = &site.subject.connection {
                self.look(name, site.subject.generation, connection, &mut found);
            }
        }
        found
    }

    fn look(
        &self,
        site: &SiteName,
        generation: i64,
        connection: &RemoteConnection,
        found: &mut Found,
    ) {
        let placed = self.placed.is_some_and(|p| p.sites.contains(site));
        let view = self.index.clusters.get(site.as_str());
        let Some(view) = view.filter(|view| view.seen) else {
            if placed || self.decided(site) > Replicas::ZERO {
                found.legs.insert(site.clone(), self.remembered(site));
                found.remotes.insert(site.clone(), self.unseen());
            }
            return;
        };
        let deployment = self.deployment(view, site);
        let ours = deployment.as_ref().filter(|d| d.owner == Ownership::Ours);
        if !placed && ours.is_none() {
            return;
        }
        let namespace = self.namespace(view);
        let about = Circumstances {
            digest: self.digest(),
            carry: self.carry.to_vec(),
            cluster: connection
                .identity
                .as_ref()
                .map(|identity| identity.uid.clone())
                .unwrap_or_default(),
            site_generation: generation,
            namespace: namespace.word(),
            guarded: connection.guard == GuardFacts::InForce,
        };
        let foreign = deployment
            .as_ref()
            .is_some_and(|d| d.owner != Ownership::Ours);
        let leg = if foreign {
            Leg::default()
        } else {
            self.leg(view, site, &mut found.starts)
        };
        let standing = self.refusals.standing(&self.id(), site, &about, self.now);
        let plain = self.plain(site, connection, &namespace, deployment.as_ref());
        let refusal = plain.or_else(|| standing.as_ref().map(|s| s.refusal.clone()));
        if let Some(refusal) = refusal.filter(|_| placed) {
            found.refused.insert(site.clone(), refusal);
        }
        let none = leg.bound == Replicas::ZERO
            && leg.pending == Replicas::ZERO
            && leg.ready == Replicas::ZERO;
        let remote = RemoteLeg {
            deployment,
            namespace,
            about,
            standing,
            empty: none,
        };
        found.legs.insert(site.clone(), leg);
        found.remotes.insert(site.clone(), remote);
    }

    fn id(&self) -> WorkloadId {
        WorkloadId {
            namespace: self.facts.key.namespace.as_str().into(),
            name: self.facts.key.name.as_str().into(),
        }
    }

    fn digest(&self) -> String {
        let parts = self.target.and_then(|t| t.parts.as_ref());
        parts.map(|p| p.digest.clone()).unwrap_or_default()
    }

    /// The count that status remembers for a site.
    fn decided(&self, site: &SiteName) -> Replicas {
        let shares = &self.facts.status.sites;
        let share = shares.iter().find(|share| share.name == site.as_str());
        share.map_or(Replicas::ZERO, |share| Replicas::from_api(share.desired))
    }

    /// A leg at a cluster that this process has not seen: as status remembers it.
    fn remembered(&self, site: &SiteName) -> Leg {
        let shares = &self.facts.status.sites;
        let share = shares.iter().find(|share| share.name == site.as_str());
        let ready = share.map_or(Replicas::ZERO, |share| Replicas::from_api(share.ready));
        let spec = self.decided(site);
        Leg {
            spec,
            ready: ready.min(spec),
            bound: spec,
            ..Leg::default()
        }
    }

    fn unseen(&self) -> RemoteLeg {
        RemoteLeg {
            deployment: None,
            namespace: RemoteNamespace::Missing,
            about: Circumstances {
                digest: self.digest(),
                carry: self.carry.to_vec(),
                ..Circumstances::default()
            },
            standing: None,
            empty: false,
        }
    }

    fn hub_uid(&self) -> &str {
        self.index.hub.as_ref().map_or("", |hub| hub.uid.as_str())
    }

    fn key(&self) -> ObjectKey {
        ObjectKey {
            namespace: self.facts.key.namespace.clone(),
            name: self.target_name.to_owned(),
        }
    }

    fn deployment(&self, view: &ClusterView, site: &SiteName) -> Option<RemoteDeployment> {
        let found = view.deployments.get(&self.key())?;
        let marks = found.sibling.as_ref();
        Some(RemoteDeployment {
            uid: found.uid.clone(),
            generation: found.generation,
            spec_replicas: found.replicas,
            digest: marks.map(|m| m.digest.clone()).unwrap_or_default(),
            carried: marks.map(|m| m.carried.clone()).unwrap_or_default(),
            owner: self.owner(marks, site),
            deleting: found.deleting,
            foreign_writer: found.foreign_writer.clone(),
            foreign_edit: found.foreign_edit.clone(),
        })
    }

    fn owner(&self, marks: Option<&SiblingMarks>, site: &SiteName) -> Ownership {
        let Some(SiblingMarks {
            site: of_site,
            workload,
            digest: _,
            hub,
            carried: _,
        }) = marks
        else {
            return Ownership::Foreign("somebody who labels it as Pinisi's".into());
        };
        let own_hub = self.hub_uid();
        if hub.is_empty() || own_hub.is_empty() || hub != own_hub {
            Ownership::Foreign(format!("the hub {hub:?}"))
        } else if *workload != self.facts.key.name {
            Ownership::Foreign(format!("HybridWorkload {workload}"))
        } else if of_site != site.as_str() {
            Ownership::Foreign(format!("Site {of_site}"))
        } else {
            Ownership::Ours
        }
    }

    fn namespace(&self, view: &ClusterView) -> RemoteNamespace {
        let Some(found) = view.namespaces.get(&self.facts.key.namespace) else {
            return RemoteNamespace::Missing;
        };
        let class = found.labels.get(CLASS_LABEL).map(String::as_str);
        let managed = found.labels.get(MANAGED_BY_LABEL).map(String::as_str) == Some(MANAGED_BY);
        let own_hub = self.hub_uid();
        if found.terminating {
            RemoteNamespace::Terminating
        } else if class == Some(CLASS_SENSITIVE) {
            RemoteNamespace::Sensitive
        } else if let Some(class) = class.filter(|class| *class != CLASS_MASS_TRAFFIC) {
            RemoteNamespace::Theirs(format!("its label {CLASS_LABEL} says {class}"))
        } else {
            match &found.hub {
                Some(hub) if !own_hub.is_empty() && hub == own_hub => {
                    if managed {
                        RemoteNamespace::Ours
                    } else {
                        RemoteNamespace::Lawful
                    }
                }
                Some(hub) => RemoteNamespace::Theirs(format!("the hub {hub} made it")),
                None => RemoteNamespace::Lawful,
            }
        }
    }

    /// What can be told against more replicas without asking there.
    fn plain(
        &self,
        site: &SiteName,
        connection: &RemoteConnection,
        namespace: &RemoteNamespace,
        deployment: Option<&RemoteDeployment>,
    ) -> Option<Refusal> {
        let name = &self.facts.key.namespace;
        let refusal = |kind, object: String, text: String| Some(Refusal { kind, object, text });
        let of_namespace = |kind, text| refusal(kind, format!("Namespace {name}"), text);
        if let Some(Ownership::Foreign(who)) = deployment.map(|d| &d.owner) {
            let object = format!("Deployment {name}/{}", self.target_name);
            let text = format!(
                "{object} exists there and belongs to {who}; rename or delete it there, or take Site {site} out of spec.placement"
            );
            return refusal(RefusalKind::DeploymentForeign, object, text);
        }
        match namespace {
            RemoteNamespace::Ours | RemoteNamespace::Lawful => None,
            RemoteNamespace::Missing if connection.create_namespaces => None,
            RemoteNamespace::Missing => of_namespace(
                RefusalKind::NamespaceMissing,
                format!(
                    "namespace {name} is not there; create it in that cluster, or set spec.createNamespaces: true on Site {site}"
                ),
            ),
            RemoteNamespace::Theirs(why) => of_namespace(
                RefusalKind::NamespaceForeign,
                format!(
                    "namespace {name} there belongs to somebody else: {why}; move the service to a namespace that is free there, or take Site {site} out of spec.placement"
                ),
            ),
            RemoteNamespace::Sensitive => of_namespace(
                RefusalKind::NamespaceSensitive,
                format!(
                    "namespace {name} there has {CLASS_LABEL}={CLASS_SENSITIVE}, which has no place in another cluster; remove that label there, or take Site {site} out of spec.placement"
                ),
            ),
            RemoteNamespace::Terminating => of_namespace(
                RefusalKind::NamespaceTerminating,
                format!(
                    "namespace {name} there is being deleted; wait until it is gone, then create it anew"
                ),
            ),
        }
    }

    fn leg(&self, view: &ClusterView, site: &SiteName, starts: &mut Starts) -> Leg {
        let deployment = view.deployments.get(&self.key());
        let mut leg = deployment.map(super::legs::leg).unwrap_or_default();
        let Some((target, selector)) = self.target.and_then(|t| Some((t, t.selector.as_ref()?)))
        else {
            return leg;
        };
        let namespace = &self.facts.key.namespace;
        let pods = view
            .pods
            .matching(namespace, selector, &target.match_labels);
        let of_site = |labels: &BTreeMap<String, String>| {
            labels.get(SITE_LABEL).map(String::as_str) == Some(site.as_str())
        };
        for pod in pods.filter(|p| !p.finished && of_site(&p.labels)) {
            starts.see(site, pod);
            super::legs::count(&mut leg, pod);
        }
        if let Some(deployment) = deployment {
            super::legs::unmade(&mut leg, deployment);
        }
        leg
    }
}
