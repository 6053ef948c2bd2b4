//! Keeps what was said while it still holds: times of transitions, and texts whose figures only
//! wobble. Without it every tick of a load signal would be a write.

use super::conditions::Said;
use jiff::{Timestamp, Unit};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

/// Conditions to write. `moved` says that counts moved, so that texts may be new; else the text of
/// a condition with the same status and reason stays, unless it tells another cause.
#[must_use]
pub fn conditions(
    old: &[Condition],
    said: Vec<Said>,
    generation: i64,
    moved: bool,
    now: Timestamp,
) -> Vec<Condition> {
    let now = now.round(Unit::Second).unwrap_or(now);
    said.into_iter()
        .map(|said| {
            let before = old.iter().find(|condition| condition.type_ == said.kind);
            let same = before.filter(|before| before.status == said.word());
            let kept = same.filter(|before| {
                !moved
                    && before.reason == said.reason
                    && before.observed_generation == Some(generation)
                    && !(said.cause_in_text && other_words(&before.message, &said.message))
            });
            Condition {
                last_transition_time: same
                    .map_or(Time(now), |before| before.last_transition_time.clone()),
                message: kept.map_or_else(|| said.message.clone(), |before| before.message.clone()),
                observed_generation: Some(generation),
                reason: said.reason.clone(),
                status: said.word().into(),
                type_: said.kind.into(),
            }
        })
        .collect()
}

/// True where two texts differ in more than figures. Every word with a digit is a figure: counts,
/// times and ports among them.
fn other_words(a: &str, b: &str) -> bool {
    let figure = |word: &str| word.contains(|c: char| c.is_ascii_digit());
    let words = |text| str::split_whitespace(text).map(move |w| if figure(w) { "0" } else { w });
    !words(a).eq(words(b))
}

/// `new` over `old`, by type: what is not said anew stays.
#[must_use]
pub fn over(old: &[Condition], new: Vec<Condition>) -> Vec<Condition> {
    let mut all: Vec<_> = old
        .iter()
        .filter(|condition| new.iter().all(|fresh| fresh.type_ != condition.type_))
        .cloned()
        .collect();
    all.extend(new);
    all.sort_by(|a, b| a.type_.cmp(&b.type_));
    all
}

/// True where both say the same but for texts and times.
#[must_use]
pub fn same_states(a: &[Condition], b: &[Condition]) -> bool {
    let states = |list: &[Condition]| {
        let mut states: Vec<_> = list
            .iter()
            .map(|c| (c.type_.clone(), c.status.clone(), c.reason.clone()))
            .collect();
        states.sort();
        states
    };
    states(a) == states(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at;

    fn said(status: bool, reason: &str, message: &str) -> Vec<Said> {
        vec![Said::new("Ready", status, reason, message)]
    }

    #[test]
    fn a_text_that_wobbles_stays_and_a_new_state_gets_its_time() {
        let first = conditions(&[], said(true, "A", "load 10"), 1, true, at(0));
        let second = conditions(&first, said(true, "A", "load 11"), 1, false, at(9));
        assert_eq!(first, second);
        let moved = conditions(&first, said(true, "A", "load 20"), 1, true, at(9));
        assert_eq!(
            (moved[0].message.as_str(), &moved[0].last_transition_time),
            ("load 20", &first[0].last_transition_time)
        );
        let turned = conditions(&first, said(false, "B", "no"), 1, false, at(9));
        assert_eq!(turned[0].last_transition_time, Time(at(9)));
        assert_eq!(turned[0].message, "no");
    }

    #[test]
    fn another_cause_is_told_though_its_reason_has_the_same_word() {
        let failing = |text: &str| {
            let said = said(false, "Failed", text);
            said.into_iter().map(Said::with_cause_in_text).collect()
        };
        let old = "the newest metrics are from 12:00:00Z, of 3 pods";
        let first = conditions(&[], failing(old), 1, true, at(0));
        let later = failing("the newest metrics are from 12:01:15Z, of 4 pods");
        assert_eq!(conditions(&first, later, 1, false, at(75)), first);
        let other = "the API does not answer, of 4 pods";
        let turned = conditions(&first, failing(other), 1, false, at(90));
        assert_eq!(turned[0].message, other);
        assert_eq!(
            turned[0].last_transition_time, first[0].last_transition_time,
            "it is False as before"
        );
    }

    #[test]
    fn times_are_whole_seconds_as_the_server_keeps_them() {
        let now = at(3) + jiff::SignedDuration::from_millis(400);
        assert_eq!(
            conditions(&[], said(true, "A", ""), 1, true, now)[0].last_transition_time,
            Time(at(3))
        );
    }

    #[test]
    fn what_is_not_said_anew_stays() {
        let old = conditions(
            &[],
            vec![
                Said::new("Overflowing", true, "A", ""),
                Said::new("Ready", true, "A", ""),
            ],
            1,
            true,
            at(0),
        );
        let all = over(
            &old,
            conditions(&old, said(false, "B", ""), 1, false, at(1)),
        );
        let states: Vec<_> = all
            .iter()
            .map(|c| (c.type_.as_str(), c.status.as_str()))
            .collect();
        assert_eq!(states, [("Overflowing", "True"), ("Ready", "False")]);
    }
}
