//! `kubectl pinisi simulate`: a load played against the planner and against models of others. Asks no
//! cluster. Not here: how it is played (`pinisi-simulator`).

pub mod args;
mod assume;
mod document;
mod input;
mod left;
mod manifests;
mod render;
#[cfg(test)]
mod tests;
mod users;

use crate::args::{Global, Output};
use crate::output;
use anyhow::Context as _;
use args::SimulateOptions;
use document::{Document, Told};
use input::Input;
use left::Left;
use pinisi_simulator::algorithm::Algorithm;
use pinisi_simulator::page::Page;
use pinisi_simulator::study::{self, Study};
use std::io::IsTerminal as _;
use std::path::Path;
use std::process::ExitCode;
use users::{Question, Row, Users};

/// Reads, plays, and prints.
///
/// # Errors
/// Input that cannot be read, output that cannot be written.
pub fn run(global: &Global, options: &SimulateOptions) -> anyhow::Result<ExitCode> {
    let Asked {
        input,
        rows,
        assumptions,
        left,
    } = if options.users.is_empty() {
        let input = input::read(options)?;
        Asked {
            assumptions: assume::one_service(options, &input),
            input,
            rows: Vec::new(),
            left: Vec::new(),
        }
    } else {
        of_users(options)?
    };
    let mut algorithms = vec![Algorithm::Pinisi];
    for other in &options.compare {
        if !algorithms.contains(other) {
            algorithms.push(*other);
        }
    }
    let own = play(&input, &algorithms, false);
    let equal = options.equal_lag.then(|| play(&input, &algorithms, true));
    let sheet = (!rows.is_empty()).then(|| render::sheet(options, &rows));
    if let Some(path) = &options.html {
        let page = Page {
            title: &input.title,
            setup: &input.setup,
            study: &own,
            equal_lag: equal.as_ref(),
            price: options.cloud_price.map(|p| (p, options.currency.as_str())),
            sheet: sheet.as_ref(),
            assumptions: &assumptions,
        };
        write(path, &page.render())?;
    }
    let text = render::text(
        options,
        &input,
        sheet.as_ref(),
        &own,
        equal.as_ref(),
        &assumptions,
        &left,
    );
    let told = Told {
        users: rows,
        assumptions,
        not_simulated: left,
    };
    let document = Document::of(options, &input, &own, equal.as_ref(), told);
    if let Some(path) = &options.json {
        write(path, &output::document(&document, Output::Json)?)?;
    }
    match global.output {
        Output::Text => output::print(&text)?,
        Output::Json | Output::Yaml | Output::Junit => {
            output::print(&output::document(&document, global.output)?)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("write {}", path.display()))
}

/// What is to be played, and what is known of it before.
struct Asked {
    input: Input,
    /// By number of users, where these are asked for.
    rows: Vec<Row>,
    assumptions: Vec<String>,
    /// Of the manifests, what is not played.
    left: Vec<Left>,
}

/// Answers for each number of users. What is played and compared after that is the largest.
fn of_users(options: &SimulateOptions) -> anyhow::Result<Asked> {
    let mut manifests = manifests::read(&options.filename)?;
    let (title, trace) = input::load(options)?;
    manifests.announce(&trace);
    let question = Question::new(options, &manifests, &trace)?;
    let mut line = Progress::default();
    let answer = |users: &Users| {
        let words = users.words();
        question.answer(*users, |share| line.say(&words, share))
    };
    let rows: Vec<Row> = options.users.iter().map(answer).collect();
    line.end();
    let assumptions = assume::users(options, &question, &title);
    let most = options.users.iter().max().copied().unwrap_or(Users(1));
    let input = Input {
        title: format!("{} users, with the cloud", most.words()),
        setup: question.setup(most, true, true),
        trace,
    };
    Ok(Asked {
        input,
        rows,
        assumptions,
        left: manifests.left,
    })
}

/// Plays, and says how far it is.
fn play(input: &Input, algorithms: &[Algorithm], equal_lag: bool) -> Study {
    let mut line = Progress::default();
    let study = study::run(&input.setup, algorithms, equal_lag, |algorithm, share| {
        line.say(algorithm.name(), share);
    });
    line.end();
    study
}

/// A line on standard error, where somebody is looking.
#[derive(Default)]
struct Progress {
    said: String,
}

impl Progress {
    fn say(&mut self, what: &str, share: f64) {
        if !std::io::stderr().is_terminal() {
            return;
        }
        let words = format!("{what}: {:.0} %", (share * 20.0).floor() * 5.0);
        if self.said != words {
            eprint!("\r{words:<40}");
            self.said = words;
        }
    }

    fn end(&self) {
        if !self.said.is_empty() {
            eprint!("\r{:<40}\r", "");
        }
    }
}
