//! Makes one step of a release and waits for its effect. Where home does not hold everything the
//! workload is put back as it was.

use super::plan::Step;
use super::until::{Look, look};
use super::{Work, read};
use crate::handover::autoscaler::PAUSED;
use crate::handover::cluster::{CONFLICT, code};
use crate::handover::fields::{annotation, name};
use crate::handover::progress::POLL;
use crate::handover::record::Taken;
use crate::handover::{Facts, Workload};
use anyhow::{Result, anyhow, bail};
use jiff::{SignedDuration, Timestamp};
use pinisi_crds::hybrid_workload::Mode;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The override of a release ends by itself after this time, should nobody go on with it.
const OVERRIDE_FOR: SignedDuration = SignedDuration::from_mins(30);
/// How long the operator may take to empty a site that home stands in for.
const EMPTY_LIMIT: Duration = Duration::from_secs(180);
/// How long it is waited for the operator to read mode Paused. It reads it before anything else
/// that it does, so that it is no matter where it is down.
const PAUSE_LIMIT: Duration = Duration::from_secs(15);
/// How long an autoscaler may take to look: an HPA does each 15 s, KEDA makes its own first.
const AUTOSCALER_LIMIT: Duration = Duration::from_secs(90);
/// How long the object may take to go.
const DELETE_LIMIT: Duration = Duration::from_secs(120);
/// Tries of an undoing write.
const TRIES: usize = 5;

impl Work<'_> {
    /// Makes it and waits until it has had its effect.
    ///
    /// # Errors
    /// It was refused, or did not have its effect in time. Code 409 where something moved.
    pub(super) async fn perform(&mut self, step: &Step, facts: &Facts) -> Result<()> {
        let workload = facts
            .workload
            .as_ref()
            .ok_or_else(|| anyhow!("the HybridWorkload is gone"))?;
        match step {
            Step::RaiseHome {
                site,
                replicas,
                away,
            } => {
                self.pin(workload, site, *replicas, away).await?;
                let limit = Duration::from_secs(self.options.wait);
                match self.wait(step, limit).await {
                    Ok(()) => Ok(()),
                    Err(error) => self.does_not_fit(site, *replicas, away, error).await,
                }
            }
            Step::EmptyAway {
                site,
                replicas,
                away,
            } => {
                let empty = away.iter().map(|site| (site.clone(), 0)).collect();
                let replicas = self.fits.unwrap_or(*replicas);
                self.pin(workload, site, replicas, &empty).await?;
                self.wait(step, EMPTY_LIMIT).await
            }
            Step::Pause => {
                self.change(workload, json!({ "mode": "Paused", "override": null }))
                    .await?;
                if let Err(error) = self.wait(step, PAUSE_LIMIT).await {
                    self.progress.say(&format!("going on: {error:#}"));
                }
                Ok(())
            }
            Step::RestoreAutoscaler { taken, .. } => {
                self.restore(facts, workload, *taken).await?;
                self.wait(step, AUTOSCALER_LIMIT).await
            }
            Step::DeleteWorkload => {
                if !workload.deleting() {
                    self.cluster.delete_workload(workload).await?;
                }
                self.wait(step, DELETE_LIMIT).await
            }
        }
    }

    /// Writes a spec, and notes that the release is under way.
    async fn change(&self, workload: &Workload, spec: Value) -> Result<()> {
        let mut record = workload.record().cloned().unwrap_or_default();
        record.releasing_since.get_or_insert(Timestamp::now());
        record.mode_before.get_or_insert(workload.mode());
        self.cluster
            .change_workload(workload, Some(spec), &record)
            .await
    }

    async fn pin(
        &self,
        workload: &Workload,
        home: &str,
        replicas: i32,
        away: &BTreeMap<String, i32>,
    ) -> Result<()> {
        let until = Timestamp::now() + OVERRIDE_FOR;
        let named = workload.sites();
        // Sites that the placement does not name any more are left by themselves.
        let pins = away
            .iter()
            .filter(|(site, _)| named.is_empty() || named.contains(&site.as_str()))
            .map(|(site, replicas)| json!({ "name": site, "replicas": replicas }));
        let sites: Vec<_> = std::iter::once(json!({ "name": home, "replicas": replicas }))
            .chain(pins)
            .collect();
        let elsewhere = away.values().fold(0_i32, |sum, n| sum.saturating_add(*n));
        let total = replicas.saturating_add(elsewhere);
        let word = json!({ "total": total, "sites": sites, "until": until.to_string() });
        self.change(workload, json!({ "mode": "Active", "override": word }))
            .await
    }

    /// Home does not hold everything: with `--force-partial` what fits is enough, else the workload
    /// goes on as before.
    async fn does_not_fit(
        &mut self,
        site: &str,
        replicas: i32,
        away: &BTreeMap<String, i32>,
        error: anyhow::Error,
    ) -> Result<()> {
        let facts = read(self.cluster, self.options).await?;
        let ready = facts.scalable.as_ref().map_or(0, |found| found.ready);
        let rest = replicas.saturating_sub(ready);
        if facts.running() >= replicas && rest > 0 && self.options.force_partial {
            self.progress.say(&format!(
                "home ({site}) holds {ready} of {replicas}; going on with those, as you said with --force-partial"
            ));
            self.fits = Some(ready);
            return Ok(());
        }
        let names: Vec<_> = away.keys().map(String::as_str).collect();
        self.put_back(site, away).await?;
        if facts.running() >= replicas && rest > 0 {
            bail!(
                "home ({site}) holds {ready} of {replicas} replicas: {rest} do not fit and serve on at {}. Nothing was taken away there. Add room at home or wait for less load; --force-partial goes on without the {rest}, --wait gives home more time",
                names.join(", ")
            );
        }
        Err(error.context("nothing was taken away elsewhere"))
    }

    /// Takes back what waits at home in vain, and only then lets the workload go its own way: else
    /// it would count what waits, and take away what serves.
    async fn put_back(&mut self, site: &str, away: &BTreeMap<String, i32>) -> Result<()> {
        for _ in 0..TRIES {
            let facts = read(self.cluster, self.options).await?;
            let (Some(workload), Some(scalable)) = (&facts.workload, &facts.scalable) else {
                return Ok(());
            };
            let pinned = if scalable.replicas > scalable.ready && workload.mode() == Mode::Active {
                let holds = scalable.ready;
                let done = self.pin(workload, site, holds, away).await;
                if done.is_ok() {
                    self.wait_for_count(holds).await?;
                }
                done
            } else {
                let mut record = workload.record().cloned().unwrap_or_default();
                record.releasing_since = None;
                let mode = record.mode_before.take().unwrap_or(workload.mode());
                let spec = json!({ "mode": mode, "override": null });
                let done = self
                    .cluster
                    .change_workload(workload, Some(spec), &record)
                    .await;
                if done.is_ok() {
                    return Ok(());
                }
                done
            };
            match pinned {
                Err(again) if code(&again) != Some(CONFLICT) => return Err(again),
                Ok(()) | Err(_) => {}
            }
        }
        bail!("the override could not be taken off; it ends by itself, see spec.override.until")
    }

    /// Waits until the target has this count, or gives up: then nothing gets worse by going on.
    async fn wait_for_count(&mut self, replicas: i32) -> Result<()> {
        let since = Instant::now();
        while since.elapsed() < PAUSE_LIMIT {
            let facts = read(self.cluster, self.options).await?;
            if facts.running() <= replicas {
                break;
            }
            self.progress
                .wait("the operator to take back what does not fit", since);
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    async fn restore(&self, facts: &Facts, workload: &Workload, taken: Taken) -> Result<()> {
        let saved = workload
            .record()
            .and_then(|record| record.autoscaler.as_ref())
            .ok_or_else(|| anyhow!("the saved autoscaler is gone; run this again"))?;
        let there = facts
            .autoscalers
            .iter()
            .any(|found| found.name() == name(&saved.manifest));
        match taken {
            Taken::Paused if there => {
                let before = annotation(&saved.manifest, PAUSED);
                self.cluster.pause(name(&saved.manifest), before).await
            }
            Taken::Paused | Taken::Deleted => self.cluster.create_autoscaler(&saved.manifest).await,
        }
    }

    /// Waits until a step has had its effect.
    async fn wait(&mut self, step: &Step, limit: Duration) -> Result<()> {
        let since = Instant::now();
        loop {
            let facts = read(self.cluster, self.options).await?;
            let what = match look(step, &facts) {
                Look::Done => return Ok(()),
                Look::Failed(why) => bail!(why),
                Look::Wait(what) => what,
            };
            if since.elapsed() > limit {
                bail!("waited {} s for {what}", limit.as_secs());
            }
            self.progress.wait(&what, since);
            tokio::time::sleep(POLL).await;
        }
    }
}
