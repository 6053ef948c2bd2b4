//! Applying manifests to a lab as its admin: what `kubectl apply` would do,
//! where no kubectl is.

use std::path::Path;

use anyhow::{Context, Result, bail};
use kube::api::{Patch, PatchParams};
use kube::core::{DynamicObject, GroupVersionKind};
use kube::discovery::{Scope, pinned_kind};
use kube::{Api, Client};

use crate::lab::Lab;

/// Who the API server notes as the owner of what is applied here.
const FIELD_MANAGER: &str = "pinisi-lab";

impl Lab {
    /// Applies all objects of a YAML text, in its order; those without a
    /// namespace go into `default`. Answers how many there were.
    ///
    /// # Errors
    /// The first object that is none, or that the API server refuses.
    pub async fn apply(&self, yaml: &str) -> Result<usize> {
        apply(&self.admin_client().await?, yaml).await
    }

    /// Applies all `.yaml` files of a folder, by name. Answers how many objects
    /// they hold.
    ///
    /// # Errors
    /// As [`Lab::apply`], and when there is no such file.
    pub async fn apply_folder(&self, folder: &Path) -> Result<usize> {
        let unreadable = || format!("cannot read {}", folder.display());
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder).with_context(unreadable)? {
            let path = entry.with_context(unreadable)?.path();
            if path.extension().is_some_and(|end| end == "yaml") {
                files.push(path);
            }
        }
        if files.is_empty() {
            bail!("no .yaml file in {}", folder.display());
        }
        files.sort();
        let mut applied = 0;
        for path in files {
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            applied += self
                .apply(&text)
                .await
                .with_context(|| format!("in {}", path.display()))?;
        }
        Ok(applied)
    }
}

/// All objects of a YAML text, in its order.
pub(crate) async fn apply(client: &Client, yaml: &str) -> Result<usize> {
    let objects: Vec<Option<DynamicObject>> =
        serde_saphyr::from_multiple(yaml).context("not Kubernetes objects in YAML")?;
    let mut applied = 0;
    for object in objects.into_iter().flatten() {
        apply_one(client, &object).await?;
        applied += 1;
    }
    Ok(applied)
}

async fn apply_one(client: &Client, object: &DynamicObject) -> Result<()> {
    let name = object
        .metadata
        .name
        .as_deref()
        .context("an object has no name")?;
    let types = object.types.as_ref().context("an object has no kind")?;
    let kind = GroupVersionKind::try_from(types)
        .with_context(|| format!("{} is no apiVersion", types.api_version))?;
    let (resource, capabilities) = pinned_kind(client, &kind)
        .await
        .with_context(|| format!("the API server has no {} {}", types.api_version, types.kind))?;
    let api: Api<DynamicObject> = match capabilities.scope {
        Scope::Cluster => Api::all_with(client.clone(), &resource),
        Scope::Namespaced => {
            let namespace = object.metadata.namespace.as_deref().unwrap_or("default");
            Api::namespaced_with(client.clone(), namespace, &resource)
        }
    };
    let params = PatchParams::apply(FIELD_MANAGER).force();
    api.patch(name, &params, &Patch::Apply(object))
        .await
        .with_context(|| format!("{} {name} was refused", types.kind))?;
    Ok(())
}
