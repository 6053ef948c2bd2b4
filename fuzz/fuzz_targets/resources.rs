//! Objects as the API server might hand them over, checked and planned while time goes on: a small
//! sound world, and lines that change it.
//!
//! | line | does |
//! |---|---|
//! | `NAME POINTER JSON` | puts a value at a JSON pointer of one of the world's objects; `null` takes it away |
//! | `figure TEXT` | the source says this of `shop/web`, now |
//! | `after SECONDS` | the clock goes on, or back; then everything is checked and planned |
#![no_main]

use jiff::{SignedDuration, Timestamp};
use libfuzzer_sys::fuzz_target;
use pinisi_operator::check::check;
use pinisi_operator::gather::index::Index;
use pinisi_operator::gather::samples::{QueryAnswer, Sample};
use pinisi_operator::gather::wire::{HpaWire, NamespaceWire, NodeWire, PodWire};
use pinisi_operator::gather::wire_custom::{BudgetWire, SiteWire, SourceWire, WorkloadWire};
use pinisi_operator::gather::wire_scalable::DeploymentWire;
use pinisi_operator::refusals::Refusals;
use pinisi_planner::model::site::SiteKind;
use pinisi_planner::model::workload::Placement;
use pinisi_planner::{Memory, plan};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Lines that are read.
const LINES: usize = 48;
/// Plans that are made.
const PLANS: usize = 16;
/// Where a pointer leads deeper, nobody looks.
const DEPTH: usize = 12;

static WORLD: LazyLock<BTreeMap<String, Value>> = LazyLock::new(|| {
    let all: Vec<Value> = serde_json::from_str(include_str!("../world.json")).expect("world.json");
    let named = |object: Value| {
        (
            object["metadata"]["name"]
                .as_str()
                .expect("a name")
                .to_owned(),
            object,
        )
    };
    all.into_iter().map(named).collect()
});

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let mut world = World::new();
    for line in text.lines().take(LINES) {
        world.obey(line);
    }
    world.look();
});

struct World {
    objects: BTreeMap<String, Value>,
    index: Index,
    memory: Memory,
    now: Timestamp,
    plans: usize,
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            objects: WORLD.clone(),
            index: Index::default(),
            memory: Memory::default(),
            now: Timestamp::constant(1_795_348_800, 0), // 2026-11-22
            plans: 0,
        };
        for object in WORLD.values() {
            world.apply(object);
        }
        world
    }

    fn obey(&mut self, line: &str) {
        let mut words = line.splitn(3, ' ');
        match (words.next(), words.next(), words.next()) {
            (Some("figure"), Some(text), None) => self.figure(text),
            (Some("after"), Some(seconds), None) => {
                let Ok(seconds) = seconds.parse::<i64>() else {
                    return;
                };
                let ahead = SignedDuration::from_secs(seconds);
                self.now = self.now.saturating_add(ahead).unwrap_or(self.now);
                self.look();
            }
            (Some(name), Some(pointer), Some(json)) => {
                let Ok(value) = serde_json::from_str(json) else {
                    return;
                };
                let Some(object) = self.objects.get_mut(name) else {
                    return;
                };
                put(object, pointer, value);
                let object = object.clone();
                self.apply(&object);
            }
            _ => {}
        }
    }

    fn figure(&mut self, text: &str) {
        let sample = Sample {
            text: text.into(),
            at: Some(self.now),
            ambiguous: false,
        };
        let mut answer = QueryAnswer::default();
        answer.good(
            [("shop".to_owned(), [("web".to_owned(), sample)].into())].into(),
            self.now,
        );
        self.index
            .apply_answers("prom", [("rps".to_owned(), answer)].into());
    }

    /// What the API server would not let pass is not applied.
    fn apply(&mut self, object: &Value) {
        let (v, i) = (object.clone(), &mut self.index);
        match object["kind"].as_str() {
            Some("Site") => {
                drop(serde_json::from_value::<SiteWire>(v).map(|w| i.apply_site(w.into())))
            }
            Some("HybridWorkload") => {
                drop(serde_json::from_value::<WorkloadWire>(v).map(|w| i.apply_workload(w.into())))
            }
            Some("SignalSource") => {
                drop(serde_json::from_value::<SourceWire>(v).map(|w| i.apply_source(w.into())))
            }
            Some("CloudBudget") => {
                drop(serde_json::from_value::<BudgetWire>(v).map(|w| i.apply_budget(w.into())))
            }
            Some("Namespace") => {
                let name = object["metadata"]["name"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                drop(
                    serde_json::from_value::<NamespaceWire>(v)
                        .map(|w| i.apply_namespace(name, w.into())),
                );
            }
            Some("Node") => {
                drop(serde_json::from_value::<NodeWire>(v).map(|w| i.apply_node(w.into())))
            }
            Some("Deployment") => drop(
                serde_json::from_value::<DeploymentWire>(v).map(|w| i.apply_deployment(w.into())),
            ),
            Some("Pod") => {
                drop(serde_json::from_value::<PodWire>(v).map(|w| i.apply_pod(w.into())))
            }
            Some("HorizontalPodAutoscaler") => {
                drop(serde_json::from_value::<HpaWire>(v).map(|w| i.apply_hpa(w.into())))
            }
            _ => {}
        }
    }

    /// Check and plan, as far as there are plans left.
    fn look(&mut self) {
        if self.plans == PLANS {
            return;
        }
        self.plans += 1;
        let checked = check(&self.index, &Refusals::default(), self.now);
        for workload in checked.world.workloads.values() {
            if let Placement::Sensitive { sites } = &workload.placement {
                let home = |s: &_| {
                    checked
                        .world
                        .sites
                        .get(s)
                        .is_some_and(|s| s.kind == SiteKind::OnPrem)
                };
                assert!(sites.iter().all(|s| home(s.name())), "{sites:?}");
            }
        }
        for subject in checked.workloads.values() {
            for problem in &subject.problems {
                assert!(!problem.to_string().is_empty());
            }
        }
        let made = plan(&checked.world, &self.memory, self.now);
        let text = serde_json::to_string(&made).expect("a plan can be written");
        assert!(!text.is_empty());
        self.memory = made.memory;
    }
}

/// Puts a value where a pointer leads, which makes objects on its way; `null` takes it away.
fn put(mut object: &mut Value, pointer: &str, value: Value) {
    let steps: Vec<&str> = pointer.split('/').skip(1).take(DEPTH).collect();
    let Some((last, way)) = steps.split_last() else {
        return;
    };
    let name = |step: &str| step.replace("~1", "/").replace("~0", "~");
    for step in way {
        let next = match object {
            Value::Array(list) => step.parse::<usize>().ok().and_then(|i| list.get_mut(i)),
            Value::Object(map) => Some(
                map.entry(name(step))
                    .or_insert_with(|| Value::Object(serde_json::Map::new())),
            ),
            _ => None,
        };
        let Some(next) = next else { return };
        object = next;
    }
    match object {
        Value::Object(map) if value.is_null() => drop(map.remove(&name(last))),
        Value::Object(map) => drop(map.insert(name(last), value)),
        Value::Array(list) => {
            if let Some(there) = last.parse::<usize>().ok().and_then(|i| list.get_mut(i)) {
                *there = value;
            }
        }
        _ => {}
    }
}
