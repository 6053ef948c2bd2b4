//! A fleet of 500 workloads and 6,000 pods: a check must be cheap enough for one each second.

use super::build::*;
use serde_json::json;
use std::time::{Duration, Instant};

/// Bound for one check in an unoptimised build on a slow, shared machine.
const BOUND: Duration = Duration::from_millis(250);

#[test]
fn five_hundred_workloads() {
    let mut c = Cluster::new();
    for n in 0..100 {
        c.node(node(&format!("h{n}"), "home"));
    }
    for n in 0..500 {
        let name = format!("w{n}");
        c.deployment(deployment("shop", &name, 10));
        c.deployment(sibling("shop", &name, "cloud", 2));
        let mut hw = web();
        set(&mut hw, "metadata.name", json!(name));
        set(&mut hw, "spec.targetRef.name", json!(name));
        c.workload(hw);
        for p in 0..12 {
            let (site, node) = if p < 10 {
                (None, format!("h{}", n % 100))
            } else {
                (Some("cloud"), "c1".to_owned())
            };
            c.pod(pod(
                "shop",
                &format!("{name}-{p}"),
                &name,
                site,
                Some(&node),
            ));
        }
    }
    let warm = c.check();
    assert_eq!(warm.world.workloads.len(), 500);
    assert!(
        warm.world
            .workloads
            .values()
            .all(|w| w.legs.values().map(|l| l.ready.get()).sum::<u32>() == 12)
    );
    let best = (0..5)
        .map(|_| {
            let begun = Instant::now();
            std::hint::black_box(c.check());
            begun.elapsed()
        })
        .min()
        .unwrap();
    println!("check of 500 workloads and 6,000 pods: {best:?}");
    assert!(best < BOUND, "{best:?}");
}
