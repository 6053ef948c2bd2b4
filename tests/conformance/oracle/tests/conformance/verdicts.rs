//! What `go test -v` prints, read: which tests passed, and in which hpa-oracle was asked.

use std::collections::BTreeSet;

/// The line that the shim prints for each question.
const ASKED: &str = "hpa-oracle asked";

/// The tests of one run, subtests included.
#[derive(Debug, Default)]
pub struct Verdicts {
    /// Those that passed.
    pub passed: BTreeSet<String>,
    /// Those that did not.
    pub failed: BTreeSet<String>,
    /// Those in which hpa-oracle was asked, and what they are part of.
    pub asked: BTreeSet<String>,
    /// Questions in all.
    pub questions: usize,
}

impl Verdicts {
    /// Reads them.
    pub fn of((output, bad_end): &(String, Option<String>)) -> Self {
        let mut verdicts = Self::default();
        if let Some(error) = bad_end {
            // A process that dies takes the tests that had not run yet with it.
            let why = error
                .lines()
                .find(|l| l.starts_with("panic:") || l.starts_with("fatal error:"));
            verdicts
                .failed
                .insert(format!("the process: {}", why.unwrap_or("tests failed")));
        }
        let mut running = String::new();
        for line in output.lines() {
            let line = line.trim_start();
            let word = |prefix: &str| {
                let rest = line.strip_prefix(prefix)?;
                rest.split_whitespace().next().map(str::to_owned)
            };
            if let Some(name) = word("=== RUN").or_else(|| word("=== CONT")) {
                running = name;
            } else if let Some(name) = word("--- PASS:") {
                verdicts.passed.insert(name);
            } else if let Some(name) = word("--- FAIL:") {
                verdicts.failed.insert(name);
            } else if line.contains(ASKED) {
                verdicts.questions += 1;
                let parts = running.match_indices('/').map(|(i, _)| i);
                let names = parts
                    .chain([running.len()])
                    .map(|end| running[..end].to_owned());
                verdicts.asked.extend(names);
            } else if line.starts_with("panic:") {
                verdicts.failed.insert(format!("{running}: {line}"));
            }
        }
        verdicts
    }

    /// How many of those that passed are part of no other.
    pub fn top_level(&self) -> usize {
        self.passed
            .iter()
            .filter(|name| !name.contains('/'))
            .count()
    }
}

#[test]
fn output_is_read() {
    let output = "\
=== RUN   TestA
=== RUN   TestA/one
hpa-oracle asked
    --- PASS: TestA/one (0.00s)
--- PASS: TestA (0.01s)
=== RUN   TestB
panic: nil
--- FAIL: TestB (0.00s)
--- SKIP: TestC (0.00s)
";
    let v = Verdicts::of(&(output.to_owned(), None));
    let names = |list: &[&str]| {
        list.iter()
            .map(|s| (*s).to_owned())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(v.passed, names(&["TestA", "TestA/one"]));
    assert_eq!(v.asked, names(&["TestA", "TestA/one"]));
    assert_eq!(v.failed, names(&["TestB", "TestB: panic: nil"]));
    assert_eq!((v.questions, v.top_level()), (1, 1));
    let dead = Verdicts::of(&(String::new(), Some("x\nfatal error: y".to_owned())));
    assert_eq!(dead.failed, names(&["the process: fatal error: y"]));
}
