//! What there is of a Site's nodes, and what is to be written. Pure.

use super::args::AttestOptions;
use crate::snapshot::NodeFact;
use kube::ResourceExt as _;
use pinisi_crds::Site;
use pinisi_crds::site::SiteType;
use pinisi_crds::sovereign_nodes::NodeIdentity;
use pinisi_operator::check::attested::{Change, Standing, judge};
use serde::Serialize;
use std::collections::BTreeMap;

/// A Site with its nodes, and what is to be done.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Every node that carries the Site's labels, and attested ones that are not there, by name.
    pub rows: Vec<Row>,
    /// What was asked and cannot be done.
    pub refusals: Vec<String>,
    /// `spec.attested` after that.
    pub attested: BTreeMap<String, NodeIdentity>,
}

/// One node.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// As it is; as it was attested, where it is not there.
    pub identity: NodeIdentity,
    /// How it stands to what was attested.
    pub standing: Standing,
    /// What is to be done with it.
    pub act: Option<Act>,
}

/// What is done with a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Act {
    /// It is written down as it is.
    Attest,
    /// It is taken off.
    Withdraw,
}

impl Plan {
    /// True where something is to be written.
    pub fn writes(&self) -> bool {
        self.rows.iter().any(|row| row.act.is_some())
    }

    /// True where every node is attested as it is.
    pub fn whole(&self) -> bool {
        let mut standings = self.rows.iter().map(|row| &row.standing);
        standings.all(|standing| *standing == Standing::Attested)
    }

    /// How many nodes this is done with.
    pub fn count(&self, act: Act) -> usize {
        self.rows.iter().filter(|row| row.act == Some(act)).count()
    }
}

/// Plans. `nodes` are those that carry the Site's labels.
pub fn plan(site: &Site, nodes: &[NodeFact], options: &AttestOptions) -> Plan {
    let AttestOptions {
        site: _,
        node: named,
        all,
        remove,
        dry_run: _,
        yes: _,
    } = options;
    let name = site.name_any();
    let mut attested = site.spec.attested.clone().unwrap_or_default();
    let mut refusals = Vec::new();
    match site.spec.type_ {
        SiteType::OnPrem => {}
        SiteType::Cloud | SiteType::Edge => refusals.push(format!(
            "Site {name} is of type {:?}: only nodes of OnPrem Sites are attested, as only they may be sovereign",
            site.spec.type_
        )),
    }
    let mut rows = rows(&attested, nodes);
    let known = |row: &Row| row.standing != Standing::Changed(Change::Missing);
    for row in &mut rows {
        let asked = named.contains(&row.name);
        let virtual_one = matches!(row.standing, Standing::Changed(Change::Virtual { .. }));
        match &row.standing {
            // Of one that is attested as it is there is nothing to write.
            Standing::Attested => {}
            Standing::New if *all || asked => row.act = Some(Act::Attest),
            Standing::Changed(change) if asked && (virtual_one || !known(row)) => {
                refusals.push(format!("node {} {change}", row.name));
            }
            Standing::Changed(_) if asked => row.act = Some(Act::Attest),
            Standing::New | Standing::Changed(_) => {}
        }
        if remove.contains(&row.name) && attested.contains_key(&row.name) {
            row.act = Some(Act::Withdraw);
        }
    }
    for asked in named {
        if !rows.iter().any(|row| row.name == *asked) {
            refusals.push(format!(
                "node {asked} is none of Site {name}: it does not carry the labels of spec.nodes, or is not there; kubectl get node {asked} --show-labels"
            ));
        } else if remove.contains(asked) {
            refusals.push(format!(
                "node {asked} is to be attested and withdrawn: say one of --node and --remove"
            ));
        }
    }
    for asked in remove {
        if !attested.contains_key(asked) {
            refusals.push(format!(
                "node {asked} is not attested in Site {name}: there is nothing to withdraw"
            ));
        }
    }
    for row in &rows {
        match row.act {
            Some(Act::Attest) => _ = attested.insert(row.name.clone(), row.identity.clone()),
            Some(Act::Withdraw) => _ = attested.remove(&row.name),
            None => {}
        }
    }
    Plan {
        rows,
        refusals,
        attested,
    }
}

fn rows(attested: &BTreeMap<String, NodeIdentity>, nodes: &[NodeFact]) -> Vec<Row> {
    let there = nodes.iter().map(|node| Row {
        name: node.name.clone(),
        identity: node.identity.clone(),
        standing: judge(attested.get(&node.name), &node.identity, &node.labels),
        act: None,
    });
    let missing = attested
        .iter()
        .filter(|(name, _)| !nodes.iter().any(|node| node.name == **name))
        .map(|(name, identity)| Row {
            name: name.clone(),
            identity: identity.clone(),
            standing: Standing::Changed(Change::Missing),
            act: None,
        });
    let mut rows: Vec<_> = there.chain(missing).collect();
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    rows
}
