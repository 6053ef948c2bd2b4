//! What one plan costs. Prints a line of JSON: times of single plans in a world where every signal
//! has changed since the last, and the bytes and allocations behind them. `cargo lab bench plan`
//! runs it for several sizes, under callgrind too, and makes the table.

mod chance;
mod count;
mod world;

use count::Counting;
use jiff::Timestamp;
use pinisi_planner::model::World;
use pinisi_planner::{Memory, Plan, plan_from};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use world::Stage;

#[global_allocator]
static ALLOCATOR: Counting = Counting::new();

const USAGE: &str =
    "plan WORKLOADS PLANS WARM_UP PLACES: measures PLANS plans after WARM_UP others";

/// What to measure.
struct Options {
    workloads: usize,
    plans: usize,
    warm_up: usize,
    places: usize,
}

impl Options {
    /// From the command line. `cargo bench` adds a flag of its own.
    fn of(words: impl Iterator<Item = String>) -> Option<Self> {
        let words = words.filter(|word| word != "--bench");
        let numbers: Option<Vec<usize>> = words.map(|word| word.parse().ok()).collect();
        match *numbers?.as_slice() {
            [workloads, plans, warm_up, places] => Some(Self {
                workloads,
                plans,
                warm_up,
                places,
            }),
            _ => None,
        }
    }
}

/// The one thing that is measured; callgrind finds it by this name.
#[inline(never)]
fn measured_plan(world: &World, memory: Memory, now: Timestamp) -> Plan {
    plan_from(world, memory, now)
}

fn main() -> ExitCode {
    let Some(options) = Options::of(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::FAILURE;
    };
    let Options {
        workloads,
        plans,
        warm_up,
        places,
    } = options;
    let mut stage = Stage::new(workloads, places);
    let mut memory = Memory::default();
    for _ in 0..warm_up {
        let made = plan_from(&stage.world, memory, stage.now);
        stage.go_on(&made);
        memory = made.memory;
    }
    let (mut times, mut allocations, mut steps) = (Vec::new(), 0, 0);
    for _ in 0..plans {
        let calls = ALLOCATOR.calls();
        let (made, time) = timed(&stage, memory);
        allocations = ALLOCATOR.calls() - calls;
        times.push(time);
        steps = made.workloads.values().map(|d| d.steps.len()).sum();
        stage.go_on(&made);
        memory = made.memory;
    }
    let held = ALLOCATOR.bytes();
    let nodes: usize = stage.world.sites.values().map(|s| s.nodes.len()).sum();
    drop(memory);
    let held = held - ALLOCATOR.bytes();
    times.sort_unstable();
    let middle = times.get(times.len() / 2).copied().unwrap_or_default();
    println!(
        "{}",
        serde_json::json!({
            "workloads": workloads,
            "sites": stage.world.sites.len(),
            "nodes": nodes,
            "places": places,
            "plans": times.len(),
            "fastest_ms": milliseconds(times.first().copied().unwrap_or_default()),
            "median_ms": milliseconds(middle),
            "slowest_ms": milliseconds(times.last().copied().unwrap_or_default()),
            "memory_bytes": held,
            "allocations": allocations,
            "steps": steps,
        })
    );
    ExitCode::SUCCESS
}

// A benchmark has a clock; what it measures has none.
#[allow(clippy::disallowed_methods)]
fn timed(stage: &Stage, memory: Memory) -> (Plan, Duration) {
    let start = Instant::now();
    let made = measured_plan(&stage.world, memory, stage.now);
    (made, start.elapsed())
}

/// To a thousandth.
fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
