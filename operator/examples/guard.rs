//! Prints the guard as YAML documents, for review.

use pinisi_operator::guard::{GuardSettings, objects};

fn main() {
    let settings = GuardSettings {
        operator_user: "system:serviceaccount:pinisi-system:pinisi".into(),
    };
    for object in objects(&settings) {
        println!(
            "---\n{}",
            serde_json::to_string_pretty(&object.body).unwrap_or_default()
        );
    }
}
