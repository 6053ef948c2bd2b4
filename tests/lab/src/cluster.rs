//! The order in which a lab's programs start, and what each must show before
//! the next one begins. Runs inside the supervisor.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;
use kube::{Api, Client};

use crate::children::{Children, SpawnSpec};
use crate::files::{free_bytes, private_dir};
use crate::paths::{self, StateDir};
use crate::programs::Programs;
use crate::spec::LabSpec;
use crate::{
    apiserver, apply, client, controllers, credentials, etcd, kwok, metrics_apis, nodes, ports,
    prometheus,
};

const POLL: Duration = Duration::from_millis(100);
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);
const NODES_TIMEOUT: Duration = Duration::from_secs(60);
/// Room that a lab takes on disk in the length of a test, with some to spare: etcd, Prometheus, logs.
const ROOM_BYTES: u64 = 512 << 20;

/// Addresses of a cluster that has started.
#[derive(Debug, Clone)]
pub struct Endpoints {
    /// The API server.
    pub apiserver_url: String,
    /// etcd's clients.
    pub etcd_url: String,
    /// Prometheus, where the lab has one.
    pub prometheus_url: Option<String>,
    /// Where the metrics adapter takes its values, where the lab has one.
    pub adapter_url: Option<String>,
}

/// What the start needs from the supervisor.
pub struct Starter<'a> {
    /// The lab's folder.
    pub dir: &'a StateDir,
    /// What to start.
    pub spec: &'a LabSpec,
    /// With which programs.
    pub programs: &'a Programs,
    /// Where the processes are kept.
    pub children: &'a RefCell<Children>,
    /// Told after each step.
    pub step: &'a dyn Fn(&str),
}

impl Starter<'_> {
    /// Starts everything and waits until it can be used.
    ///
    /// # Errors
    /// The first program that did not start, with its last lines.
    pub async fn start(&self) -> Result<Endpoints> {
        let Self {
            dir,
            spec,
            programs,
            children: _,
            step,
        } = self;
        enough_room(dir)?;
        private_dir(&dir.path().join("config"))?;
        private_dir(&dir.path().join("data"))?;
        let etcd_port = ports::hold(spec.ports.etcd, "etcd", "--etcd-port")?;
        let peer_port = ports::hold(None, "etcd's peers", "--etcd-port")?;
        let api_port = ports::hold(spec.ports.apiserver, "the API server", "--apiserver-port")?;
        let prometheus_port = match &spec.prometheus {
            Some(_) => Some(ports::hold(
                spec.ports.prometheus,
                "Prometheus",
                "--prometheus-port",
            )?),
            None => None,
        };
        let metrics_ports = if spec.metrics {
            Some(MetricsPorts::hold()?)
        } else {
            None
        };
        let apiserver_url = format!("https://{}", api_port.address());
        let etcd_url = format!("http://{}", etcd_port.address());
        let keys = credentials::create(dir, &apiserver_url, apiserver::SERVICE_IP)?;

        let etcd = etcd::command(programs, dir, &etcd_port, &peer_port);
        etcd_port.release();
        peer_port.release();
        self.spawn(&etcd)?;
        let prometheus_url = match (&spec.prometheus, prometheus_port) {
            (Some(wanted), Some(port)) => {
                let url = format!("http://{}", port.address());
                let command = prometheus::command(programs, dir, wanted, &port)?;
                port.release();
                self.spawn(&command)?;
                Some(url)
            }
            _ => None,
        };
        self.until_http(
            etcd::NAME,
            &format!("{etcd_url}/health"),
            etcd::START_TIMEOUT,
        )
        .await?;
        step("etcd is up");

        self.spawn(&apiserver::command(
            programs,
            dir,
            &keys,
            api_port.release(),
            &etcd_url,
            &spec.static_manifests,
        )?)?;
        let admin = client::admin(dir).await?;
        self.until(apiserver::NAME, apiserver::START_TIMEOUT, || {
            is_ready(&admin)
        })
        .await?;
        step("the API server is up");

        self.spawn(&controllers::controllers(
            programs,
            dir,
            &keys,
            spec.hpa_apart,
        ))?;
        self.spawn(&controllers::scheduler(programs, dir)?)?;
        for group in &spec.nodes {
            nodes::create(&admin, group, 0, group.count).await?;
        }
        let metrics_ports = metrics_ports.map(MetricsPorts::release);
        let usage_port = metrics_ports.map(|ports| ports.usage);
        self.spawn(&kwok::command(programs, dir, spec, usage_port)?)?;
        if let Some(ports) = metrics_ports {
            self.spawn(&metrics_apis::server(programs, dir, &keys, ports)?)?;
            self.spawn(&metrics_apis::adapter(programs, dir, &keys, ports)?)?;
            apply::apply(&admin, &metrics_apis::objects(ports)).await?;
        }
        self.until(controllers::CONTROLLERS, NODES_TIMEOUT, || {
            has_service_account(&admin)
        })
        .await?;
        step("controllers and scheduler are up");
        self.until(kwok::NAME, NODES_TIMEOUT, || nodes_ready(&admin))
            .await?;
        step("nodes are ready");
        if let Some(url) = &prometheus_url {
            self.until_http(
                prometheus::NAME,
                &format!("{url}/-/ready"),
                prometheus::START_TIMEOUT,
            )
            .await?;
            step("Prometheus is up");
        }
        let adapter_url = match metrics_ports {
            Some(ports) => Some(self.metrics_up(&admin, ports).await?),
            None => None,
        };
        self.children
            .borrow_mut()
            .must_run(controllers::SCHEDULER)?;
        Ok(Endpoints {
            apiserver_url,
            etcd_url,
            prometheus_url,
            adapter_url,
        })
    }

    /// Waits until the metrics APIs answer through the API server, and says where
    /// the adapter takes its values.
    async fn metrics_up(&self, admin: &Client, ports: metrics_apis::Ports) -> Result<String> {
        let url = format!("http://127.0.0.1:{}", ports.values);
        let timeout = metrics_apis::START_TIMEOUT;
        self.until_http(metrics_apis::ADAPTER, &format!("{url}/ready"), timeout)
            .await?;
        for name in metrics_apis::API_SERVICES {
            let process = if name.ends_with("beta1.metrics.k8s.io") {
                metrics_apis::SERVER
            } else {
                metrics_apis::ADAPTER
            };
            self.until(process, timeout, || is_available(admin, name))
                .await?;
        }
        (self.step)("the metrics APIs are up");
        Ok(url)
    }

    fn spawn(&self, spec: &SpawnSpec) -> Result<()> {
        self.children.borrow_mut().spawn(spec).map(drop)
    }

    async fn until_http(&self, name: &str, url: &str, timeout: Duration) -> Result<()> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(PROBE_TIMEOUT)
            .build()?;
        self.until(name, timeout, async || {
            http.get(url)
                .send()
                .await
                .is_ok_and(|response| response.status().is_success())
        })
        .await
    }

    /// Probes until it succeeds; fails as soon as the process has ended.
    async fn until(
        &self,
        name: &str,
        timeout: Duration,
        probe: impl AsyncFn() -> bool,
    ) -> Result<()> {
        let deadline = Instant::now() + timeout;
        loop {
            if tokio::time::timeout(PROBE_TIMEOUT, probe())
                .await
                .unwrap_or(false)
            {
                return Ok(());
            }
            self.children.borrow_mut().must_run(name)?;
            if Instant::now() >= deadline {
                let log = self.dir.log(name);
                bail!(
                    "{name} was not ready within {} s; its last lines ({}):\n{}",
                    timeout.as_secs(),
                    log.display(),
                    crate::files::last_words(&log, 12)
                );
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

/// Ports of the metrics APIs, held until their programs are started.
struct MetricsPorts([ports::HeldPort; 4]);

impl MetricsPorts {
    fn hold() -> Result<Self> {
        let hold = |purpose| ports::hold(None, purpose, "LabSpec::with_metrics");
        Ok(Self([
            hold("metrics-server")?,
            hold("the metrics adapter")?,
            hold("the metrics adapter's values")?,
            hold("the use of simulated pods")?,
        ]))
    }

    fn release(self) -> metrics_apis::Ports {
        let Self(held) = self;
        let [server, adapter, values, usage] = held.map(ports::HeldPort::release);
        metrics_apis::Ports {
            server,
            adapter,
            values,
            usage,
        }
    }
}

async fn is_available(admin: &Client, api_service: &str) -> bool {
    let services: Api<APIService> = Api::all(admin.clone());
    let Ok(service) = services.get(api_service).await else {
        return false;
    };
    let conditions = service.status.and_then(|status| status.conditions);
    conditions
        .unwrap_or_default()
        .iter()
        .any(|condition| condition.type_ == "Available" && condition.status == "True")
}

pub(crate) async fn is_ready(admin: &Client) -> bool {
    let request = http::Request::get("/readyz")
        .body(Vec::new())
        .context("request");
    match request {
        Ok(request) => admin
            .request_text(request)
            .await
            .is_ok_and(|text| text == "ok"),
        Err(_) => false,
    }
}

/// The controllers run once one of them has made the default account.
async fn has_service_account(admin: &Client) -> bool {
    let accounts: Api<ServiceAccount> = Api::namespaced(admin.clone(), "default");
    accounts
        .get_opt("default")
        .await
        .is_ok_and(|account| account.is_some())
}

async fn nodes_ready(admin: &Client) -> bool {
    nodes::count(admin)
        .await
        .is_ok_and(|sites| sites.values().all(|site| site.ready == site.total))
}
/// etcd takes its first 64 MB at once and ends with a page of addresses where it does not get them.
fn enough_room(dir: &StateDir) -> Result<()> {
    let free = free_bytes(dir.path()).unwrap_or(u64::MAX);
    ensure!(
        free >= ROOM_BYTES,
        "{} MB are free on the disk of {}, and a lab needs {}: make room there, or set {} to a folder on another disk",
        free >> 20,
        dir.path().display(),
        ROOM_BYTES >> 20,
        paths::STATE_VARIABLE
    );
    Ok(())
}
