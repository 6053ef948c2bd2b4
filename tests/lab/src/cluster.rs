//! The order in which a lab's programs start, and what each must show before
//! the next one begins. Runs inside the supervisor.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::{Api, Client};

use crate::children::{Children, SpawnSpec};
use crate::files::private_dir;
use crate::paths::StateDir;
use crate::programs::Programs;
use crate::spec::LabSpec;
use crate::{apiserver, client, controllers, credentials, etcd, kwok, nodes, ports, prometheus};

const POLL: Duration = Duration::from_millis(100);
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);
const NODES_TIMEOUT: Duration = Duration::from_secs(60);

/// Addresses of a cluster that has started.
#[derive(Debug, Clone)]
pub struct Endpoints {
    /// The API server.
    pub apiserver_url: String,
    /// Prometheus, where the lab has one.
    pub prometheus_url: Option<String>,
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
        )?)?;
        let admin = client::admin(dir).await?;
        self.until(apiserver::NAME, apiserver::START_TIMEOUT, || {
            is_ready(&admin)
        })
        .await?;
        step("the API server is up");

        self.spawn(&controllers::controllers(programs, dir, &keys))?;
        self.spawn(&controllers::scheduler(programs, dir)?)?;
        for group in &spec.nodes {
            nodes::create(&admin, group, 0, group.count).await?;
        }
        self.spawn(&kwok::command(programs, dir, spec)?)?;
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
        self.children
            .borrow_mut()
            .must_run(controllers::SCHEDULER)?;
        Ok(Endpoints {
            apiserver_url,
            prometheus_url,
        })
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
                    crate::files::tail(&log, 12)
                );
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

async fn is_ready(admin: &Client) -> bool {
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
