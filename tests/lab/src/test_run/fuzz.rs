//! Whatever comes from outside, made up by libFuzzer: which targets there are, and how one is run. They
//! are a workspace of their own in `fuzz/`, so that no other build has libFuzzer in it. What it found
//! worth keeping stays in the target folder; a text that made a target fail too.

use std::path::Path;

use anyhow::{Context, Result};

/// Each a file in `fuzz/fuzz_targets` with texts to begin with in `fuzz/corpus`.
pub const TARGETS: [&str; 4] = ["trace", "cron", "resources", "oracle"];
/// How long each runs.
const SECONDS: u32 = 30;
/// Longer than this for one text is a failure.
const TEXT_SECONDS: u32 = 20;
/// Longest text that is made up, in bytes.
const TEXT_BYTES: u32 = 4096;
/// Where builds and findings go, in the checkout.
const FOLDER: &str = "target/fuzz";
/// Coverage is for the targets alone, not for build scripts; hence a target that is named.
const HOST: &str = "host-tuple";

/// cargo's words for one target.
#[must_use]
pub fn args(target: &str) -> Vec<String> {
    let words = format!(
        "--config fuzz/coverage.toml run --release --manifest-path fuzz/Cargo.toml \
         --target-dir {FOLDER} --target {HOST} --bin {target} -- \
         {FOLDER}/corpus/{target} fuzz/corpus/{target} -artifact_prefix={FOLDER}/{target}- \
         -max_total_time={SECONDS} -timeout={TEXT_SECONDS} -max_len={TEXT_BYTES} -print_final_stats=1"
    );
    words.split_whitespace().map(str::to_owned).collect()
}

/// Folders that libFuzzer wants to find.
///
/// # Errors
/// When one cannot be made.
pub fn prepare(checkout: &Path) -> Result<()> {
    for target in TARGETS {
        let folder = checkout.join(FOLDER).join("corpus").join(target);
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkout::checkout;

    #[test]
    fn each_target_is_there_with_texts_to_begin_with() {
        let fuzz = checkout().join("fuzz");
        let manifest = std::fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
        let bins = manifest.matches("[[bin]]").count();
        assert_eq!(bins, TARGETS.len(), "a target that nobody runs");
        for target in TARGETS {
            assert!(fuzz.join(format!("fuzz_targets/{target}.rs")).is_file());
            let seeds = std::fs::read_dir(fuzz.join("corpus").join(target)).unwrap();
            assert!(seeds.count() > 0, "{target}");
        }
    }
}
