//! `SovereignNodes`: what the admission guard looks up. Written by the operator alone; the guard
//! refuses every other writer. `default` speaks for every namespace, one named as a
//! `SovereigntyPolicy` for those that the policy selects.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The nodes on which Sensitive pods may run: the parameter of the admission guard.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[kube(
    group = "pinisi.dev",
    version = "v1alpha1",
    kind = "SovereignNodes",
    plural = "sovereignnodes",
    derive = "PartialEq",
    category = "pinisi",
    doc = "The nodes on which Sensitive pods may run and what may be used beside them: the parameter of the admission guard. The operator writes one named default, and one for each SovereigntyPolicy under its name; without it what the guard would look up is refused.",
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    )
)]
#[serde(rename_all = "camelCase")]
pub struct SovereignNodesSpec {
    /// Node name to the identity under which the node was seen.
    #[schemars(extend("maxProperties" = 10000))]
    pub nodes: BTreeMap<String, NodeIdentity>,
    /// Labels that all sovereign nodes share and no other node carries: what pods are stamped with.
    #[schemars(extend("maxProperties" = 8))]
    pub node_selector: BTreeMap<String, String>,
    /// Nodes of Cloud and Edge Sites, by name, with their Site.
    #[schemars(extend("maxProperties" = 10000))]
    pub away: BTreeMap<String, String>,
    /// What may be used beside nodes. In `default` it is what any policy allows.
    pub terms: Terms,
    /// When the operator last saw that all this is so, by its own clock. Renewed at least once an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewed_at: Option<Time>,
    /// Seconds after that in which pods are still bound by it; afterwards none is until it is renewed.
    /// What runs goes on.
    #[schemars(range(min = 0))]
    pub max_age_seconds: i64,
}

/// What Sensitive namespaces may use, as the guard compares it. Every field is always there: a
/// missing one makes the guard refuse.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq, Default)]
#[serde(rename_all = "camelCase")]
pub struct Terms {
    /// StorageClass to its provisioner.
    #[schemars(extend("maxProperties" = 256))]
    pub storage_classes: BTreeMap<String, String>,
    /// Addresses of NFS servers that volumes of these classes may name.
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(max = 64))]
    pub nfs_servers: Vec<String>,
    /// VolumeSnapshotClass or VolumeGroupSnapshotClass to its driver.
    #[schemars(extend("maxProperties" = 256))]
    pub snapshot_classes: BTreeMap<String, String>,
    /// Backup locations. Empty: any.
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(max = 64))]
    pub backup_locations: Vec<String>,
    /// Image registries, with or without a path. Empty: any.
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(max = 64))]
    pub registries: Vec<String>,
    /// Schedulers beside `default-scheduler`.
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(max = 64))]
    pub schedulers: Vec<String>,
    /// Runtime classes.
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(max = 64))]
    pub runtime_classes: Vec<String>,
    /// Ingress classes.
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(max = 64))]
    pub ingress_classes: Vec<String>,
    /// Gateways, as `namespace/name`.
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(max = 64))]
    pub gateways: Vec<String>,
    /// Classes of Services of type LoadBalancer.
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(max = 64))]
    pub load_balancer_classes: Vec<String>,
    /// Domains of OpenShift Routes.
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(max = 64))]
    pub route_domains: Vec<String>,
    /// Users that act from a cloud.
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(max = 256))]
    pub cloud_users: Vec<String>,
    /// Groups that act from a cloud.
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(max = 256))]
    pub cloud_groups: Vec<String>,
    /// Rule id to the article of law that a refusal by it names. In `default`: those that the
    /// policies of every Sensitive namespace name.
    #[schemars(extend("maxProperties" = 64))]
    pub law: BTreeMap<String, String>,
}

/// Who a node is, beyond its name.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq, Default)]
#[serde(rename_all = "camelCase")]
pub struct NodeIdentity {
    /// The Node object's uid: another one means that the Node was deleted and made again.
    #[schemars(length(min = 1, max = 63))]
    pub uid: String,
    /// The provider's id of the machine, where it has one.
    #[serde(
        rename = "providerID",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(min = 1, max = 1024))]
    pub provider_id: Option<String>,
    /// The machine id that the node reported, where it has one.
    #[serde(rename = "machineID", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub machine_id: Option<String>,
}
