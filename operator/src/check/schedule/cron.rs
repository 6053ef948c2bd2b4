//! A cron expression on the clock of one zone, as instants. Not here: what a window is for. Zones come
//! from the database that the program carries, so that every machine reads the same.

use croner::Cron;
use croner::errors::CronError;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp, Zoned};
use std::fmt;
use std::str::FromStr as _;
use std::sync::LazyLock;

/// Starts closer than this to the one before are left out.
pub const PERIOD_MIN: SignedDuration = SignedDuration::from_hours(1);
/// So many starts are looked at, however far ahead they are, so that what is wrong with an expression
/// is said long before it matters.
const LOOKED_AT_MIN: usize = 8;
/// No two days of a month are further apart: 29 February around a century that is no leap year.
const YEARS: i16 = 8;

static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// A zone by its IANA name.
pub fn zone(name: &str) -> Option<TimeZone> {
    ZONES.get(name).ok().filter(|zone| !zone.is_unknown())
}

/// Why an expression gives no starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CronFault {
    /// Not five fields, but so many.
    Fields(usize),
    /// A field cannot be read.
    Syntax(String),
    /// No day is like that.
    Never,
}

impl fmt::Display for CronFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fields(n) => write!(f, "it has {n} fields"),
            Self::Syntax(error) => f.write_str(error),
            Self::Never => write!(f, "no such day comes within {YEARS} years"),
        }
    }
}

/// The starts of an expression in a stretch of time, and what they are like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Starts {
    /// In order, [`PERIOD_MIN`] apart at least.
    pub at: Vec<Timestamp>,
    /// The shortest time between two of them on the clock, where there are two.
    pub period: Option<SignedDuration>,
    /// The shortest time after which one was left out, where one was.
    pub left_out: Option<SignedDuration>,
}

/// Starts from `from` on and before `until`.
///
/// # Errors
/// The expression cannot be read, or never comes true.
pub fn starts(
    text: &str,
    zone: &TimeZone,
    from: Timestamp,
    until: Timestamp,
) -> Result<Starts, CronFault> {
    let from = from.to_zoned(zone.clone());
    let cron = parse(text, from.year())?;
    let mut starts = Starts::default();
    let mut next = find(&cron, &from, true)?.ok_or(CronFault::Never)?;
    for looked_at in 0.. {
        let at = next.timestamp();
        if at < until {
            starts.at.push(at);
        } else if looked_at >= LOOKED_AT_MIN {
            break;
        }
        let Some(mut after) = find(&cron, &next, false)? else {
            break;
        };
        let mut apart = after.timestamp().duration_since(at);
        if apart < PERIOD_MIN {
            starts.left_out = Some(starts.left_out.map_or(apart, |d| d.min(apart)));
            let Ok(later) = next.checked_add(PERIOD_MIN) else {
                break;
            };
            match find(&cron, &later, true)? {
                Some(found) => after = found,
                None => break,
            }
            apart = after.timestamp().duration_since(at);
        }
        // On the clock as well: a day of 23 hours is a day.
        let apart = apart.max(after.datetime().duration_since(next.datetime()));
        starts.period = Some(starts.period.map_or(apart, |d| d.min(apart)));
        next = after;
    }
    Ok(starts)
}

/// Read so that a search ends: within [`YEARS`] of `year`, and without fields that no day can match.
fn parse(text: &str, year: i16) -> Result<Cron, CronFault> {
    let fields: Vec<_> = text.split_whitespace().collect();
    let &[minute, hour, day, month, weekday] = fields.as_slice() else {
        return Err(CronFault::Fields(fields.len()));
    };
    let odd = |item: &str| item.is_empty() || item.contains(['+', '?']);
    if let Some(field) = fields.iter().find(|field| field.split(',').any(odd)) {
        return Err(CronFault::Syntax(format!("{field:?} is no list of values")));
    }
    if weekday
        .split(',')
        .any(|item| item.eq_ignore_ascii_case("L"))
    {
        return Err(CronFault::Syntax(
            "L as a day of week needs the day before it, as in 5L".to_owned(),
        ));
    }
    let last = year.saturating_add(YEARS);
    Cron::from_str(&format!(
        "0 {minute} {hour} {day} {month} {weekday} {year}-{last}"
    ))
    .map_err(|error| CronFault::Syntax(error.to_string()))
}

/// The first match after `from`, or at it where it is `inclusive`; `None` where none is within reach.
fn find(cron: &Cron, from: &Zoned, inclusive: bool) -> Result<Option<Zoned>, CronFault> {
    match cron.find_next_occurrence(from, inclusive) {
        Ok(found) => Ok(Some(found)),
        Err(CronError::TimeSearchLimitExceeded) => Ok(None),
        Err(error) => Err(CronFault::Syntax(error.to_string())),
    }
}
