//! One cluster's breaker: after some failures in a row on the way to it nothing more is sent, until
//! its own link has proved that it answers again. Answers of the server, refusals among them, are
//! no failures: they show that it lives.

use super::super::link::LinkFault;
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::sync::Notify;

/// Failures in a row after which the cluster counts as down.
pub const FAILURES_MAX: u32 = 3;

/// One cluster's breaker, shared by all who send to it.
#[derive(Clone, Debug, Default)]
pub struct Breaker(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    tripped: Notify,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    fault: Option<LinkFault>,
}

impl Breaker {
    /// The server answered, whatever it said.
    pub fn answered(&self) {
        let mut state = self.0.state.lock();
        if state.fault.is_none() {
            state.failures = 0;
        }
    }

    /// No answer came, or one that says that the server is not itself (429, 503, 504, timeouts,
    /// refused connections). `fault` is what is said where this failure is the last that is borne.
    pub fn failed(&self, fault: LinkFault) {
        let mut state = self.0.state.lock();
        state.failures = state.failures.saturating_add(1);
        if state.failures >= FAILURES_MAX && state.fault.is_none() {
            state.fault = Some(fault);
            self.0.tripped.notify_one();
        }
    }

    /// True while nothing may be sent.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.state.lock().fault.is_some()
    }

    /// Waits until it trips, and says why.
    pub(super) async fn tripped(&self) -> LinkFault {
        loop {
            let tripped = self.0.tripped.notified();
            if let Some(fault) = self.0.state.lock().fault.clone() {
                return fault;
            }
            tripped.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault() -> LinkFault {
        LinkFault::WritesFail {
            error: "timeout".into(),
        }
    }

    #[test]
    fn failures_in_a_row_open_it_and_answers_between_do_not() {
        let breaker = Breaker::default();
        for _ in 0..10 {
            breaker.failed(fault());
            breaker.failed(fault());
            breaker.answered();
        }
        assert!(!breaker.is_open());
        for _ in 0..FAILURES_MAX {
            breaker.failed(fault());
        }
        assert!(breaker.is_open());
        breaker.answered();
        assert!(
            breaker.is_open(),
            "a late answer of an earlier request proves nothing"
        );
    }

    #[tokio::test]
    async fn who_waits_hears_of_it() {
        let breaker = Breaker::default();
        let heard = tokio::spawn({
            let breaker = breaker.clone();
            async move { breaker.tripped().await }
        });
        for _ in 0..FAILURES_MAX {
            breaker.failed(fault());
        }
        assert_eq!(heard.await.unwrap(), fault());
    }
}
