//! Webhooks that came in: kept before they are answered, handled once, in any order.
//!
//! A webhook says that something happened, not what is true: the object is read from the vendor, held
//! against our payment, and what it says becomes a command. Its record key comes from the webhook, so
//! handling it twice is one command. News about what we do not know yet is kept and tried again, as a
//! vendor may be faster than our own commit.
//!
//! Each is handled in a task of its own, and those that had no room are taken as soon as one has ended, so
//! a read that the vendor is slow to answer holds up nobody else's news.

mod handler;
mod table;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use infra::fault;
use infra::lifecycle::{Doorbell, Loop, Progress, Tasks};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tracing::Instrument as _;

use crate::app::App;
use handler::Handler;
use table::Taken;
pub use table::{InboxError, keep};

/// Webhooks handled at once: what the vendor's lane takes, so that none waits there with its lease.
const IN_FLIGHT_MAX: usize = 16;
/// Handling takes a read from the vendor (20 s at most) and a command; what takes longer hangs, is given
/// up, and is taken again after its lease.
const HANDLING_MAX: Duration = Duration::from_secs(40);

/// Takes what has come in and has it handled, while this instance leads.
pub struct Inbox {
    app: App,
    handler: Handler,
    leading: watch::Receiver<Option<i64>>,
    tasks: Tasks,
    room: Arc<Semaphore>,
    /// Whether there may be more than there was room for, which the next to end then says.
    was_full: Arc<AtomicBool>,
}

/// Which webhooks are under way: shared with tests, which wait until there are none.
#[derive(Clone, Debug)]
pub struct WebhooksInFlight(Arc<Semaphore>);

impl WebhooksInFlight {
    /// How many there are.
    pub fn count(&self) -> usize {
        IN_FLIGHT_MAX - self.0.available_permits()
    }
}

/// Room for one webhook, given back in whatever way its handling ends.
struct UnderWay {
    room: Option<OwnedSemaphorePermit>,
    was_full: Arc<AtomicBool>,
    doorbell: Doorbell,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        drop(self.room.take());
        if self.was_full.swap(false, Ordering::AcqRel) {
            self.doorbell.ring();
        }
    }
}

impl Inbox {
    /// The inbox of `app`, whose tasks belong to `tasks` and ring the inbox's bell when they end.
    pub fn new(app: App, leading: watch::Receiver<Option<i64>>, tasks: Tasks) -> Self {
        Self {
            handler: Handler::new(app.clone()),
            app,
            leading,
            tasks,
            room: Arc::new(Semaphore::new(IN_FLIGHT_MAX)),
            was_full: Arc::default(),
        }
    }

    /// What is under way.
    pub fn in_flight(&self) -> WebhooksInFlight {
        WebhooksInFlight(Arc::clone(&self.room))
    }

    fn begin(&self, taken: Taken) {
        let under_way = UnderWay {
            room: Arc::clone(&self.room).try_acquire_owned().ok(),
            was_full: Arc::clone(&self.was_full),
            doorbell: self.app.inbox.clone(),
        };
        let (app, handler) = (self.app.clone(), self.handler.clone());
        // Nobody awaits the task: it writes its outcome itself, and the process waits for it when it
        // stops.
        drop(self.tasks.detached(async move {
            let span = taken.span();
            let work = async {
                fault::point("hook.processing");
                let verdict = handler.handle(&taken).await;
                fault::point("hook.processed");
                span.record("outcome", verdict.name());
                table::settle(&app, &taken, verdict).await
            };
            let work = work.instrument(span.clone());
            match tokio::time::timeout(HANDLING_MAX, work).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    webhook.key = taken.event_key,
                    "the outcome of a webhook is not written, it is handled again"
                ),
                Err(_) => tracing::error!(
                    webhook.key = taken.event_key,
                    "a webhook hangs, it is handled again"
                ),
            }
            drop(under_way);
        }));
    }
}

impl Loop for Inbox {
    const NAME: &'static str = "webhook_inbox";
    type Error = InboxError;

    async fn step(&mut self) -> Result<Progress, InboxError> {
        // Said before the room is looked at: one that ends from here on rings.
        self.was_full.store(true, Ordering::Release);
        // Only this loop takes room, so there is at least as much when it is used.
        let room = self.room.available_permits();
        if self.leading.borrow().is_none() || room == 0 {
            return Ok(Progress::Idle);
        }
        let taken = table::take(&self.app, room).await?;
        let count = taken.len();
        self.was_full.store(count == room, Ordering::Release);
        for taken in taken {
            self.begin(taken);
        }
        Ok(Progress::of_up_to(room, count))
    }
}
