//! `SovereignNodes`: the inventory that the admission guard looks up. Written by the operator
//! alone; the guard refuses every other writer.

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
    doc = "The nodes on which Sensitive pods may run: the parameter of the admission guard. The operator writes the one object named default; without it every bind in a Sensitive namespace is refused.",
    validation = Rule::new("self.metadata.name == 'default'").message("there is one SovereignNodes, named default, and the operator writes it: change a Site instead"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct SovereignNodesSpec {
    /// Node name to the identity under which the node was seen.
    #[schemars(extend("maxProperties" = 10000))]
    pub nodes: BTreeMap<String, NodeIdentity>,
    /// Labels that all sovereign nodes share and no other node carries: what pods are stamped with.
    #[schemars(extend("maxProperties" = 8))]
    pub node_selector: BTreeMap<String, String>,
}

/// Who a node is, beyond its name.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
pub struct NodeIdentity {
    /// The Node object's uid.
    pub uid: String,
    /// The provider's id of the machine, where it has one.
    #[serde(
        rename = "providerID",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub provider_id: Option<String>,
    /// The machine id that the node reported, where it has one.
    #[serde(rename = "machineID", default, skip_serializing_if = "Option::is_none")]
    pub machine_id: Option<String>,
}
