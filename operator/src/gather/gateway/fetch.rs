//! One request for a metrics page. Bounded in time and size; what comes in is read piece by piece
//! and never held. Compression is not asked for, so that no small answer can become a large one.

use super::super::prometheus::{innermost, quote};
use super::answer::GatewayError;
use super::line::Format;
use super::page::{BODY_MAX, Page};
use super::pick::{Picked, Picker, Wanted};
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName,
};
use std::time::{Duration, Instant};

/// Longest wait for a connection.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Longest wait for a whole page.
pub(super) const WHOLE_TIMEOUT: Duration = Duration::from_secs(2);
/// Longest piece of a header that goes into a condition, in characters.
const HEADER_QUOTE_MAX: usize = 60;
/// What is asked for.
const FORMATS: &str = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";

/// The client for all gateways: asks straight, follows no redirect, bounded in time.
///
/// # Errors
/// The TLS set-up is not usable (no process-wide provider).
pub(in super::super) fn client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(WHOLE_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .pool_max_idle_per_host(1)
        .user_agent(concat!("pinisi/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Scrapes a page: what the queries take of it, and the time that reading it took without the
/// waiting.
pub(super) async fn scrape(
    client: &reqwest::Client,
    address: &str,
    wanted: &[Wanted],
) -> (Result<Picked, GatewayError>, Duration) {
    let mut busy = Duration::ZERO;
    let result = read(client, address, wanted, &mut busy).await;
    (result, busy)
}

async fn read(
    client: &reqwest::Client,
    address: &str,
    wanted: &[Wanted],
    busy: &mut Duration,
) -> Result<Picked, GatewayError> {
    let request = client
        .get(address)
        .header(ACCEPT, FORMATS)
        .header(ACCEPT_ENCODING, "identity");
    let mut response = request.send().await.map_err(|e| unreachable(&e))?;
    let (status, headers) = (response.status(), response.headers());
    if status.is_redirection() {
        return Err(GatewayError::Redirect(status.as_u16()));
    }
    if !status.is_success() {
        return Err(GatewayError::Status(status.as_u16()));
    }
    if let Some(how) = text(headers, &CONTENT_ENCODING)
        && !how.eq_ignore_ascii_case("identity")
    {
        return Err(GatewayError::Compressed(how));
    }
    let format = format(text(headers, &CONTENT_TYPE))?;
    if response
        .content_length()
        .is_some_and(|n| n > BODY_MAX as u64)
    {
        return Err(GatewayError::TooLarge(BODY_MAX));
    }
    let mut page = Page::new(format, Picker::new(wanted));
    while let Some(piece) = response.chunk().await.map_err(|e| unreachable(&e))? {
        let begun = Instant::now();
        let fed = page.feed(&piece);
        *busy += begun.elapsed();
        fed?;
    }
    page.end()
}

/// A header as text, cut short.
fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let raw = String::from_utf8_lossy(headers.get(name)?.as_bytes());
    Some(quote(&raw).chars().take(HEADER_QUOTE_MAX).collect())
}

fn format(content_type: Option<String>) -> Result<Format, GatewayError> {
    // Without a word on it, it is what every exporter can do.
    let Some(whole) = content_type else {
        return Ok(Format::Prometheus);
    };
    let essence = whole.split(';').next().unwrap_or_default().trim();
    match essence.to_ascii_lowercase().as_str() {
        "application/openmetrics-text" => Ok(Format::OpenMetrics),
        "text/plain" => Ok(Format::Prometheus),
        "text/html" => Err(GatewayError::Html),
        _ => Err(GatewayError::WrongFormat(whole)),
    }
}

fn unreachable(error: &reqwest::Error) -> GatewayError {
    if error.is_timeout() {
        let limit = if error.is_connect() {
            CONNECT_TIMEOUT
        } else {
            WHOLE_TIMEOUT
        };
        return GatewayError::Unreachable(format!("nothing within {} s", limit.as_secs()));
    }
    GatewayError::Unreachable(innermost(error))
}

#[cfg(test)]
mod tests;
