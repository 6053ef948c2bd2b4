//! `kubectl pinisi`: what Pinisi does, whether its ground is sound, and how a service comes to it
//! and leaves it. Only `attest`, `declassify`, `adopt`, `release` and `guard remove` write, as their user: a Site's
//! attested nodes, Declassifications and their approval, HybridWorkloads, HPAs, ScaledObjects, the guard's objects that they take away, a
//! namespace's label on request, and the ownership of a count that they do not change. `plan` asks the API server in dry runs; so does `conformance`, in canary namespaces that
//! it makes and removes.

mod adopt;
mod args;
mod attest;
mod check;
pub mod conformance;
mod connect;
mod declassify;
mod documents;
mod explain;
mod guard;
mod handover;
mod output;
mod plan;
mod release;
mod simulate;
mod snapshot;
mod status;

use args::{Args, Command, Output};
use clap::Parser as _;
use output::EXIT_NOT_CHECKED;
use std::process::ExitCode;

/// Runs the command line.
#[must_use]
pub fn main() -> ExitCode {
    let args = Args::parse();
    // Fails only where a provider is set already, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return failed(&anyhow::Error::new(error).context("start the async runtime")),
    };
    match runtime.block_on(run(&args)) {
        Ok(code) => code,
        Err(error) if output::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if args.global.output == Output::Junit && !matches!(args.command, Command::Conformance(_)) {
        anyhow::bail!("-o junit is for conformance run; use text, json or yaml here");
    }
    match &args.command {
        Command::Status(options) => status::run(&args.global, options).await,
        Command::Explain(options) => explain::run(&args.global, options).await,
        Command::Plan(options) => plan::run(&args.global, options).await,
        Command::Check(options) => check::run(&args.global, options).await,
        Command::Attest(options) => attest::run(&args.global, options).await,
        Command::Declassify(options) => declassify::run(&args.global, options).await,
        Command::Adopt(options) => adopt::run(&args.global, options).await,
        Command::Release(options) => release::run(&args.global, options).await,
        Command::Simulate(options) => simulate::run(&args.global, options),
        Command::Guard(options) => guard::run(&args.global, options).await,
        Command::Conformance(options) => conformance::run(&args.global, options).await,
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("kubectl pinisi: {error:#}");
    ExitCode::from(EXIT_NOT_CHECKED)
}
