//! What a write in another cluster is to do, as values: derived in `derive`, carried out by `send`.

use crate::refusals::Circumstances;
use pinisi_crds::hybrid_workload::CarryRef;
use serde_json::Value;

/// Make or refresh a Deployment, with what it carries.
#[derive(Clone, Debug, PartialEq)]
pub struct ApplyThere {
    /// Name of the Deployment, the target's own.
    pub name: String,
    /// The whole object.
    pub body: Value,
    /// True where it is not there yet: a foreign one of that name is then not taken over.
    pub create: bool,
    /// True where others wrote into its spec: that is taken back.
    pub mend: bool,
    /// uid of the HybridWorkload where its finalizer has to be set before.
    pub finalizer_for: Option<String>,
    /// True where the Site lets the operator make the namespace.
    pub may_make_namespace: bool,
    /// What travels with it.
    pub carry: Vec<CarryRef>,
    /// Copies there that nobody carries any more.
    pub drop: Vec<CarryRef>,
    /// What its preflight is about.
    pub about: Circumstances,
}

/// Delete a Deployment, with what was carried for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteThere {
    /// Name of the Deployment.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// Copies that nobody else carries.
    pub copies: Vec<CarryRef>,
}

/// Let copies follow their sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopiesThere {
    /// What travels.
    pub carry: Vec<CarryRef>,
    /// What a preflight would be about now.
    pub about: Circumstances,
}
