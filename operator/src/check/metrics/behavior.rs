//! `spec.autoscaling.behavior` with the defaults filled in that the API server fills in for an HPA.

use crate::check::limits::{number, outside};
use crate::check::problem::Problem;
use crate::gather::quantity::nanos;
use pinisi_crds::autoscaling::behavior::{self as api, PolicyType, SelectPolicy};
use pinisi_planner::hpa::{Behavior, Policy, PolicyKind, Rules, Select, Tolerance};

/// Most policies of one direction.
const POLICIES_MAX: usize = 16;
/// Longest window, in seconds.
const WINDOW_MAX: i32 = 3600;
/// Longest period of a policy, in seconds.
const PERIOD_MAX: i32 = 1800;

/// Both directions. What is out of range is a problem, and as if absent.
pub fn read(behavior: &api::Behavior, problems: &mut Vec<Problem>) -> Behavior {
    let api::Behavior {
        scale_up,
        scale_down,
    } = behavior;
    let field = "spec.autoscaling.behavior";
    let mut direction = |rules: &Option<api::ScalingRules>, default: Rules, name: &str| {
        let field = format!("{field}.{name}");
        match rules {
            None => default,
            Some(rules) => read_rules(rules, default, &field, problems),
        }
    };
    Behavior {
        up: direction(scale_up, Rules::up(), "scaleUp"),
        down: direction(scale_down, Rules::down(), "scaleDown"),
    }
}

fn read_rules(
    rules: &api::ScalingRules,
    default: Rules,
    field: &str,
    problems: &mut Vec<Problem>,
) -> Rules {
    let api::ScalingRules {
        stabilization_window_seconds: window,
        select_policy,
        policies,
        tolerance,
    } = rules;
    let window_field = format!("{field}.stabilizationWindowSeconds");
    let window_seconds = match window {
        Some(n) => Some(number(&window_field, Some(*n), 0, 0, WINDOW_MAX, problems)),
        None => default.window_seconds,
    };
    let select = match select_policy {
        None => default.select,
        Some(SelectPolicy::Max) => Select::Max,
        Some(SelectPolicy::Min) => Select::Min,
        Some(SelectPolicy::Disabled) => Select::Disabled,
    };
    let policies = match policies {
        None => default.policies,
        Some(list) => {
            if list.is_empty() || list.len() > POLICIES_MAX {
                problems.push(outside(
                    &format!("{field}.policies"),
                    &format!("a list of {}", list.len()),
                    &format!("1 to {POLICIES_MAX} policies, or remove it for the default"),
                ));
            }
            let named = list.iter().take(POLICIES_MAX).enumerate();
            named
                .map(|(i, policy)| read_policy(policy, &format!("{field}.policies[{i}]"), problems))
                .collect()
        }
    };
    let tolerance = match tolerance.as_ref().map(|t| nanos(&t.0)) {
        None => default.tolerance,
        Some(Ok(nanos)) => Some(Tolerance::from_nanos(nanos)),
        Some(Err(error)) => {
            let value = tolerance.as_ref().map(ToString::to_string);
            problems.push(outside(
                &format!("{field}.tolerance"),
                &format!("{:?} ({error})", value.unwrap_or_default()),
                "a quantity of 0 or more, for example 0.05 for 5 percent",
            ));
            default.tolerance
        }
    };
    Rules {
        window_seconds,
        select,
        policies,
        tolerance,
    }
}

fn read_policy(policy: &api::ScalingPolicy, field: &str, problems: &mut Vec<Problem>) -> Policy {
    let api::ScalingPolicy {
        type_,
        value,
        period_seconds,
    } = policy;
    let mut count = |name: &str, n: i32, max: i32| {
        let field = format!("{field}.{name}");
        number(&field, Some(n), 1, 1, max, problems)
    };
    Policy {
        kind: match type_ {
            PolicyType::Pods => PolicyKind::Pods,
            PolicyType::Percent => PolicyKind::Percent,
        },
        value: count("value", *value, i32::MAX),
        period_seconds: count("periodSeconds", *period_seconds, PERIOD_MAX),
    }
}
