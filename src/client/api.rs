//! Where the API is, and what all who call it share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use infra::clock::Clock;
use reqwest::Method;
use uuid::Uuid;

use super::latency::Latencies;
use super::recording::Recording;
use super::session::Session;

/// Longest time to open a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest silence within an answer; order events send comments more often than this.
const READ_TIMEOUT: Duration = Duration::from_secs(90);

/// How often a call is sent when nobody answers or the answer says "again".
const ATTEMPTS: u32 = 6;
/// The same while processes are killed: half a minute at the longest pause.
const ATTEMPTS_STUBBORN: u32 = 60;
/// Longest pause between attempts of our own choice.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// The same while processes are killed, which are back soon.
const PAUSE_MAX_STUBBORN: Duration = Duration::from_secs(1);

/// Origins of the API: one of a process that serves all of it, or several of processes that share it.
#[derive(Debug)]
pub(crate) struct Origins {
    writes: Vec<String>,
    reads: Vec<String>,
    turn: AtomicUsize,
}

impl Origins {
    /// One process serves everything at `base`, such as `http://127.0.0.1:8080`.
    pub(crate) fn single(base: &str) -> Self {
        let base = base.trim_end_matches('/').to_owned();
        Self::apart(vec![base.clone()], vec![base])
    }

    /// Writes are served by some processes and reads by others, each asked in turn.
    ///
    /// # Panics
    /// When there is none of a sort.
    pub(crate) fn apart(writes: Vec<String>, reads: Vec<String>) -> Self {
        assert!(
            !writes.is_empty() && !reads.is_empty(),
            "nobody serves the API"
        );
        Self {
            writes,
            reads,
            turn: AtomicUsize::new(0),
        }
    }

    fn of(&self, method: &Method, path: &str) -> &str {
        // The write side reads what only it has: the signed log.
        let is_log = path.starts_with("/v1/ops/proof") || path.starts_with("/v1/ops/audit");
        let origins = if method.is_safe() && !is_log {
            &self.reads
        } else {
            &self.writes
        };
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        &origins[turn % origins.len()]
    }
}

/// How long a client goes on with a call that finds nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// As an app does: a few seconds. A 500 is an answer.
    Usual,
    /// Until a killed process is back. After a 500 the same request is sent again, with its key.
    Stubborn,
}

impl Patience {
    /// How often a call is sent.
    pub(super) fn attempts(self) -> u32 {
        match self {
            Self::Usual => ATTEMPTS,
            Self::Stubborn => ATTEMPTS_STUBBORN,
        }
    }

    /// Longest pause of our own choice between two tries.
    pub(super) fn pause_max(self) -> Duration {
        match self {
            Self::Usual => PAUSE_MAX,
            Self::Stubborn => PAUSE_MAX_STUBBORN,
        }
    }

    /// Whether an answer with this status is worth another try, whatever else it says.
    pub(super) fn is_passing(self, status: u16) -> bool {
        self == Self::Stubborn && status >= 500
    }
}

/// Where the API is, and what all sessions share.
pub(crate) struct Api {
    http: reqwest::Client,
    origins: Origins,
    patience: Patience,
    clock: Clock,
    latencies: Latencies,
    recording: Option<Recording>,
}

impl Api {
    /// A client of the API at `base`, such as `http://127.0.0.1:8080`. Nothing is sent yet.
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub(crate) fn new(
        base: &str,
        clock: Clock,
        recording: Option<Recording>,
    ) -> anyhow::Result<Arc<Self>> {
        Self::of(Origins::single(base), Patience::Usual, clock, recording)
    }

    /// A client of the API at `origins`. Nothing is sent yet.
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub(crate) fn of(
        origins: Origins,
        patience: Patience,
        clock: Clock,
        recording: Option<Recording>,
    ) -> anyhow::Result<Arc<Self>> {
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .build()?;
        Ok(Arc::new(Self {
            http,
            origins,
            patience,
            clock,
            latencies: Latencies::default(),
            recording,
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

    /// What writes are taken down in, when they are.
    pub(crate) fn recording(&self) -> Option<&Recording> {
        self.recording.as_ref()
    }

    /// How long calls go on.
    pub(super) fn patience(&self) -> Patience {
        self.patience
    }

    /// The whole address of a path.
    pub(super) fn address(&self, method: &Method, path: &str) -> String {
        format!("{}{path}", self.origins.of(method, path))
    }

    /// A session of `principal` with an access token.
    pub(crate) fn session(self: &Arc<Self>, principal: Uuid, token: &str) -> Session {
        Session::new(Arc::clone(self), Some((principal, token.to_owned())))
    }

    /// A session of nobody, for what is public.
    pub(crate) fn visitor(self: &Arc<Self>) -> Session {
        Session::new(Arc::clone(self), None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_go_to_their_processes_in_turn() {
        let origins = Origins::apart(vec!["w1".into(), "w2".into()], vec!["r".into()]);
        let asked = [
            (Method::POST, "/v1/carts"),
            (Method::POST, "/v1/carts"),
            (Method::GET, "/v1/orders"),
            (Method::GET, "/v1/ops/proof/7"),
        ];
        let given = asked.map(|(method, path)| origins.of(&method, path).to_owned());
        assert_eq!(given, ["w1", "w2", "r", "w2"]);
    }
}
