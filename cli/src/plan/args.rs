//! The command line of `plan`.

use pinisi_planner::model::amounts::MilliLoad;
use std::path::PathBuf;
use std::str::FromStr;

/// Its help.
pub const HELP: &str = "\
What manifests would change: which objects are new or different, what would be refused, and for each
workload the replicas before and after at each site, with the reasons. Nothing is written: the API
server is asked in dry runs, so that its schema, its policies and the guard have their say, and the
counts come from the operator's own check and the real planner, played here on what the cluster holds.

Before and after are planned alike, with the load that the operator saw last, as a load that has been
so for a while; so what differs comes from the files. It is the first plan that is shown: replicas
come home in steps after it. A file is taken whole: what it leaves out of a Site, a HybridWorkload, a
SignalSource or a CloudBudget is gone. What is taken for granted stands at the end of the answer.

  kubectl pinisi plan -f check-in.yaml
  kustomize build . | kubectl pinisi plan -f -
  kubectl pinisi plan -f check-in.yaml --load public-service/check-in=5000
  kubectl pinisi plan -f examples/pedulilindungi --offline    asks no cluster: all of it from the files

JSON (-o json, or the same as -o yaml) is one object, fields are only ever added:
  format        \"pinisi-plan/v1\"
  objects[]     kind, namespace, name, change (Created | Changed | Unchanged | Aside | Refused)
  workloads[]   namespace, name, changed, before and after: want, costPerHour, sites[] {site, desired};
                reasons: total[], want, places[], notes[], waits[], changes[] as in explain
  refusals[]    object, reason, message: what the API server or the operator would refuse
  warnings[]    the same: what works, but look at it
  assumptions[] what is taken for granted
  summary       changed, refused: how many

Exit code: 0 nothing would change, 1 something would, 2 something is refused or could not be read.";

/// Options of `plan`.
#[derive(clap::Args, Debug)]
pub struct PlanOptions {
    /// Manifests: a file, a folder of YAML files, or - for standard input
    #[arg(short, long, required = true, value_name = "FILE")]
    pub filename: Vec<PathBuf>,
    /// Ask no cluster: everything that is needed stands in the files, and where they have no nodes
    /// a Site has room for spec.capacity.max
    #[arg(long)]
    pub offline: bool,
    /// A workload's load, in place of the one that the operator saw last
    #[arg(long, value_name = "NAMESPACE/NAME=LOAD")]
    pub load: Vec<SaidLoad>,
    /// Namespace that the operator runs in
    #[arg(long, default_value = "pinisi-system", value_name = "NAMESPACE")]
    pub operator_namespace: String,
}

/// A load as it is typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaidLoad {
    /// Namespace of the workload.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The load, in its signal's unit.
    pub load: MilliLoad,
}

impl FromStr for SaidLoad {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = || {
            let (id, load) = text.split_once('=')?;
            let (namespace, name) = id.split_once('/')?;
            let load = MilliLoad::from_signal(load.parse().ok()?)?;
            let named = !namespace.is_empty() && !name.is_empty();
            named.then(|| Self {
                namespace: namespace.into(),
                name: name.into(),
                load,
            })
        };
        parts().ok_or_else(|| {
            format!("{text:?} is no load of a workload: say it as public-service/check-in=5000")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_names_its_workload() {
        let said: SaidLoad = "shop/web=12.5".parse().expect("sound");
        assert_eq!(
            (said.namespace.as_str(), said.name.as_str(), said.load),
            ("shop", "web", MilliLoad(12_500))
        );
        for wrong in [
            "web=1",
            "shop/web",
            "shop/web=",
            "shop/web=-1",
            "/web=1",
            "shop/=1",
            "shop/web=NaN",
        ] {
            assert!(wrong.parse::<SaidLoad>().is_err(), "{wrong}");
        }
    }
}
