//! What all parts of one simulator share, and the contract between a vendor and the machinery.

use serde_json::Value;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use chrono::{DateTime, Utc};
use http::StatusCode;

use crate::call::{Answer, Call};
use crate::clock::Clock;
use crate::faults::rules::Faults;
use crate::journal::Journal;
use crate::random::Random;
use crate::record::Record;
use crate::stripe;
use crate::timers::Timers;
use crate::webhooks::Webhooks;

/// The shared parts of one simulator. Each has its own short lock; none is held over I/O.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
    pub(crate) record: Record,
    pub(crate) faults: Faults,
    pub(crate) timers: Timers<Job>,
    pub(crate) webhooks: Webhooks,
    pub(crate) journal: Journal,
    /// The only spawner of the crate.
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
}

/// Work that falls due on the simulated clock.
#[derive(Debug)]
pub(crate) enum Job {
    /// Something that happens on Stripe's side.
    Stripe(stripe::Job),
    /// The next attempt of a webhook delivery.
    Deliver(u64),
    /// Lets a slowed call go on.
    Wake(oneshot::Sender<()>),
}

/// A finished call: its answer, and the webhooks that must arrive before it.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) answer: Answer,
    pub(crate) deliver_first: Vec<u64>,
}

/// A vendor as the machinery sees it. All functions are quick and do no I/O.
pub(crate) trait Vendor: Send + Sync + 'static {
    /// A call that may run.
    type Work: Send + 'static;

    /// Checks who calls, where, and whether the idempotency key is free.
    ///
    /// # Errors
    /// The vendor's answer when the call does not run: refused, or replayed.
    fn admit(&self, call: &Call) -> Result<Self::Work, Box<Answer>>;

    /// Carries the call out. With `saved` the idempotency key keeps that answer instead of the
    /// true one, as after a crash in the vendor's own application.
    fn work(&self, work: Self::Work, saved: Option<&Answer>) -> Done;

    /// The vendor's own form of an injected error.
    fn error(&self, status: StatusCode) -> Answer;

    /// Carries out a job that was due at `due`.
    fn fire(&self, job: Job, due: DateTime<Utc>);

    /// The vendor's ledger, narrowed to one object or reference when `of` is given.
    fn ledger(&self, of: Option<&str>) -> Value;

    /// Does something that the vendor's side does.
    ///
    /// # Errors
    /// A sentence saying why it cannot be done.
    fn act(&self, name: &str, body: &Value) -> Result<Value, String>;

    /// A page or form of the vendor's under `/_sim/pages/`.
    fn page(&self, call: &Call, segments: &[&str]) -> Option<Answer>;
}
