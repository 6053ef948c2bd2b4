//! Pieces of CEL that several rules share.

use super::rule::Validation;
use pinisi_crds::names::CLASS_LABEL;

/// True for an object that is on its way out: it must stay writable, or it could never go.
pub const GOING: &str = "(request.operation == 'UPDATE' && has(object.metadata.deletionTimestamp))";

/// Annotation that says the storage class of a claim or volume; where it stands the field does not count.
pub const OLD_STORAGE_CLASS: &str = "volume.beta.kubernetes.io/storage-class";

/// Provisioner of a storage class whose volumes are made by hand, such as disks of nodes.
pub const NO_PROVISIONER: &str = "kubernetes.io/no-provisioner";

/// The class that the labels of `object` say, or the empty string.
#[must_use]
pub fn class_of(object: &str) -> String {
    label(object, CLASS_LABEL)
}

/// The value of a label of `object`, or the empty string.
#[must_use]
pub fn label(object: &str, key: &str) -> String {
    format!(
        "(has({object}.metadata.labels) && '{key}' in {object}.metadata.labels ? {object}.metadata.labels['{key}'] : '')"
    )
}

/// The string at `path`, whose last step may be absent, or the empty string.
#[must_use]
pub fn or_empty(path: &str) -> String {
    format!("(has({path}) ? {path} : '')")
}

/// The storage class of the claim or volume `object`: the old annotation counts for more than the
/// field, as in Kubernetes' own `GetPersistentVolumeClaimClass`.
#[must_use]
pub fn storage_class(object: &str) -> String {
    format!(
        "(has({object}.metadata.annotations) && '{OLD_STORAGE_CLASS}' in {object}.metadata.annotations ? {object}.metadata.annotations['{OLD_STORAGE_CLASS}'] : {})",
        or_empty(&format!("{object}.spec.storageClassName"))
    )
}

/// A list of strings as CEL has it, without blanks: one of nodes may be as long as the API server reads.
#[must_use]
pub fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<_> = words.into_iter().map(quoted).collect();
    format!("[{}]", quoted.join(","))
}

/// A string as CEL has it.
#[must_use]
pub fn quoted(word: &str) -> String {
    let mut text = String::with_capacity(word.len() + 2);
    text.push('\'');
    for c in word.chars() {
        match c {
            '\\' | '\'' => text.extend(['\\', c]),
            '\n' => text.push_str("\\n"),
            c if c.is_control() => text.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => text.push(c),
        }
    }
    text.push('\'');
    text
}

/// A condition and its refusal: `pinisi G01: ` and `words`, an expression that ends a sentence.
#[must_use]
pub fn rule(id: &'static str, holds: impl Into<String>, words: &str) -> Validation {
    Validation {
        id,
        holds: holds.into(),
        says: format!("'pinisi {id}: ' + {words}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_string_ends_it() {
        assert_eq!(quoted("a'b\\c\n\u{7}"), "'a\\'b\\\\c\\n\\u0007'");
        assert_eq!(list(["a", "b"]), "['a','b']");
    }
}
