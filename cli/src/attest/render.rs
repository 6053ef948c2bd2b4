//! What an attestation shows, for people and for machines.

use super::plan::{Act, Plan, Row};
use crate::handover::Ending;
use crate::output::{Screen, table};
use pinisi_crds::sovereign_nodes::NodeIdentity;
use pinisi_operator::check::attested::{Change, Standing};
use serde::Serialize;
use std::collections::BTreeMap;

/// The JSON's name: fields are only ever added under it.
const FORMAT: &str = "pinisi-attest/v1";

/// What is shown.
#[derive(Serialize, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Shown<'a> {
    format: &'static str,
    site: &'a str,
    nodes: Vec<NodeLine<'a>>,
    refusals: &'a [String],
    attested: &'a BTreeMap<String, NodeIdentity>,
    ending: Ending,
}

/// One node.
#[derive(Serialize, Debug)]
struct NodeLine<'a> {
    name: &'a str,
    uid: &'a str,
    #[serde(rename = "providerID")]
    provider_id: Option<&'a str>,
    #[serde(rename = "machineID")]
    machine_id: Option<&'a str>,
    standing: &'static str,
    why: Option<String>,
    act: Option<Act>,
}

impl<'a> NodeLine<'a> {
    fn of(row: &'a Row) -> Self {
        let NodeIdentity {
            uid,
            provider_id,
            machine_id,
        } = &row.identity;
        let (standing, why) = match &row.standing {
            Standing::Attested => ("Attested", None),
            Standing::New => ("New", None),
            Standing::Changed(Change::Missing) => ("Missing", Some(Change::Missing.to_string())),
            Standing::Changed(change) => ("Changed", Some(change.to_string())),
        };
        Self {
            name: &row.name,
            uid,
            provider_id: provider_id.as_deref(),
            machine_id: machine_id.as_deref(),
            standing,
            why,
            act: row.act,
        }
    }
}

impl<'a> Shown<'a> {
    /// Of a plan, and how it ended.
    pub fn of(site: &'a str, plan: &'a Plan, ending: Ending) -> Self {
        Self {
            format: FORMAT,
            site,
            nodes: plan.rows.iter().map(NodeLine::of).collect(),
            refusals: &plan.refusals,
            attested: &plan.attested,
            ending,
        }
    }

    /// Before anything is written.
    pub fn before(&self, screen: Screen) -> String {
        let mut text = if self.nodes.is_empty() {
            format!("No node carries the labels of Site {}.\n", self.site)
        } else {
            let mut table = table(
                screen,
                &["NODE", "STANDING", "", "UID", "PROVIDERID", "MACHINEID"],
            );
            for line in &self.nodes {
                let act = match line.act {
                    Some(Act::Attest) => "attest",
                    Some(Act::Withdraw) => "withdraw",
                    None => "",
                };
                let (provider, machine) = (line.provider_id, line.machine_id);
                table.add_row([
                    line.name,
                    line.standing,
                    act,
                    line.uid,
                    provider.unwrap_or("-"),
                    machine.unwrap_or("-"),
                ]);
            }
            format!("{table}\n")
        };
        for line in &self.nodes {
            if let Some(why) = &line.why {
                text += &format!("{} {why}\n", line.name);
            }
        }
        for refusal in self.refusals {
            text += &format!("cannot: {refusal}\n");
        }
        text
    }

    /// After it.
    pub fn after(&self, plan: &Plan) -> String {
        let site = self.site;
        let left = plan
            .rows
            .iter()
            .filter(|row| row.act.is_none() && !matches!(row.standing, Standing::Attested));
        let left = left.count();
        match self.ending {
            Ending::Done => format!(
                "Site {site}: {} attested, {} withdrawn; {} in all\n",
                plan.count(Act::Attest),
                plan.count(Act::Withdraw),
                self.attested.len()
            ),
            Ending::Shown if plan.writes() => {
                "dry run: nothing was written; the server accepts it\n".into()
            }
            Ending::Shown => "every node is attested as it is\n".into(),
            Ending::Refused if plan.writes() || !self.refusals.is_empty() => {
                "nothing was written\n".into()
            }
            Ending::Refused => format!(
                "{left} not attested as they are: kubectl pinisi attest {site} --all for new ones, --node NAME for one that has changed, --remove NAME for one that is gone\n"
            ),
            Ending::Stopped | Ending::Unread => "nothing was written\n".into(),
        }
    }
}
