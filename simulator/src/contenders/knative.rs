//! Knative's pod autoscaler (KPA) of knative.dev/serving 0.51, as a pure model: the windows of
//! `pkg/autoscaler/metrics` and the decision of `pkg/autoscaler/scaling`. [`Kpa`] is fed with what a
//! scrape finds, each second, and asked for a count, each two; [`Scaler`] makes of that what is
//! written. `tests/conformance/knative` shows that both answer as upstream does.
//!
//! Deliberately not here: the weighted average, which a revision must ask for by annotation;
//! revisions that no route reaches; pods of which only a sample is scraped.

pub mod buckets;
pub mod delay;
pub mod scaler;
pub mod settings;

pub use scaler::{Activity, Found, Scaler};
pub use settings::{OutOfRange, Settings};

use buckets::Buckets;
use delay::DelayWindow;
use jiff::{SignedDuration, Timestamp};

/// From one decision to the next; `tickInterval` of `scaling/multiscaler.go`.
pub const TICK: SignedDuration = SignedDuration::from_secs(2);
/// From one scrape to the next; `scrapeTickInterval` of `metrics/collector.go`.
pub const SCRAPE: SignedDuration = SignedDuration::from_secs(1);

/// One revision's autoscaler and its windows.
#[derive(Clone, Debug)]
pub struct Kpa {
    settings: Settings,
    stable: Buckets,
    panic: Buckets,
    /// Last time that the load was over the panic threshold; `None` out of panic.
    panicking: Option<Timestamp>,
    /// Most pods wanted in this panic; nothing shrinks below it meanwhile.
    most_in_panic: i32,
    delay: Option<DelayWindow>,
}

/// One decision; `ScaleResult`, with the averages that it was made on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scaled {
    /// Pods wanted, before the bounds of the revision.
    pub desired: i32,
    /// What is free above load and target burst, in the unit of the load. Below 0 the activator is
    /// on the way of the requests.
    pub excess_burst: i32,
    /// Load over the stable window.
    pub stable: f64,
    /// Load over the panic window.
    pub panic: f64,
}

impl Kpa {
    /// A new autoscaler that finds `ready` pods. With more than one it begins in panic, so as not to
    /// shrink before it knows the load; `newAutoscaler`.
    ///
    /// # Errors
    /// When a setting is out of its range.
    pub fn new(settings: Settings, ready: i32, now: Timestamp) -> Result<Self, OutOfRange> {
        settings.check()?;
        let delay = settings.scale_down_delay_seconds;
        Ok(Self {
            stable: Buckets::new(settings.stable_window_seconds),
            panic: Buckets::new(settings.panic_window_seconds()),
            panicking: (ready > 1).then_some(now),
            most_in_panic: ready.max(0),
            delay: (delay > 0).then(|| DelayWindow::new(delay)),
            settings,
        })
    }

    /// What a scrape found: the load of all pods together and of what the activator holds, in
    /// requests in flight or requests a second; `collection.record`. What is no number is left out.
    pub fn record(&mut self, at: Timestamp, load: f64) {
        if load.is_finite() {
            self.stable.record(at, load);
            self.panic.record(at, load);
        }
    }

    /// The decision of one tick, with `ready` pods; `None` while there is nothing to decide on, and
    /// then the count stays; `autoscaler.Scale`.
    pub fn scale(&mut self, now: Timestamp, ready: i32) -> Option<Scaled> {
        let s = &self.settings;
        // Where all requests go through the activator nothing is scraped, and no data is no load.
        if self.stable.is_empty(now) && s.target_burst_capacity >= 0.0 {
            return None;
        }
        let (stable, panic) = (self.stable.average(now), self.panic.average(now));
        let ready = f64::from(ready.max(0));
        let pods = ready.max(1.0);
        let target = s.target();
        let most = (s.max_scale_up_rate * pods).ceil();
        let least = (pods / s.max_scale_down_rate).floor();
        let (by_stable, by_panic) = ((stable / target).ceil(), (panic / target).ceil());
        let bounded = |wanted: f64| {
            let within = whole(wanted.max(least).min(most));
            let activates = s.activation_scale > 1 && wanted > 0.0;
            within.max(if activates {
                s.activation_scale
            } else {
                within
            })
        };
        let (in_stable, in_panic) = (bounded(by_stable), bounded(by_panic));

        let over = by_panic / pods >= s.panic_threshold_percent / 100.0;
        let window = SignedDuration::from_secs(s.stable_window_seconds.into());
        if over {
            self.panicking = Some(now);
        } else if self
            .panicking
            .is_some_and(|at| now.duration_since(at) > window)
        {
            self.panicking = None;
            self.most_in_panic = 0;
        }
        let mut desired = in_stable;
        if self.panicking.is_some() {
            self.most_in_panic = self.most_in_panic.max(in_stable).max(in_panic);
            desired = self.most_in_panic;
        }
        if let Some(delay) = &mut self.delay {
            desired = delay.record(now, desired);
        }
        let excess = if s.target_burst_capacity > 0.0 {
            (ready * s.total - s.target_burst_capacity - panic).floor()
        } else {
            s.target_burst_capacity
        };
        Some(Scaled {
            desired,
            excess_burst: whole(excess),
            stable,
            panic,
        })
    }
}

/// As `i32`, towards 0. Upstream leaves what is beyond it to the processor; here it saturates.
#[allow(clippy::cast_possible_truncation)] // `as` saturates
fn whole(x: f64) -> i32 {
    x as i32
}

/// The second that a point in time lies in, counted from 1970; `Time.Unix`.
fn second(at: Timestamp) -> i64 {
    at.as_second() - i64::from(at.subsec_nanosecond() < 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + second).unwrap()
    }

    /// One that aims at 10 a pod, told `load` each second from `from` on, and asked at even ones with
    /// the pods that it wanted before.
    fn play(kpa: &mut Kpa, from: i64, loads: &[f64], pods: &mut i32) -> Vec<i32> {
        let mut wanted = Vec::new();
        for (second, load) in (from..).zip(loads) {
            kpa.record(at(second), *load);
            if second % 2 == 0
                && let Some(scaled) = kpa.scale(at(second), *pods)
            {
                *pods = scaled.desired;
                wanted.push(scaled.desired);
            }
        }
        wanted
    }

    fn kpa(ready: i32, change: fn(&mut Settings)) -> Kpa {
        let mut settings = Settings {
            total: 10.0,
            target_percent: 100.0,
            ..Settings::default()
        };
        change(&mut settings);
        Kpa::new(settings, ready, at(0)).unwrap()
    }

    #[test]
    fn nothing_is_decided_without_data() {
        let mut idle = kpa(1, |_| {});
        assert_eq!(idle.scale(at(0), 1), None);
        idle.record(at(0), f64::NAN);
        assert_eq!(idle.scale(at(0), 1), None);
        // Behind the activator no data is no load.
        let mut behind = kpa(1, |s| s.target_burst_capacity = -1.0);
        assert_eq!(behind.scale(at(0), 1).map(|s| s.desired), Some(0));
    }

    #[test]
    fn a_spike_is_seen_in_the_panic_window_and_kept_until_it_is_a_window_old() {
        let (mut kpa, mut pods) = (kpa(1, |_| {}), 1);
        play(&mut kpa, 1, &[10.0; 60], &mut pods);
        assert_eq!(pods, 1);
        // A spike of 6 s: the panic window is full of it at its end, the stable one a tenth.
        let up = play(&mut kpa, 61, &[100.0; 6], &mut pods);
        assert_eq!(up, [4, 7, 10]);
        // Twice what is ready is wanted at second 62 only. Panic ends after 60 s, at second 124.
        let after = play(&mut kpa, 67, &[10.0; 70], &mut pods);
        let kept = after.iter().take_while(|n| **n == 10).count();
        assert_eq!((kept, after[kept]), (28, 5));
        assert_eq!(after.last(), Some(&1));
    }

    #[test]
    fn one_that_starts_with_pods_keeps_them_until_it_knows_the_load() {
        let (mut kpa, mut pods) = (kpa(8, |_| {}), 8);
        let wanted = play(&mut kpa, 0, &[10.0; 70], &mut pods);
        // 60 s of panic, then half a tick.
        let kept = wanted.iter().take_while(|n| **n == 8).count();
        assert_eq!(kept, 31);
        assert_eq!(wanted[31..], [4, 2, 1, 1]);
    }

    #[test]
    fn a_delay_keeps_the_highest_count_and_rates_bound_each_tick() {
        let (mut slow, mut pods) = (
            kpa(1, |s| {
                s.max_scale_up_rate = 1.5;
                s.scale_down_delay_seconds = 10;
                s.panic_threshold_percent = 1000.0;
            }),
            1,
        );
        let up = play(&mut slow, 0, &[70.0; 10], &mut pods);
        assert_eq!(up, [2, 3, 5, 7, 7]);
        play(&mut slow, 10, &[70.0; 60], &mut pods);
        let down = play(&mut slow, 70, &[0.0; 80], &mut pods);
        assert_eq!(down.first(), Some(&7));
        assert_eq!(down.last(), Some(&0));
    }

    #[test]
    fn fewer_pods_than_the_activation_scale_are_none() {
        let mut kpa = kpa(0, |s| s.activation_scale = 5);
        kpa.record(at(0), 1.0);
        assert_eq!(kpa.scale(at(0), 0).map(|s| s.desired), Some(5));
        kpa.record(at(61), 0.0);
        assert_eq!(kpa.scale(at(61), 1).map(|s| s.desired), Some(0));
    }

    #[test]
    fn outside_input_never_panics() {
        let ends = [Timestamp::MIN, at(0), Timestamp::MAX];
        let mut kpa = kpa(i32::MAX, |s| s.scale_down_delay_seconds = 3600);
        for now in ends.into_iter().chain(ends.into_iter().rev()) {
            for load in [f64::MAX, f64::MIN, 0.0] {
                kpa.record(now, load);
                for ready in [i32::MIN, 0, i32::MAX] {
                    kpa.scale(now, ready);
                }
            }
        }
    }
}
