//! Asks a Prometheus one instant query and reads the answer. Not here: when to ask (`signals`),
//! and what a figure is worth (`check`).

use super::samples::{Figures, Sample, SignalError};
use jiff::Timestamp;
use pinisi_crds::signal_source::Query;
use serde::{Deserialize, de::IgnoredAny};
use std::{collections::BTreeMap, time::Duration};

/// Most series that one answer may have.
pub const SERIES_MAX: usize = 100_000;
/// Largest answer that is read, in bytes.
pub const BODY_MAX: usize = 32 << 20;
/// Longest wait for a connection.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Longest wait for a whole answer.
pub const WHOLE_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest piece of somebody else's text that goes into a condition, in characters.
const QUOTE_MAX: usize = 160;
/// Label of the namespace where the query names none.
pub(super) const NAMESPACE_LABEL: &str = "namespace";
/// Label of the workload's name where the query names none.
pub(super) const WORKLOAD_LABEL: &str = "workload";

/// The client for all sources: asks straight, follows no redirect, bounded in time.
///
/// # Errors
/// The TLS set-up is not usable (no process-wide provider).
pub fn client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(WHOLE_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .user_agent(concat!("pinisi/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Asks one query, and its timestamp query first, so that a figure is never taken for newer than
/// it is.
///
/// # Errors
/// Either answer was not usable.
pub async fn ask(
    client: &reqwest::Client,
    address: &str,
    query: &Query,
) -> Result<Figures, SignalError> {
    let labels = Labels::of(query);
    let promql = query.query.as_ref().ok_or(SignalError::NoPromQl)?;
    let times = match &query.timestamp_query {
        Some(times) => Some(labels.figures(&instant(client, address, times).await?, None)?),
        None => None,
    };
    labels.figures(&instant(client, address, promql).await?, times.as_ref())
}

/// One request to `/api/v1/query`: the body of a successful answer.
async fn instant(
    client: &reqwest::Client,
    address: &str,
    promql: &str,
) -> Result<Vec<u8>, SignalError> {
    let url = format!("{}/api/v1/query", address.trim_end_matches('/'));
    let mut response = client
        .get(url)
        .query(&[("query", promql)])
        .send()
        .await
        .map_err(|e| unreachable(&e))?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|e| unreachable(&e))? {
        if body.len().saturating_add(chunk.len()) > BODY_MAX {
            return Err(SignalError::TooLarge(BODY_MAX));
        }
        body.extend_from_slice(&chunk);
    }
    if status.is_success() {
        return Ok(body);
    }
    Err(match serde_json::from_slice::<Refusal>(&body) {
        Ok(refusal) => refusal.into(),
        Err(_) => SignalError::Status(status.as_u16()),
    })
}

/// The innermost cause: "connection refused" rather than "error sending request".
fn unreachable(error: &reqwest::Error) -> SignalError {
    if error.is_timeout() {
        let what = if error.is_connect() {
            CONNECT_TIMEOUT
        } else {
            WHOLE_TIMEOUT
        };
        return SignalError::Unreachable(format!("nothing within {} s", what.as_secs()));
    }
    SignalError::Unreachable(innermost(error))
}

/// The innermost cause in its own words.
pub(super) fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    quote(&cause.to_string())
}

/// Somebody else's text, cut to one short line.
pub(super) fn quote(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(QUOTE_MAX)
        .collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Refusal {
    error_type: String,
    #[serde(default)]
    error: String,
}

impl From<Refusal> for SignalError {
    fn from(Refusal { error_type, error }: Refusal) -> Self {
        Self::Refused {
            kind: quote(&error_type),
            message: quote(&error),
        }
    }
}

#[derive(Deserialize)]
struct Answer<R> {
    status: String,
    data: Option<Data<R>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data<R> {
    result_type: String,
    result: R,
}

#[derive(Deserialize)]
struct Series {
    #[serde(default)]
    metric: BTreeMap<String, String>,
    /// Absent for native histograms.
    value: Option<(f64, Box<str>)>,
}

/// Reads an answer's body as an instant vector.
fn vector(body: &[u8]) -> Result<Vec<Series>, SignalError> {
    let whole = match serde_json::from_slice::<Answer<Vec<Series>>>(body) {
        Ok(Answer {
            status,
            data: Some(Data {
                result_type,
                result,
            }),
        }) if status == "success" => {
            if result_type != "vector" {
                return Err(SignalError::WrongType(quote(&result_type)));
            }
            result
        }
        Ok(Answer { .. }) => return Err(not_success(body)),
        Err(error) => {
            if serde_json::from_slice::<IgnoredAny>(body).is_err() {
                return Err(SignalError::NotJson(
                    quote(&String::from_utf8_lossy(body))
                        .chars()
                        .take(40)
                        .collect(),
                ));
            }
            return Err(match serde_json::from_slice::<Answer<IgnoredAny>>(body) {
                Ok(Answer {
                    data: Some(data), ..
                }) if data.result_type != "vector" => {
                    SignalError::WrongType(quote(&data.result_type))
                }
                Ok(Answer { data: None, .. }) => not_success(body),
                _ => SignalError::Shape(quote(&error.to_string())),
            });
        }
    };
    if whole.len() > SERIES_MAX {
        Err(SignalError::TooManySeries(SERIES_MAX))
    } else {
        Ok(whole)
    }
}

fn not_success(body: &[u8]) -> SignalError {
    serde_json::from_slice::<Refusal>(body).map_or_else(
        |_| SignalError::Shape("neither data nor error".to_owned()),
        Into::into,
    )
}

/// The two labels that name a workload.
struct Labels<'a> {
    namespace: &'a str,
    workload: &'a str,
}

impl<'a> Labels<'a> {
    fn of(query: &'a Query) -> Self {
        Self {
            namespace: query.namespace_label.as_deref().unwrap_or(NAMESPACE_LABEL),
            workload: query.workload_label.as_deref().unwrap_or(WORKLOAD_LABEL),
        }
    }

    /// Figures of an answer. With `times`, a figure's time is the value there.
    fn figures(&self, body: &[u8], times: Option<&Figures>) -> Result<Figures, SignalError> {
        let series = vector(body)?;
        let any = !series.is_empty();
        let mut figures = Figures::new();
        for Series { mut metric, value } in series {
            let (Some(namespace), Some(workload)) =
                (metric.remove(self.namespace), metric.remove(self.workload))
            else {
                continue;
            };
            let (answered, text) = value.unwrap_or((f64::NAN, "a histogram".into()));
            let at = match times {
                Some(times) => times
                    .get(&namespace)
                    .and_then(|n| n.get(&workload))
                    .and_then(|s| s.text.parse().ok())
                    .and_then(time_of),
                None => time_of(answered),
            };
            figures
                .entry(namespace)
                .or_default()
                .entry(workload)
                .and_modify(|s| s.ambiguous = true)
                .or_insert(Sample {
                    text: quote(&text).into(),
                    at,
                    ambiguous: false,
                });
        }
        if any && figures.is_empty() {
            return Err(SignalError::NoLabels {
                namespace: self.namespace.to_owned(),
                workload: self.workload.to_owned(),
            });
        }
        Ok(figures)
    }
}

/// Unix seconds to a time, to the millisecond.
pub(super) fn time_of(seconds: f64) -> Option<Timestamp> {
    let milli = (seconds * 1000.0).round();
    if !milli.is_finite() || milli.abs() > 9.0e15 {
        return None;
    }
    // In range by the test above; jiff refuses what is no date.
    #[allow(clippy::cast_possible_truncation)]
    Timestamp::from_millisecond(milli as i64).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const LABELS: Labels<'static> = Labels {
        namespace: NAMESPACE_LABEL,
        workload: WORKLOAD_LABEL,
    };

    fn read(body: &str) -> Result<Figures, SignalError> {
        LABELS.figures(body.as_bytes(), None)
    }

    fn answer(series: &[(&str, &str)]) -> String {
        let result: Vec<_> =
            series.iter().map(|(w, v)| json!({"metric": {"namespace": "shop", "workload": w}, "value": [1_700_000_000.5, v]})).collect();
        json!({"status": "success", "data": {"resultType": "vector", "result": result}}).to_string()
    }

    #[test]
    fn a_vector_is_read() {
        let figures = read(&answer(&[("web", "12.5"), ("api", "NaN")])).unwrap();
        let web = &figures["shop"]["web"];
        assert_eq!(
            (&*web.text, web.at.unwrap().as_millisecond(), web.ambiguous),
            ("12.5", 1_700_000_000_500, false)
        );
        assert_eq!(&*figures["shop"]["api"].text, "NaN");
        assert!(read(&answer(&[])).unwrap().is_empty());
        assert!(read(&answer(&[("web", "1"), ("web", "2")])).unwrap()["shop"]["web"].ambiguous);
    }

    #[test]
    fn the_timestamp_query_gives_the_age() {
        let times = read(&answer(&[("web", "1600000000"), ("bad", "NaN")])).unwrap();
        let figures = LABELS
            .figures(
                answer(&[("web", "1"), ("bad", "1"), ("new", "1")]).as_bytes(),
                Some(&times),
            )
            .unwrap();
        assert_eq!(
            figures["shop"]["web"].at.unwrap().as_second(),
            1_600_000_000
        );
        assert_eq!(
            (figures["shop"]["bad"].at, figures["shop"]["new"].at),
            (None, None)
        );
    }

    #[test]
    fn what_is_not_a_vector_is_said() {
        let reason = |body: &str| read(body).unwrap_err().reason();
        assert_eq!(reason("<html><body>Sign in</body></html>"), "NotJson");
        assert_eq!(reason("OK"), "NotJson");
        assert_eq!(reason(""), "NotJson");
        assert_eq!(
            reason(r#"{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}"#),
            "WrongResultType"
        );
        assert_eq!(
            reason(
                r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"2"]]}]}}"#
            ),
            "WrongResultType"
        );
        assert_eq!(
            reason(r#"{"status":"success","data":{"resultType":"string","result":[1,"text"]}}"#),
            "WrongResultType"
        );
        assert_eq!(
            reason(r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#),
            "QueryRefused"
        );
        assert_eq!(reason(r#"{"hello":"world"}"#), "UnknownShape");
        assert_eq!(reason(r#"{"status":"success"}"#), "UnknownShape");
        assert_eq!(
            reason(
                r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1,"2"]}]}}"#
            ),
            "NoWorkloadLabels"
        );
        assert_eq!(reason("[]"), "UnknownShape");
    }

    #[test]
    fn too_many_series_are_refused() {
        let one = r#"{"metric":{},"value":[1,"2"]},"#.repeat(SERIES_MAX);
        let body = format!(
            r#"{{"status":"success","data":{{"resultType":"vector","result":[{one}{{"metric":{{}},"value":[1,"2"]}}]}}}}"#
        );
        assert_eq!(
            read(&body).unwrap_err(),
            SignalError::TooManySeries(SERIES_MAX)
        );
    }

    #[test]
    fn a_histogram_is_no_figure() {
        let body = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"namespace":"a","workload":"b"},"histogram":[1,{}]}]}}"#;
        assert_eq!(read(body).unwrap()["a"]["b"].at, None);
    }

    #[test]
    fn no_time_panics() {
        for s in [
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            1e300,
            -1e300,
            9e12,
            0.0,
        ] {
            let _ = time_of(s);
        }
    }
}
