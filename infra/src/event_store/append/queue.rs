//! The queue before the appender: bounded, and refusing at once what it cannot take.

use std::time::Instant;

use tokio::sync::{mpsc, oneshot};
use tracing::Span;

use crate::event_store::{Append, AppendError, EVENT_BYTES_MAX, NewEvent};
use crate::telemetry::{TraceContext, context_of};

/// Commands that may wait; beyond that callers are refused at once (reliability §5).
const QUEUE_MAX: usize = 4_096;

pub(super) type Reply = oneshot::Sender<Result<(), AppendError>>;

/// A command that waits to be written.
pub(super) struct Job {
    pub(super) append: Append,
    pub(super) queued: Instant,
    /// Of the command that waits.
    pub(super) trace: Option<TraceContext>,
    pub(super) reply: Reply,
}

/// Hands commands to the appender's task.
#[derive(Clone)]
pub(in crate::event_store) struct AppenderHandle {
    queue: mpsc::Sender<Job>,
}

impl AppenderHandle {
    pub(in crate::event_store) async fn append(&self, append: Append) -> Result<(), AppendError> {
        let too_large = |event: &NewEvent| event.payload.len() > EVENT_BYTES_MAX;
        if append
            .streams
            .iter()
            .flat_map(|part| &part.events)
            .any(too_large)
        {
            return Err(AppendError::TooLarge);
        }
        let (reply, answer) = oneshot::channel();
        let job = Job {
            append,
            queued: Instant::now(),
            trace: context_of(&Span::current()),
            reply,
        };
        self.queue
            .try_send(job)
            .map_err(|_| AppendError::Overloaded)?;
        answer.await.unwrap_or(Err(AppendError::Unknown))
    }
}

impl Job {
    /// Tells the caller. Nobody may be waiting any more.
    pub(super) fn answer(self, outcome: Result<(), AppendError>) {
        if self.reply.send(outcome).is_err() {
            tracing::debug!(?outcome, "a caller left before its append was answered");
        }
    }
}

/// A queue, and the handle that fills it.
pub(super) fn queue() -> (AppenderHandle, mpsc::Receiver<Job>) {
    let (sender, receiver) = mpsc::channel(QUEUE_MAX);
    (AppenderHandle { queue: sender }, receiver)
}
