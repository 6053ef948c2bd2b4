//! Requests of pods, each kept once: pods of one template have the same, and there are many pods.

use pinisi_planner::hpa::PodRequests;
use std::{collections::HashSet, sync::Arc};

/// So many are kept before it is looked for the first time which are still in use.
const SWEEP_FROM: usize = 1024;

/// What pods request, each once.
#[derive(Debug, Default)]
pub struct Shapes {
    kept: HashSet<Arc<PodRequests>>,
    sweep_at: usize,
}

impl Shapes {
    /// The same value, in the one place where it is kept.
    pub fn shared(&mut self, shape: Arc<PodRequests>) -> Arc<PodRequests> {
        if let Some(kept) = self.kept.get(&shape) {
            return kept.clone();
        }
        if self.kept.len() >= self.sweep_at.max(SWEEP_FROM) {
            self.kept.retain(|kept| Arc::strong_count(kept) > 1);
            self.sweep_at = self.kept.len() * 2;
        }
        self.kept.insert(shape.clone());
        shape
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pinisi_planner::hpa::{Container, ResourceName};

    fn shape(cpu: i64) -> Arc<PodRequests> {
        let container = Container {
            name: "main".into(),
            requests: [(ResourceName::new("cpu"), cpu)].into(),
        };
        Arc::new(PodRequests {
            pod: None,
            containers: vec![container],
        })
    }

    #[test]
    fn equal_requests_are_one_value() {
        let mut shapes = Shapes::default();
        let first = shapes.shared(shape(1));
        assert!(Arc::ptr_eq(&first, &shapes.shared(shape(1))));
        assert!(!Arc::ptr_eq(&first, &shapes.shared(shape(2))));
    }

    #[test]
    fn what_nobody_uses_goes() {
        let mut shapes = Shapes::default();
        let used = shapes.shared(shape(0));
        for cpu in 1..10_000 {
            shapes.shared(shape(cpu));
        }
        assert!(shapes.kept.len() <= SWEEP_FROM + 1, "{}", shapes.kept.len());
        assert!(Arc::ptr_eq(&used, &shapes.shared(shape(0))));
    }
}
