//! etcd: how it is started. Its data is thrown away with the lab, so nothing is
//! synced to disk.

use std::time::Duration;

use crate::children::SpawnSpec;
use crate::paths::StateDir;
use crate::ports::HeldPort;
use crate::programs::Programs;

/// Its name within the lab.
pub const NAME: &str = "etcd";
/// Most time to become healthy.
pub const START_TIMEOUT: Duration = Duration::from_secs(30);

/// How to start etcd on two loopback ports.
#[must_use]
pub fn command(
    programs: &Programs,
    dir: &StateDir,
    client: &HeldPort,
    peer: &HeldPort,
) -> SpawnSpec {
    let client = format!("http://{}", client.address());
    let peer = format!("http://{}", peer.address());
    let args = vec![
        "--name=lab".into(),
        format!("--data-dir={}", dir.data(NAME).display()),
        format!("--listen-client-urls={client}"),
        format!("--advertise-client-urls={client}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=lab={peer}"),
        "--unsafe-no-fsync=true".into(),
        "--log-level=warn".into(),
    ];
    SpawnSpec::new(NAME, programs.etcd.clone(), args)
}
