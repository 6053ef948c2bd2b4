//! The command line of `adopt`.

use super::convert::{LoadChoice, SignalName};
use super::ground::Wish;
use crate::handover::Target;
use clap::{Subcommand, ValueEnum};
use pinisi_crds::hybrid_workload::Class;

/// Help of `adopt` as a whole.
pub const HELP: &str = "\
Makes a HybridWorkload from a Deployment (or StatefulSet) and from the HorizontalPodAutoscaler or
KEDA ScaledObject that scales it now. Fewest, most, metrics and behavior move as they are; each
thing that cannot move is named with the way out. The workload starts in mode Observe: nothing is
scaled by it. Run it again to see where the adoption stands. Nothing but the HybridWorkload is
written, and the namespace's label only with --label-namespace.

  1. kubectl pinisi adopt deployment/web --class MassTraffic --home jakarta --overflow cloud
  2. kubectl pinisi adopt status deployment/web --watch    what the HPA did, what Pinisi would have
  3. kubectl pinisi adopt finish deployment/web            takes over: no restart, no shrink
     kubectl pinisi release hw/web                         gives everything back, at any time

JSON (-o json, or the same as -o yaml) is one object, fields are only ever added:
  format       \"pinisi-adopt/v1\"
  namespace, target {kind, name}
  phase        NotAdopted | Observing | TakingOver | HoldingFloor | Adopted | Paused | Releasing
  notes[]      weight (Obstacle | Lost | Look | Told), object, field, message, wayOut
  steps[]      what is left to do, in order; each has `step` and what it needs
  manifest     the HybridWorkload to be made; null where there is one
  ending       Done | Shown | Refused | Stopped

Exit code: 0 done or nothing left to do; 1 an obstacle, or you said no: nothing was written;
2 could not be read; 3 stopped on the way: what serves goes on, the same command resumes.";

/// Help of `adopt status`.
pub const STATUS_HELP: &str = "\
Shows beside each other the count that the HPA (or a hand) set and the count that Pinisi would have
set, with the reason of each difference. With --watch it stays and keeps a table over time, a row
each time one of the two moves; it ends with Ctrl-C, or after --for SECONDS, with a sum.

JSON (-o json) is one object, with --watch one row a line and a last one with `sum`:
  format       \"pinisi-adopt-status/v1\"
  at, namespace, target {kind, name}, phase
  autoscaler   {name, desired, why} or null: the HPA as it says itself
  running      {specified, ready}
  pinisi       {desired, home, cloud, why, fresh} or null
  difference   pinisi minus autoscaler (minus what runs, where there is none); null if unknown
  causes[]     {cause, message}; empty where both agree
  events[]     what the HPA and Pinisi said of late: at, who, reason, message (not with --watch)
  sum          rows, equal, largest, seconds, secondsEqual

Exit code: 0 shown, 1 not adopted, 2 could not be read.";

/// Help of `adopt finish`.
pub const FINISH_HELP: &str = "\
Takes the count over from the HPA or ScaledObject, in this order, so that never two write it and
never nobody holds it:
  1. the autoscaler is saved in an annotation of the HybridWorkload, for `release`;
  2. the workload becomes Active, with minReplicas raised to what runs now. While the autoscaler is
     there, the operator leaves the count to it and says so: that word is waited for, and if it does
     not come the workload goes back to Observe;
  3. the HPA is deleted (if it is as it was saved), or the ScaledObject paused by its annotation:
     KEDA then takes its own HPA away. With --delete-scaledobject it is deleted instead;
  4. the operator becomes owner of spec.replicas, without changing it;
  5. the floor stays for one scale-down window, then minReplicas is what it was.
No pod is touched. Then it prints what to change in Git. Each step can be interrupted: what serves
goes on, the same command resumes, and `release` goes back.

JSON: as `adopt`, and `git[]`: what to change in Git, in order.

Exit code: as `adopt`.";

/// Options of `adopt`.
#[derive(clap::Args, Debug)]
#[command(subcommand_negates_reqs = true)]
pub struct AdoptOptions {
    /// What comes after the first step.
    #[command(subcommand)]
    pub next: Option<AdoptNext>,
    /// The first step.
    #[command(flatten)]
    pub make: MakeOptions,
}

/// Options of the first step.
#[derive(clap::Args, Debug, Clone)]
pub struct MakeOptions {
    /// What to adopt: deployment/NAME or statefulset/NAME
    #[arg(required = true)]
    pub target: Option<Target>,
    /// Sensitive never leaves sovereign ground, MassTraffic may overflow
    #[arg(long, value_enum, ignore_case = true, required = true)]
    pub class: Option<ClassWord>,
    /// Site where it runs now [default: found from its pods]
    #[arg(long, value_name = "SITE")]
    pub home: Option<String>,
    /// Site to go on to when home is full; again for each further one, in order
    #[arg(long, value_name = "SITE")]
    pub overflow: Vec<String>,
    /// Name of the HybridWorkload [default: the target's]
    #[arg(long)]
    pub name: Option<String>,
    /// Follow this signal in place of the autoscaler's metrics
    #[arg(long, value_name = "SOURCE/QUERY")]
    pub load: Option<SignalName>,
    /// What one replica serves of that signal, for example 100 or 500m
    #[arg(long, value_name = "QUANTITY", requires = "load")]
    pub per_replica: Option<String>,
    /// Set the class label of the namespace where it has none
    #[arg(long)]
    pub label_namespace: bool,
    /// Show what would be done, and let the server check it
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

/// The class as it is typed.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClassWord {
    /// Never leaves sovereign ground.
    #[value(name = "Sensitive")]
    Sensitive,
    /// Grows at home, overflows in a spike, comes home after.
    #[value(name = "MassTraffic")]
    MassTraffic,
}

impl From<ClassWord> for Class {
    fn from(word: ClassWord) -> Self {
        match word {
            ClassWord::Sensitive => Self::Sensitive,
            ClassWord::MassTraffic => Self::MassTraffic,
        }
    }
}

impl MakeOptions {
    /// What is asked of the ground; `None` where no class was said.
    pub fn wish(&self) -> Option<Wish> {
        Some(Wish {
            class: self.class?.into(),
            home: self.home.clone(),
            overflow: self.overflow.clone(),
            label_namespace: self.label_namespace,
        })
    }

    /// The signal to follow.
    pub fn load_choice(&self) -> LoadChoice {
        LoadChoice {
            signal: self.load.clone(),
            per_replica: self.per_replica.clone(),
        }
    }
}

/// What comes after the first step.
#[derive(Subcommand, Debug)]
pub enum AdoptNext {
    /// Show what the autoscaler did beside what Pinisi would have done
    #[command(long_about = STATUS_HELP)]
    Status(StatusOptions),
    /// Take the count over: no restart, no shrink
    #[command(long_about = FINISH_HELP)]
    Finish(FinishOptions),
}

/// Options of `adopt status`.
#[derive(clap::Args, Debug)]
pub struct StatusOptions {
    /// What was adopted: deployment/NAME or statefulset/NAME
    pub target: Target,
    /// Stay, and keep a row each time something moves
    #[arg(short, long)]
    pub watch: bool,
    /// End the watch after so many seconds
    #[arg(long = "for", value_name = "SECONDS", requires = "watch")]
    pub seconds: Option<u64>,
}

/// Options of `adopt finish`.
#[derive(clap::Args, Debug)]
pub struct FinishOptions {
    /// What was adopted: deployment/NAME or statefulset/NAME
    pub target: Target,
    /// Show the steps that are left, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Do not wait for the end of the floor; run it again later to lower it
    #[arg(long)]
    pub no_wait: bool,
    /// Delete the ScaledObject instead of pausing it
    #[arg(long)]
    pub delete_scaledobject: bool,
}
