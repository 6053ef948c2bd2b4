//! Services that lead outside, read thinly: what V04 is judged by. One that is reached inside the
//! cluster alone is not kept.

use super::facts::ObjectKey;
use super::meta::lean;
use super::wire::key_of;
use k8s_openapi::api::core::v1::Service;
use kube::{Resource, api::ObjectMeta};
use serde::Deserialize;

/// A Service that is reached from outside, or leads there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceFacts {
    /// uid.
    pub uid: String,
    /// Its type.
    pub kind: ServiceKind,
    /// `spec.externalIPs`.
    pub external_ips: Vec<String>,
}

/// The type of a Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceKind {
    /// Inside the cluster.
    ClusterIp,
    /// On every node.
    NodePort,
    /// Through a load balancer.
    LoadBalancer {
        /// Its class; empty for none.
        class: String,
    },
    /// Elsewhere.
    ExternalName {
        /// The host.
        host: String,
    },
}

/// A Service.
#[derive(Resource, Deserialize, Clone, Debug)]
#[resource(inherit = Service)]
pub struct ServiceWire {
    /// Metadata.
    #[serde(deserialize_with = "lean")]
    pub metadata: ObjectMeta,
    #[serde(default)]
    spec: ServiceSpecWire,
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(rename_all = "camelCase", default)]
struct ServiceSpecWire {
    #[serde(rename = "type")]
    type_: Option<Box<str>>,
    load_balancer_class: Option<String>,
    external_name: Option<String>,
    #[serde(rename = "externalIPs")]
    external_ips: Option<Vec<String>>,
}

impl From<ServiceWire> for (ObjectKey, Option<ServiceFacts>) {
    fn from(w: ServiceWire) -> Self {
        let ServiceWire { metadata, spec } = w;
        let ServiceSpecWire {
            type_,
            load_balancer_class,
            external_name,
            external_ips,
        } = spec;
        let key = key_of(&metadata);
        let kind = match type_.as_deref() {
            Some("NodePort") => ServiceKind::NodePort,
            Some("LoadBalancer") => ServiceKind::LoadBalancer {
                class: load_balancer_class.unwrap_or_default(),
            },
            Some("ExternalName") => ServiceKind::ExternalName {
                host: external_name.unwrap_or_default(),
            },
            // The API server takes no other, and absent it is this one.
            Some(_) | None => ServiceKind::ClusterIp,
        };
        let facts = ServiceFacts {
            uid: metadata.uid.unwrap_or_default(),
            kind,
            external_ips: external_ips.unwrap_or_default(),
        };
        let inside = facts.kind == ServiceKind::ClusterIp && facts.external_ips.is_empty();
        (key, (!inside).then_some(facts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn only_what_leads_outside_is_kept() {
        let kept = |spec: Value| {
            let wire: ServiceWire =
                serde_json::from_value(json!({"metadata": {"name": "s"}, "spec": spec})).unwrap();
            <(ObjectKey, Option<ServiceFacts>)>::from(wire).1
        };
        assert_eq!(kept(json!({})), None);
        assert_eq!(kept(json!({"type": "ClusterIP", "externalIPs": []})), None);
        assert_eq!(
            kept(json!({"clusterIP": "None", "externalIPs": null})),
            None
        );
        let by_address = kept(json!({"externalIPs": ["203.0.113.7"]})).unwrap();
        assert_eq!(by_address.kind, ServiceKind::ClusterIp);
        let kind = |spec| kept(spec).unwrap().kind;
        assert_eq!(kind(json!({"type": "NodePort"})), ServiceKind::NodePort);
        let class = |class: &str| ServiceKind::LoadBalancer {
            class: class.into(),
        };
        assert_eq!(kind(json!({"type": "LoadBalancer"})), class(""));
        assert_eq!(
            kind(json!({"type": "LoadBalancer", "loadBalancerClass": "x/y"})),
            class("x/y")
        );
        let host = "db.example".to_owned();
        assert_eq!(
            kind(json!({"type": "ExternalName", "externalName": host})),
            ServiceKind::ExternalName { host }
        );
    }
}
