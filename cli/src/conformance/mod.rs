//! `conformance`: every known way around sovereignty, tried. Cases are data (`cases/`), the suite
//! runs them (`suite.rs`), a report tells what was seen (`report/`). It writes canaries alone.

pub mod args;
mod ask;
pub mod attempt;
mod canary;
pub mod case;
pub mod cases;
mod copies;
mod down;
mod facts;
pub mod fixtures;
mod grants;
pub mod ground;
pub mod judge;
mod objects;
pub mod outcome;
mod remote;
pub mod report;
mod stop;
pub mod suite;

use crate::args::{Global, Output};
use crate::connect::{Otherwise, connect};
use crate::handover::Progress;
use crate::output::{Screen, document, print};
use anyhow::{Context as _, Result, bail, ensure};
use args::{ConformanceCommand, ConformanceOptions, RunOptions};
use canary::RUN_MAX;
use case::Case;
use down::Scaled;
use ground::{Account, Ground};
use kube::Client;
use outcome::{Skip, Verdict};
use report::{CaseReport, Report, json, junit, text};
use std::process::ExitCode;
use std::time::Instant;
use stop::{INTERRUPTED, Stop};
use suite::{Settings, Suite, attempts_of};

/// Lists or runs.
///
/// # Errors
/// It cannot be run at all.
pub async fn run(global: &Global, options: &ConformanceOptions) -> Result<ExitCode> {
    match &options.command {
        ConformanceCommand::List => {
            print(&list(global.output)?)?;
            Ok(ExitCode::SUCCESS)
        }
        ConformanceCommand::Run(options) => {
            let cases = chosen(options)?;
            let stop = Stop::listen().context("listen to Ctrl-C")?;
            match whole(global, options, &cases, &stop).await? {
                Some(report) => finish(global, options, &report),
                None => Ok(ExitCode::from(INTERRUPTED)),
            }
        }
    }
}

/// The cases that are asked for.
fn chosen(options: &RunOptions) -> Result<Vec<&'static Case>> {
    if options.case.is_empty() {
        return Ok(cases::up_to(options.level).collect());
    }
    for id in &options.case {
        ensure!(
            cases::all().any(|case| case.id == id),
            "--case {id} is no case: kubectl pinisi conformance list"
        );
    }
    let ids: Vec<&str> = options.case.iter().map(String::as_str).collect();
    Ok(cases::named(&ids).collect())
}

/// From the operator's Lease to the last canary; none where it was interrupted.
async fn whole(
    global: &Global,
    options: &RunOptions,
    cases: &[&'static Case],
    stop: &Stop,
) -> Result<Option<Report>> {
    let connection = connect(global, Otherwise::All).await?;
    let client = &connection.client;
    let remote = other_cluster(global, options).await?;
    let namespace = &options.operator_namespace;
    let mut progress = Progress::new();
    let scaled = match options.scale_operator {
        true => Some(Scaled::down(client, namespace, stop, &mut progress).await?),
        false => None,
    };
    let ended = async {
        if options.operator_down {
            down::nobody_leads(client, namespace, stop, &mut progress).await?;
        }
        let settings = Settings {
            operator: Account {
                namespace: namespace.clone(),
                name: options.operator_account.clone(),
            },
            operator_down: options.operator_down,
            remote,
        };
        let screen = Screen::of_stderr();
        let said = |report: &CaseReport, progress: &mut Progress| {
            progress.say(text::line(report, screen).trim_end());
        };
        let done = every(client, settings, cases, stop, |report| said(report, &mut progress)).await?;
        if options.operator_down
            && let Some(holder) = down::somebody_came(client, namespace).await?
        {
            bail!("operator {holder} took the Lease during the run: what was seen does not show that the guard holds without one");
        }
        Ok(done)
    }
    .await;
    if let Some(scaled) = scaled {
        scaled.back().await;
    }
    let (cases, complete) = ended?;
    if !complete {
        return Ok(None);
    }
    let version = &connection.version;
    Ok(Some(Report {
        server: version.git_version.clone(),
        operator_down: options.operator_down,
        level: options.case.is_empty().then_some(options.level),
        cases,
    }))
}

async fn other_cluster(global: &Global, options: &RunOptions) -> Result<Option<Client>> {
    let Some(context) = &options.remote_context else {
        return Ok(None);
    };
    let other = Global {
        kubeconfig: global.kubeconfig.clone(),
        context: Some(context.clone()),
        namespace: None,
        all_namespaces: false,
        output: global.output,
    };
    Ok(Some(connect(&other, Otherwise::All).await?.client))
}

/// Each case in turn; `false` where it stopped before the last.
async fn every(
    client: &Client,
    settings: Settings,
    cases: &[&'static Case],
    stop: &Stop,
    mut said: impl FnMut(&CaseReport),
) -> Result<(Vec<CaseReport>, bool)> {
    let began = Instant::now();
    let mut suite = Suite::open(client, settings, cases).await?;
    let mut reports = Vec::with_capacity(cases.len());
    let ended = async {
        for case in cases {
            if stop.asked() {
                return Ok(false);
            }
            // What is older than this is taken for left behind.
            ensure!(
                began.elapsed() < RUN_MAX,
                "not done within {} min: the API server is too slow",
                RUN_MAX.as_secs() / 60
            );
            let report = suite.run(case).await?;
            said(&report);
            reports.push(report);
        }
        Ok(true)
    }
    .await;
    suite.close().await;
    ended.map(|complete| (reports, complete))
}

fn finish(global: &Global, options: &RunOptions, report: &Report) -> Result<ExitCode> {
    let told = match global.output {
        Output::Text => text::end(report, Screen::of_stdout()),
        Output::Json | Output::Yaml => document(&json::Document::of(report), global.output)?,
        Output::Junit => junit::document(report),
    };
    match &options.output_file {
        Some(path) => std::fs::write(path, told)
            .with_context(|| format!("cannot write --output-file {}", path.display()))?,
        None => print(&told)?,
    }
    let open = report
        .cases
        .iter()
        .any(|each| each.skip().is_some_and(Skip::leaves_open));
    Ok(match report.verdict() {
        Verdict::Red => ExitCode::FAILURE,
        Verdict::Green | Verdict::Partial | Verdict::Skipped if options.strict && open => {
            ExitCode::FAILURE
        }
        Verdict::Green | Verdict::Partial | Verdict::Skipped => ExitCode::SUCCESS,
    })
}

/// Every case with the rules that it tries.
fn list(output: Output) -> Result<String> {
    let ground = Ground::sample();
    let all: Vec<(&'static Case, Vec<String>)> = cases::all()
        .map(|case| {
            let mut rules: Vec<String> = attempts_of(case, &ground)
                .into_iter()
                .map(|attempt| attempt.rule.to_owned())
                .collect();
            rules.sort();
            rules.dedup();
            (case, rules)
        })
        .collect();
    match output {
        Output::Text => Ok(text::list(&all, Screen::of_stdout())),
        Output::Json | Output::Yaml | Output::Junit => {
            let lines: Vec<json::ListLine<'_>> = all.iter().map(json::ListLine::of).collect();
            document(&lines, output)
        }
    }
}
