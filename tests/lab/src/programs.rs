//! The programs of the lab, which of them a lab needs, and where a built one is
//! found. How a build runs stands in `compile.rs`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::spec::LabSpec;

/// Which Kubernetes a lab runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Version {
    /// The newest, which all labs run that ask for nothing else.
    #[default]
    V1_37,
    /// An older one, for servers that lack an API; built when a lab asks for it.
    V1_34,
}

impl Version {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::V1_37, Self::V1_34];

    /// What its API server says it is: written into the binary, or the server
    /// would call itself `v0.0.0-master` and clients that read it would misjudge it.
    #[must_use]
    pub fn git_version(self) -> &'static str {
        match self {
            Self::V1_37 => "v1.37.2",
            Self::V1_34 => "v1.34.4",
        }
    }

    /// Its API server, controllers and scheduler.
    #[must_use]
    pub fn program(self) -> Program {
        match self {
            Self::V1_37 => KUBERNETES,
            Self::V1_34 => KUBERNETES_1_34,
        }
    }
}

const SMALL: &str = "-s -w";
const KUBERNETES_FLAGS: &str = "-s -w \
    -X k8s.io/component-base/version.gitVersion=v1.37.2 \
    -X k8s.io/component-base/version.gitMajor=1 \
    -X k8s.io/component-base/version.gitMinor=37";
const KUBERNETES_1_34_FLAGS: &str = "-s -w \
    -X k8s.io/component-base/version.gitVersion=v1.34.4 \
    -X k8s.io/component-base/version.gitMajor=1 \
    -X k8s.io/component-base/version.gitMinor=34";

/// A program that is built from a Go module in `tests/lab/go`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Program {
    /// Name of the binary and of the module's folder.
    pub name: &'static str,
    /// What is built: `.` or a package of a dependency.
    pub package: &'static str,
    /// Build tags, or none.
    pub tags: &'static str,
    /// Linker flags.
    pub ldflags: &'static str,
    /// Which part of the lab cannot work without it.
    pub needed_for: &'static str,
    /// Whether only some labs need it: it is then built when one asks for it.
    pub on_demand: bool,
}

/// The control plane's store.
pub const ETCD: Program = Program {
    name: "etcd",
    package: ".",
    tags: "",
    ldflags: SMALL,
    needed_for: "the control plane's store",
    on_demand: false,
};

/// The newest Kubernetes.
pub const KUBERNETES: Program = Program {
    name: "kubernetes",
    package: ".",
    tags: "",
    ldflags: KUBERNETES_FLAGS,
    needed_for: "the API server, the controllers and the scheduler",
    on_demand: false,
};

/// An older Kubernetes.
pub const KUBERNETES_1_34: Program = Program {
    name: "kubernetes-1.34",
    package: ".",
    tags: "",
    ldflags: KUBERNETES_1_34_FLAGS,
    needed_for: "labs with an older API server",
    on_demand: true,
};

/// Nodes without machines.
pub const KWOK: Program = Program {
    name: "kwok",
    package: "sigs.k8s.io/kwok/cmd/kwok",
    tags: "remove_all_sd",
    ldflags: SMALL,
    needed_for: "the nodes and their pods",
    on_demand: false,
};

/// Helm.
pub const HELM: Program = Program {
    name: "helm",
    package: "helm.sh/helm/v4/cmd/helm",
    tags: "remove_all_sd",
    ldflags: SMALL,
    needed_for: "installing the chart",
    on_demand: false,
};

/// Prometheus.
pub const PROMETHEUS: Program = Program {
    name: "prometheus",
    package: "github.com/prometheus/prometheus/cmd/prometheus",
    tags: "remove_all_sd",
    ldflags: SMALL,
    needed_for: "load signals",
    on_demand: false,
};

/// metrics-server and the adapter in one: most of what they are made of is the same.
pub const METRICS: Program = Program {
    name: "metrics",
    package: ".",
    tags: "remove_all_sd",
    ldflags: SMALL,
    needed_for: "labs with the metrics APIs",
    on_demand: true,
};

/// All programs, in the order in which they are built.
pub const PROGRAMS: [Program; 7] = [
    ETCD,
    KUBERNETES,
    KWOK,
    HELM,
    PROMETHEUS,
    METRICS,
    KUBERNETES_1_34,
];

/// Where the built programs of one lab are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Programs {
    /// etcd.
    pub etcd: PathBuf,
    /// kube-apiserver, kube-controller-manager and kube-scheduler in one: the
    /// name it is called by says which.
    pub kubernetes: PathBuf,
    /// KWOK.
    pub kwok: PathBuf,
    /// Helm.
    pub helm: PathBuf,
    /// Prometheus.
    pub prometheus: PathBuf,
    /// metrics-server and the adapter in one: the name it is called by says
    /// which. Only where the lab has the metrics APIs.
    pub metrics: Option<PathBuf>,
}

impl Programs {
    /// What this lab needs, in the order in which it is built.
    #[must_use]
    pub fn needed(spec: &LabSpec) -> Vec<Program> {
        let mut needed = vec![ETCD, spec.kubernetes.program(), KWOK, HELM, PROMETHEUS];
        needed.extend(spec.metrics.then_some(METRICS));
        needed
    }

    /// The same list, built: one path for each of [`Programs::needed`].
    #[must_use]
    pub fn from_needed(paths: Vec<PathBuf>) -> Option<Self> {
        let mut paths = paths.into_iter();
        Some(Self {
            etcd: paths.next()?,
            kubernetes: paths.next()?,
            kwok: paths.next()?,
            helm: paths.next()?,
            prometheus: paths.next()?,
            metrics: paths.next(),
        })
    }
}

impl Program {
    /// The Go module's folder in this checkout.
    #[must_use]
    pub fn module_dir(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("go")
            .join(self.name)
    }

    /// The flags of `go build` but for `-o`.
    #[must_use]
    pub fn build_flags(&self) -> Vec<&'static str> {
        let mut flags = vec!["-trimpath", "-buildvcs=false", "-ldflags", self.ldflags];
        if !self.tags.is_empty() {
            flags.extend(["-tags", self.tags]);
        }
        flags
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_in_the_flags_is_the_version_in_the_module() {
        for version in Version::ALL {
            let (program, says) = (version.program(), version.git_version());
            let flag = format!("gitVersion={says} ");
            assert!(program.ldflags.contains(&flag), "{}", program.ldflags);
            let minor = says.split('.').nth(1).unwrap();
            assert!(program.ldflags.ends_with(&format!("gitMinor={minor}")));
            let go_mod = std::fs::read_to_string(program.module_dir().join("go.mod")).unwrap();
            assert!(go_mod.contains(&format!("k8s.io/kubernetes {says}")));
        }
    }

    #[test]
    fn a_lab_needs_what_is_on_demand_only_if_it_asks() {
        let spec = LabSpec::new("x", Vec::new());
        assert!(
            Programs::needed(&spec)
                .iter()
                .all(|program| !program.on_demand)
        );
        let spec = spec.kubernetes(Version::V1_34).with_metrics();
        let needed = Programs::needed(&spec);
        assert!(needed.contains(&KUBERNETES_1_34) && needed.contains(&METRICS));
        assert!(!needed.contains(&KUBERNETES));
        let paths = needed.iter().map(|program| program.name.into()).collect();
        let programs = Programs::from_needed(paths).unwrap();
        assert_eq!(programs.kubernetes, PathBuf::from("kubernetes-1.34"));
        assert_eq!(programs.prometheus, PathBuf::from("prometheus"));
        assert_eq!(programs.metrics, Some(PathBuf::from("metrics")));
        assert_eq!(Programs::from_needed(Vec::new()), None);
    }

    #[test]
    fn every_program_has_its_module() {
        for program in PROGRAMS {
            assert!(
                program.module_dir().join("go.mod").is_file(),
                "{}",
                program.name
            );
            assert!(
                program.module_dir().join("go.sum").is_file(),
                "{}",
                program.name
            );
        }
    }
}
