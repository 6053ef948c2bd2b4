//! The command line of `guard`.

use clap::{Subcommand, ValueEnum};
use std::path::PathBuf;

/// Its help.
pub const HELP: &str = "\
The admission guard: the policies in the API server that keep Sensitive pods, their volumes, routes and
rights on lawful ground while the operator is stopped. The operator puts it in place by itself; these
commands are for those who keep it in Git, who guard the guard, and who want it gone.

  kubectl pinisi guard render > guard.yaml         as the operator has it, from what the cluster holds
  kubectl pinisi guard render -f policies/ -f sites.yaml
                                                   the same from files alone
  kubectl pinisi guard render --pack receiving     for a cluster that takes mass traffic
  kubectl pinisi guard render --pack static        for the API server's own folder (Kubernetes 1.37)
  kubectl pinisi guard laws                        what SovereigntyPolicy spec.legal can name, with sources
  kubectl pinisi guard remove                      takes it away, after a question

The static pack refuses to change or delete the guard, to cluster admins too. Put it into a folder on
each control-plane node and point the API server at it with --admission-control-config-file:

  apiVersion: apiserver.config.k8s.io/v1
  kind: AdmissionConfiguration
  plugins:
  - name: ValidatingAdmissionPolicy
    configuration:
      apiVersion: apiserver.config.k8s.io/v1
      kind: ValidatingAdmissionPolicyConfiguration
      staticManifestsDir: /etc/kubernetes/admission

Uninstalling the chart never takes the guard away: Sensitive services stay pinned. `guard remove` does,
on purpose, and refuses while an operator leads, which would put it back.

Exit code: 0 done; 1 you said no, or something is left; 2 could not be read.";

/// Options of `guard`.
#[derive(clap::Args, Debug)]
pub struct GuardOptions {
    /// What to do.
    #[command(subcommand)]
    pub command: GuardCommand,
}

/// What to do.
#[derive(Subcommand, Debug)]
pub enum GuardCommand {
    /// Print it
    Render(RenderOptions),
    /// Print the presets of laws with their sources (no legal advice)
    Laws(LawsOptions),
    /// Take it away
    Remove(RemoveOptions),
}

/// Which guard.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pack {
    /// That of a cluster with sovereign ground, where the operator runs.
    Hub,
    /// That of a cluster which takes mass traffic and refuses what is Sensitive.
    Receiving,
    /// What guards the guard from the API server's own folder.
    Static,
}

/// Options of `guard render`.
#[derive(clap::Args, Debug)]
pub struct RenderOptions {
    /// Which guard
    #[arg(long, value_enum, default_value_t = Pack::Hub)]
    pub pack: Pack,
    /// Sites, SovereigntyPolicies, Namespaces and Nodes: files, folders, or - for standard input; then
    /// no cluster is asked
    #[arg(short, long, value_name = "FILE")]
    pub filename: Vec<PathBuf>,
    /// Namespace that the operator runs in
    #[arg(long, default_value = "pinisi-system", value_name = "NAMESPACE")]
    pub operator_namespace: String,
    /// ServiceAccount that the operator runs as, in that namespace
    #[arg(long, default_value = "pinisi", value_name = "NAME")]
    pub service_account: String,
}

/// Options of `guard laws`.
#[derive(clap::Args, Debug)]
pub struct LawsOptions {
    /// One of them, as SovereigntyPolicy spec.legal names it
    pub name: Option<String>,
}

/// Options of `guard remove`.
#[derive(clap::Args, Debug)]
pub struct RemoveOptions {
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Show what would go, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Namespace that the operator runs in
    #[arg(long, default_value = "pinisi-system", value_name = "NAMESPACE")]
    pub operator_namespace: String,
}
