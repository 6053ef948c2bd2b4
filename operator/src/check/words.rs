//! Problems in words: each names the field and the way out.

use super::problem::{Problem, class_name};
use pinisi_crds::legal;
use pinisi_crds::names::{CLASS_LABEL, LEDGER, LEDGER_KEY, SITE_LABEL};
use std::fmt;

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { error } => write!(f, "spec cannot be read: {error}; apply it again as this version's schema has it"),
            Self::BeingDeleted => f.write_str("metadata.deletionTimestamp is set: the target keeps running and its pin stays; nothing is placed anew"),
            Self::OutOfRange { field, value, allowed } => write!(f, "{field} is {value}; set it to {allowed}"),
            Self::BadSelector { field, error } => write!(f, "{field} is not a label selector: {error}; correct its operator and values"),
            Self::SelectsNothing => f.write_str("spec.namespaces is absent, so the policy guards nothing; set it to {} for every namespace, or to a selector"),
            Self::UnknownLaw { name } => {
                let known: Vec<_> = legal::presets().keys().map(String::as_str).collect();
                write!(
                    f,
                    "spec.legal names {name}, of which there is no preset: there are {}; all else that the policy says holds",
                    known.join(" and ")
                )
            }
            Self::NoLawfulNode { namespaces } => write!(
                f,
                "spec.jurisdictions: no attested node is of an OnPrem Site that this policy allows, so pods of {namespaces} Sensitive namespace(s) run nowhere; add a jurisdiction, or attest nodes: kubectl pinisi attest"
            ),
            Self::ClassOfTwoDrivers { field, class, driver, first } => write!(
                f,
                "{field}: {class} is of driver {driver} here and of {first} in another policy, which holds; correct one of the two"
            ),
            Self::PolicyForbidsSite { field, site, policy, jurisdiction } => write!(
                f,
                "{field}: SovereigntyPolicy {policy} does not allow Site {site}, which is under the law of {jurisdiction}; name a Site under one of its spec.jurisdictions"
            ),
            Self::NoNodes { selector } => write!(
                f,
                "spec.nodes.matchLabels: no Ready node carries {selector}; label the site's nodes, or see kubectl get nodes -l {selector}"
            ),
            Self::SharedNode { node, other } => write!(
                f,
                "spec.nodes.matchLabels: node {node} is also in Site {other}; relabel the node so that one Site matches it, or delete one of the two Sites"
            ),
            Self::Untainted { node, count, site, selector } => write!(
                f,
                "spec.nodes: {count} node(s), first {node}, lack the taint {SITE_LABEL}={site}:NoExecute, so pods of others may run there; \
                 kubectl taint nodes -l {selector} {SITE_LABEL}={site}:NoExecute --overwrite"
            ),
            Self::NoSharedLabel { other } => write!(
                f,
                "spec.nodes.matchLabels shares no label with OnPrem Site {other}, so Sensitive pods cannot be stamped with one selector for all \
                 sovereign nodes; give the nodes of all OnPrem Sites one common label and make the Sites anew with it in matchLabels"
            ),
            Self::LabelNotExclusive { node, labels } => write!(
                f,
                "spec.nodes.matchLabels: node {node} is not sovereign but carries {labels}, which all OnPrem Sites share; \
                 remove the label from that node, or it keeps drawing Sensitive pods that the guard then refuses"
            ),
            Self::NotAttested { site, node, count, of } => write!(
                f,
                "spec.attested: {count} of {of} node(s) that carry the site's labels are not attested, first {node}: Sensitive pods are refused there; \
                 kubectl pinisi attest {site} shows them, or take the labels off"
            ),
            Self::AttestedChanged { site, node, change, count } => write!(
                f,
                "spec.attested[{node}] {change}; {count} attested node(s) are not as they were attested, so that no Sensitive pod is bound there anew; \
                 see kubectl pinisi attest {site}, then attest again (--node {node}) or withdraw it (--remove {node})"
            ),
            Self::ConnectionUnclear => f.write_str(
                "spec.nodes and spec.kubeconfigSecretRef: exactly one of them says where the site is; make the Site anew with one",
            ),
            Self::RemoteOnPrem => f.write_str(
                "spec.type is OnPrem, but spec.kubeconfigSecretRef names another cluster, whose ground cannot be proved sovereign; \
                 make the Site anew with type Cloud or Edge, or with spec.nodes",
            ),
            Self::SharedCluster { other } => write!(
                f,
                "spec.kubeconfigSecretRef leads to the same cluster as that of Site {other}; delete one of the two Sites"
            ),
            Self::NoRemoteNodes => f.write_str(
                "the cluster has no Ready node without a NoSchedule or NoExecute taint; add one, or remove the taint from its nodes",
            ),
            Self::ReceivingGuard { reason: _, why } => write!(
                f,
                "the receiving guard of the cluster is not in force: {why}; nothing new is placed there until it is"
            ),
            Self::LinkWarning { fault } => write!(f, "{fault}; until then the site is used with this limitation"),
            Self::NamespaceTerminating { namespace } => {
                write!(f, "metadata.namespace: {namespace} is being deleted; nothing is made there any more")
            }
            Self::NamespaceUnclassified { namespace, class } => write!(
                f,
                "spec.class is {0}, but namespace {namespace} has no label {CLASS_LABEL}; kubectl label namespace {namespace} {CLASS_LABEL}={0}",
                class_name(*class)
            ),
            Self::ClassMismatch { namespace, label, class } => write!(
                f,
                "spec.class is {}, but namespace {namespace} has {CLASS_LABEL}={label}; a namespace holds one class: \
                 move the service to a namespace of its class, or correct spec.class",
                class_name(*class)
            ),
            Self::CategoryForcesSensitive { category, article } => write!(
                f,
                "spec.dataCategories has {}, which {article} protects so that the service is Sensitive, but spec.class is \
                 MassTraffic: make it anew as Sensitive, in a namespace of that class",
                category.word()
            ),
            Self::UnknownSite { field, site } => {
                write!(f, "{field}: there is no Site {site}; create it or name another (kubectl get sites)")
            }
            Self::SiteUnusable { field, site } => {
                write!(f, "{field}: the spec of Site {site} cannot be used; see kubectl describe site {site}")
            }
            Self::SiteNotAllowed { field, site, namespace } => write!(
                f,
                "{field}: Site {site} does not take namespace {namespace}; ask the platform team to let spec.allowedNamespaces of that Site select it, \
                 or name another site"
            ),
            Self::NotSovereign { field, site, kind } => {
                write!(f, "{field}: Site {site} is {kind}; a Sensitive workload runs on OnPrem sites only: name one of those, or leave spec.placement out")
            }
            Self::RemoteHome { field, site } => write!(
                f,
                "{field}: Site {site} is another cluster, but the target runs here; put a Site of this cluster first, for example the one where the target runs now"
            ),
            Self::DuplicateSite { field, site } => write!(f, "{field}: Site {site} stands twice in spec.placement; name it once"),
            Self::NoLawfulSite { namespace } => write!(
                f,
                "spec.placement is absent and no OnPrem Site takes namespace {namespace}; create one, or let its spec.allowedNamespaces select the namespace"
            ),
            Self::SensitiveTiers => f.write_str("spec.placement.tiers: a Sensitive workload never overflows; give it one tier of OnPrem sites"),
            Self::NoPlacement => {
                f.write_str("spec.placement.tiers is missing; a MassTraffic workload lists its home first, then where it may overflow to")
            }
            Self::TargetMissing { target, namespace } => {
                write!(f, "spec.targetRef: there is no {target} in namespace {namespace}; create it, or delete this object and name another target")
            }
            Self::TargetDeleting { target } => {
                write!(f, "spec.targetRef: {target} is being deleted; create it anew, or delete this object")
            }
            Self::TargetUnsupported { kind, no_scale: true } => {
                write!(f, "spec.targetRef.kind: {kind} has no /scale; name a Deployment or a StatefulSet of apps/v1")
            }
            Self::TargetUnsupported { kind, no_scale: false } => write!(
                f,
                "spec.targetRef.kind: {kind} has no /scale or is not supported by this version; name a Deployment or a StatefulSet of apps/v1"
            ),
            Self::TargetSelector { target } => {
                write!(f, "spec.targetRef: spec.selector of {target} cannot be read or selects every pod; give it matchLabels")
            }
            Self::TargetIsSibling { target, workload } => write!(
                f,
                "spec.targetRef: {target} is a sibling that serves HybridWorkload {workload}; delete this object, that one scales it already"
            ),
            Self::TargetTaken { target, by } => {
                write!(f, "spec.targetRef: {target} is the target of the older HybridWorkload {by}; delete one of the two")
            }
            Self::NotSplittable { target } => {
                write!(f, "spec.placement names several sites, but {target} is not a Deployment of apps/v1; name one site, or use a Deployment")
            }
            Self::HasClaims { target, volumes } => write!(
                f,
                "spec.placement names several sites, but pods of {target} hold claims ({volumes}) that cannot follow them; name one site, or drop the volumes"
            ),
            Self::HomeMoved { site, sibling } => write!(
                f,
                "spec.placement.tiers[0].sites[0] is {site}, where the sibling Deployment {sibling} still serves; \
                 put the former first site back, let the replicas come home, then change the order"
            ),
            Self::OverrideSite { field, site } => {
                write!(f, "{field}: Site {site} is not in this workload's placement and is ignored; add it to spec.placement.tiers or remove it here")
            }
            Self::TopologyCountsTaintedNodes { key, node } => write!(
                f,
                "spec.targetRef: the target's topologySpreadConstraints over {key} count tainted nodes such as {node}, which would freeze growth at home; \
                 set nodeTaintsPolicy: Honor on that constraint"
            ),
            Self::ScheduleLeftOut { field, value, allowed } => write!(
                f,
                "{field} is {value}, so nothing is made ready for it; set it to {allowed}; all else goes on"
            ),
            Self::ScheduleTooOften { field, seconds, least } => write!(
                f,
                "{field} starts again after {seconds} s; starts within {least} s of another are left out: make one longer window of them"
            ),
            Self::ScheduleOverlaps { field, seconds, period } => write!(
                f,
                "{field} is {seconds}, but the next window starts {period} s after the one before; set it to at most {period}, or start it less often; \
                 meanwhile the larger of the two counts"
            ),
            Self::ScheduleAboveMaximum { field, need, max } => write!(
                f,
                "{field} needs {need} replicas, but spec.autoscaling.maxReplicas is {max}; raise it before that day, or expect less"
            ),
            Self::DependencyLeftOut { field, value, allowed } => write!(
                f,
                "{field} is {value}, so it bounds nothing; set it to {allowed}; all else goes on"
            ),
            Self::MetricUnknownAt { field, kind, site, why } => write!(
                f,
                "{field}: the {kind} metric is not known at Site {site} ({why}); nothing shrinks meanwhile: mend the metrics API of that cluster, \
                 or the operator's right to read it"
            ),
            Self::HpaCountsHomePods { hpa, field, kind, site } => write!(
                f,
                "spec.placement.tiers: Site {site} is another cluster, and {hpa}, which sets this workload's count, works {field} ({kind}) out from the pods \
                 of this cluster alone, so it would shrink the service while it runs there; hold that HPA to averageValue of an External or Object metric, \
                 or move its metrics into spec.autoscaling.metrics here and delete it"
            ),
            Self::CurrencyUnmatched { currency, site, price } => write!(
                f,
                "spec.ceiling.currency is {currency}, but no Site is priced in it, and Site {site} is in {price}; nothing is paid for until they agree"
            ),
            Self::LedgerLost { error: None } => write!(
                f,
                "ConfigMap {LEDGER} is not there, so what was spent is kept in this status alone; apply the chart again"
            ),
            Self::LedgerLost { error: Some(error) } => write!(
                f,
                "{LEDGER_KEY} in ConfigMap {LEDGER} cannot be read: {error}; restore it, or delete that key to begin with what this status says"
            ),
            Self::NoAddress { address } => {
                write!(f, "spec.prometheus.address is {address:?}; set a URL with a host, for example http://prometheus.monitoring.svc:9090")
            }
            Self::QueryFailed { query, reason: _, error } => write!(f, "spec.queries[{query}]: {error}"),
            Self::GatewayFailing { address, reason: _, error, lost: true } => write!(
                f,
                "spec.gateways[{address}]: {error}; its figures are older than staleAfterSeconds, so workloads that it had figures of do not change"
            ),
            Self::GatewayFailing { address, reason: _, error, lost: false } => {
                write!(f, "spec.gateways[{address}]: {error}; until staleAfterSeconds its last figures count")
            }
            Self::UnusableSeries { query, unusable, of } => write!(
                f,
                "spec.queries[{query}]: {unusable} of {of} series are not usable (not a number, negative, several for one workload, or without a time); \
                 correct the query, for example with sum by (namespace, workload)"
            ),
        }
    }
}
