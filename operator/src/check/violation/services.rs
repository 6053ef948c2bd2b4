//! V04: Services that lead outside, as rule G30 judges them.

use super::super::policy::Over;
use super::{Cause, Found, Judge, of_namespace, offender, short};
use crate::checked::Place;
use crate::gather::facts::ObjectKey;
use crate::gather::services::{ServiceFacts, ServiceKind};
use pinisi_crds::sovereignty_violation::ViolationRule;

impl<'a> Judge<'a> {
    /// Services of a Sensitive namespace.
    pub(super) fn services(&self, namespace: &str, over: &[Over<'a>]) -> Vec<Found> {
        let found = |(key, service): (&ObjectKey, &ServiceFacts)| {
            let (exposed_by, cause) = self.outside(service, over)?;
            Some(Found {
                cause,
                object: offender(ViolationRule::V04, key, &service.uid),
                place: Place::Outside { exposed_by },
                evict: false,
            })
        };
        of_namespace(self.index.services.all(), namespace)
            .filter_map(found)
            .collect()
    }

    /// What leads outside, and why it may not; the type first, in the order of the guard's rule.
    fn outside(&self, service: &ServiceFacts, over: &[Over<'a>]) -> Option<(&'static str, Cause)> {
        let ServiceFacts {
            uid: _,
            kind,
            external_ips,
        } = service;
        let by_type = match kind {
            ServiceKind::ClusterIp => None,
            ServiceKind::NodePort => Some(("NodePort", Cause::NodePort)),
            ServiceKind::LoadBalancer { class } => self
                .other_balancer(class, over)
                .map(|cause| ("LoadBalancer", cause)),
            ServiceKind::ExternalName { host } => {
                let host = short(host);
                Some(("ExternalName", Cause::ExternalName { host }))
            }
        };
        by_type.or_else(|| {
            let first = short(external_ips.first()?);
            let others = external_ips.len().saturating_sub(1);
            Some(("externalIPs", Cause::ExternalIps { first, others }))
        })
    }

    fn other_balancer(&self, class: &str, over: &[Over<'a>]) -> Option<Cause> {
        let mut terms = self.terms(over);
        let named = |list: &[String]| list.iter().any(|one| one == class);
        let (policy, _) = terms.find(|(_, terms)| !named(&terms.load_balancer_classes))?;
        Some(Cause::LoadBalancerClass {
            class: short(class),
            policy: policy.map(ToOwned::to_owned),
        })
    }
}
