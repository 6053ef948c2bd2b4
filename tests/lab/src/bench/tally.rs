//! What was asked of the API server and what CPU was used, over a time: who is
//! at rest and at what price.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::audit::AuditEvent;
use crate::lab::Lab;

/// Requests of one user, by what they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requests {
    /// All but the following.
    pub plain: u64,
    /// Watches that began or began again; they cost nothing while nothing moves.
    pub watches: u64,
    /// Renewals of the lease of leadership.
    pub leases: u64,
}

impl Requests {
    /// Counts one more.
    pub fn count(&mut self, event: &AuditEvent) {
        if event.verb == "watch" {
            self.watches += 1;
        } else if event.resource == "leases" {
            self.leases += 1;
        } else {
            self.plain += 1;
        }
    }
}

/// CPU time used, by process of the lab; what does not run is not there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cpu(BTreeMap<String, Duration>);

impl Cpu {
    /// What these processes have used so far.
    ///
    /// # Errors
    /// When one of them does not run.
    pub fn of(lab: &Lab, names: &[&str]) -> Result<Self> {
        let each = names
            .iter()
            .map(|&name| Ok((name.to_owned(), lab.cpu_time(name)?)));
        each.collect::<Result<_>>().map(Self)
    }

    /// What they used since `before`.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let each = self.0.iter().map(|(name, now)| {
            let then = before.0.get(name).copied().unwrap_or_default();
            (name.clone(), now.saturating_sub(then))
        });
        Self(each.collect())
    }

    /// Adds what was used at another time.
    pub fn add(&mut self, other: &Self) {
        for (name, time) in &other.0 {
            *self.0.entry(name.clone()).or_default() += *time;
        }
    }

    /// Seconds of CPU for each part of `parts`, by process, to a ten-thousandth.
    #[must_use]
    pub fn each(&self, parts: f64) -> BTreeMap<String, f64> {
        let round = |time: &Duration| (time.as_secs_f64() / parts * 10_000.0).round() / 10_000.0;
        self.0
            .iter()
            .map(|(name, time)| (name.clone(), round(time)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cpu(times: &[(&str, u64)]) -> Cpu {
        let all = times.iter();
        Cpu(all
            .map(|(name, millis)| ((*name).to_owned(), Duration::from_millis(*millis)))
            .collect())
    }

    #[test]
    fn cpu_is_what_was_used_between() {
        let mut used = cpu(&[("a", 500), ("b", 20)]).since(&cpu(&[("a", 300)]));
        used.add(&cpu(&[("a", 200)]));
        let each = used.each(2.0);
        assert_eq!((each["a"], each["b"]), (0.2, 0.01));
    }
}
