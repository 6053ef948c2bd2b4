//! A few values by site: a sorted list. Most workloads name few sites, and a tree would take several
//! times the room.

use super::site::SiteName;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::ops::Index;

/// Values by site, in the order of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BySite<T>(Vec<(SiteName, T)>);

impl<T> Default for BySite<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> BySite<T> {
    fn find(&self, site: &SiteName) -> Result<usize, usize> {
        self.0.binary_search_by(|(name, _)| name.cmp(site))
    }

    /// All of these, with room for so many from the start. Of two values for one site the later counts.
    pub(crate) fn with_room(many: usize, pairs: impl Iterator<Item = (SiteName, T)>) -> Self {
        let mut all = Self(Vec::with_capacity(many));
        for (site, value) in pairs {
            match all.0.last() {
                Some((last, _)) if *last >= site => {
                    all.insert(site, value);
                }
                Some(_) | None => all.0.push((site, value)),
            }
        }
        all
    }

    /// The value of a site.
    #[must_use]
    pub fn get(&self, site: &SiteName) -> Option<&T> {
        let (_, value) = self.0.get(self.find(site).ok()?)?;
        Some(value)
    }

    /// Sets the value of a site; returns the one before.
    pub fn insert(&mut self, site: SiteName, value: T) -> Option<T> {
        match self.find(&site) {
            Ok(i) => {
                let (_, place) = self.0.get_mut(i)?;
                Some(std::mem::replace(place, value))
            }
            Err(i) => {
                self.0.insert(i, (site, value));
                None
            }
        }
    }

    /// Takes the value of a site out.
    pub fn remove(&mut self, site: &SiteName) -> Option<T> {
        let i = self.find(site).ok()?;
        Some(self.0.remove(i).1)
    }

    /// How many sites have a value.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True where none has.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sites with their values, in the order of names.
    pub fn iter(&self) -> impl Iterator<Item = (&SiteName, &T)> {
        self.0.iter().map(|(site, value)| (site, value))
    }

    /// The sites, in the order of names.
    pub fn keys(&self) -> impl Iterator<Item = &SiteName> {
        self.0.iter().map(|(site, _)| site)
    }

    /// The values, in the order of their sites' names.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|(_, value)| value)
    }

    /// The values, to change.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut().map(|(_, value)| value)
    }
}

/// Of two values for one site the later counts.
impl<T> FromIterator<(SiteName, T)> for BySite<T> {
    fn from_iter<I: IntoIterator<Item = (SiteName, T)>>(pairs: I) -> Self {
        let pairs = pairs.into_iter();
        Self::with_room(pairs.size_hint().0, pairs)
    }
}

impl<T, const N: usize> From<[(SiteName, T); N]> for BySite<T> {
    fn from(pairs: [(SiteName, T); N]) -> Self {
        pairs.into_iter().collect()
    }
}

impl<'a, T> IntoIterator for &'a BySite<T> {
    type Item = (&'a SiteName, &'a T);
    type IntoIter =
        std::iter::Map<std::slice::Iter<'a, (SiteName, T)>, fn(&'a (SiteName, T)) -> Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().map(|(site, value)| (site, value))
    }
}

impl<T> IntoIterator for BySite<T> {
    type Item = (SiteName, T);
    type IntoIter = std::vec::IntoIter<(SiteName, T)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// As a map's: a site that has no value is the caller's mistake.
impl<T> Index<&SiteName> for BySite<T> {
    type Output = T;

    #[allow(clippy::expect_used)]
    fn index(&self, site: &SiteName) -> &T {
        self.get(site).expect("a value for the site")
    }
}

impl<T: Serialize> Serialize for BySite<T> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_map(self)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for BySite<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let map = BTreeMap::<SiteName, T>::deserialize(d)?;
        Ok(Self(map.into_iter().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(site: &str) -> SiteName {
        SiteName::new(site)
    }

    #[test]
    fn it_is_a_map() {
        let list: BySite<u8> = [("b", 1), ("a", 2), ("c", 3), ("b", 4)]
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
        let text = serde_json::to_string(&list).unwrap();
        assert_eq!(text, serde_json::to_string(&map).unwrap());
        assert_eq!(serde_json::from_str::<BySite<u8>>(&text).unwrap(), list);
    }
}
