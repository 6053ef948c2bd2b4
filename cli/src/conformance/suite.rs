//! Runs cases in a cluster: canaries are made, every attempt is sent and judged, and whatever was
//! made goes again, however it ends.

use super::ask::{Asked, Asker, Impersonated};
use super::attempt::{Attempt, Identity, Wanted};
use super::canary::{self, Made};
use super::case::{Case, Sight, Way};
use super::grants::Grants;
use super::ground::{Account, Facts, Ground};
use super::judge::{Answer, judge};
use super::objects::IMAGE;
use super::outcome::{Outcome, Skip};
use super::report::{CaseReport, Tried};
use anyhow::Result;
use kube::Client;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

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
        let made = canary::make(client, &facts, IMAGE).await?;
        let ground = facts.with(made.canaries.clone(), operator);
        let users = users(&ground, &made.user());
        let attempts: Vec<Attempt> = cases
            .iter()
            .flat_map(|case| attempts_of(case, &ground))
            .collect();
        let names = users
            .iter()
            .map(|(identity, who)| (*identity, who.user.clone()))
            .collect();
        let suite = Self {
            client: client.clone(),
            asker: Asker::new(client.clone(), remote, users),
            ground,
            made,
            operator_down,
        };
        match suite.made.grant(&Grants::of(&attempts, names)).await {
            Ok(()) => Ok(suite),
            Err(error) => {
                suite.close().await;
                Err(error)
            }
        }
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
                look(&self.ground).into_iter().map(seen).collect()
            }
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
                Wanted::Refused | Wanted::RefusedStatically => false,
            },
            outcome,
            answer,
            took: began.elapsed(),
        })
    }

    /// Removes whatever was made.
    pub async fn close(&self) {
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
        Way::Look(_) | Way::Not(_) => Vec::new(),
    }
}

fn users(ground: &Ground, canary: &str) -> BTreeMap<Identity, Impersonated> {
    let own = |user: String, groups: &[String]| Impersonated {
        user,
        groups: groups.to_vec(),
    };
    let accounts = [
        "system:serviceaccounts".to_owned(),
        format!("system:serviceaccounts:{}", ground.operator.namespace),
    ];
    BTreeMap::from([
        (Identity::Operator, own(ground.operator.user(), &accounts)),
        (Identity::Canary, own(canary.to_owned(), &[])),
        (
            Identity::CloudNode,
            own(
                format!("system:node:{}", ground.away),
                &["system:nodes".to_owned()],
            ),
        ),
    ])
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
