//! Reading single fields of objects that are kept as JSON, because they must come back exactly as
//! they were, fields unknown to this program included.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde_json::Value;

/// Text at a JSON pointer; empty where there is none.
pub fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// A whole number at a JSON pointer.
pub fn number(object: &Value, pointer: &str) -> Option<i32> {
    object
        .pointer(pointer)
        .and_then(Value::as_i64)
        .and_then(|number| i32::try_from(number).ok())
}

/// The elements of a list at a JSON pointer.
pub fn list<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object
        .pointer(pointer)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

/// A value at a JSON pointer that says something: not absent, null, or an empty list or map.
pub fn said<'a>(object: &'a Value, pointer: &str) -> Option<&'a Value> {
    object.pointer(pointer).filter(|value| match value {
        Value::Null => false,
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    })
}

/// An annotation.
pub fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object
        .pointer("/metadata/annotations")
        .and_then(|all| all.get(key))
        .and_then(Value::as_str)
}

/// Name of an object.
pub fn name(object: &Value) -> &str {
    text(object, "/metadata/name")
}

/// A condition of a status, whose other fields may be missing.
pub fn condition(object: &Value, kind: &str) -> Option<Condition> {
    let found = list(object, "/status/conditions")
        .iter()
        .find(|condition| text(condition, "/type") == kind)?;
    let mut filled = found.clone();
    if let Some(map) = filled.as_object_mut() {
        for (key, value) in [
            ("message", ""),
            ("reason", ""),
            ("lastTransitionTime", "1970-01-01T00:00:00Z"),
        ] {
            let missing = map.get(key).is_none_or(Value::is_null);
            if missing {
                map.insert(key.into(), Value::from(value));
            }
        }
    }
    serde_json::from_value(filled).ok()
}
