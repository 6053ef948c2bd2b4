//! A kubeconfig that leads to another cluster than the Site saw first: nothing is believed of it and
//! nothing written there, the counts of the right one are kept.

use crate::cloud::{self, ACCOUNT, secret};
use pinisi_e2e::objects::{apply, replicas};
use pinisi_e2e::wait::{always, eventually};
use pinisi_lab::load::Offered;

#[test]
fn another_cluster_behind_the_same_secret_is_neither_believed_nor_written_to() {
    cloud::run(async |clouds| {
        let _alone = clouds.calm.write().await;
        let (hub, there, second) = (&clouds.hub, &clouds.there, &clouds.second_there);
        let ns = "wrong";
        clouds
            .named_service(ns, "web", &["second"], |_, _| {})
            .await?;
        clouds.exporter.set(ns, "web", Offered::Rps(100.0));
        eventually("6 at home, the rest in the second", 60, async || {
            let away = replicas(second, ns, "web").await?.unwrap_or_default();
            Ok(replicas(hub, ns, "web").await? == Some((6, 6)) && away.0 >= 5 && away.1 == away.0)
        })
        .await?;
        let before = replicas(second, ns, "web").await?;

        let (namespace, account) = ACCOUNT;
        let wrong = clouds.cloud.account_kubeconfig(namespace, account).await?;
        apply(hub, secret("second", &wrong)).await?;
        eventually("the second is refused: WrongCluster", 40, async || {
            let said = clouds.site("second", "Reachable").await?;
            anyhow::ensure!(
                said.0 == "False" && said.1 == "WrongCluster" && said.2.contains("spec.clusterUid"),
                "{said:?}"
            );
            Ok(true)
        })
        .await?;
        always("no count moves, and none comes there", 8, async || {
            Ok(replicas(second, ns, "web").await? == before
                && replicas(hub, ns, "web").await? == Some((6, 6))
                && replicas(there, ns, "web").await?.is_none())
        })
        .await?;
        let right = clouds.site("cloud", "Ready").await?;
        assert_eq!(right.0, "True", "{right:?}");

        let own = clouds.second.account_kubeconfig(namespace, account).await?;
        apply(hub, secret("second", &own)).await?;
        eventually("the second is Ready", 40, async || {
            Ok(clouds.site("second", "Ready").await?.0 == "True")
        })
        .await?;
        clouds.exporter.set(ns, "web", Offered::Rps(15.0));
        eventually("all came home", 90, async || {
            Ok(replicas(hub, ns, "web").await? == Some((2, 2))
                && replicas(second, ns, "web").await?.is_none())
        })
        .await
    });
}
