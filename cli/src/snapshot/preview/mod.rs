//! Asks the API server, by dry runs alone, what the guard would say to what is in Sensitive
//! namespaces if it were made today. The server judges with the rules that it really has: what it
//! would refuse comes back as a refusal, what a policy that only warns or audits would refuse once
//! it is on Deny comes back as a warning. Not here: what is written to other objects than these, and
//! endpoints, which belong to the cluster's own controllers.

mod copies;

use super::Seen;
use super::gather::{Namespaces, list, sensitive_namespaces, served};
use crate::connect::{Scope, cause};
use copies::{SOURCES, Source, Trial};
use futures::{StreamExt as _, stream};
use kube::api::{ApiResource, DynamicObject};
use kube::client::Body;
use kube::core::GroupVersionKind;
use kube::core::Status;
use kube::{Api, Client};
use pinisi_crds::names::CLI_FIELD_MANAGER;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Copies that are tried at most; the rest is counted.
pub const TRIALS_MAX: usize = 2000;
/// Dry runs under way at once.
const AT_ONCE: usize = 8;
/// How long one answer is waited for.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
/// What every refusal and warning of the guard contains before the rule's id.
const GUARD_SAYS: &str = "pinisi G";

/// What became of all copies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    /// Those that were tried.
    pub tried: Vec<Previewed>,
    /// How many more there are.
    pub left_out: usize,
}

/// What the server said to a copy of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Previewed {
    /// For example `Deployment identity/records`.
    pub object: String,
    /// How it went.
    pub heard: Heard,
}

/// How one dry run went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The guard has nothing against it.
    Fine,
    /// It would pass today, and be refused on Deny: the guard's words, one for each rule.
    Warned(Vec<String>),
    /// The guard refuses it today: its words.
    Refused(String),
    /// Somebody else stands in the way, so that the guard was not heard: why.
    Silent(String),
}

/// Tries a copy of every object of the Sensitive namespaces asked for.
pub async fn preview(client: &Client, scope: &Scope, namespaces: &Namespaces) -> Seen<Preview> {
    let names: Vec<&str> = sensitive_namespaces(scope, namespaces)?.collect();
    let mut trials = Vec::new();
    let mut served_at: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for source in SOURCES {
        if source.optional && !served_at.contains_key(source.version) {
            served_at.insert(source.version, served(client, source.version).await?);
        }
        let there = served_at
            .get(source.version)
            .is_none_or(|plurals| plurals.contains(source.plural));
        for namespace in names.iter().filter(|_| there) {
            trials.extend(trials_of(client, source, namespace).await?);
        }
    }
    let left_out = trials.len().saturating_sub(TRIALS_MAX);
    trials.truncate(TRIALS_MAX);
    let tried = stream::iter(trials)
        .map(|trial| async move {
            let heard = ask(client, &trial).await;
            Previewed {
                object: trial.object,
                heard,
            }
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    Ok(Preview { tried, left_out })
}

async fn trials_of(client: &Client, source: &Source, namespace: &str) -> Seen<Vec<Trial>> {
    let (group, version) = source
        .version
        .split_once('/')
        .unwrap_or(("", source.version));
    let kind = GroupVersionKind::gvk(group, version, source.kind);
    let resource = ApiResource::from_gvk_with_plural(&kind, source.plural);
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
    let copies = |object: DynamicObject| source.trials(namespace, &object);
    let all = list(api, source.plural, copies).await?;
    Ok(all.into_iter().flatten().collect())
}

async fn ask(client: &Client, trial: &Trial) -> Heard {
    let (group, _) = trial.version.split_once('/').unwrap_or(("", trial.version));
    let root = if group.is_empty() { "api" } else { "apis" };
    let uri = format!(
        "/{root}/{}/namespaces/{}/{}?dryRun=All&fieldManager={CLI_FIELD_MANAGER}",
        trial.version, trial.namespace, trial.plural
    );
    let request = http::Request::post(uri)
        .header("content-type", "application/json")
        .body(Body::from(trial.body.to_string().into_bytes()));
    let request = match request {
        Ok(request) => request,
        Err(error) => return Heard::Silent(error.to_string()),
    };
    let asked = async {
        let answer = client.send(request).await?;
        let (parts, body) = answer.into_parts();
        Ok::<_, kube::Error>((parts, body.collect_bytes().await?))
    };
    let (parts, body) = match tokio::time::timeout(ANSWER_TIMEOUT, asked).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return Heard::Silent(cause(&error)),
        Err(_) => {
            return Heard::Silent(format!("no answer in {} s", ANSWER_TIMEOUT.as_secs()));
        }
    };
    let warnings = parts.headers.get_all(http::header::WARNING);
    let warnings = warnings.iter().filter_map(|value| value.to_str().ok());
    let refusal = (!parts.status.is_success()).then(|| {
        let status: Option<Status> = serde_json::from_slice(&body).ok();
        status.map_or_else(|| parts.status.to_string(), |status| status.message)
    });
    heard(warnings, refusal)
}

/// What the headers and the refusal say, if there is one.
fn heard<'a>(warnings: impl Iterator<Item = &'a str>, refusal: Option<String>) -> Heard {
    let words: BTreeSet<String> = warnings.flat_map(warned).collect();
    match refusal {
        Some(refusal) => match guard_words(&refusal) {
            Some(words) => Heard::Refused(words.to_owned()),
            // A quota speaks after the guard, most others before it.
            None if words.is_empty() => Heard::Silent(refusal),
            None => Heard::Warned(words.into_iter().collect()),
        },
        None if words.is_empty() => Heard::Fine,
        None => Heard::Warned(words.into_iter().collect()),
    }
}

/// The guard's words in one header, which may hold several warnings: `299 - "text", 299 - "text"`.
fn warned(header: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let mut text: Option<String> = None;
    let mut chars = header.chars();
    while let Some(next) = chars.next() {
        match (next, text.as_mut()) {
            ('\\', Some(text)) => text.extend(chars.next()),
            ('"', Some(_)) => texts.extend(text.take()),
            ('"', None) => text = Some(String::new()),
            (other, Some(text)) => text.push(other),
            (_, None) => {}
        }
    }
    let words = texts.iter().filter_map(|text| guard_words(text));
    words.map(ToOwned::to_owned).collect()
}

/// What the guard says in an answer, from the rule's id on.
fn guard_words(answer: &str) -> Option<&str> {
    let at = answer.find(GUARD_SAYS)?;
    answer.get(at + "pinisi ".len()..).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WARNING: &str = r#"299 - "Validation failed for ValidatingAdmissionPolicy 'pinisi-guard-g20-claims' with binding 'pinisi-guard-g20-claims.health.preview': pinisi G20: storage class \"gp3\" is none""#;

    #[test]
    fn the_guards_words_are_found_in_refusals_and_in_warnings() {
        let none = || std::iter::empty::<&str>();
        assert_eq!(heard(none(), None), Heard::Fine);
        let refused = "pods \"x\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: pinisi G02: spec.nodeName c";
        assert_eq!(
            heard(none(), Some(refused.into())),
            Heard::Refused("G02: spec.nodeName c".into())
        );
        let words = vec!["G20: storage class \"gp3\" is none".to_owned()];
        assert_eq!(
            heard([WARNING].into_iter(), None),
            Heard::Warned(words.clone())
        );
        // A quota's refusal after the guard's warning.
        assert_eq!(
            heard([WARNING].into_iter(), Some("exceeded quota".into())),
            Heard::Warned(words)
        );
        assert_eq!(
            heard(none(), Some("exceeded quota".into())),
            Heard::Silent("exceeded quota".into())
        );
    }

    #[test]
    fn one_header_may_hold_several_warnings_and_those_of_others_are_not_ours() {
        let both =
            format!("{WARNING}, 299 - \"unknown field \\\\ x\", 299 - \"a: pinisi G30: no\"");
        assert_eq!(
            warned(&both),
            ["G20: storage class \"gp3\" is none", "G30: no"]
        );
        assert!(warned("299 - \"open").is_empty());
        assert!(warned("").is_empty());
    }
}
