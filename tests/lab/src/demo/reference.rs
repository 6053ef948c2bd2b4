//! What is held against Pinisi: how many replicas a load needs, an all-knowing
//! oracle, and an ideal service that only has home. Pure.

use super::steps::Steps;

/// Replicas that a load needs.
#[must_use]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // clamped before
pub fn needed(load: f64, one_serves: f64) -> u32 {
    /// Rounding of a rate that was split by weights must not ask for one more.
    const ROUNDING: f64 = 1e-9;
    (load / one_serves - ROUNDING)
        .ceil()
        .clamp(0.0, f64::from(u32::MAX)) as u32
}

/// How fast the oracle's replicas come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartUp {
    /// Milliseconds until a replica at home is ready.
    pub home_ms: i64,
    /// Milliseconds until a replica in the cloud is ready.
    pub cloud_ms: i64,
}

/// Replicas ready under an oracle, for each workload. It knows each step the
/// moment it begins, writes at once, fills home first, and keeps what it has;
/// what is needed at `from` it has already.
#[must_use]
pub fn oracle(
    needed: &[Steps],
    times: &[i64],
    home_capacity: u32,
    start_up: StartUp,
) -> Vec<Steps> {
    let mut home_left = home_capacity;
    let mut have = vec![0_u32; needed.len()];
    // Ready later: when, which workload, how many more.
    let mut arrivals: Vec<(i64, usize, u32)> = Vec::new();
    for (step, &at) in times.iter().enumerate() {
        for (workload, need) in needed.iter().enumerate() {
            let more = need.at(at).saturating_sub(have[workload]);
            have[workload] += more;
            let home = more.min(home_left);
            home_left -= home;
            let (home_ms, cloud_ms) = match step {
                0 => (0, 0),
                _ => (start_up.home_ms, start_up.cloud_ms),
            };
            arrivals.push((at + home_ms, workload, home));
            arrivals.push((at + cloud_ms, workload, more - home));
        }
    }
    arrivals.sort_by_key(|&(at, _, _)| at);
    let mut ready = vec![Steps::default(); needed.len()];
    for (at, workload, more) in arrivals {
        let now = ready[workload].last() + more;
        ready[workload].set(at, now);
    }
    ready
}

/// Replica-seconds that were needed and not ready, over all workloads.
#[must_use]
pub fn unmet(needed: &[Steps], ready: &[Steps], from: i64, until: i64) -> f64 {
    needed
        .iter()
        .zip(ready)
        .map(|(needed, ready)| needed.above(ready).integral(from, until))
        .sum()
}

/// The same for an ideal service that only has home: all of home, at once and
/// shared perfectly. A lower bound of what home alone could do.
#[must_use]
pub fn unmet_home_only(needed: &[Steps], home_capacity: u32, from: i64, until: i64) -> f64 {
    Steps::sum(needed)
        .above(&Steps::constant(home_capacity))
        .integral(from, until)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START_UP: StartUp = StartUp {
        home_ms: 2_000,
        cloud_ms: 8_000,
    };

    fn steps(all: &[(i64, u32)]) -> Steps {
        let mut steps = Steps::default();
        for &(at, value) in all {
            steps.set(at, value);
        }
        steps
    }

    #[test]
    fn a_replica_more_for_any_load_beyond_the_last() {
        assert_eq!(
            [0.0, 0.1, 10.0, 10.1, 575.09].map(|load| needed(load, 10.0)),
            [0, 1, 1, 2, 58]
        );
        assert_eq!(needed(0.1 + 0.2, 0.3), 1);
        assert_eq!(needed(f64::NAN, 10.0), 0);
    }

    #[test]
    fn the_oracle_misses_only_the_start_up() {
        let needed = [steps(&[(0, 2), (10_000, 12)])];
        let ready = oracle(&needed, &[0, 10_000], 7, START_UP);
        assert_eq!(ready[0], steps(&[(0, 2), (12_000, 7), (18_000, 12)]));
        // 10 missing for 2 s, then 5 for 6 s.
        assert!((unmet(&needed, &ready, 0, 20_000) - 50.0).abs() < 1e-9);
    }

    #[test]
    fn the_oracle_keeps_what_it_has() {
        let needed = [steps(&[(0, 1), (10_000, 5), (20_000, 1), (30_000, 5)])];
        let ready = oracle(&needed, &[0, 10_000, 20_000, 30_000], 5, START_UP);
        assert!((unmet(&needed, &ready, 0, 40_000) - 8.0).abs() < 1e-9);
    }

    #[test]
    fn home_is_shared_and_the_rest_is_slower() {
        let needed = [steps(&[(0, 0), (1_000, 3)]), steps(&[(0, 0), (1_000, 3)])];
        let ready = oracle(&needed, &[0, 1_000], 4, START_UP);
        assert_eq!(ready[0], steps(&[(0, 0), (3_000, 3)]));
        assert_eq!(ready[1], steps(&[(0, 0), (3_000, 1), (9_000, 3)]));
    }

    #[test]
    fn home_only_misses_what_does_not_fit() {
        let needed = [steps(&[(0, 4), (1_000, 8)]), steps(&[(0, 2)])];
        assert!((unmet_home_only(&needed, 7, 0, 3_000) - 6.0).abs() < 1e-9);
    }
}
