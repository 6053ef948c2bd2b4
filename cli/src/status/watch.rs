//! `status --watch`: a watch a kind, coalesced; drawn again on a terminal, lines elsewhere.

use super::overview::{Overview, Source};
use super::{StatusOptions, render, workloads_of};
use crate::args::Output;
use crate::connect::{Connection, Scope};
use crate::output::{Screen, document, print};
use anyhow::Result;
use futures::stream::{BoxStream, select_all};
use futures::{StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use kube::runtime::reflector::{Store, store};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Resource};
use pinisi_crds::{CloudBudget, HybridWorkload, SignalSource, Site};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hash::Hash;
use std::time::Duration;

/// What moves within this time is shown at once.
const COALESCE: Duration = Duration::from_millis(200);
/// Clears the terminal and goes to its corner.
const CLEAR: &str = "\u{1b}[2J\u{1b}[3J\u{1b}[H";

/// Something moved, or in words why a watch is interrupted.
type Tick = Result<(), String>;

/// Shows until the process is ended.
///
/// # Errors
/// Standard output is closed.
pub async fn run(
    connection: &Connection,
    options: &StatusOptions,
    output: Output,
    screen: Screen,
) -> Result<()> {
    let Connection {
        client,
        scope,
        version: _,
    } = connection;
    let (workloads, a) = follow(
        workloads_of::<HybridWorkload>(client, scope),
        "hybridworkloads",
    );
    let (sites, b) = follow(Api::<Site>::all(client.clone()), "sites");
    let (sources, c) = follow(Api::<SignalSource>::all(client.clone()), "signalsources");
    let (budgets, d) = follow(Api::<CloudBudget>::all(client.clone()), "cloudbudgets");
    let mut ticks = select_all([a, b, c, d]);
    let mut shown = Shown {
        scope: scope.clone(),
        output,
        screen,
        last: None,
        lines: BTreeMap::new(),
    };
    while let Some(tick) = ticks.next().await {
        say(&tick);
        // What else comes in the same moment is shown with it.
        let end = tokio::time::sleep(COALESCE);
        tokio::pin!(end);
        loop {
            tokio::select! {
                () = &mut end => break,
                tick = ticks.next() => match tick {
                    Some(tick) => say(&tick),
                    None => break,
                },
            }
        }
        let (workloads, sites, sources) = (objects(&workloads), objects(&sites), objects(&sources));
        let source = Source {
            workloads: &workloads,
            sites: &sites,
            sources: &sources,
            budgets: &objects(&budgets),
        };
        shown.show(Overview::of(source, options.name.as_deref()))?;
    }
    Ok(())
}

fn say(tick: &Tick) {
    if let Err(why) = tick {
        eprintln!("kubectl pinisi: {why}");
    }
}

/// A store and the stream that fills it; the stream never ends.
fn follow<K>(api: Api<K>, plural: &'static str) -> (Store<K>, BoxStream<'static, Tick>)
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
    K::DynamicType: Default + Eq + Hash + Clone + Send + Sync,
{
    let (reader, writer) = store();
    let stream = watcher(api, watcher::Config::default())
        .default_backoff()
        .reflect(writer)
        .map_ok(|_| ())
        .map_err(move |error| {
            format!("the watch of {plural} is interrupted, trying again: {error}")
        });
    (reader, stream.boxed())
}

fn objects<K>(store: &Store<K>) -> Vec<K>
where
    K: Resource + Clone,
    K::DynamicType: Eq + Hash + Clone,
{
    store
        .state()
        .iter()
        .map(|object| K::clone(object))
        .collect()
}

/// What was shown last, so that only what moved is shown.
struct Shown {
    scope: Scope,
    output: Output,
    screen: Screen,
    last: Option<Overview>,
    lines: BTreeMap<String, String>,
}

impl Shown {
    fn show(&mut self, overview: Overview) -> Result<()> {
        if self.last.as_ref() == Some(&overview) {
            return Ok(());
        }
        match self.output {
            Output::Json | Output::Junit => print(&(serde_json::to_string(&overview)? + "\n"))?,
            Output::Yaml => print(&format!("---\n{}", document(&overview, self.output)?))?,
            Output::Text if self.screen.terminal => {
                let text = render::text(&overview, &self.scope, self.screen);
                print(&format!("{CLEAR}{text}\n{}  Ctrl-C ends\n", clock()))?;
            }
            Output::Text => print(&moved(&mut self.lines, &overview, &clock()))?,
        }
        self.last = Some(overview);
        Ok(())
    }
}

fn clock() -> String {
    Timestamp::now().strftime("%H:%M:%SZ").to_string()
}

/// A line for each workload and site that moved since `lines`, which it updates.
pub fn moved(lines: &mut BTreeMap<String, String>, overview: &Overview, clock: &str) -> String {
    let mut now = BTreeMap::new();
    for row in &overview.workloads {
        let ready = row.ready.as_deref().unwrap_or("-");
        let worries = match row.attention.is_empty() {
            true => String::new(),
            false => format!(" [{}]", render::short(&row.attention)),
        };
        let why = row.why.as_deref().unwrap_or("-");
        let line = format!(
            "ready={ready} home={} cloud={}{worries} {why}",
            row.home, row.cloud
        );
        now.insert(format!("{}/{}", row.namespace, row.name), line);
    }
    for row in &overview.sites {
        let line = format!("nodes={} ready={} ({})", row.nodes, row.ready, row.reason);
        now.insert(format!("site/{}", row.name), line);
    }
    for row in &overview.signal_sources {
        now.insert(
            format!("source/{}", row.name),
            format!("ready={} ({})", row.ready, row.reason),
        );
    }
    for row in &overview.budgets {
        let worries = match row.attention.is_empty() {
            true => String::new(),
            false => format!(" [{}]", render::short(&row.attention)),
        };
        let line = format!(
            "spent={} of {} {} perHour={} ready={} ({}){worries}",
            row.spent.as_deref().unwrap_or("-"),
            row.ceiling,
            row.currency,
            row.per_hour.as_deref().unwrap_or("-"),
            row.ready,
            row.reason
        );
        now.insert(format!("budget/{}", row.name), line);
    }
    let mut text = String::new();
    for (name, line) in &now {
        if lines.get(name) != Some(line) {
            text += &format!("{clock} {name} {line}\n");
        }
    }
    for name in lines.keys().filter(|name| !now.contains_key(*name)) {
        text += &format!("{clock} {name} deleted\n");
    }
    *lines = now;
    text
}
