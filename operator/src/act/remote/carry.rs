//! Copies of ConfigMaps and Secrets that travel with a workload: what is copied, whether it may be,
//! and what a copy that is there needs. Pure. Only the data travels: no labels, no annotations.

use super::marks::{Marks, Texts};
use pinisi_crds::hybrid_workload::{CarryKind, CarryRef};
use pinisi_crds::names::{CLASS_LABEL, CLASS_SENSITIVE, DIGEST_ANNOTATION};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use std::fmt::{self, Write as _};

/// Most objects that one workload carries, as its schema has it.
pub const CARRY_MAX: usize = 16;
/// Fields that are the object's content.
const CONTENT: [&str; 4] = ["data", "binaryData", "type", "immutable"];
/// Fields whose keys can be added one by one.
const KEYED: [&str; 2] = ["data", "binaryData"];
/// Types of Secrets that are worth something in one cluster only, or everything in it.
const BOUND_TYPES: [&str; 2] = [
    "kubernetes.io/service-account-token",
    "bootstrap.kubernetes.io/token",
];
/// Bytes of a digest that are kept.
const DIGEST_BYTES: usize = 16;

/// A kind's name in the API.
#[must_use]
pub const fn kind_name(kind: CarryKind) -> &'static str {
    match kind {
        CarryKind::ConfigMap => "ConfigMap",
        CarryKind::Secret => "Secret",
    }
}

/// A kind as RBAC and kubectl name it.
#[must_use]
pub const fn plural(kind: CarryKind) -> &'static str {
    match kind {
        CarryKind::ConfigMap => "configmaps",
        CarryKind::Secret => "secrets",
    }
}

/// `ConfigMap settings`.
#[must_use]
pub fn name_of(reference: &CarryRef) -> String {
    let CarryRef { kind, name } = reference;
    format!("{} {name}", kind_name(*kind))
}

/// What is carried as one text: sorted, each once. [`parse`] reads it back.
#[must_use]
pub fn list(carry: &[CarryRef]) -> String {
    let mut names: Vec<_> = carry
        .iter()
        .map(|CarryRef { kind, name }| format!("{}/{name}", kind_name(*kind)))
        .collect();
    names.sort();
    names.dedup();
    names.join(",")
}

/// Reads [`list`] back; what is no reference is passed over.
#[must_use]
pub fn parse(text: &str) -> Vec<CarryRef> {
    text.split(',')
        .filter_map(|entry| {
            let (kind, name) = entry.split_once('/')?;
            let kind = match kind {
                "ConfigMap" => CarryKind::ConfigMap,
                "Secret" => CarryKind::Secret,
                _ => return None,
            };
            let name = name.to_owned();
            (!name.is_empty()).then_some(CarryRef { kind, name })
        })
        .take(CARRY_MAX)
        .collect()
}

/// The content of an object. Never shown: it may be a secret.
#[derive(Clone, PartialEq)]
pub struct Content(Map<String, Value>);

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Content(hidden)")
    }
}

/// Why an object must not travel, though it is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It says itself that it is Sensitive.
    Sensitive,
    /// A Secret of a type that means something in its own cluster only.
    BoundType(&'static str),
}

impl Content {
    /// The content of an object as the API server gave it. An empty field is no field.
    #[must_use]
    pub fn of(object: &Value) -> Self {
        let filled = |key: &&str| {
            let value = &object[*key];
            let empty = value.is_null()
                || *value == Value::Bool(false)
                || value.as_object().is_some_and(Map::is_empty);
            (!empty).then(|| ((**key).to_owned(), value.clone()))
        };
        Self(CONTENT.iter().filter_map(filled).collect())
    }

    /// The same of a source, where it may travel.
    ///
    /// # Errors
    /// Why it may not.
    pub fn to_carry(labels: &Texts, object: &Value) -> Result<Self, Unfit> {
        if labels.get(CLASS_LABEL).map(String::as_str) == Some(CLASS_SENSITIVE) {
            return Err(Unfit::Sensitive);
        }
        if let Some(bound) = BOUND_TYPES.iter().find(|bound| object["type"] == **bound) {
            return Err(Unfit::BoundType(bound));
        }
        Ok(Self::of(object))
    }

    /// Digest of it. Keys are sorted by `serde_json`, so equal contents have equal digests.
    #[must_use]
    pub fn digest(&self) -> String {
        let bytes = Sha256::digest(json!(self.0).to_string().as_bytes());
        bytes
            .iter()
            .take(DIGEST_BYTES)
            .fold(String::new(), |mut text, byte| {
                // Writing into a String cannot fail.
                let _ = write!(text, "{byte:02x}");
                text
            })
    }

    /// The whole copy for server-side apply.
    #[must_use]
    pub fn copy(&self, reference: &CarryRef, namespace: &str, marks: Marks<'_>) -> Value {
        let CarryRef { kind, name } = reference;
        let mut annotations = marks.annotations();
        annotations[DIGEST_ANNOTATION] = json!(self.digest());
        let mut body = json!({
            "apiVersion": "v1",
            "kind": kind_name(*kind),
            "metadata": {
                "name": name,
                "namespace": namespace,
                "labels": marks.labels(),
                "annotations": annotations,
            },
        });
        for (key, value) in &self.0 {
            body[key] = value.clone();
        }
        body
    }

    /// What a copy with the content `there` needs to have this content.
    #[must_use]
    pub fn needs(&self, there: &Self) -> Todo {
        if self == there {
            return Todo::Nothing;
        }
        let fixed = there.0.get("immutable").is_some() || self.0.get("type") != there.0.get("type");
        // An apply takes away only keys that it set itself.
        let foreign_key = KEYED.iter().any(|field| {
            there
                .0
                .get(*field)
                .and_then(Value::as_object)
                .is_some_and(|keys| {
                    keys.keys()
                        .any(|key| self.0.get(*field).is_none_or(|own| own.get(key).is_none()))
                })
        });
        if fixed || foreign_key {
            Todo::Replace
        } else {
            Todo::Apply
        }
    }
}

/// What a copy that is there needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Todo {
    /// It is as its source.
    Nothing,
    /// To be applied again.
    Apply,
    /// To be deleted and made again: it cannot be changed into its source.
    Replace,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(extra: &Value) -> Value {
        let mut object = json!({ "data": { "key": "c2VjcmV0" }, "type": "kubernetes.io/tls" });
        for (key, value) in extra.as_object().into_iter().flatten() {
            object[key] = value.clone();
        }
        object
    }

    fn content(extra: &Value) -> Content {
        Content::to_carry(&Texts::new(), &secret(extra)).unwrap()
    }

    fn refs(names: &[(CarryKind, &str)]) -> Vec<CarryRef> {
        names
            .iter()
            .map(|(kind, name)| CarryRef {
                kind: *kind,
                name: (*name).to_owned(),
            })
            .collect()
    }

    #[test]
    fn a_list_is_sorted_and_read_back_and_garbage_is_passed_over() {
        let carry = refs(&[
            (CarryKind::Secret, "tls"),
            (CarryKind::ConfigMap, "b"),
            (CarryKind::ConfigMap, "a"),
            (CarryKind::Secret, "tls"),
        ]);
        assert_eq!(list(&carry), "ConfigMap/a,ConfigMap/b,Secret/tls");
        assert_eq!(list(&parse(&list(&carry))), list(&carry));
        assert!(parse("").is_empty() && parse("x,Pod/y,Secret/,/,ConfigMap").is_empty());
        let many = format!("Secret/x,{}", "ConfigMap/y,".repeat(100));
        assert_eq!(parse(&many).len(), CARRY_MAX);
    }

    #[test]
    fn a_copy_has_type_flag_and_data_and_our_marks_and_nothing_else() {
        let source = secret(&json!({
            "immutable": true,
            "metadata": { "labels": { "team": "x" } },
            "status": {},
        }));
        let marks = Marks {
            site: "cloud",
            workload: "web",
            hub: "h1",
        };
        let content = Content::to_carry(&Texts::new(), &source).unwrap();
        let copy = content.copy(&refs(&[(CarryKind::Secret, "tls")])[0], "shop", marks);
        assert_eq!(
            copy,
            json!({
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {
                    "name": "tls",
                    "namespace": "shop",
                    "labels": { "app.kubernetes.io/managed-by": "pinisi", "pinisi.dev/site": "cloud" },
                    "annotations": {
                        "pinisi.dev/workload": "web",
                        "pinisi.dev/hub": "h1",
                        "pinisi.dev/digest": content.digest(),
                    },
                },
                "data": { "key": "c2VjcmV0" },
                "type": "kubernetes.io/tls",
                "immutable": true,
            })
        );
        assert_eq!(
            Content::of(&copy).digest(),
            content.digest(),
            "a copy reads as its source"
        );
    }

    #[test]
    fn sensitive_ones_and_tokens_of_a_cluster_do_not_travel() {
        let labels = [(CLASS_LABEL.to_owned(), CLASS_SENSITIVE.to_owned())].into();
        assert_eq!(
            Content::to_carry(&labels, &secret(&json!({}))),
            Err(Unfit::Sensitive)
        );
        for bound in BOUND_TYPES {
            assert_eq!(
                Content::to_carry(&Texts::new(), &secret(&json!({ "type": bound }))),
                Err(Unfit::BoundType(bound))
            );
        }
    }

    #[test]
    fn a_copy_is_written_only_when_it_differs() {
        let source = content(&json!({}));
        assert_eq!(source.needs(&content(&json!({}))), Todo::Nothing);
        assert_eq!(
            source.needs(&content(&json!({ "immutable": false, "binaryData": null }))),
            Todo::Nothing,
            "an empty field is no field"
        );
        let edited = content(&json!({ "data": { "key": "b3RoZXI=" } }));
        assert_eq!(source.needs(&edited), Todo::Apply);
        assert_eq!(
            source.needs(&content(&json!({ "data": {} }))),
            Todo::Apply,
            "a key is missing"
        );
    }

    #[test]
    fn what_cannot_be_changed_is_made_again() {
        let source = content(&json!({}));
        for there in [
            json!({ "immutable": true }),
            json!({ "type": "Opaque" }),
            json!({ "data": { "key": "c2VjcmV0", "extra": "eA==" } }),
        ] {
            assert_eq!(source.needs(&content(&there)), Todo::Replace, "{there}");
        }
        let frozen = content(&json!({ "immutable": true }));
        assert_eq!(frozen.needs(&frozen.clone()), Todo::Nothing);
        assert_eq!(
            frozen.needs(&source),
            Todo::Apply,
            "the flag can be set on what is there"
        );
    }

    #[test]
    fn contents_are_never_shown() {
        let shown = format!("{:?}", content(&json!({})));
        assert!(!shown.contains("c2VjcmV0"), "{shown}");
    }
}
