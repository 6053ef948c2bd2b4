//! Whose an object in another cluster is. Everything that we make there says so, and only what says
//! all of it is changed or deleted. Pure.

use pinisi_crds::names::{
    HUB_ANNOTATION, MANAGED_BY, MANAGED_BY_LABEL, SITE_LABEL, WORKLOAD_ANNOTATION,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Texts by key, as labels and annotations are.
pub type Texts = BTreeMap<String, String>;

/// What an object of ours says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks<'a> {
    /// The Site that the other cluster is.
    pub site: &'a str,
    /// The HybridWorkload that it serves.
    pub workload: &'a str,
    /// uid of the hub's `kube-system`.
    pub hub: &'a str,
}

impl Marks<'_> {
    /// Labels.
    #[must_use]
    pub fn labels(self) -> Value {
        json!({ MANAGED_BY_LABEL: MANAGED_BY, SITE_LABEL: self.site })
    }

    /// Annotations of what serves one workload.
    #[must_use]
    pub fn annotations(self) -> Value {
        json!({ WORKLOAD_ANNOTATION: self.workload, HUB_ANNOTATION: self.hub })
    }

    /// Annotation of what several workloads may share.
    #[must_use]
    pub fn hub_annotation(self) -> Value {
        json!({ HUB_ANNOTATION: self.hub })
    }
}

/// Whose an object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Ours, for this workload.
    Us,
    /// This hub's, made for another workload.
    Workload(String),
    /// This hub's, made for another Site that was this cluster too.
    Site(String),
    /// Another hub's.
    Hub(String),
    /// It does not say that Pinisi made it.
    Somebody,
}

impl Owner {
    /// Reads it off the object's labels and annotations.
    #[must_use]
    pub fn of(labels: &Texts, annotations: &Texts, marks: Marks<'_>) -> Self {
        let Marks {
            site,
            workload,
            hub,
        } = marks;
        if labels.get(MANAGED_BY_LABEL).map(String::as_str) != Some(MANAGED_BY) {
            return Self::Somebody;
        }
        match (
            annotations.get(HUB_ANNOTATION),
            annotations.get(WORKLOAD_ANNOTATION),
        ) {
            (None, _) => Self::Somebody,
            (Some(theirs), _) if theirs != hub => Self::Hub(theirs.clone()),
            (Some(_), Some(theirs)) if theirs != workload => Self::Workload(theirs.clone()),
            (Some(_), Some(_)) => match labels.get(SITE_LABEL) {
                Some(theirs) if theirs == site => Self::Us,
                Some(theirs) => Self::Site(theirs.clone()),
                None => Self::Somebody,
            },
            (Some(_), None) => Self::Somebody,
        }
    }

    /// True where this hub made it, for whichever workload.
    #[must_use]
    pub const fn is_this_hub(&self) -> bool {
        match self {
            Self::Us | Self::Workload(_) | Self::Site(_) => true,
            Self::Hub(_) | Self::Somebody => false,
        }
    }

    /// In words, after "belongs to".
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Us => "this workload".into(),
            Self::Workload(name) => format!("HybridWorkload {name}"),
            Self::Site(name) => format!("Site {name} of this hub"),
            Self::Hub(uid) => format!("another Pinisi (hub {uid})"),
            Self::Somebody => "somebody else: it lacks Pinisi's marks".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(value: &Value) -> Texts {
        serde_json::from_value(value.clone()).unwrap()
    }

    #[test]
    fn only_what_says_all_of_it_is_ours() {
        let marks = Marks {
            site: "cloud",
            workload: "web",
            hub: "h1",
        };
        let (labels, annotations) = (texts(&marks.labels()), texts(&marks.annotations()));
        let owner = |labels: &Texts, annotations: &Texts| Owner::of(labels, annotations, marks);
        assert_eq!(owner(&labels, &annotations), Owner::Us);
        assert_eq!(owner(&Texts::new(), &annotations), Owner::Somebody);
        assert_eq!(owner(&labels, &Texts::new()), Owner::Somebody);
        let mut other = annotations.clone();
        other.insert(HUB_ANNOTATION.into(), "h2".into());
        assert_eq!(owner(&labels, &other), Owner::Hub("h2".into()));
        let mut other = annotations.clone();
        other.insert(WORKLOAD_ANNOTATION.into(), "api".into());
        assert_eq!(owner(&labels, &other), Owner::Workload("api".into()));
        other.remove(WORKLOAD_ANNOTATION);
        assert_eq!(owner(&labels, &other), Owner::Somebody);
        let mut elsewhere = labels.clone();
        elsewhere.insert(SITE_LABEL.into(), "edge".into());
        assert_eq!(owner(&elsewhere, &annotations), Owner::Site("edge".into()));
        elsewhere.remove(SITE_LABEL);
        assert_eq!(owner(&elsewhere, &annotations), Owner::Somebody);
        let mut helm = labels;
        helm.insert(MANAGED_BY_LABEL.into(), "Helm".into());
        assert_eq!(owner(&helm, &annotations), Owner::Somebody);
    }
}
