//! Figures as people read them.

/// A whole number with commas: 1,234,567.
#[must_use]
pub fn count(n: f64) -> String {
    let digits = format!("{:.0}", n.abs().round());
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if n.round() < 0.0 {
        text.push('-');
    }
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// With as many digits as tell something: 0.0042, 1.23, 45.6, 1,234.
#[must_use]
pub fn figure(x: f64) -> String {
    let places = match x.abs() {
        n if n >= 100.0 => return count(x),
        n if n >= 10.0 => 1,
        n if n >= 1.0 => 2,
        n if n >= 0.1 => 3,
        n if n >= 0.000_05 => 4,
        _ => return "0".into(),
    };
    format!("{x:.places$}")
}

/// A sum of money: 1,234.50.
#[must_use]
pub fn money(x: f64) -> String {
    let cents = (x.abs() * 100.0).round();
    let (whole, part) = ((cents / 100.0).trunc(), cents % 100.0);
    format!("{}.{part:02.0}", count(whole))
}

/// A length of time: 45 s, 12 min, 3 h 20 min, 12 days.
#[must_use]
pub fn span(seconds: f64) -> String {
    let (minute, hour, day) = (60.0, 3600.0, 86_400.0);
    if seconds >= 3.0 * day {
        format!("{:.0} days", seconds / day)
    } else if seconds >= hour {
        let minutes = (seconds / minute).round();
        let (h, m) = ((minutes / 60.0).trunc(), minutes % 60.0);
        if m > 0.0 {
            format!("{h:.0} h {m:.0} min")
        } else {
            format!("{h:.0} h")
        }
    } else if seconds >= 2.0 * minute {
        format!("{:.0} min", seconds / minute)
    } else {
        format!("{seconds:.0} s")
    }
}
