//! Where the API is, and what all who call it share.

use std::sync::Arc;
use std::time::Duration;

use infra::clock::Clock;
use uuid::Uuid;

use super::latency::Latencies;
use super::recording::Recording;
use super::session::Session;

/// Longest time to open a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest silence within an answer; order events send comments more often than this.
const READ_TIMEOUT: Duration = Duration::from_secs(90);

/// Where the API is, and what all sessions share.
pub(crate) struct Api {
    http: reqwest::Client,
    base: String,
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

    /// The whole address of a path.
    pub(super) fn address(&self, path: &str) -> String {
        format!("{}{path}", self.base)
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
