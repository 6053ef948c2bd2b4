//! The command line of `simulate`.

use super::users::Users;
use clap::ArgGroup;
use pinisi_planner::model::money::Money;
use pinisi_simulator::algorithm::Algorithm;
use pinisi_simulator::fault::Fault;
use pinisi_simulator::price::Price;
use std::path::PathBuf;

/// Help of `simulate`.
pub const HELP: &str = "\
Plays a load of the past, or an imagined one, against Pinisi's own planner, and against models of
other autoscalers beside it: what would have been left unserved, and what it would have cost. It asks
no cluster and changes nothing.

  kubectl pinisi simulate --trace requests.csv
  kubectl pinisi simulate --trace requests.csv --compare hpa,keda,knative --html report.html
  kubectl pinisi simulate --trace requests.csv --start-up 180s --equal-lag --json figures.json
  kubectl pinisi simulate --registration --peak-replicas 200 --home-replicas 80 --cloud-price 0.045
  kubectl pinisi simulate --registration --home-replicas 200 --cloud-price 0.045 --cloud-budget 20
  kubectl pinisi simulate --registration --announced --compare keda
  kubectl pinisi simulate --users 5M,10M,50M -f examples/pedulilindungi

A trace is a CSV file. Its first line is `timestamp,requests`; each further line has a time (RFC 3339)
and the requests of the step that begins there. The step may be anything, and stays the same. Whole
steps that are missing are filled with the straight line between their neighbours, and said.

The load is scaled so that its peak takes --peak-replicas replicas of --per-replica requests a second
each; --as-recorded leaves it as it is. Replicas run at home while there is room, then in the cloud.

With --users and -f it answers what breaks, when, and what it costs: the services and sites of the
manifests, each service at --peak-per-million requests a second per million users, once with home alone
and once with the cloud. Home is taken to hold the first number of users; --home-cpu says otherwise.
The load goes as in --trace, or as on a day on which a registration opens.

Text shows, for each autoscaler:
  UNSERVED       percent of the requests that found no ready replica with room
  COST           replica-hours by the fewest that could have served them all (1.00: perfect foresight)
  REPLICA-HOURS  replicas with a node, those that are starting included, over time
  CHURN          replicas made and removed, by the most that were needed at once
  MOST, CLOUD    most replicas at once, and replica-hours in the cloud

JSON (--json FILE, or -o json) is one object, fields are only ever added:
  format         \"pinisi-simulate/v1\"
  summary        {algorithm: {unserved_pct, cost_ratio, replica_hours, churn}}
  equal_lag      the same with every signal as early as Pinisi's; null without --equal-lag
  oracle         {replica_hours, peak_replicas}: the fewest, known ahead
  sites          {algorithm: {site: {replica_hours, peak_replicas, core_hours}}}
  first_unserved {algorithm: time or null}
  trace          {start, end, step_seconds, steps, gaps, requests, peak_per_second}
  settings       start_up_seconds, cloud_start_up_seconds, per_replica, min_replicas, max_replicas,
                 home_replicas, cloud_price, cloud_budget, currency, cloud_cost {algorithm: amount}
  users[]        with --users: users, peak_per_second, needs_replicas, needs_cores, breaks[], and
                 home_alone and with_cloud {verdict (holds | slows | fails), unserved_pct,
                 first_unserved, cloud_replicas, cloud_core_hours, cloud_cost};
                 all other fields are then those of the largest number, with the cloud
  assumptions    sentences
  not_simulated[] object, field, why: what the manifests set and nothing here plays

Exit code: 0 simulated, 2 the input could not be read.";

/// Options of `simulate`.
#[derive(clap::Args, Debug)]
#[command(group = ArgGroup::new("load").required(true).multiple(true).args(["trace", "registration", "filename"]))]
pub struct SimulateOptions {
    /// Load to play: a CSV file of timestamp,requests
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Play a day on which a registration opens at 08:00: ten-fold in 90 seconds
    #[arg(long, conflicts_with = "trace")]
    pub registration: bool,
    /// The registration is announced: to Pinisi as a schedule, to KEDA as a cron trigger
    #[arg(long, requires = "registration", conflicts_with_all = ["trace", "users"])]
    pub announced: bool,
    /// Manifests with HybridWorkloads, Deployments and Sites: files, or folders of them
    #[arg(short, long, value_name = "PATH", requires = "users", num_args = 1..)]
    pub filename: Vec<PathBuf>,
    /// Numbers of users, such as 5M,10M,50M
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "NUMBERS",
        requires = "filename"
    )]
    pub users: Vec<Users>,
    /// Requests a second, at the peak, that a million users send to each service
    #[arg(long, default_value_t = 100.0, value_parser = rate, value_name = "N", requires = "users")]
    pub peak_per_million: f64,
    /// Cores that home has [default: what the first number of users takes]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000), value_name = "N", requires = "users")]
    pub home_cpu: Option<u32>,
    /// Autoscalers to play beside Pinisi: hpa, keda, knative
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    pub compare: Vec<Algorithm>,
    /// From a raised count to a ready replica, such as 20s or 3m
    #[arg(long, default_value = "60s", value_parser = duration, value_name = "TIME")]
    pub start_up: jiff::SignedDuration,
    /// The same in the cloud, a new node included [default: as --start-up]
    #[arg(long, value_parser = duration, value_name = "TIME")]
    pub cloud_start_up: Option<jiff::SignedDuration>,
    /// Replicas that the peak of the load takes
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=20_000), value_name = "N")]
    pub peak_replicas: u32,
    /// Take the load as it was recorded instead
    #[arg(long, conflicts_with = "peak_replicas")]
    pub as_recorded: bool,
    /// Requests a second that one replica serves
    #[arg(long, default_value_t = 100.0, value_parser = rate, value_name = "N")]
    pub per_replica: f64,
    /// Fewest replicas
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(0..=100_000), value_name = "N")]
    pub min_replicas: u32,
    /// Most replicas [default: ten times what the peak takes]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000), value_name = "N")]
    pub max_replicas: Option<u32>,
    /// Replicas that home has nodes for; mass traffic leaves a fifth of it free [default: all]
    #[arg(long, value_parser = clap::value_parser!(u32).range(0..=1_000_000), value_name = "N")]
    pub home_replicas: Option<u32>,
    /// What a core in the cloud costs for an hour; a replica asks for one core
    #[arg(long, value_name = "DECIMAL")]
    pub cloud_price: Option<Price>,
    /// Currency of that price
    #[arg(long, default_value = "USD", value_parser = currency, value_name = "CODE")]
    pub currency: String,
    /// The most that Pinisi may spend in the cloud over the whole of the trace; the others know of no
    /// money
    #[arg(long, value_parser = budget, value_name = "DECIMAL", requires = "cloud_price")]
    pub cloud_budget: Option<Money>,
    /// How long people wait who find no room, such as 10s [default: they are gone at once]
    #[arg(long, value_parser = duration, value_name = "TIME")]
    pub patience: Option<jiff::SignedDuration>,
    /// Percent of those who gave up that try again
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(i32).range(0..=100), value_name = "PERCENT", requires = "patience")]
    pub retry_percent: i32,
    /// How long after they gave up
    #[arg(long, default_value = "5s", value_parser = duration, value_name = "TIME", requires = "patience")]
    pub retry_after: jiff::SignedDuration,
    /// Something that goes wrong: site:cloud,30m,10m loses the cloud 30 minutes after the beginning
    /// for 10; signal,30m,10m silences every metric. May be given again
    #[arg(long, value_name = "WHAT,FROM,LENGTH", action = clap::ArgAction::Append)]
    pub fault: Vec<Fault>,
    /// Also with every autoscaler's signal as early as Pinisi's
    #[arg(long)]
    pub equal_lag: bool,
    /// Write the figures there too
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write a page with charts there, which needs nothing beside itself
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// The longest start-up that is simulated.
const START_UP_MAX: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);

fn duration(text: &str) -> Result<jiff::SignedDuration, String> {
    let duration: jiff::SignedDuration = text.parse().map_err(|e: jiff::Error| e.to_string())?;
    if duration < jiff::SignedDuration::ZERO || duration > START_UP_MAX {
        return Err("it must be from 0s to 1h, such as 20s or 3m".into());
    }
    Ok(duration)
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: Option<f64> = text.parse().ok();
    // Below a thousandth a planner that counts in thousandths sees nothing.
    let sound = rate.filter(|r| (0.001..=1e9).contains(r));
    sound.ok_or_else(|| "it must be a number of requests a second from 0.001 to 1e9".into())
}

fn budget(text: &str) -> Result<Money, String> {
    Money::amount(text).map_err(|why| format!("it {why}"))
}

fn currency(text: &str) -> Result<String, String> {
    let sound = text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase());
    let wrong = || "it must be three capital letters, such as USD or IDR".into();
    sound.then(|| text.to_owned()).ok_or_else(wrong)
}
