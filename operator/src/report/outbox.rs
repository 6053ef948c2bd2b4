//! Which statuses are to be sent now: only what differs from what was seen and from what was sent,
//! and not too often for one object. Plain data; time comes in.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Least time between two status writes of one object, unless a condition turned.
pub const STATUS_MIN_INTERVAL: Duration = Duration::from_secs(1);
/// How long the index may take to show a status that was sent.
const SEEN_WITHIN: Duration = Duration::from_secs(5);
/// Pause after a failed status write.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// What was sent of one kind, by object.
#[derive(Debug)]
pub struct Outbox<K, S> {
    sent: BTreeMap<K, Sent<S>>,
}

#[derive(Debug)]
struct Sent<S> {
    uid: String,
    status: S,
    at: Instant,
    /// Not before this, whatever turns.
    rest_until: Option<Instant>,
    under_way: bool,
}

impl<K, S> Default for Outbox<K, S> {
    fn default() -> Self {
        Self {
            sent: BTreeMap::new(),
        }
    }
}

impl<K: Ord + Clone, S: PartialEq + Clone> Outbox<K, S> {
    /// The latest status known: what was sent while that may not be seen yet, else what was seen.
    #[must_use]
    pub fn latest<'a>(&'a self, key: &K, uid: &str, seen: &'a S, now: Instant) -> &'a S {
        match self.sent.get(key) {
            Some(sent)
                if sent.uid == uid
                    && sent.rest_until.is_none()
                    && now.saturating_duration_since(sent.at) < SEEN_WITHIN =>
            {
                &sent.status
            }
            _ => seen,
        }
    }

    /// When this object's status was sent last.
    #[must_use]
    pub fn sent_at(&self, key: &K) -> Option<Instant> {
        self.sent.get(key).map(|sent| sent.at)
    }

    /// True where `new` is to be sent now. `latest` is what [`Outbox::latest`] gave; `turned` says
    /// that a condition's state changed.
    #[must_use]
    pub fn due(&self, key: &K, uid: &str, latest: &S, new: &S, turned: bool, now: Instant) -> bool {
        if new == latest {
            return false;
        }
        match self.sent.get(key) {
            None => true,
            Some(sent) if sent.under_way || sent.rest_until.is_some_and(|until| now < until) => {
                false
            }
            Some(sent) => {
                sent.uid != uid
                    || turned
                    || now.saturating_duration_since(sent.at) >= STATUS_MIN_INTERVAL
            }
        }
    }

    /// Notes that a status is being sent.
    pub fn start(&mut self, key: K, uid: String, status: S, now: Instant) {
        self.sent.insert(
            key,
            Sent {
                uid,
                status,
                at: now,
                rest_until: None,
                under_way: true,
            },
        );
    }

    /// Notes the end of a write.
    pub fn finish(&mut self, key: &K, accepted: bool, now: Instant) {
        if let Some(sent) = self.sent.get_mut(key) {
            sent.under_way = false;
            sent.rest_until = (!accepted).then(|| now + RETRY_AFTER);
        }
    }

    /// Forgets objects that are gone.
    pub fn keep_only(&mut self, exists: impl Fn(&K) -> bool) {
        self.sent.retain(|key, sent| sent.under_way || exists(key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn nothing_changed_nothing_is_sent() {
        let outbox = Outbox::<&str, i32>::default();
        assert!(!outbox.due(&"a", "u", &1, &1, true, Instant::now()));
        assert!(outbox.due(&"a", "u", &1, &2, false, Instant::now()));
    }

    #[test]
    fn what_was_sent_is_not_sent_again_before_it_is_seen() {
        let (mut outbox, now) = (Outbox::default(), Instant::now());
        outbox.start("a", "u".into(), 2, now);
        outbox.finish(&"a", true, now);
        assert_eq!(*outbox.latest(&"a", "u", &1, now), 2);
        assert!(!outbox.due(&"a", "u", outbox.latest(&"a", "u", &1, now), &2, true, now));
        let later = now + SEEN_WITHIN;
        assert!(
            outbox.due(
                &"a",
                "u",
                outbox.latest(&"a", "u", &1, later),
                &2,
                false,
                later
            ),
            "it never arrived"
        );
    }

    #[test]
    fn one_object_is_written_once_a_second_unless_a_condition_turns() {
        let (mut outbox, now) = (Outbox::default(), Instant::now());
        outbox.start("a", "u".into(), 2, now);
        assert!(!outbox.due(&"a", "u", &2, &3, true, now), "one at a time");
        outbox.finish(&"a", true, now);
        assert!(!outbox.due(&"a", "u", &2, &3, false, now + STATUS_MIN_INTERVAL - MS));
        assert!(outbox.due(&"a", "u", &2, &3, true, now + MS));
        assert!(outbox.due(&"a", "u", &2, &3, false, now + STATUS_MIN_INTERVAL));
    }

    #[test]
    fn a_refusal_rests_and_another_object_of_the_name_starts_anew() {
        let (mut outbox, now) = (Outbox::default(), Instant::now());
        outbox.start("a", "u".into(), 2, now);
        outbox.finish(&"a", false, now);
        assert_eq!(
            *outbox.latest(&"a", "u", &1, now),
            1,
            "what was refused is not known"
        );
        assert!(!outbox.due(&"a", "u", &1, &2, true, now + MS));
        assert!(outbox.due(&"a", "u", &1, &2, true, now + RETRY_AFTER));
        assert_eq!(*outbox.latest(&"a", "other", &1, now), 1);
    }
}
