//! What can be wrong with an object, typed. How each is said, with its field and the way out, is
//! in `words`.

use super::attested::Change;
use crate::gather::link::LinkFault;
use pinisi_crds::hybrid_workload::Class;
use pinisi_crds::legal::DataCategory;
use pinisi_planner::model::amounts::Replicas;

/// Something wrong with one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The spec is not what its kind says; it predates today's schema.
    Unreadable {
        /// What the reader says.
        error: String,
    },
    /// The object is being deleted.
    BeingDeleted,
    /// A value outside its limits.
    OutOfRange {
        /// JSON path.
        field: String,
        /// The value as it stands.
        value: String,
        /// What is allowed.
        allowed: String,
    },
    /// A label selector that cannot be read.
    BadSelector {
        /// JSON path.
        field: String,
        /// What the reader says.
        error: String,
    },

    /// A SovereigntyPolicy without `spec.namespaces`.
    SelectsNothing,
    /// A SovereigntyPolicy names a law of which there is no preset.
    UnknownLaw {
        /// The name.
        name: String,
    },
    /// A SovereigntyPolicy whose Sensitive namespaces may run on no node.
    NoLawfulNode {
        /// How many namespaces.
        namespaces: usize,
    },
    /// A class that another policy ties to another driver.
    ClassOfTwoDrivers {
        /// JSON path.
        field: &'static str,
        /// The class.
        class: String,
        /// Its driver here.
        driver: String,
        /// Its driver there, which holds.
        first: String,
    },
    /// A policy keeps the namespace from a site.
    PolicyForbidsSite {
        /// JSON path.
        field: String,
        /// The site.
        site: String,
        /// The policy.
        policy: String,
        /// The site's jurisdiction.
        jurisdiction: String,
    },

    /// No Ready node carries the site's labels.
    NoNodes {
        /// The labels, as `kubectl get nodes -l` takes them.
        selector: String,
    },
    /// A node is in two Sites.
    SharedNode {
        /// The node.
        node: String,
        /// The other Site.
        other: String,
    },
    /// Nodes of a site that is not sovereign lack the taint that keeps other pods off.
    Untainted {
        /// The first of them.
        node: String,
        /// How many.
        count: usize,
        /// The site.
        site: String,
        /// The site's labels, as `kubectl taint nodes -l` takes them.
        selector: String,
    },
    /// OnPrem sites have no label in common with which Sensitive pods could be stamped.
    NoSharedLabel {
        /// Another OnPrem site.
        other: String,
    },
    /// The labels that all OnPrem sites share are also on a node that is not sovereign.
    LabelNotExclusive {
        /// That node.
        node: String,
        /// The labels.
        labels: String,
    },

    /// Nodes of an OnPrem Site that nobody has attested.
    NotAttested {
        /// The Site.
        site: String,
        /// The first of them.
        node: String,
        /// How many.
        count: usize,
        /// Of how many that carry the site's labels.
        of: usize,
    },
    /// Attested nodes of an OnPrem Site are not there as they were attested.
    AttestedChanged {
        /// The Site.
        site: String,
        /// The first of them.
        node: String,
        /// What it is about that one.
        change: Change,
        /// How many.
        count: usize,
    },

    /// A Site that names nodes and another cluster, or neither.
    ConnectionUnclear,
    /// Another cluster that says OnPrem.
    RemoteOnPrem,
    /// Another Site is the same cluster.
    SharedCluster {
        /// The other Site.
        other: String,
    },
    /// The other cluster has no Ready node that takes pods which tolerate nothing.
    NoRemoteNodes,
    /// The other cluster's own guard is not in force.
    ReceivingGuard {
        /// A CamelCase word for it.
        reason: &'static str,
        /// Why.
        why: String,
    },
    /// Something about the link that does not stop it.
    LinkWarning {
        /// What.
        fault: LinkFault,
    },

    /// The namespace is being deleted.
    NamespaceTerminating {
        /// The namespace.
        namespace: String,
    },
    /// The namespace says no class.
    NamespaceUnclassified {
        /// The namespace.
        namespace: String,
        /// The workload's class.
        class: Class,
    },
    /// The namespace says another class.
    ClassMismatch {
        /// The namespace.
        namespace: String,
        /// What its label says.
        label: String,
        /// The workload's class.
        class: Class,
    },
    /// Mass traffic that holds data which makes a service Sensitive.
    CategoryForcesSensitive {
        /// The first such category.
        category: DataCategory,
        /// The article that says so.
        article: String,
    },
    /// A Site that does not exist.
    UnknownSite {
        /// JSON path, for example `spec.placement.tiers[1].sites[0]`.
        field: String,
        /// The name.
        site: String,
    },
    /// A Site whose own spec cannot be used.
    SiteUnusable {
        /// JSON path.
        field: String,
        /// The name.
        site: String,
    },
    /// A Site that does not take this namespace.
    SiteNotAllowed {
        /// JSON path.
        field: String,
        /// The name.
        site: String,
        /// The namespace.
        namespace: String,
    },
    /// A Sensitive workload names ground that is not sovereign.
    NotSovereign {
        /// JSON path.
        field: String,
        /// The name.
        site: String,
        /// What the site is.
        kind: &'static str,
    },
    /// The first site of the first tier is another cluster.
    RemoteHome {
        /// JSON path.
        field: String,
        /// The name.
        site: String,
    },
    /// A site stands twice in the placement.
    DuplicateSite {
        /// JSON path of the second.
        field: String,
        /// The name.
        site: String,
    },
    /// No OnPrem site takes this namespace.
    NoLawfulSite {
        /// The namespace.
        namespace: String,
    },
    /// A Sensitive workload with several tiers.
    SensitiveTiers,
    /// A MassTraffic workload without placement.
    NoPlacement,

    /// The target does not exist.
    TargetMissing {
        /// Kind and name.
        target: String,
        /// The namespace.
        namespace: String,
    },
    /// The target is being deleted.
    TargetDeleting {
        /// Kind and name.
        target: String,
    },
    /// A kind that cannot be scaled, or not by this version.
    TargetUnsupported {
        /// apiVersion and kind.
        kind: String,
        /// True where the kind is known to have no /scale.
        no_scale: bool,
    },
    /// The target's own selector cannot be read.
    TargetSelector {
        /// Kind and name.
        target: String,
    },
    /// The target is a sibling that the operator made.
    TargetIsSibling {
        /// The Deployment.
        target: String,
        /// The workload that it serves.
        workload: String,
    },
    /// Another HybridWorkload has this target.
    TargetTaken {
        /// Kind and name.
        target: String,
        /// That workload.
        by: String,
    },
    /// Several sites, but the target is no Deployment.
    NotSplittable {
        /// Kind and name.
        target: String,
    },
    /// Several sites, but the pods hold claims.
    HasClaims {
        /// Kind and name.
        target: String,
        /// Volumes.
        volumes: String,
    },
    /// The first site of the placement has a sibling: it was a later one before.
    HomeMoved {
        /// The site.
        site: String,
        /// The sibling.
        sibling: String,
    },
    /// `override` names a site outside the placement.
    OverrideSite {
        /// JSON path.
        field: String,
        /// The name.
        site: String,
    },
    /// A topology spread that would freeze growth at home.
    TopologyCountsTaintedNodes {
        /// `topologyKey`.
        key: String,
        /// A tainted node that carries it.
        node: String,
    },
    /// A schedule that cannot be used: it is left out, and nothing else is.
    ScheduleLeftOut {
        /// JSON path.
        field: String,
        /// The value as it stands.
        value: String,
        /// What is allowed.
        allowed: String,
    },
    /// A schedule starts again so soon that some of its starts are left out.
    ScheduleTooOften {
        /// JSON path.
        field: String,
        /// Seconds after which it starts again.
        seconds: i64,
        /// The fewest that may be.
        least: i64,
    },
    /// A schedule starts again before its window is over.
    ScheduleOverlaps {
        /// JSON path.
        field: String,
        /// Seconds that it lasts.
        seconds: i32,
        /// Seconds after which it starts again.
        period: i64,
    },
    /// A schedule expects more than may ever run.
    ScheduleAboveMaximum {
        /// JSON path.
        field: String,
        /// Replicas that it needs.
        need: u64,
        /// The most.
        max: Replicas,
    },
    /// A dependency that cannot be used: it is left out, and nothing else is.
    DependencyLeftOut {
        /// JSON path.
        field: String,
        /// The value as it stands.
        value: String,
        /// What is allowed.
        allowed: String,
    },
    /// A metric cannot be read at a site that answers otherwise.
    MetricUnknownAt {
        /// JSON path of the metric.
        field: String,
        /// Its type.
        kind: &'static str,
        /// The site.
        site: String,
        /// Why.
        why: String,
    },
    /// An HPA that sets this workload's count works it out from the pods of this cluster, and a
    /// site is in another one.
    HpaCountsHomePods {
        /// The HPA.
        hpa: String,
        /// JSON path of its metric.
        field: String,
        /// The metric's type.
        kind: &'static str,
        /// The site.
        site: String,
    },

    /// No Site is priced in a budget's currency, and one is in another.
    CurrencyUnmatched {
        /// The budget's.
        currency: String,
        /// The Site.
        site: String,
        /// Its price's.
        price: String,
    },
    /// What was spent cannot be read from its ConfigMap.
    LedgerLost {
        /// What the reader says; `None` where there is no such object.
        error: Option<String>,
    },

    /// A source without a usable address.
    NoAddress {
        /// What stands there.
        address: String,
    },
    /// The last answer to a query was not usable.
    QueryFailed {
        /// Name of the query.
        query: String,
        /// A CamelCase word for it.
        reason: &'static str,
        /// The error.
        error: String,
    },
    /// One of a source's gateways gave no usable page.
    GatewayFailing {
        /// Its address.
        address: String,
        /// A CamelCase word for the error.
        reason: &'static str,
        /// The error.
        error: String,
        /// True where its last figures are too old to count: workloads it had figures of are stale.
        lost: bool,
    },
    /// Some series of an answer are not usable.
    UnusableSeries {
        /// Name of the query.
        query: String,
        /// How many.
        unusable: usize,
        /// Of how many.
        of: usize,
    },
}

impl Problem {
    /// A CamelCase word for conditions, Events and metric labels.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "SpecUnreadable",
            Self::BeingDeleted => "BeingDeleted",
            Self::OutOfRange { .. } => "ValueOutOfRange",
            Self::BadSelector { .. } => "BadSelector",
            Self::SelectsNothing => "SelectsNothing",
            Self::UnknownLaw { .. } => "UnknownLaw",
            Self::NoLawfulNode { .. } => "NoLawfulNode",
            Self::ClassOfTwoDrivers { .. } => "ClassOfTwoDrivers",
            Self::PolicyForbidsSite { .. } => "PolicyForbidsSite",
            Self::NoNodes { .. } => "NoNodes",
            Self::SharedNode { .. } => "NodeInTwoSites",
            Self::Untainted { .. } => "NodesNotTainted",
            Self::NoSharedLabel { .. } => "NoSharedLabel",
            Self::LabelNotExclusive { .. } => "LabelNotExclusive",
            Self::NotAttested { .. } => "NodesNotAttested",
            Self::AttestedChanged { .. } => "AttestedNodesChanged",
            Self::ConnectionUnclear => "ConnectionUnclear",
            Self::RemoteOnPrem => "RemoteNotSovereign",
            Self::SharedCluster { .. } => "ClusterInTwoSites",
            Self::NoRemoteNodes => "NoRemoteNodes",
            Self::ReceivingGuard { reason, .. } => reason,
            Self::LinkWarning { fault } => fault.reason(),
            Self::NamespaceTerminating { .. } => "NamespaceTerminating",
            Self::NamespaceUnclassified { .. } => "NamespaceUnclassified",
            Self::ClassMismatch { .. } => "ClassMismatch",
            Self::CategoryForcesSensitive { .. } => "CategoryForcesSensitive",
            Self::UnknownSite { .. } => "SiteNotFound",
            Self::SiteUnusable { .. } => "SiteUnusable",
            Self::SiteNotAllowed { .. } => "SiteNotAllowed",
            Self::NotSovereign { .. } => "SiteNotSovereign",
            Self::RemoteHome { .. } => "HomeInAnotherCluster",
            Self::DuplicateSite { .. } => "DuplicateSite",
            Self::NoLawfulSite { .. } => "NoLawfulSite",
            Self::SensitiveTiers => "SensitiveTiers",
            Self::NoPlacement => "NoPlacement",
            Self::TargetMissing { .. } => "TargetNotFound",
            Self::TargetDeleting { .. } => "TargetBeingDeleted",
            Self::TargetUnsupported { .. } => "TargetNotScalable",
            Self::TargetSelector { .. } => "TargetSelectorUnreadable",
            Self::TargetIsSibling { .. } => "TargetIsSibling",
            Self::TargetTaken { .. } => "TargetTaken",
            Self::NotSplittable { .. } => "TargetNotSplittable",
            Self::HasClaims { .. } => "TargetHasClaims",
            Self::HomeMoved { .. } => "HomeMoved",
            Self::OverrideSite { .. } => "OverrideSiteIgnored",
            Self::TopologyCountsTaintedNodes { .. } => "TopologyCountsTaintedNodes",
            Self::ScheduleLeftOut { .. } => "ScheduleLeftOut",
            Self::ScheduleTooOften { .. } => "ScheduleTooOften",
            Self::ScheduleOverlaps { .. } => "ScheduleOverlaps",
            Self::ScheduleAboveMaximum { .. } => "ScheduleAboveMaximum",
            Self::DependencyLeftOut { .. } => "DependencyLeftOut",
            Self::MetricUnknownAt { .. } => "MetricUnknownAtSite",
            Self::HpaCountsHomePods { .. } => "HpaCountsHomePods",
            Self::CurrencyUnmatched { .. } => "CurrencyUnmatched",
            Self::LedgerLost { .. } => "LedgerLost",
            Self::NoAddress { .. } => "NoAddress",
            Self::QueryFailed { reason, .. } | Self::GatewayFailing { reason, .. } => reason,
            Self::UnusableSeries { .. } => "UnusableSeries",
        }
    }

    /// True where the object cannot be used as it is: a workload is left as it stands, a site
    /// takes no new placement, a source is not Ready. False for a warning.
    #[must_use]
    pub const fn blocks(&self) -> bool {
        match self {
            Self::Unreadable { .. }
            | Self::BeingDeleted
            | Self::OutOfRange { .. }
            | Self::BadSelector { .. }
            | Self::PolicyForbidsSite { .. }
            | Self::UnknownLaw { .. }
            | Self::SelectsNothing
            | Self::NoNodes { .. }
            | Self::SharedNode { .. }
            | Self::ConnectionUnclear
            | Self::RemoteOnPrem
            | Self::SharedCluster { .. }
            | Self::NoRemoteNodes
            | Self::ReceivingGuard { .. }
            | Self::RemoteHome { .. }
            | Self::NamespaceTerminating { .. }
            | Self::NamespaceUnclassified { .. }
            | Self::ClassMismatch { .. }
            | Self::CategoryForcesSensitive { .. }
            | Self::UnknownSite { .. }
            | Self::SiteUnusable { .. }
            | Self::SiteNotAllowed { .. }
            | Self::NotSovereign { .. }
            | Self::DuplicateSite { .. }
            | Self::NoLawfulSite { .. }
            | Self::SensitiveTiers
            | Self::NoPlacement
            | Self::TargetMissing { .. }
            | Self::TargetDeleting { .. }
            | Self::TargetUnsupported { .. }
            | Self::TargetSelector { .. }
            | Self::TargetIsSibling { .. }
            | Self::TargetTaken { .. }
            | Self::NotSplittable { .. }
            | Self::HasClaims { .. }
            | Self::HomeMoved { .. }
            | Self::HpaCountsHomePods { .. }
            | Self::NoAddress { .. }
            | Self::QueryFailed { .. } => true,
            Self::Untainted { .. }
            | Self::NoLawfulNode { .. }
            | Self::ClassOfTwoDrivers { .. }
            | Self::NoSharedLabel { .. }
            | Self::LabelNotExclusive { .. }
            | Self::NotAttested { .. }
            | Self::AttestedChanged { .. }
            | Self::LinkWarning { .. }
            | Self::OverrideSite { .. }
            | Self::TopologyCountsTaintedNodes { .. }
            | Self::ScheduleLeftOut { .. }
            | Self::ScheduleTooOften { .. }
            | Self::ScheduleOverlaps { .. }
            | Self::ScheduleAboveMaximum { .. }
            | Self::DependencyLeftOut { .. }
            | Self::MetricUnknownAt { .. }
            | Self::CurrencyUnmatched { .. }
            | Self::LedgerLost { .. }
            | Self::UnusableSeries { .. } => false,
            Self::GatewayFailing { lost, .. } => *lost,
        }
    }
}

/// A class as its label has it.
#[must_use]
pub const fn class_name(class: Class) -> &'static str {
    match class {
        Class::Sensitive => pinisi_crds::names::CLASS_SENSITIVE,
        Class::MassTraffic => pinisi_crds::names::CLASS_MASS_TRAFFIC,
    }
}
