//! From an error of a request to the fault of the link: who must do what about it.

use super::super::link::LinkFault;
use super::super::shared::Kind;
use kube::runtime::watcher;

/// Longest text of an error that is kept, in characters.
const TEXT_MAX: usize = 300;

/// The text, cut to a bounded length.
pub(super) fn bounded(text: &str) -> String {
    text.chars().take(TEXT_MAX).collect()
}

/// What an error of a request means. `what` was being done, for example `list nodes`.
pub(super) fn of(error: &kube::Error, what: &'static str) -> LinkFault {
    match error {
        kube::Error::Api(status) => of_status(status, what),
        kube::Error::SerdeError(_) | kube::Error::FromUtf8(_) => LinkFault::Unreachable {
            error: "what answers there is no Kubernetes API server".into(),
        },
        other => unreachable(&chain(other)),
    }
}

/// What an error of a watch means.
pub(super) fn of_watch(error: &watcher::Error, kind: Kind) -> LinkFault {
    let what = doing(kind);
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => match error {
            kube::Error::Api(status) if status.code == 404 => {
                LinkFault::KindMissing { kind: kind.name() }
            }
            error => of(error, what),
        },
        watcher::Error::WatchError(status) => of_status(status, what),
        watcher::Error::NoResourceVersion => unreachable("a list without a resourceVersion"),
    }
}

/// No answer within a time.
pub(super) fn timeout(seconds: u64) -> LinkFault {
    unreachable(&format!("no answer within {seconds} s"))
}

pub(super) fn unreachable(error: &str) -> LinkFault {
    LinkFault::Unreachable {
        error: bounded(error),
    }
}

fn of_status(status: &kube::core::Status, what: &'static str) -> LinkFault {
    match status.code {
        401 => LinkFault::Unauthorized,
        403 => LinkFault::Forbidden { what },
        code => unreachable(&format!("{code} {}", status.message)),
    }
}

const fn doing(kind: Kind) -> &'static str {
    match kind {
        Kind::Namespace => "list and watch namespaces",
        Kind::Node => "list and watch nodes",
        Kind::Pod => "list and watch pods",
        Kind::Deployment => "list and watch deployments",
        Kind::ResourceQuota => "list and watch resourcequotas",
        Kind::Site
        | Kind::HybridWorkload
        | Kind::SignalSource
        | Kind::CloudBudget
        | Kind::SovereigntyPolicy
        | Kind::Ledger
        | Kind::SovereignNodes
        | Kind::SovereigntyViolation
        | Kind::StatefulSet
        | Kind::HorizontalPodAutoscaler
        | Kind::PersistentVolumeClaim
        | Kind::PersistentVolume
        | Kind::Service
        | Kind::Declassification => "list and watch",
    }
}

/// An error with its causes, each once, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(code: u16) -> kube::Error {
        let mut status = kube::core::Status::failure("said", "Reason");
        status.code = code;
        kube::Error::Api(Box::new(status))
    }

    #[test]
    fn each_answer_has_its_word() {
        let reason = |code| of(&api(code), "list namespaces").reason();
        assert_eq!(reason(401), "Unauthorized");
        assert_eq!(reason(403), "Forbidden");
        assert_eq!(reason(500), "Unreachable");
        assert_eq!(
            reason(404),
            "Unreachable",
            "not an API server's answer to a list"
        );
    }

    #[test]
    fn a_kind_that_is_not_served_is_named() {
        let error = watcher::Error::InitialListFailed(api(404));
        assert_eq!(
            of_watch(&error, Kind::ResourceQuota),
            LinkFault::KindMissing {
                kind: "ResourceQuota"
            }
        );
        let error = watcher::Error::InitialListFailed(api(403));
        let fault = of_watch(&error, Kind::Node);
        assert!(fault.to_string().contains("nodes"), "{fault}");
    }

    #[test]
    fn a_long_text_is_cut() {
        let LinkFault::Unreachable { error } = unreachable(&"x".repeat(10_000)) else {
            panic!();
        };
        assert_eq!(error.len(), TEXT_MAX);
    }
}
