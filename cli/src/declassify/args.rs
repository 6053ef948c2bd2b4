//! The command line of `declassify`.

use clap::Subcommand;

/// Its help.
pub const HELP: &str = "\
Makes a Sensitive namespace one of mass traffic. It is the only way, and it takes two persons.

Why: whoever could take the class off alone could send a register of citizens abroad by one label.
So one person asks, with a reason, and another one who has that right approves. Then a cool-down
runs, in which either of them, or whoever may delete it, can still cancel. Only the operator changes
the class. All of it counts for the whole namespace: its pods, Secrets, ConfigMaps and volumes may go
wherever mass traffic may. For less than all of it, move what may go to a namespace of its own.

  kubectl pinisi declassify request -n reports --reason \"aggregates only, see DPO-2026-114\"
  kubectl pinisi declassify list -A
  kubectl pinisi declassify approve reports-x7k2p -n reports      as another person
  kubectl delete declassification reports-x7k2p -n reports        cancels it, until the class is changed

Who may: bind the chart's ClusterRoles pinisi-declassification-requester and
pinisi-declassification-approver in the namespace. Nobody is both for one request, service accounts
are neither, and whoever may impersonate a user is that user: give that right to nobody.

How long: spec.declassification of the SovereigntyPolicies on the namespace (coolDownSeconds, a day
where absent; expireSeconds, a week). Not approved in time, or not used in time after its cool-down,
it expires. Whatever ended is not used again.

Afterwards: the HybridWorkloads of the namespace keep class Sensitive, and their pods their places.
Delete each (its target goes on running) and make it anew with class MassTraffic. Where the namespace
comes from Git, change the label there too.

JSON (-o json, or the same as -o yaml) is one object, fields are only ever added:
  format       \"pinisi-declassify/v1\"
  requests[]   namespace, name, reason, requestedBy, approvedBy, state (the word of condition Ready),
               message, mayChangeAt, expiresAt, outcome (Changed | Expired | Refused); null where
               nothing was said yet
  ending       Done | Shown | Refused | Stopped

Exit code: 0 done or shown; 1 refused, or you said no: nothing was written; 2 could not be read; 3
the server did not take it.";

/// Options of `declassify`.
#[derive(clap::Args, Debug)]
pub struct DeclassifyOptions {
    /// What is to be done.
    #[command(subcommand)]
    pub command: DeclassifyCommand,
}

/// What is to be done.
#[derive(Subcommand, Debug)]
pub enum DeclassifyCommand {
    /// Ask that the namespace become one of mass traffic
    Request {
        /// Why what is in it may leave sovereign ground
        #[arg(long)]
        reason: String,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
    /// Approve what another person asked for
    Approve {
        /// Name of the Declassification
        name: String,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
    /// Show what was asked, and how it stands
    List,
}
