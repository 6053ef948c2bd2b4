//! When the metrics APIs are asked: all questions together each [`INTERVAL`], as an HPA does, and a
//! new question at once. Clusters do not wait for each other.

use super::answers::Ended;
use super::ask::Asker;
use super::question::{Place, Question};
use super::served::Served;
use super::wanted::{self, Wanted};
use crate::gather::remotes::RemoteClients;
use crate::gather::shared::Shared;
use futures::{StreamExt as _, stream};
use jiff::Timestamp;
use kube::Client;
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};
use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

/// Time between two rounds: an HPA's own.
pub const INTERVAL: Duration = Duration::from_secs(15);
/// Questions in flight to one cluster at most.
pub const CONCURRENCY: usize = 16;
/// Changes of workloads within this time are looked at together.
const COALESCE: Duration = Duration::from_millis(200);

/// Clients of this cluster and of those that Sites are.
pub(in crate::gather) struct Clients {
    pub hub: Client,
    pub remotes: RemoteClients,
}

impl Clients {
    /// `None` while a Site's cluster is out of reach.
    fn of(&self, place: &Place) -> Option<Client> {
        match place {
            Place::Hub => Some(self.hub.clone()),
            Place::Site(site) => self.remotes.get(site).map(|remote| remote.client),
        }
    }
}

/// Runs until `stop`.
pub(in crate::gather) async fn supervise(
    shared: Arc<Shared>,
    clients: Clients,
    stop: CancellationToken,
) {
    let mut served: HashMap<Place, Arc<Served>> = HashMap::new();
    let mut rounds = JoinSet::new();
    // Questions of rounds under way, by cluster.
    let mut under_way: HashMap<Place, Wanted> = HashMap::new();
    let mut next = Instant::now();
    loop {
        // Registered before the look, so that no change between the two is missed.
        let changed = shared.workloads_changed.notified();
        let (wanted, idle) = {
            let index = shared.index.read();
            (wanted::of(&index), !wanted::any(&index))
        };
        let forgot = shared.index.write().metrics.keep_only(&wanted);
        if forgot {
            shared.touch();
        }
        served.retain(|place, _| wanted.contains_key(place));
        let due = Instant::now() >= next;
        if due {
            next = Instant::now() + INTERVAL;
        }
        let round = Timestamp::now();
        for (place, wanted) in wanted {
            let asked = if due {
                wanted
            } else {
                missing(&shared, &place, wanted)
            };
            // A cluster that is still being asked is not asked the same again.
            let busy = under_way.get(&place);
            let asked = busy.map_or(asked.clone(), |busy| without(asked, busy));
            if asked == Wanted::default() {
                continue;
            }
            let Some(client) = clients.of(&place) else {
                continue;
            };
            let here = under_way.entry(place.clone()).or_default();
            here.usage.extend(asked.usage.iter().cloned());
            here.lists.extend(asked.lists.iter().cloned());
            let served = served.entry(place.clone()).or_default().clone();
            let asker = Asker::new(client, served);
            let (shared, stop) = (shared.clone(), stop.clone());
            rounds.spawn(async move {
                tokio::select! {
                    () = ask_all(&shared, &asker, &place, &asked, round) => {}
                    () = stop.cancelled() => {}
                }
                (place, asked)
            });
        }
        tokio::select! {
            () = changed => tokio::time::sleep(COALESCE).await,
            () = tokio::time::sleep_until(next), if !idle => {}
            Some(ended) = rounds.join_next() => {
                match ended {
                    Ok((place, asked)) => {
                        if let Some(busy) = under_way.get_mut(&place) {
                            *busy = without(std::mem::take(busy), &asked);
                        }
                    }
                    // Whose it was is not known; to ask twice is better than never again.
                    Err(_) => under_way.clear(),
                }
            }
            () = stop.cancelled() => break,
        }
    }
    rounds.shutdown().await;
}

/// What has no answer yet at all.
fn missing(shared: &Shared, place: &Place, mut wanted: Wanted) -> Wanted {
    let index = shared.index.read();
    if let Some(here) = index.metrics.of(place) {
        wanted.lists.retain(|q| !here.lists.contains_key(q));
        let usage = here.usage.as_ref();
        let covered = usage.is_some_and(|answer| match &answer.good {
            Some(good) => wanted.usage.is_subset(&good.figures.covers),
            None => true,
        });
        if covered {
            wanted.usage.clear();
        }
    }
    wanted
}

fn without(mut wanted: Wanted, busy: &Wanted) -> Wanted {
    wanted.lists.retain(|q| !busy.lists.contains(q));
    if wanted.usage.is_subset(&busy.usage) {
        wanted.usage.clear();
    }
    wanted
}

/// Asks one cluster everything, and puts each answer in its place as it comes.
async fn ask_all(shared: &Shared, asker: &Asker, place: &Place, wanted: &Wanted, round: Timestamp) {
    let mut questions: Vec<_> = wanted.lists.iter().cloned().map(Some).collect();
    if !wanted.usage.is_empty() {
        questions.insert(0, None);
    }
    let answers = stream::iter(questions).map(|question| ask(asker, question, &wanted.usage));
    let mut answers = std::pin::pin!(answers.buffer_unordered(CONCURRENCY));
    while let Some(ended) = answers.next().await {
        let now = Timestamp::now();
        let mut index = shared.index.write();
        index.metrics.take_in(place, ended, round, now);
        drop(index);
        shared.touch();
    }
}

/// One question, or the use of CPU and memory where there is none.
async fn ask(asker: &Asker, question: Option<Question>, namespaces: &BTreeSet<String>) -> Ended {
    match question {
        None => Ended::Usage(asker.usage(namespaces).await),
        Some(question) => {
            let result = asker.list(&question).await;
            Ended::List(question, result)
        }
    }
}

#[cfg(test)]
mod tests;
