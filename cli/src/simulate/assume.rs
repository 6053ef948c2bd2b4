//! What is taken for granted, a sentence each: whoever reads a figure must be able to doubt it.

use super::args::SimulateOptions;
use super::input::Input;
use super::users::{HOLDS_PCT, Question, SLOW_PCT};
use pinisi_simulator::load::CONSTANT_STEP;
use pinisi_simulator::trace::Trace;
use pinisi_simulator::words::{count, figure, span};

/// One service that a trace is played against.
pub fn one_service(options: &SimulateOptions, input: &Input) -> Vec<String> {
    let peak: f64 = input.setup.services.iter().map(|s| s.load.peak()).sum();
    let mut said = vec![if options.as_recorded {
        format!(
            "The load is as it was recorded: at most {} requests a second.",
            figure(peak)
        )
    } else {
        format!(
            "The load is scaled so that its peak, {} requests a second, takes {} replicas of {} requests a second each.",
            figure(peak),
            count(options.peak_replicas.into()),
            figure(options.per_replica),
        )
    }];
    said.push(match options.home_replicas {
        Some(n) => format!("Home has nodes for {} replicas; mass traffic uses up to 80 % of them, the rest goes to the cloud.", count(n.into())),
        None => "Home has room for all.".into(),
    });
    start_ups(&mut said, &input.setup);
    said.extend(of_money(options));
    of_people(&mut said, options);
    of_trace(&mut said, &input.trace);
    said
}

/// Services of manifests under the load of so many users.
pub fn users(options: &SimulateOptions, question: &Question<'_>, title: &str) -> Vec<String> {
    let mut said = vec![format!(
        "A million users send {} requests a second to each service at the peak (--peak-per-million).",
        figure(options.peak_per_million),
    )];
    said.push(format!("{title} gives the course of the day (--trace)."));
    let cores = count(question.home_cores as f64);
    said.push(match options.home_cpu {
        Some(_) => format!("Home has {cores} cores."),
        None => format!(
            "Home has {cores} cores, which is what the first number of users takes (--home-cpu)."
        ),
    });
    said.push(
        "A replica takes what its manifest requests of CPU; memory, databases and networks hold."
            .into(),
    );
    said.push(format!("A system holds with up to {HOLDS_PCT} % of the requests unserved, is slow up to {SLOW_PCT} %, and fails above."));
    if let Some(most) = options.users.iter().max() {
        start_ups(&mut said, &question.setup(*most, true, true));
    }
    said.extend(of_money(options));
    of_people(&mut said, options);
    of_trace(&mut said, question.trace);
    said.extend(question.manifests.notes.iter().cloned());
    said
}

fn start_ups(said: &mut Vec<String>, setup: &pinisi_simulator::setup::Setup) {
    for site in &setup.sites {
        said.push(format!(
            "At {} a new replica is ready after {}.",
            site.name,
            span(site.start_up.seconds())
        ));
    }
}

fn of_money(options: &SimulateOptions) -> Option<String> {
    let (price, budget) = (options.cloud_price?, options.cloud_budget?);
    let currency = &options.currency;
    Some(format!(
        "A core in the cloud costs {currency} {price} an hour, and Pinisi may spend {currency} {budget} on them in all; the others know of no money."
    ))
}

fn of_people(said: &mut Vec<String>, options: &SimulateOptions) {
    said.push(match options.patience {
        None => "Who finds no ready replica with room is gone: nobody waits or tries again.".into(),
        Some(wait) => format!(
            "Who finds no ready replica with room waits for up to {}; of those who give up {} % try again after {}.",
            span(wait.as_secs_f64()), options.retry_percent, span(options.retry_after.as_secs_f64()),
        ),
    });
}

fn of_trace(said: &mut Vec<String>, trace: &Trace) {
    if trace.gaps > 0 {
        said.push(format!(
            "{} of {} steps are missing in the trace and are taken from the straight line between their neighbours.",
            count(trace.gaps as f64), count(trace.requests.len() as f64),
        ));
    }
    if trace.step > CONSTANT_STEP {
        said.push(format!(
            "The trace has one figure each {}: what happened within a step is not known, so bursts are smoother here than they were.",
            span(trace.step.seconds()),
        ));
    }
}
