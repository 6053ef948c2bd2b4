//! Values by name in a sorted list: for a few values, of which a tree would take several times the room,
//! and for many that are made all at once in their order.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::ops::Index;

/// Values by key, in the order of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sorted<K, V>(Vec<(K, V)>);

impl<K, V> Default for Sorted<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Ord, V> Sorted<K, V> {
    fn find(&self, key: &K) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| known.cmp(key))
    }

    /// All of these, with room for so many from the start. Of two values for one key the later counts.
    pub(crate) fn with_room(many: usize, pairs: impl Iterator<Item = (K, V)>) -> Self {
        let mut list = Vec::with_capacity(many);
        list.extend(pairs);
        if !list.is_sorted_by(|(a, _), (b, _)| a < b) {
            list.reverse();
            list.sort_by(|(a, _), (b, _)| a.cmp(b));
            list.dedup_by(|(a, _), (b, _)| a == b);
        }
        Self(list)
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&V> {
        let (_, value) = self.0.get(self.find(key).ok()?)?;
        Some(value)
    }

    /// The value of a key, to change.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let i = self.find(key).ok()?;
        Some(&mut self.0.get_mut(i)?.1)
    }

    /// True where it has a value.
    #[must_use]
    pub fn contains_key(&self, key: &K) -> bool {
        self.find(key).is_ok()
    }

    /// Takes all values out.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Sets the value of a key; returns the one before.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.find(&key) {
            Ok(i) => {
                let (_, place) = self.0.get_mut(i)?;
                Some(std::mem::replace(place, value))
            }
            Err(i) => {
                self.0.insert(i, (key, value));
                None
            }
        }
    }

    /// Takes the value of a key out.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let i = self.find(key).ok()?;
        Some(self.0.remove(i).1)
    }

    /// How many keys have a value.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True where none has.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keys with their values, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// The keys, in their order.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.0.iter().map(|(key, _)| key)
    }

    /// The values, in the order of their keys.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.0.iter().map(|(_, value)| value)
    }

    /// The values, to change.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.0.iter_mut().map(|(_, value)| value)
    }
}

impl<K: Ord + Clone, V> Sorted<K, V> {
    /// Values for the keys of a map, in its order. A key without a value is left out.
    pub(crate) fn beside<W>(map: &BTreeMap<K, W>, values: Vec<Option<V>>) -> Self {
        let pairs = map.keys().zip(values);
        let mut list = Vec::with_capacity(map.len());
        list.extend(pairs.filter_map(|(key, value)| Some((key.clone(), value?))));
        Self(list)
    }
}

/// Of two values for one key the later counts.
impl<K: Ord, V> FromIterator<(K, V)> for Sorted<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let pairs = pairs.into_iter();
        Self::with_room(pairs.size_hint().0, pairs)
    }
}

impl<K: Ord, V, const N: usize> From<[(K, V); N]> for Sorted<K, V> {
    fn from(pairs: [(K, V); N]) -> Self {
        pairs.into_iter().collect()
    }
}

impl<'a, K, V> IntoIterator for &'a Sorted<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = std::iter::Map<std::slice::Iter<'a, (K, V)>, fn(&'a (K, V)) -> Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().map(|(key, value)| (key, value))
    }
}

impl<K, V> IntoIterator for Sorted<K, V> {
    type Item = (K, V);
    type IntoIter = std::vec::IntoIter<(K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// As a map's: a key that has no value is the caller's mistake.
impl<K: Ord, V> Index<&K> for Sorted<K, V> {
    type Output = V;

    #[allow(clippy::expect_used)]
    fn index(&self, key: &K) -> &V {
        self.get(key).expect("a value for the key")
    }
}

impl<K: Serialize, V: Serialize> Serialize for Sorted<K, V> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_map(self)
    }
}

impl<'de, K: Deserialize<'de> + Ord, V: Deserialize<'de>> Deserialize<'de> for Sorted<K, V> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let map = BTreeMap::<K, V>::deserialize(d)?;
        Ok(Self(map.into_iter().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::site::SiteName;

    fn name(site: &str) -> SiteName {
        SiteName::new(site)
    }

    #[test]
    fn it_is_a_map() {
        let list: Sorted<SiteName, u8> = [("b", 1), ("a", 2), ("c", 3), ("b", 4)]
            .map(|(site, n)| (name(site), n))
            .into();
        let mut map: BTreeMap<_, _> = list.iter().map(|(s, n)| (s.clone(), *n)).collect();
        assert_eq!(list.len(), 3, "of two for one site one is left");
        assert_eq!(list.get(&name("b")), Some(&4), "the later one");
        let mut list = list;
        for (site, n) in [("b", 5), ("d", 6), ("0", 7)] {
            assert_eq!(list.insert(name(site), n), map.insert(name(site), n));
        }
        for site in ["a", "e"] {
            assert_eq!(list.remove(&name(site)), map.remove(&name(site)));
        }
        assert!(list.iter().eq(map.iter()) && list.keys().eq(map.keys()));
        assert!(list.values().eq(map.values()));
        assert!(list.contains_key(&name("b")) && !list.contains_key(&name("a")));
        assert_eq!(list.get_mut(&name("b")), map.get_mut(&name("b")));
        let evens = map.values().map(|n| (n % 2 == 0).then_some(*n)).collect();
        let even: Vec<_> = Sorted::beside(&map, evens).values().copied().collect();
        assert_eq!(even, [6], "of 7, 5, 3 and 6");
        let text = serde_json::to_string(&list).unwrap();
        assert_eq!(text, serde_json::to_string(&map).unwrap());
        assert_eq!(
            serde_json::from_str::<Sorted<SiteName, u8>>(&text).unwrap(),
            list
        );
    }
}
