//! From options to a setup: the trace is read, scaled, and given its sites.

use super::args::SimulateOptions;
use anyhow::{Context as _, bail};
use pinisi_planner::model::amounts::{MilliLoad, Percent, Replicas};
use pinisi_planner::model::money::{Currency, Money};
use pinisi_planner::model::price::PerHour;
use pinisi_planner::model::schedule::{Expected, Window};
use pinisi_planner::model::site::{SiteKind, SiteName};
use pinisi_simulator::crowd::Patience;
use pinisi_simulator::load::{Load, Scale};
use pinisi_simulator::rows::{REGISTRATION_FALLS, REGISTRATION_OPENS, registration};
use pinisi_simulator::setup::{
    Funds, Policy, REQUEST, Service, Setup, SiteSetup, Watermarks, headroom, whole,
};
use pinisi_simulator::time::Millis;
use pinisi_simulator::trace::Trace;
use std::path::Path;

/// Largest trace that is read: more than the most steps that a trace may have need.
const TRACE_BYTES_MAX: u64 = 512 << 20;
/// Room at a site that nobody limits, in replicas.
const AMPLE: u64 = 1_000_000;
/// What replicas may come to at most, where nothing else is said, as a multiple of the peak's need.
const MAX_FOLD: u32 = 10;

/// What is played.
pub struct Input {
    /// In a few words.
    pub title: String,
    /// As it was recorded.
    pub trace: Trace,
    /// What all have in common.
    pub setup: Setup,
}

/// Reads what the options name.
///
/// # Errors
/// A file that cannot be read, or is no trace.
pub fn read(options: &SimulateOptions) -> anyhow::Result<Input> {
    let (title, trace) = load(options)?;
    let scale = if options.as_recorded {
        Scale::AsRecorded
    } else {
        Scale::PeakOf(f64::from(options.peak_replicas) * options.per_replica)
    };
    let load = Load::of(&trace, scale);
    let peak_rate = load.peak();
    let peak = whole((peak_rate / options.per_replica).ceil());
    let max = options
        .max_replicas
        .unwrap_or_else(|| peak.get().saturating_mul(MAX_FOLD).max(1));
    if max < options.min_replicas {
        bail!(
            "--max-replicas {max} is below --min-replicas {}",
            options.min_replicas
        );
    }
    let home = options.home_replicas.map_or(AMPLE, u64::from);
    let site = |name: &str, kind, replicas, start_up| SiteSetup {
        name: SiteName::new(name),
        kind,
        capacity: REQUEST.times(replicas),
        start_up: Millis::of(start_up),
        watermarks: Watermarks::default(),
    };
    let cloud_start_up = options.cloud_start_up.unwrap_or(options.start_up);
    let setup = Setup {
        start: trace.start,
        span: trace.span(),
        services: vec![Service {
            name: "service".into(),
            load,
            per_replica: options.per_replica,
            min: Replicas::new(options.min_replicas),
            max: Replicas::new(max),
            request: REQUEST,
            sensitive: false,
            headroom: headroom(),
            windows: if options.announced {
                vec![announced(&trace, peak_rate)]
            } else {
                Vec::new()
            },
            policy: Policy::default(),
        }],
        sites: vec![
            site("home", SiteKind::OnPrem, home, options.start_up),
            site("cloud", SiteKind::Cloud, AMPLE, cloud_start_up),
        ],
        faults: options.fault.clone(),
        patience: patience(options),
        funds: funds(options),
    };
    Ok(Input {
        title,
        trace,
        setup,
    })
}

/// How people behave who find no room.
pub fn patience(options: &SimulateOptions) -> Option<Patience> {
    options.patience.map(|wait| Patience {
        wait: Millis::of(wait),
        again: Percent::new(options.retry_percent),
        after: Millis::of(options.retry_after),
    })
}

/// What may be spent in the cloud, where somebody says so.
pub fn funds(options: &SimulateOptions) -> Option<Funds> {
    let price = options.cloud_price?;
    Some(Funds {
        currency: Currency::parse(&options.currency)?,
        core_hour: PerHour::new(Money::from_micros(price.micros().into())),
        ceiling: options.cloud_budget?,
    })
}

/// The registration as it was announced: its peak, for the hour in which it is full.
fn announced(trace: &Trace, peak: f64) -> Window {
    let at = |seconds| Millis::secs(seconds).on_calendar(trace.start);
    Window {
        name: "registration".into(),
        start: at(REGISTRATION_OPENS),
        end: at(REGISTRATION_FALLS),
        expects: Expected::Load(MilliLoad::from_signal(peak).unwrap_or(MilliLoad::MAX)),
    }
}

/// The load that the options name, in words and as it was recorded.
///
/// # Errors
/// A file that cannot be read, or is no trace.
pub fn load(options: &SimulateOptions) -> anyhow::Result<(String, Trace)> {
    Ok(match &options.trace {
        Some(path) => (format!("The load of {}", path.display()), trace(path)?),
        None => ("A registration that opens at 08:00".into(), registration()),
    })
}

fn trace(path: &Path) -> anyhow::Result<Trace> {
    let shown = path.display();
    let size = std::fs::metadata(path)
        .with_context(|| format!("read {shown}"))?
        .len();
    if size > TRACE_BYTES_MAX {
        bail!(
            "{shown} has {size} bytes, more than the {TRACE_BYTES_MAX} that are read: cut it, or take a longer step"
        );
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("read {shown}"))?;
    Trace::parse(&text).with_context(|| format!("{shown} is no trace"))
}
