//! What the oracles share: one case a line from standard input, one answer a line to
//! standard output, in the same order. The format is described in `tests/conformance/README.md`. A
//! bad line is answered with an error and the next one is read. Deliberately not here: any rule of
//! an autoscaler; `hpa` has the answers of `hpa-oracle`, which are fuzzed.

pub mod hpa;
pub mod lines;

use lines::{LINE_MAX, Lines, Refused};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::io::{self, BufReader, BufWriter, Write};

/// Answers all lines of standard input.
///
/// # Errors
/// When it cannot be read, or standard output not written.
pub fn serve(answer: fn(&str) -> Value) -> io::Result<()> {
    let mut lines = Lines::new(BufReader::new(io::stdin().lock()));
    let mut out = BufWriter::new(io::stdout().lock());
    while let Some(line) = lines.read()? {
        let answer = line.map_or_else(refuse, |line| answer(&line));
        serde_json::to_writer(&mut out, &answer)?;
        out.write_all(b"\n")?;
        // Whoever asks waits for each answer.
        out.flush()?;
    }
    Ok(())
}

/// The answer to a line: `answer`'s, or `{"error": {"kind": …, "message": …}}` where it is no case.
pub fn to<Case: DeserializeOwned>(line: &str, answer: fn(Case) -> Value) -> Value {
    // In two steps, so that what is no JSON is told from what is no case, and keeps its id.
    let value: Value = match serde_json::from_str(line) {
        Ok(value) => value,
        Err(e) => return error("not_json", &e.to_string()),
    };
    let id = value.get("id").cloned();
    let mut answer = match serde_json::from_value(value) {
        Ok(case) => answer(case),
        Err(e) => error("not_a_case", &e.to_string()),
    };
    if let (Some(id), Some(fields)) = (id, answer.as_object_mut()) {
        fields.insert("id".into(), id); // whatever the asker wants to find there
    }
    answer
}

/// The answer to what could not even be read.
fn refuse(why: Refused) -> Value {
    match why {
        Refused::TooLong => error("too_long", &format!("a line has at most {LINE_MAX} bytes")),
        Refused::NotText => error("not_text", "a line is UTF-8"),
    }
}

fn error(kind: &str, message: &str) -> Value {
    json!({ "error": { "kind": kind, "message": message } })
}
