//! The command line of `conformance`.

use super::case::Level;
use clap::Subcommand;
use std::path::PathBuf;

/// Help of `conformance`.
pub const HELP: &str = "\
Tries every known way around sovereignty and says which rule of the guard refused it.

  conformance list                       every case, its level, and the rules that it tries
  conformance run                        all of bronze
  conformance run --level gold           all cases
  conformance run --case S02,S03         these
  conformance run --operator-down        the same while no operator leads

Run it as somebody who may impersonate users (cluster-admin may).";

/// Help of `conformance run`.
pub const RUN_HELP: &str = "\
Makes three canary namespaces (pinisi-conformance-..., Sensitive, MassTraffic and without a class),
pods that nothing can schedule, objects that name nothing that exists, and rights for groups that
nobody is in; tries each case; and removes all of it, also after an error or Ctrl-C. What a killed run
leaves behind is removed by a later one. Every attempt is a dry run where the API has one: admission
judges it just the same, and nothing leaks where the guard is missing. (Connecting has none, and is
asked of the canary pod, which runs nowhere.) An attempt is refused only where the rule refused it
that is named beside it; what something else refused is red. Lawful twins must pass, or the case is
red too.

  green    all of it was tried and is as it must be
  partial  so is what was tried, but something was not; the reason is said
  skipped  not tried
  RED      a way around is open, or a lawful request was refused

Reasons that leave a level partial, never green: needs-dataplane, needs-remote, needs-operator-down,
needs-lab, no-sovereign-node, no-node-abroad, no-policy, absent, not-guaranteed, not-built. Reasons
that do not: not-served (the API is not there, so it is no way around), nothing-allowed (no policy
names anything lawful of the kind), nothing-there. Each level holds those below it.

--operator-down first watches the operator's Lease: only when nobody has renewed it for as long as it
lasts is it believed that no operator leads. It scales nothing unless --scale-operator is given too:
then the Deployment is scaled to 0, and back at the end.

JSON (-o json) is one object, fields are only ever added:
  format       \"pinisi-conformance/v1\"
  server, operatorDown, verdict
  levels[]     level, verdict, green, partial, skipped, red
  cases[]      id, level, bypasses[], title, verdict, reason, milliseconds, attempts[]
  attempts[]   rule, name, request, lawful, outcome (refused, passed, let-through,
               refused-by-other, lawful-refused, unstamped, wrong, no-answer, skipped), reason,
               answer, milliseconds

Exit code: 0 nothing red, 1 something red (with --strict also where something was left open),
2 could not be run, 130 interrupted.";

/// Options of `conformance`.
#[derive(clap::Args, Debug)]
pub struct ConformanceOptions {
    /// What to do.
    #[command(subcommand)]
    pub command: ConformanceCommand,
}

/// What to do.
#[derive(Subcommand, Debug)]
pub enum ConformanceCommand {
    /// Show every case, and ask no server
    List,
    /// Try them in this cluster
    #[command(long_about = RUN_HELP)]
    Run(RunOptions),
}

/// Options of `conformance run`.
#[derive(clap::Args, Debug)]
pub struct RunOptions {
    /// Up to this level
    #[arg(long, value_enum, default_value_t = Level::Bronze, conflicts_with = "case")]
    pub level: Level,
    /// Only these cases, for example S02,S03
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub case: Vec<String>,
    /// Show first that no operator leads, then run
    #[arg(long)]
    pub operator_down: bool,
    /// Scale the operator's Deployment to 0 for that, and back at the end
    #[arg(long, requires = "operator_down")]
    pub scale_operator: bool,
    /// What is left open counts as red in the exit code
    #[arg(long)]
    pub strict: bool,
    /// Context of the cluster that is the cloud, for cases that need one
    #[arg(long, value_name = "CONTEXT")]
    pub remote_context: Option<String>,
    /// Write the report there instead of to standard output
    #[arg(long, value_name = "FILE")]
    pub output_file: Option<PathBuf>,
    /// Namespace that the operator runs in
    #[arg(long, default_value = "pinisi-system", value_name = "NAMESPACE")]
    pub operator_namespace: String,
    /// The operator's ServiceAccount
    #[arg(long, default_value = "pinisi", value_name = "NAME")]
    pub operator_account: String,
}
