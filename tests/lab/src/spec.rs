//! What a lab is to be: its Kubernetes, nodes by site, ports, Prometheus, metrics
//! APIs. Pure data.

use anyhow::{Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::programs::Version;

/// The lab that `cargo lab up` starts when no name is given.
pub const DEFAULT_NAME: &str = "lab";
const LONGEST_NAME: usize = 40;
const MOST_NODES: u32 = 2_000;

/// One lab.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabSpec {
    /// Name of the lab and of its state folder.
    pub name: String,
    /// Nodes, a group per site.
    pub nodes: Vec<NodeGroup>,
    /// Prometheus, or none.
    pub prometheus: Option<PrometheusSpec>,
    /// Ports that are not left to chance.
    pub ports: FixedPorts,
    /// Seconds from a pod's deletion to its end (its grace period is honoured
    /// as an upper bound by the API server as usual).
    pub pod_delete_seconds: f64,
    /// Which Kubernetes.
    #[serde(default)]
    pub kubernetes: Version,
    /// Whether metrics.k8s.io, custom.metrics.k8s.io and external.metrics.k8s.io
    /// are served.
    #[serde(default)]
    pub metrics: bool,
    /// Whether the controllers leave HPAs alone, for one started by
    /// `Lab::start_hpa`.
    #[serde(default)]
    pub hpa_apart: bool,
    /// The lab whose further cluster this one is; it ends with that one.
    #[serde(default)]
    pub hub: Option<String>,
    /// Admission policies that the API server reads from its own folder, which nobody can change
    /// through the API (Kubernetes 1.37).
    #[serde(default)]
    pub static_manifests: Vec<serde_json::Value>,
}

/// Nodes of one site, named `SITE-0`, `SITE-1`, …
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeGroup {
    /// The site's name; also the value of the site label.
    pub site: String,
    /// How many at the start; may be 0 (see `Lab::add_nodes`).
    pub count: u32,
    /// CPU of each, as a quantity.
    pub cpu: String,
    /// Memory of each, as a quantity.
    pub memory: String,
    /// Most pods on each.
    pub pods: u32,
    /// Seconds from a pod's binding to its readiness.
    pub ready_seconds: f64,
    /// Whether the nodes carry the taint `pinisi.dev/site=SITE:NoExecute`.
    pub tainted: bool,
    /// Whether they carry the label that all nodes at home share.
    #[serde(default)]
    pub sovereign: bool,
}

/// Prometheus in the lab.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PrometheusSpec {
    /// Milliseconds between two scrapes.
    pub scrape_interval_ms: u32,
    /// What is scraped at first (see `Lab::scrape`).
    pub targets: Vec<ScrapeTarget>,
}

/// Something that Prometheus scrapes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScrapeTarget {
    /// Name of the job.
    pub job: String,
    /// `127.0.0.1:PORT`.
    pub address: String,
}

/// Ports to use; a free one where none is given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FixedPorts {
    /// The API server.
    pub apiserver: Option<u16>,
    /// etcd's clients.
    pub etcd: Option<u16>,
    /// Prometheus.
    pub prometheus: Option<u16>,
}

impl NodeGroup {
    /// A home site's nodes: untainted, pods ready after 2 s.
    #[must_use]
    pub fn home(count: u32, cpu: &str, memory: &str) -> Self {
        Self::new("home", count, cpu, memory, 2.0, false)
    }

    /// A cloud site's nodes: tainted, pods ready after 8 s.
    #[must_use]
    pub fn cloud(count: u32, cpu: &str, memory: &str) -> Self {
        Self::new("cloud", count, cpu, memory, 8.0, true)
    }

    /// The nodes of a cluster that is itself the cloud: no taint keeps pods off
    /// them, and nothing marks them as home. Pods are ready after 8 s.
    #[must_use]
    pub fn remote(site: &str, count: u32, cpu: &str, memory: &str) -> Self {
        Self {
            sovereign: false,
            ..Self::new(site, count, cpu, memory, 8.0, false)
        }
    }

    /// Nodes of any site of the hub: those without a taint are home.
    #[must_use]
    pub fn new(
        site: &str,
        count: u32,
        cpu: &str,
        memory: &str,
        ready_seconds: f64,
        tainted: bool,
    ) -> Self {
        Self {
            site: site.into(),
            count,
            cpu: cpu.into(),
            memory: memory.into(),
            pods: 250,
            ready_seconds,
            tainted,
            sovereign: !tainted,
        }
    }

    /// The same with another time to readiness.
    #[must_use]
    pub fn ready_after(mut self, seconds: f64) -> Self {
        self.ready_seconds = seconds;
        self
    }
}

impl LabSpec {
    /// A lab with these nodes, Prometheus each second, and free ports.
    #[must_use]
    pub fn new(name: &str, nodes: Vec<NodeGroup>) -> Self {
        Self {
            name: name.into(),
            nodes,
            prometheus: Some(PrometheusSpec {
                scrape_interval_ms: 1_000,
                targets: Vec::new(),
            }),
            ports: FixedPorts::default(),
            pod_delete_seconds: 1.0,
            kubernetes: Version::default(),
            metrics: false,
            hpa_apart: false,
            hub: None,
            static_manifests: Vec::new(),
        }
    }

    /// A further, smaller cluster of this lab, called `NAME-SITE`: without
    /// Prometheus, all of its nodes being that site.
    #[must_use]
    pub fn further(&self, nodes: NodeGroup) -> Self {
        let name = format!("{}-{}", self.name, nodes.site);
        let mut spec = Self::new(&name, vec![nodes]).without_prometheus();
        spec.hub = Some(self.name.clone());
        spec
    }

    /// A lab for one test, with a name no other lab on this machine has.
    #[must_use]
    pub fn for_test(test: &str, nodes: Vec<NodeGroup>) -> Self {
        Self::new(&format!("{test}-{}", std::process::id()), nodes)
    }

    /// The same without Prometheus.
    #[must_use]
    pub fn without_prometheus(mut self) -> Self {
        self.prometheus = None;
        self
    }

    /// The same with another Kubernetes.
    #[must_use]
    pub fn kubernetes(mut self, version: Version) -> Self {
        self.kubernetes = version;
        self
    }

    /// The same with the metrics APIs.
    #[must_use]
    pub fn with_metrics(mut self) -> Self {
        self.metrics = true;
        self
    }

    /// The same with controllers that leave HPAs alone.
    #[must_use]
    pub fn hpa_apart(mut self) -> Self {
        self.hpa_apart = true;
        self
    }

    /// The same, with these in the API server's own folder.
    #[must_use]
    pub fn static_manifests(mut self, manifests: Vec<serde_json::Value>) -> Self {
        self.static_manifests = manifests;
        self
    }

    /// The same, with this scraped.
    #[must_use]
    pub fn scrape(mut self, job: &str, address: &str) -> Self {
        if let Some(prometheus) = &mut self.prometheus {
            prometheus.targets.push(ScrapeTarget {
                job: job.into(),
                address: address.into(),
            });
        }
        self
    }

    /// Refuses what cannot work.
    ///
    /// # Errors
    /// One line that names the field and the way out.
    pub fn validate(&self) -> Result<()> {
        let Self {
            name,
            nodes,
            prometheus,
            ports: _,
            pod_delete_seconds,
            kubernetes: _,
            metrics: _,
            hpa_apart: _,
            hub,
            static_manifests: _,
        } = self;
        ensure!(
            is_label(name) && name.len() <= LONGEST_NAME,
            "the name {name:?} of the lab must be 1 to {LONGEST_NAME} small letters, digits and dashes"
        );
        if let Some(hub) = hub {
            ensure!(
                is_label(hub) && hub != name,
                "the hub {hub:?} of the lab {name} must be the name of another lab"
            );
        }
        ensure!(
            is_delay(*pod_delete_seconds),
            "the seconds to delete a pod must be between 0 and 3600"
        );
        let mut total = 0_u32;
        for (index, group) in nodes.iter().enumerate() {
            let NodeGroup {
                site,
                count,
                cpu,
                memory,
                pods,
                ready_seconds,
                tainted: _,
                sovereign: _,
            } = group;
            ensure!(
                is_label(site),
                "the site {site:?} must be small letters, digits and dashes"
            );
            ensure!(
                is_delay(*ready_seconds),
                "the seconds to readiness at {site} must be between 0 and 3600"
            );
            ensure!(
                !cpu.is_empty() && !memory.is_empty() && *pods > 0,
                "nodes at {site} need cpu, memory and pods"
            );
            if nodes[..index].iter().any(|other| other.site == *site) {
                bail!("the site {site} has two groups of nodes; give it one");
            }
            total = total.saturating_add(*count);
        }
        ensure!(
            total <= MOST_NODES,
            "{total} nodes are more than the {MOST_NODES} that one lab takes"
        );
        if let Some(PrometheusSpec {
            scrape_interval_ms,
            targets,
        }) = prometheus
        {
            ensure!(
                (100..=60_000).contains(scrape_interval_ms),
                "scrape every 100 to 60000 ms"
            );
            for ScrapeTarget { job, address } in targets {
                ensure!(
                    is_label(job),
                    "the job {job:?} must be small letters, digits and dashes"
                );
                let loopback = address
                    .strip_prefix("127.0.0.1:")
                    .is_some_and(|port| port.parse::<u16>().is_ok());
                ensure!(
                    loopback,
                    "the scrape target {address:?} must be 127.0.0.1:PORT: the lab speaks to loopback only"
                );
            }
        }
        Ok(())
    }
}

fn is_delay(seconds: f64) -> bool {
    (0.0..=3600.0).contains(&seconds)
}

fn is_label(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 63
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> LabSpec {
        LabSpec::new(
            "x",
            vec![
                NodeGroup::home(3, "8", "16Gi"),
                NodeGroup::cloud(2, "8", "16Gi"),
            ],
        )
    }

    #[test]
    fn a_further_cluster_is_the_cloud_itself() {
        let further = spec().further(NodeGroup::remote("cloud", 2, "8", "16Gi"));
        further.validate().unwrap();
        assert_eq!(
            (further.name.as_str(), further.hub.as_deref()),
            ("x-cloud", Some("x"))
        );
        assert_eq!(further.prometheus, None);
        assert!(!further.nodes[0].tainted && !further.nodes[0].sovereign);
        let [home, cloud] = &spec().nodes[..] else {
            unreachable!("two groups")
        };
        assert!(home.sovereign && !cloud.sovereign);
    }

    #[test]
    fn a_spec_of_an_earlier_lab_is_still_read() {
        let mut old = serde_json::to_value(spec()).unwrap();
        for field in [
            "kubernetes",
            "metrics",
            "hpa_apart",
            "hub",
            "static_manifests",
        ] {
            old.as_object_mut().unwrap().remove(field).unwrap();
        }
        assert_eq!(serde_json::from_value::<LabSpec>(old).unwrap(), spec());
    }

    #[test]
    fn good_specs_pass_and_bad_ones_name_the_field() {
        spec().validate().unwrap();
        let refused = |change: fn(&mut LabSpec), word: &str| {
            let mut bad = spec();
            change(&mut bad);
            let error = bad.validate().unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        };
        refused(|spec| spec.name = "../x".into(), "name");
        refused(|spec| spec.nodes[1].site = "home".into(), "two groups");
        refused(
            |spec| spec.nodes[0].ready_seconds = f64::NAN,
            "readiness at home",
        );
        refused(|spec| spec.nodes[0].count = 10_000, "nodes");
        refused(|spec| spec.pod_delete_seconds = -1.0, "delete");
        refused(|spec| spec.hub = Some("x".into()), "another lab");
        let outside = spec().scrape("x", "192.0.2.1:80");
        assert!(
            outside
                .validate()
                .unwrap_err()
                .to_string()
                .contains("loopback")
        );
    }
}
