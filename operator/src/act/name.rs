//! Names of sibling Deployments: readable, stable, never too long.

use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// Longest name, so that pods made from it can still be labelled with it.
pub const NAME_MAX: usize = 63;
/// Bytes of the digest in a name that had to be cut.
const DIGEST_BYTES: usize = 4;

/// `TARGET-SITE`; where that is too long it is cut and ends in a digest of the whole.
#[must_use]
pub fn sibling(target: &str, site: &str) -> String {
    let whole = format!("{target}-{site}");
    if whole.len() <= NAME_MAX {
        return whole;
    }
    let digest = hex(&Sha256::digest(whole.as_bytes())[..DIGEST_BYTES]);
    // Names are ASCII by the API's rules; characters and bytes are the same.
    let kept: String = whole.chars().take(NAME_MAX - 1 - digest.len()).collect();
    format!("{}-{digest}", kept.trim_end_matches(['-', '.']))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_is_kept() {
        assert_eq!(sibling("checkin", "cloud-a"), "checkin-cloud-a");
    }

    #[test]
    fn a_long_name_is_cut_stable_and_distinct() {
        let long = "a".repeat(70);
        let name = sibling(&long, "cloud");
        assert!(name.len() <= NAME_MAX, "{name}");
        assert_eq!(name, sibling(&long, "cloud"));
        assert_ne!(name, sibling(&long, "cloud-b"));
        assert_ne!(name, sibling(&"a".repeat(71), "cloud"));
    }

    #[test]
    fn sixty_three_is_not_cut_and_sixty_four_is() {
        let target = "b".repeat(57);
        assert_eq!(sibling(&target, "cloud"), format!("{target}-cloud"));
        let target = "b".repeat(58);
        assert_ne!(sibling(&target, "cloud"), format!("{target}-cloud"));
        assert!(sibling(&target, "cloud").len() <= NAME_MAX);
    }

    #[test]
    fn a_cut_never_ends_in_a_dash_before_the_digest() {
        let target = format!("{}-{}", "c".repeat(53), "d".repeat(20));
        assert!(!sibling(&target, "cloud").contains("--"));
    }
}
