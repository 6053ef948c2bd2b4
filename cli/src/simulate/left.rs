//! What manifests say and a simulation does not play: each field that is set, with why. Nothing is left
//! out in silence: a field that is new has to be put into one of the two, or this does not compile.

use pinisi_crds::HybridWorkloadSpec;
use pinisi_crds::hybrid_workload::{Autoscaling, Behavior, Load, Mode, ScalingRules};
use pinisi_crds::site::SiteSpec;
use serde::Serialize;

/// A field that is not played.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Left {
    /// The object, as `Kind name` or `Kind namespace/name`.
    pub object: String,
    /// The field.
    pub field: String,
    /// What is played in its place.
    pub why: String,
}

/// Takes down the fields of one object.
pub struct Leaves<'a> {
    object: String,
    left: &'a mut Vec<Left>,
}

impl<'a> Leaves<'a> {
    /// Of that object.
    pub fn of(object: String, left: &'a mut Vec<Left>) -> Self {
        Self { object, left }
    }

    /// A field, where it is set.
    pub fn note(&mut self, set: bool, field: &str, why: &str) {
        if set {
            self.left.push(Left {
                object: self.object.clone(),
                field: field.into(),
                why: why.into(),
            });
        }
    }
}

/// What of a HybridWorkload is not played.
pub fn of_workload(spec: &HybridWorkloadSpec, leaves: &mut Leaves<'_>) {
    let HybridWorkloadSpec {
        // Played.
        class: _,
        target_ref: _,
        replicas: _,
        placement: _,
        drain_back: _,
        // No matter of counts.
        data_categories: _,
        autoscaling,
        mode,
        override_,
        carry,
        depends_on,
    } = spec;
    let idle = mode.is_some_and(|mode| mode != Mode::Active);
    leaves.note(idle, "spec.mode", "it is played as Active");
    leaves.note(
        override_.is_some(),
        "spec.override",
        "an incident of its time is not played",
    );
    leaves.note(
        carry.is_some(),
        "spec.carry",
        "what travels with the pods makes no difference to counts",
    );
    leaves.note(
        depends_on.is_some(),
        "spec.dependsOn",
        "back ends and outside quotas are taken to serve all that is asked of them",
    );
    if let Some(autoscaling) = autoscaling {
        of_autoscaling(autoscaling, leaves);
    }
}

fn of_autoscaling(autoscaling: &Autoscaling, leaves: &mut Leaves<'_>) {
    let Autoscaling {
        // Played.
        min_replicas: _,
        max_replicas: _,
        schedules: _,
        forecast: _,
        load,
        metrics,
        behavior,
    } = autoscaling;
    if let Some(Load {
        // The trace stands in for it.
        signal: _,
        // Played.
        per_replica: _,
        headroom_percent: _,
    }) = load
    {
        leaves.note(
            metrics.is_some(),
            "spec.autoscaling.metrics",
            "only the load is played",
        );
    }
    if let Some(Behavior {
        scale_up,
        scale_down,
    }) = behavior
    {
        let why = "it bounds metrics; a load reads scaleDown.stabilizationWindowSeconds alone";
        leaves.note(scale_up.is_some(), "spec.autoscaling.behavior.scaleUp", why);
        if let Some(ScalingRules {
            // Played.
            stabilization_window_seconds: _,
            select_policy,
            policies,
            tolerance,
        }) = scale_down
        {
            let rest = select_policy.is_some() || policies.is_some() || tolerance.is_some();
            leaves.note(rest, "spec.autoscaling.behavior.scaleDown", why);
        }
    }
}

/// What of a Site is not played.
pub fn of_site(spec: &SiteSpec, leaves: &mut Leaves<'_>) {
    let SiteSpec {
        // Played.
        type_: _,
        watermarks: _,
        // Which country it is, who vouches for it and the way to it make no difference to counts.
        jurisdiction: _,
        nodes: _,
        attested: _,
        kubeconfig_secret_ref: _,
        create_namespaces: _,
        cluster_uid: _,
        unreachable_grace_seconds,
        allowed_namespaces: _,
        capacity,
        price,
    } = spec;
    leaves.note(
        unreachable_grace_seconds.is_some(),
        "spec.unreachableGraceSeconds",
        "a site that is lost is made up for after 300 s",
    );
    leaves.note(
        capacity.is_some(),
        "spec.capacity",
        "home has the cores that --home-cpu says, and the cloud all that it is asked for",
    );
    leaves.note(
        price.is_some(),
        "spec.price",
        "--cloud-price says what a core costs",
    );
}
