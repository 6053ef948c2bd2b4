//! The autoscaled pool behind a Site: what it can still add. Not here: whether pods wait for it.

use super::{
    limits::{number, outside},
    problem::Problem,
    site::amounts,
};
use jiff::SignedDuration;
use pinisi_crds::site::{ElasticPool, PoolNode, ResourceAmounts};
use pinisi_planner::model::{amounts::Resources, site::Elastic};

/// From a pod that waits to a Ready node, in seconds, where the Site names nothing: longer than most
/// providers take.
const PROVISION_DEFAULT: i32 = 180;
/// Longest such time.
const PROVISION_MAX: i32 = 3600;
/// Pods that fit on a node to come, where the Site names none: a kubelet's 110 less DaemonSets'.
const PODS_DEFAULT: i32 = 100;
/// Most pods on one node.
const PODS_MAX: i32 = 1000;
/// Most nodes of a pool.
const NODES_MAX: i32 = 5000;

/// What the pool can add to `ready` nodes; `None` where a problem says why its words cannot be used.
pub fn read(pool: &ElasticPool, ready: usize, problems: &mut Vec<Problem>) -> Option<Elastic> {
    let ElasticPool {
        max_nodes,
        node,
        provision_seconds,
    } = pool;
    let PoolNode {
        cpu,
        memory,
        pods,
        daemon_sets,
    } = node;
    let before = problems.len();
    let mut whole = |field: &str, value, default, min, max| {
        number(
            &format!("spec.capacity.elastic.{field}"),
            value,
            default,
            min,
            max,
            problems,
        )
    };
    let most = whole("maxNodes", Some(*max_nodes), 1, 1, NODES_MAX);
    let provision = whole(
        "provisionSeconds",
        *provision_seconds,
        PROVISION_DEFAULT,
        1,
        PROVISION_MAX,
    );
    let pod_slots = whole("node.pods", *pods, PODS_DEFAULT, 1, PODS_MAX);
    let size = ResourceAmounts {
        cpu: Some(cpu.clone()),
        memory: Some(memory.clone()),
    };
    let size = amounts(
        &size,
        "spec.capacity.elastic.node",
        Resources::ZERO,
        problems,
    );
    let taken = daemon_sets.as_ref().map_or(Resources::ZERO, |taken| {
        let field = "spec.capacity.elastic.node.daemonSets";
        amounts(taken, field, Resources::ZERO, problems)
    });
    let room = size.minus(taken);
    if problems.len() == before && (room.millicores == 0 || room.bytes == 0) {
        problems.push(outside(
            "spec.capacity.elastic.node",
            &"no room beside its DaemonSets",
            "more cpu and memory than node.daemonSets takes",
        ));
    }
    let most = u32::try_from(most).unwrap_or(0);
    let ready = u32::try_from(ready).unwrap_or(u32::MAX);
    (problems.len() == before).then(|| Elastic {
        nodes: most.saturating_sub(ready),
        room,
        pod_slots: u32::try_from(pod_slots).unwrap_or(0),
        provision: SignedDuration::from_secs(provision.into()),
    })
}
