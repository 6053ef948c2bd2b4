//! `hpa-oracle`: reads one case a line from standard input, writes one answer a line to standard
//! output, in the same order. The format is described in `tests/conformance/README.md`. A bad line
//! is answered with an error and the next one is read. Deliberately not here: any rule of the HPA.

mod answer;
mod case;
mod lines;

use std::io::{self, BufReader, BufWriter, Write};

fn main() -> io::Result<()> {
    let mut lines = lines::Lines::new(BufReader::new(io::stdin().lock()));
    let mut out = BufWriter::new(io::stdout().lock());
    while let Some(line) = lines.next()? {
        let answer = line.map_or_else(answer::refuse, |line| answer::to(&line));
        serde_json::to_writer(&mut out, &answer)?;
        out.write_all(b"\n")?;
        // Whoever asks waits for each answer.
        out.flush()?;
    }
    Ok(())
}
