//! Prints the guard as documents, for review: the hub's, or with `receiving` that of a cluster
//! which takes mass traffic.

use pinisi_operator::guard::{GuardSettings, objects, receiving};

fn main() {
    let settings = GuardSettings {
        operator_user: "system:serviceaccount:pinisi-system:pinisi".into(),
        operator_namespace: "pinisi-system".into(),
        ..GuardSettings::default()
    };
    let guard = if std::env::args().any(|word| word == "receiving") {
        receiving::objects()
    } else {
        objects(&settings)
    };
    for object in guard {
        println!(
            "---\n{}",
            serde_json::to_string_pretty(&object.body).unwrap_or_default()
        );
    }
}
