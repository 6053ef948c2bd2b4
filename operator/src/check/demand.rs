//! What a workload's total follows, the override, and how replicas come home.

use super::{
    limits::{LOAD_MAX, REPLICAS_MAX, number, outside},
    metrics::{self, Scope},
    placement::Placed,
    problem::Problem,
    signal,
};
use crate::gather::quantity::millis;
use jiff::{SignedDuration, Timestamp};
use pinisi_crds::{
    HybridWorkloadSpec,
    autoscaling::Forecast,
    hybrid_workload::{self as api, Class},
};
use pinisi_planner::hpa;
use pinisi_planner::model::{
    amounts::{MilliLoad, Percent, Replicas},
    site::SiteName,
    workload::{Demand, DrainPolicy, LoadDemand, Override},
};
use std::collections::BTreeMap;

/// Room above a load, in percent, where the spec names none: an HPA at its usual target of 70 % keeps 43.
pub const HEADROOM_DEFAULT: i32 = 30;
/// Most sites that an override names.
const OVERRIDE_SITES_MAX: usize = 32;

/// Between which counts the total may be, and how fast it may move.
pub struct Bounds {
    /// Fewest replicas.
    pub min: Replicas,
    /// Most replicas.
    pub max: Replicas,
    /// `behavior` with its defaults, where the spec has one.
    pub behavior: Option<hpa::Behavior>,
}

/// What the total follows; `running` is the sum of the counts now. The second is true where
/// `spec.replicas` is to be taken from the target.
pub fn read(
    scope: &Scope<'_>,
    spec: &HybridWorkloadSpec,
    running: Replicas,
    now: Timestamp,
    problems: &mut Vec<Problem>,
) -> (Demand, bool) {
    let total = number("spec.replicas", spec.replicas, 0, 0, REPLICAS_MAX, problems);
    match (&spec.autoscaling, spec.replicas, spec.class) {
        (Some(autoscaling), replicas, _) => {
            if let Some(n) = replicas {
                problems.push(outside("spec.replicas", &n, "nothing (remove it): spec.autoscaling sets the count, and the two exclude each other"));
            }
            let demand = scaled(scope, autoscaling, now, problems);
            (demand.unwrap_or(Demand::Untouched), false)
        }
        (None, Some(_), _) => (Demand::Fixed(Replicas::from_api(total)), false),
        (None, None, Class::MassTraffic) => (Demand::Fixed(running), true),
        (None, None, Class::Sensitive) => (Demand::Untouched, false),
    }
}

/// A total that follows load, metrics or both; `None` where a problem says why.
fn scaled(
    scope: &Scope<'_>,
    autoscaling: &api::Autoscaling,
    now: Timestamp,
    problems: &mut Vec<Problem>,
) -> Option<Demand> {
    let api::Autoscaling {
        min_replicas,
        max_replicas,
        load: from,
        metrics: listed,
        behavior,
        // Worked out beside the demand, and not with every plan.
        schedules: _,
        forecast,
    } = autoscaling;
    let before = problems.len();
    let min = number(
        "spec.autoscaling.minReplicas",
        *min_replicas,
        1,
        0,
        REPLICAS_MAX,
        problems,
    );
    let max = number(
        "spec.autoscaling.maxReplicas",
        Some(*max_replicas),
        1,
        1,
        REPLICAS_MAX,
        problems,
    );
    if problems.len() == before && min > max {
        problems.push(outside(
            "spec.autoscaling.minReplicas",
            &min,
            &format!("at most maxReplicas, which is {max}"),
        ));
    }
    if from.is_none() && listed.is_none() {
        problems.push(outside(
            "spec.autoscaling.load",
            &"missing",
            "the signal that the total follows and what one replica serves of it, or set spec.autoscaling.metrics",
        ));
    }
    let bounds = Bounds {
        min: Replicas::from_api(min),
        max: Replicas::from_api(max),
        behavior: behavior.as_ref().map(|b| metrics::behavior(b, problems)),
    };
    let load = from
        .as_ref()
        .and_then(|from| load(scope, from, &bounds, now, problems))
        .map(|load| LoadDemand {
            forecast: *forecast == Some(Forecast::On),
            ..load
        });
    let demand = match listed {
        None => load.map(Demand::Load),
        Some(listed) => metrics::read(scope, listed, bounds, load, now, problems)
            .map(|demand| Demand::Metrics(Box::new(demand))),
    };
    // A warning about a site is no reason to leave the count alone.
    let sound = problems.iter().skip(before).all(|p| !p.blocks());
    demand.filter(|_| sound)
}

/// `None` where a problem says why.
fn load(
    scope: &Scope<'_>,
    load: &api::Load,
    bounds: &Bounds,
    now: Timestamp,
    problems: &mut Vec<Problem>,
) -> Option<LoadDemand> {
    let Bounds { min, max, behavior } = bounds;
    let window = behavior.as_ref().and_then(|b| b.down.window_seconds);
    let api::Load {
        signal,
        per_replica,
        headroom_percent,
    } = load;
    let headroom = number(
        "spec.autoscaling.load.headroomPercent",
        *headroom_percent,
        HEADROOM_DEFAULT,
        0,
        100,
        problems,
    );
    let per_replica = match millis(&per_replica.0) {
        Ok(n) if n > 0 && n < LOAD_MAX => n,
        _ => {
            let allowed = "the load that one replica serves: a quantity above 0 and below 1Ti, for example 100 or 500m";
            problems.push(outside(
                "spec.autoscaling.load.perReplica",
                &format!("{:?}", per_replica.0),
                allowed,
            ));
            return None;
        }
    };
    Some(LoadDemand {
        min: *min,
        max: *max,
        per_replica: MilliLoad(per_replica),
        headroom: Percent::new(headroom),
        scale_down_window: window.map(|n| SignedDuration::from_secs(n.into())),
        signal: signal::latest(scope.index, signal, &scope.workload.key, now),
        start_up: scope.start_up,
        forecast: false,
    })
}

/// The override, where it has not ended. Sites outside the placement are left out and said.
pub fn override_of(
    spec: &HybridWorkloadSpec,
    placed: Option<&Placed>,
    now: Timestamp,
    problems: &mut Vec<Problem>,
) -> Option<Override> {
    let api::Override {
        total,
        sites,
        until,
    } = spec.override_.as_ref()?;
    if until.0 <= now {
        return None;
    }
    if total.is_none() && sites.is_none() {
        problems.push(outside("spec.override", &"empty", "total, sites, or both"));
    }
    let count = number("spec.override.total", *total, 0, 0, REPLICAS_MAX, problems);
    let named = sites.as_deref().unwrap_or_default();
    if named.len() > OVERRIDE_SITES_MAX {
        problems.push(outside(
            "spec.override.sites",
            &format!("a list of {}", named.len()),
            &format!("at most {OVERRIDE_SITES_MAX} sites"),
        ));
    }
    let mut by_site = BTreeMap::new();
    for (i, api::SiteReplicas { name, replicas }) in named.iter().enumerate() {
        let n = number(
            &format!("spec.override.sites[{i}].replicas"),
            Some(*replicas),
            0,
            0,
            REPLICAS_MAX,
            problems,
        );
        let site = SiteName::new(name);
        if placed.is_some_and(|p| !p.sites.contains(&site)) {
            problems.push(Problem::OverrideSite {
                field: format!("spec.override.sites[{i}].name"),
                site: name.clone(),
            });
        } else if by_site.insert(site, Replicas::from_api(n)).is_some() {
            problems.push(outside(
                &format!("spec.override.sites[{i}].name"),
                name,
                "a site that is named once",
            ));
        }
    }
    Some(Override {
        total: total.map(|_| Replicas::from_api(count)),
        sites: by_site,
        until: until.0,
    })
}

/// How replicas come home.
pub fn drain(spec: &HybridWorkloadSpec, problems: &mut Vec<Problem>) -> DrainPolicy {
    let api::DrainBack {
        after_seconds,
        step_percent,
        interval_seconds,
    } = spec.drain_back.clone().unwrap_or_default();
    let mut seconds = |field: &str, value, default, min, max| {
        SignedDuration::from_secs(i64::from(number(field, value, default, min, max, problems)))
    };
    let after = seconds("spec.drainBack.afterSeconds", after_seconds, 600, 0, 86_400);
    let interval = seconds(
        "spec.drainBack.intervalSeconds",
        interval_seconds,
        60,
        1,
        3600,
    );
    DrainPolicy {
        after,
        step: Percent::new(number(
            "spec.drainBack.stepPercent",
            step_percent,
            10,
            1,
            100,
            problems,
        )),
        interval,
    }
}
