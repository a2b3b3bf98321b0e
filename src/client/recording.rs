//! What makes a rehearsal checkable: every write is taken down, and some of them go wrong on the way.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::call::{Call, Heard};
use super::history::{History, Line, Pen};
use super::mishaps::{Mishap, MishapCounts, Mishaps};
use super::templates::Templates;

/// An answer to a write, as far as they are counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Kind {
    /// HTTP status; none when no answer came.
    pub(crate) status: Option<u16>,
    /// The problem's code, of a refusal.
    pub(crate) code: Option<String>,
    /// Whether it says when to come again.
    pub(crate) says_when: bool,
}

/// The history that an [`Api`](super::Api) writes, and the mishaps that its sessions meet.
#[derive(Debug)]
pub(crate) struct Recording {
    pen: Pen,
    templates: Templates,
    mishaps: Mishaps,
    successes: AtomicU64,
    answers: Mutex<BTreeMap<Kind, u64>>,
}

impl Recording {
    /// Records the API at `base` in `history`, with the mishaps of `seed`.
    ///
    /// # Errors
    /// When the API does not publish its document.
    pub(crate) async fn of(base: &str, history: &History, seed: u64) -> anyhow::Result<Self> {
        let address = format!("{}/openapi.json", base.trim_end_matches('/'));
        let asked = reqwest::Client::builder().build()?.get(&address).send();
        let answer = asked.await.and_then(reqwest::Response::error_for_status);
        let bytes = answer.context("the API's document")?.bytes().await?;
        let document: Value = serde_json::from_slice(&bytes).context("the API's document")?;
        Ok(Self {
            pen: history.pen(),
            templates: Templates::read(&document)?,
            mishaps: Mishaps::seeded(seed),
            successes: AtomicU64::new(0),
            answers: Mutex::default(),
        })
    }

    /// How many writes met which mishap.
    pub(crate) fn counts(&self) -> MishapCounts {
        self.mishaps.counts()
    }

    /// How many writes were answered with a success.
    pub(crate) fn successes(&self) -> u64 {
        self.successes.load(Ordering::Relaxed)
    }

    /// How many writes were answered how, so far.
    pub(crate) fn answers(&self) -> BTreeMap<Kind, u64> {
        let answers = self.answers.lock();
        answers.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn count(&self, kind: Kind) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        *answers.entry(kind).or_default() += 1;
    }

    /// What becomes of a call: nothing unusual unless it is a write under a key.
    pub(super) fn mishap(&self, call: &Call<'_>) -> Mishap {
        match call.key {
            Some(_) => self.mishaps.draw(),
            None => Mishap::Nothing,
        }
    }

    /// Takes down a write that was sent by `principal` at `at`, and what came back of it.
    pub(super) async fn note(
        &self,
        principal: Option<Uuid>,
        at: DateTime<Utc>,
        call: &Call<'_>,
        request_id: &str,
        heard: Option<&Heard>,
    ) {
        if heard.is_some_and(|heard| heard.status.is_success()) {
            self.successes.fetch_add(1, Ordering::Relaxed);
        }
        let code = heard.and_then(|heard| heard.member("code"));
        self.count(Kind {
            status: heard.map(|heard| heard.status.as_u16()),
            code: code.clone(),
            says_when: heard.is_some_and(Heard::says_when),
        });
        let line = Line {
            at,
            request_id,
            principal,
            method: call.method.as_str(),
            route: self.templates.of(call.path),
            path: call.path,
            key: call.key.as_deref(),
            fingerprint: call.fingerprint(),
            status: heard.map(|heard| heard.status.as_u16()),
            code,
            replayed: heard.is_some_and(Heard::is_replayed),
            token: heard.and_then(Heard::token),
            order_id: heard.and_then(|heard| heard.member("order_id")),
            body_sha256: heard.map(Heard::body_sha256),
        };
        self.pen.write(&line).await;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use axum::http::StatusCode;
    use axum::routing::{get, post};
    use axum::{Json, Router};
    use infra::clock::Clock;
    use serde_json::json;

    use super::super::Api;
    use super::*;

    const WRITES: usize = 400;

    /// Writes to an API that takes everything, with the mishaps of a seed, and gives the history.
    async fn recorded() -> (Vec<Value>, MishapCounts) {
        let document = json!({ "paths": { "/v1/things/{thing_id}": {} } });
        let routes = Router::new()
            .route("/openapi.json", get(move || async { Json(document) }))
            .route(
                "/v1/things/{thing_id}",
                post(|| async { (StatusCode::CREATED, Json(json!({ "order_id": "7" }))) }),
            );
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let folder = tempfile::tempdir().unwrap();
        let history = History::begin(folder.path()).unwrap();
        let write = async {
            let recording = Recording::of(&base, &history, 1).await.unwrap();
            let api = Api::new(&base, Clock::system(), Some(recording)).unwrap();
            let session = api.session(Uuid::from_u128(5), "token");
            let body = json!({});
            for _ in 0..WRITES {
                let answer = session.post("write", "/v1/things/3", &body).await;
                assert_eq!(answer.unwrap().text("/order_id").unwrap(), "7");
            }
            session.ask("ask", "/v1/things/4", &body).await.unwrap();
            let recording = api.recording().unwrap();
            // Those that are cut may have been answered before.
            let mut kinds = recording.answers().into_keys().map(|kind| kind.status);
            assert!(kinds.all(|status| status.is_none_or(|status| status == 201)));
            assert!(recording.answers().values().sum::<u64>() > counted(WRITES));
            recording.counts()
        };
        let counts = tokio::select! {
            ended = axum::serve(listener, routes) => panic!("the server ended: {ended:?}"),
            counts = write => counts,
        };
        let written = history.finish().await.unwrap();
        let text = std::fs::read_to_string(written.path()).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        (lines.collect(), counts)
    }

    fn counted(writes: usize) -> u64 {
        u64::try_from(writes).unwrap()
    }

    #[tokio::test]
    async fn each_time_that_a_write_is_sent_is_a_line_of_its_own_under_one_key() {
        let (lines, counts) = recorded().await;
        let mut keyed: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
        for line in &lines {
            if let Some(key) = line["key"].as_str() {
                keyed.entry(key).or_default().push(line);
            }
        }
        assert_eq!(keyed.len(), WRITES);
        assert_eq!(counts.writes, 400);
        let cut = lines.iter().filter(|line| line["status"].is_null()).count();
        let more = usize::try_from(counts.again + counts.twice).unwrap();
        assert!(more > 0);
        assert_eq!(lines.len(), WRITES + more + cut + 1);
        for sent in keyed.values() {
            let first = sent[0];
            assert!(sent.iter().any(|line| line["status"] == 201), "{sent:?}");
            assert!(
                sent.iter()
                    .all(|line| line["fingerprint"] == first["fingerprint"])
            );
        }
        let ids: BTreeSet<&str> = lines
            .iter()
            .map(|line| line["request_id"].as_str().unwrap())
            .collect();
        assert_eq!(ids.len(), lines.len());
        let asked = lines.last().unwrap();
        assert_eq!(asked["path"], "/v1/things/4");
        assert_eq!(asked["route"], "/v1/things/{thing_id}");
        assert_eq!(asked["principal"], Uuid::from_u128(5).to_string());
        assert_eq!(asked["order_id"], "7");
        assert!(asked["key"].is_null());
    }
}
