//! Why: typed reasons with their numbers. The same value becomes condition, Event, metric, log
//! and `explain`. The words are here; who hears them is decided by the report step.

use crate::budget::Unfunded;
use crate::hpa;
use crate::model::amounts::{MilliLoad, Replicas};
use crate::model::budget::BudgetName;
use crate::model::dependency::MilliCalls;
use crate::model::money::Currency;
use crate::model::price::PerHour;
use crate::model::quota::Limit;
use crate::model::refusal::Refusal;
use crate::model::site::SiteName;
use crate::model::workload::{SignalFault, WorkloadId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// One reason behind a decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Reason {
    /// Load asks for this many.
    Load {
        /// Load as the signal said it.
        signal: MilliLoad,
        /// Load that counts: that with its headroom, or ahead of it where it rises.
        load: MilliLoad,
        /// What one replica serves.
        per_replica: MilliLoad,
        /// Replicas for it, before bounds.
        need: Replicas,
        /// True where the figure is ahead of the signal because it rises.
        rising: bool,
    },
    /// Less would do, but the scale-down window has not passed.
    HeldByWindow {
        /// What load asks for now.
        need: Replicas,
        /// What is kept.
        held: Replicas,
    },
    /// An announced window asks for this many.
    Scheduled {
        /// Its name in the spec.
        window: String,
        /// When it opens.
        start: Timestamp,
        /// When it is over.
        end: Timestamp,
        /// Asked for now.
        replicas: Replicas,
        /// Asked for when it opens.
        all: Replicas,
        /// True where its load has not come, so that replicas are given up again.
        no_show: bool,
    },
    /// Earlier days ask for this many.
    Forecast {
        /// The load that they let expect, with its margin.
        load: MilliLoad,
        /// Replicas for it.
        need: Replicas,
    },
    /// The forecast is on and adds nothing.
    ForecastSilent(Silence),
    /// Cut by minReplicas.
    AtMinimum(Replicas),
    /// Cut by maxReplicas.
    AtMaximum {
        /// What was asked for.
        need: Replicas,
        /// The limit.
        max: Replicas,
        /// What it comes to: the limit, or what runs while nothing may shrink.
        to: Replicas,
    },
    /// No usable signal: nothing shrinks.
    NoSignal(SignalFault),
    /// The signal is too old: nothing shrinks.
    StaleSignal {
        /// Time of the newest sample.
        at: Timestamp,
    },
    /// Statistics are not back yet: nothing shrinks.
    Warming {
        /// What is kept till then.
        kept: Replicas,
        /// From then on the total may shrink.
        until: Timestamp,
    },
    /// A metric asks for this many: the one that asks for most.
    Metric {
        /// The metric, in the HPA's words.
        metric: Arc<str>,
        /// Replicas for it, before stabilisation and limits.
        need: Replicas,
    },
    /// A metric is invalid: nothing shrinks.
    MetricInvalid {
        /// The metric, in the HPA's words.
        metric: String,
        /// Its type's word, such as `Resource`.
        kind: String,
        /// Why.
        fault: hpa::Fault,
        /// How many are, sites that are not known included.
        invalid: usize,
    },
    /// Recommendations of the stabilisation window are higher, or lower.
    Stabilized {
        /// What the metrics ask for now.
        need: Replicas,
        /// What the window allows.
        to: Replicas,
        /// True where it keeps the total from growing.
        up: bool,
    },
    /// The total moves as fast as its behavior allows.
    RateLimited {
        /// What is asked for.
        need: Replicas,
        /// What is allowed now.
        to: Replicas,
        /// True where it is growing.
        up: bool,
    },
    /// The target's count was set to 0 by somebody else: metrics do not wake it.
    ScalingDisabled,
    /// The total is set by hand or through /scale.
    SetByHand(Replicas),
    /// A person's override.
    Overridden {
        /// The total that it says, where it says one.
        total: Option<Replicas>,
        /// Its end.
        until: Timestamp,
    },
    /// The count belongs to somebody else; it is left alone.
    Untouched,
    /// Home is full up to its high watermark; the rest goes on.
    Overflow {
        /// The full site.
        from: SiteName,
        /// Where the rest goes.
        to: SiteName,
        /// How many run there.
        replicas: Replicas,
    },
    /// Pods stayed without a node; the site is not tried again for a while.
    PendingTooLong {
        /// The site.
        site: SiteName,
        /// Pods without a node.
        pending: Replicas,
        /// Tried again then.
        until: Timestamp,
    },
    /// Pods wait at an elastic site until its pool has added nodes.
    WaitsForNodes {
        /// The site.
        site: SiteName,
        /// Pods that no node of now has room for.
        pending: Replicas,
        /// If they are not there by then, the pods go elsewhere.
        until: Timestamp,
    },
    /// The site takes no new replicas: it is closed (no nodes, or a node in two Sites).
    SiteClosed(SiteName),
    /// The site does not answer.
    SiteUnreachable {
        /// The site.
        site: SiteName,
        /// Since when.
        since: Timestamp,
        /// Replicas there as last seen.
        replicas: Replicas,
        /// True while they count as serving; false when they are made up for elsewhere.
        counted: bool,
    },
    /// The site refuses this workload.
    SiteRefused {
        /// The site.
        site: SiteName,
        /// Why.
        why: Refusal,
    },
    /// A quota keeps more from a site that has room on its nodes.
    QuotaFull {
        /// The site.
        site: SiteName,
        /// What allows no more.
        limit: Limit,
    },
    /// A budget keeps replicas from sites that have room.
    BudgetLimited {
        /// The budget with least to give.
        budget: BudgetName,
        /// Replicas wanted in all.
        want: Replicas,
        /// Placed in all.
        placed: Replicas,
        /// Of those that are not placed, how many more money would place.
        missing: Replicas,
        /// In which money.
        currency: Currency,
        /// What those would cost an hour.
        per_hour: PerHour,
    },
    /// A priced site takes nothing more of this workload, as nobody pays for it.
    Unfunded {
        /// The site.
        site: SiteName,
        /// Why.
        why: Unfunded,
    },
    /// Fewer placed than wanted.
    Short {
        /// Wanted.
        want: Replicas,
        /// Placed.
        placed: Replicas,
    },
    /// Mass traffic makes way for a Sensitive workload.
    Displaced {
        /// The site that is left.
        site: SiteName,
        /// Who needs the room.
        by: WorkloadId,
        /// How many are to leave.
        replicas: Replicas,
        /// Of those, how many no other place takes.
        nowhere: Replicas,
    },
    /// A Sensitive workload waits until mass traffic has made way.
    WaitsForRoom {
        /// The site.
        site: SiteName,
        /// Replicas of mass traffic that are still to leave it, those on their way out aside.
        leaving: Replicas,
    },
    /// A back end or an outside quota serves less than is asked of it, now or before its day is over.
    Bottlenecked {
        /// Name of the dependency.
        dependency: String,
        /// Load that it lets be served.
        served: MilliLoad,
        /// Load that asks.
        wanted: MilliLoad,
        /// Replicas that load asks for.
        need: Replicas,
        /// Replicas that can be served.
        to: Replicas,
        /// What it has, and what it would take.
        takes: Takes,
    },
    /// Replicas are on their way home.
    Draining {
        /// Site that they leave.
        from: SiteName,
        /// Site that they come home to.
        to: SiteName,
        /// How many are moving in this step.
        moving: Replicas,
        /// How many are left there after it.
        left: Replicas,
    },
    /// Somebody else writes the count.
    Contested {
        /// Who: a field manager or an autoscaler.
        writer: String,
        /// How many times we saw it; 0 for an autoscaler that is known by its object.
        writes: u32,
    },
    /// Mode Paused.
    Paused,
    /// Mode Observe: this is what would be done.
    Observed,
}

/// Why a forecast adds nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Silence {
    /// The same time of day is not known of two days.
    Learning,
    /// Making replicas by it has cost more lately than leaving it.
    DidNotPay,
    /// It has made its share of replicas ahead of time lately.
    Spent,
}

/// What a dependency has, and what it would take to serve all that asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Takes {
    /// Replicas of another workload.
    Replicas {
        /// The workload.
        workload: WorkloadId,
        /// The most that it can have.
        can_have: Replicas,
        /// What it would take.
        needed: Replicas,
    },
    /// A quota of calls a second.
    PerSecond {
        /// The quota.
        limit: MilliLoad,
        /// What it would take.
        needed: MilliLoad,
    },
    /// A quota of calls a day.
    PerDay {
        /// The quota.
        limit: MilliCalls,
        /// Spent of it today.
        spent: MilliCalls,
        /// Since when that has been counted.
        since: Option<Timestamp>,
        /// When the rest is gone at this load, where the day is longer.
        gone: Option<Timestamp>,
        /// What it would take to last the day at this load.
        needed: MilliCalls,
    },
}

impl Reason {
    /// A CamelCase word for conditions, Events and metric labels. One word a variant.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Load { .. } => "LoadNeeds",
            Self::HeldByWindow { .. } => "ScaleDownStabilized",
            Self::Scheduled { .. } => "ScheduledWindow",
            Self::Forecast { .. } => "ForecastNeeds",
            Self::ForecastSilent(why) => match why {
                Silence::Learning => "ForecastLearning",
                Silence::DidNotPay => "ForecastDidNotPay",
                Silence::Spent => "ForecastSpent",
            },
            Self::AtMinimum(_) => "TooFewReplicas",
            Self::AtMaximum { .. } => "TooManyReplicas",
            Self::NoSignal(fault) => match fault {
                SignalFault::NoSource(_) => "SignalSourceNotFound",
                SignalFault::NoQuery(_) => "SignalQueryNotFound",
                SignalFault::NotAskedYet => "SignalNotAskedYet",
                SignalFault::Unreachable(_) => "SignalUnreachable",
                SignalFault::NoSeries => "SignalHasNoSeries",
                SignalFault::NotANumber(_) => "SignalNotANumber",
            },
            Self::StaleSignal { .. } => "SignalStale",
            Self::Warming { .. } => "Warming",
            Self::Metric { .. } => "ValidMetricFound",
            Self::MetricInvalid { fault, .. } => match fault {
                hpa::Fault::SiteUnknown(_) => "SiteUnknown",
                hpa::Fault::NotAskedYet => "MetricNotAskedYet",
                hpa::Fault::Stale { .. } => "MetricStale",
                hpa::Fault::Unavailable(_)
                | hpa::Fault::Empty
                | hpa::Fault::NotANumber(_)
                | hpa::Fault::Target
                | hpa::Fault::NoMetrics
                | hpa::Fault::NoPods
                | hpa::Fault::NoneReady
                | hpa::Fault::NoneKnown
                | hpa::Fault::NoRequest { .. }
                | hpa::Fault::NoPodRequest { .. }
                | hpa::Fault::NoContainer { .. } => "FailedGetMetric",
            },
            Self::Stabilized { up: true, .. } => "ScaleUpStabilized",
            Self::Stabilized { up: false, .. } => "ScaleDownStabilized",
            Self::RateLimited { up: true, .. } => "ScaleUpLimit",
            Self::RateLimited { up: false, .. } => "ScaleDownLimit",
            Self::ScalingDisabled => "ScalingDisabled",
            Self::SetByHand(_) => "SetByHand",
            Self::Overridden { .. } => "Overridden",
            Self::Untouched => "Untouched",
            Self::Overflow { .. } => "HomeAboveHighWatermark",
            Self::PendingTooLong { .. } => "PodsPendingTooLong",
            Self::WaitsForNodes { .. } => "WaitsForNodes",
            Self::SiteClosed(_) => "SiteClosed",
            Self::SiteUnreachable { .. } => "SiteUnreachable",
            Self::SiteRefused { site: _, why } => why.kind.word(),
            Self::QuotaFull { .. } => "RemoteQuotaFull",
            Self::BudgetLimited { .. } => "BudgetLimited",
            Self::Unfunded { site: _, why } => match why {
                Unfunded::NoBudget => "NoBudget",
                Unfunded::Currency { .. } => "BudgetCurrency",
                Unfunded::NoRequests => "NothingToPrice",
            },
            Self::Short { .. } => "CapacityShort",
            Self::Displaced { .. } => "Displaced",
            Self::WaitsForRoom { .. } => "WaitsForRoom",
            Self::Bottlenecked { takes, .. } => match takes {
                Takes::Replicas { .. } => "BackEndFull",
                Takes::PerSecond { .. } => "QuotaFull",
                Takes::PerDay { .. } => "QuotaRunsOut",
            },
            Self::Draining { .. } => "Draining",
            Self::Contested { .. } => "Contested",
            Self::Paused => "Paused",
            Self::Observed => "Observed",
        }
    }
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Learning => "this time of day is not known of two days yet",
            Self::DidNotPay => "it has cost more lately than it has served",
            Self::Spent => "it has made its share of replicas ahead of time",
        })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Load {
                signal,
                load,
                per_replica,
                need,
                rising,
            } => {
                write!(f, "load {signal}")?;
                if load != signal {
                    let why = if *rising {
                        "ahead of its rise"
                    } else {
                        "with its headroom"
                    };
                    write!(f, ", {load} {why},")?;
                }
                write!(f, " at {per_replica} a replica needs {need}")
            }
            Self::HeldByWindow { need, held } => {
                write!(
                    f,
                    "load needs {need}, held at {held} for the scale-down window"
                )
            }
            Self::Scheduled {
                window,
                start,
                end,
                replicas,
                all,
                no_show,
            } => {
                let why = match (no_show, replicas < all) {
                    (true, _) => "; its load has not come, so they are given up again",
                    (false, true) => "; more are on the way",
                    (false, false) => "",
                };
                write!(
                    f,
                    "window {window} ({start} to {end}) asks for {replicas} of {all}{why}"
                )
            }
            Self::Forecast { load, need } => {
                write!(
                    f,
                    "earlier days let expect a load of {load}, which needs {need}"
                )
            }
            Self::ForecastSilent(why) => write!(f, "the forecast adds nothing: {why}"),
            Self::AtMinimum(min) => write!(f, "at minReplicas {min}"),
            Self::AtMaximum { need, max, to } => {
                write!(f, "needs {need}, at maxReplicas {max}")?;
                if to > max {
                    write!(f, "; {to} are kept until the history is back")?;
                }
                Ok(())
            }
            Self::NoSignal(fault) => write!(f, "no signal ({fault}); nothing shrinks"),
            Self::StaleSignal { at } => write!(f, "newest sample is from {at}; nothing shrinks"),
            Self::Warming { kept, until } => {
                write!(
                    f,
                    "the history is not back; {kept} are kept, nothing shrinks before {until}"
                )
            }
            Self::Metric { metric, need } => write!(f, "{metric} needs {need}"),
            Self::MetricInvalid {
                metric,
                kind: _,
                fault,
                invalid,
            } => {
                let more = match invalid.saturating_sub(1) {
                    0 => String::new(),
                    n => format!(", and {n} more"),
                };
                write!(f, "no {metric} ({fault}){more}; nothing shrinks")
            }
            Self::Stabilized { need, to, up } => {
                let way = if *up { "lowest" } else { "highest" };
                write!(
                    f,
                    "metrics need {need}, at {to} for the {way} need of the window"
                )
            }
            Self::RateLimited { need, to, up } => {
                let way = if *up { "up" } else { "down" };
                write!(f, "needs {need}, {to} is as far {way} as it may go now")
            }
            Self::ScalingDisabled => {
                f.write_str("the target was set to 0 replicas; set another count to scale it again")
            }
            Self::SetByHand(n) => write!(f, "set to {n}"),
            Self::Overridden { total, until } => {
                f.write_str("override")?;
                if let Some(total) = total {
                    write!(f, " to {total}")?;
                }
                write!(f, " until {until}")
            }
            Self::Untouched => f.write_str("the count is the target's own"),
            Self::Overflow { from, to, replicas } => {
                write!(f, "{from} is at its high watermark; {replicas} at {to}")
            }
            Self::PendingTooLong {
                site,
                pending,
                until,
            } => {
                write!(
                    f,
                    "{pending} stayed Pending at {site}; not tried again before {until}"
                )
            }
            Self::WaitsForNodes {
                site,
                pending,
                until,
            } => write!(
                f,
                "{pending} wait for nodes that {site} is to add, until {until} at most"
            ),
            Self::SiteClosed(site) => write!(f, "{site} takes no new replicas"),
            Self::SiteUnreachable {
                site,
                since,
                replicas,
                counted: true,
            } => write!(
                f,
                "{site} has not answered since {since}; its {replicas} replicas count as serving for now"
            ),
            Self::SiteUnreachable {
                site,
                since,
                replicas,
                counted: false,
            } => write!(
                f,
                "{site} has not answered since {since}; its {replicas} replicas are made up for elsewhere"
            ),
            Self::SiteRefused { site, why } => write!(f, "{site} refuses this workload: {why}"),
            Self::QuotaFull { site, limit } => {
                let Limit { quota, resource } = limit;
                write!(
                    f,
                    "{site} takes no more of it: ResourceQuota {quota} there has too little {resource} left for another replica; raise spec.hard of it there, or add another Site to spec.placement.tiers"
                )
            }
            Self::BudgetLimited {
                budget,
                want,
                placed,
                missing,
                currency,
                per_hour,
            } => write!(
                f,
                "{placed} of {want} placed: CloudBudget {budget} pays for no more now; {missing} more would cost {per_hour} {currency} an hour: raise spec.ceiling or spec.mostPerHour of it"
            ),
            Self::Unfunded { site, why } => write!(f, "{site} takes no new replicas: {why}"),
            Self::Short { want, placed } => {
                write!(
                    f,
                    "{placed} of {want} placed, {} short: add nodes or another tier",
                    want.minus(*placed)
                )
            }
            Self::Displaced {
                site,
                by,
                replicas,
                nowhere,
            } => {
                write!(f, "{replicas} leave {site} to make way for {by}")?;
                match nowhere.get() {
                    0 => Ok(()),
                    n => write!(f, ", {n} with no other place: add nodes or another tier"),
                }
            }
            Self::WaitsForRoom { site, leaving } => match leaving.get() {
                0 => write!(f, "what makes way at {site} is on its way out"),
                n => write!(f, "{n} replicas of mass traffic are to make way at {site}"),
            },
            Self::Bottlenecked {
                dependency,
                served,
                wanted,
                need,
                to,
                takes,
            } => {
                write!(
                    f,
                    "{dependency} lets {served} of {wanted} be served: {takes}"
                )?;
                if to < need {
                    write!(f, "; until then {to} replicas instead of {need}")?;
                }
                Ok(())
            }
            Self::Draining {
                from,
                to,
                moving,
                left,
            } => {
                write!(
                    f,
                    "{moving} on the way from {from} home to {to}, {left} left after"
                )
            }
            Self::Contested { writer, writes } if *writes == 0 => {
                write!(
                    f,
                    "{writer} sets the same count; remove it, or let it set this workload's /scale"
                )
            }
            Self::Contested { writer, writes } => {
                write!(
                    f,
                    "{writer} changed the count {writes} times; left alone until it stops"
                )
            }
            Self::Paused => f.write_str("paused"),
            Self::Observed => f.write_str("observing; nothing is written"),
        }
    }
}

impl fmt::Display for Takes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Replicas {
                workload,
                can_have,
                needed,
            } => write!(
                f,
                "HybridWorkload {workload} can have {can_have} replicas and it would take {needed}; raise its spec.autoscaling.maxReplicas, or make room for it"
            ),
            Self::PerSecond { limit, needed } => write!(
                f,
                "its quota is {limit} calls a second and it would take {needed}; ask for more of it, or call it less often"
            ),
            Self::PerDay {
                limit,
                spent,
                since,
                gone,
                needed,
            } => {
                write!(f, "{spent} of its {limit} calls of today are spent")?;
                if let Some(since) = since {
                    write!(f, ", as counted since {}", whole_second(*since))?;
                }
                if let Some(gone) = gone {
                    write!(
                        f,
                        "; at this load the rest is gone at {}",
                        whole_second(*gone)
                    )?;
                }
                write!(
                    f,
                    "; lasting the day would take {needed}: ask for more of it, or call it less often"
                )
            }
        }
    }
}

/// Without the fractions that nobody reads.
fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

impl fmt::Display for SignalFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSource(name) => write!(
                f,
                "there is no SignalSource {name}; fix spec.autoscaling.load.signal.source"
            ),
            Self::NoQuery(name) => write!(
                f,
                "the SignalSource has no query {name}; fix spec.autoscaling.load.signal.query"
            ),
            Self::NotAskedYet => f.write_str("not asked yet"),
            Self::Unreachable(why) => write!(f, "the source does not answer: {why}"),
            Self::NoSeries => {
                f.write_str("the query returns no series with this namespace and workload")
            }
            Self::NotANumber(text) => write!(f, "the series says {text}, which is no load"),
        }
    }
}
