//! What `cargo lab test` runs, in this order: cheap things first. Pure data.

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What people read.
    pub name: &'static str,
    /// How it is done.
    pub how: How,
}

/// How a step is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// cargo with these arguments must succeed.
    Cargo(&'static [&'static str]),
    /// cargo-deny must pass; it is built once where it is missing.
    Deny,
    /// The planner may not depend on these crates.
    Purity,
}

/// All steps.
#[must_use]
pub fn all() -> Vec<Step> {
    let cargo = |name, args| Step {
        name,
        how: How::Cargo(args),
    };
    vec![
        cargo("formatting", &["fmt", "--all", "--check"]),
        cargo("generated files are up to date", &["generate", "--check"]),
        Step {
            name: "dependencies: bans, licenses, sources",
            how: How::Deny,
        },
        cargo(
            "clippy, with warnings denied",
            &[
                "clippy",
                "--workspace",
                "--all-targets",
                "--",
                "-D",
                "warnings",
            ],
        ),
        Step {
            name: "the planner has no runtime and no client",
            how: How::Purity,
        },
        cargo(
            "unit and property tests",
            &["test", "--workspace", "--exclude", "pinisi-e2e"],
        ),
        // The whole workspace each time: another choice of packages would be another choice of
        // features, and every dependency would be built again.
        cargo(
            "operator, lab and command line",
            &["build", "--workspace", "--bins"],
        ),
        cargo("the lab's programs", &["lab", "build"]),
        // After the programs: Go has compiled most of Kubernetes by then.
        cargo(
            "the HPA's and Knative's rules are upstream's",
            &[
                "test",
                "--workspace",
                "--test",
                "conformance",
                "--",
                "--ignored",
                "--nocapture",
                "--test-threads=1",
            ],
        ),
        cargo(
            "the lab itself",
            &[
                "test",
                "--workspace",
                "--test",
                "live",
                "--",
                "--ignored",
                "--test-threads=1",
                // A quarter of an hour of building for one test: `--deep older`.
                "--skip",
                "an_older_server",
            ],
        ),
        // The tests of one binary share a lab; they mostly wait.
        cargo(
            "end to end: workloads",
            &[
                "test",
                "--workspace",
                "--test",
                "workloads",
                "--",
                "--test-threads=6",
            ],
        ),
        cargo(
            "end to end: sites in another cluster",
            &[
                "test",
                "--workspace",
                "--test",
                "remote",
                "--",
                "--test-threads=6",
            ],
        ),
        cargo(
            "end to end: metrics",
            &[
                "test",
                "--workspace",
                "--test",
                "metrics",
                "--",
                // They wait for rounds of 15 s and for a failure to be borne no more.
                "--test-threads=14",
            ],
        ),
        cargo(
            "end to end: every known way around sovereignty",
            &["test", "--workspace", "--test", "sovereignty"],
        ),
        cargo(
            "end to end: the operator as a process",
            &["test", "--workspace", "--test", "operator"],
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_must_hold_is_left_out() {
        let said = format!("{:?}", all());
        for must in [
            "fmt",
            "generate",
            "Deny",
            "clippy",
            "warnings",
            "Purity",
            "conformance",
            "workloads",
            "\"remote\"",
            "\"metrics\"",
            "operator",
            "\"sovereignty\"",
            "live",
        ] {
            assert!(said.contains(must), "{must}");
        }
    }
}
