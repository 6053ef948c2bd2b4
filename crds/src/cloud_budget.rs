//! `CloudBudget`: the most that mass traffic may spend at priced Sites. What costs what is said by
//! each Site's price; what gives way first is fixed, and said in ARCHITECTURE.md.

// Each `printcolumn` is one column; clippy takes their like parts for a mistake.
#![allow(clippy::duplicated_attributes)]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most that mass traffic of some namespaces may spend at priced Sites.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "pinisi.dev",
    version = "v1alpha1",
    kind = "CloudBudget",
    status = "CloudBudgetStatus",
    derive = "PartialEq",
    category = "pinisi",
    doc = "The most that mass traffic of some namespaces may spend at priced Sites. A Site with a price takes nothing of a namespace that no CloudBudget in its currency covers.",
    printcolumn(
        name = "Currency",
        type_ = "string",
        json_path = ".spec.ceiling.currency"
    ),
    printcolumn(name = "Ceiling", type_ = "string", json_path = ".spec.ceiling.amount"),
    printcolumn(name = "Spent", type_ = "string", json_path = ".status.spent"),
    printcolumn(name = "Per hour", type_ = "string", json_path = ".status.perHour"),
    printcolumn(
        name = "Until",
        type_ = "date",
        json_path = ".status.until",
        priority = 1
    ),
    printcolumn(
        name = "Exhausted at",
        type_ = "string",
        json_path = ".status.exhaustedAt"
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].status"
    ),
    printcolumn(
        name = "Limited",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Limited')].status"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].reason",
        priority = 1
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    )
)]
#[x_kube(validation = Rule::new("has(self.period) != has(self.from)").message("say for which time the ceiling holds, in exactly one way: spec.period for one that comes again, or spec.from and spec.until"))]
#[x_kube(validation = Rule::new("has(self.from) == has(self.until)").message("spec.from and spec.until go together"))]
#[x_kube(validation = Rule::new("!has(self.from) || !has(self.until) || self.from < self.until").message("spec.until must be after spec.from"))]
#[x_kube(validation = Rule::new("has(self.period) || !has(self.timeZone)").message("timeZone says where days, months and years begin: it goes with spec.period"))]
#[serde(rename_all = "camelCase")]
pub struct CloudBudgetSpec {
    /// Namespaces whose mass traffic it pays for; `{}` selects all. Where several CloudBudgets in
    /// one currency cover a namespace, all of them must have the money.
    pub namespaces: LabelSelector,
    /// The time after which it begins anew. Instead of `from` and `until`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<PeriodLength>,
    /// Where days, months and years begin: an IANA time zone, for example `Asia/Jakarta`. Absent: UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 64),
        regex(pattern = "^[A-Za-z][-A-Za-z0-9_+/]*$")
    )]
    pub time_zone: Option<String>,
    /// Its first moment, where it is for one time only. Another `from` begins another account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Time>,
    /// The first moment after it: nothing is paid for from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
    /// The most to spend in the period. With an amount of 0 nothing is paid for.
    pub ceiling: Ceiling,
    /// The most to spend in any hour, in the ceiling's currency, for example "12.50". Absent: what is
    /// left is spread over an hour, or over the rest of the period where that is shorter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 22),
        regex(pattern = "^[0-9]{1,15}([.][0-9]{1,6})?$")
    )]
    pub most_per_hour: Option<String>,
}

/// A time that comes again.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeriodLength {
    /// From midnight to midnight.
    Day,
    /// From the first of a month.
    Month,
    /// From the first of January.
    Year,
}

/// An amount of money.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Ceiling {
    /// Currency, as ISO 4217 (for example IDR). It pays at Sites that are priced in it. Immutable.
    #[schemars(regex(pattern = "^[A-Z]{3}$"))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("the currency is immutable, as what was spent is kept in it: make another CloudBudget"))]
    pub currency: String,
    /// How much, as a decimal with at most six digits after the point, for example "250000" or "99.50".
    #[schemars(
        length(min = 1, max = 22),
        regex(pattern = "^[0-9]{1,15}([.][0-9]{1,6})?$")
    )]
    pub amount: String,
}

/// How it stands. Renewed when what is spent an hour changes, and when 1 % of the ceiling was spent.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct CloudBudgetStatus {
    /// Generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Start of the period that the amounts are of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Time>,
    /// Its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
    /// Spent up to `at`: requested resources at the Sites' prices, pods on their way out included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spent: Option<String>,
    /// Up to when `spent` is counted; from then on `perHour` is added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
    /// What runs costs an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_hour: Option<String>,
    /// Of what is left, set aside for minReplicas that only priced Sites can hold and for announced
    /// windows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserved: Option<String>,
    /// When the ceiling would be reached if as much were spent an hour from now on, where that is
    /// within the period. What runs is made less before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exhausted_at: Option<Time>,
    /// Ready, Stalled where something needs a person, and Limited where it keeps replicas back.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    #[serde(default)]
    pub conditions: Vec<Condition>,
}
