//! Makes one step and waits for its effect. What fails half-way is undone where that is safer than
//! leaving it: only the activation is.

use super::plan::{Step, floor};
use super::until::{Look, limit, look};
use super::{Work, look as read};
use crate::handover::cluster::{CONFLICT, code};
use crate::handover::progress::POLL;
use crate::handover::record::Taken;
use crate::handover::{Autoscaler, Facts, Floor, Record, Saved, Workload};
use anyhow::{Result, anyhow, bail};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::time::Instant;

/// Tries of a write whose object's status moves meanwhile.
const TRIES: usize = 8;

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
        let mut record = workload.record().cloned().unwrap_or_default();
        match step {
            Step::SaveAutoscaler { taken, .. } => {
                let holder = held(facts)?;
                record.autoscaler = Some(Saved {
                    taken: *taken,
                    manifest: holder.manifest(),
                });
                self.cluster.change_workload(workload, None, &record).await
            }
            Step::Activate { floor, replicas } => {
                let spec = active(workload, *floor, *replicas, &mut record);
                record.started_replicas.get_or_insert(facts.running());
                record.finished_at = None;
                self.cluster
                    .change_workload(workload, Some(spec), &record)
                    .await?;
                match self.wait(step).await {
                    Ok(()) => Ok(()),
                    Err(error) => Err(self.back_to_observe(error).await),
                }
            }
            Step::RemoveAutoscaler { taken, .. } => {
                self.remove(facts, *taken).await?;
                self.wait(step).await
            }
            Step::OwnCount { .. } => {
                let scalable = facts.scalable.as_ref();
                let scalable = scalable.ok_or_else(|| anyhow!("{} is gone", facts.target))?;
                self.cluster.own_count(scalable).await?;
                self.wait(step).await?;
                self.held_from_now().await
            }
            Step::HoldFloor { seconds, .. } => self.hold(step, *seconds).await,
            Step::LowerFloor { min_replicas } => {
                record.floor = None;
                record.finished_at = Some(Timestamp::now());
                let spec = json!({ "autoscaling": { "minReplicas": min_replicas } });
                self.cluster
                    .change_workload(workload, Some(spec), &record)
                    .await
            }
            Step::Complete => {
                record.held_since.get_or_insert(Timestamp::now());
                record.finished_at = Some(Timestamp::now());
                self.cluster.change_workload(workload, None, &record).await
            }
        }
    }

    /// Waits until a step has had its effect.
    async fn wait(&mut self, step: &Step) -> Result<()> {
        let since = Instant::now();
        loop {
            let (facts, _) = read(self.cluster, self.options).await?;
            let what = match look(step, &facts) {
                Look::Done => return Ok(()),
                Look::Failed(why) => bail!(why),
                Look::Wait(what) => what,
            };
            if since.elapsed() > limit(step) {
                bail!(
                    "waited {} s for {what}; is it running? kubectl pinisi check",
                    limit(step).as_secs()
                );
            }
            self.progress.wait(&what, since);
            tokio::time::sleep(POLL).await;
        }
    }

    /// The autoscaler holds the count still: nothing is lost by going back.
    async fn back_to_observe(&mut self, error: anyhow::Error) -> anyhow::Error {
        for _ in 0..TRIES {
            let Ok((facts, _)) = read(self.cluster, self.options).await else {
                continue;
            };
            let (Some(workload), true) = (&facts.workload, facts.holder().is_some()) else {
                return error;
            };
            let mut record = workload.record().cloned().unwrap_or_default();
            let mut spec = json!({ "mode": "Observe" });
            if let Some(Floor { min_before, .. }) = record.floor.take() {
                spec["autoscaling"] = json!({ "minReplicas": min_before });
            }
            match self
                .cluster
                .change_workload(workload, Some(spec), &record)
                .await
            {
                Ok(()) => {
                    return error.context("mode is Observe again, the autoscaler holds the count");
                }
                Err(again) if code(&again) == Some(CONFLICT) => {}
                Err(_) => break,
            }
        }
        error.context("mode is still Active, and the autoscaler holds the count; resume or release")
    }

    /// Deletes or pauses what was saved. The floor follows the count until the very moment.
    async fn remove(&mut self, facts: &Facts, taken: Taken) -> Result<()> {
        let mut facts = facts.clone();
        for _ in 0..TRIES {
            if let Some(workload) = &facts.workload
                && let Some(floor) = floor(&facts, workload)
            {
                let mut record = workload.record().cloned().unwrap_or_default();
                let spec = active(workload, Some(floor), None, &mut record);
                self.cluster
                    .change_workload(workload, Some(spec), &record)
                    .await?;
                self.wait(&Step::Activate {
                    floor: Some(floor),
                    replicas: None,
                })
                .await?;
                (facts, _) = read(self.cluster, self.options).await?;
                continue;
            }
            let Some(holder) = facts.holder() else {
                return Ok(());
            };
            let record = facts.workload.as_ref().and_then(Workload::record);
            let saved = record.and_then(|record| record.autoscaler.as_ref());
            if saved.is_none_or(|saved| saved.manifest != holder.manifest()) {
                // Planning again saves it as it is now.
                return Ok(());
            }
            let done = match taken {
                Taken::Deleted => self.cluster.delete_autoscaler(holder.object()).await,
                Taken::Paused => self.cluster.pause(holder.name(), Some("true")).await,
            };
            match done {
                // Its status moves all the time; it is the spec that must be as saved.
                Err(error) if code(&error) == Some(CONFLICT) => {
                    (facts, _) = read(self.cluster, self.options).await?;
                }
                other => return other,
            }
        }
        bail!("the autoscaler changes all the time; try again in a quieter moment")
    }

    /// Notes since when the operator holds the count, and lets the floor follow a last write of the
    /// autoscaler.
    async fn held_from_now(&mut self) -> Result<()> {
        let (facts, _) = read(self.cluster, self.options).await?;
        let Some(workload) = &facts.workload else {
            bail!("the HybridWorkload is gone");
        };
        let mut record = workload.record().cloned().unwrap_or_default();
        let first = record.held_since.is_none();
        record.held_since.get_or_insert(Timestamp::now());
        let late = floor(&facts, workload).filter(|_| first);
        let spec = late.map(|floor| active(workload, Some(floor), None, &mut record));
        self.cluster.change_workload(workload, spec, &record).await
    }

    async fn hold(&mut self, step: &Step, seconds: i32) -> Result<()> {
        let since = Instant::now();
        loop {
            let (facts, _) = read(self.cluster, self.options).await?;
            let what = match look(step, &facts) {
                Look::Failed(why) => bail!(why),
                Look::Done => String::new(),
                Look::Wait(what) => what,
            };
            let record = facts.workload.as_ref().and_then(Workload::record);
            let held = record.and_then(|record| record.held_since);
            let Some(held) = held else {
                // Planning again takes hold of the count first.
                return Ok(());
            };
            let window = SignedDuration::from_secs(i64::from(seconds));
            if facts.now.duration_since(held) >= window {
                return Ok(());
            }
            self.progress.wait(&what, since);
            tokio::time::sleep(POLL * 2).await;
        }
    }
}

fn held(facts: &Facts) -> Result<&Autoscaler> {
    facts
        .holder()
        .ok_or_else(|| anyhow!("the autoscaler is gone; run this again"))
}

/// The spec of an Active workload, and the floor that its record keeps.
fn active(
    workload: &Workload,
    floor: Option<i32>,
    replicas: Option<i32>,
    record: &mut Record,
) -> Value {
    let mut spec = json!({ "mode": "Active" });
    if let Some(floor) = floor {
        let min_before = record
            .floor
            .map_or(workload.min_said(), |before| before.min_before);
        record.floor = Some(Floor {
            replicas: floor,
            min_before,
        });
        spec["autoscaling"] = json!({ "minReplicas": floor });
    }
    if let Some(replicas) = replicas {
        spec["replicas"] = json!(replicas);
    }
    spec
}
