//! The publisher: gives events their dense global order, sends them to Kafka, and signs the hash
//! chain that runs through them. One leader at a time does all three; the others stand by.

pub mod chain;
mod note;
mod relay;
mod sequencer;
mod signer;

use infra::event_store::LogRow;
use infra::lifecycle::Doorbell;
use infra::telemetry::TraceContext;
use tokio::sync::{mpsc, watch};

pub use note::{KeyError, Notary, NoteError};
pub use relay::Relay;
pub use sequencer::Sequencer;
pub use signer::{STRETCH_MAX, Signer, SignerError};

/// Batches handed from the sequencer to the relay in memory; when the relay is behind by more, it
/// reads the log.
const HANDOVER_BATCHES_MAX: usize = 16;

/// What the sequencer tells the relay: its epoch while it leads, and what it has just numbered.
pub struct Handover {
    epoch: watch::Receiver<Option<i64>>,
    batches: mpsc::Receiver<Vec<LogRow>>,
}

/// The traces that events belong to.
fn traces_of(rows: &[LogRow]) -> impl Iterator<Item = TraceContext> {
    let traces = rows
        .iter()
        .map(|row| TraceContext::in_metadata(&row.metadata));
    traces.flatten()
}

/// The sequencer's end of the [`Handover`].
pub struct Leadership {
    epoch: watch::Sender<Option<i64>>,
    batches: mpsc::Sender<Vec<LogRow>>,
    relay: Doorbell,
}

impl Leadership {
    /// The epoch while this process leads: processes run only then.
    pub fn epoch(&self) -> watch::Receiver<Option<i64>> {
        self.epoch.subscribe()
    }
}

/// The two ends of a fresh handover; `relay` is rung when there is something to send.
pub fn handover(relay: Doorbell) -> (Leadership, Handover) {
    let (epoch, epoch_seen) = watch::channel(None);
    let (sender, batches) = mpsc::channel(HANDOVER_BATCHES_MAX);
    (
        Leadership {
            epoch,
            batches: sender,
            relay,
        },
        Handover {
            epoch: epoch_seen,
            batches,
        },
    )
}
