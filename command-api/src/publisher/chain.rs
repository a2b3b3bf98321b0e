//! The hash chain of reliability §9, computed from the stored events apart from the database that
//! stores both: what the signer compares before it puts its name to a hash.

use aws_lc_rs::digest::{Context, SHA256};
use chrono::{DateTime, Utc};
use infra::event_store::{ChainHash, LogRow, Mark};

/// A SHA-256 hash of one event.
pub type Leaf = [u8; 32];

/// Seconds from 1970-01-01 to 2000-01-01, from which Postgres counts.
const EPOCH_2000_SECONDS: i64 = 946_684_800;

/// The hash of one event's stored columns.
pub fn leaf(event: &LogRow) -> Leaf {
    let mut context = Context::new(&SHA256);
    context.update(&[0]);
    text(&mut context, event.stream.kind.as_str());
    text(&mut context, &event.stream.id.to_string());
    context.update(&event.sequence.to_be_bytes());
    text(&mut context, &event.event_type);
    text(&mut context, &event.event_version);
    context.update(event.event_id.as_bytes());
    context.update(&micros_since_2000(event.recorded_at).to_be_bytes());
    text(&mut context, &event.payload);
    text(&mut context, &event.metadata);
    finish(context)
}

/// Time as Postgres stores it.
pub fn micros_since_2000(at: DateTime<Utc>) -> i64 {
    at.timestamp_micros() - EPOCH_2000_SECONDS * 1_000_000
}

/// Where the chain stands after `event`, when it stood at `previous` before.
pub fn step(previous: Mark, event: &LogRow) -> Mark {
    let position = previous.position + 1;
    let mut context = Context::new(&SHA256);
    context.update(&[1]);
    context.update(previous.hash.as_bytes());
    context.update(&position.to_be_bytes());
    context.update(&leaf(event));
    let hash = ChainHash::new(finish(context));
    Mark { position, hash }
}

fn text(context: &mut Context, text: &str) {
    let length = u32::try_from(text.len()).expect("a stored text is shorter than 4 GiB");
    context.update(&length.to_be_bytes());
    context.update(text.as_bytes());
}

fn finish(context: Context) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}
