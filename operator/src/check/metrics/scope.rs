//! A workload as metrics look at it: its target and siblings in this cluster, and its part in each
//! other one. Which of those sites answer is told here, what their metrics say in `readings`.

use crate::gather::cluster::ClusterView;
use crate::gather::facts::{ScalableFacts, WorkloadFacts};
use crate::gather::index::Index;
use crate::gather::metrics::question::Place;
use kube::core::Selector;
use pinisi_crds::names::SITE_LABEL;
use pinisi_planner::model::amounts::Replicas;
use pinisi_planner::model::site::SiteName;

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
}

/// A workload's part in another cluster.
#[derive(Clone, Debug)]
pub struct Remote<'a> {
    /// The site.
    pub site: SiteName,
    /// What is known of it; `None` where nothing ever was.
    pub view: Option<&'a ClusterView>,
}

impl Remote<'_> {
    /// True while it answers, so that its pods are known.
    #[must_use]
    pub fn answers(&self) -> bool {
        self.view.is_some_and(|v| v.link.is_up() && v.seen)
    }

    /// Whose metrics APIs are asked for it.
    #[must_use]
    pub fn place(&self) -> Place {
        Place::Site(self.site.to_string())
    }
}

impl<'a> Scope<'a> {
    /// Looks for the workload's parts in other clusters: where pods or a Deployment of it are, and
    /// where replicas were decided last, though nothing is known of that cluster now.
    #[must_use]
    pub fn new(
        index: &'a Index,
        workload: &'a WorkloadFacts,
        target: Option<&'a ScalableFacts>,
        siblings: &'a [&'a ScalableFacts],
        home: Option<&'a SiteName>,
    ) -> Self {
        let decided = |site: &str| {
            let mut shares = workload.status.sites.iter();
            shares.any(|share| share.name == site && share.desired > 0)
        };
        let part_of = |(name, site): (&'a String, &'a crate::gather::facts::SiteFacts)| {
            let spec = site.spec.as_ref().ok()?;
            spec.kubeconfig_secret_ref.as_ref()?;
            let view = index.clusters.get(name);
            let runs = view.is_some_and(|view| runs(view, name, workload, target));
            (runs || decided(name)).then(|| Remote {
                site: SiteName::new(name),
                view,
            })
        };
        Self {
            index,
            workload,
            target,
            siblings,
            home,
            remotes: index.sites.iter().filter_map(part_of).collect(),
        }
    }

    /// The pods' selector.
    #[must_use]
    pub fn selector(&self) -> Option<&'a Selector> {
        self.target.and_then(|t| t.selector.as_ref())
    }

    /// Pods that the controllers of all sites count.
    #[must_use]
    pub fn counted(&self) -> Replicas {
        let here = self.target.into_iter().chain(self.siblings.iter().copied());
        let there = self.remotes.iter().filter_map(|remote| {
            let deployment = remote.view?.deployments.get(&self.target?.key)?;
            ours(deployment, self.workload).then_some(deployment)
        });
        let all = here.chain(there);
        all.map(|object| Replicas::from_api(object.counted)).sum()
    }

    /// Sites that do not answer.
    pub fn unknown(&self) -> impl Iterator<Item = SiteName> {
        let silent = self.remotes.iter().filter(|remote| !remote.answers());
        silent.map(|remote| remote.site.clone())
    }
}

/// True where a cluster has pods or a Deployment of the workload, as far as is known.
fn runs(
    view: &ClusterView,
    site: &str,
    workload: &WorkloadFacts,
    target: Option<&ScalableFacts>,
) -> bool {
    let Some(target) = target else { return false };
    let deployment = view.deployments.get(&target.key);
    let mut pods = target.selector.iter().flat_map(|selector| {
        view.pods
            .matching(&target.key.namespace, selector, &target.match_labels)
    });
    deployment.is_some_and(|d| ours(d, workload))
        || pods.any(|pod| pod.labels.get(SITE_LABEL).map(String::as_str) == Some(site))
}

fn ours(deployment: &ScalableFacts, workload: &WorkloadFacts) -> bool {
    let marks = deployment.sibling.as_ref();
    marks.is_some_and(|marks| marks.workload == workload.key.name)
}
