//! A namespace holds one class, and says so by its label.

use super::Wish;
use crate::check::class_word;
use crate::handover::{Facts, Note};
use pinisi_crds::names::{CLASS_LABEL, CLASS_SENSITIVE};

/// True where the label is to be set, as asked for.
pub fn judge(facts: &Facts, wish: &Wish, notes: &mut Vec<Note>) -> bool {
    let class = class_word(wish.class);
    let namespace = &facts.namespace;
    let object = format!("Namespace {namespace}");
    let field = format!("metadata.labels[{CLASS_LABEL}]");
    let others: Vec<_> = facts
        .classes
        .iter()
        .filter(|(_, said)| *said != class)
        .map(|(name, said)| format!("{name} ({said})"))
        .collect();
    if !others.is_empty() {
        notes.push(Note::obstacle(
            &object,
            format!(
                "holds HybridWorkloads of the other class: {}; a namespace holds one class",
                others.join(", ")
            ),
            format!("move {} to a namespace of its own", facts.target),
        ));
        return false;
    }
    let labels = match &facts.labels {
        Ok(labels) => labels,
        Err(why) => {
            notes.push(Note::look(
                &object,
                format!("its labels cannot be read: {why}"),
                format!("make sure that {CLASS_LABEL}={class} stands on it"),
            ));
            return false;
        }
    };
    let command =
        |more: &str| format!("kubectl label namespace {namespace} {CLASS_LABEL}={class}{more}");
    match labels.get(CLASS_LABEL) {
        Some(said) if said == class => false,
        None if wish.label_namespace => {
            if class == CLASS_SENSITIVE {
                notes.push(
                    Note::look(
                        &object,
                        "becomes Sensitive: from then on every pod of it runs on sovereign nodes only, and the label cannot be taken off",
                        "make sure that nothing else in it has to run elsewhere",
                    )
                    .at(field),
                );
            }
            true
        }
        None => {
            notes.push(
                Note::obstacle(
                    &object,
                    "does not say which class it holds",
                    format!("{}   (or add --label-namespace)", command("")),
                )
                .at(field),
            );
            false
        }
        Some(said) if said == CLASS_SENSITIVE => {
            notes.push(
                Note::obstacle(
                    &object,
                    "is Sensitive and stays so",
                    format!("adopt with --class {CLASS_SENSITIVE}, or move {} to a MassTraffic namespace", facts.target),
                )
                .at(field),
            );
            false
        }
        Some(said) => {
            notes.push(
                Note::obstacle(
                    &object,
                    format!("says {said:?}, not {class}"),
                    format!(
                        "{}, if everything in it is {class}",
                        command(" --overwrite")
                    ),
                )
                .at(field),
            );
            false
        }
    }
}
