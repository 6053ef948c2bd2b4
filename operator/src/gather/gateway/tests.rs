//! A whole source against real sockets: what stands in the index in the end.

use super::super::index::Index;
use super::super::signals::{Clients, supervise};
use super::super::wire_custom::SourceWire;
use super::*;
use serde_json::json;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// A gateway whose counter grows by a hundred a second while it is up.
struct Fake {
    address: String,
    up: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
    stall: Arc<AtomicU64>,
}

async fn fake() -> Fake {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/metrics", listener.local_addr().unwrap());
    let (up, asked, stall) = (
        Arc::new(AtomicBool::new(true)),
        Arc::new(AtomicUsize::new(0)),
        Arc::new(AtomicU64::new(0)),
    );
    let (is_up, count, pause) = (up.clone(), asked.clone(), stall.clone());
    let begun = Instant::now();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = [0u8; 4096];
            let _ = socket.read(&mut request).await;
            count.fetch_add(1, Relaxed);
            let pause = Duration::from_millis(pause.load(Relaxed));
            let status = if is_up.load(Relaxed) {
                "200 OK"
            } else {
                "503 Service Unavailable"
            };
            tokio::spawn(async move {
                tokio::time::sleep(pause).await;
                let total = begun.elapsed().as_secs_f64() * 100.0;
                let body = format!(
                    "# TYPE r_total counter\nr_total{{namespace=\"a\",workload=\"b\"}} {total}\n"
                );
                let head = format!(
                    "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                let _ = socket.write_all(format!("{head}{body}").as_bytes()).await;
            });
        }
    });
    Fake {
        address,
        up,
        asked,
        stall,
    }
}

fn source(shared: &Shared, addresses: &[&str]) {
    let gateways: Vec<_> = addresses.iter().map(|a| json!({"address": a})).collect();
    let wire: SourceWire =
        serde_json::from_value(json!({"metadata": {"name": "gw", "uid": "u"}, "spec": {
            "gateways": gateways, "intervalMilliseconds": 100, "staleAfterSeconds": 5,
            "queries": [{"name": "rps", "metric": "r_total", "rateWindowMilliseconds": 400}],
        }}))
        .unwrap();
    shared.index.write().apply_source(wire.into());
    shared.sources_changed.notify_one();
}

/// The load of the one workload, and its age.
fn load(index: &Index) -> Option<(f64, SignedDuration)> {
    let answer = index.answers.get("gw")?.get("rps")?;
    let sample = answer.figures.get("a")?.get("b")?;
    Some((
        sample.text.parse().ok()?,
        Timestamp::now().duration_since(sample.at?),
    ))
}

async fn until(shared: &Shared, what: &str, wanted: impl Fn(&Index) -> bool) {
    let mut changes = shared.changes.subscribe();
    let look = async {
        while !wanted(&shared.index.read()) {
            changes.changed().await.unwrap();
        }
    };
    let timed = tokio::time::timeout(Duration::from_secs(20), look).await;
    assert!(
        timed.is_ok(),
        "not in time: {what}; {:?} {:?}",
        shared.index.read().answers,
        shared.index.read().gateways
    );
}

#[tokio::test]
async fn two_gateways_are_summed_one_dies_and_the_sum_becomes_stale_and_not_small() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let shared = Arc::new(Shared::new());
    let stop = CancellationToken::new();
    let task = tokio::spawn(supervise(
        shared.clone(),
        Clients::new().unwrap(),
        stop.clone(),
    ));
    let (one, two) = (fake().await, fake().await);
    source(&shared, &[&one.address, &two.address]);
    let near =
        |n: f64| move |index: &Index| load(index).is_some_and(|(l, _)| (l - n).abs() < n * 0.2);
    until(&shared, "the sum of both, young", |index| {
        near(200.0)(index) && load(index).is_some_and(|(_, age)| age < SignedDuration::from_secs(1))
    })
    .await;
    // Slower than the interval: the other one's figures do not wait for it.
    two.stall.store(700, Relaxed);
    let before = one.asked.load(Relaxed);
    let pause = Instant::now();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (asked, ticks) = (
        one.asked.load(Relaxed) - before,
        pause.elapsed().as_millis() / 100,
    );
    assert!(
        (5..=usize::try_from(ticks).unwrap() + 2).contains(&asked),
        "{asked} in {ticks} ticks"
    );
    two.stall.store(0, Relaxed);

    two.up.store(false, Relaxed);
    let failing = |index: &Index| {
        index.gateways["gw"]
            .iter()
            .any(|g| g.error == Some(GatewayError::Status(503)) && g.failing_since.is_some())
    };
    until(&shared, "one fails", failing).await;
    assert!(
        near(200.0)(&shared.index.read()),
        "held: {:?}",
        load(&shared.index.read())
    );
    until(&shared, "the sum is stale", |index| {
        load(index).is_some_and(|(_, age)| age >= SignedDuration::from_secs(5))
    })
    .await;
    assert!(
        near(200.0)(&shared.index.read()),
        "{:?}",
        load(&shared.index.read())
    );
    // A failing one is asked ever more seldom.
    let before = two.asked.load(Relaxed);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(two.asked.load(Relaxed) - before <= 2);

    two.up.store(true, Relaxed);
    until(&shared, "both again, young", |index| {
        near(200.0)(index) && load(index).is_some_and(|(_, age)| age < SignedDuration::from_secs(1))
    })
    .await;
    // One is taken out of the spec.
    source(&shared, &[&one.address]);
    until(&shared, "only one", |index| {
        near(100.0)(index) && index.gateways["gw"].len() == 1
    })
    .await;
    shared.index.write().delete_source("gw");
    shared.sources_changed.notify_one();
    until(&shared, "nothing of it is left", |index| {
        index.answers.is_empty() && index.gateways.is_empty()
    })
    .await;
    stop.cancel();
    task.await.unwrap();
}

#[tokio::test]
async fn more_gateways_than_allowed_are_not_asked() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let shared = Arc::new(Shared::new());
    let stop = CancellationToken::new();
    let task = tokio::spawn(supervise(
        shared.clone(),
        Clients::new().unwrap(),
        stop.clone(),
    ));
    let one = fake().await;
    let many: Vec<_> = (0..=GATEWAYS_MAX)
        .map(|n| format!("{}?{n}", one.address))
        .collect();
    source(
        &shared,
        &many.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(one.asked.load(Relaxed), 0);
    source(&shared, &[&one.address]);
    until(&shared, "one is asked", |index| load(index).is_some()).await;
    stop.cancel();
    task.await.unwrap();
}
