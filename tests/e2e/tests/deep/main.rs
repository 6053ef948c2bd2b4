//! Longer suites, one test each, run by `cargo lab test --deep NAME` and never in `.ci/run`.

use std::time::Duration;

use anyhow::{Result, ensure};
use futures::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use kube::Api;
use kube::api::ListParams;
use pinisi_crds::HybridWorkload;
use pinisi_e2e::World;
use pinisi_e2e::objects::{apply, deployment, mass, namespace, site};
use pinisi_e2e::wait::eventually;
use pinisi_e2e::world::NodeGroupSpec;
use pinisi_lab::audit::AuditFilter;
use pinisi_lab::load::Offered;

const GROUPS: &[NodeGroupSpec] = &[("home", 6, 32), ("cloud", 2, 32)];
const WORKLOADS: usize = 500;
const WINDOW_SECONDS: u64 = 60;
const NS: &str = "steady";

/// At steady state the operator sends the API server almost nothing.
#[test]
#[ignore = "deep: cargo lab test --deep steady"]
fn steady() {
    pinisi_e2e::run(GROUPS, async |world| {
        fleet(world).await?;
        // Longer than any coalescing, status interval or event throttle.
        tokio::time::sleep(Duration::from_secs(20)).await;
        let from = Timestamp::now();
        tokio::time::sleep(Duration::from_secs(WINDOW_SECONDS)).await;
        let until = Timestamp::now();
        // The log is written shortly after the answer.
        tokio::time::sleep(Duration::from_secs(2)).await;

        let filter = AuditFilter::service_account("pinisi-system", "pinisi").between(from, until);
        let requests: Vec<_> = world
            .lab
            .audit_log()
            .read(&filter)?
            .into_iter()
            .filter(|event| event.verb != "watch" && event.resource != "leases")
            .collect();
        let leases = AuditFilter {
            resource: Some("leases".into()),
            ..filter
        };
        ensure!(
            !world.lab.audit_log().read(&leases)?.is_empty(),
            "the log has not even the Lease: it is not the operator's"
        );
        let a_second = requests.len() as f64 / WINDOW_SECONDS as f64;
        println!(
            "{{\"workloads\":{WORKLOADS},\"seconds\":{WINDOW_SECONDS},\"requests\":{},\"requests_a_second\":{a_second:.3}}}",
            requests.len()
        );
        for event in requests.iter().take(20) {
            println!(
                "{} {}/{} {} {}",
                event.verb, event.resource, event.subresource, event.name, event.code
            );
        }
        ensure!(
            a_second <= 1.0,
            "{} requests in {WINDOW_SECONDS} s",
            requests.len()
        );
        Ok(())
    });
}

/// 500 workloads with a load each that wobbles within what their replicas serve.
async fn fleet(world: &'static World) -> Result<()> {
    let client = &world.client;
    apply(client, site("home")).await?;
    apply(client, site("cloud")).await?;
    apply(client, namespace(NS, "MassTraffic")).await?;
    let made: Vec<Result<()>> = stream::iter(0..WORKLOADS)
        .map(|index| async move {
            let name = format!("w{index:03}");
            world.exporter.set(NS, &name, Offered::Rps(15.0));
            apply(client, deployment(NS, &name, "home", 2, 10)).await?;
            apply(client, mass(NS, &name, &["home", "cloud"], 1, 10)).await?;
            Ok(())
        })
        .buffer_unordered(16)
        .collect()
        .await;
    made.into_iter().collect::<Result<()>>()?;
    let workloads = Api::<HybridWorkload>::namespaced(client.clone(), NS);
    eventually("all are Ready with 2", 180, async || {
        let list = workloads.list(&ListParams::default()).await?;
        let ready = list
            .iter()
            .filter(|w| {
                w.status
                    .as_ref()
                    .is_some_and(|s| s.ready.as_deref() == Some("2/2"))
            })
            .count();
        Ok(ready == WORKLOADS)
    })
    .await?;
    // The load goes on moving: 13 to 17, which two replicas serve.
    let end = Timestamp::now() + SignedDuration::from_secs(300);
    tokio::spawn(async move {
        let mut step = 0_u32;
        while Timestamp::now() < end {
            for index in 0..WORKLOADS {
                let wobble = f64::from((step * 7 + u32::try_from(index).unwrap_or(0) * 3) % 5);
                world
                    .exporter
                    .set(NS, &format!("w{index:03}"), Offered::Rps(13.0 + wobble));
            }
            step += 1;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    Ok(())
}
