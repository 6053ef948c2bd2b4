//! Prices as decimals: millionths of a currency's unit, never a float. A sum is rounded once, to a
//! hundredth, where it is shown.

use std::fmt;
use std::str::FromStr;

/// Millionths in a unit.
const MICROS: u64 = 1_000_000;
/// Digits after the point.
const DIGITS: usize = 6;

/// What one core costs for an hour, in some currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Price {
    micros: u64,
}

/// A text that is no price.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no price: it must be a decimal number of 0 or more with at most 6 digits after the point, for example 0.045"
)]
pub struct NoPrice(String);

impl Price {
    /// In millionths of the currency's unit.
    #[must_use]
    pub const fn micros(self) -> u64 {
        self.micros
    }

    /// What so many core-hours cost.
    #[must_use]
    pub fn of(self, core_hours: f64) -> Amount {
        Amount(core_hours.max(0.0) * self.micros as f64 / MICROS as f64)
    }
}

/// A sum of money, shown to a hundredth.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Amount(f64);

impl Amount {
    /// In units of the currency, rounded to a hundredth.
    #[must_use]
    pub fn rounded(self) -> f64 {
        (self.0 * 100.0).round() / 100.0
    }
}

impl FromStr for Price {
    type Err = NoPrice;

    fn from_str(text: &str) -> Result<Self, NoPrice> {
        let wrong = || NoPrice(text.chars().take(40).collect());
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(part) || part.len() > DIGITS {
            return Err(wrong());
        }
        let whole: u64 = whole.parse().map_err(|_| wrong())?;
        let part: u64 = format!("{part:0<DIGITS$}").parse().map_err(|_| wrong())?;
        let micros = whole.checked_mul(MICROS).and_then(|w| w.checked_add(part));
        Ok(Self {
            micros: micros.ok_or_else(wrong)?,
        })
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:06}", self.micros / MICROS, self.micros % MICROS);
        let short = text.trim_end_matches('0').trim_end_matches('.');
        f.write_str(short)
    }
}
