//! The command line of `explain`.

use crate::handover::target::workload_name;
use anyhow::{Result, anyhow};

/// Its help.
pub const HELP: &str = "\
Why a HybridWorkload has the replicas that it has: how the total came about step by step, where
each replica is and why there, what it waits for, what would change it, and what it costs.

Told is what the operator decided, as it stands in the workload's status: only the operator knows
the load and how that has grown. The text says when that was. Where figures only wobble since then
the words are not renewed; counts are always those of now. It works while the operator is down.

  kubectl pinisi explain check-in -n public-service
  kubectl pinisi explain hybridworkload check-in -n public-service -o json

JSON (-o json, or the same as -o yaml) is one object, fields are only ever added:
  format        \"pinisi-explain/v1\"
  namespace, name, class, mode
  decidedAt     when it was said; upToDate is false where the spec has changed since
  total[]       reason, text, replicas: how the total came about, in order
  want          replicas wanted in all
  places[]      site, desired, ready, tier, underHigh, fits, why[]: by tier. underHigh and fits are
                the most replicas that there is room for, up to the high watermark and in all;
                absent where they did not have to be counted
  notes[], waits[], changes[]   what holds for all of it, what it waits for, what would change it
  costPerHour   what the replicas at priced Sites cost, for example \"12.5 IDR\"
  attention[]   conditions that are not as they should be: type, status, reason, message
  reasons[]     reason, message, data: every reason of the decision, most telling first

Exit code: 0 told, 2 could not be read or nothing was decided yet.";

/// Options of `explain`.
#[derive(clap::Args, Debug)]
pub struct ExplainOptions {
    /// Whose decision: NAME, hw/NAME, or hybridworkload NAME
    #[arg(required = true, num_args = 1..=2, value_name = "WORKLOAD")]
    pub workload: Vec<String>,
}

impl ExplainOptions {
    /// The workload's name.
    ///
    /// # Errors
    /// What was typed names no HybridWorkload.
    pub fn name(&self) -> Result<String> {
        let typed = self.workload.join("/");
        workload_name(&typed).map_err(|why| anyhow!("{why}, or as hybridworkload NAME"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workload_is_named_as_kubectl_names_it() {
        let name = |words: &[&str]| {
            let workload = words.iter().map(ToString::to_string).collect();
            ExplainOptions { workload }.name().ok()
        };
        for words in [
            &["web"][..],
            &["hw/web"],
            &["hw", "web"],
            &["hybridworkload", "web"],
        ] {
            assert_eq!(name(words).as_deref(), Some("web"), "{words:?}");
        }
        assert_eq!(name(&["site", "web"]), None);
        assert_eq!(name(&["hw/"]), None);
    }
}
