//! An API server of a few objects on the loopback, for faults that a real one cannot be made to
//! show at will. It keeps what is applied, and a list of what was asked in what order.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What was asked, as `server: METHOD path`, with `(dry)` behind where nothing was to be kept.
pub type Log = Arc<Mutex<Vec<String>>>;

/// An API server.
#[derive(Clone)]
pub struct Fake(Arc<Inner>);

struct Inner {
    name: &'static str,
    log: Log,
    objects: Mutex<BTreeMap<String, Value>>,
    answers: Mutex<Vec<(String, u16, String)>>,
    bodies: Mutex<Vec<(String, Value)>>,
}

impl Fake {
    pub fn new(name: &'static str, log: &Log) -> Self {
        Self(Arc::new(Inner {
            name,
            log: log.clone(),
            objects: Mutex::default(),
            answers: Mutex::default(),
            bodies: Mutex::default(),
        }))
    }

    /// Puts an object at its path.
    pub fn put(&self, path: &str, object: Value) {
        self.0.objects.lock().insert(path.to_owned(), object);
    }

    pub fn remove(&self, path: &str) {
        self.0.objects.lock().remove(path);
    }

    pub fn get(&self, path: &str) -> Option<Value> {
        self.0.objects.lock().get(path).cloned()
    }

    /// From now on whatever starts with `request` (as in the log, without the server) is answered so.
    pub fn answer(&self, request: &str, code: u16, message: &str) {
        let answer = (request.to_owned(), code, message.to_owned());
        self.0.answers.lock().push(answer);
    }

    /// Bodies of requests that start with `request`.
    pub fn bodies(&self, request: &str) -> Vec<Value> {
        let bodies = self.0.bodies.lock();
        let of = bodies
            .iter()
            .filter(|(asked, _)| asked.starts_with(request));
        of.map(|(_, body)| body.clone()).collect()
    }

    /// A client that does not retry.
    pub async fn client(&self) -> kube::Client {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(handle).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let mut config = kube::Config::new(url.parse().unwrap());
        config.default_retry = false;
        kube::Client::try_from(config).unwrap()
    }

    fn reply(&self, method: &Method, uri: &Uri, body: &[u8]) -> (u16, Value) {
        let dry = uri
            .query()
            .is_some_and(|query| query.contains("dryRun=All"));
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let dry = dry || body["dryRun"] == json!(["All"]);
        let path = uri.path();
        let asked = format!("{method} {path}{}", if dry { " (dry)" } else { "" });
        self.0.log.lock().push(format!("{}: {asked}", self.0.name));
        self.0.bodies.lock().push((asked.clone(), body.clone()));
        let answers = self.0.answers.lock();
        if let Some((_, code, message)) =
            answers.iter().find(|(start, ..)| asked.starts_with(start))
        {
            return (*code, status(*code, message));
        }
        drop(answers);
        let mut objects = self.0.objects.lock();
        match method.as_str() {
            "GET" => match objects.get(path) {
                Some(object) => (200, object.clone()),
                None => (404, status(404, "not found")),
            },
            "DELETE" => match objects.get(path) {
                Some(_) if dry => (200, status(200, "")),
                Some(_) => {
                    objects.remove(path);
                    (200, status(200, ""))
                }
                None => (404, status(404, "not found")),
            },
            "POST" if path.ends_with("selfsubjectaccessreviews") => {
                let mut review = body;
                review["status"] = json!({ "allowed": true });
                (201, review)
            }
            "POST" => {
                let name = body["metadata"]["name"].as_str().unwrap_or_default();
                if !dry {
                    objects.insert(format!("{path}/{name}"), body.clone());
                }
                (201, body)
            }
            // A JSON patch is a list; what it makes is not of interest here.
            "PATCH" if body.is_array() => {
                let kept = objects
                    .get(path)
                    .cloned()
                    .unwrap_or_else(|| json!({ "metadata": {} }));
                (200, kept)
            }
            _ => {
                if !dry {
                    objects.insert(path.to_owned(), body.clone());
                }
                (200, body)
            }
        }
    }
}

async fn handle(State(fake): State<Fake>, method: Method, uri: Uri, body: Bytes) -> Response {
    let (code, answer) = fake.reply(&method, &uri, &body);
    let code = StatusCode::from_u16(code).unwrap();
    let json = [("content-type", "application/json")];
    (code, json, answer.to_string()).into_response()
}

fn status(code: u16, message: &str) -> Value {
    let word = if code < 400 { "Success" } else { "Failure" };
    let reason = match code {
        403 => "Forbidden",
        404 => "NotFound",
        409 => "Conflict",
        422 => "Invalid",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        504 => "Timeout",
        _ => "",
    };
    json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": word, "message": message, "reason": reason, "code": code })
}
