//! What the metrics APIs answered. An error leaves the last good answer, which ages by its own
//! times; whether a value is usable is judged in `check`.

use super::fault::MetricsFault;
use super::question::{Place, Question};
use super::wanted::Wanted;
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Answers of every cluster.
#[derive(Debug, Default, PartialEq)]
pub struct MetricAnswers {
    /// By cluster.
    pub places: BTreeMap<Place, PlaceAnswers>,
    /// Questions so far, by cluster, for metrics: good ones and the others by their fault's word.
    pub asked: BTreeMap<(Place, &'static str), u64>,
}

/// Answers of one cluster.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlaceAnswers {
    /// Use of CPU and memory.
    pub usage: Option<Answer<Usage>>,
    /// Lists of values.
    pub lists: BTreeMap<Question, Answer<Vec<Figure>>>,
}

/// The answer to one question.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer<T> {
    /// The round in which it was asked last, however that ended.
    pub asked: Timestamp,
    /// The last good answer.
    pub good: Option<Good<T>>,
    /// Why the last attempt failed; `None` where it was good.
    pub fault: Option<MetricsFault>,
}

/// A good answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Good<T> {
    /// When it came.
    pub at: Timestamp,
    /// What it says.
    pub figures: Arc<T>,
}

/// Use of CPU and memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Namespaces that the answer covers; in no other is anything known of pods.
    pub covers: BTreeSet<String>,
    /// By namespace and pod.
    pub pods: BTreeMap<String, BTreeMap<Box<str>, PodUsage>>,
}

impl Usage {
    /// True where the answer speaks of a namespace.
    #[must_use]
    pub fn covers(&self, namespace: &str) -> bool {
        self.covers.contains(namespace)
    }
}

/// What one pod uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodUsage {
    /// End of the window in which it was measured; `None` where the answer says none.
    pub at: Option<Timestamp>,
    /// Length of that window.
    pub window: SignedDuration,
    /// Its containers.
    pub containers: Box<[ContainerUsage]>,
}

/// What one container uses, in thousandths of each resource's unit. `None`: not said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerUsage {
    /// Its name.
    pub name: Box<str>,
    /// CPU, in thousandths of a core.
    pub cpu: Option<i64>,
    /// Memory, in thousandths of a byte.
    pub memory: Option<i64>,
}

/// One value of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// The object that it describes; empty for a value from outside.
    pub name: Box<str>,
    /// The value in thousandths, or the text that is none.
    pub milli: Result<i64, Box<str>>,
    /// When it was produced; `None` where the answer says none.
    pub at: Option<Timestamp>,
    /// Length of the window in which it was measured, where one is said.
    pub window: Option<SignedDuration>,
}

/// How an attempt ended, to be put in its place.
#[derive(Debug)]
pub enum Ended {
    /// Use of CPU and memory.
    Usage(Result<Usage, MetricsFault>),
    /// A list of values.
    List(Question, Result<Vec<Figure>, MetricsFault>),
}

impl<T> Answer<T> {
    fn after(
        before: Option<Self>,
        result: Result<T, MetricsFault>,
        round: Timestamp,
        now: Timestamp,
    ) -> Self {
        match result {
            Ok(figures) => Self {
                asked: round,
                good: Some(Good {
                    at: now,
                    figures: Arc::new(figures),
                }),
                fault: None,
            },
            Err(fault) => Self {
                asked: round,
                good: before.and_then(|b| b.good),
                fault: Some(fault),
            },
        }
    }
}

impl MetricAnswers {
    /// Takes in how an attempt ended.
    pub fn take_in(&mut self, place: &Place, ended: Ended, round: Timestamp, now: Timestamp) {
        let word = match &ended {
            Ended::Usage(result) => result.as_ref().map_or_else(MetricsFault::reason, |_| "ok"),
            Ended::List(_, result) => result.as_ref().map_or_else(MetricsFault::reason, |_| "ok"),
        };
        let count = self.asked.entry((place.clone(), word)).or_default();
        *count = count.saturating_add(1);
        let here = self.places.entry(place.clone()).or_default();
        match ended {
            Ended::Usage(result) => {
                here.usage = Some(Answer::after(here.usage.take(), result, round, now));
            }
            Ended::List(question, result) => {
                let before = here.lists.remove(&question);
                let answer = Answer::after(before, result, round, now);
                here.lists.insert(question, answer);
            }
        }
    }

    /// Forgets what nobody asks any more. True where something was forgotten.
    pub fn keep_only(&mut self, wanted: &BTreeMap<Place, Wanted>) -> bool {
        let before = self.len();
        self.places.retain(|place, here| {
            let Some(wanted) = wanted.get(place) else {
                return false;
            };
            if wanted.usage.is_empty() {
                here.usage = None;
            }
            here.lists.retain(|q, _| wanted.lists.contains(q));
            true
        });
        self.len() != before
    }

    fn len(&self) -> usize {
        let here = |p: &PlaceAnswers| p.lists.len() + usize::from(p.usage.is_some());
        self.places.values().map(here).sum()
    }

    /// The latest answers of one cluster.
    #[must_use]
    pub fn of(&self, place: &Place) -> Option<&PlaceAnswers> {
        self.places.get(place)
    }
}
