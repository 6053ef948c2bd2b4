//! Money as whole millionths of a currency's unit, read and written as exact decimals; nothing here
//! is a float. Not here: rates and prices (`price.rs`), ceilings (`budget.rs`).

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;

/// Millionths in a unit of a currency.
const MICROS: i128 = 1_000_000;
/// Digits after the point.
const DECIMALS: usize = 6;

/// An amount in millionths of its currency's unit; which currency stands beside it. May be below 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(i128);

/// A currency's code of three letters, as in ISO 4217.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// Why a text is no amount of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotMoney {
    /// Not digits with at most one point between them.
    NotADecimal,
    /// More than six digits after the point.
    TooFine,
    /// Below 0.
    Negative,
    /// Above [`Money::MAX`].
    TooLarge,
}

impl fmt::Display for NotMoney {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotADecimal => f.write_str("is no decimal number such as \"1250.50\""),
            Self::TooFine => write!(f, "has more than {DECIMALS} digits after the point"),
            Self::Negative => f.write_str("is below 0"),
            Self::TooLarge => write!(f, "is above {}", Money::MAX),
        }
    }
}

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest amount that a spec may say: 10^15 units.
    pub const MAX: Self = Self(1_000_000_000_000_000 * MICROS);

    /// An amount as a spec says it: a decimal from 0 to [`Money::MAX`].
    ///
    /// # Errors
    /// Why the text is no such amount.
    pub fn amount(text: &str) -> Result<Self, NotMoney> {
        let money: Self = text.parse()?;
        if money < Self::ZERO {
            return Err(NotMoney::Negative);
        }
        if money > Self::MAX {
            return Err(NotMoney::TooLarge);
        }
        Ok(money)
    }

    /// From millionths.
    #[must_use]
    pub const fn from_micros(micros: i128) -> Self {
        Self(micros)
    }

    /// In millionths.
    #[must_use]
    pub const fn micros(self) -> i128 {
        self.0
    }

    /// Sum.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Difference, below 0 where `other` is larger.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Currency {
    /// From its code: three capital letters.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        let bytes: [u8; 3] = code.as_bytes().try_into().ok()?;
        let letters = bytes.iter().all(u8::is_ascii_uppercase);
        letters.then_some(Self(bytes))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(code) = self;
        code.iter()
            .try_for_each(|c| write!(f, "{}", char::from(*c)))
    }
}

impl FromStr for Money {
    type Err = NotMoney;

    fn from_str(text: &str) -> Result<Self, NotMoney> {
        let (sign, digits) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text),
        };
        let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
        let plain = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
        if !plain(whole) || !plain(part) {
            return Err(NotMoney::NotADecimal);
        }
        let part = part.trim_end_matches('0');
        if part.len() > DECIMALS {
            return Err(NotMoney::TooFine);
        }
        let number = |text: &str| text.parse::<i128>().map_err(|_| NotMoney::TooLarge);
        let micros = number(&format!("{part:0<DECIMALS$}"))?;
        let units = number(whole)?.saturating_mul(MICROS * sign);
        Ok(Self(units.saturating_add(micros * sign)))
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (micros, unit) = (self.0.unsigned_abs(), MICROS.unsigned_abs());
        write!(f, "{sign}{}", micros / unit)?;
        match micros % unit {
            0 => Ok(()),
            part => {
                let part = format!("{part:0DECIMALS$}");
                write!(f, ".{}", part.trim_end_matches('0'))
            }
        }
    }
}

/// As text: a number in JSON is a float to many who read it.
impl Serialize for Money {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        text.parse()
            .map_err(|why| de::Error::custom(format!("{text} {why}")))
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        Self::parse(&text)
            .ok_or_else(|| de::Error::custom("a currency is three capital letters, such as IDR"))
    }
}
