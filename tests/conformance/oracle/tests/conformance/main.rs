//! The planner's HPA against Kubernetes', the simulator's HPA and KEDA against the same, and its Knative
//! against Knative's: upstream's own tests answered by hpa-oracle, and random cases put to both sides. Needs Go and upstream's modules;
//! hence ignored unless asked for:
//! `cargo test -p pinisi-oracle --test conformance -- --ignored --nocapture`.

// A test says that it failed by a panic.
#![allow(clippy::panic)]

mod go;
mod verdicts;

use go::{Binary, Mode};
use verdicts::Verdicts;

/// Random cases where `PINISI_CONFORMANCE_CASES` names no other number.
const CASES: u64 = 100_000;
/// The same for Knative, where a case is a life of up to 150 scrapes and ticks.
const KNATIVE_CASES: u64 = 10_000;
/// The same for the simulator's HPA and KEDA, where a case is a run of up to 120 decisions.
const RUNS: u64 = 10_000;
/// Upstream's tests in the version that is pinned, subtests included. Fewer means that they were
/// not all found.
const TESTS_MIN: usize = 320;
/// Of those, the ones in which hpa-oracle must have been asked.
const ASKED_MIN: usize = 200;

#[test]
#[ignore = "needs Go and Kubernetes' module; a step of cargo lab test"]
fn upstream_s_own_tests_pass_with_our_answers() {
    let binary = Binary::hpa();
    let upstream = Verdicts::of(&binary.run_tests(Mode::Upstream));
    assert!(
        upstream.failed.is_empty(),
        "upstream fails its own tests here: {:?}",
        upstream.failed
    );
    assert!(
        upstream.passed.len() >= TESTS_MIN,
        "only {} tests",
        upstream.passed.len()
    );
    for mode in [Mode::Parts, Mode::Whole] {
        let ours = Verdicts::of(&binary.run_tests(mode));
        let asked = ours.passed.intersection(&ours.asked).count();
        println!(
            "{}: {} of upstream's {} tests pass ({} top-level), hpa-oracle answered {} questions in {} of them",
            mode.words(),
            ours.passed.len(),
            upstream.passed.len(),
            ours.top_level(),
            ours.questions,
            asked,
        );
        assert!(
            ours.failed.is_empty(),
            "{}: {:?}",
            mode.words(),
            ours.failed
        );
        let lost: Vec<_> = upstream.passed.difference(&ours.passed).collect();
        assert!(lost.is_empty(), "{}: did not run: {lost:?}", mode.words());
        assert!(
            asked >= ASKED_MIN,
            "{}: hpa-oracle was asked in {asked} tests",
            mode.words()
        );
    }
}

#[test]
#[ignore = "needs Go and Kubernetes' module; a step of cargo lab test"]
fn random_cases_come_to_the_same() {
    compare(&Binary::hpa(), "TestDifferential", CASES);
}

#[test]
#[ignore = "needs Go and Knative's module; a step of cargo lab test"]
fn random_lives_of_knative_s_autoscaler_come_to_the_same() {
    compare(&Binary::knative(), "TestDifferential", KNATIVE_CASES);
}

#[test]
#[ignore = "needs Go and Kubernetes' module; a step of cargo lab test"]
fn random_runs_of_the_simulator_s_hpa_and_keda_come_to_the_same() {
    let binary = Binary::hpa().asking(env!("CARGO_BIN_EXE_sim-oracle"));
    compare(&binary, "TestContenders", RUNS);
}

/// Puts random cases to both sides, so many unless the environment says otherwise.
fn compare(binary: &Binary, test: &str, cases: u64) {
    let setting = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let cases = setting("PINISI_CONFORMANCE_CASES").unwrap_or(cases);
    let seed = setting("PINISI_CONFORMANCE_SEED").unwrap_or_else(a_seed);
    println!("{cases} random cases; again with PINISI_CONFORMANCE_SEED={seed}");
    let (passed, output) = binary.compare(test, cases, seed);
    for line in output
        .lines()
        .filter(|line| line.starts_with("differential "))
    {
        println!("{line}");
    }
    assert!(passed, "seed {seed}:\n{output}");
    assert!(output.contains("differential {"), "no case ran:\n{output}");
}

fn a_seed() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(1, |d| d.as_secs())
}
