//! How a store keeps one kind of object: the three calls that a watch makes, each of which says
//! whether anything changed that anybody asks for. The hub's index and the view of another cluster
//! keep theirs alike.

use std::collections::BTreeMap;

/// Puts `value` under `key`; false where it stood there already.
pub(super) fn put<K: Ord, V: PartialEq>(map: &mut BTreeMap<K, V>, key: K, value: V) -> bool {
    if map.get(&key) == Some(&value) {
        return false;
    }
    map.insert(key, value);
    true
}

/// Replaces a whole map; false where it was the same.
pub(super) fn swap<K: Ord, V: PartialEq>(map: &mut BTreeMap<K, V>, new: BTreeMap<K, V>) -> bool {
    if *map == new {
        return false;
    }
    *map = new;
    true
}

/// A kind that planning does not wait for. Until it was listed whole, what is not here may be there
/// all the same.
#[derive(Debug)]
pub struct Listed<K, V> {
    all: BTreeMap<K, V>,
    whole: bool,
}

impl<K, V> Default for Listed<K, V> {
    fn default() -> Self {
        Self {
            all: BTreeMap::new(),
            whole: false,
        }
    }
}

impl<K: Ord, V: PartialEq> Listed<K, V> {
    /// True once it was listed whole.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.whole
    }

    /// All of it; nothing before it was listed whole.
    #[must_use]
    pub const fn all(&self) -> &BTreeMap<K, V> {
        &self.all
    }

    /// Adds or changes one; `None` takes it out: it is there and nobody asks for it. False where
    /// nothing changed.
    pub fn apply(&mut self, key: K, facts: Option<V>) -> bool {
        match facts {
            Some(facts) => put(&mut self.all, key, facts),
            None => self.all.remove(&key).is_some(),
        }
    }

    /// Removes one. False where there was none.
    pub fn delete<Q: Ord + ?Sized>(&mut self, key: &Q) -> bool
    where
        K: std::borrow::Borrow<Q>,
    {
        self.all.remove(key).is_some()
    }

    /// Replaces all by a whole list. False where nothing changed.
    pub fn replace(&mut self, all: Vec<(K, Option<V>)>) -> bool {
        let asked = all
            .into_iter()
            .filter_map(|(key, facts)| Some((key, facts?)));
        let first = !std::mem::replace(&mut self.whole, true);
        swap(&mut self.all, asked.collect()) || first
    }
}

/// A kind in a plain map, under a key that its facts hold.
macro_rules! kept {
    ($what:literal, $facts:ty, $key:ty, $field:ident, |$f:ident| $key_of:expr, $apply:ident, $delete:ident, $replace:ident) => {
        #[doc = concat!("Adds or changes a ", $what, ". False where nothing changed.")]
        pub fn $apply(&mut self, facts: $facts) -> bool {
            let key = {
                let $f = &facts;
                $key_of
            };
            $crate::gather::kept::put(&mut self.$field, key, facts)
        }
        #[doc = concat!("Removes a ", $what, ". False where there was none.")]
        pub fn $delete(&mut self, key: &$key) -> bool {
            self.$field.remove(key).is_some()
        }
        #[doc = concat!("Replaces all of kind ", $what, ". False where nothing changed.")]
        pub fn $replace(&mut self, all: Vec<$facts>) -> bool {
            let new = all
                .into_iter()
                .map(|facts| {
                    (
                        {
                            let $f = &facts;
                            $key_of
                        },
                        facts,
                    )
                })
                .collect();
            $crate::gather::kept::swap(&mut self.$field, new)
        }
    };
}

/// What every cluster has: nodes, pods, namespaces and Deployments.
macro_rules! kept_of_a_cluster {
    () => {
        $crate::gather::kept::kept!(
            "Node",
            $crate::gather::facts::NodeFacts,
            str,
            nodes,
            |f| f.name.clone(),
            apply_node,
            delete_node,
            replace_nodes
        );
        $crate::gather::kept::kept!(
            "Deployment",
            $crate::gather::facts::ScalableFacts,
            ObjectKey,
            deployments,
            |f| f.key.clone(),
            apply_deployment,
            delete_deployment,
            replace_deployments
        );

        /// Adds or changes a Namespace. False where nothing changed.
        pub fn apply_namespace(&mut self, name: String, facts: NamespaceFacts) -> bool {
            $crate::gather::kept::put(&mut self.namespaces, name, facts)
        }

        /// Removes a Namespace. False where there was none.
        pub fn delete_namespace(&mut self, name: &str) -> bool {
            self.namespaces.remove(name).is_some()
        }

        /// Replaces all Namespaces. False where nothing changed.
        pub fn replace_namespaces(&mut self, all: Vec<(String, NamespaceFacts)>) -> bool {
            $crate::gather::kept::swap(&mut self.namespaces, all.into_iter().collect())
        }

        /// Adds or changes a Pod. False where nothing changed.
        pub fn apply_pod(&mut self, facts: PodFacts) -> bool {
            self.pods.apply(facts)
        }

        /// Removes a Pod. False where there was none.
        pub fn delete_pod(&mut self, key: &ObjectKey) -> bool {
            self.pods.delete(&key.namespace, &key.name)
        }

        /// Replaces all Pods.
        pub fn replace_pods(&mut self, all: Vec<PodFacts>) -> bool {
            self.pods.replace(all);
            true
        }
    };
}

pub(super) use {kept, kept_of_a_cluster};
