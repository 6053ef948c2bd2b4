//! Removing the folders of tethered labs that ended without being stopped (a
//! test that failed): their logs are kept for a day, no longer.

use jiff::Timestamp;

use crate::paths::{StateDir, state_root};
use crate::state::LabState;

const KEPT_MS: i64 = 24 * 60 * 60 * 1_000;

/// Removes what is old enough. Failures are left for the next time.
pub(crate) fn old_folders() {
    let Ok(entries) = state_root().and_then(|root| Ok(std::fs::read_dir(root)?)) else {
        return;
    };
    let now = Timestamp::now().as_millisecond();
    for entry in entries.flatten() {
        let dir = StateDir::at(entry.path());
        if let Ok(Some(state)) = LabState::read(&dir)
            && is_old(&state, now)
        {
            let _ = std::fs::remove_dir_all(dir.path());
        }
    }
}

fn is_old(state: &LabState, now: i64) -> bool {
    state.tethered && now - state.started_unix_ms > KEPT_MS && !state.supervisor.is_alive()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::ProcessId;
    use crate::programs::Programs;
    use crate::spec::LabSpec;
    use crate::state::Phase;

    #[test]
    fn only_old_dead_tethered_labs_go() {
        let alive = ProcessId::of(std::process::id()).unwrap();
        let dead = ProcessId {
            start_ticks: 1,
            ..alive.clone()
        };
        let path = std::path::PathBuf::new;
        let programs = Programs {
            etcd: path(),
            kubernetes: path(),
            kwok: path(),
            helm: path(),
            prometheus: path(),
            metrics: None,
        };
        let state = |tethered: bool, supervisor: &ProcessId| LabState {
            spec: LabSpec::new("x", Vec::new()),
            programs: programs.clone(),
            phase: Phase::Ready,
            problem: None,
            tethered,
            supervisor: supervisor.clone(),
            started_unix_ms: 0,
            start_seconds: None,
            apiserver_url: None,
            etcd_url: None,
            prometheus_url: None,
            adapter_url: None,
            children: Vec::new(),
        };
        assert!(is_old(&state(true, &dead), KEPT_MS + 1));
        assert!(!is_old(&state(true, &dead), KEPT_MS));
        assert!(!is_old(&state(false, &dead), KEPT_MS + 1));
        assert!(!is_old(&state(true, &alive), KEPT_MS + 1));
    }
}
