//! A metrics page, read as it comes in: no more of it is held than one line. Its size, its lines
//! and its values are bounded. Not here: the request (`fetch`).

use super::answer::GatewayError;
use super::line::{self, Format, Labels, Line};
use super::pick::{Picked, Picker};

/// Largest page that is read, in bytes.
pub(super) const BODY_MAX: usize = 16 << 20;
/// Longest line, in bytes.
pub(super) const LINE_MAX: usize = 16 << 10;
/// Most lines with a value.
pub(super) const VALUES_MAX: usize = 200_000;

/// A page that is being read.
pub(super) struct Page<'w> {
    format: Format,
    picker: Picker<'w>,
    /// The line that is not whole yet.
    carry: Vec<u8>,
    bytes: usize,
    lines: usize,
    values: usize,
    /// Something other than blanks came.
    begun: bool,
    /// `# EOF` came.
    ended: bool,
}

impl<'w> Page<'w> {
    /// A page of which nothing came yet.
    pub(super) fn new(format: Format, picker: Picker<'w>) -> Self {
        Self {
            format,
            picker,
            carry: Vec::new(),
            bytes: 0,
            lines: 0,
            values: 0,
            begun: false,
            ended: false,
        }
    }

    /// Takes in the next piece.
    ///
    /// # Errors
    /// The page is not usable; the rest of it need not be read.
    pub(super) fn feed(&mut self, mut piece: &[u8]) -> Result<(), GatewayError> {
        self.bytes = self.bytes.saturating_add(piece.len());
        if self.bytes > BODY_MAX {
            return Err(GatewayError::TooLarge(BODY_MAX));
        }
        if !self.begun
            && let Some(first) = piece.iter().find(|byte| !byte.is_ascii_whitespace())
        {
            self.begun = true;
            if *first == b'<' {
                return Err(GatewayError::Html);
            }
        }
        while let Some(end) = piece.iter().position(|byte| *byte == b'\n') {
            let (head, tail) = piece.split_at(end);
            piece = tail.get(1..).unwrap_or_default();
            if self.carry.is_empty() {
                self.line(head)?;
            } else {
                self.keep(head)?;
                let whole = std::mem::take(&mut self.carry);
                self.line(&whole)?;
            }
        }
        self.keep(piece)
    }

    /// The page is over: what was picked from it.
    ///
    /// # Errors
    /// Its last line is not usable, or it is not whole.
    pub(super) fn end(mut self) -> Result<Picked, GatewayError> {
        if !self.carry.is_empty() {
            let last = std::mem::take(&mut self.carry);
            self.line(&last)?;
        }
        match self.format {
            Format::OpenMetrics if !self.ended => Err(GatewayError::Truncated),
            Format::OpenMetrics | Format::Prometheus => Ok(self.picker.picked()),
        }
    }

    fn keep(&mut self, part: &[u8]) -> Result<(), GatewayError> {
        if self.carry.len().saturating_add(part.len()) > LINE_MAX {
            return Err(GatewayError::LineTooLong(LINE_MAX));
        }
        self.carry.extend_from_slice(part);
        Ok(())
    }

    fn line(&mut self, bytes: &[u8]) -> Result<(), GatewayError> {
        self.lines = self.lines.saturating_add(1);
        let line = self.lines;
        if bytes.len() > LINE_MAX {
            return Err(GatewayError::LineTooLong(LINE_MAX));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| GatewayError::NotText { line })?;
        let malformed = |what| GatewayError::Malformed { line, what };
        let mut labels = Labels::new();
        match line::read(text, self.format, &mut labels).map_err(malformed)? {
            Line::Nothing => {}
            _ if self.ended => return Err(malformed("something after # EOF")),
            Line::Eof => self.ended = true,
            Line::Type(family, kind) => self.picker.kind(family, kind),
            Line::Sample(sample) => {
                self.values = self.values.saturating_add(1);
                if self.values > VALUES_MAX {
                    return Err(GatewayError::TooManyLines(VALUES_MAX));
                }
                self.picker.sample(&sample, &labels, line)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
