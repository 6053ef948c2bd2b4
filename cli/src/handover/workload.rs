//! A HybridWorkload as `adopt` and `release` ask it. Its spec is kept as JSON: a newer cluster may
//! know fields that this program does not.

use super::fields::{list, name, number, said, text};
use super::record::Record;
use super::target::Target;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use pinisi_crds::HybridWorkloadStatus;
use pinisi_crds::hybrid_workload::{Class, Mode, TargetRef};
use pinisi_crds::names::FINALIZER;
use serde_json::Value;

/// `behavior.scaleDown.stabilizationWindowSeconds` where none is said.
const WINDOW_DEFAULT: i32 = 300;

/// A HybridWorkload.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// The whole object.
    pub object: Value,
    /// Its status, as far as it can be read.
    pub status: HybridWorkloadStatus,
    /// What its adoption remembers, or why that cannot be read.
    pub record: Result<Option<Record>, String>,
}

impl Workload {
    /// Reads it.
    pub fn of(object: Value) -> Self {
        let status = object.get("status").cloned().unwrap_or_default();
        Self {
            status: serde_json::from_value(status).unwrap_or_default(),
            record: Record::of(&object),
            object,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        name(&self.object)
    }

    /// `HybridWorkload web`.
    pub fn words(&self) -> String {
        format!("HybridWorkload {}", self.name())
    }

    /// Its uid.
    pub fn uid(&self) -> &str {
        text(&self.object, "/metadata/uid")
    }

    /// Its resourceVersion.
    pub fn version(&self) -> &str {
        text(&self.object, "/metadata/resourceVersion")
    }

    /// Its generation.
    pub fn generation(&self) -> i64 {
        let found = self.object.pointer("/metadata/generation");
        found.and_then(Value::as_i64).unwrap_or_default()
    }

    /// True while it is being deleted.
    pub fn deleting(&self) -> bool {
        said(&self.object, "/metadata/deletionTimestamp").is_some()
    }

    /// True while it waits for siblings.
    pub fn has_finalizer(&self) -> bool {
        list(&self.object, "/metadata/finalizers")
            .iter()
            .any(|finalizer| finalizer == FINALIZER)
    }

    /// What it scales.
    pub fn target(&self) -> Option<Target> {
        let reference = self.object.pointer("/spec/targetRef")?;
        let reference: TargetRef = serde_json::from_value(reference.clone()).ok()?;
        Target::of(&reference)
    }

    /// How much the operator may do.
    pub fn mode(&self) -> Mode {
        let mode = self.object.pointer("/spec/mode").cloned();
        mode.and_then(|mode| serde_json::from_value(mode).ok())
            .unwrap_or_default()
    }

    /// Its class.
    pub fn class(&self) -> Option<Class> {
        serde_json::from_value(self.object.pointer("/spec/class")?.clone()).ok()
    }

    /// What its total follows.
    pub fn autoscaling(&self) -> Option<&Value> {
        said(&self.object, "/spec/autoscaling")
    }

    /// `spec.autoscaling.minReplicas` as it stands.
    pub fn min_said(&self) -> Option<i32> {
        number(&self.object, "/spec/autoscaling/minReplicas")
    }

    /// Fewest replicas.
    pub fn min(&self) -> i32 {
        self.min_said().unwrap_or(1)
    }

    /// Most replicas.
    pub fn max(&self) -> Option<i32> {
        number(&self.object, "/spec/autoscaling/maxReplicas")
    }

    /// `spec.replicas`.
    pub fn fixed(&self) -> Option<i32> {
        number(&self.object, "/spec/replicas")
    }

    /// True where the operator sets the count once it is Active; false where the count stays the
    /// target's own (Sensitive without autoscaling and without replicas).
    pub fn sets_count(&self) -> bool {
        self.autoscaling().is_some()
            || self.fixed().is_some()
            || self.class() == Some(Class::MassTraffic)
    }

    /// Seconds for which a lower need is not followed.
    pub fn window_seconds(&self) -> i32 {
        let at = "/spec/autoscaling/behavior/scaleDown/stabilizationWindowSeconds";
        number(&self.object, at).unwrap_or(WINDOW_DEFAULT)
    }

    /// Every Site of its placement, in order.
    pub fn sites(&self) -> Vec<&str> {
        let tiers = list(&self.object, "/spec/placement/tiers").iter();
        tiers
            .flat_map(|tier| list(tier, "/sites"))
            .filter_map(Value::as_str)
            .collect()
    }

    /// The site where the target itself runs: the first that it names, or the first in status.
    pub fn home(&self) -> Option<&str> {
        let shares = self.status.sites.first();
        self.sites()
            .first()
            .copied()
            .or_else(|| shares.map(|share| share.name.as_str()))
    }

    /// A condition that speaks of the spec as it is now.
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        let generation = Some(self.generation());
        self.status.conditions.iter().find(|condition| {
            condition.type_ == kind && condition.observed_generation == generation
        })
    }

    /// True where the operator has read the spec as it is now.
    pub fn observed(&self) -> bool {
        self.status.observed_generation == Some(self.generation())
    }

    /// What stalls it.
    pub fn stalled(&self) -> Option<&Condition> {
        self.condition("Stalled")
            .filter(|condition| condition.status == "True")
    }

    /// Who else sets the count, as the operator says.
    pub fn contested(&self) -> Option<&Condition> {
        self.condition("Contested")
            .filter(|condition| condition.status == "True")
    }

    /// Record, where there is one that can be read.
    pub fn record(&self) -> Option<&Record> {
        self.record.as_ref().ok().and_then(Option::as_ref)
    }
}
