//! What is asked for.

use pinisi_planner::model::amounts::Percent;
use pinisi_simulator::algorithm::Algorithm;
use pinisi_simulator::setup::headroom;

const HELP: &str =
    "rows [--tables own,equal,sweep] [--start-up 20,60,180] [--only pinisi,hpa,keda,knative]
     [--row TEXT] [--threads 2] [--peak 500] [--headroom PERCENT] [--dir simulator/traces]
     [--announce LOAD_PERCENT,MINUTES_LATE] (of the registration: 100,0 is as it comes)
     [--svg FILE] [--json FILE] (of the sweep: a picture, and every point)
own: everybody's own lag; equal: all see the load as Pinisi does; sweep: everybody's own settings
turned, at the first start-up named (60 by default)";

/// A table that can be made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Table {
    Own,
    Equal,
    Sweep,
}

pub struct Args {
    pub tables: Vec<Table>,
    /// In seconds; empty for each table's own choice.
    pub start_ups: Vec<i64>,
    pub only: Vec<Algorithm>,
    pub row: String,
    pub threads: usize,
    pub peak: u32,
    pub dir: String,
    pub headroom: Percent,
    pub announce: Option<(i64, i64)>,
    pub svg: Option<String>,
    pub json: Option<String>,
}

pub fn args() -> Args {
    let mut a = Args {
        tables: vec![Table::Own, Table::Equal, Table::Sweep],
        start_ups: Vec::new(),
        only: Algorithm::ALL.to_vec(),
        row: String::new(),
        threads: 2,
        peak: 500,
        headroom: headroom(),
        announce: None,
        dir: concat!(env!("CARGO_MANIFEST_DIR"), "/traces").into(),
        svg: None,
        json: None,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().expect(HELP);
        match word.as_str() {
            "--tables" => a.tables = value().split(',').map(table).collect(),
            "--start-up" => a.start_ups = value().split(',').map(|s| s.parse().unwrap()).collect(),
            "--only" => a.only = value().split(',').map(|s| s.parse().unwrap()).collect(),
            "--row" => a.row = value().to_lowercase(),
            "--threads" => a.threads = value().parse().unwrap(),
            "--peak" => a.peak = value().parse().unwrap(),
            "--headroom" => a.headroom = Percent::new(value().parse().unwrap()),
            "--announce" => {
                let text = value();
                let (load, late) = text.split_once(',').expect(HELP);
                a.announce = Some((load.parse().unwrap(), late.parse().unwrap()));
            }
            "--dir" => a.dir = value(),
            "--svg" => a.svg = Some(value()),
            "--json" => a.json = Some(value()),
            "--help" => {
                println!("{HELP}");
                std::process::exit(0);
            }
            _ => panic!("{word}?\n{HELP}"),
        }
    }
    a
}

fn table(name: &str) -> Table {
    match name {
        "own" => Table::Own,
        "equal" => Table::Equal,
        "sweep" => Table::Sweep,
        _ => panic!("{name}?\n{HELP}"),
    }
}
