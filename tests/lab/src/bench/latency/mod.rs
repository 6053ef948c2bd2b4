//! Decision latency: many workloads, a tenth of which spike at one moment, and
//! how long each contender takes from there to the accepted write of each count,
//! by the API server's own audit log; and what each costs at rest.
//!
//! All take part one after the other on one lab, the floor anew before each, so
//! that what the machine does beside weighs on both. No controller of Kubernetes
//! runs meanwhile: counts make no pods, for nobody. This file is the order of
//! events.

mod contender;
mod fleet;
mod floor;
mod report;
mod rest;
mod round;
mod signal;
mod stage;
mod tap;
mod times;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

pub use contender::Contender;
pub use report::Report;
use report::{Block, Outcome};
use stage::Stage;

use super::chance::Chance;
use crate::progress::Progress;

/// One in so many spikes.
const ONE_IN: usize = 10;
/// As many spikes as there are tenths: each workload spikes once at most, as
/// what has scaled up does not scale down for minutes.
pub const MOST_ROUNDS: usize = ONE_IN;
/// After a spike, so that the next finds all at rest.
const PAUSE: Duration = Duration::from_secs(2);

/// What to measure.
#[derive(Debug, Clone)]
pub struct Options {
    /// Name of the labs.
    pub name: String,
    /// Fleets to measure, by number of workloads, each at least ten.
    pub workloads: Vec<usize>,
    /// Spikes for each contender, 1 to 10.
    pub rounds: usize,
    /// How long to look at each contender at rest.
    pub rest: Duration,
    /// What chance begins with.
    pub seed: u64,
    /// Who takes part; the floor does always.
    pub contenders: Vec<Contender>,
    /// The operator's binary.
    pub operator: PathBuf,
}

/// Measures everything.
///
/// # Errors
/// What could not be set up. A contender that writes late or never is a figure,
/// not an error.
pub async fn run(options: &Options, progress: &Progress) -> Result<Report> {
    let Options {
        name,
        workloads,
        rounds,
        rest: _,
        seed,
        contenders: _,
        operator: _,
    } = options;
    ensure!(
        (1..=MOST_ROUNDS).contains(rounds),
        "there can be 1 to {MOST_ROUNDS} rounds: each workload spikes once"
    );
    ensure!(
        workloads
            .iter()
            .all(|&count| (ONE_IN..=10_000).contains(&count)),
        "a fleet has 10 to 10000 workloads"
    );
    let mut report = Report::new(*seed, *rounds);
    for &count in workloads {
        let name = format!("{name}-{count}");
        let blocks = fleet_of(options, &name, count, progress).await;
        let blocks = blocks.with_context(|| format!("with {count} workloads"))?;
        report.fleets.push(Outcome::of(count, &blocks));
    }
    Ok(report)
}

async fn fleet_of(
    options: &Options,
    name: &str,
    workloads: usize,
    progress: &Progress,
) -> Result<Vec<Block>> {
    let stage = Stage::set(name, workloads, options.operator.clone()).await?;
    let signal = stage.signal.clone();
    let wobbling = tokio::spawn(async move { signal.wobble().await });
    let measured = measure(options, &stage, workloads, progress).await;
    wobbling.abort();
    stage.lab.stop().await?;
    measured
}

async fn measure(
    options: &Options,
    stage: &Stage,
    workloads: usize,
    progress: &Progress,
) -> Result<Vec<Block>> {
    let mut chance = Chance::new(options.seed);
    let mut blocks = Vec::new();
    let others = options
        .contenders
        .iter()
        .filter(|one| **one != Contender::Floor);
    let mut order: Vec<Contender> = others.flat_map(|one| [Contender::Floor, *one]).collect();
    if order.is_empty() {
        order.push(Contender::Floor);
    }
    for contender in order {
        progress.say(&format!("{workloads} workloads: {}", contender.name()));
        let block = block(options, stage, contender, &mut chance).await;
        let block = block.with_context(|| contender.name())?;
        progress.say(&format!("  {}", report::line(&block)));
        blocks.push(block);
    }
    Ok(blocks)
}

/// One contender from its start to its end.
async fn block(
    options: &Options,
    stage: &Stage,
    contender: Contender,
    chance: &mut Chance,
) -> Result<Block> {
    let on = stage.on(contender).await?;
    let rest = rest::look(stage, contender, options.rest).await?;
    let order = chance.order(stage.workloads);
    let size = stage.workloads / ONE_IN;
    let mut rounds = Vec::new();
    for who in order.chunks(size.max(1)).take(options.rounds) {
        tokio::time::sleep(PAUSE + chance.time(contender.looks_every())).await;
        rounds.push(round::run(stage, contender, &on, who).await?);
    }
    stage.off(contender, on).await?;
    Ok(Block {
        contender,
        rest,
        rounds,
    })
}
