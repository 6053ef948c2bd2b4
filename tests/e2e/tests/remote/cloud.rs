//! The two clusters that all tests here share: the hub with Pinisi in it, and the one in the cloud.

use std::future::Future;
use std::path::Path;
use std::sync::LazyLock;

use anyhow::{Context as _, Result};
use kube::Client;
use pinisi_e2e::objects::{self, apply};
use pinisi_e2e::wait::eventually;
use pinisi_lab::Lab;
use pinisi_lab::exporter::Exporter;
use pinisi_lab::operator::{NAMESPACE, OperatorSpec};
use pinisi_lab::progress::Progress;
use pinisi_lab::spec::{LabSpec, NodeGroup};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::{OnceCell, RwLock};

/// The account in the cloud that the operator acts as.
pub const ACCOUNT: (&str, &str) = ("pinisi-system", "pinisi");
/// Secrets that the operator may read: a Site each.
const SECRETS: [&str; 6] = ["cloud", "garbage", "expired", "stranger", "hub", "missing"];
/// Namespaces in the cloud that workloads may come to.
pub const OPEN: [&str; 5] = ["travel", "taken", "small", "pull", "silence"];
/// A home for each test, so that none takes another's room.
const HOMES: [&str; 5] = [
    "home-travel",
    "home-taken",
    "home-small",
    "home-pull",
    "home-silence",
];

/// Both clusters.
pub struct Clouds {
    /// The hub's admin.
    pub hub: Client,
    /// The cloud's lab.
    pub cloud: Lab,
    /// The cloud's admin.
    pub there: Client,
    /// Where load comes from.
    pub exporter: Exporter,
    /// Held for writing by a test that silences the cloud.
    pub quiet: RwLock<()>,
    // It ends when it is dropped.
    home: Lab,
}

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a tokio runtime"));
static CLOUDS: OnceCell<Clouds> = OnceCell::const_new();

/// Runs one test against the shared clusters.
pub fn run<F: Future<Output = Result<()>>>(test: impl FnOnce(&'static Clouds) -> F) {
    let result = RUNTIME.block_on(async {
        let clouds = CLOUDS.get_or_try_init(Clouds::start).await?;
        test(clouds).await
    });
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
    async fn start() -> Result<Self> {
        let exporter = Exporter::start(None).await?;
        let home = |site: &&str| NodeGroup::new(site, 1, "4", "16Gi", 1.0, false);
        let hub = LabSpec::for_test("e2e-remote", HOMES.iter().map(home).collect())
            .scrape("demo", exporter.address());
        let cloud = hub.further(NodeGroup::remote("cloud", 4, "8", "32Gi").ready_after(1.0));
        let mut labs = Lab::start_all(vec![hub, cloud], Progress::quiet())
            .await?
            .into_iter();
        let home = labs.next().context("no hub")?;
        let cloud = labs.next().context("no cloud")?;
        let (hub, there) = (home.admin_client().await?, cloud.admin_client().await?);

        for name in OPEN {
            apply(&there, objects::namespace(name, "MassTraffic")).await?;
        }
        let open: Vec<(String, &str)> = OPEN
            .iter()
            .enumerate()
            .map(|(i, name)| (format!("namespaces[{i}]"), *name))
            .collect();
        let values: Vec<(&str, &str)> = open.iter().map(|(k, v)| (k.as_str(), *v)).collect();
        let charts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../charts");
        let site = charts.join("pinisi-site");
        cloud
            .helm()
            .upgrade_install("pinisi", &site, ACCOUNT.0, &values, &[])
            .await?;
        let kubeconfig = cloud.account_kubeconfig(ACCOUNT.0, ACCOUNT.1).await?;

        let named: Vec<(String, &str)> = SECRETS
            .iter()
            .enumerate()
            .map(|(i, name)| (format!("remoteSites.kubeconfigSecrets[{i}]"), *name))
            .collect();
        let values: Vec<(&str, &str)> = named.iter().map(|(k, v)| (k.as_str(), *v)).collect();
        home.helm()
            .upgrade_install("pinisi", &charts.join("pinisi"), NAMESPACE, &values, &[])
            .await?;
        apply(&hub, secret("cloud", &kubeconfig)).await?;
        home.start_operator(OperatorSpec::default()).await?;
        let address = home.prometheus_url().context("no Prometheus")?.to_owned();
        apply(&hub, objects::signal_source("prometheus", &address)).await?;
        for home in HOMES {
            apply(&hub, objects::site(home)).await?;
        }
        let grace = json!({"unreachableGraceSeconds": 30});
        apply(&hub, remote_site("cloud", &grace)).await?;
        let clouds = Self {
            hub,
            cloud,
            there,
            exporter,
            quiet: RwLock::new(()),
            home,
        };
        eventually("the hub's guard is enforced", 60, async || {
            objects::guard_refuses(&clouds.hub).await
        })
        .await?;
        eventually("the cloud is Ready", 60, async || {
            Ok(clouds.site("cloud", "Ready").await?.0 == "True")
        })
        .await?;
        Ok(clouds)
    }

    /// A namespace with a Deployment of two replicas and its workload, at home and in the cloud;
    /// `change` may alter both objects before they are applied.
    pub async fn service(
        &self,
        namespace: &str,
        change: impl FnOnce(&mut Value, &mut Value),
    ) -> Result<()> {
        let home = format!("home-{namespace}");
        apply(&self.hub, objects::namespace(namespace, "MassTraffic")).await?;
        let mut deployment = objects::deployment(namespace, "web", &home, 2, 500);
        let mut workload = objects::mass(namespace, "web", &[&home, "cloud"], 2, 30);
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
