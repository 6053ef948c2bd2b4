//! Our own kinds as they come over the wire. Specs are read one by one, so that one object that
//! predates today's rules is a problem on itself and not the end of the watch.

use super::facts::{
    BudgetFacts, Custom, DeclassificationFacts, PolicyFacts, SiteFacts, SourceFacts,
    SovereignFacts, Unreadable, ViolationFacts, WorkloadFacts,
};
use super::meta::lean;
use super::wire::key_of;
use kube::{Resource, api::ObjectMeta};
use pinisi_crds::{
    CloudBudget, Declassification, HybridWorkload, SignalSource, Site, SovereignNodes,
    SovereigntyPolicy, SovereigntyViolation,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

/// A Site.
#[derive(Resource, Deserialize, Clone, Debug)]
#[resource(inherit = Site)]
pub struct SiteWire {
    /// Metadata.
    #[serde(deserialize_with = "lean")]
    pub metadata: ObjectMeta,
    #[serde(default)]
    spec: Value,
    #[serde(default)]
    status: Value,
}

/// A HybridWorkload.
#[derive(Resource, Deserialize, Clone, Debug)]
#[resource(inherit = HybridWorkload)]
pub struct WorkloadWire {
    /// Metadata.
    #[serde(deserialize_with = "lean")]
    pub metadata: ObjectMeta,
    #[serde(default)]
    spec: Value,
    #[serde(default)]
    status: Value,
}

/// A SignalSource.
#[derive(Resource, Deserialize, Clone, Debug)]
#[resource(inherit = SignalSource)]
pub struct SourceWire {
    /// Metadata.
    #[serde(deserialize_with = "lean")]
    pub metadata: ObjectMeta,
    #[serde(default)]
    spec: Value,
    #[serde(default)]
    status: Value,
}

/// A CloudBudget.
#[derive(Resource, Deserialize, Clone, Debug)]
#[resource(inherit = CloudBudget)]
pub struct BudgetWire {
    /// Metadata.
    #[serde(deserialize_with = "lean")]
    pub metadata: ObjectMeta,
    #[serde(default)]
    spec: Value,
    #[serde(default)]
    status: Value,
}

/// A SovereigntyPolicy.
#[derive(Resource, Deserialize, Clone, Debug)]
#[resource(inherit = SovereigntyPolicy)]
pub struct PolicyWire {
    /// Metadata.
    #[serde(deserialize_with = "lean")]
    pub metadata: ObjectMeta,
    #[serde(default)]
    spec: Value,
    #[serde(default)]
    status: Value,
}

/// A Declassification.
#[derive(Resource, Deserialize, Clone, Debug)]
#[resource(inherit = Declassification)]
pub struct DeclassificationWire {
    /// Metadata.
    #[serde(deserialize_with = "lean")]
    pub metadata: ObjectMeta,
    #[serde(default)]
    spec: Value,
    #[serde(default)]
    status: Value,
}

/// The guard's inventory.
#[derive(Resource, Deserialize, Clone, Debug)]
#[resource(inherit = SovereignNodes)]
pub struct SovereignWire {
    /// Metadata.
    #[serde(deserialize_with = "lean")]
    pub metadata: ObjectMeta,
    #[serde(default)]
    spec: Value,
}

/// Evidence of something that is where it may not be.
#[derive(Resource, Deserialize, Clone, Debug)]
#[resource(inherit = SovereigntyViolation)]
pub struct ViolationWire {
    /// Metadata.
    #[serde(deserialize_with = "lean")]
    pub metadata: ObjectMeta,
    #[serde(default)]
    spec: Value,
    #[serde(default)]
    status: Value,
}

impl From<SiteWire> for SiteFacts {
    fn from(w: SiteWire) -> Self {
        custom(w.metadata, w.spec, w.status)
    }
}

impl From<WorkloadWire> for WorkloadFacts {
    fn from(w: WorkloadWire) -> Self {
        custom(w.metadata, w.spec, w.status)
    }
}

impl From<SourceWire> for SourceFacts {
    fn from(w: SourceWire) -> Self {
        custom(w.metadata, w.spec, w.status)
    }
}

impl From<BudgetWire> for BudgetFacts {
    fn from(w: BudgetWire) -> Self {
        custom(w.metadata, w.spec, w.status)
    }
}

impl From<PolicyWire> for PolicyFacts {
    fn from(w: PolicyWire) -> Self {
        custom(w.metadata, w.spec, w.status)
    }
}

impl From<DeclassificationWire> for DeclassificationFacts {
    fn from(w: DeclassificationWire) -> Self {
        custom(w.metadata, w.spec, w.status)
    }
}

impl From<SovereignWire> for SovereignFacts {
    fn from(w: SovereignWire) -> Self {
        custom(w.metadata, w.spec, Value::Null)
    }
}

impl From<ViolationWire> for ViolationFacts {
    fn from(w: ViolationWire) -> Self {
        custom(w.metadata, w.spec, w.status)
    }
}

fn custom<S: DeserializeOwned, T: DeserializeOwned + Default>(
    meta: ObjectMeta,
    spec: Value,
    status: Value,
) -> Custom<S, T> {
    Custom {
        key: key_of(&meta),
        uid: meta.uid.unwrap_or_default(),
        generation: meta.generation.unwrap_or(0),
        created: meta.creation_timestamp.map(|t| t.0),
        deleting: meta.deletion_timestamp.is_some(),
        finalizers: meta.finalizers.unwrap_or_default(),
        spec: S::deserialize(&spec).map_err(|e| Unreadable {
            error: e.to_string(),
            raw: spec,
        }),
        status: serde_json::from_value(status).unwrap_or_default(),
    }
}
