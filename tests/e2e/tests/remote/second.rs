//! Two clusters in the cloud. One falls silent in a spike: its counts are kept, nothing is doubled
//! before the grace is over, and the other goes on. A new kubeconfig needs no restart.

use crate::cloud::{self, ACCOUNT, secret};
use pinisi_e2e::objects::{apply, condition, replicas, workload};
use pinisi_e2e::record::{Counts, Recorder};
use pinisi_e2e::wait::{always, eventually};
use pinisi_lab::load::Offered;

#[test]
fn one_falls_silent_and_keeps_its_counts_and_the_other_goes_on() {
    cloud::run(async |clouds| {
        let _alone = clouds.calm.write().await;
        let (hub, there, second) = (&clouds.hub, &clouds.there, &clouds.second_there);
        let ns = "silence";
        clouds
            .named_service(ns, "web", &["second", "cloud"], |_, _| {})
            .await?;
        // 100 at 10 a replica and a tenth is 11; 80 % of 4 cores at home hold 6.
        clouds.exporter.set(ns, "web", Offered::Rps(100.0));
        eventually("6 at home, the rest in the second", 60, async || {
            let away = replicas(second, ns, "web").await?.unwrap_or_default();
            Ok(replicas(hub, ns, "web").await? == Some((6, 6)) && away.0 >= 5 && away.1 == away.0)
        })
        .await?;
        let kept = replicas(second, ns, "web").await?.map_or(0, |c| c.0);
        let record = Recorder::start(second, ns);

        clouds.second.pause_apiserver().await?;
        let silent = async {
            eventually("the second is not Reachable", 60, async || {
                Ok(clouds.site("second", "Reachable").await?.0 == "False")
            })
            .await?;
            // Well within the grace of 30 s: what is there counts.
            always("nothing is doubled", 8, async || {
                Ok(replicas(hub, ns, "web")
                    .await?
                    .is_some_and(|(spec, _)| spec <= 6)
                    && replicas(there, ns, "web").await?.is_none())
            })
            .await?;
            let why = condition(hub, ns, "web", "Stalled").await?;
            anyhow::ensure!(
                why.as_ref()
                    .is_some_and(|(_, word, _)| word == "SiteUnreachable"),
                "{why:?}"
            );
            // Growth goes to the other, and after the grace what was lost is made up for there.
            clouds.exporter.set(ns, "web", Offered::Rps(120.0));
            eventually("the other cloud grows", 20, async || {
                Ok(replicas(there, ns, "web")
                    .await?
                    .is_some_and(|(spec, ready)| spec >= 2 && ready == spec))
            })
            .await?;
            eventually("the other makes up for the lost", 60, async || {
                Ok(replicas(there, ns, "web")
                    .await?
                    .is_some_and(|(spec, ready)| spec >= 2 + kept && ready == spec))
            })
            .await?;
            let sites = workload(hub, ns, "web")
                .await?
                .status
                .unwrap_or_default()
                .sites;
            let second = sites.iter().find(|site| site.name == "second");
            anyhow::ensure!(second.is_some_and(|s| s.desired == kept), "{sites:?}");
            anyhow::ensure!(clouds.site("cloud", "Ready").await?.0 == "True");
            Ok(())
        };
        let silent = silent.await;
        clouds.second.resume_apiserver().await?;
        silent?;
        // Its nodes have missed their leases: their pods are Ready again a little later.
        eventually("the second is back, the surplus gone", 60, async || {
            let own = replicas(second, ns, "web").await?.unwrap_or_default();
            let other = replicas(there, ns, "web").await?.unwrap_or_default();
            let ready = clouds.site("second", "Ready").await?;
            anyhow::ensure!(
                ready.0 == "True" && own.1 >= kept && other.0 < 2 + kept,
                "kept {kept}, there {own:?}, in the other {other:?}, {ready:?}, {:?}",
                workload(hub, ns, "web").await?.status
            );
            Ok(true)
        })
        .await?;
        let moments = record.moments();
        let whole = |counts: &Counts| counts.get("web").is_some_and(|(spec, _)| *spec >= kept);
        assert!(
            !moments.is_empty() && moments.iter().all(whole),
            "nothing is taken from what was silent: {moments:?}"
        );

        // Another token in the same Secret; the next move goes out with it.
        let kubeconfig = clouds
            .second
            .account_kubeconfig(ACCOUNT.0, ACCOUNT.1)
            .await?;
        apply(hub, secret("second", &kubeconfig)).await?;
        clouds.exporter.set(ns, "web", Offered::Rps(15.0));
        eventually("all came home", 90, async || {
            Ok(replicas(hub, ns, "web").await? == Some((2, 2))
                && replicas(there, ns, "web").await?.is_none()
                && replicas(second, ns, "web").await?.is_none())
        })
        .await
    });
}
