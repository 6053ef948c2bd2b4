//! Two counts beside each other at every sync of the HPA, and why they differ
//! where they do. Pure.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The HPA's word on a sync is in its status this soon after it began.
const WORD_WITHIN: SignedDuration = SignedDuration::from_secs(5);

/// A look at other metrics can hold a count this long: the longest window of stabilization here.
const WINDOW: SignedDuration = SignedDuration::from_secs(300);

/// A value and since when it has been so.
#[derive(Debug, Clone, PartialEq)]
pub struct Steps<T>(Vec<(Timestamp, T)>);

impl<T> Default for Steps<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: PartialEq> Steps<T> {
    /// Is this from now on. Times must not go back.
    pub fn note(&mut self, at: Timestamp, value: T) {
        if self.0.last().is_none_or(|(_, last)| *last != value) {
            self.0.push((at, value));
        }
    }

    /// The value at a time; `None` before the first.
    #[must_use]
    pub fn at(&self, time: Timestamp) -> Option<&T> {
        let after = self.0.partition_point(|(since, _)| *since <= time);
        self.0.get(after.checked_sub(1)?).map(|(_, value)| value)
    }
}

/// What one side said last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// The count it wants.
    pub desired: i64,
    /// What its metrics say, in its spec's order, as it writes them.
    pub metrics: Vec<String>,
}

/// All that was seen of one workload.
#[derive(Debug, Clone, Default)]
pub struct Record {
    /// When the HPA's syncs began.
    pub syncs: Vec<Timestamp>,
    /// When Pinisi asked for the workload's metrics.
    pub looks: Vec<Timestamp>,
    /// The HPA's status.
    pub hpa: Steps<Word>,
    /// The HybridWorkload's status.
    pub pinisi: Steps<Word>,
    /// Requests a second.
    pub load: Steps<f64>,
    /// The target's `spec.replicas`.
    pub count: Steps<i64>,
    /// Pods that run: what is used is spread over them.
    pub pods: Steps<i64>,
    /// Whether pods play a part in its metrics.
    pub by_pods: bool,
}

/// Why two counts differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// Pinisi had not looked yet since the HPA's sync before: it is at the counts of then.
    NotLookedSince,
    /// The load changed between Pinisi's look and the HPA's.
    LoadChanged,
    /// The target was scaled between the two looks.
    CountChanged,
    /// Pods came or went, or were measured anew, between the two looks.
    PodsMeasuredAnew,
    /// A period or a window of the behavior ended between the two looks: Pinisi's next look gave the
    /// HPA's count.
    PeriodEnded,
    /// In the window of stabilization one of Pinisi's looks saw other metrics than the HPA's sync
    /// after it.
    SawOtherwiseBefore,
    /// Both looked at the same and wanted different counts.
    Unexplained,
}

/// One sync of the HPA.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// When it began.
    pub at: Timestamp,
    /// Requests a second then.
    pub load: f64,
    /// The count that ran.
    pub count: i64,
    /// What the HPA wanted after it.
    pub hpa: Word,
    /// What Pinisi wanted as it began.
    pub pinisi: Word,
    /// Seconds from Pinisi's look to the HPA's.
    pub looked_before: f64,
    /// Why they differ; none where they are equal.
    pub cause: Option<Cause>,
}

/// Every sync of which both words are known.
#[must_use]
pub fn rows(record: &Record) -> Vec<Row> {
    let Record { syncs, hpa, .. } = record;
    let mut rows = Vec::new();
    for (index, &at) in syncs.iter().enumerate() {
        let next = syncs.get(index + 1).copied().unwrap_or(Timestamp::MAX);
        let said = at.saturating_add(WORD_WITHIN).unwrap_or(at).min(next);
        let before = index
            .checked_sub(1)
            .and_then(|before| syncs.get(before))
            .copied();
        if let Some(hpa) = hpa.at(said) {
            rows.extend(row(record, at, before, hpa));
        }
    }
    for index in 0..rows.len() {
        if let Some(cause) = by_the_past(record, &rows, index) {
            rows[index].cause = Some(cause);
        }
    }
    rows
}

/// Why counts differ although both looked at the same: what each remembers.
fn by_the_past(record: &Record, rows: &[Row], index: usize) -> Option<Cause> {
    let (before, rest) = rows.split_at(index);
    let row = rest
        .first()
        .filter(|row| row.cause == Some(Cause::Unexplained))?;
    let moved = before
        .last()
        .is_some_and(|last| last.hpa.desired != row.hpa.desired);
    let next = record.looks.iter().copied().find(|look| *look > row.at);
    let then = next.and_then(|look| look.saturating_add(WORD_WITHIN).ok());
    let word = then.and_then(|then| record.pinisi.at(then));
    if moved && word.is_some_and(|word| word.desired == row.hpa.desired) {
        return Some(Cause::PeriodEnded);
    }
    let held = |past: &&Row| row.at.duration_since(past.at) <= WINDOW;
    before
        .iter()
        .filter(held)
        .any(|past| past.pinisi.metrics != past.hpa.metrics)
        .then_some(Cause::SawOtherwiseBefore)
}

fn row(record: &Record, at: Timestamp, before: Option<Timestamp>, hpa: &Word) -> Option<Row> {
    let pinisi = record.pinisi.at(at)?.clone();
    let looked = record
        .looks
        .iter()
        .copied()
        .filter(|look| *look < at)
        .max()?;
    let cause = (pinisi.desired != hpa.desired).then(|| {
        if before.is_some_and(|before| looked <= before) {
            Cause::NotLookedSince
        } else if record.load.at(looked) != record.load.at(at) {
            Cause::LoadChanged
        } else if record.count.at(looked) != record.count.at(at) {
            Cause::CountChanged
        } else if record.by_pods
            && (record.pods.at(looked) != record.pods.at(at) || pinisi.metrics != hpa.metrics)
        {
            Cause::PodsMeasuredAnew
        } else {
            Cause::Unexplained
        }
    });
    Some(Row {
        at,
        load: record.load.at(at).copied()?,
        count: record.count.at(at).copied()?,
        hpa: hpa.clone(),
        pinisi,
        looked_before: (at.duration_since(looked).as_secs_f64() * 100.0).round() / 100.0,
        cause,
    })
}

/// How many syncs, how many with equal counts, and how many differences by cause.
#[must_use]
pub fn summary(rows: &[Row]) -> (usize, usize, BTreeMap<Cause, usize>) {
    let mut causes = BTreeMap::new();
    for cause in rows.iter().filter_map(|row| row.cause) {
        *causes.entry(cause).or_default() += 1;
    }
    let equal = rows.iter().filter(|row| row.cause.is_none()).count();
    (rows.len(), equal, causes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn word(desired: i64) -> Word {
        Word {
            desired,
            metrics: Vec::new(),
        }
    }

    fn record() -> Record {
        let mut record = Record {
            syncs: vec![at(15), at(30), at(45)],
            looks: vec![at(10), at(25), at(40)],
            ..Record::default()
        };
        record.hpa.note(at(16), word(2));
        record.pinisi.note(at(11), word(2));
        record.load.note(at(0), 1.0);
        record.count.note(at(0), 2);
        record
    }

    #[test]
    fn equal_counts_at_every_sync_need_no_cause() {
        let rows = rows(&record());
        assert_eq!(summary(&rows), (3, 3, BTreeMap::new()));
        assert!((rows[0].looked_before - 5.0).abs() < 1e-9);
    }

    #[test]
    fn each_difference_has_its_cause() {
        let of = |change: fn(&mut Record)| {
            let mut record = record();
            record.hpa.note(at(31), word(4));
            change(&mut record);
            rows(&record)[1].cause
        };
        assert_eq!(of(|_| {}), Some(Cause::Unexplained));
        assert_eq!(
            of(|record| record.load.note(at(27), 9.0)),
            Some(Cause::LoadChanged)
        );
        assert_eq!(
            of(|record| record.count.note(at(27), 4)),
            Some(Cause::CountChanged)
        );
        assert_eq!(
            of(|record| record.looks.retain(|look| *look < at(15))),
            Some(Cause::NotLookedSince)
        );
        let pods = |record: &mut Record| record.pods.note(at(27), 7);
        assert_eq!(of(pods), Some(Cause::Unexplained), "pods play no part");
        assert_eq!(
            of(|record| {
                record.by_pods = true;
                record.pods.note(at(27), 7);
            }),
            Some(Cause::PodsMeasuredAnew)
        );
        assert_eq!(of(|record| record.pinisi.note(at(26), word(4))), None);
    }

    #[test]
    fn what_is_remembered_is_a_cause_too() {
        let of = |change: fn(&mut Record)| {
            let mut record = record();
            record.hpa.note(at(31), word(4));
            change(&mut record);
            rows(&record)[1].cause
        };
        assert_eq!(
            of(|record| record.pinisi.note(at(41), word(4))),
            Some(Cause::PeriodEnded)
        );
        assert_eq!(
            of(|record| record.pinisi.note(at(41), word(3))),
            Some(Cause::Unexplained),
            "the next look gave another count"
        );
        let saw = |percent: &str| Word {
            desired: 2,
            metrics: vec![percent.to_owned()],
        };
        let mut record = record();
        record.hpa = Steps::default();
        record.hpa.note(at(16), saw("7 %"));
        record.hpa.note(
            at(31),
            Word {
                desired: 4,
                ..saw("7 %")
            },
        );
        record.pinisi = Steps::default();
        record.pinisi.note(at(11), saw("8 %"));
        record.pinisi.note(at(26), saw("7 %"));
        assert_eq!(rows(&record)[1].cause, Some(Cause::SawOtherwiseBefore));
    }

    #[test]
    fn a_sync_before_either_has_spoken_is_no_row() {
        let mut record = record();
        record.pinisi = Steps::default();
        assert!(rows(&record).is_empty());
    }
}
