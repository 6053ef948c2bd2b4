//! PN024 and PN025: what is in Sensitive namespaces, if it were made again today, and on the day on
//! which every policy is on Deny. Found out by dry runs.

use super::finding::{Check, Findings, known};
use crate::snapshot::{Heard, Previewed, Snapshot};

const TODAY: Check = Check {
    id: "PN024",
    title: "the guard lets in again what is there",
};
const ON_DENY: Check = Check {
    id: "PN025",
    title: "the guard would do so with every policy on Deny",
};
/// In the order in which they run.
pub const CHECKS: &[&Check] = &[&TODAY, &ON_DENY];

/// Runs them.
pub fn run(snapshot: &Snapshot, findings: &mut Findings) {
    today(snapshot, findings);
    on_deny(snapshot, findings);
}

fn today(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&TODAY);
    let preview = known!(verdict, snapshot.preview);
    let (mut let_in, mut refused, mut silent) = (0, 0, None);
    for Previewed { object, heard: was } in &preview.tried {
        match was {
            Heard::Fine | Heard::Warned(_) => let_in += 1,
            Heard::Refused(words) => {
                refused += 1;
                verdict.fail(
                    object,
                    format!("would be refused if it were made again: {words}"),
                    "change it so before its pods are next made, or let a SovereigntyPolicy name what it uses",
                );
            }
            Heard::Silent(why) => silent = silent.or(Some((object, why))),
        }
    }
    if let (0, 0, Some((object, why))) = (let_in, refused, silent) {
        return verdict.skip(format!("no dry run came to the guard: {object}: {why}"));
    }
    let all = preview.tried.len();
    verdict.or_ok(format!(
        "{let_in} of {all} objects tried{}{}",
        left_out(preview.left_out),
        silent.map_or_else(String::new, |(object, why)| format!(
            "; the others did not come to the guard, first {object}: {why}"
        ))
    ));
}

fn left_out(count: usize) -> String {
    match count {
        0 => String::new(),
        more => format!(", {more} more left out: ask for one namespace with -n"),
    }
}

fn on_deny(snapshot: &Snapshot, findings: &mut Findings) {
    let mut verdict = findings.check(&ON_DENY);
    let preview = known!(verdict, snapshot.preview);
    for Previewed { object, heard: was } in &preview.tried {
        let Heard::Warned(words) = was else {
            continue;
        };
        for words in words {
            verdict.warn(
                object,
                format!("would be refused: {words}"),
                "before spec.enforcement of its SovereigntyPolicy becomes Deny, change it so, or name in the policy what it uses",
            );
        }
    }
    verdict.or_ok(format!(
        "{} objects tried{}",
        preview.tried.len(),
        left_out(preview.left_out)
    ));
}
