//! Where this checkout is: the one that this program was built from.

use std::path::{Path, PathBuf};

/// The checkout's folder.
#[must_use]
pub fn checkout() -> PathBuf {
    let lab = Path::new(env!("CARGO_MANIFEST_DIR"));
    lab.ancestors().nth(2).unwrap_or(lab).to_owned()
}
