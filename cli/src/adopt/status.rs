//! `adopt status`: the current pair with what was said of late, or with `--watch` a row each time
//! one of the two counts moves, and a sum at the end.

use super::args::StatusOptions;
use super::compare::{Cause, Pair, Sum, compare};
use super::unknown;
use crate::args::Output;
use crate::handover::{Cluster, Ending, Facts, Kind};
use crate::output::{Screen, document, print, table};
use anyhow::Result;
use futures::stream::{BoxStream, StreamExt as _, select_all};
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::Event;
use kube::Api;
use kube::api::ListParams;
use kube::core::{NamespaceResourceScope, PartialObjectMeta};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Config, watcher};
use pinisi_crds::HybridWorkload;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::fmt::Debug;
use std::hash::Hash;
use std::time::Duration;

/// What moves within this time is one row.
const COALESCE: Duration = Duration::from_millis(200);
/// Most Events that are shown.
const EVENTS_MAX: usize = 20;
const NOTHING: &str = "-";

/// Shows.
///
/// # Errors
/// Not adopted, or the server cannot be read, or standard output is closed.
pub async fn run(cluster: &Cluster, options: &StatusOptions, output: Output) -> Result<Ending> {
    let StatusOptions {
        target,
        watch,
        seconds,
    } = options;
    let facts = cluster.facts(target, &target.name).await?;
    let Some(workload) = &facts.workload else {
        eprintln!("kubectl pinisi: {}", unknown(target, &cluster.namespace));
        return Ok(Ending::Refused);
    };
    if *watch {
        follow(cluster, options, workload.name(), *seconds, output).await?;
        return Ok(Ending::Shown);
    }
    let pair = compare(&facts);
    let events = events(cluster, &facts).await.unwrap_or_default();
    match output {
        Output::Text => print(&text(&facts, &pair, &events))?,
        Output::Json | Output::Yaml | Output::Junit => {
            let mut all = serde_json::to_value(&pair)?;
            all["events"] = json!(events);
            print(&document(&all, output)?)?;
        }
    }
    Ok(Ending::Shown)
}

/// Something that was said of late.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Said {
    at: Option<Timestamp>,
    who: String,
    reason: String,
    message: String,
}

/// What the HPA and Pinisi said of late, newest last.
async fn events(cluster: &Cluster, facts: &Facts) -> Result<Vec<Said>> {
    let names = facts
        .workload
        .iter()
        .map(|found| ("HybridWorkload", found.name().to_owned()));
    let hpas = facts.autoscalers.iter().filter_map(|found| found.hpa());
    let hpas = hpas.map(|hpa| {
        let name = crate::handover::fields::name(hpa).to_owned();
        ("HorizontalPodAutoscaler", name)
    });
    let api = Api::<Event>::namespaced(cluster.client.clone(), &cluster.namespace);
    let mut all = Vec::new();
    for (kind, name) in names.chain(hpas) {
        let about = format!("involvedObject.kind={kind},involvedObject.name={name}");
        let found = api.list(&ListParams::default().fields(&about)).await?;
        all.extend(found.items.into_iter().map(|event| {
            Said {
                at: event
                    .last_timestamp
                    .map(|time| time.0)
                    .or(event.event_time.map(|time| time.0))
                    .or(event.first_timestamp.map(|time| time.0)),
                who: format!("{kind} {name}"),
                reason: event.reason.unwrap_or_default(),
                message: event.message.unwrap_or_default(),
            }
        }));
    }
    all.sort_by(|a, b| (a.at, &a.who).cmp(&(b.at, &b.who)));
    Ok(all.split_off(all.len().saturating_sub(EVENTS_MAX)))
}

fn text(facts: &Facts, pair: &Pair, events: &[Said]) -> String {
    let mut text = format!("{}\n\n", pair.phase.words(facts));
    let mut rows = table(Screen::of_stdout(), &["", "REPLICAS", "WHY"]);
    if let Some(theirs) = &pair.autoscaler {
        let desired = theirs.desired.map_or(NOTHING.into(), |n| n.to_string());
        rows.add_row([theirs.name.clone(), desired, theirs.why.clone()]);
    }
    rows.add_row([
        "running".to_owned(),
        pair.running.specified.to_string(),
        format!("{} Ready", pair.running.ready),
    ]);
    match &pair.pinisi {
        Some(ours) => rows.add_row([
            "Pinisi".to_owned(),
            ours.desired.to_string(),
            format!("home {}, cloud {}: {}", ours.home, ours.cloud, ours.why),
        ]),
        None => rows.add_row(["Pinisi", NOTHING, "has not looked yet"]),
    };
    text += &format!("{}\n\n", rows.trim_fmt());
    match pair.difference {
        Some(0) => text += "Both agree.\n",
        Some(n) => text += &format!("Pinisi differs by {n:+}:\n"),
        None => text += "They cannot be compared yet:\n",
    }
    for Cause { cause, message } in &pair.causes {
        text += &format!("  {cause}: {message}\n");
    }
    if !events.is_empty() {
        text += "\nOf late:\n";
        for Said {
            at,
            who,
            reason,
            message,
        } in events
        {
            let at = at.map_or_else(|| "?".into(), clock);
            text += &format!("  {at}  {who}  {reason}: {message}\n");
        }
    }
    text
}

fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M:%SZ").to_string()
}

/// A row each time something moves, until Ctrl-C or the end of the time.
async fn follow(
    cluster: &Cluster,
    options: &StatusOptions,
    workload: &str,
    seconds: Option<u64>,
    output: Output,
) -> Result<()> {
    let mut ticks = ticks(cluster, options, workload);
    let mut sum = Sum::default();
    let mut last: Option<Pair> = None;
    let end = async {
        match seconds {
            Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(end);
    if output == Output::Text {
        print(&line(
            "TIME",
            "AUTOSCALER",
            "RUNNING",
            "PINISI",
            "DIFF",
            "WHY",
        ))?;
    }
    loop {
        tokio::select! {
            () = &mut end => break,
            _ = tokio::signal::ctrl_c() => break,
            tick = ticks.next() => if let Some(Err(why)) = tick {
                eprintln!("kubectl pinisi: {why}");
            },
        }
        // What else comes in the same moment is the same row.
        let wait = tokio::time::sleep(COALESCE);
        tokio::pin!(wait);
        loop {
            tokio::select! {
                () = &mut wait => break,
                _ = ticks.next() => {}
            }
        }
        let facts = match cluster.facts(&options.target, &options.target.name).await {
            Ok(facts) => facts,
            Err(error) => {
                eprintln!("kubectl pinisi: trying again: {error:#}");
                continue;
            }
        };
        let pair = compare(&facts);
        let same = last.as_ref().is_some_and(|before| before.same(&pair));
        if !same {
            sum.add(&pair);
            print(&row(&pair, output)?)?;
            last = Some(pair);
        }
    }
    sum.until(Timestamp::now());
    print(&match output {
        Output::Text => format!(
            "{} rows, equal in {}, largest difference {}; equal for {} of {} s\n",
            sum.rows, sum.equal, sum.largest, sum.seconds_equal, sum.seconds
        ),
        Output::Json | Output::Yaml | Output::Junit => {
            let all = json!({ "format": super::compare::FORMAT, "sum": sum });
            serde_json::to_string(&all)? + "\n"
        }
    })?;
    Ok(())
}

impl Pair {
    /// True where nothing that a row shows has moved.
    fn same(&self, other: &Self) -> bool {
        let moved = |pair: &Self| {
            let ours = pair.pinisi.as_ref().map(|o| (o.desired, o.home, o.cloud));
            let theirs = pair.autoscaler.as_ref().map(|theirs| theirs.desired);
            let causes: Vec<_> = pair.causes.iter().map(|cause| cause.cause).collect();
            (ours, theirs, pair.running.specified, pair.phase, causes)
        };
        moved(self) == moved(other)
    }
}

fn row(pair: &Pair, output: Output) -> Result<String> {
    if output != Output::Text {
        return Ok(serde_json::to_string(pair)? + "\n");
    }
    let number = |n: Option<i32>| n.map_or(NOTHING.to_owned(), |n| n.to_string());
    let causes: Vec<_> = pair.causes.iter().map(|c| c.message.as_str()).collect();
    Ok(line(
        &clock(pair.at),
        &number(pair.autoscaler.as_ref().and_then(|theirs| theirs.desired)),
        &pair.running.specified.to_string(),
        &number(pair.pinisi.as_ref().map(|ours| ours.desired)),
        &pair
            .difference
            .map_or(NOTHING.to_owned(), |n| format!("{n:+}")),
        &causes.join("; "),
    ))
}

fn line(at: &str, theirs: &str, running: &str, ours: &str, diff: &str, why: &str) -> String {
    let line = format!("{at:<10} {theirs:>10} {running:>8} {ours:>7} {diff:>5}  {why}");
    format!("{}\n", line.trim_end())
}

type Tick = Result<(), String>;

/// Says that something moved: the workload, the target, an HPA of the namespace.
fn ticks(cluster: &Cluster, options: &StatusOptions, workload: &str) -> BoxStream<'static, Tick> {
    let named = |name: &str| Config::default().fields(&format!("metadata.name={name}"));
    let name = &options.target.name;
    let target = match options.target.kind {
        Kind::Deployment => moves::<Deployment>(cluster, named(name)),
        Kind::StatefulSet => moves::<StatefulSet>(cluster, named(name)),
    };
    select_all([
        target,
        moves::<HorizontalPodAutoscaler>(cluster, Config::default()),
        moves::<HybridWorkload>(cluster, named(workload)),
    ])
    .boxed()
}

fn moves<K>(cluster: &Cluster, config: Config) -> BoxStream<'static, Tick>
where
    K: kube::Resource<Scope = NamespaceResourceScope> + Clone + Debug + Send + Sync + 'static,
    K: DeserializeOwned,
    K::DynamicType: Default + Clone + Debug + Eq + Hash + Send + Sync + Unpin,
{
    let api = Api::<PartialObjectMeta<K>>::namespaced(cluster.client.clone(), &cluster.namespace);
    watcher(api, config)
        .default_backoff()
        .map(|event| match event {
            Ok(_) => Ok(()),
            Err(error) => Err(said(&error)),
        })
        .boxed()
}

fn said(error: &watcher::Error) -> String {
    format!("a watch is interrupted, trying again: {error}")
}
