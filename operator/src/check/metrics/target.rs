//! What a metric is held to: the spec's five types as checked values. As in an HPA an average stands
//! above another target; as there, `target.type` counts for Object metrics alone.

use crate::check::limits::outside;
use crate::check::problem::Problem;
use crate::gather::quantity::signed_millis;
use kube::core::Selector;
use pinisi_crds::autoscaling::metric::{
    ContainerResourceSource, ExternalSource, MetricIdentifier, MetricSpec, MetricTarget, ObjectRef,
    ObjectSource, PodsSource, ResourceSource, TargetType,
};
use pinisi_crds::number::Number;
use pinisi_planner::hpa::{ResourceName, ResourceTarget, ValueTarget};
use std::sync::Arc;

/// A metric without its reading.
#[derive(Clone, Debug, PartialEq)]
pub enum Held {
    /// Resource and ContainerResource.
    Resource {
        /// The resource.
        name: ResourceName,
        /// The container, for ContainerResource.
        container: Option<Arc<str>>,
        /// Held to.
        target: ResourceTarget,
    },
    /// Pods.
    Pods {
        /// The metric.
        name: Arc<str>,
        /// Average to hold, in thousandths.
        average: i64,
    },
    /// Object.
    Object {
        /// The metric.
        name: Arc<str>,
        /// Kind of the object.
        kind: Arc<str>,
        /// Held to.
        target: ValueTarget,
    },
    /// External.
    External {
        /// The metric.
        name: Arc<str>,
        /// Held to.
        target: ValueTarget,
    },
}

impl Held {
    /// True for metrics that can be read while no pod runs.
    #[must_use]
    pub const fn works_at_zero(&self) -> bool {
        match self {
            Self::Object { .. } | Self::External { .. } => true,
            Self::Resource { .. } | Self::Pods { .. } => false,
        }
    }

    /// True for metrics that are worked out from the pods: their values, or how many are Ready.
    #[must_use]
    pub const fn counts_pods(&self) -> bool {
        match self {
            Self::Resource { .. } | Self::Pods { .. } => true,
            Self::Object { target, .. } | Self::External { target, .. } => match target {
                ValueTarget::Value(_) => true,
                ValueTarget::AverageValue(_) => false,
            },
        }
    }
}

/// What a metric is held to; `None` where a problem says why.
pub fn held(metric: &MetricSpec, field: &str, problems: &mut Vec<Problem>) -> Option<Held> {
    let MetricSpec {
        type_,
        resource,
        container_resource,
        pods,
        object,
        external,
    } = metric;
    let sources = [
        ("Resource", "resource", resource.is_some()),
        (
            "ContainerResource",
            "containerResource",
            container_resource.is_some(),
        ),
        ("Pods", "pods", pods.is_some()),
        ("Object", "object", object.is_some()),
        ("External", "external", external.is_some()),
    ];
    for (of_type, name, given) in sources {
        if given != (of_type == type_.word()) {
            let (value, allowed) = if given {
                (
                    "given",
                    format!("nothing: type {} goes without it", type_.word()),
                )
            } else {
                (
                    "missing",
                    format!("the source of a metric of type {of_type}"),
                )
            };
            problems.push(outside(&format!("{field}.{name}"), &value, &allowed));
            return None;
        }
    }
    let before = problems.len();
    let mut read = Read {
        problems: &mut *problems,
    };
    let held = if let Some(ResourceSource { name, target }) = resource {
        let field = format!("{field}.resource");
        read.resource(name, None, target, &field)
    } else if let Some(source) = container_resource {
        let ContainerResourceSource {
            name,
            container,
            target,
        } = source;
        let field = format!("{field}.containerResource");
        read.name(container, &format!("{field}.container"));
        read.resource(name, Some(container), target, &field)
    } else if let Some(PodsSource { metric, target }) = pods {
        let field = format!("{field}.pods");
        read.identifier(metric, &field);
        let average = read.quantity(target.average_value.as_ref(), &field, "averageValue");
        average.map(|average| Held::Pods {
            name: metric.name.as_str().into(),
            average,
        })
    } else if let Some(source) = object {
        let ObjectSource {
            described_object,
            metric,
            target,
        } = source;
        let field = format!("{field}.object");
        let ObjectRef {
            api_version: _,
            kind,
            name,
        } = described_object;
        read.name(kind, &format!("{field}.describedObject.kind"));
        read.name(name, &format!("{field}.describedObject.name"));
        read.identifier(metric, &field);
        let target = match target.type_ {
            TargetType::Value => read.value(target, &field),
            TargetType::AverageValue => read.average(target, &field),
            TargetType::Utilization => {
                let allowed = "Value or AverageValue";
                let field = format!("{field}.target.type");
                read.problems.push(outside(&field, &"Utilization", allowed));
                None
            }
        };
        target.map(|target| Held::Object {
            name: metric.name.as_str().into(),
            kind: kind.as_str().into(),
            target,
        })
    } else if let Some(ExternalSource { metric, target }) = external {
        let field = format!("{field}.external");
        read.identifier(metric, &field);
        let target = match (&target.value, &target.average_value) {
            (Some(_), Some(_)) => {
                let allowed = "value or averageValue, and not both";
                let field = format!("{field}.target");
                read.problems.push(outside(&field, &"both", allowed));
                None
            }
            (Some(_), None) => read.value(target, &field),
            (None, _) => read.average(target, &field),
        };
        target.map(|target| Held::External {
            name: metric.name.as_str().into(),
            target,
        })
    } else {
        None
    };
    held.filter(|_| problems.len() == before)
}

struct Read<'a> {
    problems: &'a mut Vec<Problem>,
}

impl Read<'_> {
    fn resource(
        &mut self,
        name: &str,
        container: Option<&str>,
        target: &MetricTarget,
        field: &str,
    ) -> Option<Held> {
        self.name(name, &format!("{field}.name"));
        let target = match (&target.average_value, target.average_utilization) {
            (Some(_), Some(_)) => {
                let allowed = "averageUtilization or averageValue, and not both";
                let field = format!("{field}.target");
                self.problems.push(outside(&field, &"both", allowed));
                return None;
            }
            (Some(average), None) => {
                let average = self.quantity(Some(average), field, "averageValue")?;
                ResourceTarget::AverageValue(average)
            }
            (None, Some(percent)) if percent >= 1 => ResourceTarget::Utilization(percent),
            (None, percent) => {
                let value = percent.map_or("missing".to_owned(), |p| p.to_string());
                self.problems.push(outside(
                    &format!("{field}.target.averageUtilization"),
                    &value,
                    "1 or more, in percent of the request; or set averageValue instead",
                ));
                return None;
            }
        };
        Some(Held::Resource {
            name: ResourceName::new(name),
            container: container.map(Into::into),
            target,
        })
    }

    fn value(&mut self, target: &MetricTarget, field: &str) -> Option<ValueTarget> {
        self.quantity(target.value.as_ref(), field, "value")
            .map(ValueTarget::Value)
    }

    fn average(&mut self, target: &MetricTarget, field: &str) -> Option<ValueTarget> {
        self.quantity(target.average_value.as_ref(), field, "averageValue")
            .map(ValueTarget::AverageValue)
    }

    /// Thousandths above 0.
    fn quantity(&mut self, number: Option<&Number>, field: &str, name: &str) -> Option<i64> {
        let read = number.map(|n| signed_millis(&n.0));
        if let Some(Ok(milli)) = read
            && milli > 0
        {
            return Some(milli);
        }
        let value = number.map_or("missing".to_owned(), |n| format!("{:?}", n.0));
        self.problems.push(outside(
            &format!("{field}.target.{name}"),
            &value,
            "a quantity above 0, for example 100 or 500m",
        ));
        None
    }

    /// A name that becomes a part of a path.
    fn name(&mut self, name: &str, field: &str) {
        if name.is_empty() || name == "." || name == ".." || name.contains(['/', '%']) {
            let allowed = "a name: not empty, not '.' or '..', and without '/' and '%'";
            self.problems
                .push(outside(field, &format!("{name:?}"), allowed));
        }
    }

    fn identifier(&mut self, metric: &MetricIdentifier, field: &str) {
        let MetricIdentifier { name, selector } = metric;
        self.name(name, &format!("{field}.metric.name"));
        if let Some(selector) = selector
            && let Err(error) = Selector::try_from(selector.clone())
        {
            self.problems.push(Problem::BadSelector {
                field: format!("{field}.metric.selector"),
                error: error.to_string(),
            });
        }
    }
}
