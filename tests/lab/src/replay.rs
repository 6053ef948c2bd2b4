//! Replaying a trace of requests a minute as steps of load on several
//! workloads, faster than it happened.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;

/// One workload's part of the load.
#[derive(Debug, Clone, PartialEq)]
pub struct Share {
    /// The workload's namespace.
    pub namespace: String,
    /// The workload's name.
    pub workload: String,
    /// Its part; all parts together are the whole.
    pub weight: f64,
}

/// A trace and how it is played.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    /// Requests in each minute of the trace.
    pub requests_a_minute: Vec<f64>,
    /// What one minute of the trace takes.
    pub minute: Duration,
    /// The offered rate is the trace's rate times this.
    pub scale: f64,
    /// Who gets which part.
    pub shares: Vec<Share>,
}

impl Replay {
    /// Requests a second offered to all workloads together in a minute.
    #[must_use]
    pub fn rate(&self, minute: usize) -> Option<f64> {
        const SECONDS_A_MINUTE: f64 = 60.0;
        Some(self.requests_a_minute.get(minute)? / SECONDS_A_MINUTE * self.scale)
    }

    /// Each workload's part of that rate.
    pub fn parts(&self, minute: usize) -> impl Iterator<Item = (&Share, f64)> {
        let whole: f64 = self.shares.iter().map(|share| share.weight).sum();
        let rate = self.rate(minute);
        self.shares
            .iter()
            .filter_map(move |share| Some((share, rate? * share.weight / whole)))
    }

    /// How long it takes.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.minute
            .saturating_mul(u32::try_from(self.requests_a_minute.len()).unwrap_or(u32::MAX))
    }

    /// Refuses what cannot be played.
    ///
    /// # Errors
    /// One line that names the value.
    pub fn validate(&self) -> Result<()> {
        let Self {
            requests_a_minute,
            minute,
            scale,
            shares,
        } = self;
        ensure!(
            !requests_a_minute.is_empty(),
            "the trace has no minutes in this window"
        );
        ensure!(!minute.is_zero(), "a trace minute must take some time");
        ensure!(
            scale.is_finite() && *scale > 0.0,
            "the scale must be a number above 0"
        );
        ensure!(!shares.is_empty(), "a replay needs at least one workload");
        for share in shares {
            let whose = format!("{}/{}", share.namespace, share.workload);
            ensure!(
                share.weight.is_finite() && share.weight > 0.0,
                "the weight of {whose} must be above 0"
            );
        }
        Ok(())
    }
}

/// Requests a minute out of a CSV file with the columns `timestamp,requests`,
/// from `from` until before `until`.
///
/// # Errors
/// The file and line that cannot be read.
pub fn read_trace(
    path: &Path,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
) -> Result<Vec<f64>> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    parse_trace(&text, from, until).with_context(|| format!("in {}", path.display()))
}

fn parse_trace(text: &str, from: Option<Timestamp>, until: Option<Timestamp>) -> Result<Vec<f64>> {
    let mut minutes = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        if line.is_empty() || line.starts_with('#') || line == "timestamp,requests" {
            continue;
        }
        let wrong = || format!("line {number} is not `timestamp,requests`: {line:?}");
        let (time, requests) = line.split_once(',').with_context(wrong)?;
        let time: Timestamp = time.parse().with_context(wrong)?;
        let requests: f64 = requests.trim().parse().with_context(wrong)?;
        ensure!(
            requests.is_finite() && requests >= 0.0,
            "line {number} has {requests} requests"
        );
        if from.is_none_or(|from| time >= from) && until.is_none_or(|until| time < until) {
            minutes.push(requests);
        }
    }
    Ok(minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "timestamp,requests\n1998-05-12T06:30:00Z,60\n1998-05-12T06:31:00Z,600\n1998-05-12T06:32:00Z,6\n";

    #[test]
    fn a_window_is_cut_out_and_split_by_weight() {
        let until = "1998-05-12T06:32:00Z".parse().ok();
        let share = |workload: &str, weight| Share {
            namespace: "n".into(),
            workload: workload.into(),
            weight,
        };
        let replay = Replay {
            requests_a_minute: parse_trace(TRACE, None, until).unwrap(),
            minute: Duration::from_secs(10),
            scale: 2.0,
            shares: vec![share("a", 3.0), share("b", 1.0)],
        };
        replay.validate().unwrap();
        assert_eq!(replay.duration(), Duration::from_secs(20));
        let parts: Vec<f64> = replay.parts(1).map(|(_, rate)| rate).collect();
        assert_eq!(parts, [15.0, 5.0]);
        assert_eq!(replay.rate(2), None);
    }

    #[test]
    fn bad_lines_are_named() {
        for bad in [
            "x,1",
            "1998-05-12T06:30:00Z",
            "1998-05-12T06:30:00Z,many",
            "1998-05-12T06:30:00Z,-1",
        ] {
            let error = format!("{:#}", parse_trace(bad, None, None).unwrap_err());
            assert!(error.contains("line 1"), "{error}");
        }
    }
}
