//! The cloud runs an older Kubernetes than the hub.

use crate::{cloud, travel};
use pinisi_lab::programs::Version;

#[test]
#[ignore = "deep: cargo lab test --deep older"]
fn a_workload_travels_to_an_older_cluster_and_comes_home() {
    cloud::run_on(Version::V1_34, async |clouds| {
        let version = clouds.cloud.version().await?;
        assert_eq!(version, Version::V1_34.git_version());
        travel::sensitive_is_refused(clouds).await?;
        travel::there_and_back(clouds).await
    });
}
