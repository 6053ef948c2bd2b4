//! What `explain` tells, as a value: the JSON is this, the text is drawn from it.

use crate::status::{Attention, attention};
use anyhow::{Result, bail};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt as _;
use pinisi_crds::HybridWorkload;
use pinisi_crds::decision::{DecisionStatus, ReasonStatus, SiteRoom};
use pinisi_crds::hybrid_workload::{Class, HybridWorkloadStatus, Mode, SiteShare};
use pinisi_planner::explain::Account;
use pinisi_planner::model::amounts::Replicas;
use pinisi_planner::model::by_site::BySite;
use pinisi_planner::model::site::SiteName;
use pinisi_planner::{Reason, Share};
use serde::Serialize;

/// The JSON's name: fields are only ever added under it.
pub const FORMAT: &str = "pinisi-explain/v1";

/// Everything told.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    /// [`FORMAT`].
    pub format: &'static str,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Sensitive or MassTraffic.
    pub class: Class,
    /// Active, Observe or Paused.
    pub mode: Mode,
    /// When it was said, as RFC 3339.
    pub decided_at: String,
    /// False where the spec has changed since.
    pub up_to_date: bool,
    /// The decision in plain words.
    #[serde(flatten)]
    pub account: Account,
    /// What the replicas at priced Sites cost an hour.
    pub cost_per_hour: Option<String>,
    /// Conditions that are not as they should be.
    pub attention: Vec<Attention>,
    /// Every reason, as data.
    pub reasons: Vec<ReasonStatus>,
}

/// The decision that stands in a workload's status.
///
/// # Errors
/// None does: with what is known instead.
pub fn tell(workload: &HybridWorkload) -> Result<Told> {
    let status = workload.status.clone().unwrap_or_default();
    let Some(decision) = status.decision.clone() else {
        bail!("{}", undecided(workload, &status));
    };
    let (account, reasons) = account(&decision, &status.sites);
    Ok(Told {
        format: FORMAT,
        namespace: workload.namespace().unwrap_or_default(),
        name: workload.name_any(),
        class: workload.spec.class,
        mode: workload.spec.mode.unwrap_or_default(),
        decided_at: decision.at.0.to_string(),
        up_to_date: status.observed_generation == workload.metadata.generation,
        account,
        cost_per_hour: status.cost_per_hour,
        attention: attention(&status.conditions),
        reasons,
    })
}

/// A decision in plain words, with its reasons as they stand.
pub fn account(decision: &DecisionStatus, sites: &[SiteShare]) -> (Account, Vec<ReasonStatus>) {
    let DecisionStatus {
        at: _,
        want,
        room,
        reasons,
    } = decision;
    let mut known = Vec::new();
    let mut unknown = Vec::new();
    for said in reasons {
        match serde_json::from_value::<Reason>(said.data.clone()) {
            Ok(reason) => known.push(reason),
            // Of an operator that knows more than this plugin: its words still serve.
            Err(_) => unknown.push(said.message.clone()),
        }
    }
    let mut account = Account::of(Replicas::from_api(*want), &shares(sites, room), &known);
    account.notes.extend(unknown);
    (account, reasons.clone())
}

fn shares(sites: &[SiteShare], room: &[SiteRoom]) -> BySite<Share> {
    let mut shares = BySite::default();
    let mut put = |name: &str, desired, ready| {
        let seen = room.iter().find(|room| room.name == name);
        let replicas = |of: fn(&SiteRoom) -> Option<i32>| seen.and_then(of).map(Replicas::from_api);
        let share = Share {
            desired: Replicas::from_api(desired),
            ready: Replicas::from_api(ready),
            tier: seen.map_or(0, |room| u32::try_from(room.tier).unwrap_or(0)),
            under_high: replicas(|room| room.under_high),
            fits: replicas(|room| room.fits),
        };
        shares.insert(SiteName::new(name), share);
    };
    room.iter().for_each(|room| put(&room.name, 0, 0));
    for site in sites {
        put(&site.name, site.desired, site.ready);
    }
    shares
}

/// Why nothing can be told, and the way on.
fn undecided(workload: &HybridWorkload, status: &HybridWorkloadStatus) -> String {
    let name = workload.name_any();
    let stalled = |c: &&Condition| c.type_ == "Stalled" && c.status == "True";
    match status.conditions.iter().find(stalled) {
        Some(stalled) => format!(
            "nothing is decided for HybridWorkload {name} until this is mended: {}",
            stalled.message
        ),
        None if status.why.is_some() => format!(
            "the operator keeps no decision of HybridWorkload {name}: it is older than this plugin; kubectl pinisi status shows what it says"
        ),
        None => format!(
            "the operator has not looked at HybridWorkload {name} yet: kubectl pinisi check says whether it runs"
        ),
    }
}
