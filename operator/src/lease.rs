//! Leader election on a Lease, the client-go way: a lease has ended when *we* saw no renewal for
//! its duration on our own monotonic clock; no other machine's clock is compared with ours. Every
//! write is a `replace` guarded by `resourceVersion`, so two candidates can never both win.
//! Leadership is a value with an end: who holds it past two thirds of the duration writes nothing.

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{Api, ObjectMeta, PostParams};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Shortest duration of a lease that is accepted.
pub const DURATION_MIN: Duration = Duration::from_secs(5);
/// Duration assumed of a lease that does not say.
const DURATION_UNSAID: Duration = Duration::from_secs(15);
/// What a released lease says: ended almost at once, as client-go does.
const RELEASED_SECONDS: i32 = 1;

/// Whether we lead, and until when.
#[derive(Clone, Debug)]
pub struct Leadership(watch::Receiver<Option<Instant>>);

impl Leadership {
    /// As if the lease were ours until `until`; never for `None`.
    #[cfg(test)]
    pub(crate) fn fixed(until: Option<Instant>) -> Self {
        Self(watch::channel(until).1)
    }

    /// How long we may still write; zero for a follower.
    #[must_use]
    pub fn left(&self, now: Instant) -> Duration {
        self.0
            .borrow()
            .map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }

    /// True while we may write.
    #[must_use]
    pub fn is_leader(&self, now: Instant) -> bool {
        self.left(now) > Duration::ZERO
    }

    /// Waits for the next change. Pends for ever once the election has ended.
    pub async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// What to do with the lease that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is ours, released, or has ended: write our name.
    Write,
    /// Somebody else holds it.
    Wait,
}

/// When each version of the lease was first seen here.
#[derive(Clone, Debug, Default)]
pub struct Seen(Option<(String, Instant)>);

impl Seen {
    /// Decides on a lease as read at `now`.
    pub fn decide(&mut self, lease: &Lease, me: &str, now: Instant) -> Decision {
        let Some(spec) = &lease.spec else {
            return Decision::Write;
        };
        let holder = spec.holder_identity.as_deref().unwrap_or_default();
        if holder.is_empty() || holder == me {
            return Decision::Write;
        }
        let version = lease.metadata.resource_version.clone().unwrap_or_default();
        match &self.0 {
            Some((seen, first)) if *seen == version => {
                let ended = now.saturating_duration_since(*first) > duration(spec);
                if ended {
                    Decision::Write
                } else {
                    Decision::Wait
                }
            }
            _ => {
                self.0 = Some((version, now));
                Decision::Wait
            }
        }
    }
}

fn duration(spec: &LeaseSpec) -> Duration {
    spec.lease_duration_seconds
        .and_then(|secs| u64::try_from(secs).ok())
        .map_or(DURATION_UNSAID, Duration::from_secs)
}

/// Takes part in the election until cancelled.
pub struct Elector {
    api: Api<Lease>,
    name: String,
    me: String,
    duration: Duration,
    seen: Seen,
    until: watch::Sender<Option<Instant>>,
}

impl Elector {
    /// A candidate. `api` needs a client without retries, or a slow retry outlives the lease.
    #[must_use]
    pub fn new(
        api: Api<Lease>,
        name: String,
        me: String,
        duration: Duration,
    ) -> (Self, Leadership) {
        let (until, leadership) = watch::channel(None);
        let duration = duration.max(DURATION_MIN);
        (
            Self {
                api,
                name,
                me,
                duration,
                seen: Seen::default(),
                until,
            },
            Leadership(leadership),
        )
    }

    /// Renews, takes, waits. After `cancel` it goes on holding; `release` ends that.
    pub async fn run(&mut self, cancel: CancellationToken) {
        loop {
            let started = Instant::now();
            let pause = match tokio::time::timeout(self.duration / 5, self.round(started)).await {
                Ok(Ok(true)) => {
                    if self.until.borrow().is_none() {
                        tracing::info!(identity = %self.me, lease = %self.name, "leading");
                    }
                    // The round's start counts: the server cannot have written earlier.
                    self.until
                        .send_replace(Some(started + self.duration * 2 / 3));
                    self.duration / 3
                }
                Ok(Ok(false)) => {
                    self.lose("somebody else holds the lease");
                    self.duration / 7
                }
                Ok(Err(error)) => {
                    tracing::warn!(%error, "lease");
                    self.lapse();
                    self.duration / 15
                }
                Err(_) => {
                    tracing::warn!("the API server did not answer about the lease in time");
                    self.lapse();
                    self.duration / 15
                }
            };
            tokio::select! {
                () = tokio::time::sleep(pause.saturating_sub(started.elapsed())) => {}
                () = cancel.cancelled() => return,
            }
        }
    }

    /// Gives the lease up, so that the next leader need not wait. Call when nothing is in flight.
    pub async fn release(&mut self) {
        if self.until.send_replace(None).is_none() {
            return;
        }
        let work = async {
            let Some(lease) = self.api.get_opt(&self.name).await? else {
                return Ok(());
            };
            if lease
                .spec
                .as_ref()
                .and_then(|spec| spec.holder_identity.as_deref())
                != Some(&self.me)
            {
                return Ok(());
            }
            self.replace(lease, |old| released(old, Timestamp::now()))
                .await
                .map(drop)
        };
        match tokio::time::timeout(self.duration / 5, work).await {
            Ok(Ok(())) => tracing::info!("lease released"),
            Ok(Err(error)) => tracing::warn!(%error, "lease not released"),
            Err(_) => tracing::warn!("lease not released in time"),
        }
    }

    /// One round: read, decide, write. True where the lease is ours after it.
    async fn round(&mut self, now: Instant) -> kube::Result<bool> {
        let Some(lease) = self.api.get_opt(&self.name).await? else {
            let lease = Lease {
                metadata: ObjectMeta {
                    name: Some(self.name.clone()),
                    ..ObjectMeta::default()
                },
                spec: Some(held(None, &self.me, self.duration, Timestamp::now())),
            };
            return won(self.api.create(&PostParams::default(), &lease).await);
        };
        match self.seen.decide(&lease, &self.me, now) {
            Decision::Wait => Ok(false),
            Decision::Write => {
                let (me, duration) = (self.me.clone(), self.duration);
                self.replace(lease, |old| held(old, &me, duration, Timestamp::now()))
                    .await
            }
        }
    }

    async fn replace(
        &self,
        mut lease: Lease,
        spec: impl FnOnce(Option<&LeaseSpec>) -> LeaseSpec,
    ) -> kube::Result<bool> {
        lease.spec = Some(spec(lease.spec.as_ref()));
        lease.metadata.managed_fields = None;
        won(self
            .api
            .replace(&self.name, &PostParams::default(), &lease)
            .await)
    }

    fn lose(&self, why: &str) {
        if self.until.send_replace(None).is_some() {
            tracing::warn!(why, "no longer leading");
        }
    }

    /// An error leaves what we had until its own end.
    fn lapse(&self) {
        let ended = self
            .until
            .borrow()
            .is_some_and(|until| until <= Instant::now());
        if ended {
            self.lose("the lease could not be renewed in time");
        }
    }
}

fn held(old: Option<&LeaseSpec>, me: &str, duration: Duration, now: Timestamp) -> LeaseSpec {
    let ours = old.filter(|spec| spec.holder_identity.as_deref() == Some(me));
    let transitions = old.and_then(|spec| spec.lease_transitions).unwrap_or(0);
    LeaseSpec {
        holder_identity: Some(me.into()),
        lease_duration_seconds: i32::try_from(duration.as_secs()).ok(),
        renew_time: Some(MicroTime(now)),
        acquire_time: ours
            .and_then(|spec| spec.acquire_time.clone())
            .or(Some(MicroTime(now))),
        lease_transitions: Some(
            transitions.saturating_add(i32::from(ours.is_none() && old.is_some())),
        ),
        ..LeaseSpec::default()
    }
}

fn released(old: Option<&LeaseSpec>, now: Timestamp) -> LeaseSpec {
    LeaseSpec {
        holder_identity: Some(String::new()),
        lease_duration_seconds: Some(RELEASED_SECONDS),
        renew_time: Some(MicroTime(now)),
        acquire_time: Some(MicroTime(now)),
        lease_transitions: old.and_then(|spec| spec.lease_transitions),
        ..LeaseSpec::default()
    }
}

/// A conflict means that somebody else won this round.
fn won(result: kube::Result<Lease>) -> kube::Result<bool> {
    match result {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.is_conflict() || status.is_already_exists() => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const D: Duration = Duration::from_secs(15);

    fn lease(holder: &str, version: &str) -> Lease {
        Lease {
            metadata: ObjectMeta {
                resource_version: Some(version.into()),
                ..ObjectMeta::default()
            },
            spec: Some(held(None, holder, D, Timestamp::UNIX_EPOCH)),
        }
    }

    #[test]
    fn ours_and_released_are_written_at_once() {
        let (mut seen, now) = (Seen::default(), Instant::now());
        assert_eq!(seen.decide(&lease("me", "1"), "me", now), Decision::Write);
        let mut given_up = lease("other", "2");
        given_up.spec = Some(released(given_up.spec.as_ref(), Timestamp::UNIX_EPOCH));
        assert_eq!(seen.decide(&given_up, "me", now), Decision::Write);
        assert_eq!(seen.decide(&Lease::default(), "me", now), Decision::Write);
    }

    #[test]
    fn anothers_lease_ends_on_our_clock_alone() {
        // Its renewTime is 1970: another machine's clock does not count.
        let (mut seen, now) = (Seen::default(), Instant::now());
        assert_eq!(seen.decide(&lease("other", "1"), "me", now), Decision::Wait);
        assert_eq!(
            seen.decide(&lease("other", "1"), "me", now + D),
            Decision::Wait
        );
        assert_eq!(
            seen.decide(
                &lease("other", "1"),
                "me",
                now + D + Duration::from_millis(1)
            ),
            Decision::Write
        );
    }

    #[test]
    fn a_renewal_starts_the_wait_again() {
        let (mut seen, now) = (Seen::default(), Instant::now());
        seen.decide(&lease("other", "1"), "me", now);
        assert_eq!(
            seen.decide(&lease("other", "2"), "me", now + D * 2),
            Decision::Wait
        );
        assert_eq!(
            seen.decide(&lease("other", "2"), "me", now + D * 3),
            Decision::Wait
        );
        assert_eq!(
            seen.decide(&lease("other", "2"), "me", now + D * 4),
            Decision::Write
        );
    }

    #[test]
    fn a_change_of_holder_is_counted_and_a_renewal_is_not() {
        let first = held(None, "a", D, Timestamp::UNIX_EPOCH);
        assert_eq!(first.lease_transitions, Some(0));
        let renewed = held(Some(&first), "a", D, Timestamp::from_second(5).unwrap());
        assert_eq!(
            (renewed.lease_transitions, &renewed.acquire_time),
            (Some(0), &first.acquire_time)
        );
        let taken = held(Some(&renewed), "b", D, Timestamp::from_second(9).unwrap());
        assert_eq!(taken.lease_transitions, Some(1));
        assert_ne!(taken.acquire_time, first.acquire_time);
    }

    #[test]
    fn leadership_ends_by_time_and_not_by_word() {
        let (until, leadership) = watch::channel(None);
        let leadership = Leadership(leadership);
        let now = Instant::now();
        assert!(!leadership.is_leader(now));
        until.send_replace(Some(now + Duration::from_secs(10)));
        assert!(leadership.is_leader(now));
        assert!(!leadership.is_leader(now + Duration::from_secs(10)));
    }
}
