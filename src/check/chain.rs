//! The hash chain, from the text of reliability §9 alone: leaf = SHA-256(`00` ‖ type ‖ id ‖ sequence ‖
//! event type ‖ version ‖ event id ‖ recorded at ‖ payload ‖ metadata), hash = SHA-256(`01` ‖ previous ‖
//! position ‖ leaf). Strings stand behind a 4-byte length, integers are 8 bytes big-endian, a time is in
//! microseconds since 2000-01-01.

use aws_lc_rs::digest::{Context, SHA256};

use super::store::Stored;

/// Seconds from 1970-01-01 to 2000-01-01.
const EPOCH_2000_SECONDS: i64 = 946_684_800;

/// A SHA-256 hash.
pub(super) type Hash = [u8; 32];

/// What the first hash follows.
pub(super) const SEED: Hash = [0; 32];

/// The hash of an event's stored columns.
pub(super) fn leaf(event: &Stored) -> Hash {
    let mut context = Context::new(&SHA256);
    context.update(&[0]);
    text(&mut context, &event.kind);
    text(&mut context, &event.stream);
    context.update(&event.sequence.to_be_bytes());
    text(&mut context, &event.name);
    text(&mut context, &event.version);
    context.update(event.event_id.as_bytes());
    let micros = event.recorded_at.timestamp_micros() - EPOCH_2000_SECONDS * 1_000_000;
    context.update(&micros.to_be_bytes());
    text(&mut context, &event.payload);
    text(&mut context, &event.metadata);
    finish(context)
}

/// The hash at `position`, from the one before it.
pub(super) fn step(previous: &Hash, position: i64, leaf: &Hash) -> Hash {
    let mut context = Context::new(&SHA256);
    context.update(&[1]);
    context.update(previous);
    context.update(&position.to_be_bytes());
    context.update(leaf);
    finish(context)
}

fn text(context: &mut Context, text: &str) {
    // Longer texts cannot be stored: a row ends at a gigabyte.
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    context.update(&length.to_be_bytes());
    context.update(text.as_bytes());
}

fn finish(context: Context) -> Hash {
    let mut hash = SEED;
    hash.copy_from_slice(context.finish().as_ref());
    hash
}
