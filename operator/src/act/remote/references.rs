//! What a pod template refers to by name and needs to find in its namespace. Optional references
//! are left out: a pod starts without them. Pure.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// Kinds that a pod template refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Referred {
    /// A ConfigMap.
    ConfigMap,
    /// A Secret.
    Secret,
    /// A ServiceAccount.
    ServiceAccount,
    /// A PriorityClass; it has no namespace.
    PriorityClass,
}

impl Referred {
    /// The kind's name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ConfigMap => "ConfigMap",
            Self::Secret => "Secret",
            Self::ServiceAccount => "ServiceAccount",
            Self::PriorityClass => "PriorityClass",
        }
    }

    /// The kind as RBAC and kubectl name it.
    #[must_use]
    pub const fn plural(self) -> &'static str {
        match self {
            Self::ConfigMap => "configmaps",
            Self::Secret => "secrets",
            Self::ServiceAccount => "serviceaccounts",
            Self::PriorityClass => "priorityclasses",
        }
    }
}

/// One object that a template needs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// Its kind.
    pub kind: Referred,
    /// Its name.
    pub name: String,
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.name(), self.name)
    }
}

/// Every object that `template` needs, with the field that names it first.
#[must_use]
pub fn of(template: &Value) -> BTreeMap<Reference, String> {
    let mut found = Found::default();
    let spec = &template["spec"];
    let account = text(&spec["serviceAccountName"]).unwrap_or("default");
    found.note(
        Referred::ServiceAccount,
        Some(account),
        "spec.template.spec.serviceAccountName",
    );
    found.note(
        Referred::PriorityClass,
        text(&spec["priorityClassName"]),
        "spec.template.spec.priorityClassName",
    );
    for (at, secret) in each(&spec["imagePullSecrets"]) {
        let field = format!("spec.template.spec.imagePullSecrets[{at}]");
        found.note(Referred::Secret, text(&secret["name"]), &field);
    }
    for (at, volume) in each(&spec["volumes"]) {
        found.volume(volume, &format!("spec.template.spec.volumes[{at}]"));
    }
    for kind in ["initContainers", "containers"] {
        for (at, container) in each(&spec[kind]) {
            found.container(container, &format!("spec.template.spec.{kind}[{at}]"));
        }
    }
    found.0
}

/// The node that a template names past the scheduler; there is none of that name elsewhere.
#[must_use]
pub fn node_name(template: &Value) -> Option<&str> {
    text(&template["spec"]["nodeName"])
}

#[derive(Default)]
struct Found(BTreeMap<Reference, String>);

impl Found {
    fn note(&mut self, kind: Referred, name: Option<&str>, field: &str) {
        if let Some(name) = name {
            let name = name.to_owned();
            self.0
                .entry(Reference { kind, name })
                .or_insert_with(|| field.to_owned());
        }
    }

    fn volume(&mut self, volume: &Value, field: &str) {
        let (map, secret) = (&volume["configMap"], &volume["secret"]);
        if !optional(map) {
            self.note(
                Referred::ConfigMap,
                text(&map["name"]),
                &format!("{field}.configMap"),
            );
        }
        if !optional(secret) {
            self.note(
                Referred::Secret,
                text(&secret["secretName"]),
                &format!("{field}.secret"),
            );
        }
        for (at, source) in each(&volume["projected"]["sources"]) {
            for (key, kind) in [
                ("configMap", Referred::ConfigMap),
                ("secret", Referred::Secret),
            ] {
                if !optional(&source[key]) {
                    let field = format!("{field}.projected.sources[{at}].{key}");
                    self.note(kind, text(&source[key]["name"]), &field);
                }
            }
        }
        self.storage(volume, field);
    }

    /// Drivers of storage name the Secret with their credentials in one of three ways.
    fn storage(&mut self, volume: &Value, field: &str) {
        let Some(sources) = volume.as_object() else {
            return;
        };
        for (driver, source) in sources {
            if matches!(driver.as_str(), "configMap" | "secret" | "projected") {
                continue;
            }
            for key in ["secretRef", "nodePublishSecretRef"] {
                let field = format!("{field}.{driver}.{key}");
                self.note(Referred::Secret, text(&source[key]["name"]), &field);
            }
            let field = format!("{field}.{driver}.secretName");
            self.note(Referred::Secret, text(&source["secretName"]), &field);
        }
    }

    fn container(&mut self, container: &Value, field: &str) {
        for (at, from) in each(&container["envFrom"]) {
            for (key, kind) in [
                ("configMapRef", Referred::ConfigMap),
                ("secretRef", Referred::Secret),
            ] {
                if !optional(&from[key]) {
                    let field = format!("{field}.envFrom[{at}].{key}");
                    self.note(kind, text(&from[key]["name"]), &field);
                }
            }
        }
        for (at, variable) in each(&container["env"]) {
            let from = &variable["valueFrom"];
            for (key, kind) in [
                ("configMapKeyRef", Referred::ConfigMap),
                ("secretKeyRef", Referred::Secret),
            ] {
                if !optional(&from[key]) {
                    let field = format!("{field}.env[{at}].valueFrom.{key}");
                    self.note(kind, text(&from[key]["name"]), &field);
                }
            }
        }
    }
}

fn optional(source: &Value) -> bool {
    source["optional"] == Value::Bool(true)
}

fn text(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !text.is_empty())
}

fn each(list: &Value) -> impl Iterator<Item = (usize, &Value)> {
    list.as_array().into_iter().flatten().enumerate()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn names(template: &Value) -> Vec<String> {
        of(template)
            .iter()
            .map(|(reference, field)| format!("{reference} by {field}"))
            .collect()
    }

    #[test]
    fn every_way_to_name_an_object_is_found() {
        let template = json!({ "spec": {
            "serviceAccountName": "web",
            "priorityClassName": "high",
            "imagePullSecrets": [{ "name": "pull" }],
            "volumes": [
                { "name": "a", "configMap": { "name": "settings" } },
                { "name": "b", "secret": { "secretName": "tls" } },
                { "name": "c", "projected": { "sources": [
                    { "configMap": { "name": "ca" } }, { "secret": { "name": "token" } },
                ] } },
                { "name": "d", "csi": { "driver": "x", "nodePublishSecretRef": { "name": "csi" } } },
                { "name": "e", "azureFile": { "secretName": "share" } },
                { "name": "f", "rbd": { "secretRef": { "name": "ceph" } } },
                { "name": "g", "emptyDir": {} },
            ],
            "initContainers": [{ "envFrom": [{ "configMapRef": { "name": "init" } }] }],
            "containers": [{
                "envFrom": [{ "secretRef": { "name": "keys" } }],
                "env": [
                    { "name": "A", "valueFrom": { "configMapKeyRef": { "name": "one", "key": "k" } } },
                    { "name": "B", "valueFrom": { "secretKeyRef": { "name": "two", "key": "k" } } },
                    { "name": "C", "valueFrom": { "fieldRef": { "fieldPath": "metadata.name" } } },
                ],
            }],
        } });
        assert_eq!(
            names(&template),
            [
                "ConfigMap ca by spec.template.spec.volumes[2].projected.sources[0].configMap",
                "ConfigMap init by spec.template.spec.initContainers[0].envFrom[0].configMapRef",
                "ConfigMap one by spec.template.spec.containers[0].env[0].valueFrom.configMapKeyRef",
                "ConfigMap settings by spec.template.spec.volumes[0].configMap",
                "Secret ceph by spec.template.spec.volumes[5].rbd.secretRef",
                "Secret csi by spec.template.spec.volumes[3].csi.nodePublishSecretRef",
                "Secret keys by spec.template.spec.containers[0].envFrom[0].secretRef",
                "Secret pull by spec.template.spec.imagePullSecrets[0]",
                "Secret share by spec.template.spec.volumes[4].azureFile.secretName",
                "Secret tls by spec.template.spec.volumes[1].secret",
                "Secret token by spec.template.spec.volumes[2].projected.sources[1].secret",
                "Secret two by spec.template.spec.containers[0].env[1].valueFrom.secretKeyRef",
                "ServiceAccount web by spec.template.spec.serviceAccountName",
                "PriorityClass high by spec.template.spec.priorityClassName",
            ]
        );
    }

    #[test]
    fn optional_references_are_no_needs_and_the_default_account_is() {
        let template = json!({ "spec": {
            "volumes": [
                { "configMap": { "name": "a", "optional": true } },
                { "secret": { "secretName": "b", "optional": true } },
                { "projected": { "sources": [{ "secret": { "name": "c", "optional": true } }] } },
            ],
            "containers": [{
                "envFrom": [{ "secretRef": { "name": "d", "optional": true } }],
                "env": [{ "valueFrom": { "configMapKeyRef": { "name": "e", "optional": true } } }],
            }],
        } });
        assert_eq!(
            names(&template),
            ["ServiceAccount default by spec.template.spec.serviceAccountName"]
        );
    }

    #[test]
    fn garbage_refers_to_nothing_and_never_panics() {
        for garbage in [
            json!(null),
            json!([1]),
            json!({ "spec": "x" }),
            json!({ "spec": { "volumes": { "a": 1 }, "containers": [null, 3, { "env": "x" }] } }),
        ] {
            assert_eq!(of(&garbage).len(), 1, "{garbage}");
            assert!(node_name(&garbage).is_none());
        }
    }

    #[test]
    fn a_named_node_is_told() {
        assert_eq!(
            node_name(&json!({ "spec": { "nodeName": "n1" } })),
            Some("n1")
        );
        assert_eq!(node_name(&json!({ "spec": { "nodeName": "" } })), None);
    }
}
