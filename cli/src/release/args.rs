//! The command line of `release`.

use crate::handover::target::workload_name;

/// Its help.
pub const HELP: &str = "\
Gives a workload back to the HPA or ScaledObject that it was adopted from, and takes the
HybridWorkload away. The service runs on, no pod at home is touched. In this order:
  1. replicas elsewhere come home: made at home first, Ready there, then removed where they were.
     If home does not hold them all, it is said how many do not fit, nothing is taken away, and
     it stops; --force-partial goes on with what fits;
  2. the workload becomes Paused: the operator writes no count any more;
  3. the saved HPA is made again exactly as it was (or the ScaledObject is resumed), and it is
     waited until it has looked at the target. An HPA does not shrink before its own window has
     passed. The ownership of spec.replicas passes to it with its first write; until then the
     field keeps its owner, so that dropping it from Git cannot make it 1;
  4. the HybridWorkload is deleted. Its deletion never removes a service.
A workload that was never taken over, or not adopted at all, is deleted in the same way. It can be
interrupted anywhere: what serves goes on, the same command resumes.

  kubectl pinisi release hw/web --dry-run      the steps, nothing written
  kubectl pinisi release hw/web --yes

JSON (-o json, or the same as -o yaml) is one object, fields are only ever added:
  format       \"pinisi-release/v1\"
  namespace, workload
  notes[]      weight (Obstacle | Lost | Look | Told), object, field, message, wayOut
  steps[]      what is left to do, in order
  ending       Done | Shown | Refused | Stopped

Exit code: 0 done; 1 an obstacle, or you said no: nothing was written; 2 could not be read;
3 stopped on the way: what serves goes on, the same command resumes.";

/// Options of `release`.
#[derive(clap::Args, Debug)]
pub struct ReleaseOptions {
    /// What to release: hw/NAME
    #[arg(value_parser = workload_name, value_name = "hw/NAME")]
    pub workload: String,
    /// Show the steps, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Go on although not all replicas fit at home, or the autoscaler allows fewer than run
    #[arg(long)]
    pub force_partial: bool,
    /// Seconds that home may take to be Ready, 1 to 3600
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub wait: u64,
}
