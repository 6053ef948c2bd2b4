//! The command line of `attest`.

/// Its help.
pub const HELP: &str = "\
Says which nodes of an OnPrem Site are yours. Sensitive pods are bound to these alone.

Why: a node's labels can be set by whoever may write nodes, so that a machine abroad, or a virtual
node that stands for a whole provider, could call itself home. What no label says is which machine
it is. So a person with that right names each node once, as it is: its name, its uid, and its
providerID or machineID. Where one of these is another one later, the node is not taken for yours
any more: no Sensitive pod is bound there anew until somebody has looked and attests it again. What
runs there runs on. Mass traffic needs no attestation.

  kubectl pinisi attest home                   shows the nodes, writes nothing
  kubectl pinisi attest home --node n1 --node n2
  kubectl pinisi attest home --all             every new one; those that have changed must be named
  kubectl pinisi attest home --remove n1       no Sensitive pod is bound there from now on

Compare what is shown with what your racks, hypervisor or provider say, then agree. It is written to
spec.attested of the Site as you: you need the verbs `patch` and `attest` on sites (ClusterRole
pinisi-attester of the chart). For Git: `--all --dry-run -o yaml` prints the map under `attested`.

JSON (-o json, or the same as -o yaml) is one object, fields are only ever added:
  format       \"pinisi-attest/v1\"
  site
  nodes[]      name, uid, providerID, machineID (null where it has none),
               standing (Attested | New | Changed | Missing), why, act (Attest | Withdraw | null)
  refusals[]   what was asked and cannot be done, with the way out
  attested     spec.attested as it is after that
  ending       Done | Shown | Refused | Stopped

Exit code: 0 done, or every node is attested as it is; 1 some are not, something asked cannot be
done, or you said no: nothing was written; 2 could not be read; 3 the server did not take it.";

/// Options of `attest`.
#[derive(clap::Args, Debug, Default, Clone)]
pub struct AttestOptions {
    /// The Site
    pub site: String,
    /// Attest this node as it is now; again for each further one
    #[arg(long, value_name = "NAME", conflicts_with = "all")]
    pub node: Vec<String>,
    /// Attest every node that nobody has attested yet
    #[arg(long)]
    pub all: bool,
    /// Withdraw the attestation of this node; again for each further one
    #[arg(long, value_name = "NAME")]
    pub remove: Vec<String>,
    /// Show what would be written, and let the server check it
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}
