//! Against real sockets: what a hostile or broken gateway may answer, each with its own word, and
//! none of it longer or larger than the limits.

use super::*;
use pinisi_crds::signal_source::Query;
use serde_json::json;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const GOOD: &str = "# TYPE r_total counter\nr_total{namespace=\"a\",workload=\"b\"} 7\n";

/// Serves each connection by `answer`; returns the page's address and the first request's text.
async fn gateway<F: Future<Output = ()> + Send + 'static>(
    answer: impl Fn(TcpStream) -> F + Send + 'static,
) -> (String, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/metrics", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(String::new()));
    let heard = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = [0u8; 4096];
            let n = socket.read(&mut request).await.unwrap_or(0);
            *heard.lock().unwrap() = String::from_utf8_lossy(&request[..n]).into_owned();
            tokio::spawn(answer(socket));
        }
    });
    (address, asked)
}

async fn said(head: &'static str, body: impl Into<Vec<u8>>) -> (String, Arc<Mutex<String>>) {
    let body = Arc::new(body.into());
    gateway(move |mut socket| {
        let body = body.clone();
        async move {
            let head = format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n", body.len());
            let _ = socket.write_all(head.as_bytes()).await;
            let _ = socket.write_all(&body).await;
        }
    })
    .await
}

async fn ask(address: &str) -> Result<Picked, GatewayError> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let query: Query = serde_json::from_value(json!({"name": "q", "metric": "r_total"})).unwrap();
    let wanted = [Wanted::of(&query).unwrap()];
    scrape(&client().unwrap(), address, &wanted).await.0
}

#[tokio::test]
async fn both_formats_are_asked_for_and_read() {
    let (address, asked) = said("200 OK\r\ncontent-type: text/plain; version=0.0.4", GOOD).await;
    assert_eq!(ask(&address).await.unwrap().taken[0].found.len(), 1);
    let asked = asked.lock().unwrap().to_ascii_lowercase();
    for line in [
        "get /metrics http/1.1",
        "accept: application/openmetrics-text;version=1.0.0,text/plain",
        "accept-encoding: identity",
    ] {
        assert!(asked.contains(line), "{line} is not in {asked}");
    }
    let open = "200 OK\r\ncontent-type: application/openmetrics-text; version=1.0.0; charset=utf-8";
    let page = "# TYPE r counter\nr_total{namespace=\"a\",workload=\"b\"} 7\n";
    let (address, _) = said(open, format!("{page}# EOF\n")).await;
    assert_eq!(ask(&address).await.unwrap().taken[0].found.len(), 1);
    let (address, _) = said(open, page).await;
    assert_eq!(ask(&address).await.unwrap_err(), GatewayError::Truncated);
    let (address, _) = said("200 OK", GOOD).await;
    assert!(
        ask(&address).await.is_ok(),
        "no content type is Prometheus text"
    );
}

#[tokio::test]
async fn other_answers_have_each_its_word() {
    for (head, body, reason) in [
        ("404 Not Found", "no", "HttpStatus"),
        ("503 Service Unavailable", GOOD, "HttpStatus"),
        (
            "301 Moved\r\nlocation: http://127.0.0.1:9/",
            "",
            "Redirected",
        ),
        ("200 OK\r\ncontent-type: text/html", "<html>", "PageIsHtml"),
        (
            "200 OK\r\ncontent-type: application/json",
            "{}",
            "UnknownFormat",
        ),
        (
            "200 OK\r\ncontent-encoding: gzip",
            "\u{1f}x",
            "PageCompressed",
        ),
        ("200 OK", "\u{1f}\u{8}", "PageMalformed"),
        ("200 OK", "Sign in", "PageMalformed"),
    ] {
        let (address, _) = said(head, body).await;
        let error = ask(&address).await.unwrap_err();
        assert_eq!(error.reason(), reason, "{head}: {error}");
        assert!(error.to_string().len() > 30, "{error}");
    }
    let gzip = [0x1f_u8, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xab, 0xe6, 2, 0];
    let (address, _) = said("200 OK\r\ncontent-type: text/plain", gzip).await;
    assert_eq!(ask(&address).await.unwrap_err().reason(), "PageNotText");
}

#[tokio::test]
async fn nobody_there_is_said() {
    // A port that was free a moment ago.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/metrics", listener.local_addr().unwrap());
    drop(listener);
    let error = ask(&address).await.unwrap_err();
    assert!(error.to_string().contains("refused"), "{error}");
    assert_eq!(ask("http:///").await.unwrap_err().reason(), "Unreachable");
    let (address, _) = gateway(|socket| async move { drop(socket) }).await;
    assert_eq!(ask(&address).await.unwrap_err().reason(), "Unreachable");
    // Less than it promised.
    let (address, _) = gateway(|mut socket| async move {
        let _ = socket
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\na 1\n")
            .await;
    })
    .await;
    assert_eq!(ask(&address).await.unwrap_err().reason(), "Unreachable");
}

#[tokio::test]
async fn slow_and_endless_pages_end_within_the_limits() {
    let drip = |head: &'static str, piece: &'static [u8], pause: Duration| {
        gateway(move |mut socket| async move {
            let _ = socket.write_all(head.as_bytes()).await;
            while socket.write_all(piece).await.is_ok() {
                tokio::time::sleep(pause).await;
            }
        })
    };
    const HEAD: &str = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n";
    let begun = Instant::now();
    let (silent, _) = gateway(|socket| async move {
        tokio::time::sleep(Duration::from_secs(60)).await;
        drop(socket);
    })
    .await;
    let (slow, _) = drip(HEAD, b"a 1\n", Duration::from_millis(100)).await;
    let (headless, _) = drip(
        "HTTP/1.1 200 OK\r\n",
        b"x: y\r\n",
        Duration::from_millis(100),
    )
    .await;
    let (silent, slow, headless) = tokio::join!(ask(&silent), ask(&slow), ask(&headless));
    for result in [silent, slow, headless] {
        let error = result.unwrap_err();
        assert!(error.to_string().contains("nothing within 2 s"), "{error}");
    }
    assert!(begun.elapsed() < WHOLE_TIMEOUT * 2, "{:?}", begun.elapsed());

    let (endless, _) = drip(HEAD, &[b'\n'; 65_536], Duration::ZERO).await;
    assert_eq!(
        ask(&endless).await.unwrap_err(),
        GatewayError::TooLarge(BODY_MAX)
    );
    let (line, _) = drip(HEAD, &[b'#'; 65_536], Duration::ZERO).await;
    assert_eq!(ask(&line).await.unwrap_err().reason(), "LineTooLong");
    let (promised, _) = drip(
        "HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n",
        b"",
        Duration::from_secs(60),
    )
    .await;
    assert_eq!(
        ask(&promised).await.unwrap_err(),
        GatewayError::TooLarge(BODY_MAX)
    );
}
