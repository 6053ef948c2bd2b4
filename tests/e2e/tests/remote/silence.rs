//! The cloud falls silent in a spike, and its kubeconfig is changed: counts are kept, nothing is
//! doubled before the grace is over, and nothing needs a restart.

use crate::cloud::{self, ACCOUNT, secret};
use pinisi_e2e::objects::{apply, condition, replicas};
use pinisi_e2e::wait::{always, eventually};
use pinisi_lab::load::Offered;

#[test]
fn a_silent_cluster_keeps_its_counts_and_a_new_kubeconfig_needs_no_restart() {
    cloud::run(async |clouds| {
        let _quiet = clouds.quiet.write().await;
        let (hub, there, ns) = (&clouds.hub, &clouds.there, "silence");
        clouds.exporter.set(ns, "web", Offered::Rps(15.0));
        clouds.service(ns, |_, _| {}).await?;
        clouds.exporter.set(ns, "web", Offered::Rps(100.0));
        eventually(
            "6 at home and the rest Ready in the cloud",
            60,
            async || {
                let away = replicas(there, ns, "web").await?.unwrap_or_default();
                Ok(replicas(hub, ns, "web").await? == Some((6, 6))
                    && away.0 >= 5
                    && away.1 == away.0)
            },
        )
        .await?;
        let before = replicas(there, ns, "web").await?;

        clouds.cloud.pause_apiserver().await?;
        let silent = async {
            eventually("the Site is not Reachable", 60, async || {
                Ok(clouds.site("cloud", "Reachable").await?.0 == "False")
            })
            .await?;
            // Well within the grace of 30 s: what is there counts.
            always("home is not doubled", 10, async || {
                Ok(replicas(hub, ns, "web")
                    .await?
                    .is_some_and(|(spec, _)| spec <= 6))
            })
            .await?;
            let why = condition(hub, ns, "web", "Stalled").await?;
            anyhow::ensure!(
                why.as_ref()
                    .is_some_and(|(_, word, _)| word == "SiteUnreachable"),
                "{why:?}"
            );
            Ok(())
        };
        let silent = silent.await;
        clouds.cloud.resume_apiserver().await?;
        silent?;
        eventually("the Site is Reachable again", 60, async || {
            Ok(clouds.site("cloud", "Reachable").await?.0 == "True"
                && clouds.site("cloud", "Ready").await?.0 == "True")
        })
        .await?;
        assert_eq!(replicas(there, ns, "web").await?, before, "kept");

        // Another token in the same Secret; the next move goes out with it.
        let kubeconfig = clouds
            .cloud
            .account_kubeconfig(ACCOUNT.0, ACCOUNT.1)
            .await?;
        apply(hub, secret("cloud", &kubeconfig)).await?;
        clouds.exporter.set(ns, "web", Offered::Rps(15.0));
        eventually("all came home", 90, async || {
            Ok(replicas(hub, ns, "web").await? == Some((2, 2))
                && replicas(there, ns, "web").await?.is_none())
        })
        .await
    });
}
