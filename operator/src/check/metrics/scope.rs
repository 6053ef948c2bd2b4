//! A workload as metrics look at it: its target and siblings in this cluster, and its part in each
//! other one. Which of those sites answer is told here, what their metrics say in `readings`.

use crate::checked::{Ownership, RemoteLeg};
use crate::gather::cluster::ClusterView;
use crate::gather::facts::{ScalableFacts, WorkloadFacts};
use crate::gather::index::Index;
use crate::gather::metrics::question::Place;
use jiff::SignedDuration;
use pinisi_planner::model::amounts::Replicas;
use pinisi_planner::model::site::SiteName;
use std::collections::BTreeMap;

/// A workload as metrics look at it.
#[derive(Debug)]
pub struct Scope<'a> {
    /// Everything.
    pub index: &'a Index,
    /// The workload.
    pub workload: &'a WorkloadFacts,
    /// Its target, where it exists.
    pub target: Option<&'a ScalableFacts>,
    /// Its siblings in this cluster.
    pub siblings: &'a [&'a ScalableFacts],
    /// The site where the target itself runs.
    pub home: Option<&'a SiteName>,
    /// Its parts in other clusters.
    pub remotes: Vec<Remote<'a>>,
    /// How long a replica of it takes to become Ready.
    pub start_up: SignedDuration,
}

/// A workload's part in another cluster.
#[derive(Clone, Debug)]
pub struct Remote<'a> {
    /// The site.
    pub site: SiteName,
    /// What is known of it; `None` where it was never seen whole.
    pub view: Option<&'a ClusterView>,
    /// True where it has a Deployment that is this workload's.
    pub ours: bool,
}

impl Remote<'_> {
    /// True while it answers, so that its pods are known.
    #[must_use]
    pub fn answers(&self) -> bool {
        self.view.is_some_and(|view| view.link.is_up())
    }

    /// Whose metrics APIs are asked for it.
    #[must_use]
    pub fn place(&self) -> Place {
        Place::Site(self.site.to_string())
    }
}

impl<'a> Scope<'a> {
    /// Of its legs in other clusters those count that hold something of it, and those where replicas
    /// were decided last, though nothing is known of that cluster now.
    #[must_use]
    pub fn new(
        index: &'a Index,
        workload: &'a WorkloadFacts,
        (target, siblings): (Option<&'a ScalableFacts>, &'a [&'a ScalableFacts]),
        home: Option<&'a SiteName>,
        legs: &BTreeMap<SiteName, RemoteLeg>,
        start_up: SignedDuration,
    ) -> Self {
        let part = |(site, leg): (&SiteName, &RemoteLeg)| {
            let view = index.clusters.get(site.as_str()).filter(|view| view.seen);
            let owner = leg.deployment.as_ref().map(|d| &d.owner);
            let part = match (view, owner) {
                (None, _) => decided(workload, site),
                (Some(_), Some(Ownership::Ours)) => true,
                (Some(_), Some(Ownership::Foreign(_))) => false,
                (Some(_), None) => !leg.empty,
            };
            part.then(|| Remote {
                site: site.clone(),
                view,
                ours: owner == Some(&Ownership::Ours),
            })
        };
        Self {
            index,
            workload,
            target,
            siblings,
            home,
            remotes: legs.iter().filter_map(part).collect(),
            start_up,
        }
    }

    /// Pods that the controllers of all sites count.
    #[must_use]
    pub fn counted(&self) -> Replicas {
        let here = self.target.into_iter().chain(self.siblings.iter().copied());
        let there = self.remotes.iter().filter(|remote| remote.ours);
        let there = there.filter_map(|r| r.view?.deployments.get(&self.target?.key));
        let all = here.chain(there);
        all.map(|object| Replicas::from_api(object.counted)).sum()
    }

    /// Sites that do not answer.
    pub fn unknown(&self) -> impl Iterator<Item = SiteName> {
        let silent = self.remotes.iter().filter(|remote| !remote.answers());
        silent.map(|remote| remote.site.clone())
    }
}

/// True where status remembers replicas at a site.
fn decided(workload: &WorkloadFacts, site: &SiteName) -> bool {
    let mut shares = workload.status.sites.iter();
    shares.any(|share| share.name == site.as_str() && share.desired > 0)
}
