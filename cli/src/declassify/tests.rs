//! What is asked, refused and shown, over requests as the server sends them.

use super::render::{Shown, question_of_approval};
use super::{not_to_approve, wrong_reason};
use crate::handover::Ending;
use crate::output::Screen;
use pinisi_crds::Declassification;
use pinisi_crds::declassification::REASON_MAX;
use serde_json::{Value, json};

fn request(status: &Value) -> Declassification {
    serde_json::from_value(json!({
        "apiVersion": "pinisi.dev/v1alpha1", "kind": "Declassification",
        "metadata": {"name": "reports-1", "namespace": "reports", "uid": "u"},
        "spec": {"reason": "aggregates only", "requestedBy": "alice"},
        "status": status,
    }))
    .unwrap()
}

#[test]
fn what_it_is_of_no_use_to_approve_is_said_before_it_is_tried() {
    let open = request(&json!({}));
    assert_eq!(not_to_approve(&open, "bob"), None);
    assert!(
        not_to_approve(&open, "alice")
            .unwrap()
            .contains("another person")
    );
    let given = request(&json!({"approval": {"approvedBy": "carol"}}));
    assert!(not_to_approve(&given, "bob").unwrap().contains("by carol"));
    let over = request(&json!({"outcome": "Expired"}));
    assert!(not_to_approve(&over, "bob").unwrap().contains("Expired"));
}

#[test]
fn whoever_approves_reads_who_asks_why_and_for_what() {
    let question = question_of_approval(&request(&json!({})), "bob");
    for word in ["alice", "aggregates only", "reports", "Secrets", "bob"] {
        assert!(question.contains(word), "{word}: {question}");
    }
    assert!(question.contains("not seen it yet"), "{question}");
    let told = request(&json!({"conditions": [{
        "type": "Ready", "status": "False", "reason": "WaitingForApproval",
        "message": "it does 6h after an approval", "lastTransitionTime": "2026-01-01T00:00:00Z",
    }]}));
    let question = question_of_approval(&told, "bob");
    assert!(question.contains("6h after"), "{question}");
}

#[test]
fn a_reason_says_something_and_fits() {
    assert!(wrong_reason(" \n").is_some());
    assert!(wrong_reason(&"x".repeat(REASON_MAX + 1)).is_some());
    assert_eq!(wrong_reason(&"é".repeat(REASON_MAX)), None);
}

#[test]
fn machines_get_every_field_and_null_where_nothing_was_said() {
    let ready = json!([{
        "type": "Ready", "status": "False", "reason": "CoolingDown", "message": "m",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }]);
    let requests = [
        request(&json!({
            "approval": {"approvedBy": "bob"}, "mayChangeAt": "2026-01-02T00:00:00Z",
            "conditions": ready,
        })),
        request(&json!({})),
    ];
    let shown = json!(Shown::of(&requests, Ending::Shown));
    assert_eq!(shown["format"], "pinisi-declassify/v1");
    let [first, second] = [&shown["requests"][0], &shown["requests"][1]];
    assert_eq!(first["approvedBy"], "bob");
    assert_eq!(first["state"], "CoolingDown");
    assert_eq!(first["mayChangeAt"], "2026-01-02T00:00:00Z");
    assert!(second["state"].is_null() && second["approvedBy"].is_null());
    let screen = Screen {
        terminal: false,
        colour: false,
    };
    let text = Shown::of(&requests, Ending::Shown).text(screen);
    assert!(
        text.contains("CoolingDown") && text.contains("aggregates only"),
        "{text}"
    );
}
