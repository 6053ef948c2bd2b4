//! What `status` shows, as a value: the JSON is this, the text is drawn from it.

use super::attention::{Attention, attention};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt as _;
use pinisi_crds::hybrid_workload::{Class, Mode};
use pinisi_crds::signal_source::GatewayStatus;
use pinisi_crds::site::SiteType;
use pinisi_crds::{CloudBudget, HybridWorkload, SignalSource, Site};
use serde::Serialize;

/// The JSON's name: fields are only ever added under it.
pub const FORMAT: &str = "pinisi-status/v1";

/// Everything shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    /// [`FORMAT`].
    pub format: &'static str,
    /// By namespace and name.
    pub workloads: Vec<WorkloadRow>,
    /// By name.
    pub sites: Vec<SiteRow>,
    /// By name.
    pub signal_sources: Vec<SourceRow>,
    /// By name.
    pub budgets: Vec<BudgetRow>,
}

/// A HybridWorkload.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadRow {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Sensitive or MassTraffic.
    pub class: Class,
    /// Active, Observe or Paused.
    pub mode: Mode,
    /// Ready and decided replicas, "12/14"; null before the operator has looked.
    pub ready: Option<String>,
    /// Decided in all.
    pub replicas: i32,
    /// Decided for home.
    pub home: i32,
    /// Decided for the cloud.
    pub cloud: i32,
    /// What the replicas at priced Sites cost an hour, "12.5 IDR"; null where nothing does.
    pub cost_per_hour: Option<String>,
    /// The reason behind the numbers.
    pub why: Option<String>,
    /// Each site's share.
    pub sites: Vec<ShareRow>,
    /// Conditions that are not as they should be.
    pub attention: Vec<Attention>,
}

/// One site's share of a workload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShareRow {
    /// The Site.
    pub name: String,
    /// Decided there.
    pub desired: i32,
    /// Ready there.
    pub ready: i32,
}

/// A Site.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SiteRow {
    /// Name.
    pub name: String,
    /// OnPrem, Cloud or Edge.
    #[serde(rename = "type")]
    pub type_: SiteType,
    /// ISO 3166-1 alpha-2.
    pub jurisdiction: String,
    /// Null for nodes of this cluster.
    pub cluster: Option<ClusterRow>,
    /// Ready nodes, as last seen.
    pub nodes: i32,
    /// CPU that they hold.
    pub cpu: Option<String>,
    /// Memory that they hold.
    pub memory: Option<String>,
    /// True, False or Unknown.
    pub ready: String,
    /// One word.
    pub reason: String,
}

/// The other cluster that a Site is; its fields are null before it was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClusterRow {
    /// uid of its `kube-system`.
    pub uid: Option<String>,
    /// What its API server calls itself.
    pub version: Option<String>,
}

/// A CloudBudget.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BudgetRow {
    /// Name.
    pub name: String,
    /// ISO 4217.
    pub currency: String,
    /// The most to spend in the period, as a decimal.
    pub ceiling: String,
    /// Spent in it; null before the operator has looked. So are the next three.
    pub spent: Option<String>,
    /// What runs costs an hour.
    pub per_hour: Option<String>,
    /// End of the period, as RFC 3339.
    pub until: Option<String>,
    /// When the ceiling would be reached at this rate; null where that is after the period.
    pub exhausted_at: Option<String>,
    /// True, False or Unknown.
    pub ready: String,
    /// One word.
    pub reason: String,
    /// Conditions that are not as they should be.
    pub attention: Vec<Attention>,
}

/// A SignalSource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SourceRow {
    /// Name.
    pub name: String,
    /// Where it is asked; null where it scrapes gateways.
    pub address: Option<String>,
    /// The gateways that it scrapes.
    pub gateways: Vec<GatewayRow>,
    /// True, False or Unknown.
    pub ready: String,
    /// One word.
    pub reason: String,
    /// Its queries' last answers.
    pub queries: Vec<QueryRow>,
}

/// How a gateway fares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewayRow {
    /// Address of its page.
    pub address: String,
    /// Series on its last good page that queries take; null before the operator has looked.
    pub series: Option<i32>,
    /// Age of its newest figure in seconds, rounded up as in status.
    pub age_seconds: Option<i32>,
    /// Since when it has been failing, as RFC 3339.
    pub failing_since: Option<String>,
    /// Why its last page was not usable.
    pub error: Option<String>,
}

/// The last answer to a query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QueryRow {
    /// Name.
    pub name: String,
    /// Usable series in it.
    pub series: i32,
    /// Why it was not usable.
    pub error: Option<String>,
}

/// The objects behind an overview.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// Workloads of the namespaces asked for.
    pub workloads: &'a [HybridWorkload],
    /// All Sites.
    pub sites: &'a [Site],
    /// All SignalSources.
    pub sources: &'a [SignalSource],
    /// All CloudBudgets.
    pub budgets: &'a [CloudBudget],
}

impl Overview {
    /// Sorts and picks; `name` leaves only the workload of that name.
    pub fn of(source: Source<'_>, name: Option<&str>) -> Self {
        let Source {
            workloads,
            sites,
            sources,
            budgets,
        } = source;
        let asked_for =
            |workload: &&HybridWorkload| name.is_none_or(|name| workload.name_any() == name);
        let mut workloads: Vec<_> = workloads
            .iter()
            .filter(asked_for)
            .map(workload_row)
            .collect();
        workloads.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
        let mut sites: Vec<_> = sites.iter().map(site_row).collect();
        sites.sort_by(|a, b| a.name.cmp(&b.name));
        let mut signal_sources: Vec<_> = sources.iter().map(source_row).collect();
        signal_sources.sort_by(|a, b| a.name.cmp(&b.name));
        let mut budgets: Vec<_> = budgets.iter().map(budget_row).collect();
        budgets.sort_by(|a, b| a.name.cmp(&b.name));
        Self {
            format: FORMAT,
            workloads,
            sites,
            signal_sources,
            budgets,
        }
    }
}

fn workload_row(workload: &HybridWorkload) -> WorkloadRow {
    let status = workload.status.clone().unwrap_or_default();
    WorkloadRow {
        namespace: workload.namespace().unwrap_or_default(),
        name: workload.name_any(),
        class: workload.spec.class,
        mode: workload.spec.mode.unwrap_or_default(),
        ready: status.ready,
        replicas: status.replicas,
        home: status.home,
        cloud: status.cloud,
        cost_per_hour: status.cost_per_hour,
        why: status.why,
        sites: status
            .sites
            .into_iter()
            .map(|share| ShareRow {
                name: share.name,
                desired: share.desired,
                ready: share.ready,
            })
            .collect(),
        attention: attention(&status.conditions),
    }
}

fn site_row(site: &Site) -> SiteRow {
    let status = site.status.clone().unwrap_or_default();
    let (ready, reason) = ready(&status.conditions);
    let (cpu, memory) = status
        .allocatable
        .map(|held| (held.cpu, held.memory))
        .unzip();
    let remote = site.spec.kubeconfig_secret_ref.is_some();
    let (uid, version) = status
        .cluster
        .map(|cluster| (cluster.uid, cluster.version))
        .unzip();
    SiteRow {
        cluster: remote.then_some(ClusterRow { uid, version }),
        name: site.name_any(),
        type_: site.spec.type_,
        jurisdiction: site.spec.jurisdiction.clone(),
        nodes: status.nodes,
        cpu,
        memory,
        ready,
        reason,
    }
}

fn budget_row(budget: &CloudBudget) -> BudgetRow {
    let status = budget.status.clone().unwrap_or_default();
    let (ready, reason) = ready(&status.conditions);
    BudgetRow {
        name: budget.name_any(),
        currency: budget.spec.ceiling.currency.clone(),
        ceiling: budget.spec.ceiling.amount.clone(),
        spent: status.spent,
        per_hour: status.per_hour,
        until: status.until.map(|t| t.0.to_string()),
        exhausted_at: status.exhausted_at.map(|t| t.0.to_string()),
        ready,
        reason,
        attention: attention(&status.conditions),
    }
}

fn source_row(source: &SignalSource) -> SourceRow {
    let status = source.status.clone().unwrap_or_default();
    let (ready, reason) = ready(&status.conditions);
    let listed = source.spec.gateways.iter().flatten();
    SourceRow {
        name: source.name_any(),
        address: source
            .spec
            .prometheus
            .as_ref()
            .map(|prometheus| prometheus.address.clone()),
        gateways: listed
            .map(|gateway| gateway_row(&gateway.address, &status.gateways))
            .collect(),
        ready,
        reason,
        queries: status
            .queries
            .into_iter()
            .map(|query| QueryRow {
                name: query.name,
                series: query.series,
                error: query.error,
            })
            .collect(),
    }
}

/// A gateway of the spec, with what status says of it.
fn gateway_row(address: &str, said: &[GatewayStatus]) -> GatewayRow {
    let found = said.iter().find(|gateway| gateway.address == address);
    GatewayRow {
        address: address.to_owned(),
        series: found.map(|gateway| gateway.series),
        age_seconds: found.and_then(|gateway| gateway.age_seconds),
        failing_since: found
            .and_then(|gateway| Some(gateway.failing_since.as_ref()?.0.to_string())),
        error: found.and_then(|gateway| gateway.error.clone()),
    }
}

/// Status and reason of the Ready condition; Unknown before the operator has looked.
fn ready(conditions: &[Condition]) -> (String, String) {
    match conditions
        .iter()
        .find(|condition| condition.type_ == "Ready")
    {
        Some(condition) => (condition.status.clone(), condition.reason.clone()),
        None => ("Unknown".into(), "NotSeenYet".into()),
    }
}
