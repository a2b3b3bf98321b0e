//! Where processes keep their place, their states, and what follows from them: the seam at which
//! simulations put tables of their own (ADR 29). When something is due, tried again or given up is
//! decided on this side of it.

mod columns;
mod postgres;

use std::future::Future;

use chrono::{DateTime, Utc};
use infra::event_store::Mark;
use uuid::Uuid;

pub use postgres::PostgresTables;

/// A step of a process: what it writes, and from where to where its place moves with that.
#[derive(Clone, Debug)]
pub struct Step {
    /// The process.
    pub process: &'static str,
    /// The place it was at, which it must still be at.
    pub from: Mark,
    /// The place it is at then.
    pub end: Mark,
    /// The leader's epoch; an older one than that of the step before does not write.
    pub epoch: i64,
    /// When it is written.
    pub at: DateTime<Utc>,
    /// What is written.
    pub written: Written,
}

/// What a step writes.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// States of instances, each once.
    pub states: Vec<StateRow>,
    /// Effects, oldest first. One that is there already stays as it is.
    pub effects: Vec<NewEffect>,
    /// Timers that are cancelled: instance and name.
    pub cancelled: Vec<(Uuid, String)>,
    /// Timers that are started, or started anew.
    pub timers: Vec<NewTimer>,
}

/// The state of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateRow {
    /// The instance.
    pub instance: Uuid,
    /// Its state as JSON.
    pub state: String,
    /// Whether nothing more can follow.
    pub over: bool,
}

/// An effect that a process wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEffect {
    /// Its id.
    pub id: Uuid,
    /// The instance that wants it.
    pub instance: Uuid,
    /// The effect as JSON; its `type` is its kind.
    pub effect: String,
    /// The event that it follows from.
    pub cause: Uuid,
    /// Whether that belongs to a rehearsal.
    pub test: bool,
    /// The trace of that event.
    pub traceparent: Option<String>,
}

/// A timer that a process wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTimer {
    /// Its name within the instance.
    pub name: String,
    /// When it fires.
    pub due_at: DateTime<Utc>,
    /// The effect that it becomes.
    pub fires: NewEffect,
}

/// An open effect as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the columns are documented where they are created"
)]
pub struct EffectRow {
    pub id: Uuid,
    pub kind: String,
    pub process: String,
    pub instance: Uuid,
    pub effect: String,
    pub attempts: i32,
    pub sent_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub cause: Option<Uuid>,
    pub test: bool,
    pub traceparent: Option<String>,
}

/// Positions, instances, effects and timers of processes. Each method happens whole or not at all; a
/// failure may be of either, and whoever asked asks again. A write to an effect holds only while it is
/// open, so a leader that was deposed unawares cannot reopen what its successor has finished.
pub trait ProcessTables: Clone + Send + Sync + 'static {
    /// How far `process` has read; before the first event when it never did.
    ///
    /// # Errors
    /// When the tables cannot be reached.
    fn place(
        &self,
        process: &'static str,
    ) -> impl Future<Output = Result<Mark, sqlx::Error>> + Send;

    /// The states of those of `instances` that have one, as JSON.
    ///
    /// # Errors
    /// When the tables cannot be reached.
    fn states(
        &self,
        process: &'static str,
        instances: &[Uuid],
    ) -> impl Future<Output = Result<Vec<(Uuid, String)>, sqlx::Error>> + Send;

    /// Writes a step. Whether it did: not when the process is elsewhere, or has a newer leader.
    ///
    /// # Errors
    /// When the tables cannot be reached, or nobody knows whether it was written.
    fn store(&self, step: &Step) -> impl Future<Output = Result<bool, sqlx::Error>> + Send;

    /// Turns up to `most` timers that are due at `at` into effects. How many.
    ///
    /// # Errors
    /// When the tables cannot be reached, or nobody knows whether they fired.
    fn fire(
        &self,
        at: DateTime<Utc>,
        most: i64,
    ) -> impl Future<Output = Result<i64, sqlx::Error>> + Send;

    /// The open effects that are due at `at` and not `busy`: of each kind as many as there is `room`
    /// for, of each instance and kind only the oldest open one, and that only when it is due.
    ///
    /// # Errors
    /// When the tables cannot be reached.
    fn due(
        &self,
        at: DateTime<Utc>,
        busy: &[Uuid],
        room: &[(&str, usize)],
    ) -> impl Future<Output = Result<Vec<EffectRow>, sqlx::Error>> + Send;

    /// Notes when an effect was first sent. Whether it is still open.
    ///
    /// # Errors
    /// When the tables cannot be reached, or nobody knows whether it is noted.
    fn sent(
        &self,
        id: Uuid,
        at: DateTime<Utc>,
    ) -> impl Future<Output = Result<bool, sqlx::Error>> + Send;

    /// Ends an effect, with what was said against it. Whether another of its instance and kind waited
    /// behind it.
    ///
    /// # Errors
    /// When the tables cannot be reached, or nobody knows whether it ended.
    fn finish(
        &self,
        id: Uuid,
        at: DateTime<Utc>,
        refused: Option<String>,
    ) -> impl Future<Output = Result<bool, sqlx::Error>> + Send;

    /// Lets an effect and those of its instance and kind behind it wait until `again`. Without `sent`
    /// it counts as never sent.
    ///
    /// # Errors
    /// When the tables cannot be reached, or nobody knows whether it waits.
    fn postpone(
        &self,
        id: Uuid,
        again: DateTime<Utc>,
        sent: bool,
        why: String,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;

    /// Leaves an effect to a person.
    ///
    /// # Errors
    /// When the tables cannot be reached, or nobody knows whether it is left.
    fn park(&self, id: Uuid, why: &str) -> impl Future<Output = Result<(), sqlx::Error>> + Send;
}
