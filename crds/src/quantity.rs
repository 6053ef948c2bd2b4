//! Kubernetes quantities to whole numbers: `500m`, `1.5`, `2Gi`, `1e3`. Rounds up, as the
//! scheduler does; never panics; what is too large stays at `u64::MAX`.

use std::fmt;

/// Longest text that is read at all; the API server writes far shorter ones.
const TEXT_MAX: usize = 64;
/// Digits behind the point that count; a nano is the smallest unit that Kubernetes knows.
const FRACTION_MAX: u32 = 18;
/// Largest power of ten that a `u128` holds.
const POWER_MAX: u32 = 38;

/// Why a text is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuantityError {
    /// Not a quantity at all.
    Malformed,
    /// Below zero.
    Negative,
}

impl fmt::Display for QuantityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "not a quantity",
            Self::Negative => "negative",
        })
    }
}

/// Thousandths: `1` is 1000, `500m` is 500.
///
/// # Errors
/// The text is not a quantity, or below zero.
pub fn millis(text: &str) -> Result<u64, QuantityError> {
    scaled(text, 1000)
}

/// Whole units, rounded up: `1Ki` is 1024, `1m` is 1.
///
/// # Errors
/// The text is not a quantity, or below zero.
pub fn units(text: &str) -> Result<u64, QuantityError> {
    scaled(text, 1)
}

/// Billionths: `0.1` is 100,000,000.
///
/// # Errors
/// The text is not a quantity, or below zero.
pub fn nanos(text: &str) -> Result<u64, QuantityError> {
    scaled(text, 1_000_000_000)
}

/// Thousandths of either sign, rounded away from zero: `-1500u` is -2.
///
/// # Errors
/// The text is not a quantity.
pub fn signed_millis(text: &str) -> Result<i64, QuantityError> {
    let (magnitude, negative) = magnitude(text, 1000)?;
    let magnitude = i64::try_from(magnitude).unwrap_or(i64::MAX);
    Ok(if negative { -magnitude } else { magnitude })
}

/// The quantity times `scale`, rounded up.
fn scaled(text: &str, scale: u128) -> Result<u64, QuantityError> {
    match magnitude(text, scale)? {
        (n, false) => Ok(n),
        (0, true) => Ok(0),
        (_, true) => Err(QuantityError::Negative),
    }
}

/// The quantity times `scale` without its sign, rounded up, and whether it is below zero.
fn magnitude(text: &str, scale: u128) -> Result<(u64, bool), QuantityError> {
    let text = text.trim();
    if text.is_empty() || text.len() > TEXT_MAX || !text.is_ascii() {
        return Err(QuantityError::Malformed);
    }
    let (negative, rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let end = rest
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(rest.len());
    let (number, suffix) = rest.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return Err(QuantityError::Malformed);
    }
    let (power, factor) = suffix_of(suffix).ok_or(QuantityError::Malformed)?;

    let mut mantissa: u128 = 0;
    let mut shift: i32 = power;
    let mut rounded_off = false;
    for digit in whole.bytes() {
        mantissa = mantissa
            .saturating_mul(10)
            .saturating_add(u128::from(digit - b'0'));
    }
    for (place, digit) in (0u32..).zip(fraction.bytes()) {
        if place < FRACTION_MAX {
            mantissa = mantissa
                .saturating_mul(10)
                .saturating_add(u128::from(digit - b'0'));
            shift = shift.saturating_sub(1);
        } else {
            rounded_off |= digit != b'0';
        }
    }
    if mantissa == 0 && !rounded_off {
        return Ok((0, false));
    }
    let times = mantissa.saturating_mul(factor).saturating_mul(scale);
    let ten = |by: u32| (by <= POWER_MAX).then(|| 10u128.pow(by));
    let result = if shift >= 0 {
        ten(shift.unsigned_abs()).map_or(u128::MAX, |by| times.saturating_mul(by))
    } else {
        ten(shift.unsigned_abs()).map_or(1, |by| times.div_ceil(by))
    };
    let result = if rounded_off { result.max(1) } else { result };
    Ok((u64::try_from(result).unwrap_or(u64::MAX), negative))
}

/// Power of ten and factor of a suffix.
fn suffix_of(suffix: &str) -> Option<(i32, u128)> {
    Some(match suffix {
        "" => (0, 1),
        "n" => (-9, 1),
        "u" => (-6, 1),
        "m" => (-3, 1),
        "k" => (3, 1),
        "M" => (6, 1),
        "G" => (9, 1),
        "T" => (12, 1),
        "P" => (15, 1),
        "E" => (18, 1),
        "Ki" => (0, 1 << 10),
        "Mi" => (0, 1 << 20),
        "Gi" => (0, 1 << 30),
        "Ti" => (0, 1 << 40),
        "Pi" => (0, 1 << 50),
        "Ei" => (0, 1 << 60),
        other => {
            let exponent = other.strip_prefix(['e', 'E'])?;
            let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            // Anything beyond this is past u64 or below a nano either way.
            (
                exponent
                    .parse::<i32>()
                    .unwrap_or(if exponent.starts_with('-') {
                        -1000
                    } else {
                        1000
                    }),
                1,
            )
        }
    })
}

/// Cores as people write them: `96`, `1500m`.
#[must_use]
pub fn cpu_text(millicores: u64) -> String {
    if millicores.is_multiple_of(1000) {
        format!("{}", millicores / 1000)
    } else {
        format!("{millicores}m")
    }
}

/// Bytes as people write them: `384Gi`, `1536Mi`, `1000`.
#[must_use]
pub fn bytes_text(bytes: u64) -> String {
    for (unit, shift) in [("Gi", 30), ("Mi", 20), ("Ki", 10)] {
        if bytes > 0 && bytes.trailing_zeros() >= shift {
            return format!("{}{unit}", bytes >> shift);
        }
    }
    format!("{bytes}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_usual_forms() {
        for (text, want) in [
            ("1", 1000),
            ("1500m", 1500),
            ("0.1", 100),
            (".5", 500),
            ("2.", 2000),
            ("1u", 1),
            ("1n", 1),
            ("0", 0),
            ("100n", 1),
            ("1k", 1_000_000),
            ("1e3", 1_000_000),
            ("1E3", 1_000_000),
            ("12e-1", 1200),
            ("+3", 3000),
            ("-0", 0),
            ("1Ki", 1_024_000),
            ("0.0001", 1),
            ("1.0000000000000000001", 1000),
        ] {
            assert_eq!(millis(text), Ok(want), "{text}");
        }
        for (text, want) in [
            ("128Mi", 128 << 20),
            ("1Gi", 1 << 30),
            ("1.5Gi", 3 << 29),
            ("1G", 1_000_000_000),
            ("1E", 1_000_000_000_000_000_000),
            ("1Ei", 1 << 60),
            ("1m", 1),
            ("123456789", 123_456_789),
            ("1P", 1_000_000_000_000_000),
            ("2Ti", 2 << 40),
            ("2Pi", 2 << 50),
            ("3T", 3_000_000_000_000),
            ("16Ei", u64::MAX),
            ("1e400", u64::MAX),
            ("1e99999999999", u64::MAX),
            ("1e-99999999999", 1),
        ] {
            assert_eq!(units(text), Ok(want), "{text}");
        }
    }

    #[test]
    fn what_is_not_an_amount() {
        for text in [
            "", " ", ".", "m", "1.2.3", "1KI", "1 Gi", "abc", "1ee3", "1e", "1e+", "--1", "0x10",
            "NaN", "١",
        ] {
            assert_eq!(units(text), Err(QuantityError::Malformed), "{text:?}");
        }
        assert_eq!(units("-1"), Err(QuantityError::Negative));
        assert_eq!(millis("-1m"), Err(QuantityError::Negative));
        assert_eq!(units(&"9".repeat(65)), Err(QuantityError::Malformed));
    }

    #[test]
    fn signs_and_billionths() {
        for (text, want) in [
            ("1", 1000),
            ("-1", -1000),
            ("-1500u", -2),
            ("1500u", 2),
            ("-0", 0),
            ("9Ei", i64::MAX),
            ("-9Ei", -i64::MAX),
        ] {
            assert_eq!(signed_millis(text), Ok(want), "{text}");
        }
        assert_eq!(signed_millis("x"), Err(QuantityError::Malformed));
        assert_eq!(nanos("0.1"), Ok(100_000_000));
        assert_eq!(nanos("50m"), Ok(50_000_000));
        assert_eq!(nanos("-1n"), Err(QuantityError::Negative));
    }

    #[test]
    fn back_to_text() {
        assert_eq!(
            (cpu_text(96_000), cpu_text(1500)),
            ("96".to_owned(), "1500m".to_owned())
        );
        assert_eq!(
            (bytes_text(384 << 30), bytes_text(1000), bytes_text(0)),
            ("384Gi".to_owned(), "1000".to_owned(), "0".to_owned())
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in ".{0,70}") {
            let _ = (millis(&text), units(&text));
        }

        #[test]
        fn near_quantities_are_read_without_panic(text in "[-+]?[0-9]{0,40}\\.?[0-9]{0,24}([eE][-+]?[0-9]{0,12}|[numkMGTPEi]{0,2})") {
            let _ = (millis(&text), units(&text));
        }

        #[test]
        fn millicores_come_back(n in 0u64..1 << 50) {
            prop_assert_eq!(millis(&cpu_text(n)), Ok(n));
            prop_assert_eq!(units(&bytes_text(n)), Ok(n));
        }
    }
}
