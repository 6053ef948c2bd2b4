use super::super::answers::PlaceAnswers;
use super::super::question::Question;
use super::super::standin::{one, server};
use super::*;
use crate::gather::wire_custom::WorkloadWire;
use serde_json::json;

#[allow(clippy::needless_pass_by_value)] // so that calls stay short
fn workload(name: &str, metrics: serde_json::Value) -> WorkloadWire {
    serde_json::from_value(json!({"metadata": {"name": name, "namespace": "shop", "uid": name},
        "spec": {"class": "MassTraffic", "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "autoscaling": {"maxReplicas": 9, "metrics": metrics}}}))
    .unwrap()
}

fn queue(name: &str) -> serde_json::Value {
    json!([{"type": "External", "external": {"metric": {"name": name}, "target": {"type": "AverageValue", "averageValue": 30}}}])
}

fn question(name: &str) -> Question {
    Question::External {
        namespace: "shop".into(),
        metric: name.into(),
        labels: String::new(),
    }
}

fn put(shared: &Shared, workload: WorkloadWire) {
    shared.index.write().apply_workload(workload.into());
    shared.workloads_changed.notify_one();
}

/// Waits until the hub's answers are as wanted.
async fn until(shared: &Shared, is: impl Fn(&PlaceAnswers) -> bool) {
    for _ in 0..200 {
        if shared.index.read().metrics.of(&Place::Hub).is_some_and(&is) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{:?}", shared.index.read().metrics);
}

#[tokio::test]
async fn asks_at_once_what_is_new_and_nothing_where_nobody_has_metrics() {
    let (hub, asked) = server(|path| (!path.contains("hangs")).then(|| one("4"))).await;
    let shared = Arc::new(Shared::new());
    let stop = CancellationToken::new();
    let remotes = RemoteClients::new(shared.clone());
    let running = tokio::spawn(supervise(
        shared.clone(),
        Clients { hub, remotes },
        stop.clone(),
    ));
    let plain = json!({"metadata": {"name": "plain", "namespace": "shop", "uid": "p"},
        "spec": {"class": "Sensitive", "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "plain"}}});
    put(&shared, serde_json::from_value(plain).unwrap());
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert!(asked.lock().is_empty(), "{:?}", asked.lock());

    put(&shared, workload("web", queue("orders")));
    let good = |name: &'static str| {
        move |here: &PlaceAnswers| {
            let answer = here.lists.get(&question(name));
            answer.is_some_and(|a| a.good.is_some())
        }
    };
    until(&shared, good("orders")).await;
    // One that never answers holds up no other, and the same question is not asked twice.
    put(&shared, workload("slow", queue("hangs")));
    put(&shared, workload("same", queue("orders")));
    put(&shared, workload("late", queue("mails")));
    until(&shared, good("mails")).await;
    let count = |name: &str| asked.lock().iter().filter(|p| p.contains(name)).count();
    assert_eq!((count("orders"), count("mails"), count("hangs")), (1, 1, 1));

    let gone = shared
        .index
        .write()
        .delete_workload(&crate::gather::facts::ObjectKey {
            namespace: "shop".into(),
            name: "late".into(),
        });
    assert!(gone);
    shared.workloads_changed.notify_one();
    until(&shared, |here| !here.lists.contains_key(&question("mails"))).await;
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn a_failure_leaves_the_last_good_answer() {
    let mut answers = crate::gather::metrics::answers::MetricAnswers::default();
    let at = |second| Timestamp::from_second(second).unwrap();
    let list = |result| Ended::List(question("orders"), result);
    let figures = super::super::wire::figures(one("4").1.as_bytes()).unwrap();
    answers.take_in(&Place::Hub, list(Ok(figures.clone())), at(1), at(2));
    let fault =
        crate::gather::metrics::fault::MetricsFault::Empty(super::super::question::Api::External);
    answers.take_in(&Place::Hub, list(Err(fault.clone())), at(16), at(17));
    let here = answers.of(&Place::Hub).unwrap();
    let answer = &here.lists[&question("orders")];
    assert_eq!((answer.asked, &answer.fault), (at(16), &Some(fault)));
    let good = answer.good.as_ref().unwrap();
    assert_eq!((good.at, &*good.figures), (at(2), &figures));
    let words: Vec<_> = answers
        .asked
        .iter()
        .map(|((_, word), n)| (*word, *n))
        .collect();
    assert_eq!(words, [("Empty", 1), ("ok", 1)]);
}
