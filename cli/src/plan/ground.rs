//! What the cluster holds, read once into the operator's own index. Other clusters are not asked.

use crate::connect::{NOT_FOUND, cause};
use anyhow::{Result, anyhow};
use kube::api::ListParams;
use kube::{Api, Client, Resource};
use pinisi_crds::names::LEDGER;
use pinisi_operator::gather::index::Index;
use pinisi_operator::gather::wire::{HpaWire, NamespaceWire, NodeWire, PodWire};
use pinisi_operator::gather::wire_custom::{
    BudgetWire, PolicyWire, SiteWire, SourceWire, SovereignWire, WorkloadWire,
};
use pinisi_operator::gather::wire_ledger::LedgerWire;
use pinisi_operator::gather::wire_scalable::{DeploymentWire, StatefulSetWire};
use serde::de::DeserializeOwned;
use std::fmt::Debug;

/// Objects asked for at once.
const PAGE: u32 = 500;

/// Everything that the operator watches here.
///
/// # Errors
/// Something cannot be listed, with the way out.
pub async fn read(client: &Client, operator_namespace: &str) -> Result<Index> {
    let mut index = Index::default();
    macro_rules! read {
        ($($wire:ty, $plural:literal => $apply:ident;)+) => { $(
            each::<$wire>(client, $plural, |wire| {
                index.$apply(wire.into());
            }).await?;
        )+ };
    }
    read! {
        SiteWire, "sites" => apply_site;
        WorkloadWire, "hybridworkloads" => apply_workload;
        SourceWire, "signalsources" => apply_source;
        BudgetWire, "cloudbudgets" => apply_budget;
        PolicyWire, "sovereigntypolicies" => apply_policy;
        SovereignWire, "sovereignnodes" => apply_sovereign;
        NodeWire, "nodes" => apply_node;
        DeploymentWire, "deployments" => apply_deployment;
        StatefulSetWire, "statefulsets" => apply_stateful_set;
        HpaWire, "horizontalpodautoscalers" => apply_hpa;
        PodWire, "pods" => apply_pod;
    }
    each::<NamespaceWire>(client, "namespaces", |wire| {
        let name = wire.metadata.name.clone().unwrap_or_default();
        index.apply_namespace(name, wire.into());
    })
    .await?;
    // What was spent. Without it the whole ceiling would be there again.
    let ledger = Api::<LedgerWire>::namespaced(client.clone(), operator_namespace);
    if let Some(ledger) = ledger.get_opt(LEDGER).await.map_err(|error| {
        anyhow!(
            "cannot read ConfigMap {LEDGER} in {operator_namespace}: {}; --operator-namespace names another",
            cause(&error)
        )
    })? {
        index.apply_ledger(ledger.into());
    }
    Ok(index)
}

async fn each<K>(client: &Client, plural: &str, mut take: impl FnMut(K)) -> Result<()>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    let api = Api::<K>::all(client.clone());
    let mut params = ListParams::default().limit(PAGE);
    loop {
        let page = match api.list(&params).await {
            Ok(page) => page,
            Err(kube::Error::Api(status)) if status.code == NOT_FOUND => {
                return Err(anyhow!(
                    "the server has no {plural}: Pinisi is not installed there; helm install pinisi charts/pinisi, or plan with --offline"
                ));
            }
            Err(error) => {
                return Err(anyhow!(
                    "cannot list {plural} of all namespaces: {}; a plan looks at all of them, or at none with --offline",
                    cause(&error)
                ));
            }
        };
        page.items.into_iter().for_each(&mut take);
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(()),
        }
    }
}
