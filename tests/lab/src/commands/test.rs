//! `cargo lab test`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use super::Output;
use crate::test_run::{self, Case, Options};

/// Options of `test`.
#[derive(Debug, Args)]
pub struct Test {
    /// Only list the steps
    #[arg(long)]
    list: bool,
    /// Go on after a step that failed
    #[arg(long)]
    keep_going: bool,
    /// Run one of the longer suites instead
    #[arg(long, value_enum, value_name = "NAME", conflicts_with = "keep_going")]
    deep: Option<Case>,
    /// Write the longer suite's lines to this file too
    #[arg(long, value_name = "FILE", requires = "deep")]
    json: Option<PathBuf>,
    /// How to print
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

impl Test {
    pub(super) async fn run(self) -> Result<ExitCode> {
        let Self {
            list,
            keep_going,
            deep,
            json,
            output,
        } = self;
        if list {
            for step in test_run::all() {
                println!("{}", step.name);
            }
            return Ok(ExitCode::SUCCESS);
        }
        let passed = match deep {
            Some(case) => test_run::deep(case, json.as_deref()).await?,
            None => {
                test_run::run(&Options {
                    keep_going,
                    json: output == Output::Json,
                })
                .await?
            }
        };
        Ok(if passed {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}
