//! Calls to the API: one [`Api`] for all, one [`Session`] for each person who calls.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use infra::clock::Clock;
use reqwest::header::{ETAG, HeaderMap, IF_MATCH, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;

use super::answer::{Answer, CallError, Problem};
use super::latency::Latencies;
use super::sse::EventStream;

/// Longest time to open a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest silence within an answer; order events send comments more often than this.
const READ_TIMEOUT: Duration = Duration::from_secs(90);
/// How often a call is sent when nobody answers or the answer says "again".
const ATTEMPTS: u32 = 6;
/// First pause between attempts; it doubles.
const PAUSE: Duration = Duration::from_millis(100);
/// Longest pause of our own choice.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// Longest pause that a server may ask for.
const ASKED_PAUSE_MAX: Duration = Duration::from_mins(1);

/// Where the API is, and what all sessions share.
pub(crate) struct Api {
    http: reqwest::Client,
    base: String,
    clock: Clock,
    latencies: Latencies,
}

impl Api {
    /// A client of the API at `base`, such as `http://127.0.0.1:8080`. Nothing is sent yet.
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub(crate) fn new(base: &str, clock: Clock) -> anyhow::Result<Arc<Self>> {
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .build()?;
        let base = base.trim_end_matches('/').to_owned();
        Ok(Arc::new(Self {
            http,
            base,
            clock,
            latencies: Latencies::default(),
        }))
    }

    /// The clock that measures and numbers calls.
    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Real latencies of all calls, by their names.
    pub(crate) fn latencies(&self) -> &Latencies {
        &self.latencies
    }

    /// The underlying client, for addresses outside the API (the vendor's card form).
    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// A session of somebody with an access token.
    pub(crate) fn session(self: &Arc<Self>, token: &str) -> Session {
        Session {
            api: Arc::clone(self),
            token: Some(token.to_owned()),
            written: Mutex::default(),
        }
    }

    /// A session of nobody, for what is public.
    pub(crate) fn visitor(self: &Arc<Self>) -> Session {
        Session {
            api: Arc::clone(self),
            token: None,
            written: Mutex::default(),
        }
    }
}

/// Calls as one person. Reads see what the session wrote: it keeps the last consistency token.
pub(crate) struct Session {
    api: Arc<Api>,
    token: Option<String>,
    written: Mutex<Option<String>>,
}

/// One call, ready to be sent several times.
struct Call<'call> {
    name: &'static str,
    method: Method,
    path: &'call str,
    body: Option<&'call Value>,
    version: Option<&'call str>,
    /// Fixed for all attempts, so that a repeat is not a second write.
    key: Option<String>,
}

impl Session {
    /// Another session under the same login, which has written nothing yet.
    pub(crate) fn another(&self) -> Self {
        Self {
            api: Arc::clone(&self.api),
            token: self.token.clone(),
            written: Mutex::default(),
        }
    }

    /// The client that the session belongs to.
    pub(crate) fn api(&self) -> &Arc<Api> {
        &self.api
    }

    /// Reads. `name` is what the latency is counted under.
    ///
    /// # Errors
    /// [`CallError`].
    pub(crate) async fn get(&self, name: &'static str, path: &str) -> Result<Answer, CallError> {
        let method = Method::GET;
        self.send(Call {
            name,
            method,
            path,
            body: None,
            version: None,
            key: None,
        })
        .await
    }

    /// Writes with `POST` under a fresh idempotency key.
    ///
    /// # Errors
    /// [`CallError`].
    pub(crate) async fn post(
        &self,
        name: &'static str,
        path: &str,
        body: &Value,
    ) -> Result<Answer, CallError> {
        self.write(name, Method::POST, path, Some(body), None).await
    }

    /// Replaces a document, under the condition that it still has `version` when one is given.
    ///
    /// # Errors
    /// [`CallError`].
    pub(crate) async fn put(
        &self,
        name: &'static str,
        path: &str,
        body: &Value,
        version: Option<&str>,
    ) -> Result<Answer, CallError> {
        self.write(name, Method::PUT, path, Some(body), version)
            .await
    }

    /// Changes some fields.
    ///
    /// # Errors
    /// [`CallError`].
    pub(crate) async fn patch(
        &self,
        name: &'static str,
        path: &str,
        body: &Value,
    ) -> Result<Answer, CallError> {
        self.write(name, Method::PATCH, path, Some(body), None)
            .await
    }

    /// Opens the server-sent events at `path`.
    ///
    /// # Errors
    /// [`CallError`] when the stream cannot be opened.
    pub(crate) async fn events(&self, path: &str) -> Result<EventStream, CallError> {
        let call = format!("GET {path}");
        let request = self.api.http.get(format!("{}{path}", self.api.base));
        let request = self.signed(request).header("Accept", "text/event-stream");
        let sent = request.send().await;
        let response = sent.map_err(|source| CallError::Unreachable {
            call: call.clone(),
            source,
        })?;
        if !response.status().is_success() {
            return Err(refusal(call, response).await);
        }
        Ok(EventStream::new(response))
    }

    async fn write(
        &self,
        name: &'static str,
        method: Method,
        path: &str,
        body: Option<&Value>,
        version: Option<&str>,
    ) -> Result<Answer, CallError> {
        let key = Some(self.api.clock.fresh_id().to_string());
        self.send(Call {
            name,
            method,
            path,
            body,
            version,
            key,
        })
        .await
    }

    async fn send(&self, call: Call<'_>) -> Result<Answer, CallError> {
        let watch = self.api.clock.stopwatch();
        let mut pause = PAUSE;
        for attempt in 1.. {
            let wait = match self.attempt(&call).await {
                Ok(Reply::Answer(mut answer)) => {
                    answer.took = watch.elapsed();
                    self.api.latencies.add(call.name, answer.took);
                    return Ok(answer);
                }
                Ok(Reply::Again(_, wait)) if attempt < ATTEMPTS => wait.unwrap_or_default(),
                Err(CallError::Unreachable { .. }) if attempt < ATTEMPTS => Duration::ZERO,
                Ok(Reply::Again(fault, _)) | Err(fault) => return Err(fault),
            };
            tokio::time::sleep(self.api.clock.jitter(pause).max(wait).min(ASKED_PAUSE_MAX)).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
        unreachable!("the last attempt returns")
    }

    async fn attempt(&self, call: &Call<'_>) -> Result<Reply, CallError> {
        let name = format!("{} {}", call.method, call.path);
        let address = format!("{}{}", self.api.base, call.path);
        let mut request = self.signed(self.api.http.request(call.method.clone(), address));
        if let Some(key) = &call.key {
            request = request.header("Idempotency-Key", format!("\"{key}\""));
        }
        if let Some(version) = call.version {
            request = request.header(IF_MATCH, version);
        }
        if let Some(body) = call.body {
            request = request.json(body);
        }
        let sent = request.send().await;
        let response = sent.map_err(|source| CallError::Unreachable {
            call: name.clone(),
            source,
        })?;
        self.remember(response.headers());
        let status = response.status();
        if status.is_success() {
            let version = header(response.headers(), ETAG.as_str());
            let bytes = response.bytes().await;
            let bytes = bytes.map_err(|source| CallError::Unreachable {
                call: name.clone(),
                source,
            })?;
            let body = parse(&name, &bytes)?;
            return Ok(Reply::Answer(Answer {
                body,
                version,
                took: Duration::ZERO,
            }));
        }
        let wait = header(response.headers(), RETRY_AFTER.as_str())
            .and_then(|seconds| seconds.parse().ok())
            .map(Duration::from_secs);
        let fault = refusal(name, response).await;
        let in_flight = fault.code().is_some_and(|code| code.contains("in_flight"));
        let again = matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::BAD_GATEWAY
        );
        if again || in_flight {
            Ok(Reply::Again(fault, wait))
        } else {
            Err(fault)
        }
    }

    fn signed(&self, mut request: RequestBuilder) -> RequestBuilder {
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let written = self
            .written
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(token) = written {
            request = request.header(CONSISTENCY, token);
        }
        request
    }

    fn remember(&self, headers: &HeaderMap) {
        if let Some(token) = header(headers, CONSISTENCY) {
            *self.written.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
        }
    }
}

const CONSISTENCY: &str = "X-Consistency-Token";

enum Reply {
    Answer(Answer),
    /// The server asks to come again, after a time that it may name.
    Again(CallError, Option<Duration>),
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned)
}

fn parse(call: &str, bytes: &[u8]) -> Result<Value, CallError> {
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(bytes)
        .map_err(|fault| CallError::Unexpected(format!("{call} answered no JSON: {fault}")))
}

async fn refusal(call: String, response: reqwest::Response) -> CallError {
    let status = response.status().as_u16();
    let bytes = response.bytes().await.unwrap_or_default();
    let mut problem: Problem = serde_json::from_slice(&bytes).unwrap_or_default();
    problem.status = status;
    CallError::Refused {
        call,
        problem: Box::new(problem),
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::extract::State;
    use axum::http::{HeaderMap, StatusCode};
    use axum::response::{IntoResponse as _, Response};
    use axum::routing::{get, post};
    use serde_json::json;

    use super::*;

    type Heard = Arc<Mutex<Vec<HeaderMap>>>;

    /// The first write is answered with "come again", the second with a version and a token.
    async fn written(State(heard): State<Heard>, headers: HeaderMap) -> Response {
        let mut heard = heard.lock().expect("nobody panics with it");
        heard.push(headers);
        if heard.len() == 1 {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        let headers = [("etag", "\"7\""), (CONSISTENCY, "abc")];
        (StatusCode::CREATED, headers, r#"{"id":"x"}"#).into_response()
    }

    async fn refused() -> Response {
        let problem = json!({
            "status": 422, "code": "invalid", "detail": "no",
            "errors": [{ "code": "too_long", "pointer": "/name", "detail": "120 at most" }],
        });
        (StatusCode::UNPROCESSABLE_ENTITY, problem.to_string()).into_response()
    }

    /// Serves the routes while `test` runs.
    async fn served(heard: &Heard, test: impl AsyncFnOnce(Arc<Api>)) {
        let routes = Router::new()
            .route("/v1/things", post(written).get(written))
            .route("/v1/refused", get(refused))
            .with_state(Arc::clone(heard));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a port");
        let base = format!("http://{}/", listener.local_addr().expect("an address"));
        let api = Api::new(&base, Clock::system()).expect("a client");
        tokio::select! {
            ended = axum::serve(listener, routes) => panic!("the server ended: {ended:?}"),
            () = test(api) => {}
        }
    }

    fn header_of(heard: &Heard, call: usize, name: &str) -> Option<String> {
        let heard = heard.lock().expect("nobody panics with it");
        header(&heard[call], name)
    }

    #[tokio::test]
    async fn a_repeated_write_keeps_its_key_and_reads_wait_for_what_was_written() {
        let heard = Heard::default();
        served(&heard, async |api| {
            let session = api.session("token");
            let answer = session
                .post("write", "/v1/things", &json!({}))
                .await
                .expect("an answer");
            assert_eq!(answer.version.as_deref(), Some("\"7\""));
            assert_eq!(answer.text("/id").expect("an id"), "x");
            session.get("read", "/v1/things").await.expect("an answer");
            let names: Vec<_> = api
                .latencies()
                .all()
                .into_iter()
                .map(|(name, _)| name)
                .collect();
            assert_eq!(names, ["read", "write"]);
        })
        .await;
        let keys = [0, 1].map(|call| header_of(&heard, call, "idempotency-key"));
        assert!(keys[0].is_some() && keys[0] == keys[1]);
        assert_eq!(
            header_of(&heard, 1, "authorization").as_deref(),
            Some("Bearer token")
        );
        assert_eq!(header_of(&heard, 2, CONSISTENCY).as_deref(), Some("abc"));
        assert_eq!(header_of(&heard, 2, "idempotency-key"), None);
    }

    #[tokio::test]
    async fn a_refusal_names_every_fault() {
        served(&Heard::default(), async |api| {
            let fault = api
                .visitor()
                .get("read", "/v1/refused")
                .await
                .expect_err("refused");
            assert_eq!((fault.status(), fault.code()), (Some(422), Some("invalid")));
            assert_eq!(
                fault.to_string(),
                "GET /v1/refused was refused: 422 invalid: no; /name too_long 120 at most"
            );
        })
        .await;
    }
}
