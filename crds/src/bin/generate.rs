//! Writes the chart's CustomResourceDefinitions from the Rust types, or with `--check` only says
//! which of them drifted.

use anyhow::{Context as _, Result, bail};
use kube::ResourceExt as _;
use std::path::{Path, PathBuf};

const HEADER: &str = "# Generated from crds/src by `cargo generate`; changes here are lost.\n";

fn main() -> Result<()> {
    let check = match std::env::args().nth(1).as_deref() {
        None => false,
        Some("--check") => true,
        Some(other) => {
            bail!("unknown argument {other}: use no argument to write, --check to compare")
        }
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../charts/pinisi/templates/crds");
    let mut drifted = Vec::new();
    for (file, text) in rendered()? {
        let path = folder.join(&file);
        if check {
            if std::fs::read_to_string(&path).ok().as_deref() != Some(text.as_str()) {
                drifted.push(file);
            }
        } else {
            std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
            std::fs::write(&path, text).with_context(|| path.display().to_string())?;
        }
    }
    if !drifted.is_empty() {
        let files: Vec<_> = drifted.iter().map(|f| f.display().to_string()).collect();
        bail!(
            "charts/pinisi/templates/crds differs from the Rust types in {}: run `cargo generate` and commit",
            files.join(", ")
        );
    }
    Ok(())
}

fn rendered() -> Result<Vec<(PathBuf, String)>> {
    pinisi_crds::all()
        .into_iter()
        .map(|mut crd| {
            // Uninstalling the release must not delete what people wrote.
            crd.annotations_mut()
                .insert("helm.sh/resource-policy".into(), "keep".into());
            let body = serde_saphyr::to_string(&crd).with_context(|| crd.name_any())?;
            Ok((
                PathBuf::from(format!("{}.yaml", crd.spec.names.plural)),
                format!("{HEADER}{body}"),
            ))
        })
        .collect()
}
