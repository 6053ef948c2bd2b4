//! Whoever scales a target besides Pinisi: an HPA, or a ScaledObject with the HPA that KEDA makes
//! of it. Kept as JSON, so that it can be given back exactly as it was.

use super::fields::{annotation, list, name, number, text};
use super::record::{Taken, manifest};
use super::target::Target;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::ObjectMeta;
use serde_json::Value;

/// KEDA's annotation that stops a ScaledObject where it is and takes its HPA away.
pub const PAUSED: &str = "autoscaling.keda.sh/paused";
/// KEDA's annotation that holds a ScaledObject at a count.
pub const PAUSED_REPLICAS: &str = "autoscaling.keda.sh/paused-replicas";
/// Kind of KEDA's objects.
pub const SCALED_OBJECT: &str = "ScaledObject";

/// Whoever scales a target besides Pinisi.
#[derive(Clone, Debug, PartialEq)]
pub enum Autoscaler {
    /// An HPA that people made.
    Hpa(Value),
    /// A ScaledObject.
    ScaledObject {
        /// It.
        object: Value,
        /// The HPA that KEDA made of it; `None` while it is paused or not ready.
        hpa: Option<Value>,
    },
}

impl Autoscaler {
    /// The object that people wrote.
    pub fn object(&self) -> &Value {
        match self {
            Self::Hpa(object) | Self::ScaledObject { object, .. } => object,
        }
    }

    /// The HPA that acts.
    pub fn hpa(&self) -> Option<&Value> {
        match self {
            Self::Hpa(object) => Some(object),
            Self::ScaledObject { hpa, .. } => hpa.as_ref(),
        }
    }

    /// Kind and name, as the operator says them.
    pub fn words(&self) -> String {
        format!("{} {}", text(self.object(), "/kind"), name(self.object()))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        name(self.object())
    }

    /// The object as it can be made again.
    pub fn manifest(&self) -> Value {
        manifest(self.object())
    }

    /// Its metadata.
    pub fn meta(&self) -> ObjectMeta {
        serde_json::from_value(self.object()["metadata"].clone()).unwrap_or_default()
    }

    /// True while it may write the count: an HPA is there, or KEDA would make one.
    pub fn holds(&self) -> bool {
        match self {
            Self::Hpa(_) => true,
            Self::ScaledObject { object, hpa } => hpa.is_some() || !is_paused(object),
        }
    }

    /// How it is taken off the count: KEDA's objects are paused unless their deletion is asked for.
    pub const fn way(&self, delete_scaled_object: bool) -> Taken {
        match self {
            Self::Hpa(_) => Taken::Deleted,
            Self::ScaledObject { .. } if delete_scaled_object => Taken::Deleted,
            Self::ScaledObject { .. } => Taken::Paused,
        }
    }

    /// Fewest and most replicas of the HPA that acts, or that KEDA would make.
    pub fn bounds(&self) -> (i32, Option<i32>) {
        match self {
            Self::Hpa(object) => (
                number(object, "/spec/minReplicas").unwrap_or(1),
                number(object, "/spec/maxReplicas"),
            ),
            Self::ScaledObject { object, hpa: _ } => (
                number(object, "/spec/minReplicaCount").unwrap_or(0).max(1),
                Some(number(object, "/spec/maxReplicaCount").unwrap_or(KEDA_MAX_DEFAULT)),
            ),
        }
    }

    /// Another controller that made this object and would make it again.
    pub fn made_by(&self) -> Option<String> {
        let owners = list(self.object(), "/metadata/ownerReferences");
        let owner = owners
            .iter()
            .find_map(|owner| serde_json::from_value::<OwnerReference>(owner.clone()).ok())?;
        Some(format!("{} {}", owner.kind, owner.name))
    }
}

/// `maxReplicaCount` where a ScaledObject says none, as KEDA has it.
pub const KEDA_MAX_DEFAULT: i32 = 100;

/// True where KEDA leaves the count alone. As KEDA reads it: a value that is no boolean means true.
pub fn is_paused(scaled_object: &Value) -> bool {
    let said_no = |value: &str| matches!(value, "false" | "False" | "FALSE" | "f" | "F" | "0");
    annotation(scaled_object, PAUSED).is_some_and(|value| !said_no(value))
        || annotation(scaled_object, PAUSED_REPLICAS).is_some()
}

/// Puts HPAs and ScaledObjects of one namespace together that mean this target.
pub fn of_target(target: &Target, hpas: Vec<Value>, scaled_objects: Vec<Value>) -> Vec<Autoscaler> {
    let mut found = Vec::new();
    let mut hpas: Vec<Value> = hpas
        .into_iter()
        .filter(|hpa| hpa_means(target, hpa))
        .collect();
    for object in scaled_objects {
        if !scaled_object_means(target, &object) {
            continue;
        }
        let own = hpas
            .iter()
            .position(|hpa| owner_is(hpa, name(&object)))
            .map(|at| hpas.remove(at));
        found.push(Autoscaler::ScaledObject { object, hpa: own });
    }
    found.extend(hpas.into_iter().map(Autoscaler::Hpa));
    found.sort_by_key(Autoscaler::words);
    found
}

/// Name of the ScaledObject that an HPA was made of.
pub fn scaled_object_of(hpa: &Value) -> Option<&str> {
    list(hpa, "/metadata/ownerReferences")
        .iter()
        .find(|owner| text(owner, "/kind") == SCALED_OBJECT)
        .map(|owner| text(owner, "/name"))
}

fn owner_is(hpa: &Value, scaled_object: &str) -> bool {
    scaled_object_of(hpa) == Some(scaled_object)
}

fn hpa_means(target: &Target, hpa: &Value) -> bool {
    let at = "/spec/scaleTargetRef";
    target.is(
        text(hpa, &format!("{at}/apiVersion")),
        text(hpa, &format!("{at}/kind")),
        text(hpa, &format!("{at}/name")),
    )
}

/// KEDA lets the kind and its group be left out.
fn scaled_object_means(target: &Target, object: &Value) -> bool {
    let at = |field: &str| text(object, &format!("/spec/scaleTargetRef/{field}"));
    let or = |found: &'_ str, other: &'static str| match found {
        "" => other.to_owned(),
        found => found.to_owned(),
    };
    target.is(
        &or(at("apiVersion"), Target::API_VERSION),
        &or(at("kind"), "Deployment"),
        at("name"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn scaled_object(annotations: &Value) -> Value {
        json!({"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": {"name": "so", "annotations": annotations},
               "spec": {"scaleTargetRef": {"name": "web"}, "triggers": []}})
    }

    fn hpa(name: &str, target: &str, owner: Option<&str>) -> Value {
        let owners: Vec<_> = owner
            .map(|name| json!({"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": name, "uid": "u"}))
            .into_iter()
            .collect();
        json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": name, "ownerReferences": owners},
               "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target}, "maxReplicas": 9}})
    }

    #[test]
    fn kedas_hpa_belongs_to_its_scaled_object() {
        let target: Target = "deploy/web".parse().unwrap();
        let found = of_target(
            &target,
            vec![
                hpa("keda-hpa-so", "web", Some("so")),
                hpa("other", "api", None),
            ],
            vec![scaled_object(&json!({}))],
        );
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].words(), "ScaledObject so");
        assert!(found[0].hpa().is_some() && found[0].holds());
        assert_eq!(found[0].bounds(), (1, Some(KEDA_MAX_DEFAULT)));
        let two = of_target(
            &target,
            vec![hpa("a", "web", None), hpa("b", "web", None)],
            vec![],
        );
        assert_eq!(two.len(), 2);
    }

    #[test]
    fn paused_is_read_as_keda_reads_it() {
        for (value, paused) in [
            (json!({PAUSED: "true"}), true),
            (json!({PAUSED: ""}), true),
            (json!({PAUSED: "false"}), false),
            (json!({PAUSED_REPLICAS: "4"}), true),
            (json!({}), false),
        ] {
            let so = Autoscaler::ScaledObject {
                object: scaled_object(&value),
                hpa: None,
            };
            assert_eq!(so.holds(), !paused, "{value}");
        }
        // Paused, but KEDA has not taken its HPA away yet.
        let so = Autoscaler::ScaledObject {
            object: scaled_object(&json!({PAUSED: "true"})),
            hpa: Some(hpa("keda-hpa-so", "web", Some("so"))),
        };
        assert!(so.holds());
    }
}
