//! Lines of bounded length: a longer one is read to its end and refused, so that the next is whole.

use std::io::{self, BufRead};

/// Longest line, in bytes. A thousand pods with ten metrics take less than 3 MB.
pub const LINE_MAX: usize = 16 << 20;

/// Why a line cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Longer than [`LINE_MAX`].
    TooLong,
    /// Not UTF-8.
    NotText,
}

/// The lines of a reader.
#[derive(Debug)]
pub struct Lines<R>(R);

impl<R: BufRead> Lines<R> {
    /// The lines of `reader`.
    pub const fn new(reader: R) -> Self {
        Self(reader)
    }

    /// The next line that is not empty, without its end; `None` after the last.
    ///
    /// # Errors
    /// When the reader fails.
    pub fn read(&mut self) -> io::Result<Option<Result<String, Refused>>> {
        loop {
            let Some(line) = self.bytes()? else {
                return Ok(None);
            };
            match line.map(String::from_utf8) {
                Some(Ok(text)) if text.trim().is_empty() => {}
                Some(Ok(text)) => return Ok(Some(Ok(text))),
                Some(Err(_)) => return Ok(Some(Err(Refused::NotText))),
                None => return Ok(Some(Err(Refused::TooLong))),
            }
        }
    }

    /// The bytes up to the next end of line; the inner `None` for too many.
    fn bytes(&mut self) -> io::Result<Option<Option<Vec<u8>>>> {
        let (mut line, mut fits, mut any) = (Vec::new(), true, false);
        loop {
            let part = self.0.fill_buf()?;
            if part.is_empty() {
                return Ok(any.then_some(fits.then_some(line)));
            }
            any = true;
            let end = part.iter().position(|b| *b == b'\n');
            let text = part.get(..end.unwrap_or(part.len())).unwrap_or_default();
            fits &= line.len().saturating_add(text.len()) <= LINE_MAX;
            if fits {
                line.extend_from_slice(text);
            }
            let used = end.map_or(part.len(), |i| i + 1);
            self.0.consume(used);
            if end.is_some() {
                return Ok(Some(fits.then_some(line)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(input: &[u8]) -> Vec<Result<String, Refused>> {
        let mut lines = Lines::new(input);
        std::iter::from_fn(|| lines.read().unwrap()).collect()
    }

    #[test]
    fn a_bad_line_does_not_end_the_reading() {
        let long = "x".repeat(LINE_MAX + 1);
        let mut input = format!("one\n\n  \n{long}\n").into_bytes();
        input.extend_from_slice(b"\xff\xfe\nlast without an end");
        let read = all(&input);
        let expected = [
            Ok("one".to_owned()),
            Err(Refused::TooLong),
            Err(Refused::NotText),
            Ok("last without an end".to_owned()),
        ];
        assert_eq!(read, expected);
        assert_eq!(all(b""), []);
    }
}
