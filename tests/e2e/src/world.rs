//! The lab that all tests of one binary share, and the runtime that its clients live on.

use std::future::Future;
use std::path::Path;
use std::sync::LazyLock;

use anyhow::{Context as _, Result};
use kube::Client;
use pinisi_lab::Lab;
use pinisi_lab::exporter::Exporter;
use pinisi_lab::operator::{Operator, OperatorSpec};
use pinisi_lab::spec::{LabSpec, NodeGroup};
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

use crate::objects;
use crate::wait::eventually;

/// A running lab with Pinisi in it.
pub struct World {
    /// The lab.
    pub lab: Lab,
    /// The lab's admin.
    pub client: Client,
    /// Where load comes from.
    pub exporter: Exporter,
    /// The first replica of the operator.
    pub operator: tokio::sync::Mutex<Operator>,
}

// One runtime for all tests: a client dies with the runtime that made its connections.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a tokio runtime"));
static WORLD: OnceCell<World> = OnceCell::const_new();

/// Runs one test against the shared world with these sites' nodes: pairs of a site's name and its
/// nodes as `count x cores`; names that start with `cloud` are tainted.
pub fn run<F: Future<Output = Result<()>>>(
    groups: &'static [NodeGroupSpec],
    test: impl FnOnce(&'static World) -> F,
) {
    let result = RUNTIME.block_on(async {
        let world = WORLD.get_or_try_init(|| World::start(groups)).await?;
        test(world).await
    });
    if let Err(error) = result {
        panic!("{error:#}");
    }
}

/// Site, nodes, cores of each.
pub type NodeGroupSpec = (&'static str, u32, u32);

impl World {
    async fn start(groups: &[NodeGroupSpec]) -> Result<Self> {
        let exporter = Exporter::start(None).await?;
        let groups = groups
            .iter()
            .map(|(site, count, cores)| {
                let cloud = site.starts_with("cloud");
                NodeGroup::new(
                    site,
                    *count,
                    &cores.to_string(),
                    &format!("{}Gi", cores * 4),
                    1.0,
                    cloud,
                )
            })
            .collect();
        let spec = LabSpec::for_test("e2e", groups).scrape("demo", exporter.address());
        let lab = Lab::start(spec).await?;
        let client = lab.admin_client().await?;
        let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../charts/pinisi");
        lab.helm()
            .upgrade_install(
                "pinisi",
                &chart,
                "pinisi-system",
                &[
                    (
                        "nodeSelector.node-restriction\\.kubernetes\\.io/pinisi-site",
                        "home",
                    ),
                    ("violations.evict", "true"),
                ],
                &[],
            )
            .await?;
        let operator = lab.start_operator(OperatorSpec::default()).await?;
        let world = Self {
            lab,
            client,
            exporter,
            operator: tokio::sync::Mutex::new(operator),
        };
        let address = world
            .lab
            .prometheus_url()
            .context("the lab has no Prometheus")?
            .to_owned();
        objects::apply(
            &world.client,
            objects::signal_source("prometheus", &address),
        )
        .await?;
        eventually("the operator leads and the guard stands", 60, || async {
            Ok(objects::guard_stands(&world.client).await?
                && objects::guard_refuses(&world.client).await?
                && objects::inventory_exists(&world.client).await?)
        })
        .await?;
        Ok(world)
    }
}
