//! The demo: a national service rides a real load spike. Sensitive pods stay
//! home, mass traffic overflows to the cloud and comes home. This file is the
//! order of events; each thing has a file of its own.

mod ask;
mod burst;
mod bypass;
mod canary;
mod example;
mod expect;
mod figures;
mod picture;
mod reference;
mod remote;
mod report;
mod room;
mod screen;
mod seen;
mod setup;
mod steps;
mod summary;
mod topology;
mod wait;
mod watch;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use jiff::Timestamp;
use tokio::sync::watch::{Receiver, channel};
use tokio::task::JoinHandle;

use burst::DecisionLatency;
use bypass::{Attempt, SeenNow};
use example::{Example, MASS, SENSITIVE, SPIKE_MINUTE};
use expect::{CloudStores, Evidence, Outage};
use figures::Times;
pub use report::Verdict;
use report::{Parts, Report};
use screen::Screen;
pub use screen::Style;
use seen::Place;
use setup::Stage;
use summary::Ended;
use topology::Labs;
pub use topology::Topology;
pub(crate) use wait::until;
use wait::until_seen;

use crate::binaries;
use crate::exporter::Exporter;
use crate::load::Offered;
use crate::progress::{Progress, human};
use crate::replay::{Replay, Share};

/// At the first minute's load before the trace begins.
const WARM_UP: Duration = Duration::from_secs(8);
const QUIET_WAIT: Duration = Duration::from_secs(60);
/// From the end of the trace until nothing is in the cloud.
const HOME_WAIT: Duration = Duration::from_secs(60);
/// From the spike's begin to the operator's death, and to its return.
const KILL_AFTER: Duration = Duration::from_secs(3);
const DEAD_FOR: Duration = Duration::from_secs(3);
/// After its return, no replica may be lost for so long either.
const AFTER_RETURN_MS: i64 = 4_000;
/// From the return of the last replica until the copies in the cloud are gone.
const COPIES_WAIT: Duration = Duration::from_secs(20);
/// What one trace minute may take, in seconds.
const SPEEDS: std::ops::RangeInclusive<f64> = 2.0..=120.0;

/// What to run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Name of the first lab; those of further topologies and clusters begin with it.
    pub name: String,
    /// What to play on, one after the other.
    pub topologies: Vec<Topology>,
    /// Where to write the figures.
    pub json: Option<PathBuf>,
    /// Whether the lab stays.
    pub keep: bool,
    /// Seconds that one trace minute takes.
    pub seconds_a_minute: f64,
    /// Whether the operator is killed in mid-spike.
    pub kill_operator: bool,
    /// How to show it.
    pub style: Style,
}

/// Plays on each topology, and comes to one verdict. The labs end unless they are kept.
///
/// # Errors
/// When nothing could begin, or the figures cannot be written.
pub async fn run(options: &Options) -> Result<Verdict> {
    let Options {
        name,
        topologies,
        json,
        keep: _,
        seconds_a_minute,
        kill_operator: _,
        style,
    } = options;
    ensure!(
        SPEEDS.contains(seconds_a_minute),
        "--speed must be {} to {} seconds a trace minute",
        SPEEDS.start(),
        SPEEDS.end()
    );
    let example = Example::read()?;
    let operator =
        tokio::task::spawn_blocking(|| binaries::operator(&Progress::stderr())).await??;
    let screen = Screen::new(*style);
    let mut ended: Vec<Ended> = Vec::new();
    for &topology in topologies {
        screen.say(&format!("\n{}: {}", topology.name(), topology.words()));
        let lab = lab_name(name, topology);
        let result = on_one(topology, &lab, &operator, &example, options, &screen).await;
        match &result {
            Ok(report) => report.lines().iter().for_each(|line| screen.say(line)),
            Err(error) => screen.say(&format!("{} broke off: {error:#}", topology.name())),
        }
        ended.push((topology, result));
    }
    if let Some(json) = json {
        let pictures = summary::write(json, &ended)?;
        screen.say(&format!("\nfigures: {}", json.display()));
        for picture in pictures {
            screen.say(&format!("picture: {}", picture.display()));
        }
    }
    for line in summary::lines(&ended) {
        screen.say(&line);
    }
    Ok(summary::verdict(&ended))
}

/// Name of a topology's first lab.
#[must_use]
pub fn lab_name(name: &str, topology: Topology) -> String {
    match topology {
        Topology::Stretched => name.to_owned(),
        Topology::Remote => format!("{name}-{}", topology.name()),
    }
}

/// One topology from nothing to its report. Its labs have ended then, unless they are kept.
async fn on_one(
    topology: Topology,
    name: &str,
    operator: &std::path::Path,
    example: &Example,
    options: &Options,
    screen: &Screen,
) -> Result<Report> {
    let started = Instant::now();
    let exporter = Exporter::start(None).await?;
    let labs = Labs::start(topology, name, &exporter).await?;
    screen.say(&format!("the lab runs ({})", human(started.elapsed())));
    let folder = labs.hub.dir().clone();
    let say = |line: &str| screen.say(line);
    // Labs end when they are dropped, as they are where the stage cannot be set.
    let stage = setup::stage(topology, labs, exporter, operator.into(), example, &say).await;
    let mut stage = match stage {
        Ok(stage) => stage,
        Err(error) => {
            screen.close();
            keep_log(&folder, options, topology);
            return Err(error);
        }
    };
    let played = play(topology, &mut stage, example, options, screen, started).await;
    screen.close();
    if !matches!(&played, Ok(report) if report.verdict == Verdict::Passed) {
        keep_log(&folder, options, topology);
    }
    let Stage { lab, cloud, .. } = stage;
    let labs = Labs {
        hub: lab,
        cloud: cloud.map(|cloud| cloud.lab),
    };
    leave(labs, options.keep, screen).await?;
    played
}

/// From the quiet hour to the verdict.
async fn play(
    topology: Topology,
    stage: &mut Stage,
    example: &Example,
    options: &Options,
    screen: &Screen,
    started: Instant,
) -> Result<Report> {
    let replay = replay(example, options)?;
    quiet(stage, example, &replay).await?;
    let rooms = stage.watch.seen().rooms_beside(MASS);
    let home_capacity = room::fits(&rooms, example.one);
    screen.home_capacity(home_capacity);
    screen.say(&format!(
        "home holds {home_capacity} replicas of the mass traffic beside the rest; the trace begins"
    ));

    let show = screen.show(stage.watch.handle(), stage.exporter.clone(), example);
    let (minutes, minute) = channel(0_usize);
    let begin = Timestamp::now().as_millisecond();
    let on_screen = screen.clone();
    let trace = stage.exporter.replay(replay, move |minute, _| {
        on_screen.minute(minute);
        minutes.send_replace(minute);
    })?;
    let attempts = attempts(stage, example, minute.clone());
    let outage = match options.kill_operator {
        true => Some(outage(stage, minute.clone(), screen).await?),
        false => None,
    };
    let at_peak = cloud_at_peak(stage, minute).await?;
    trace.await?;
    let end = Timestamp::now().as_millisecond();
    screen.no_minute();
    let mut attempts = attempts.await??;
    if let Some(cloud) = &stage.cloud {
        attempts.extend(bypass::attempt_cloud(&cloud.client).await);
    }
    screen.say("the trace is over");
    let least = home_at_end(stage, example);
    let home = until_seen("everything at home again", HOME_WAIT, || {
        let seen = stage.watch.seen();
        let ((ready, _), (_, away)) = (seen.now(MASS, Place::Home), seen.now(MASS, Place::Away));
        (away > 0 || ready != least)
            .then(|| format!("{away} in the cloud, {ready} ready at home of {least}"))
    });
    match home.await {
        Ok(()) => screen.say("everything is at home again"),
        // Judged below, with everything else.
        Err(error) => screen.say(&error.to_string()),
    }
    let times = Times {
        begin,
        end,
        home_again: Timestamp::now().as_millisecond(),
    };
    let cloud_store = match (&stage.cloud, at_peak) {
        (Some(cloud), Some(at_peak)) => Some(CloudStores {
            at_peak,
            at_end: cloud.emptied(COPIES_WAIT).await?,
        }),
        (Some(_) | None, _) => None,
    };
    show.abort();
    screen.close();
    let decisions = decisions(stage, screen).await?;

    let changes = stage.exporter.changes();
    let seen = stage.watch.seen();
    let figures = figures::figures(example, &changes, &seen, home_capacity, times);
    let off_lawful = seen.off_lawful();
    let outage = outage.map(|span| span.judge(&seen));
    let expectations = expect::judge(&Evidence {
        figures: &figures,
        attempts: &attempts,
        decisions: &decisions,
        sensitive_seen: seen.sensitive_pods(),
        off_lawful: &off_lawful,
        sensitive_at_end: (
            seen.now(SENSITIVE, Place::Home).0,
            example.sensitive_replicas,
        ),
        home_at_end: (seen.now(MASS, Place::Home).0, least),
        most_siblings: seen.most_siblings(),
        gaps: seen.gaps(),
        outage,
        cloud_store: cloud_store.as_ref(),
    });
    Ok(Report::new(Parts {
        topology,
        cloud_store,
        figures,
        sensitive: (seen.sensitive_pods(), off_lawful.len()),
        attempts,
        decisions,
        outage,
        expectations,
        seconds_a_minute: options.seconds_a_minute,
        seconds: started.elapsed().as_secs_f64().round(),
    }))
}

fn replay(example: &Example, options: &Options) -> Result<Replay> {
    let shares = example.mass.iter().map(|service| Share {
        namespace: MASS.into(),
        workload: service.name.clone(),
        weight: service.weight,
    });
    Ok(Replay {
        requests_a_minute: example.trace.clone(),
        minute: Duration::try_from_secs_f64(options.seconds_a_minute)?,
        scale: 1.0,
        shares: shares.collect(),
    })
}

/// The first minute's load for a while, and then exactly as many replicas as
/// that needs, all ready.
async fn quiet(stage: &Stage, example: &Example, replay: &Replay) -> Result<()> {
    for (share, rate) in replay.parts(0) {
        stage
            .exporter
            .set(&share.namespace, &share.workload, Offered::Rps(rate));
    }
    tokio::time::sleep(WARM_UP).await;
    let least = home_at_end(stage, example);
    until_seen("the quiet load's replicas at home", QUIET_WAIT, || {
        let seen = stage.watch.seen();
        let ((ready, exist), (_, away)) =
            (seen.now(MASS, Place::Home), seen.now(MASS, Place::Away));
        (ready != least || exist != least || away > 0).then(|| {
            format!("{ready} ready of {exist} at home and {away} in the cloud, {least} needed")
        })
    })
    .await
}

/// Replicas that the load of this moment needs, each service's least included.
fn home_at_end(stage: &Stage, example: &Example) -> u32 {
    let of = |service: &example::MassService| match stage.exporter.offered(MASS, &service.name) {
        Some(Offered::Rps(rps)) => reference::needed(rps, service.one_serves).max(service.least),
        Some(Offered::Nan | Offered::Absent) | None => service.least,
    };
    example.mass.iter().map(of).sum()
}

/// The attempts begin with the spike, beside everything else.
fn attempts(
    stage: &Stage,
    example: &Example,
    mut minute: Receiver<usize>,
) -> JoinHandle<Result<Vec<Attempt>>> {
    let (client, seen, replicas) = (
        stage.client.clone(),
        stage.watch.handle(),
        example.target_replicas,
    );
    tokio::spawn(async move {
        minute
            .wait_for(|&minute| minute >= SPIKE_MINUTE)
            .await
            .context("the trace broke off")?;
        let now = || {
            SeenNow::of(
                &seen
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner),
            )
        };
        bypass::attempt_all(&client, now, replicas).await
    })
}

/// What the cloud's etcd holds in the highest minute, once the spike has had time to arrive there.
async fn cloud_at_peak(
    stage: &Stage,
    mut minute: Receiver<usize>,
) -> Result<Option<canary::CloudStore>> {
    let Some(cloud) = &stage.cloud else {
        return Ok(None);
    };
    minute
        .wait_for(|&minute| minute > SPIKE_MINUTE)
        .await
        .context("the trace broke off")?;
    cloud.look().await.map(Some)
}

/// When the operator was dead.
#[derive(Debug, Clone, Copy)]
struct Span {
    killed: i64,
    back: i64,
}

impl Span {
    fn judge(self, seen: &seen::Seen) -> Outage {
        let Self { killed, back } = self;
        let (home, cloud) = (
            seen.namespace(MASS, Place::Home),
            seen.namespace(MASS, Place::Away),
        );
        let ready = steps::Steps::sum([&home.ready, &cloud.ready]);
        Outage {
            ready_at_kill: ready.at(killed),
            fewest_ready: ready.low(killed, back + AFTER_RETURN_MS),
            milliseconds: back - killed,
        }
    }
}

async fn outage(stage: &mut Stage, mut minute: Receiver<usize>, screen: &Screen) -> Result<Span> {
    minute
        .wait_for(|&minute| minute >= SPIKE_MINUTE)
        .await
        .context("the trace broke off")?;
    tokio::time::sleep(KILL_AFTER).await;
    let killed = Timestamp::now().as_millisecond();
    if !stage.operator.kill_9(&stage.lab).await? {
        bail!("the operator had ended before it was killed");
    }
    screen.say("the operator is killed (-9)");
    tokio::time::sleep(DEAD_FOR).await;
    stage.operator.restart(&stage.lab).await?;
    screen.say("the operator is started again");
    Ok(Span {
        killed,
        back: Timestamp::now().as_millisecond(),
    })
}

async fn decisions(stage: &Stage, screen: &Screen) -> Result<DecisionLatency> {
    screen.say(&format!(
        "a burst over {} small services, to time decisions",
        burst::SERVICES
    ));
    burst::prepare(stage).await?;
    screen.say("all are calm; their load rises at once");
    burst::measure(stage).await
}

/// A run that failed leaves the operator's words beside its figures.
fn keep_log(folder: &crate::paths::StateDir, options: &Options, topology: Topology) {
    if let Some(json) = &options.json {
        let beside = json.with_extension(format!("{}.operator.log", topology.name()));
        // Not having it is no further failure.
        let _ = std::fs::copy(folder.log("pinisi-0"), beside);
    }
}

async fn leave(labs: Labs, keep: bool, screen: &Screen) -> Result<()> {
    if !keep {
        return labs.stop().await;
    }
    let Labs { hub, cloud } = labs;
    let hub = hub.keep().await?;
    let name = hub.state()?.spec.name;
    screen.say(&format!(
        "\nthe lab {name} goes on:\n  export KUBECONFIG={}",
        hub.kubeconfig_path().display()
    ));
    if let Some(cloud) = cloud {
        let cloud = cloud.keep().await?;
        screen.say(&format!(
            "  the cloud's cluster: {}",
            cloud.kubeconfig_path().display()
        ));
    }
    screen.say(&format!(
        "  kubectl get hw -A\n  Prometheus  {}",
        hub.prometheus_url().unwrap_or("none")
    ));
    screen.say(&format!("  cargo lab down --name {name}      ends it"));
    Ok(())
}
