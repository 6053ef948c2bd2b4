//! Where a workload may run: its class with the sites that class, namespace and target allow.

use super::{
    limits::{REPLICAS_MAX, number, outside},
    policy::{Policies, jurisdiction},
    problem::Problem,
    site::{CheckedSite, kind_name},
    target::not_splittable,
};
use crate::checked::Connection;
use crate::gather::{facts::ScalableFacts, index::Index};
use pinisi_crds::{
    HybridWorkloadSpec,
    hybrid_workload::{self as api, CarryRef, Class},
};
use pinisi_planner::model::{
    amounts::Replicas,
    site::{SiteKind, SiteName, SovereignSite},
    workload::{Placement, Tier},
};
use std::collections::{BTreeMap, BTreeSet};

/// Most tiers, and most sites in one.
const TIERS_MAX: usize = 8;
const TIER_SITES_MAX: usize = 16;
/// Most objects that may travel.
const CARRY_MAX: usize = 16;

/// A placement, with its sites in order.
#[derive(Clone, Debug)]
pub struct Placed {
    /// For the planner.
    pub placement: Placement,
    /// All its sites in order, each once. The first is where the target itself runs.
    pub sites: Vec<SiteName>,
}

/// What a placement is judged by.
pub struct Grounds<'a> {
    /// Every Site.
    pub sites: &'a BTreeMap<SiteName, CheckedSite<'a>>,
    /// Where their jurisdictions stand.
    pub index: &'a Index,
    /// Every SovereigntyPolicy.
    pub policies: &'a Policies<'a>,
    /// The workload's namespace.
    pub namespace: &'a str,
    /// Its labels.
    pub labels: &'a BTreeMap<String, String>,
    /// The target, where it exists.
    pub target: Option<&'a ScalableFacts>,
}

/// Reads `spec.placement`. `None` where there is no lawful way to read it; problems say why.
pub fn read(
    grounds: &Grounds<'_>,
    spec: &HybridWorkloadSpec,
    problems: &mut Vec<Problem>,
) -> Option<Placed> {
    match (spec.class, &spec.placement) {
        (Class::Sensitive, None) => anywhere_lawful(grounds, problems),
        (Class::MassTraffic, None) => {
            problems.push(Problem::NoPlacement);
            None
        }
        (class, Some(placement)) => {
            let tiers = tiers(grounds, placement, class, problems)?;
            let sites: Vec<_> = tiers.iter().flat_map(|t| t.sites.iter().cloned()).collect();
            if sites.len() > 1
                && let Some(problem) = grounds.target.and_then(not_splittable)
            {
                problems.push(problem);
            }
            let placement = match class {
                Class::MassTraffic => Placement::MassTraffic { tiers },
                // `tiers` has said it where one of them is no lawful ground.
                Class::Sensitive => Placement::Sensitive {
                    sites: sites
                        .iter()
                        .filter_map(|name| sovereign(grounds, name))
                        .collect(),
                },
            };
            Some(Placed { placement, sites })
        }
    }
}

fn sovereign(grounds: &Grounds<'_>, name: &SiteName) -> Option<SovereignSite> {
    SovereignSite::of(name, grounds.sites.get(name)?.kind)
}

/// Sensitive without placement: every OnPrem site that takes the namespace, by name. A target that
/// cannot be split stays whole, on the first.
fn anywhere_lawful(grounds: &Grounds<'_>, problems: &mut Vec<Problem>) -> Option<Placed> {
    let takes = |s: &CheckedSite<'_>| {
        s.kind == SiteKind::OnPrem && s.world.is_some() && s.takes(grounds.labels)
    };
    let forbidden = |name: &SiteName| {
        let law = jurisdiction(grounds.index, name.as_str());
        grounds.policies.forbids(grounds.labels, law).is_some()
    };
    let mut sites: Vec<_> = grounds
        .sites
        .iter()
        .filter(|(name, s)| takes(s) && !forbidden(name))
        .map(|(name, _)| name.clone())
        .collect();
    if sites.is_empty() {
        problems.push(Problem::NoLawfulSite {
            namespace: grounds.namespace.to_owned(),
        });
        return None;
    }
    if grounds.target.is_some_and(|t| not_splittable(t).is_some()) {
        sites.truncate(1);
    }
    let lawful = sites
        .iter()
        .filter_map(|name| sovereign(grounds, name))
        .collect();
    Some(Placed {
        placement: Placement::Sensitive { sites: lawful },
        sites,
    })
}

fn tiers(
    grounds: &Grounds<'_>,
    placement: &api::Placement,
    class: Class,
    problems: &mut Vec<Problem>,
) -> Option<Vec<Tier>> {
    let count = placement.tiers.len();
    if count == 0 || count > TIERS_MAX {
        problems.push(outside(
            "spec.placement.tiers",
            &format!("a list of {count}"),
            &format!("1 to {TIERS_MAX} tiers"),
        ));
        return None;
    }
    if class == Class::Sensitive && count > 1 {
        problems.push(Problem::SensitiveTiers);
    }
    let before = problems.len();
    let mut seen = BTreeSet::new();
    let mut tiers = Vec::with_capacity(count);
    for (
        t,
        api::Tier {
            sites: names,
            min_replicas,
            max_replicas,
        },
    ) in placement.tiers.iter().enumerate()
    {
        let at = format!("spec.placement.tiers[{t}]");
        if names.is_empty() || names.len() > TIER_SITES_MAX {
            problems.push(outside(
                &format!("{at}.sites"),
                &format!("a list of {}", names.len()),
                &format!("1 to {TIER_SITES_MAX} names of Sites"),
            ));
        }
        let mut sites = Vec::with_capacity(names.len());
        for (s, name) in names.iter().enumerate() {
            let field = format!("{at}.sites[{s}]");
            if !seen.insert(name.as_str()) {
                problems.push(Problem::DuplicateSite {
                    field,
                    site: name.clone(),
                });
                continue;
            }
            let home = t == 0 && s == 0;
            match judge(grounds, name, class, home, field) {
                Some(problem) => problems.push(problem),
                None => sites.push(SiteName::new(name)),
            }
        }
        let min = number(
            &format!("{at}.minReplicas"),
            *min_replicas,
            0,
            0,
            REPLICAS_MAX,
            problems,
        );
        let max = number(
            &format!("{at}.maxReplicas"),
            *max_replicas,
            REPLICAS_MAX,
            0,
            REPLICAS_MAX,
            problems,
        );
        if min > max {
            problems.push(outside(
                &format!("{at}.minReplicas"),
                &min,
                &format!("at most maxReplicas, which is {max}"),
            ));
        }
        tiers.push(Tier {
            sites,
            min: Replicas::from_api(min),
            max: Replicas::from_api(max),
        });
    }
    (problems.len() == before).then_some(tiers)
}

/// Reads `spec.carry`: in order, each object once.
pub fn carry(spec: &HybridWorkloadSpec, problems: &mut Vec<Problem>) -> Vec<CarryRef> {
    let named = spec.carry.as_deref().unwrap_or_default();
    if spec.class == Class::Sensitive && !named.is_empty() {
        problems.push(outside(
            "spec.carry",
            &format!("a list of {}", named.len()),
            "nothing: a Sensitive workload carries nothing to other clusters",
        ));
        return Vec::new();
    }
    if named.len() > CARRY_MAX {
        problems.push(outside(
            "spec.carry",
            &format!("a list of {}", named.len()),
            &format!("at most {CARRY_MAX} objects"),
        ));
    }
    let once: BTreeSet<&CarryRef> = named.iter().collect();
    once.into_iter().take(CARRY_MAX).cloned().collect()
}

/// What stands against one site.
fn judge(
    grounds: &Grounds<'_>,
    name: &str,
    class: Class,
    home: bool,
    field: String,
) -> Option<Problem> {
    let site = name.to_owned();
    let Some(found) = grounds.sites.get(name) else {
        return Some(Problem::UnknownSite { field, site });
    };
    if found.world.is_none() {
        return Some(Problem::SiteUnusable { field, site });
    }
    if class == Class::Sensitive && found.kind != SiteKind::OnPrem {
        return Some(Problem::NotSovereign {
            field,
            site,
            kind: kind_name(found.kind),
        });
    }
    let law = jurisdiction(grounds.index, name);
    if class == Class::Sensitive
        && let Some(policy) = grounds.policies.forbids(grounds.labels, law)
    {
        return Some(Problem::PolicyForbidsSite {
            field,
            site,
            policy: policy.to_owned(),
            jurisdiction: law.to_owned(),
        });
    }
    // The first site is where the target itself runs, and that is here.
    if home && found.subject.connection != Connection::Nodes {
        return Some(Problem::RemoteHome { field, site });
    }
    (!found.takes(grounds.labels)).then(|| Problem::SiteNotAllowed {
        field,
        site,
        namespace: grounds.namespace.to_owned(),
    })
}

/// Hard topology spreads of the target that count tainted nodes of other sites.
pub fn spreads(index: &Index, grounds: &Grounds<'_>, placed: &Placed, problems: &mut Vec<Problem>) {
    let Some(target) = grounds.target else { return };
    let Some(home) = placed.sites.first() else {
        return;
    };
    for spread in &target.template.hard_spreads {
        let counts = |n: &crate::gather::facts::NodeFacts| {
            let selected = !spread.honours_selector
                || super::capacity::carries(n, &target.template.node_selector);
            selected && n.labels.contains_key(&spread.key)
        };
        let others = grounds
            .sites
            .iter()
            .filter(|(name, s)| *name != home && s.kind != SiteKind::OnPrem);
        let node = others
            .flat_map(|(_, s)| &s.nodes)
            .find(|n| index.nodes.contains_key(&n.name) && counts(n));
        if let Some(node) = node {
            problems.push(Problem::TopologyCountsTaintedNodes {
                key: spread.key.clone(),
                node: node.name.to_string(),
            });
        }
    }
}
