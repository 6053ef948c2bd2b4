//! The command line: what can be asked, and the help that teaches it.

use clap::{Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  kubectl pinisi status -A              every workload, site and signal source
  kubectl pinisi status -A --watch      the same, drawn again when something moves
  kubectl pinisi explain check-in       why a workload has the replicas that it has
  kubectl pinisi plan -f check-in.yaml  what a manifest would change; nothing is written
  kubectl pinisi check                  is the ground sound? each finding has an id and a hint
  kubectl pinisi check -o json          the same for machines
  kubectl pinisi attest home            which nodes are yours: Sensitive pods run on these alone
  kubectl pinisi declassify list -A     who asks that a namespace be no longer Sensitive
  kubectl pinisi adopt deployment/web --class MassTraffic --home jakarta --overflow cloud
                                        from an HPA or ScaledObject to Pinisi, observing first
  kubectl pinisi release hw/web         gives everything back
  kubectl pinisi simulate --trace requests.csv --compare hpa,keda,knative --html report.html
                                        what a load of the past would have met
  kubectl pinisi guard render           the admission policies as YAML
  kubectl pinisi conformance run --level bronze
                                        tries each known way around sovereignty, in dry runs

status, explain, plan and check only read, and nothing that they show is computed by the operator on
demand: they work while it is down. attest, declassify, adopt and release write as you, after a question. conformance
run makes canary namespaces and removes them.";

const STATUS_HELP: &str = "\
HybridWorkloads with their class, ready and decided replicas, the share at home and in the cloud,
why the numbers are what they are, and the conditions that are not as they should be; then the
Sites and the SignalSources.

JSON (-o json) is one object, fields are only ever added:
  format         \"pinisi-status/v1\"
  workloads[]    namespace, name, class, mode, ready, replicas, home, cloud, why,
                 sites[] {name, desired, ready}, attention[] {type, status, reason, message}
  sites[]        name, type, jurisdiction, nodes, cpu, memory, ready, reason
  signalSources[] name, address, ready, reason, queries[] {name, series, error}
With --watch it is one such object a line, each time something moved.

Exit code: 0 shown, 2 could not be read.";

const CHECK_HELP: &str = "\
Looks at everything that Pinisi stands on and prints a finding for each check. Ids (PN001...) are
stable: what has an id keeps its meaning. `--list` prints them all. Each finding that is not ok
names the object and carries a hint: a command to run, or a field to change.

  ok    as it should be
  warn  works, but look at it
  fail  broken or unlawful
  skip  could not be looked at (no right to read, or nothing to look at)

JSON (-o json) is one object, fields are only ever added:
  format      \"pinisi-check/v1\"
  checks[]    id, title, status, object, message, hint (object and hint may be null)
  summary     ok, warn, fail, skip

Exit code: 0 nothing failed, 1 something failed, 2 could not check.";

/// The whole command line.
#[derive(Parser, Debug)]
#[command(
    name = "kubectl-pinisi",
    bin_name = "kubectl pinisi",
    version,
    about = "See what Pinisi does with your workloads, and whether its ground is sound",
    after_help = EXAMPLES
)]
pub struct Args {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What is asked.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(clap::Args, Debug)]
pub struct Global {
    /// Kubeconfig file [default: $KUBECONFIG, then ~/.kube/config, then the pod's ServiceAccount]
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Context in the kubeconfig [default: its current one]
    #[arg(long, global = true)]
    pub context: Option<String>,
    /// Namespace of the workloads [default for status: the context's; for check: all]
    #[arg(short, long, global = true, conflicts_with = "all_namespaces")]
    pub namespace: Option<String>,
    /// Workloads of all namespaces
    #[arg(short = 'A', long, global = true)]
    pub all_namespaces: bool,
    /// How to print
    #[arg(short, long, global = true, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// How to print.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// For people.
    Text,
    /// For machines; the fields are described in each command's --help.
    Json,
    /// The same as YAML.
    Yaml,
    /// JUnit's XML, of `conformance run` alone.
    Junit,
}

/// What is asked.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Show workloads, sites and signal sources
    #[command(long_about = STATUS_HELP)]
    Status(StatusOptions),
    /// Tell why a workload has the replicas that it has
    #[command(long_about = crate::explain::args::HELP)]
    Explain(crate::explain::args::ExplainOptions),
    /// Show what manifests would change, and write nothing
    #[command(long_about = crate::plan::args::HELP)]
    Plan(crate::plan::args::PlanOptions),
    /// Check the installation, the guard, the nodes and the workloads
    #[command(long_about = CHECK_HELP)]
    Check(CheckOptions),
    /// Vouch for the nodes of an OnPrem Site: Sensitive pods run on these alone
    #[command(long_about = crate::attest::args::HELP)]
    Attest(crate::attest::args::AttestOptions),
    /// Make a HybridWorkload from a Deployment and its HPA or ScaledObject, and take over
    #[command(long_about = crate::adopt::args::HELP)]
    Adopt(Box<crate::adopt::args::AdoptOptions>),
    /// Make a Sensitive namespace one of mass traffic: one person asks, another one approves
    #[command(long_about = crate::declassify::args::HELP)]
    Declassify(crate::declassify::args::DeclassifyOptions),
    /// Give a workload back to the autoscaler that it was adopted from
    #[command(long_about = crate::release::args::HELP)]
    Release(crate::release::args::ReleaseOptions),
    /// Play a load against the planner and against other autoscalers
    #[command(long_about = crate::simulate::args::HELP)]
    Simulate(Box<crate::simulate::args::SimulateOptions>),
    /// Print the admission guard for GitOps or for the API server's own folder, or take it away
    #[command(long_about = crate::guard::args::HELP)]
    Guard(crate::guard::args::GuardOptions),
    /// Try every known way around sovereignty, and report which rule refused each
    #[command(long_about = crate::conformance::args::HELP)]
    Conformance(crate::conformance::args::ConformanceOptions),
}

/// Options of `status`.
#[derive(clap::Args, Debug)]
pub struct StatusOptions {
    /// Only the HybridWorkload of this name
    pub name: Option<String>,
    /// Stay, and show again when something moves; plain lines where there is no terminal
    #[arg(short, long)]
    pub watch: bool,
}

/// Options of `check`.
#[derive(clap::Args, Debug)]
pub struct CheckOptions {
    /// Namespace that the operator runs in
    #[arg(long, default_value = "pinisi-system", value_name = "NAMESPACE")]
    pub operator_namespace: String,
    /// Print ids and what they check, and ask no server
    #[arg(long)]
    pub list: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn options_stand_before_or_after_the_command() {
        let args =
            Args::try_parse_from(["kubectl-pinisi", "-n", "a", "status", "-o", "json", "web"])
                .expect("parses");
        assert_eq!(args.global.namespace.as_deref(), Some("a"));
        assert_eq!(args.global.output, Output::Json);
        assert!(Args::try_parse_from(["kubectl-pinisi", "status", "-n", "a", "-A"]).is_err());
    }
}
