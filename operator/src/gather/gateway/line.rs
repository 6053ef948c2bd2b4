//! One line of a metrics page, in OpenMetrics or Prometheus text format, taken apart without
//! copying. Strict: what the formats do not allow is an error and never guessed. Not here: lines
//! together (`page`), and which of them anybody wants (`pick`).

use super::super::prometheus::time_of;
use jiff::Timestamp;

/// Most labels that one series may have.
pub(super) const LABELS_MAX: usize = 64;

/// The two text formats. They differ in times, exemplars and the end of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// OpenMetrics 1.0: times in seconds, `# EOF` at the end.
    OpenMetrics,
    /// Prometheus text 0.0.4: times in milliseconds, no mark at the end.
    Prometheus,
}

/// What a page says that a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Only grows, until its process starts anew.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Histograms and summaries: their `_count` is a counter.
    Distribution,
    /// Info, state sets and gauge histograms: no load.
    Other,
    /// The page says that it does not know.
    Unknown,
}

/// One line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Line<'a> {
    /// Blank, or a comment that says nothing of use here.
    Nothing,
    /// The end of an OpenMetrics page.
    Eof,
    /// What a family of metrics is.
    Type(&'a str, Kind),
    /// A series' value; its labels are in the list given to [`read`].
    Sample(Sample<'a>),
}

/// A series' value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sample<'a> {
    /// Name of the metric; escapes of a quoted one stand as they are.
    pub name: &'a str,
    /// Its value.
    pub value: f64,
    /// Its time, where the page has one.
    pub time: Option<Timestamp>,
}

/// Names and values of labels; escapes stand as they are.
pub(super) type Labels<'a> = Vec<(&'a str, &'a str)>;

/// Reads one line without its end, and a sample's labels into `labels`.
///
/// # Errors
/// What is wrong with it, in words that stand after "line 5:".
pub(super) fn read<'a>(
    text: &'a str,
    format: Format,
    labels: &mut Labels<'a>,
) -> Result<Line<'a>, &'static str> {
    labels.clear();
    let text = text.trim_matches(BLANKS);
    if let Some(comment) = text.strip_prefix('#') {
        return comment_line(comment, format);
    }
    if text.is_empty() {
        return Ok(Line::Nothing);
    }
    let (mut name, mut rest) = take(text, is_name);
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err("a metric's name begins with a digit");
    }
    if let Some(inside) = rest.trim_start_matches(BLANKS).strip_prefix('{') {
        rest = braces(inside, &mut name, labels)?;
    }
    if name.is_empty() {
        return Err("no metric's name");
    }
    let (value, time) = numbers(rest, format)?;
    Ok(Line::Sample(Sample { name, value, time }))
}

const BLANKS: [char; 3] = [' ', '\t', '\r'];

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | ':')
}

fn take(text: &str, of: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !of(c)).unwrap_or(text.len()))
}

fn comment_line(comment: &str, format: Format) -> Result<Line<'_>, &'static str> {
    let mut words = comment.split(BLANKS).filter(|word| !word.is_empty());
    match words.next() {
        Some("EOF") if format == Format::OpenMetrics && words.next().is_none() => Ok(Line::Eof),
        Some("TYPE") => {
            let (Some(family), Some(kind), None) = (words.next(), words.next(), words.next())
            else {
                return Err("TYPE needs a name and a type");
            };
            let kind = match kind {
                "counter" => Kind::Counter,
                "gauge" => Kind::Gauge,
                "histogram" | "summary" => Kind::Distribution,
                "info" | "stateset" | "gaugehistogram" => Kind::Other,
                "unknown" | "untyped" => Kind::Unknown,
                _ => return Err("TYPE names a type that is not known"),
            };
            Ok(Line::Type(family.trim_matches('"'), kind))
        }
        // HELP, UNIT, and remarks of people.
        _ => Ok(Line::Nothing),
    }
}

/// Labels up to the closing brace, and a quoted name among them; returns what follows.
fn braces<'a>(
    mut rest: &'a str,
    name: &mut &'a str,
    labels: &mut Labels<'a>,
) -> Result<&'a str, &'static str> {
    loop {
        rest = rest.trim_start_matches(BLANKS);
        if let Some(after) = rest.strip_prefix('}') {
            return Ok(after);
        }
        let quoted = rest.strip_prefix('"');
        let (label, after) = match quoted {
            Some(inside) => string(inside)?,
            None => take(rest, is_name),
        };
        if label.is_empty() {
            return Err("a label without a name");
        }
        rest = after.trim_start_matches(BLANKS);
        if let Some(after) = rest.strip_prefix('=') {
            let Some(inside) = after.trim_start_matches(BLANKS).strip_prefix('"') else {
                return Err("a label's value without quotes");
            };
            let (value, after) = string(inside)?;
            if labels.len() >= LABELS_MAX {
                return Err("more labels than are taken");
            }
            labels.push((label, value));
            rest = after.trim_start_matches(BLANKS);
        } else if quoted.is_some() && name.is_empty() {
            *name = label;
        } else {
            return Err("a label without a value");
        }
        match rest.strip_prefix(',') {
            Some(after) => rest = after,
            None if rest.starts_with('}') => {}
            None => return Err("no comma or brace after a label"),
        }
    }
}

/// A string up to its closing quote, and what follows that.
fn string(inside: &str) -> Result<(&str, &str), &'static str> {
    let mut escaped = false;
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            // A quote is one byte in UTF-8 and never part of another character.
            b'"' => return Ok((&inside[..at], &inside[at + 1..])),
            _ => {}
        }
    }
    Err("a quote that is not closed")
}

/// The value, and the time where there is one.
fn numbers(rest: &str, format: Format) -> Result<(f64, Option<Timestamp>), &'static str> {
    // What follows an exemplar's mark is not of this series.
    let (rest, exemplar) = match (format, rest.split_once('#')) {
        (Format::OpenMetrics, Some((before, after))) => (before, Some(after)),
        (Format::OpenMetrics | Format::Prometheus, _) => (rest, None),
    };
    if exemplar.is_some_and(|text| !text.trim_start_matches(BLANKS).starts_with('{')) {
        return Err("an exemplar without labels");
    }
    let mut words = rest.split(BLANKS).filter(|word| !word.is_empty());
    let value = words.next().ok_or("no value")?;
    let value = value.parse().map_err(|_| "a value that is no number")?;
    let time = match words.next() {
        None => None,
        Some(word) => Some(time(word, format).ok_or("a time that is none")?),
    };
    match words.next() {
        None => Ok((value, time)),
        Some(_) => Err("more than a value and a time"),
    }
}

fn time(word: &str, format: Format) -> Option<Timestamp> {
    match format {
        Format::OpenMetrics => time_of(word.parse().ok()?),
        Format::Prometheus => Timestamp::from_millisecond(word.parse().ok()?).ok(),
    }
}

/// A label's value with its escapes resolved.
pub(super) fn unescape(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        match (c, (c == '\\').then(|| chars.next()).flatten()) {
            (_, Some('n')) => text.push('\n'),
            (_, Some(other @ ('\\' | '"'))) => text.push(other),
            (c, other) => {
                text.push(c);
                text.extend(other);
            }
        }
    }
    text
}

#[cfg(test)]
mod tests;
