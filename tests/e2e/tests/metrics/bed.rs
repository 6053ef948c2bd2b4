//! The two clusters that all tests here share: the hub with Pinisi in it, and the one in the cloud,
//! both with the metrics APIs. The HPA controller looks each five seconds.

use std::future::Future;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use anyhow::{Context as _, Result};
use kube::Client;
use pinisi_e2e::objects::{self, apply};
use pinisi_e2e::wait::eventually;
use pinisi_lab::Lab;
use pinisi_lab::adapter::Adapter;
use pinisi_lab::hpa::HpaSpec;
use pinisi_lab::operator::{NAMESPACE, OperatorSpec};
use pinisi_lab::progress::Progress;
use pinisi_lab::spec::{LabSpec, NodeGroup};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::{OnceCell, RwLock};

/// Home of all but the pooled workload, whose own is full after three replicas.
pub const HOME: &str = "home";
/// Home of the pooled workload.
pub const HOME_POOL: &str = "home-pool";
/// The namespace in the cloud that takes replicas.
pub const POOL: &str = "pool";
/// The account in the cloud that the operator acts as.
const ACCOUNT: (&str, &str) = ("pinisi-system", "pinisi");
const HPA_SYNC: Duration = Duration::from_secs(5);

/// Both clusters.
pub struct Bed {
    /// The hub's admin.
    pub client: Client,
    /// The hub's lab.
    pub hub: Lab,
    /// The cloud's admin.
    pub there: Client,
    /// The cloud's lab.
    pub cloud: Lab,
    /// What the hub's metrics adapter serves.
    pub adapter: Adapter,
    /// custom.metrics.k8s.io: held for writing by who takes it away.
    pub custom: RwLock<()>,
}

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a tokio runtime"));
static BED: OnceCell<Bed> = OnceCell::const_new();

/// Runs one test against the shared clusters.
pub fn run<F: Future<Output = Result<()>>>(test: impl FnOnce(&'static Bed) -> F) {
    let result = RUNTIME.block_on(async {
        let bed = BED.get_or_try_init(Bed::start).await?;
        test(bed).await
    });
    if let Err(error) = result {
        panic!("{error:#}");
    }
}

impl Bed {
    async fn start() -> Result<Self> {
        let nodes = vec![
            NodeGroup::new(HOME, 2, "32", "64Gi", 0.5, false),
            NodeGroup::new(HOME_POOL, 1, "2", "16Gi", 0.5, false),
        ];
        let spec = LabSpec::for_test("e2e-metrics", nodes).without_prometheus();
        let spec = spec.with_metrics().hpa_apart();
        let further = NodeGroup::remote("cloud", 2, "8", "32Gi").ready_after(0.5);
        let further = spec.further(further).with_metrics();
        let labs = Lab::start_all(vec![spec, further], Progress::quiet()).await?;
        let mut labs = labs.into_iter();
        let hub = labs.next().context("no hub")?;
        let cloud = labs.next().context("no cloud")?;
        let (client, there) = (hub.admin_client().await?, cloud.admin_client().await?);

        apply(&there, objects::namespace(POOL, "MassTraffic")).await?;
        let charts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../charts");
        let (site, pinisi) = (charts.join("pinisi-site"), charts.join("pinisi"));
        let open = [("namespaces[0]", POOL)];
        let helm = cloud.helm();
        helm.upgrade_install("pinisi", &site, ACCOUNT.0, &open, &[])
            .await?;
        let named = [("remoteSites.kubeconfigSecrets[0]", "cloud")];
        let helm = hub.helm();
        helm.upgrade_install("pinisi", &pinisi, NAMESPACE, &named, &[])
            .await?;
        let kubeconfig = cloud.account_kubeconfig(ACCOUNT.0, ACCOUNT.1).await?;
        apply(&client, json!({"apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": "cloud", "namespace": NAMESPACE}, "stringData": {"kubeconfig": kubeconfig}}))
        .await?;
        hub.start_operator(OperatorSpec::default()).await?;
        let hpa = HpaSpec {
            sync_period: HPA_SYNC,
            ..HpaSpec::default()
        };
        hub.start_hpa(&hpa).await?;
        for home in [HOME, HOME_POOL] {
            apply(&client, objects::site(home)).await?;
        }
        apply(&client, json!({"apiVersion": "pinisi.dev/v1alpha1", "kind": "Site", "metadata": {"name": "cloud"},
            "spec": {"type": "Cloud", "jurisdiction": "ID", "allowedNamespaces": {}, "kubeconfigSecretRef": {"name": "cloud"}}}))
        .await?;
        let bed = Self {
            adapter: hub.adapter().context("no adapter")?,
            client,
            hub,
            there,
            cloud,
            custom: RwLock::new(()),
        };
        eventually("the hub's guard is enforced", 60, async || {
            objects::guard_refuses(&bed.client).await
        })
        .await?;
        Ok(bed)
    }

    /// A namespace of the MassTraffic class.
    pub async fn namespace(&self, name: &str) -> Result<()> {
        apply(&self.client, objects::namespace(name, "MassTraffic")).await?;
        Ok(())
    }

    /// A Deployment of two replicas at home and its workload, which follows these metrics between
    /// `min` and `max` as fast as it may.
    pub async fn follow(
        &self,
        ns: &str,
        name: &str,
        (min, max): (u32, u32),
        metrics: &Value,
    ) -> Result<()> {
        let deployment = objects::deployment(ns, name, HOME, 2, 200);
        apply(&self.client, deployment).await?;
        let workload = following(ns, name, &[HOME], (min, max), metrics);
        apply(&self.client, workload).await?;
        Ok(())
    }

    /// Specified replicas of a Deployment in the hub.
    pub async fn count(&self, ns: &str, name: &str) -> Result<i32> {
        let found = objects::replicas(&self.client, ns, name).await?;
        Ok(found.context("no Deployment")?.0)
    }

    /// Waits until so many are specified and Ready.
    pub async fn reaches(&self, ns: &str, name: &str, count: i32, seconds: u64) -> Result<()> {
        let what = format!("{count} replicas of {ns}/{name}");
        eventually(&what, seconds, async || {
            let found = objects::replicas(&self.client, ns, name).await?;
            anyhow::ensure!(found == Some((count, count)), "{found:?}");
            Ok(true)
        })
        .await
    }

    /// Waits until ScalingActive has this status and its message all of these words.
    pub async fn scaling(
        &self,
        ns: &str,
        name: &str,
        status: &str,
        words: &[&str],
        seconds: u64,
    ) -> Result<()> {
        let what = format!("ScalingActive of {ns}/{name} is {status} with {words:?}");
        eventually(&what, seconds, async || {
            let found = objects::condition(&self.client, ns, name, "ScalingActive").await?;
            let is = found.as_ref().is_some_and(|(now, _, text)| {
                now == status && words.iter().all(|w| text.contains(w))
            });
            anyhow::ensure!(is, "{found:?}");
            Ok(true)
        })
        .await
    }
}

/// A workload that follows these metrics over tiers of one site each.
pub fn following(
    ns: &str,
    name: &str,
    sites: &[&str],
    (min, max): (u32, u32),
    metrics: &Value,
) -> Value {
    let mut workload = objects::mass(ns, name, sites, min, max);
    workload["spec"]["autoscaling"] = json!({
        "minReplicas": min, "maxReplicas": max, "metrics": metrics, "behavior": at_once(),
    });
    workload
}

/// No window, and no rate that counts here.
pub fn at_once() -> Value {
    json!({
        "scaleUp": {"policies": [{"type": "Pods", "value": 50, "periodSeconds": 1}]},
        "scaleDown": {"stabilizationWindowSeconds": 0,
            "policies": [{"type": "Percent", "value": 100, "periodSeconds": 1}]},
    })
}
