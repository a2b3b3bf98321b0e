//! The checker proves itself: a finished world of a few orders in which it finds nothing, and faults
//! planted into copies of it, each of which it reports under its own id.
//!
//! The world's events are written here as JSON, its views and index by the projector itself, so that a
//! clean world is also a comparison of two independent folds.

mod history;
mod kafka;
mod live;
mod planted;
mod plants;
mod rebuilt;
mod served;
mod story;
mod world;
