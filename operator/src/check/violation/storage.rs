//! V03: claims that are bound, by their storage class as rule G20 judges it and by their volume as rule
//! G23 does. One that is bound to nothing holds nothing yet, as a pod without a node runs nowhere.

use super::super::policy::Over;
use super::{Cause, Found, Judge, of_namespace, offender, short};
use crate::checked::Place;
use crate::gather::facts::ObjectKey;
use crate::gather::storage::{ClaimFacts, VolumeSource};
use crate::guard::cel::NO_PROVISIONER;
use pinisi_crds::sovereign_nodes::Terms;
use pinisi_crds::sovereignty_violation::ViolationRule;

impl<'a> Judge<'a> {
    /// Claims of a Sensitive namespace.
    pub(super) fn storage(&self, namespace: &str, over: &[Over<'a>]) -> Vec<Found> {
        let found = |(key, claim): (&ObjectKey, &ClaimFacts)| {
            let cause = self
                .of_other_class(claim, over)
                .or_else(|| self.on_other_volume(claim, over))?;
            Some(Found {
                cause,
                object: offender(ViolationRule::V03, key, &claim.uid),
                place: Place::Storage {
                    class: short(&claim.class),
                    volume: short(&claim.volume),
                },
                evict: false,
            })
        };
        of_namespace(self.index.claims.all(), namespace)
            .filter_map(found)
            .collect()
    }

    fn of_other_class(&self, claim: &ClaimFacts, over: &[Over<'a>]) -> Option<Cause> {
        let mut terms = self.terms(over);
        let (policy, _) =
            terms.find(|(_, terms)| !terms.storage_classes.contains_key(&claim.class))?;
        Some(Cause::StorageClass {
            class: short(&claim.class),
            policy: policy.map(ToOwned::to_owned),
        })
    }

    /// A volume that is gone, or of a kind that cannot be listed, is not judged. It is held against the
    /// claim's class and not its own, which may be another one.
    fn on_other_volume(&self, claim: &ClaimFacts, over: &[Over<'a>]) -> Option<Cause> {
        let name = ObjectKey {
            namespace: String::new(),
            name: claim.volume.clone(),
        };
        let source = self.index.volumes.all().get(&name)?;
        let mut terms = self.terms(over);
        terms.find_map(|(policy, terms)| {
            let wanted = terms.storage_classes.get(&claim.class)?;
            other_volume(source, wanted, terms, policy)
        })
    }
}

/// Why rule G23 would refuse a volume in a class of this driver.
fn other_volume(
    source: &VolumeSource,
    wanted: &str,
    terms: &Terms,
    policy: Option<&str>,
) -> Option<Cause> {
    let wanted_driver = wanted.to_owned();
    match source {
        VolumeSource::Csi { driver } => (driver != wanted).then(|| Cause::VolumeDriver {
            driver: short(driver),
            wanted: wanted_driver,
        }),
        VolumeSource::Nfs { server } => {
            (!terms.nfs_servers.contains(server)).then(|| Cause::NfsServer {
                server: short(server),
                policy: policy.map(ToOwned::to_owned),
            })
        }
        VolumeSource::Local => (wanted != NO_PROVISIONER).then_some(Cause::LocalVolume {
            wanted: wanted_driver,
        }),
        VolumeSource::Other => Some(Cause::VolumeKind {
            wanted: wanted_driver,
        }),
    }
}
