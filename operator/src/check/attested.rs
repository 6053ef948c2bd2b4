//! Whether a node is the machine that a person attested in its Site: by name, by uid, and by the
//! providerID or machineID that it has. What differs is typed. Not here: the inventory (sovereign).

use super::problem::Problem;
use crate::gather::facts::NodeFacts;
use pinisi_crds::sovereign_nodes::NodeIdentity;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Labels by which nodes are known that stand for other machines: those of Virtual Kubelet, Liqo and
/// Admiralty, each with its value. One that ends in `/` is the begin of a label of any value.
pub const VIRTUAL: [(&str, Option<&str>); 4] = [
    ("type", Some("virtual-kubelet")),
    ("kubernetes.io/role", Some("virtual-kubelet")),
    ("virtual-kubelet.io/", None),
    ("liqo.io/type", Some("virtual-node")),
];

/// How a node stands to what was attested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is the machine that was attested.
    Attested,
    /// Nobody has attested one of this name.
    New,
    /// One of this name was attested, and this is not it, or cannot be told to be it.
    Changed(Change),
}

/// Why a node is not taken for the one that was attested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// No Node of this name is in the site any more.
    Missing,
    /// The Node was deleted and made again.
    Uid {
        /// As attested.
        was: String,
        /// As it is.
        is: String,
    },
    /// Another machine, as its provider calls it.
    ProviderId {
        /// As attested.
        was: String,
        /// As it is; `None` where it has none.
        is: Option<String>,
    },
    /// Another machine, or one that was installed anew.
    MachineId {
        /// As attested.
        was: String,
        /// As it is; `None` where it has none.
        is: Option<String>,
    },
    /// It was attested by name and uid alone, though the node can be told by more.
    Unproven {
        /// The field that would tell it.
        field: &'static str,
    },
    /// It is no machine, but a way to another cluster or to a provider.
    Virtual {
        /// The label that says so.
        label: String,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_none = |is: &Option<String>| is.clone().unwrap_or_else(|| "none".to_owned());
        match self {
            Self::Missing => f.write_str("is not among the site's nodes any more"),
            Self::Uid { was, is } => write!(
                f,
                "was deleted and made again: its uid was {was} and is {is}"
            ),
            Self::ProviderId { was, is } => write!(
                f,
                "is another machine: its providerID was {was} and is {}",
                or_none(is)
            ),
            Self::MachineId { was, is } => write!(
                f,
                "is another machine or was installed anew: its machineID was {was} and is {}",
                or_none(is)
            ),
            Self::Unproven { field } => write!(f, "was attested without its {field}"),
            Self::Virtual { label } => write!(
                f,
                "carries {label}: it is no machine of yours, but a way to somewhere else, and cannot be attested"
            ),
        }
    }
}

/// A node as it could be attested now.
#[must_use]
pub fn identity(node: &NodeFacts) -> NodeIdentity {
    NodeIdentity {
        uid: node.uid.clone(),
        provider_id: node.provider_id.clone(),
        machine_id: node.machine_id.clone(),
    }
}

/// Judges a node, as it is and with its labels, by what was attested of its name.
#[must_use]
pub fn judge(
    attested: Option<&NodeIdentity>,
    now: &NodeIdentity,
    labels: &BTreeMap<String, String>,
) -> Standing {
    match (virtual_label(labels), attested) {
        (Some(label), _) => Standing::Changed(Change::Virtual { label }),
        (None, None) => Standing::New,
        (None, Some(attested)) => {
            change(attested, now).map_or(Standing::Attested, Standing::Changed)
        }
    }
}

fn change(attested: &NodeIdentity, now: &NodeIdentity) -> Option<Change> {
    let NodeIdentity {
        uid,
        provider_id,
        machine_id,
    } = attested;
    let other = |was: &Option<String>, is: &Option<String>| {
        let was = was.clone()?;
        (is.as_ref() != Some(&was)).then(|| (was, is.clone()))
    };
    // The machine first: that says more than a Node made again.
    if let Some((was, is)) = other(provider_id, &now.provider_id) {
        return Some(Change::ProviderId { was, is });
    }
    if let Some((was, is)) = other(machine_id, &now.machine_id) {
        return Some(Change::MachineId { was, is });
    }
    if *uid != now.uid {
        return Some(Change::Uid {
            was: uid.clone(),
            is: now.uid.clone(),
        });
    }
    if provider_id.is_some() || machine_id.is_some() {
        return None;
    }
    let field = match (&now.provider_id, &now.machine_id) {
        (Some(_), _) => "providerID",
        (None, Some(_)) => "machineID",
        (None, None) => return None,
    };
    Some(Change::Unproven { field })
}

fn virtual_label(labels: &BTreeMap<String, String>) -> Option<String> {
    let says = |(key, value): &(&String, &String)| {
        VIRTUAL.iter().any(|(mark, wanted)| {
            let named = key.as_str() == *mark || (mark.ends_with('/') && key.starts_with(mark));
            named && wanted.is_none_or(|wanted| wanted == value.as_str())
        })
    };
    let (key, value) = labels.iter().find(says)?;
    Some(format!("{key}={value}"))
}

/// Names of a site's nodes that are attested as they are. Says of the others how many there are,
/// and of those that were attested what has changed.
pub fn of_site<'a>(
    site: &str,
    attested: &BTreeMap<String, NodeIdentity>,
    nodes: &[&'a NodeFacts],
    problems: &mut Vec<Problem>,
) -> BTreeSet<&'a str> {
    let mut lawful = BTreeSet::new();
    let (mut new, mut changed) = (Vec::new(), Vec::new());
    for node in nodes {
        let name = &*node.name;
        match judge(attested.get(name), &identity(node), &node.labels) {
            Standing::Attested => {
                lawful.insert(name);
            }
            Standing::New => new.push(name),
            Standing::Changed(change) => changed.push((name, change)),
        }
    }
    let there: BTreeSet<_> = nodes.iter().map(|node| &*node.name).collect();
    let missing = attested
        .keys()
        .filter(|name| !there.contains(name.as_str()))
        .map(|name| (name.as_str(), Change::Missing));
    changed.extend(missing);
    if let Some((node, change)) = changed.first() {
        problems.push(Problem::AttestedChanged {
            site: site.to_owned(),
            node: (*node).to_owned(),
            change: change.clone(),
            count: changed.len(),
        });
    }
    if let Some(node) = new.first() {
        problems.push(Problem::NotAttested {
            site: site.to_owned(),
            node: (*node).to_owned(),
            count: new.len(),
            of: nodes.len(),
        });
    }
    lawful
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(uid: &str, provider: Option<&str>, machine: Option<&str>) -> NodeIdentity {
        NodeIdentity {
            uid: uid.into(),
            provider_id: provider.map(Into::into),
            machine_id: machine.map(Into::into),
        }
    }

    fn of(attested: &NodeIdentity, now: &NodeIdentity) -> Standing {
        judge(Some(attested), now, &BTreeMap::new())
    }

    #[test]
    fn only_the_same_machine_under_the_same_uid_is_attested() {
        let now = machine("u1", Some("p1"), Some("m1"));
        for whole in [
            now.clone(),
            machine("u1", Some("p1"), None),
            machine("u1", None, Some("m1")),
        ] {
            assert_eq!(of(&whole, &now), Standing::Attested);
        }
        let changed = |attested: NodeIdentity| match of(&attested, &now) {
            Standing::Changed(change) => change,
            standing => panic!("{standing:?}"),
        };
        let uid = changed(machine("u0", Some("p1"), None));
        assert!(matches!(uid, Change::Uid { .. }), "{uid:?}");
        let provider = changed(machine("u1", Some("p0"), Some("m1")));
        assert!(matches!(provider, Change::ProviderId { .. }));
        let machine_id = changed(machine("u0", None, Some("m0")));
        assert!(matches!(machine_id, Change::MachineId { .. }));
        let thin = changed(machine("u1", None, None));
        assert_eq!(
            thin,
            Change::Unproven {
                field: "providerID"
            }
        );
    }

    #[test]
    fn a_node_that_has_neither_id_is_known_by_its_uid() {
        let bare = machine("u1", None, None);
        assert_eq!(of(&bare, &bare), Standing::Attested);
        let lost = of(&machine("u1", Some("p1"), None), &bare);
        let gone = Change::ProviderId {
            was: "p1".into(),
            is: None,
        };
        assert_eq!(lost, Standing::Changed(gone));
        assert_eq!(judge(None, &bare, &BTreeMap::new()), Standing::New);
    }

    #[test]
    fn a_way_to_somewhere_else_is_never_attested() {
        let bare = machine("u1", None, None);
        for (key, value) in [
            ("type", "virtual-kubelet"),
            ("kubernetes.io/role", "virtual-kubelet"),
            ("virtual-kubelet.io/provider", "anything"),
            ("liqo.io/type", "virtual-node"),
        ] {
            let labels = [(key.to_owned(), value.to_owned())].into();
            for attested in [None, Some(&bare)] {
                let standing = judge(attested, &bare, &labels);
                assert!(
                    matches!(standing, Standing::Changed(Change::Virtual { .. })),
                    "{key}"
                );
            }
        }
        let plain = [("type".to_owned(), "metal".to_owned())].into();
        assert_eq!(judge(Some(&bare), &bare, &plain), Standing::Attested);
    }
}
