//! What can be switched off in the guard, one thing at a time, as changes of the objects that the API
//! server has. Pure, but for asking what the server serves.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{APIGroup, APIResourceList};
use kube::Client;
use serde_json::{Value, json};

/// One thing switched off.
#[derive(Clone, Debug)]
pub struct Mutant {
    /// The object that is changed: a policy or a binding.
    pub original: Value,
    /// The same, changed.
    pub changed: Value,
    /// The rule that must be missed.
    pub rule: String,
    /// What is switched off.
    pub what: What,
}

/// What is switched off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// One validation, for one resource and operation.
    Validation {
        /// Its place in the policy.
        at: usize,
        /// The resource, subresource included.
        resource: String,
        /// CREATE, UPDATE, DELETE or CONNECT.
        operation: String,
    },
    /// The stamp.
    Stamp,
    /// Refusing what cannot be judged.
    FailClosed,
    /// Refusing where the parameter is gone.
    ParameterDeny,
    /// Refusing at all.
    Action,
}

impl Mutant {
    /// Policy or binding, and what is off, in one line.
    pub fn name(&self) -> String {
        let object = self.original["metadata"]["name"]
            .as_str()
            .unwrap_or_default();
        match &self.what {
            What::Validation {
                at,
                resource,
                operation,
            } => format!(
                "{object}: validation {at} ({}) off for {operation} {resource}",
                self.rule
            ),
            What::Stamp => format!("{object}: the stamp off"),
            What::FailClosed => format!("{object}: failurePolicy Ignore"),
            What::ParameterDeny => format!("{object}: parameterNotFoundAction Allow"),
            What::Action => format!("{object}: no action but Audit"),
        }
    }
}

/// Every mutant of these policies and bindings.
pub fn of(objects: &[Value], served: &Served) -> Result<Vec<Mutant>> {
    let mut mutants = Vec::new();
    for object in objects {
        match object["kind"].as_str().unwrap_or_default() {
            "ValidatingAdmissionPolicy" => {
                mutants.extend(validations(object, served)?);
                mutants.push(changed(object, What::FailClosed, |it| {
                    it["spec"]["failurePolicy"] = json!("Ignore")
                }));
            }
            "MutatingAdmissionPolicy" => {
                let off = |it: &mut Value| {
                    let expression = &mut it["spec"]["mutations"][0]["jsonPatch"]["expression"];
                    // Both ends have one type, which the server asks for.
                    let before = expression.as_str().unwrap_or_default();
                    *expression = json!(format!("1 == 2 ? ({before}) : []"));
                };
                mutants.push(Mutant {
                    rule: "G03".into(),
                    ..changed(object, What::Stamp, off)
                });
                mutants.push(changed(object, What::FailClosed, |it| {
                    it["spec"]["failurePolicy"] = json!("Ignore")
                }));
            }
            _ => {
                if !object["spec"]["paramRef"].is_null() {
                    mutants.push(changed(object, What::ParameterDeny, |it| {
                        it["spec"]["paramRef"]["parameterNotFoundAction"] = json!("Allow");
                    }));
                }
                if !object["spec"]["validationActions"].is_null() {
                    mutants.push(changed(object, What::Action, |it| {
                        it["spec"]["validationActions"] = json!(["Audit"])
                    }));
                }
            }
        }
    }
    Ok(mutants)
}

fn changed(object: &Value, what: What, change: impl FnOnce(&mut Value)) -> Mutant {
    let mut mutant = object.clone();
    change(&mut mutant);
    Mutant {
        original: object.clone(),
        changed: mutant,
        rule: String::new(),
        what,
    }
}

fn validations(policy: &Value, served: &Served) -> Result<Vec<Mutant>> {
    let spec = &policy["spec"];
    let all = spec["validations"]
        .as_array()
        .context("a policy without validations")?;
    let mut mutants = Vec::new();
    for (resource, operation) in matched(policy) {
        if !served.has(&resource, &operation) {
            continue;
        }
        for (at, validation) in all.iter().enumerate() {
            let words = validation["messageExpression"].as_str().unwrap_or_default();
            let rule = words
                .split_once("pinisi ")
                .and_then(|(_, rest)| rest.split_once(':'));
            let (rule, _) = rule.context("a refusal that names no rule")?;
            let what = What::Validation {
                at,
                resource: resource.clone(),
                operation: operation.clone(),
            };
            let (own, sub) = resource.split_once('/').unwrap_or((&resource, ""));
            let sub = match sub {
                "" => "(!has(request.subResource) || request.subResource == '')".to_owned(),
                sub => format!("(has(request.subResource) && request.subResource == '{sub}')"),
            };
            let here = format!(
                "(request.resource.resource == '{own}' && {sub} && request.operation == '{operation}')"
            );
            let mutant = changed(policy, what, |it| {
                let expression = &mut it["spec"]["validations"][at]["expression"];
                let before = expression.as_str().unwrap_or_default().to_owned();
                *expression = json!(format!("{here} || ({before})"));
            });
            mutants.push(Mutant {
                rule: rule.to_owned(),
                ..mutant
            });
        }
    }
    Ok(mutants)
}

/// Resources and operations that a policy looks at.
fn matched(policy: &Value) -> BTreeSet<(String, String)> {
    let rules = policy["spec"]["matchConstraints"]["resourceRules"].as_array();
    let words = |value: &Value| -> Vec<String> {
        let all = value.as_array().into_iter().flatten();
        all.filter_map(|word| word.as_str().map(str::to_owned))
            .collect()
    };
    let mut matched = BTreeSet::new();
    for rule in rules.into_iter().flatten() {
        for resource in words(&rule["resources"]) {
            for operation in words(&rule["operations"]) {
                matched.insert((resource.clone(), operation));
            }
        }
    }
    matched
}

/// Verbs that the server takes, by resource.
pub struct Served(BTreeSet<(String, String)>);

impl Served {
    /// Asks the server.
    pub async fn of(client: &Client) -> Result<Self> {
        let mut all = BTreeSet::new();
        let mut lists = vec![client.list_core_api_resources("v1").await?];
        for APIGroup { versions, .. } in client.list_api_groups().await?.groups {
            for version in versions {
                lists.push(
                    client
                        .list_api_group_resources(&version.group_version)
                        .await?,
                );
            }
        }
        for APIResourceList { resources, .. } in lists {
            for resource in resources {
                for verb in resource.verbs {
                    all.insert((resource.name.clone(), verb));
                }
            }
        }
        Ok(Self(all))
    }

    /// Whether a request of this operation can be made at all.
    fn has(&self, resource: &str, operation: &str) -> bool {
        let verbs: &[&str] = match operation {
            "UPDATE" => &["update", "patch"],
            "DELETE" => &["delete"],
            // A connection is made by any verb.
            "CONNECT" => &["create", "get"],
            _ => &["create"],
        };
        verbs
            .iter()
            .any(|verb| self.0.contains(&(resource.to_owned(), (*verb).to_owned())))
    }
}
