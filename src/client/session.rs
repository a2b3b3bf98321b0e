//! Calls as one person: what a session writes, its reads see, and what nobody answers is sent again.

use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::IF_MATCH;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use uuid::Uuid;

use super::answer::{Answer, CallError};
use super::api::Api;
use super::call::{CONSISTENCY, Call, Heard, Repeat, Reply, Silence};
use super::mishaps::Mishap;
use super::sse::EventStream;

/// Nobody cuts the connection: the client's own timeouts decide.
const PATIENCE: Duration = Duration::MAX;
/// First pause between attempts; it doubles.
const PAUSE: Duration = Duration::from_millis(100);
/// Longest pause that a server may ask for.
const ASKED_PAUSE_MAX: Duration = Duration::from_mins(1);

/// Calls as one person. Reads see what the session wrote: it keeps the last consistency token.
pub(crate) struct Session {
    api: Arc<Api>,
    /// Principal and access token.
    login: Option<(Uuid, String)>,
    written: Mutex<Option<String>>,
}

impl Session {
    /// A session under a login, or of nobody.
    pub(super) fn new(api: Arc<Api>, login: Option<(Uuid, String)>) -> Self {
        Self {
            api,
            login,
            written: Mutex::default(),
        }
    }

    /// Another session under the same login, which has written nothing yet.
    pub(crate) fn another(&self) -> Self {
        Self::new(Arc::clone(&self.api), self.login.clone())
    }

    /// Reads. `name` is what the latency is counted under.
    ///
    /// # Errors
    /// [`CallError`].
    pub(crate) async fn get(&self, name: &'static str, path: &str) -> Result<Answer, CallError> {
        self.send(read(name, path)).await
    }

    /// Asks with `POST` for what is made anew each time and never repeated from a record, and thus
    /// without a key.
    ///
    /// # Errors
    /// [`CallError`].
    pub(crate) async fn ask(
        &self,
        name: &'static str,
        path: &str,
        body: &Value,
    ) -> Result<Answer, CallError> {
        let call = self.write(name, Method::POST, path, body, None);
        self.send(Call { key: None, ..call }).await
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
        self.send(self.write(name, Method::POST, path, body, None))
            .await
    }

    /// Writes with `POST` so many times at once under one fresh key, and tells what each time came back.
    /// Nothing is sent again.
    ///
    /// # Errors
    /// [`CallError`] when the connection broke.
    pub(crate) async fn post_at_once(
        &self,
        name: &'static str,
        path: &str,
        body: &Value,
        times: usize,
    ) -> Result<Vec<Repeat>, CallError> {
        let call = self.write(name, Method::POST, path, body, None);
        let all = (0..times).map(|_| self.exchange(&call, PATIENCE));
        let heard = futures::future::join_all(all).await.into_iter();
        heard.map(|heard| call.repeat(heard)).collect()
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
        self.send(self.write(name, Method::PUT, path, body, version))
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
        self.send(self.write(name, Method::PATCH, path, body, None))
            .await
    }

    /// Takes away.
    ///
    /// # Errors
    /// [`CallError`].
    pub(crate) async fn delete(&self, name: &'static str, path: &str) -> Result<Answer, CallError> {
        let call = self.write(name, Method::DELETE, path, &Value::Null, None);
        self.send(Call { body: None, ..call }).await
    }

    /// Opens the server-sent events at `path`.
    ///
    /// # Errors
    /// [`CallError`] when the stream cannot be opened.
    pub(crate) async fn events(&self, path: &str) -> Result<EventStream, CallError> {
        let call = read("events", path);
        let request = self.signed(self.api.http().get(self.api.address(&Method::GET, path)));
        let sent = request.header("Accept", "text/event-stream").send().await;
        let response = sent.map_err(|source| call.unreachable(source))?;
        if response.status().is_success() {
            return Ok(EventStream::new(response));
        }
        let heard = Heard::read(response).await;
        Err(call.refusal(&heard.map_err(|source| call.unreachable(source))?))
    }

    /// A write under a fresh key.
    fn write<'call>(
        &self,
        name: &'static str,
        method: Method,
        path: &'call str,
        body: &'call Value,
        version: Option<&'call str>,
    ) -> Call<'call> {
        let id = self.api.clock().fresh_id().to_string();
        Call {
            method,
            body: Some(body),
            version,
            key: Some(id.clone()),
            id: Some(id),
            ..read(name, path)
        }
    }

    async fn send(&self, call: Call<'_>) -> Result<Answer, CallError> {
        let recording = self.api.recording();
        let mishap = recording.map_or(Mishap::Nothing, |recording| recording.mishap(&call));
        let watch = self.api.clock().stopwatch();
        // Boxed, since those who call hold this future in theirs, which are large already.
        let sent = Box::pin(self.send_until_answered(&call, mishap)).await;
        let ended = sent.map(|answer| Answer {
            took: watch.elapsed(),
            ..answer
        });
        match mishap {
            Mishap::SentTwice | Mishap::AnswerLost(_) => return ended,
            Mishap::Nothing | Mishap::SentAgain => {}
        }
        if let Ok(answer) = &ended {
            self.api.latencies().add(call.name, answer.took);
        }
        if mishap == Mishap::SentAgain {
            // The app has its answer; that this one is the same is for the history to show.
            Box::pin(self.exchange(&call, PATIENCE)).await.ok();
        }
        ended
    }

    async fn send_until_answered(
        &self,
        call: &Call<'_>,
        mishap: Mishap,
    ) -> Result<Answer, CallError> {
        let patience = self.api.patience();
        let attempts = patience.attempts();
        let mut pause = PAUSE;
        let mut reply = self.begin(call, mishap).await;
        for attempt in 1.. {
            let wait = match reply {
                Ok(Reply::Answer(answer)) => return Ok(answer),
                Ok(Reply::Again(_, wait)) if attempt < attempts => wait.unwrap_or_default(),
                Ok(Reply::Lost) => Duration::ZERO,
                Err(CallError::Unreachable { .. }) if attempt < attempts => Duration::ZERO,
                Err(CallError::Refused { problem, .. })
                    if attempt < attempts && patience.is_passing(problem.status) =>
                {
                    Duration::ZERO
                }
                Ok(Reply::Again(fault, _)) | Err(fault) => return Err(fault),
            };
            tokio::time::sleep(
                self.api
                    .clock()
                    .jitter(pause)
                    .max(wait)
                    .min(ASKED_PAUSE_MAX),
            )
            .await;
            pause = (pause * 2).min(patience.pause_max());
            reply = call.judge(self.exchange(call, PATIENCE).await);
        }
        unreachable!("the last attempt returns")
    }

    /// Sends a call for the first time, with what goes wrong then.
    async fn begin(&self, call: &Call<'_>, mishap: Mishap) -> Result<Reply, CallError> {
        let heard = match mishap {
            Mishap::Nothing | Mishap::SentAgain => self.exchange(call, PATIENCE).await,
            Mishap::AnswerLost(after) => self.exchange(call, after).await,
            Mishap::SentTwice => {
                let once = || self.exchange(call, PATIENCE);
                let (first, second) = tokio::join!(once(), once());
                let is_refused = first.as_ref().is_ok_and(Heard::is_in_flight);
                if is_refused { second } else { first }
            }
        };
        call.judge(heard)
    }

    /// Sends a call once, cuts the connection after `patience`, and takes down what came back.
    async fn exchange(&self, call: &Call<'_>, patience: Duration) -> Result<Heard, Silence> {
        let (at, request_id) = (self.api.clock().now(), call.next_id());
        let request = self.request(call, request_id.as_deref());
        let answer = async { Heard::read(request.send().await?).await };
        let heard = match tokio::time::timeout(patience, answer).await {
            Ok(heard) => heard.map_err(Silence::Broken),
            Err(_) => Err(Silence::Cut),
        };
        if let Ok(heard) = &heard {
            self.remember(heard);
        }
        if let (Some(recording), Some(id)) = (self.api.recording(), request_id) {
            let who = self.login.as_ref().map(|(principal, _)| *principal);
            recording
                .note(who, at, call, &id, heard.as_ref().ok())
                .await;
        }
        heard
    }

    fn request(&self, call: &Call<'_>, request_id: Option<&str>) -> RequestBuilder {
        let address = self.api.address(&call.method, call.path);
        let mut request = self.signed(self.api.http().request(call.method.clone(), address));
        if let Some(id) = request_id {
            request = request.header("X-Request-Id", id);
        }
        if let Some(key) = &call.key {
            request = request.header("Idempotency-Key", format!("\"{key}\""));
        }
        if let Some(version) = call.version {
            request = request.header(IF_MATCH, version);
        }
        match call.body {
            Some(body) => request.json(body),
            None => request,
        }
    }

    fn signed(&self, mut request: RequestBuilder) -> RequestBuilder {
        if let Some((_, token)) = &self.login {
            request = request.bearer_auth(token);
        }
        match &*self.written.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(token) => request.header(CONSISTENCY, token),
            None => request,
        }
    }

    fn remember(&self, heard: &Heard) {
        if let Some(token) = heard.token() {
            *self.written.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
        }
    }
}

fn read<'call>(name: &'static str, path: &'call str) -> Call<'call> {
    Call {
        name,
        method: Method::GET,
        path,
        body: None,
        version: None,
        key: None,
        id: None,
        sent: AtomicU32::new(0),
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::extract::State;
    use axum::http::{HeaderMap, StatusCode};
    use axum::response::{IntoResponse as _, Response};
    use axum::routing::{get, post};
    use infra::clock::Clock;
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
        let api = Api::new(&base, Clock::system(), None).expect("a client");
        tokio::select! {
            ended = axum::serve(listener, routes) => panic!("the server ended: {ended:?}"),
            () = test(api) => {}
        }
    }

    fn header_of(heard: &Heard, call: usize, name: &str) -> Option<String> {
        let heard = heard.lock().expect("nobody panics with it");
        let value = heard[call].get(name)?;
        Some(value.to_str().expect("text").to_owned())
    }

    #[tokio::test]
    async fn a_repeated_write_keeps_its_key_and_reads_wait_for_what_was_written() {
        let heard = Heard::default();
        served(&heard, async |api| {
            let session = api.session(Uuid::nil(), "token");
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
            assert_eq!(fault.status(), Some(422));
            assert_eq!(
                fault.to_string(),
                "GET /v1/refused was refused: 422 invalid: no; /name too_long 120 at most"
            );
        })
        .await;
    }
}
