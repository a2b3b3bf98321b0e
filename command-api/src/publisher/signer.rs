//! The signer: follows the chain apart from the database that stores it, and signs where it stands.
//! What was signed once can no longer be rewritten unseen, not by whoever owns the database either.
//!
//! Two signers at once do no harm: each signs only what extends the last note, and the same position
//! gives the same bytes.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use infra::clock::Clock;
use infra::event_store::{EventLog, LogError, Mark};
use infra::fault;
use infra::lifecycle::{Loop, Pace, Progress};
use sqlx::PgPool;
use tokio::sync::watch;

use super::chain;
use super::note::{Notary, NoteError};

/// Events between two notes, at most.
pub const STRETCH_MAX: i64 = 1_000;
/// An event waits for its note for so long, at most.
const AGE_MAX: TimeDelta = TimeDelta::seconds(60);
/// How often the signer looks: nothing rings for it.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_secs(1);

/// Signs the chain while this instance leads.
pub struct Signer {
    pool: PgPool,
    log: EventLog,
    clock: Clock,
    notary: Arc<Notary>,
    leading: watch::Receiver<Option<i64>>,
    last: Option<Signed>,
}

/// What was signed last.
#[derive(Clone, Copy, Default)]
struct Signed {
    checkpoint: Mark,
    /// None before the first note.
    at: Option<DateTime<Utc>>,
}

/// Why a step failed. Nothing was signed.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    /// Notes could not be read or kept.
    #[error("checkpoints cannot be read or written")]
    Notes(#[from] sqlx::Error),
    /// The log could not be read.
    #[error("the signer cannot read the log")]
    Log(#[from] LogError),
    /// The last note is none of ours, so somebody else wrote it.
    #[error("the checkpoint at position {position} is not to be trusted")]
    Note {
        /// Where it stands.
        position: i64,
        /// What is wrong with it.
        source: NoteError,
    },
    /// The stored chain is not the one that was signed before.
    #[error("the log does not continue the checkpoint at position {0}: nothing is signed any more")]
    Broken(i64),
}

impl Signer {
    /// Its pace.
    pub const PACE: Pace = Pace {
        idle_min: LOOK_EVERY,
        idle_max: LOOK_EVERY,
        backoff_min: infra::limits::BACKOFF_MIN,
        backoff_max: infra::limits::BACKOFF_MAX,
    };

    /// A signer with the keys of `notary`.
    pub fn new(
        pool: PgPool,
        clock: Clock,
        notary: Arc<Notary>,
        leading: watch::Receiver<Option<i64>>,
    ) -> Self {
        Self {
            log: EventLog::new(pool.clone()),
            pool,
            clock,
            notary,
            leading,
            last: None,
        }
    }

    async fn last(&self) -> Result<Signed, SignerError> {
        if let Some(last) = self.last {
            return Ok(last);
        }
        let row = sqlx::query!(
            "SELECT position, note, signed_at FROM ops.checkpoints ORDER BY position DESC LIMIT 1"
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else {
            return Ok(Signed::default());
        };
        let position = row.position;
        let checkpoint = match self.notary.read(&row.note) {
            Ok(checkpoint) if checkpoint.position == position => Ok(checkpoint),
            Ok(_) => Err(NoteError::Form),
            Err(error) => Err(error),
        }
        .map_err(|source| SignerError::Note { position, source })?;
        Ok(Signed {
            checkpoint,
            at: Some(row.signed_at),
        })
    }

    /// Follows the chain from `from`, over a stretch at most, and compares each link with what is stored.
    async fn follow(&self, from: Mark) -> Result<Mark, SignerError> {
        let events = self.log.after_position(from.position, STRETCH_MAX).await?;
        let mut here = from;
        for event in &events {
            here = chain::step(here, event);
            if here != event.mark() {
                return Err(SignerError::Broken(from.position));
            }
        }
        if events.is_empty() {
            return Err(SignerError::Broken(from.position)); // the log's head says otherwise
        }
        Ok(here)
    }

    async fn keep(&self, checkpoint: &Mark, signed_at: DateTime<Utc>) -> Result<(), SignerError> {
        sqlx::query!(
            "INSERT INTO ops.checkpoints (position, note, signed_at) VALUES ($1, $2, $3)
             ON CONFLICT (position) DO NOTHING",
            checkpoint.position,
            self.notary.sign(checkpoint),
            signed_at
        )
        .execute(&self.pool)
        .await?;
        fault::point("sign.written");
        Ok(())
    }

    async fn sign(&mut self) -> Result<Progress, SignerError> {
        let last = self.last().await?;
        self.last = Some(last);
        let (now, from) = (self.clock.now(), last.checkpoint);
        let waiting = self.log.head().await? - from.position;
        let age = last.at.map(|at| now - at);
        #[expect(clippy::cast_precision_loss, reason = "a gauge of seconds")]
        let seconds = age.map_or(0.0, |age| age.num_seconds() as f64);
        metrics::gauge!("ramen_checkpoint_age_seconds").set(if waiting > 0 {
            seconds
        } else {
            0.0
        });
        let due = waiting >= STRETCH_MAX || age.is_none_or(|age| age >= AGE_MAX);
        if waiting < 0 {
            return Err(SignerError::Broken(from.position));
        }
        if waiting == 0 || !due {
            return Ok(Progress::Idle);
        }
        let checkpoint = self.follow(from).await?;
        self.keep(&checkpoint, now).await?;
        self.last = Some(Signed {
            checkpoint,
            at: Some(now),
        });
        Ok(Progress::Did(1))
    }
}

impl Loop for Signer {
    const NAME: &'static str = "signer";
    type Error = SignerError;

    async fn step(&mut self) -> Result<Progress, SignerError> {
        if self.leading.borrow_and_update().is_none() {
            self.last = None;
            return Ok(Progress::Idle);
        }
        let signed = self.sign().await;
        if let Err(SignerError::Note { .. } | SignerError::Broken(_)) = &signed {
            metrics::counter!("ramen_invariant_violations_total", "invariant" => "I16")
                .increment(1);
        }
        signed
    }
}
