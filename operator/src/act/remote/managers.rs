//! Taking back what others wrote into our Deployment in another cluster. A server-side apply takes
//! away only fields that are ours; what others added is made ours first, by moving it in
//! managedFields, so that the apply that follows takes it away. Pure.

use pinisi_crds::names::FIELD_MANAGER;
use serde_json::{Map, Value, json};

/// Key of the spec in `fieldsV1`.
const SPEC: &str = "f:spec";
/// The count is taken back by writing it, or left to the planner.
const COUNT: &str = "f:replicas";

/// `managedFields` with what others own of the spec moved to our own apply; `None` where we have
/// applied nothing or they own nothing.
#[must_use]
pub fn take_back(managed: &Value) -> Option<Value> {
    let mut entries = managed.as_array()?.clone();
    let ours = entries
        .iter()
        .position(|entry| entry["manager"] == FIELD_MANAGER && entry["operation"] == "Apply")?;
    let mut taken = Map::new();
    for (at, entry) in entries.iter_mut().enumerate() {
        let status = entry.get("subresource").is_some_and(|sub| sub == "status");
        if at == ours || status {
            continue;
        }
        let Some(fields) = entry.get_mut("fieldsV1").and_then(Value::as_object_mut) else {
            continue;
        };
        let Some(spec) = fields.get_mut(SPEC).and_then(Value::as_object_mut) else {
            continue;
        };
        for key in spec
            .keys()
            .filter(|key| *key != COUNT)
            .cloned()
            .collect::<Vec<_>>()
        {
            if let Some(fields) = spec.remove(&key) {
                merge(taken.entry(key).or_insert_with(|| json!({})), fields);
            }
        }
        if spec.is_empty() {
            fields.remove(SPEC);
        }
    }
    if taken.is_empty() {
        return None;
    }
    let fields = entries
        .get_mut(ours)?
        .get_mut("fieldsV1")?
        .as_object_mut()?;
    merge(
        fields.entry(SPEC).or_insert_with(|| json!({})),
        Value::Object(taken),
    );
    entries.retain(|entry| {
        entry["fieldsV1"]
            .as_object()
            .is_none_or(|fields| !fields.is_empty())
    });
    Some(Value::Array(entries))
}

/// A set of fields is a tree of objects; the union is theirs, branch by branch.
fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        for (key, fields) in from {
            merge(into.entry(key).or_insert_with(|| json!({})), fields);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(manager: &str, operation: &str, fields: &Value) -> Value {
        json!({ "manager": manager, "operation": operation, "apiVersion": "apps/v1", "fieldsType": "FieldsV1", "fieldsV1": fields })
    }

    #[test]
    fn what_others_added_to_the_spec_becomes_ours_and_the_rest_stays_theirs() {
        let before = json!([
            entry(
                "pinisi",
                "Apply",
                &json!({ "f:metadata": { "f:labels": {} }, "f:spec": { "f:template": { "f:spec": { "f:a": {} } } } })
            ),
            entry(
                "kubectl-edit",
                "Update",
                &json!({ "f:spec": { "f:template": { "f:spec": { "f:b": {} } }, "f:paused": {} } })
            ),
            entry("hpa", "Update", &json!({ "f:spec": { "f:replicas": {} } })),
            entry(
                "web",
                "Update",
                &json!({ "f:metadata": { "f:annotations": {} }, "f:spec": { "f:minReadySeconds": {} } })
            ),
        ]);
        let after = take_back(&before).unwrap();
        assert_eq!(
            after,
            json!([
                entry(
                    "pinisi",
                    "Apply",
                    &json!({
                        "f:metadata": { "f:labels": {} },
                        "f:spec": {
                            "f:template": { "f:spec": { "f:a": {}, "f:b": {} } },
                            "f:paused": {},
                            "f:minReadySeconds": {},
                        },
                    })
                ),
                entry("hpa", "Update", &json!({ "f:spec": { "f:replicas": {} } })),
                entry(
                    "web",
                    "Update",
                    &json!({ "f:metadata": { "f:annotations": {} } })
                ),
            ])
        );
        assert_eq!(take_back(&after), None, "once is enough");
    }

    #[test]
    fn status_is_never_taken_and_without_an_apply_of_ours_nothing_is() {
        let mut status = entry("kcm", "Update", &json!({ "f:spec": { "f:x": {} } }));
        status["subresource"] = json!("status");
        let ours = entry(
            "pinisi",
            "Apply",
            &json!({ "f:spec": { "f:template": {} } }),
        );
        assert_eq!(take_back(&json!([ours, status])), None);
        let theirs = entry("x", "Update", &json!({ "f:spec": { "f:paused": {} } }));
        assert_eq!(take_back(&json!([theirs])), None);
        assert_eq!(take_back(&json!("garbage")), None);
        assert_eq!(
            take_back(&json!([null, 3, { "manager": "pinisi", "operation": "Apply" }])),
            None
        );
    }
}
