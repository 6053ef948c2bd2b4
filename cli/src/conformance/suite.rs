//! Runs cases in a cluster: canaries are made, every attempt is sent and judged, and whatever was
//! made goes again, however it ends.

use super::ask::{Asked, Asker, Impersonated};
use super::attempt::{Attempt, Identity, Request, Target, Wanted};
use super::canary::Made;
use super::case::{Case, Sight, Way};
use super::copies;
use super::facts::Facts;
use super::fixtures;
use super::grants::Grants;
use super::ground::{Account, Ground};
use super::judge::{Answer, judge};
use super::outcome::{Outcome, Skip};
use super::remote;
use super::report::{CaseReport, Tried};
use anyhow::Result;
use kube::Client;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// How long the API server may take to know the class of a namespace; without a guard it never shows.
const CLASS_KNOWN: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(50);

/// Whom and what a suite runs with.
pub struct Settings {
    /// The operator's account.
    pub operator: Account,
    /// Whether no operator leads.
    pub operator_down: bool,
    /// The other cluster, that is the cloud.
    pub remote: Option<Client>,
}

/// Canaries that stand, and whoever asks. End it with [`Suite::close`].
pub struct Suite {
    client: Client,
    remote: Option<Client>,
    asker: Asker,
    ground: Ground,
    made: Made,
    operator_down: bool,
}

impl Suite {
    /// Reads the ground, and makes canaries for these cases.
    ///
    /// # Errors
    /// The cluster has no inventory, or a canary cannot be made; nothing is left then.
    pub async fn open(
        client: &Client,
        settings: Settings,
        cases: &[&'static Case],
    ) -> Result<Self> {
        let Settings {
            operator,
            operator_down,
            remote,
        } = settings;
        let facts = Facts::read(client).await?;
        let made = Made::namespaces(client).await?;
        let ground = facts.with(made.canaries.clone(), operator);
        let asker = Asker::new(client.clone(), remote.clone(), users(&ground, &made));
        let mut suite = Self {
            client: client.clone(),
            remote,
            asker,
            ground,
            made,
            operator_down,
        };
        match suite.prepare(cases).await {
            Ok(()) => Ok(suite),
            Err(error) => {
                suite.close().await;
                Err(error)
            }
        }
    }

    /// Rights and objects first, the class last: they may stand there from before.
    async fn prepare(&mut self, cases: &[&'static Case]) -> Result<()> {
        if let Some(there) = &self.remote {
            copies::make(&self.client, &self.made.canaries).await?;
            remote::make(there, &self.made.canaries).await?;
            remote::look(there, &mut self.ground).await?;
        }
        let attempts: Vec<Attempt> = cases
            .iter()
            .flat_map(|case| attempts_of(case, &self.ground))
            .collect();
        let fixtures = fixtures::needed(&attempts, &self.ground);
        let asked = attempts.iter().filter_map(|a| a.request.as_ref().ok());
        self.made.grant(&Grants::of(asked.chain(&fixtures))).await?;
        self.made
            .objects(&self.ground, &fixtures, &mut self.asker)
            .await?;
        self.made.make_sensitive().await?;
        let unlawful = self
            .ground
            .pod(&json!({"nodeName": "pinisi-conformance-nowhere"}));
        let pods = Target::core("pods").within(&self.ground.canaries.sensitive);
        let probe = Request::create(pods, unlawful);
        let began = Instant::now();
        while began.elapsed() < CLASS_KNOWN {
            if let Asked::Answered(Answer::No { .. }) = self.asker.ask(&probe).await? {
                break;
            }
            sleep(POLL).await;
        }
        Ok(())
    }

    /// Runs one case.
    ///
    /// # Errors
    /// The server cannot be asked at all.
    pub async fn run(&mut self, case: &'static Case) -> Result<CaseReport> {
        let began = Instant::now();
        let tried = match case.way {
            Way::Requests(_) => self.attempts(attempts_of(case, &self.ground)).await?,
            Way::WithoutOperator(_) if !self.operator_down => {
                vec![skipped(case, Skip::NeedsOperatorDown)]
            }
            Way::WithoutOperator(_) => self.attempts(attempts_of(case, &self.ground)).await?,
            Way::Look(look) => {
                self.look_again().await?;
                match look(&self.ground) {
                    Ok(sights) => sights.into_iter().map(seen).collect(),
                    Err(skip) => vec![skipped(case, skip)],
                }
            }
            Way::Copies(copied) => match &self.remote {
                Some(there) => {
                    let canaries = &self.made.canaries;
                    vec![seen(
                        copies::look(&self.client, there, canaries, copied).await?,
                    )]
                }
                None => vec![skipped(case, Skip::NeedsRemote)],
            },
            Way::Not(skip) => vec![skipped(case, skip)],
        };
        Ok(CaseReport {
            case,
            tried,
            took: began.elapsed(),
        })
    }

    /// Runs whatever these cases try of one rule; what is only looked at is left out.
    ///
    /// # Errors
    /// The server cannot be asked at all.
    pub async fn run_rule(&mut self, rule: &str, cases: &[&'static Case]) -> Result<Vec<Tried>> {
        let attempts = cases
            .iter()
            .filter(|case| matches!(case.way, Way::Requests(_)))
            .flat_map(|case| attempts_of(case, &self.ground))
            .filter(|attempt| attempt.rule == rule)
            .collect();
        self.attempts(attempts).await
    }

    /// What is looked at may have changed since the canaries were made.
    async fn look_again(&mut self) -> Result<()> {
        let facts = Facts::read(&self.client).await?;
        let mut canaries = self.ground.canaries.clone();
        canaries.pod_node = self.made.pod_node().await?;
        self.ground = facts.with(canaries, self.ground.operator.clone());
        if let Some(there) = &self.remote {
            remote::look(there, &mut self.ground).await?;
        }
        Ok(())
    }

    async fn attempts(&mut self, attempts: Vec<Attempt>) -> Result<Vec<Tried>> {
        let mut tried = Vec::with_capacity(attempts.len());
        for attempt in attempts {
            tried.push(self.attempt(attempt).await?);
        }
        Ok(tried)
    }

    async fn attempt(&mut self, attempt: Attempt) -> Result<Tried> {
        let began = Instant::now();
        let (outcome, request, answer) = match &attempt.request {
            Err(skip) => (Outcome::Skipped(*skip), String::new(), String::new()),
            Ok(request) => {
                let (outcome, answer) = match self.asker.ask(request).await? {
                    Asked::NotServed => (Outcome::Skipped(Skip::NotServed), String::new()),
                    Asked::NoRemote => (Outcome::Skipped(Skip::NeedsRemote), String::new()),
                    Asked::Answered(answer) => (
                        judge(&attempt, request, &answer, &self.ground.stamp),
                        Answer::line(&answer),
                    ),
                };
                (outcome, request.words(), answer)
            }
        };
        Ok(Tried {
            rule: attempt.rule.to_owned(),
            name: attempt.name,
            request,
            lawful: match attempt.wanted {
                Wanted::Passed | Wanted::Stamped => true,
                Wanted::Refused | Wanted::RefusedWhereReached(_) | Wanted::RefusedStatically => {
                    false
                }
            },
            outcome,
            answer,
            took: began.elapsed(),
        })
    }

    /// Removes whatever was made.
    pub async fn close(&self) {
        if let Some(there) = &self.remote {
            remote::remove(there, &self.made.canaries).await;
        }
        self.made.remove().await;
    }
}

/// What a case asks for; nothing where it only looks.
#[must_use]
pub fn attempts_of(case: &Case, ground: &Ground) -> Vec<Attempt> {
    match case.way {
        Way::Requests(attempts) => attempts(ground),
        Way::WithoutOperator(again) => super::cases::named(again)
            .flat_map(|case| {
                attempts_of(case, ground).into_iter().map(|mut attempt| {
                    attempt.name = format!("{}: {}", case.id, attempt.name);
                    attempt
                })
            })
            .collect(),
        Way::Look(_) | Way::Copies(_) | Way::Not(_) => Vec::new(),
    }
}

/// Whom the attempts are made as. Rights are given to a group of the run alone, so that no real user
/// of the same name gets any.
fn users(ground: &Ground, made: &Made) -> BTreeMap<Identity, Impersonated> {
    let account = |namespace: &str, name: &str| Impersonated {
        user: format!("system:serviceaccount:{namespace}:{name}"),
        groups: vec![
            "system:serviceaccounts".to_owned(),
            format!("system:serviceaccounts:{namespace}"),
        ],
    };
    let granted = |identity: Identity, user: Option<String>, groups: Vec<String>| {
        let own = made.canaries.group(identity);
        Impersonated {
            user: user.unwrap_or_else(|| own.clone()),
            groups: [groups, vec![own]].concat(),
        }
    };
    let Account { namespace, name } = &ground.operator;
    let node = format!("system:node:{}", ground.away);
    let allowed = &ground.allowed;
    let group = allowed.cloud_groups.first().cloned().into_iter().collect();
    [
        (Identity::Operator, account(namespace, name)),
        (Identity::Canary, granted(Identity::Canary, None, vec![])),
        (
            Identity::CloudNode,
            granted(
                Identity::CloudNode,
                Some(node),
                vec!["system:nodes".to_owned()],
            ),
        ),
        (
            Identity::CloudUser,
            granted(
                Identity::CloudUser,
                allowed.cloud_users.first().cloned(),
                vec![],
            ),
        ),
        (
            Identity::CloudGroup,
            granted(Identity::CloudGroup, None, group),
        ),
        (
            Identity::Approver,
            granted(Identity::Approver, None, vec![]),
        ),
        (
            Identity::ApproverAccount,
            granted(
                Identity::ApproverAccount,
                Some(made.canaries.account(Identity::ApproverAccount)),
                vec!["system:serviceaccounts".to_owned()],
            ),
        ),
        (
            Identity::SliceController,
            account("kube-system", "endpointslice-controller"),
        ),
        (
            Identity::EndpointController,
            account("kube-system", "endpoint-controller"),
        ),
    ]
    .into()
}

fn skipped(case: &Case, skip: Skip) -> Tried {
    Tried {
        rule: String::new(),
        name: case.title.to_owned(),
        request: String::new(),
        lawful: false,
        outcome: Outcome::Skipped(skip),
        answer: String::new(),
        took: Duration::ZERO,
    }
}

fn seen(sight: Sight) -> Tried {
    let Sight { rule, name, seen } = sight;
    let (outcome, answer) = match seen {
        Ok(words) => (Outcome::Passed, words),
        Err(words) => (Outcome::Wrong, words),
    };
    Tried {
        rule,
        name,
        request: String::new(),
        lawful: true,
        outcome,
        answer,
        took: Duration::ZERO,
    }
}
