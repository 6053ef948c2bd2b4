//! Kubeconfigs that are garbage, expired, without rights, for the hub itself, or not there: each a
//! condition on its own Site, and the sound Site undisturbed.

use crate::cloud::{self, remote_site, secret};
use pinisi_e2e::objects::apply;
use pinisi_e2e::wait::eventually;
use serde_json::json;

#[test]
fn each_bad_kubeconfig_is_said_on_its_own_site() {
    cloud::run(async |clouds| {
        let (hub, cloud) = (&clouds.hub, &clouds.cloud);
        let (namespace, account) = cloud::ACCOUNT;
        let expired = cloud.expired_token(namespace, account).await?;
        let stranger = cloud.account_kubeconfig("default", "default").await?;
        for (name, kubeconfig) in [
            ("garbage", "{]".to_owned()),
            ("expired", cloud.kubeconfig_with(&expired)?),
            ("stranger", stranger),
            ("hub", clouds.home().kubeconfig_text()?),
        ] {
            apply(hub, secret(name, &kubeconfig)).await?;
        }
        for (name, reason) in [
            ("garbage", "KubeconfigUnreadable"),
            ("expired", "Unauthorized"),
            ("stranger", "Forbidden"),
            ("hub", "HubItself"),
            ("missing", "SecretNotFound"),
        ] {
            apply(hub, remote_site(name, &json!({}))).await?;
            eventually(&format!("Site {name}: {reason}"), 40, async || {
                let reachable = clouds.site(name, "Reachable").await?;
                anyhow::ensure!(
                    reachable.0 == "False" && reachable.1 == reason,
                    "{reachable:?}"
                );
                Ok(true)
            })
            .await?;
        }
        let sound = clouds.site("cloud", "Ready").await?;
        assert_eq!(sound.0, "True", "{sound:?}");
        Ok(())
    });
}
