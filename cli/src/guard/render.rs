//! `guard render`: the same objects that the operator applies, from what the cluster or files say.

use super::args::{Pack, RenderOptions};
use crate::args::{Global, Output};
use crate::connect::{Otherwise, connect};
use crate::documents::{documents, files};
use crate::output::print;
use crate::plan::{bring, ground};
use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use pinisi_operator::check::check;
use pinisi_operator::gather::index::Index;
use pinisi_operator::guard::{self, GuardSettings, floor, receiving};
use pinisi_operator::refusals::Refusals;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::process::ExitCode;

/// Prints it.
///
/// # Errors
/// Files or the cluster cannot be read.
pub async fn run(global: &Global, options: &RenderOptions) -> Result<ExitCode> {
    let RenderOptions {
        pack,
        filename,
        operator_namespace,
        service_account,
    } = options;
    let operator_user = format!("system:serviceaccount:{operator_namespace}:{service_account}");
    let documents = match pack {
        Pack::Receiving => bodies(receiving::objects()),
        Pack::Static => floor::documents(&operator_user),
        Pack::Hub => {
            let index = if filename.is_empty() {
                let connection = connect(global, Otherwise::All).await?;
                ground::read(&connection.client, operator_namespace).await?
            } else {
                from_files(filename).await?
            };
            let checked = check(&index, &Refusals::default(), Timestamp::now());
            // Files know no nodes: rules made of them look up what the operator writes.
            let inventories = checked
                .wanted_inventories()
                .into_iter()
                .filter(|_| filename.is_empty());
            let inventories = inventories
                .map(|(name, one)| (name.to_owned(), one.clone()))
                .collect();
            bodies(guard::objects(&GuardSettings {
                operator_user,
                operator_namespace: operator_namespace.clone(),
                policies: checked.guard,
                inventories,
                left: BTreeSet::new(),
            }))
        }
    };
    print(&written(&documents, global.output)?)?;
    Ok(ExitCode::SUCCESS)
}

fn bodies(objects: Vec<guard::GuardObject>) -> Vec<Value> {
    objects.into_iter().map(|object| object.body).collect()
}

async fn from_files(paths: &[std::path::PathBuf]) -> Result<Index> {
    let mut manifests = Vec::new();
    for path in files(paths)? {
        manifests.extend(documents(&path)?);
    }
    let mut index = Index::default();
    let brought = bring::bring(None, &mut index, manifests, "default").await;
    if let Some(refusal) = brought.refusals.first() {
        bail!("{}: {}", refusal.object, refusal.message);
    }
    Ok(index)
}

fn written(documents: &[Value], output: Output) -> Result<String> {
    if output == Output::Json {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": documents});
        return Ok(serde_json::to_string_pretty(&list).context("print")? + "\n");
    }
    let mut text = String::new();
    for document in documents {
        text.push_str("---\n");
        text.push_str(&serde_saphyr::to_string(document).context("print as YAML")?);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_holds_every_object_as_it_is_applied() {
        let documents = bodies(guard::objects(&GuardSettings::default()));
        let text = written(&documents, Output::Yaml).unwrap();
        let read: Vec<Value> = text
            .split("---\n")
            .filter(|part| !part.is_empty())
            .map(|part| serde_saphyr::from_str(part).unwrap())
            .collect();
        assert_eq!(read, documents);
        let json: Value =
            serde_json::from_str(&written(&documents, Output::Json).unwrap()).unwrap();
        assert_eq!(
            json["items"].as_array().map(Vec::len),
            Some(documents.len())
        );
    }

    #[tokio::test]
    async fn files_say_as_much_as_a_cluster() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.yaml");
        std::fs::write(
            &path,
            "apiVersion: pinisi.dev/v1alpha1\nkind: SovereigntyPolicy\nmetadata: {name: records}\nspec: {namespaces: {}, infrastructureNamespaces: [calico-system]}\n",
        )
        .unwrap();
        let index = from_files(&[path]).await.unwrap();
        let checked = check(&index, &Refusals::default(), Timestamp::UNIX_EPOCH);
        assert!(checked.guard.bindings.contains_key("records"));
        assert!(checked.guard.infrastructure.contains("calico-system"));
    }
}
