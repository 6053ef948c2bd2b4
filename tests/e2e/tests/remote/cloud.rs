//! The clusters that all tests here share: the hub with Pinisi in it, one in the cloud, and a second
//! one there to which anything may happen.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use anyhow::{Context as _, Result};
use kube::Client;
use pinisi_e2e::objects::{self, apply};
use pinisi_e2e::wait::eventually;
use pinisi_lab::Lab;
use pinisi_lab::exporter::Exporter;
use pinisi_lab::load::Offered;
use pinisi_lab::operator::{NAMESPACE, OperatorSpec};
use pinisi_lab::programs::Version;
use pinisi_lab::progress::Progress;
use pinisi_lab::spec::{LabSpec, NodeGroup};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::{OnceCell, RwLock};

/// The account in the cloud that the operator acts as.
pub const ACCOUNT: (&str, &str) = ("pinisi-system", "pinisi");
/// Secrets that the operator may read: a Site each.
const SECRETS: [&str; 7] = [
    "cloud", "second", "garbage", "expired", "stranger", "hub", "missing",
];
/// Namespaces in both clouds that workloads may come to. Each has a home of its own, so that none
/// takes another's room.
const OPEN: [&str; 11] = [
    "travel", "taken", "theirs", "small", "pull", "map", "policy", "strict", "drift", "silence",
    "wrong",
];

/// All three clusters.
pub struct Clouds {
    /// The hub's admin.
    pub hub: Client,
    /// The cloud's lab.
    pub cloud: Lab,
    /// The cloud's admin.
    pub there: Client,
    /// The second cloud's lab.
    pub second: Lab,
    /// The second cloud's admin.
    pub second_there: Client,
    /// Where load comes from.
    pub exporter: Exporter,
    /// Held for writing by a test that breaks the second cloud, for reading by one that needs it.
    pub calm: RwLock<()>,
    // It ends when it is dropped.
    home: Lab,
}

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a tokio runtime"));
static CLOUDS: OnceCell<Clouds> = OnceCell::const_new();

/// Runs one test against the shared clusters.
pub fn run<F: Future<Output = Result<()>>>(test: impl FnOnce(&'static Clouds) -> F) {
    said(RUNTIME.block_on(async {
        let start = || Clouds::start(Version::default());
        test(CLOUDS.get_or_try_init(start).await?).await
    }));
}

/// Runs one test against clusters of its own, with this Kubernetes in the cloud.
pub fn run_on(version: Version, test: impl AsyncFnOnce(&Clouds) -> Result<()>) {
    said(RUNTIME.block_on(async { test(&Clouds::start(version).await?).await }));
}

fn said(result: Result<()>) {
    if let Err(error) = result {
        panic!("{error:#}");
    }
}

/// The Secret of a Site, in the operator's namespace.
pub fn secret(name: &str, kubeconfig: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": NAMESPACE},
        "stringData": {"kubeconfig": kubeconfig}})
}

/// A Site that is the cluster behind the Secret of that name.
pub fn remote_site(name: &str, more: &Value) -> Value {
    let mut site = json!({
        "apiVersion": "pinisi.dev/v1alpha1", "kind": "Site", "metadata": {"name": name},
        "spec": {"type": "Cloud", "jurisdiction": "ID", "allowedNamespaces": {},
            "kubeconfigSecretRef": {"name": name}},
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        site["spec"][key] = value.clone();
    }
    site
}

impl Clouds {
    async fn start(version: Version) -> Result<Self> {
        let exporter = Exporter::start(None).await?;
        let homes = OPEN.map(|name| format!("home-{name}"));
        let home = |site: &String| NodeGroup::new(site, 1, "4", "16Gi", 1.0, false);
        let hub = LabSpec::for_test("e2e-remote", homes.iter().map(home).collect())
            .scrape("demo", exporter.address());
        let away =
            |site, count| hub.further(NodeGroup::remote(site, count, "8", "32Gi").ready_after(1.0));
        let labs = vec![
            away("cloud", 6).kubernetes(version),
            away("second", 3),
            hub.clone(),
        ];
        let mut labs = Lab::start_all(labs, Progress::quiet()).await?.into_iter();
        let (cloud, second, home) = (labs.next(), labs.next(), labs.next());
        let cloud = cloud.context("no cloud")?;
        let second = second.context("no second cloud")?;
        let home = home.context("no hub")?;
        let hub = home.admin_client().await?;
        let (there, second_there) = (cloud.admin_client().await?, second.admin_client().await?);
        prepare(&cloud, &there).await?;
        prepare(&second, &second_there).await?;

        let named: Vec<(String, &str)> = SECRETS
            .iter()
            .enumerate()
            .map(|(i, name)| (format!("remoteSites.kubeconfigSecrets[{i}]"), *name))
            .collect();
        let values: Vec<(&str, &str)> = named.iter().map(|(k, v)| (k.as_str(), *v)).collect();
        home.helm()
            .upgrade_install("pinisi", &chart("pinisi"), NAMESPACE, &values, &[])
            .await?;
        for (name, lab) in [("cloud", &cloud), ("second", &second)] {
            let kubeconfig = lab.account_kubeconfig(ACCOUNT.0, ACCOUNT.1).await?;
            apply(&hub, secret(name, &kubeconfig)).await?;
        }
        home.start_operator(OperatorSpec::default()).await?;
        let address = home.prometheus_url().context("no Prometheus")?.to_owned();
        apply(&hub, objects::signal_source("prometheus", &address)).await?;
        for home in &homes {
            apply(&hub, objects::site(home)).await?;
        }
        for name in ["cloud", "second"] {
            let grace = json!({"unreachableGraceSeconds": 30});
            apply(&hub, remote_site(name, &grace)).await?;
        }
        let clouds = Self {
            hub,
            cloud,
            there,
            second,
            second_there,
            exporter,
            calm: RwLock::new(()),
            home,
        };
        eventually("the hub's guard is enforced", 60, async || {
            objects::guard_refuses(&clouds.hub).await
        })
        .await?;
        eventually("both clouds are Ready", 60, async || {
            Ok(clouds.site("cloud", "Ready").await?.0 == "True"
                && clouds.site("second", "Ready").await?.0 == "True")
        })
        .await?;
        Ok(clouds)
    }

    /// A namespace with the service `web`, two replicas at home that go on to the cloud.
    pub async fn service(
        &self,
        namespace: &str,
        change: impl FnOnce(&mut Value, &mut Value),
    ) -> Result<()> {
        self.named_service(namespace, "web", &["cloud"], change)
            .await
    }

    /// A service with two replicas at home that go on to these Sites in order; `change` may alter
    /// its Deployment and its workload before they are applied.
    pub async fn named_service(
        &self,
        namespace: &str,
        name: &str,
        away: &[&str],
        change: impl FnOnce(&mut Value, &mut Value),
    ) -> Result<()> {
        self.exporter.set(namespace, name, Offered::Rps(15.0));
        let home = format!("home-{namespace}");
        let tiers: Vec<&str> = [home.as_str()].iter().chain(away).copied().collect();
        apply(&self.hub, objects::namespace(namespace, "MassTraffic")).await?;
        let mut deployment = objects::deployment(namespace, name, &home, 2, 500);
        let mut workload = objects::mass(namespace, name, &tiers, 2, 30);
        change(&mut deployment, &mut workload);
        apply(&self.hub, deployment).await?;
        apply(&self.hub, workload).await?;
        Ok(())
    }

    /// Status, reason and message of a condition of a Site; empty where it is not there.
    pub async fn site(&self, name: &str, kind: &str) -> Result<(String, String, String)> {
        let site = kube::Api::<pinisi_crds::Site>::all(self.hub.clone())
            .get(name)
            .await?;
        let conditions = site.status.unwrap_or_default().conditions;
        let found = conditions.into_iter().find(|c| c.type_ == kind);
        Ok(found
            .map(|c| (c.status, c.reason, c.message))
            .unwrap_or_default())
    }

    /// The hub's lab.
    pub fn home(&self) -> &Lab {
        &self.home
    }
}

/// What a person does in another cluster before it is a Site: namespaces, and the chart with the
/// operator's account.
async fn prepare(lab: &Lab, admin: &Client) -> Result<()> {
    for name in OPEN {
        apply(admin, objects::namespace(name, "MassTraffic")).await?;
    }
    let open: Vec<(String, &str)> = OPEN
        .iter()
        .enumerate()
        .map(|(i, name)| (format!("namespaces[{i}]"), *name))
        .collect();
    let values: Vec<(&str, &str)> = open.iter().map(|(k, v)| (k.as_str(), *v)).collect();
    lab.helm()
        .upgrade_install("pinisi", &chart("pinisi-site"), ACCOUNT.0, &values, &[])
        .await?;
    Ok(())
}

fn chart(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../charts")
        .join(name)
}
