//! Every case, in the order of the catalogue. A file a topic; which rule must refuse what stands
//! beside each attempt, and every case has its lawful twin where there is one.

mod binding;
mod connect;
mod declassification;
mod elsewhere;
mod kinds;
mod namespaces;
mod nodes;
mod parts;
mod pods;
mod receiving;
mod routes;
mod snapshots;
mod standing;
mod storage;
mod unclassified;

pub use receiving::Carried;

use super::case::{Case, Level};

/// All of them.
pub fn all() -> impl Iterator<Item = &'static Case> {
    let topics = [
        pods::CASES,
        binding::CASES,
        namespaces::CASES,
        declassification::CASES,
        standing::CASES,
        kinds::CASES,
        parts::CASES,
        unclassified::CASES,
        storage::CASES,
        snapshots::CASES,
        routes::CASES,
        nodes::CASES,
        connect::CASES,
        receiving::CASES,
        elsewhere::CASES,
    ];
    let mut all: Vec<&'static Case> = topics.into_iter().flatten().collect();
    // S01 to S50, then P01 and up.
    all.sort_by_key(|case| (!case.id.starts_with('S'), case.id));
    all.into_iter()
}

/// Those up to a level.
pub fn up_to(level: Level) -> impl Iterator<Item = &'static Case> {
    all().filter(move |case| case.level <= level)
}

/// Those with these ids.
pub fn named<'a>(ids: &'a [&'a str]) -> impl Iterator<Item = &'static Case> + 'a {
    all().filter(move |case| ids.contains(&case.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::attempt::Wanted;
    use crate::conformance::case::Way;
    use crate::conformance::ground::Ground;
    use crate::conformance::suite::attempts_of;
    use pinisi_operator::guard;
    use std::collections::BTreeSet;

    #[test]
    fn every_case_of_the_catalogue_is_there_once() {
        let ids: Vec<&str> = all().map(|case| case.id).collect();
        let unique: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), unique.len(), "{ids:?}");
        for number in 1..=50 {
            assert!(
                unique.contains(format!("S{number:02}").as_str()),
                "S{number:02}"
            );
        }
        for case in all() {
            let number: u32 = case.id[1..].parse().unwrap();
            let level = match number {
                _ if case.id.starts_with('P') => continue,
                1..=16 => Level::Bronze,
                17..=32 => Level::Silver,
                _ => Level::Gold,
            };
            assert_eq!(case.level, level, "{}", case.id);
        }
    }

    #[test]
    fn what_is_refused_has_a_lawful_twin_beside_it() {
        let ground = Ground::sample();
        for case in all().filter(|case| matches!(case.way, Way::Requests(_))) {
            let attempts = attempts_of(case, &ground);
            let lawful = |wanted| matches!(wanted, Wanted::Passed | Wanted::Stamped);
            assert!(!attempts.is_empty(), "{}", case.id);
            assert!(
                attempts.iter().any(|attempt| lawful(attempt.wanted))
                    || TWINLESS.contains(&case.id),
                "{}",
                case.id
            );
            let names: BTreeSet<&str> = attempts.iter().map(|a| a.name.as_str()).collect();
            assert_eq!(
                names.len(),
                attempts.len(),
                "{}: names tell attempts apart",
                case.id
            );
        }
    }

    /// Nobody may lawfully do anything of the kind.
    const TWINLESS: [&str; 1] = ["S15"];

    #[test]
    fn every_rule_of_the_guard_has_an_attempt_that_it_must_refuse() {
        let ground = Ground::sample();
        let tried: BTreeSet<String> = all()
            .flat_map(|case| attempts_of(case, &ground))
            .filter(|attempt| attempt.wanted != Wanted::Passed)
            .map(|attempt| attempt.rule.to_owned())
            .collect();
        let here = guard::rules::all(&guard::GuardSettings::default());
        for rule in here.iter().chain(&guard::receiving::rules()) {
            for validation in &rule.validations {
                assert!(tried.contains(validation.id), "{}", validation.id);
            }
        }
    }
}
