//! `spec.autoscaling.schedules`: load that is known beforehand, such as a registration that opens at
//! 08:00. Not here: how far ahead replicas are made, which is measured and not said.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most schedules of one workload.
pub const SCHEDULES_MAX: usize = 16;
/// Shortest recurring window, in seconds.
pub const DURATION_MIN: i32 = 60;
/// Longest recurring window, in seconds: a day.
pub const DURATION_MAX: i32 = 86_400;
/// Longest cron expression, in characters.
pub const CRON_MAX: usize = 120;

/// One announced window of more load, or one that comes again and again.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.cron) != has(self.at)").message("say when: set exactly one of cron (again and again) and at (once)"))]
pub struct Schedule {
    /// A name that no other schedule of this workload has.
    #[schemars(
        length(min = 1, max = 63),
        regex(pattern = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
    )]
    pub name: String,
    /// A window that comes again and again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cron: Option<CronWindow>,
    /// A window that comes once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<FixedWindow>,
    /// What is expected in it. Replicas for it are Ready when it begins; where it does not come, they
    /// are given back before it ends.
    pub expect: Expect,
}

/// A window that comes again and again, on the clock of one place.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct CronWindow {
    /// When it begins, as five fields of cron: minute, hour, day of month, month, day of week; for
    /// example `0 8 * * MON-FRI`. At most once an hour. A time that the clock skips in spring is the
    /// first moment after; one that it has twice in autumn is the first of the two.
    #[schemars(length(min = 9, max = 120))]
    pub start: String,
    /// How long it lasts, in seconds, 60 to 86400.
    #[schemars(range(min = 60, max = 86_400))]
    pub duration_seconds: i32,
    /// Whose clock `start` is on: a zone of the IANA database, for example `Asia/Jakarta`.
    #[schemars(length(min = 1, max = 64))]
    pub time_zone: String,
}

/// A window that comes once.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.from < self.until").message("at.until must be after at.from"))]
pub struct FixedWindow {
    /// When it begins, for example `2026-07-01T08:00:00+07:00`.
    pub from: Time,
    /// When it ends.
    pub until: Time,
}

/// What is expected in a window.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.load) != has(self.replicas)").message("say what is expected: set exactly one of load and replicas"))]
pub struct Expect {
    /// Load in all, in the unit of `load.signal`, for example "20k". Above 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", length(min = 1, max = 32))]
    #[x_kube(validation = Rule::new("isQuantity(self) && quantity(self).isGreaterThan(quantity('0')) && quantity(self).isLessThan(quantity('1Ti'))").message("expect.load is a load in all: a quantity above 0 and below 1Ti, for example '20k'"))]
    pub load: Option<Quantity>,
    /// Replicas in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000))]
    pub replicas: Option<i32>,
}

/// Whether the load of earlier days may make replicas ahead of time.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Forecast {
    /// It may not.
    #[default]
    Off,
    /// It may, where it has proved right.
    On,
}
