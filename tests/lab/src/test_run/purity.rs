//! The planner stays pure: cargo's own tree of what it depends on, without tests
//! and builds, has no runtime, no client and no HTTP.

use std::process::Stdio;

use anyhow::{Context, Result};
use tokio::io::AsyncReadExt as _;

use super::run::Runner;

const REFUSED: [&str; 8] = [
    "tokio",
    "kube",
    "kube-client",
    "kube-core",
    "kube-runtime",
    "hyper",
    "reqwest",
    "tower",
];

/// Asks cargo; `false` when the planner depends on one of them.
///
/// # Errors
/// When cargo cannot be run.
pub async fn run(runner: &Runner) -> Result<bool> {
    let mut command = runner.cargo(&[
        "tree",
        "--package",
        "pinisi-planner",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]);
    command.stdout(Stdio::piped());
    let mut child = runner.spawn(command)?;
    let mut tree = String::new();
    let mut output = child.stdout.take().context("no pipe from cargo")?;
    output.read_to_string(&mut tree).await?;
    if !runner.wait(&mut child).await? {
        return Ok(false);
    }
    let found = refused(&tree);
    for name in &found {
        eprintln!("pinisi-planner depends on {name}; it must stay without runtime and client");
    }
    Ok(tree.starts_with("pinisi-planner ") && found.is_empty())
}

/// Crates of a tree that the planner may not have.
fn refused(tree: &str) -> Vec<&str> {
    let names = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    let mut found: Vec<&str> = names.filter(|name| REFUSED.contains(name)).collect();
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_is_found_wherever_it_stands_in_the_tree() {
        let tree = "pinisi-planner v0.1.0 (/x)\nserde v1.0.0\ntokio v1.54.0 (*)\ntokio v1.54.0\nkube-client v5.0.0\n";
        assert_eq!(refused(tree), ["kube-client", "tokio"]);
        assert!(refused("pinisi-planner v0.1.0\ntokio-macros-like v1\n").is_empty());
    }
}
