//! What came of it, as a table and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::contender::Contender;
use super::rest::Rest;
use super::round::Round;
use super::times::{Latency, latency};
use crate::bench::spread::Spread;
use crate::bench::tally::{Cpu, Requests};

/// One contender from its start to its end.
#[derive(Debug, Clone)]
pub struct Block {
    /// Who.
    pub contender: Contender,
    /// At rest.
    pub rest: Rest,
    /// Its spikes.
    pub rounds: Vec<Round>,
}

/// All figures of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// What chance began with.
    pub seed: u64,
    /// Spikes for each contender.
    pub rounds: usize,
    /// Processors of the machine.
    pub processors: usize,
    /// One for each size of fleet.
    pub fleets: Vec<Outcome>,
}

/// The figures of one size of fleet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// How many workloads; a tenth of them spiked.
    pub workloads: usize,
    /// One for each contender, in the order in which they took part.
    pub rows: Vec<Row>,
}

/// One contender's figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Who.
    pub contender: Contender,
    /// Milliseconds from the change to the accepted write, over all spikes.
    pub latency: Latency,
    /// p99 of its decisions by p99 of the floor's writes just before it.
    pub decision_by_floor: Option<f64>,
    /// p99 of the whole by the same.
    pub whole_by_floor: Option<f64>,
    /// At rest.
    pub rest: Rest,
    /// CPU seconds of one spike, until 2 s after its last write, by process.
    pub spike_cpu: BTreeMap<String, f64>,
    /// Requests of one spike in that time.
    pub spike_requests: f64,
}

impl Report {
    /// Nothing measured yet.
    #[must_use]
    pub fn new(seed: u64, rounds: usize) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            seed,
            rounds,
            processors,
            fleets: Vec::new(),
        }
    }

    /// For people.
    #[must_use]
    pub fn table(&self) -> String {
        let Self {
            seed,
            rounds,
            processors,
            fleets,
        } = self;
        let mut text = String::new();
        for Outcome { workloads, rows } in fleets {
            let _ = writeln!(
                text,
                "\n{workloads} workloads, a tenth spikes at one moment, {rounds} times; {processors} processors, seed {seed}\n\n{HEAD}"
            );
            for row in rows {
                let _ = writeln!(text, "{}", line_of(row));
            }
        }
        text.push_str(NOTES);
        text
    }
}

const HEAD: &str = "\
                    change to accepted write, ms         of that: wait, ms   from seen to accepted, ms              p99 by   at rest, a second          one spike
contender              p50      p90      p99      max      p50      p99      p50      p90      p99      max  late  floor    requests  cpu  apiserver    cpu  apiserver";

const NOTES: &str = "
wait: until the first answer that shows the new load (Prometheus' scrape and Pinisi's question, or
Pinisi's own scrape, or HPA's question for that workload); late: not written in time.
p99 by floor: p99 from seen to accepted, by the p99 of the floor's writes just before.
requests: the contender's to the API server, watches and leases apart; cpu: CPU seconds of the
contender's own process, and of the API server, a second at rest and for one spike.
";

impl Outcome {
    /// Of all that took part; the floor's times are taken together.
    #[must_use]
    pub fn of(workloads: usize, blocks: &[Block]) -> Self {
        let mut rows: Vec<Row> = Vec::new();
        let mut floor = None;
        for block in blocks {
            if block.contender == Contender::Floor {
                floor = p99(latency(times(&[block])).whole);
            } else {
                rows.push(row(&[block], floor));
            }
        }
        let floors: Vec<&Block> = blocks
            .iter()
            .filter(|block| block.contender == Contender::Floor)
            .collect();
        rows.insert(0, row(&floors, None));
        Self { workloads, rows }
    }
}

fn times<'a>(blocks: &'a [&'a Block]) -> impl Iterator<Item = &'a super::times::Times> + Clone {
    let rounds = blocks.iter().flat_map(|block| &block.rounds);
    rounds.flat_map(|round| &round.times)
}

fn row(blocks: &[&Block], floor: Option<f64>) -> Row {
    let latency = latency(times(blocks));
    let by_floor = |spread: Option<Spread>| {
        Some((p99(spread)? / floor.filter(|floor| *floor > 0.0)? * 100.0).round() / 100.0)
    };
    let (mut cpu, mut requests, mut spikes) = (Cpu::default(), 0, 0_u32);
    for round in blocks.iter().flat_map(|block| &block.rounds) {
        let Requests {
            plain,
            watches: _,
            leases: _,
        } = round.requests;
        cpu.add(&round.cpu);
        requests += plain;
        spikes += 1;
    }
    let parts = f64::from(spikes.max(1));
    Row {
        contender: blocks
            .first()
            .map_or(Contender::Floor, |block| block.contender),
        decision_by_floor: by_floor(latency.decision),
        whole_by_floor: by_floor(latency.whole),
        latency,
        rest: blocks
            .first()
            .map(|block| block.rest.clone())
            .unwrap_or_default(),
        spike_cpu: cpu.each(parts),
        spike_requests: (f64::from(u32::try_from(requests).unwrap_or(u32::MAX)) / parts * 10.0)
            .round()
            / 10.0,
    }
}

fn p99(spread: Option<Spread>) -> Option<f64> {
    spread.map(|spread| spread.p99)
}

/// One block in a few words, as it ends.
#[must_use]
pub fn line(block: &Block) -> String {
    let row = row(&[block], None);
    let of = |spread: Option<Spread>| {
        spread.map_or_else(|| "-".into(), |s| format!("{:.0}/{:.0}", s.p50, s.p99))
    };
    format!(
        "p50/p99 whole {} ms, from seen {} ms, {} late; {} requests a second at rest",
        of(row.latency.whole),
        of(row.latency.decision),
        row.latency.missing,
        row.rest.requests
    )
}

fn line_of(row: &Row) -> String {
    let Row {
        contender,
        latency:
            Latency {
                whole,
                wait,
                decision,
                missing,
            },
        decision_by_floor,
        whole_by_floor: _,
        rest,
        spike_cpu,
        spike_requests: _,
    } = row;
    let figure = |spread: Option<Spread>, of: fn(Spread) -> f64| {
        spread.map_or_else(
            || format!("{:>9}", "-"),
            |spread| format!("{:>9.1}", of(spread)),
        )
    };
    let mut text = format!("{:<18}", contender.name());
    for of in [
        |s: Spread| s.p50,
        |s: Spread| s.p90,
        |s: Spread| s.p99,
        |s: Spread| s.max,
    ] {
        text += &figure(*whole, of);
    }
    for of in [|s: Spread| s.p50, |s: Spread| s.p99] {
        text += &figure(*wait, of);
    }
    for of in [
        |s: Spread| s.p50,
        |s: Spread| s.p90,
        |s: Spread| s.p99,
        |s: Spread| s.max,
    ] {
        text += &figure(*decision, of);
    }
    let ratio = decision_by_floor.map_or_else(|| "-".into(), |ratio| format!("{ratio:.2}"));
    let own = contender.process();
    let cpu = |used: &BTreeMap<String, f64>, name: Option<&str>| {
        let found = name.and_then(|name| used.get(name));
        found.map_or_else(|| "-".into(), |used| format!("{used:.3}"))
    };
    let server = Some("kube-apiserver");
    let _ = write!(
        text,
        "{missing:>6} {ratio:>6} {:>11.2} {:>6} {:>9} {:>7} {:>9}",
        rest.requests,
        cpu(&rest.cpu, own),
        cpu(&rest.cpu, server),
        cpu(spike_cpu, own),
        cpu(spike_cpu, server),
    );
    text
}
