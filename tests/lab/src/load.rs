//! Offered load by workload: a rate that changes in steps, and the requests
//! counted from it without gaps. Pure: the time is given.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;

/// What one workload is offered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Offered {
    /// Requests a second.
    Rps(f64),
    /// The gauge says `NaN`; the counter stands still.
    Nan,
    /// Neither series is there.
    Absent,
}

/// A change of what a workload is offered, and when it was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Milliseconds since 1970.
    pub at_unix_ms: i64,
    /// The workload's namespace.
    pub namespace: String,
    /// The workload's name.
    pub workload: String,
    /// From then on.
    pub offered: Offered,
}

#[derive(Debug)]
struct Series {
    offered: Offered,
    since: Timestamp,
    requests: f64,
}

/// The load of all workloads.
#[derive(Debug, Default)]
pub struct Load {
    series: BTreeMap<(String, String), Series>,
    changes: Vec<Change>,
}

impl Load {
    /// Changes what a workload is offered.
    pub fn set(&mut self, namespace: &str, workload: &str, offered: Offered, now: Timestamp) {
        self.put(namespace, workload, offered, now);
        self.changes.push(Change {
            at_unix_ms: now.as_millisecond(),
            namespace: namespace.to_owned(),
            workload: workload.to_owned(),
            offered,
        });
    }

    fn put(&mut self, namespace: &str, workload: &str, offered: Offered, now: Timestamp) {
        let series = self
            .series
            .entry((namespace.to_owned(), workload.to_owned()))
            .or_insert(Series {
                offered,
                since: now,
                requests: 0.0,
            });
        series.requests = series.requests_at(now);
        series.since = now;
        series.offered = offered;
    }

    /// Changes what many workloads of a namespace are offered, at one moment.
    /// They do not stand among the changes: a large fleet makes thousands.
    pub fn set_all<'a>(
        &mut self,
        namespace: &str,
        loads: impl Iterator<Item = (&'a str, Offered)>,
        now: Timestamp,
    ) {
        for (workload, offered) in loads {
            self.put(namespace, workload, offered, now);
        }
    }

    /// All changes so far, oldest first.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// What a workload is offered now.
    #[must_use]
    pub fn offered(&self, namespace: &str, workload: &str) -> Option<Offered> {
        self.series
            .get(&(namespace.to_owned(), workload.to_owned()))
            .map(|series| series.offered)
    }

    /// Namespace, name and requests a second of all workloads that have a rate.
    pub fn rates(&self) -> impl Iterator<Item = (&str, &str, f64)> {
        let series = self.series.iter();
        series.filter_map(|((namespace, workload), series)| match series.offered {
            Offered::Rps(rps) => Some((namespace.as_str(), workload.as_str(), rps)),
            Offered::Nan | Offered::Absent => None,
        })
    }

    /// The OpenMetrics text.
    #[must_use]
    pub fn open_metrics(&self, now: Timestamp) -> String {
        let mut text = String::from(
            "# TYPE pinisi_demo_offered_rps gauge\n\
             # HELP pinisi_demo_offered_rps Requests a second offered to the workload now.\n",
        );
        for ((namespace, workload), series) in &self.series {
            let value = match series.offered {
                Offered::Rps(rps) => rps.to_string(),
                Offered::Nan => "NaN".to_owned(),
                Offered::Absent => continue,
            };
            let _ = writeln!(
                text,
                "pinisi_demo_offered_rps{{{}}} {value}",
                labels(namespace, workload)
            );
        }
        text.push_str(
            "# TYPE pinisi_demo_requests counter\n\
             # HELP pinisi_demo_requests Requests offered to the workload since the start.\n",
        );
        for ((namespace, workload), series) in &self.series {
            if series.offered != Offered::Absent {
                let requests = series.requests_at(now);
                let _ = writeln!(
                    text,
                    "pinisi_demo_requests_total{{{}}} {requests}",
                    labels(namespace, workload)
                );
            }
        }
        text.push_str("# EOF\n");
        text
    }
}

impl Series {
    fn requests_at(&self, now: Timestamp) -> f64 {
        match self.offered {
            Offered::Rps(rps) => {
                let seconds = now.duration_since(self.since).as_secs_f64().max(0.0);
                self.requests + rps * seconds
            }
            Offered::Nan | Offered::Absent => self.requests,
        }
    }
}

fn labels(namespace: &str, workload: &str) -> String {
    format!(
        "namespace=\"{}\",workload=\"{}\"",
        escape(namespace),
        escape(workload)
    )
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn the_counter_is_the_integral_of_the_steps() {
        let mut load = Load::default();
        load.set("shop", "web", Offered::Rps(10.0), at(0));
        load.set("shop", "web", Offered::Rps(100.0), at(5));
        let text = load.open_metrics(at(7));
        assert!(
            text.contains("pinisi_demo_requests_total{namespace=\"shop\",workload=\"web\"} 250\n"),
            "{text}"
        );
        assert!(
            text.contains("pinisi_demo_offered_rps{namespace=\"shop\",workload=\"web\"} 100\n"),
            "{text}"
        );
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn nan_stands_still_and_absent_is_gone_but_not_forgotten() {
        let mut load = Load::default();
        load.set("shop", "web", Offered::Rps(10.0), at(0));
        load.set("shop", "web", Offered::Nan, at(1));
        let text = load.open_metrics(at(9));
        assert!(
            text.contains("offered_rps{namespace=\"shop\",workload=\"web\"} NaN\n"),
            "{text}"
        );
        assert!(text.contains("} 10\n"), "{text}");
        load.set("shop", "web", Offered::Absent, at(10));
        assert!(!load.open_metrics(at(11)).contains("workload="));
        load.set("shop", "web", Offered::Rps(1.0), at(20));
        assert!(load.open_metrics(at(25)).contains("} 15\n"));
        let times: Vec<i64> = load
            .changes()
            .iter()
            .map(|change| change.at_unix_ms)
            .collect();
        assert_eq!(times, [0, 1_000, 10_000, 20_000]);
    }

    #[test]
    fn many_change_at_one_moment_and_leave_no_trace() {
        let mut load = Load::default();
        let both = ["a", "b"].map(|name| (name, Offered::Rps(3.0)));
        load.set_all("shop", both.into_iter(), at(1));
        assert_eq!(load.offered("shop", "b"), Some(Offered::Rps(3.0)));
        assert!(load.changes().is_empty());
        assert_eq!(load.open_metrics(at(3)).matches("} 6\n").count(), 2);
    }

    #[test]
    fn a_clock_that_steps_back_takes_no_requests_away() {
        let mut load = Load::default();
        load.set("a", "b", Offered::Rps(10.0), at(10));
        assert!(load.open_metrics(at(3)).contains("} 0\n"));
    }
}
