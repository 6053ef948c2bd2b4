//! What the cases are built from: names of the canaries, nodes on both sides, the stamp, what policies
//! allow, and the guard's objects as the API server has them. How it is read is in `facts.rs`.

use super::attempt::Identity;
use super::judge::Stamp;
use super::objects::IMAGE;
use super::outcome::Skip;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What the cases are built from.
#[derive(Clone, Debug)]
pub struct Ground {
    /// The canaries.
    pub canaries: Canaries,
    /// The operator's account.
    pub operator: Account,
    /// A name of a node that is not sovereign; there need not be one.
    pub away: String,
    /// A node that is.
    pub home: Option<String>,
    /// A sovereign node that is known as a machine, with what says which.
    pub identified: Option<(String, Value)>,
    /// An OnPrem Site.
    pub site: Option<String>,
    /// What pods of the Sensitive canary are stamped with.
    pub stamp: Stamp,
    /// What policies allow in the Sensitive canary.
    pub allowed: Allowed,
    /// Nodes of Sites away.
    pub sites_away: Vec<String>,
    /// Whether a policy keeps the canary without a class off these.
    pub unclassified_kept: bool,
    /// Categories of data that a law which some policy names makes Sensitive.
    pub categories: BTreeSet<&'static str>,
    /// The guard's policies and bindings.
    pub guard: Vec<Value>,
    /// Every node that is not sovereign, by its name.
    pub nodes_away: BTreeMap<String, NodeAway>,
    /// The guard's objects of the cloud's cluster, where there is one to look at.
    pub remote_guard: Option<Vec<Value>>,
    /// A namespace of the cloud's cluster that says Sensitive, from before its guard.
    pub remote_sensitive: Option<String>,
    /// A pod there that says so itself, in another namespace: both names.
    pub remote_pod: Option<(String, String)>,
}

/// A node that is not sovereign.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeAway {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Whether it carries the taint of a Site.
    pub tainted: bool,
}

/// What every policy that selects the Sensitive canary allows. Empty: nothing, but for registries and
/// backup locations, where it means anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// StorageClass to its provisioner.
    pub storage_classes: BTreeMap<String, String>,
    /// Addresses of NFS servers.
    pub nfs_servers: Vec<String>,
    /// Snapshot class to its driver.
    pub snapshot_classes: BTreeMap<String, String>,
    /// Backup locations.
    pub backup_locations: Vec<String>,
    /// Registries.
    pub registries: Vec<String>,
    /// Schedulers beside the cluster's own.
    pub schedulers: Vec<String>,
    /// Ingress classes.
    pub ingress_classes: Vec<String>,
    /// Gateways, as `namespace/name`.
    pub gateways: Vec<String>,
    /// Classes of load balancers.
    pub load_balancer_classes: Vec<String>,
    /// Domains of OpenShift Routes.
    pub domains: Vec<String>,
    /// Users that act from a cloud.
    pub cloud_users: Vec<String>,
    /// Groups that do.
    pub cloud_groups: Vec<String>,
}

/// Names of what the suite makes. Each stands for its class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canaries {
    /// The run, a part of every name.
    pub run: String,
    /// Namespace of class Sensitive, with the pod [`POD`] that nothing can schedule, as in the others.
    pub sensitive: String,
    /// Namespace of class MassTraffic.
    pub mass: String,
    /// Namespace without a class.
    pub unclassified: String,
    /// Namespace of class Sensitive by whose own word every inventory is out of date.
    pub stale: String,
    /// Where the Sensitive pod is bound; empty for nowhere.
    pub pod_node: String,
}

impl Canaries {
    /// Name of what stands in no namespace.
    #[must_use]
    pub fn cluster_name(&self) -> String {
        format!("pinisi-conformance-{}", self.run)
    }

    /// A group that nobody is in but by impersonation: rights are given to it. An identity without a
    /// name of its own is a user of the same name.
    #[must_use]
    pub fn group(&self, identity: Identity) -> String {
        format!("{}:{}", self.cluster_name(), identity.word())
    }

    /// The user that a granted service account is.
    #[must_use]
    pub fn account(&self, identity: Identity) -> String {
        format!("system:serviceaccount:{}:{}", self.mass, identity.word())
    }
}

/// Name of the canary pod, and of its account.
pub const POD: &str = "canary";

/// A ServiceAccount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Account {
    /// Its user name.
    #[must_use]
    pub fn user(&self) -> String {
        format!("system:serviceaccount:{}:{}", self.namespace, self.name)
    }
}

impl Ground {
    /// A lawful StorageClass with its provisioner.
    ///
    /// # Errors
    /// No policy allows one.
    pub fn storage_class(&self) -> Result<(&str, &str), Skip> {
        first_of(&self.allowed.storage_classes)
    }

    /// A lawful snapshot class with its driver.
    ///
    /// # Errors
    /// No policy allows one.
    pub fn snapshot_class(&self) -> Result<(&str, &str), Skip> {
        first_of(&self.allowed.snapshot_classes)
    }

    /// An image that is lawful, where not every one is.
    ///
    /// # Errors
    /// Every one is: no policy names registries.
    pub fn lawful_image(&self) -> Result<String, Skip> {
        let registry = self
            .allowed
            .registries
            .first()
            .ok_or(Skip::NothingAllowed)?;
        Ok(format!("{registry}/pause:3.10"))
    }

    /// An image that no policy minds.
    #[must_use]
    pub fn image(&self) -> String {
        self.lawful_image().unwrap_or_else(|_| IMAGE.to_owned())
    }

    /// A node away that pods without a class must not come to.
    ///
    /// # Errors
    /// No policy says so, or no Site away has a node.
    pub fn unclassified_kept_home(&self) -> Result<&str, Skip> {
        if !self.unclassified_kept {
            return Err(Skip::NoPolicy);
        }
        let node = self.sites_away.first().ok_or(Skip::NoNodeAbroad)?;
        Ok(node)
    }

    /// A node that is there and not sovereign.
    ///
    /// # Errors
    /// All are.
    pub fn node_away(&self) -> Result<&str, Skip> {
        let name = self.nodes_away.keys().next();
        name.map(String::as_str).ok_or(Skip::NoNodeAbroad)
    }

    /// One that carries the taint of a Site.
    ///
    /// # Errors
    /// None does.
    pub fn tainted_node(&self) -> Result<&str, Skip> {
        let tainted = self.nodes_away.iter().find(|(_, node)| node.tainted);
        tainted
            .map(|(name, _)| name.as_str())
            .ok_or(Skip::NoNodeAbroad)
    }

    /// A sovereign node that is known as a machine, with the fields of a Node that say which.
    ///
    /// # Errors
    /// None is.
    pub fn identified_node(&self) -> Result<(&str, &Value), Skip> {
        let (name, id) = self.identified.as_ref().ok_or(Skip::NothingAllowed)?;
        Ok((name, id))
    }

    /// Names in the place of those that a run would find: what `conformance list` shows.
    #[must_use]
    pub fn sample() -> Self {
        let label = ("node-restriction.kubernetes.io/pinisi-ground", "sovereign");
        let one = |word: &str| vec![word.to_owned()];
        let pair = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
        let away = NodeAway {
            labels: BTreeMap::new(),
            tainted: true,
        };
        Self {
            canaries: Canaries {
                run: "sample".into(),
                sensitive: "sensitive".into(),
                mass: "mass".into(),
                unclassified: "unclassified".into(),
                stale: "stale".into(),
                pod_node: String::new(),
            },
            operator: Account {
                namespace: "pinisi-system".into(),
                name: "pinisi".into(),
            },
            away: "cloud-0".into(),
            home: Some("home-0".into()),
            identified: Some(("home-0".into(), Value::Null)),
            site: Some("home".into()),
            stamp: Stamp {
                labels: pair(label.0, label.1),
                served: true,
            },
            allowed: Allowed {
                storage_classes: pair("home", "home.example.com"),
                nfs_servers: one("192.0.2.2"),
                snapshot_classes: pair("home", "home.example.com"),
                backup_locations: one("home"),
                registries: one("registry.example.go.id"),
                schedulers: one("home"),
                ingress_classes: one("home"),
                gateways: one("gateways/home"),
                load_balancer_classes: one("example.go.id/home"),
                domains: one("example.go.id"),
                cloud_users: one("somebody"),
                cloud_groups: one("somebodies"),
            },
            sites_away: one("cloud-0"),
            unclassified_kept: true,
            categories: ["Health"].into(),
            guard: Vec::new(),
            nodes_away: [("cloud-0".to_owned(), away)].into(),
            remote_guard: None,
            remote_sensitive: Some("before".into()),
            remote_pod: Some(("mass".into(), "before".into())),
        }
    }
}

fn first_of(map: &BTreeMap<String, String>) -> Result<(&str, &str), Skip> {
    let (name, value) = map.iter().next().ok_or(Skip::NothingAllowed)?;
    Ok((name, value))
}
