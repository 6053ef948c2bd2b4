//! What a pod requests, as the scheduler counts it: containers and sidecars together, or the
//! largest init step, plus overhead; amounts set on the pod itself stand above its containers'.

use super::quantity;
use pinisi_planner::hpa::{self, PodRequests, ResourceName};
use pinisi_planner::model::amounts::Resources;
use serde::{Deserialize, Deserializer, de};
use std::{collections::BTreeMap, fmt};

/// The parts of a pod's spec that decide its requests.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodShape {
    /// Containers.
    pub containers: Option<Vec<ContainerShape>>,
    /// Init containers, sidecars among them.
    pub init_containers: Option<Vec<ContainerShape>>,
    /// Amounts set on the pod itself.
    pub resources: Option<Wanted>,
    /// What its runtime needs beside.
    pub overhead: Option<Amounts>,
}

/// One container, as far as its requests go.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerShape {
    name: Option<Box<str>>,
    restart_policy: Option<Box<str>>,
    resources: Option<Wanted>,
}

/// Requests and limits.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    requests: Option<Amounts>,
    limits: Option<Amounts>,
}

/// CPU, memory and pods as they stand in `requests`, `limits` or `allocatable`. What is not an
/// amount is read as absent: the API server accepts nothing of that kind.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Amounts {
    #[serde(deserialize_with = "read_millis")]
    cpu: Option<u64>,
    #[serde(deserialize_with = "read_units")]
    memory: Option<u64>,
    #[serde(deserialize_with = "read_units")]
    pods: Option<u64>,
}

impl Amounts {
    /// CPU and memory, 0 where absent.
    #[must_use]
    pub fn resources(self) -> Resources {
        Resources {
            millicores: self.cpu.unwrap_or(0),
            bytes: self.memory.unwrap_or(0),
        }
    }

    /// What is said, in thousandths of each resource's unit.
    fn in_thousandths(self) -> BTreeMap<ResourceName, i64> {
        let milli = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let cpu = self.cpu.map(|n| (ResourceName::new("cpu"), milli(n)));
        let memory = self.memory.map(|n| {
            let thousandths = milli(n).saturating_mul(1000);
            (ResourceName::new("memory"), thousandths)
        });
        cpu.into_iter().chain(memory).collect()
    }

    /// Number of pods, where it is said.
    #[must_use]
    pub fn pods(self) -> Option<u64> {
        self.pods
    }
}

impl Wanted {
    /// Requests; a limit without a request is the request (the API server fills it in for pods, not for templates).
    fn amounts(self) -> Amounts {
        let (requests, limits) = (
            self.requests.unwrap_or_default(),
            self.limits.unwrap_or_default(),
        );
        Amounts {
            cpu: requests.cpu.or(limits.cpu),
            memory: requests.memory.or(limits.memory),
            pods: None,
        }
    }

    /// Limits alone.
    fn limits(self) -> Amounts {
        self.limits.unwrap_or_default()
    }
}

impl PodShape {
    /// What the scheduler sets aside for the pod.
    #[must_use]
    pub fn requests(&self) -> Resources {
        self.sum(Wanted::amounts)
    }

    /// What its containers are held to, as a quota counts it.
    #[must_use]
    pub fn limits(&self) -> Resources {
        self.sum(Wanted::limits)
    }

    /// What its containers request, as an HPA looks at it: each container that runs on and on by
    /// itself, or the pod as a whole where requests are set on it.
    #[must_use]
    pub fn by_container(&self) -> PodRequests {
        let sidecars = self.init_containers.iter().flatten();
        let sidecars = sidecars.filter(|c| c.restart_policy.as_deref() == Some("Always"));
        let containers = self.containers.iter().flatten().chain(sidecars);
        let requests = |c: &ContainerShape| c.resources.unwrap_or_default().requests;
        let own = self.resources.and_then(|r| r.requests);
        PodRequests {
            pod: own
                .filter(|own| own.cpu.is_some() || own.memory.is_some())
                .map(|own| {
                    let all = self
                        .containers
                        .iter()
                        .chain(&self.init_containers)
                        .flatten();
                    let said = all.filter_map(requests).chain([own]).chain(self.overhead);
                    let (cpu, memory) = said.fold((false, false), |(cpu, memory), a| {
                        (cpu || a.cpu.is_some(), memory || a.memory.is_some())
                    });
                    let Resources { millicores, bytes } = self.requests();
                    let whole = Amounts {
                        cpu: cpu.then_some(millicores),
                        memory: memory.then_some(bytes),
                        pods: None,
                    };
                    whole.in_thousandths()
                }),
            containers: containers
                .map(|c| hpa::Container {
                    name: c.name.as_deref().unwrap_or_default().into(),
                    requests: requests(c).unwrap_or_default().in_thousandths(),
                })
                .collect(),
        }
    }

    fn sum(&self, amounts: fn(Wanted) -> Amounts) -> Resources {
        let Self {
            containers,
            init_containers,
            resources,
            overhead,
        } = self;
        let of = |c: &ContainerShape| amounts(c.resources.unwrap_or_default()).resources();
        let mut running = containers
            .iter()
            .flatten()
            .map(of)
            .fold(Resources::ZERO, Resources::plus);
        let mut sidecars = Resources::ZERO;
        let mut starting = Resources::ZERO;
        for init in init_containers.iter().flatten() {
            let one = of(init);
            let step = if init.restart_policy.as_deref() == Some("Always") {
                running = running.plus(one);
                sidecars = sidecars.plus(one);
                sidecars
            } else {
                one.plus(sidecars)
            };
            starting = larger(starting, step);
        }
        let mut total = larger(running, starting);
        let whole = amounts(resources.unwrap_or_default());
        total.millicores = whole.cpu.unwrap_or(total.millicores);
        total.bytes = whole.memory.unwrap_or(total.bytes);
        total.plus(overhead.unwrap_or_default().resources())
    }
}

fn larger(a: Resources, b: Resources) -> Resources {
    Resources {
        millicores: a.millicores.max(b.millicores),
        bytes: a.bytes.max(b.bytes),
    }
}

fn read_millis<'de, D: Deserializer<'de>>(d: D) -> Result<Option<u64>, D::Error> {
    d.deserialize_any(AmountText(quantity::millis))
}

fn read_units<'de, D: Deserializer<'de>>(d: D) -> Result<Option<u64>, D::Error> {
    d.deserialize_any(AmountText(quantity::units))
}

/// Reads a quantity from text or number without keeping the text.
struct AmountText(fn(&str) -> Result<u64, quantity::QuantityError>);

impl<'de> de::Visitor<'de> for AmountText {
    type Value = Option<u64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a quantity")
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok((self.0)(text).ok())
    }
    fn visit_u64<E: de::Error>(self, n: u64) -> Result<Self::Value, E> {
        Ok((self.0)(&n.to_string()).ok())
    }
    fn visit_i64<E: de::Error>(self, n: i64) -> Result<Self::Value, E> {
        Ok((self.0)(&n.to_string()).ok())
    }
    fn visit_f64<E: de::Error>(self, n: f64) -> Result<Self::Value, E> {
        Ok((self.0)(&n.to_string()).ok())
    }
    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

#[cfg(test)]
#[allow(clippy::needless_pass_by_value)]
mod tests {
    use super::*;
    use serde_json::json;

    fn requests(spec: serde_json::Value) -> (u64, u64) {
        let r = serde_json::from_value::<PodShape>(spec).unwrap().requests();
        (r.millicores, r.bytes)
    }

    fn c(cpu: &str, memory: &str) -> serde_json::Value {
        json!({"name": "c", "resources": {"requests": {"cpu": cpu, "memory": memory}}})
    }

    #[test]
    fn containers_add_up_and_init_steps_do_not() {
        assert_eq!(
            requests(json!({"containers": [c("100m", "1Ki"), c("1", "1Ki")]})),
            (1100, 2048)
        );
        assert_eq!(
            requests(
                json!({"containers": [c("100m", "1Ki")], "initContainers": [c("2", "1"), c("1", "4Ki")]})
            ),
            (2000, 4096)
        );
    }

    #[test]
    fn sidecars_run_beside_everything_after_them() {
        let mut sidecar = c("300m", "1Ki");
        sidecar["restartPolicy"] = json!("Always");
        assert_eq!(
            requests(
                json!({"containers": [c("100m", "1Ki")], "initContainers": [sidecar, c("200m", "1Ki")]})
            ),
            (500, 2048)
        );
        let mut late = c("300m", "0");
        late["restartPolicy"] = json!("Always");
        assert_eq!(
            requests(
                json!({"containers": [c("100m", "0")], "initContainers": [c("350m", "0"), late]})
            ),
            (400, 0)
        );
    }

    #[test]
    fn the_pods_own_amounts_and_overhead() {
        let spec = json!({"containers": [c("100m", "1Ki")], "resources": {"requests": {"cpu": "2"}}, "overhead": {"cpu": "10m", "memory": "1Ki"}});
        assert_eq!(requests(spec), (2010, 2048));
    }

    fn by_container(spec: serde_json::Value) -> PodRequests {
        serde_json::from_value::<PodShape>(spec)
            .unwrap()
            .by_container()
    }

    fn amounts(cpu: i64, bytes: i64) -> BTreeMap<ResourceName, i64> {
        [
            (ResourceName::new("cpu"), cpu),
            (ResourceName::new("memory"), bytes * 1000),
        ]
        .into()
    }

    #[test]
    fn an_hpa_looks_at_containers_and_sidecars_but_not_at_init_steps() {
        let mut sidecar = c("300m", "1Ki");
        sidecar["restartPolicy"] = json!("Always");
        sidecar["name"] = json!("side");
        let found = by_container(
            json!({"containers": [c("100m", "1Ki"), {"name": "bare", "resources": {"limits": {"cpu": "2"}}}], "initContainers": [c("2", "1"), sidecar]}),
        );
        assert_eq!(found.pod, None);
        let names: Vec<_> = found.containers.iter().map(|c| &*c.name).collect();
        assert_eq!(names, ["c", "bare", "side"]);
        assert_eq!(found.containers[0].requests, amounts(100, 1024));
        assert!(
            found.containers[1].requests.is_empty(),
            "in a pod a limit is no request: the API server has filled in what is"
        );
    }

    #[test]
    fn requests_of_the_pod_itself_stand_above() {
        let spec = json!({"containers": [c("100m", "1Ki")], "resources": {"requests": {"cpu": "2"}}, "overhead": {"cpu": "10m"}});
        assert_eq!(by_container(spec).pod, Some(amounts(2010, 1024)));
        let bare = json!({"containers": [{"name": "c"}], "resources": {"requests": {"cpu": "2"}}});
        let pod = by_container(bare).pod.unwrap();
        assert_eq!(
            pod.keys().map(ResourceName::as_str).collect::<Vec<_>>(),
            ["cpu"]
        );
        let limits = json!({"containers": [c("1", "1")], "resources": {"limits": {"cpu": "2"}}});
        assert_eq!(by_container(limits).pod, None);
    }

    #[test]
    fn limits_stand_in_and_nonsense_is_nothing() {
        assert_eq!(
            requests(json!({"containers": [{"resources": {"limits": {"cpu": "2"}}}]})),
            (2000, 0)
        );
        assert_eq!(requests(json!({"containers": null})), (0, 0));
        assert_eq!(
            requests(
                json!({"containers": [{"resources": {"requests": {"cpu": "x", "memory": null}}}]})
            ),
            (0, 0)
        );
        assert_eq!(requests(json!({})), (0, 0));
    }
}
