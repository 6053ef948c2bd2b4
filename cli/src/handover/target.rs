//! What is adopted, as it is typed: `deployment/web`.

use pinisi_crds::hybrid_workload::TargetRef;
use serde::Serialize;
use std::{fmt, str::FromStr};

/// Kinds that have a `/scale` which the operator writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Kind {
    /// A Deployment.
    Deployment,
    /// A StatefulSet.
    StatefulSet,
}

impl Kind {
    /// As the API has it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
        }
    }

    /// As people type it.
    pub const fn short(self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::StatefulSet => "statefulset",
        }
    }
}

/// A Deployment or a StatefulSet of one namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Target {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: String,
}

impl Target {
    /// Group and version of every target.
    pub const API_VERSION: &'static str = "apps/v1";

    /// The target of a workload; `None` where it is of another kind.
    pub fn of(reference: &TargetRef) -> Option<Self> {
        let TargetRef {
            api_version,
            kind,
            name,
        } = reference;
        let kind = match (api_version.split('/').next(), kind.as_str()) {
            (Some("apps"), "Deployment") => Kind::Deployment,
            (Some("apps"), "StatefulSet") => Kind::StatefulSet,
            (Some(_) | None, _) => return None,
        };
        Some(Self {
            kind,
            name: name.clone(),
        })
    }

    /// True where a reference with these words means this target. Versions of a group are the same,
    /// and an absent group or kind is a Deployment of `apps` to those who may leave it out.
    pub fn is(&self, api_version: &str, kind: &str, name: &str) -> bool {
        let group = api_version.split('/').next().unwrap_or_default();
        group == "apps" && kind == self.kind.word() && name == self.name
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let help = "name it as deployment/NAME or statefulset/NAME";
        let (kind, name) = text
            .split_once('/')
            .ok_or_else(|| format!("{text:?} does not say what it is; {help}"))?;
        let kind =
            match kind.to_ascii_lowercase().as_str() {
                "deployment" | "deployments" | "deploy" | "deployment.apps"
                | "deployments.apps" => Kind::Deployment,
                "statefulset" | "statefulsets" | "sts" | "statefulset.apps"
                | "statefulsets.apps" => Kind::StatefulSet,
                other => return Err(format!("{other:?} has no count that Pinisi scales; {help}")),
            };
        if name.is_empty() || name.contains('/') {
            return Err(format!("{text:?} has no name of an object; {help}"));
        }
        Ok(Self {
            kind,
            name: name.to_owned(),
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.word(), self.name)
    }
}

/// A HybridWorkload as it is typed: `hw/web`, `hybridworkload/web` or `web`.
pub fn workload_name(text: &str) -> Result<String, String> {
    let name = match text.split_once('/') {
        None => text,
        Some(("hw" | "hybridworkload" | "hybridworkloads", name)) => name,
        Some((other, _)) => {
            return Err(format!(
                "{other:?} is no HybridWorkload; name it as hw/NAME"
            ));
        }
    };
    if name.is_empty() || name.contains('/') {
        return Err(format!("{text:?} has no name; name it as hw/NAME"));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_named_as_kubectl_names_them() {
        for text in [
            "deployment/web",
            "deploy/web",
            "Deployment/web",
            "deployments.apps/web",
        ] {
            let target: Target = text.parse().unwrap();
            assert_eq!(target.to_string(), "Deployment web", "{text}");
        }
        assert_eq!(
            "sts/db".parse::<Target>().unwrap().to_string(),
            "StatefulSet db"
        );
        for text in ["web", "pod/web", "deploy/", "deploy/a/b", ""] {
            let error = text.parse::<Target>().unwrap_err();
            assert!(error.contains("deployment/NAME"), "{text}: {error}");
        }
        assert_eq!(workload_name("hw/web").as_deref(), Ok("web"));
        assert_eq!(workload_name("web").as_deref(), Ok("web"));
        assert!(workload_name("pod/web").is_err() && workload_name("hw/").is_err());
    }
}
