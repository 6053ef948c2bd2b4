//! The five programs of the lab, and where a built one is found. How a build
//! runs stands in `compile.rs`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Kubernetes' version; also written into the binary, or the server would call
/// itself `v0.0.0-master` and clients that read it would misjudge it.
pub const KUBERNETES_VERSION: &str = "v1.37.2";

const SMALL: &str = "-s -w";
const KUBERNETES_FLAGS: &str = "-s -w \
    -X k8s.io/component-base/version.gitVersion=v1.37.2 \
    -X k8s.io/component-base/version.gitMajor=1 \
    -X k8s.io/component-base/version.gitMinor=37";

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
}

/// All programs, in the order in which they are built.
pub const PROGRAMS: [Program; 5] = [
    Program {
        name: "etcd",
        package: ".",
        tags: "",
        ldflags: SMALL,
        needed_for: "the control plane's store",
    },
    Program {
        name: "kubernetes",
        package: ".",
        tags: "",
        ldflags: KUBERNETES_FLAGS,
        needed_for: "the API server, the controllers and the scheduler",
    },
    Program {
        name: "kwok",
        package: "sigs.k8s.io/kwok/cmd/kwok",
        tags: "remove_all_sd",
        ldflags: SMALL,
        needed_for: "the nodes and their pods",
    },
    Program {
        name: "helm",
        package: "helm.sh/helm/v4/cmd/helm",
        tags: "remove_all_sd",
        ldflags: SMALL,
        needed_for: "installing the chart",
    },
    Program {
        name: "prometheus",
        package: "github.com/prometheus/prometheus/cmd/prometheus",
        tags: "remove_all_sd",
        ldflags: SMALL,
        needed_for: "load signals",
    },
];

/// Where the five built programs are.
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
        assert!(KUBERNETES_FLAGS.contains(&format!("gitVersion={KUBERNETES_VERSION} ")));
        let go_mod = std::fs::read_to_string(PROGRAMS[1].module_dir().join("go.mod")).unwrap();
        assert!(go_mod.contains(&format!("k8s.io/kubernetes {KUBERNETES_VERSION}")));
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
