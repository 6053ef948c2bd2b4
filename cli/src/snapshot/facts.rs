//! The few facts of nodes and pods that checks need: whole objects of a large cluster would fill
//! the memory of a laptop.

use k8s_openapi::api::core::v1::{Node, Pod};
use kube::ResourceExt as _;
use pinisi_crds::names::SITE_LABEL;
use pinisi_crds::sovereign_nodes::NodeIdentity;
use std::collections::BTreeMap;

/// A node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeFact {
    /// Name.
    pub name: String,
    /// uid, providerID and machineID.
    pub identity: NodeIdentity,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Taints whose key is the site label.
    pub site_taints: Vec<SiteTaint>,
    /// True where its Ready condition is True.
    pub ready: bool,
}

/// A taint with the site label as key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteTaint {
    /// The site that it names.
    pub value: String,
    /// For example NoExecute.
    pub effect: String,
}

impl From<Node> for NodeFact {
    fn from(node: Node) -> Self {
        let taints = node
            .spec
            .as_ref()
            .and_then(|spec| spec.taints.as_deref())
            .unwrap_or_default();
        let site_taints = taints
            .iter()
            .filter(|taint| taint.key == SITE_LABEL)
            .map(|taint| SiteTaint {
                value: taint.value.clone().unwrap_or_default(),
                effect: taint.effect.clone(),
            })
            .collect();
        let conditions = node
            .status
            .as_ref()
            .and_then(|status| status.conditions.as_deref());
        let ready = conditions
            .unwrap_or_default()
            .iter()
            .any(|condition| condition.type_ == "Ready" && condition.status == "True");
        let said = |text: Option<String>| text.filter(|text| !text.is_empty());
        let info = node.status.as_ref().and_then(|s| s.node_info.as_ref());
        let identity = NodeIdentity {
            uid: node.uid().unwrap_or_default(),
            provider_id: said(node.spec.as_ref().and_then(|spec| spec.provider_id.clone())),
            machine_id: said(info.map(|info| info.machine_id.clone())),
        };
        Self {
            name: node.name_any(),
            identity,
            labels: node.metadata.labels.unwrap_or_default(),
            site_taints,
            ready,
        }
    }
}

/// A pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodFact {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Node that it is bound to.
    pub node: Option<String>,
    /// Phase, for example Running.
    pub phase: String,
    /// True where its Ready condition is True.
    pub ready: bool,
}

impl From<Pod> for PodFact {
    fn from(pod: Pod) -> Self {
        let conditions = pod
            .status
            .as_ref()
            .and_then(|status| status.conditions.as_deref());
        let ready = conditions
            .unwrap_or_default()
            .iter()
            .any(|condition| condition.type_ == "Ready" && condition.status == "True");
        Self {
            namespace: pod.namespace().unwrap_or_default(),
            name: pod.name_any(),
            node: pod
                .spec
                .and_then(|spec| spec.node_name)
                .filter(|name| !name.is_empty()),
            phase: pod
                .status
                .and_then(|status| status.phase)
                .unwrap_or_default(),
            ready,
        }
    }
}
