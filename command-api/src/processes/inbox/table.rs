//! The table of webhooks that came in: kept sealed, taken with a lease, settled.

use chrono::{DateTime, TimeDelta, Utc};
use domain::kernel::sealed::{Origin, Sealed};
use infra::http::Unavailable;
use infra::http::request_id::RequestScope;
use infra::telemetry::{TraceContext, continues};
use infra::vault::{Class, SYSTEM, VaultError};
use tracing::Span;
use tracing::field::Empty;
use uuid::{Uuid, uuid};

use super::handler::Verdict;
use crate::app::App;

/// Names what came in, so that it never equals another `UUIDv5` of ours.
const NAMESPACE: Uuid = uuid!("3f9d1c62-52b7-5f7a-9d0c-8a6c0f5b7e14");
/// A webhook that was taken is not taken again for this long, in real time: longer than
/// [`super::HANDLING_MAX`], and so short that what a fault left is done a minute after it
/// (reliability, P17).
const LEASE: TimeDelta = TimeDelta::seconds(50);
/// The first pause before another try, doubled each time (integrations §1).
const RETRY_MIN: TimeDelta = TimeDelta::seconds(1);
/// The longest pause.
const RETRY_MAX: TimeDelta = TimeDelta::hours(1);
/// After this, a person must look.
const GIVE_UP_AFTER: TimeDelta = TimeDelta::hours(24);

/// Why a webhook could not be kept or taken.
#[derive(Debug, thiserror::Error)]
pub enum InboxError {
    /// The database said no or could not be reached.
    #[error("the webhook inbox cannot be used")]
    Database(#[from] sqlx::Error),
    /// The body could not be sealed or opened.
    #[error("a webhook's body cannot be sealed or opened")]
    Vault(#[from] VaultError),
    /// What the vault gave is not what was put in.
    #[error("a webhook's envelope cannot be read")]
    Envelope(#[from] serde_json::Error),
}

impl From<InboxError> for infra::http::ApiError {
    fn from(error: InboxError) -> Self {
        match error {
            InboxError::Database(error) => Unavailable::from(error).into(),
            InboxError::Vault(error) => error.into(),
            InboxError::Envelope(error) => Self::internal(error),
        }
    }
}

/// Keeps a verified webhook of `source`, once for each `event`; without an id of the vendor's, once for
/// each body. The body is sealed, for it holds what a customer told the vendor. Gives whether it is new.
///
/// # Errors
/// When it cannot be kept: the vendor will send it again.
pub async fn keep(
    app: &App,
    source: &str,
    event: Option<String>,
    body: &[u8],
) -> Result<bool, InboxError> {
    let now = app.clock.now();
    let event_key = event.unwrap_or_else(|| format!("sha256:{}", digest_of(body)));
    let text = String::from_utf8_lossy(body).into_owned();
    let class = Class::system(now);
    let sealed = app
        .vault
        .seal(SYSTEM, class, origin_of(source, &event_key), &text)
        .await?;
    let sealed = serde_json::to_string(&sealed)?;
    let request = RequestScope::current();
    let inserted = sqlx::query!(
        "INSERT INTO ops.webhook_inbox
             (source, event_key, received_at, body, status, due_at, traceparent)
         VALUES ($1, $2, $3, $4, 'pending', $3, $5)
         ON CONFLICT (source, event_key) DO NOTHING",
        source,
        event_key,
        now,
        sealed,
        request.map(|request| request.trace.to_string())
    )
    .execute(&app.pool)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

fn digest_of(body: &[u8]) -> String {
    hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body))
}

fn origin_of(source: &str, event_key: &str) -> Origin {
    let id = inbox_id(source, event_key);
    Origin {
        kind: "ops.webhook_inbox".to_owned(),
        id,
        field: "body".to_owned(),
    }
}

/// The id of a webhook: its command's record key.
pub(super) fn inbox_id(source: &str, event_key: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, format!("{source}\n{event_key}").as_bytes())
}

/// A webhook that was taken.
pub(super) struct Taken {
    pub(super) source: String,
    pub(super) event_key: String,
    received_at: DateTime<Utc>,
    body: String,
    attempts: i32,
    traceparent: Option<String>,
}

impl Taken {
    /// The trace of the request that brought it.
    pub(super) fn trace(&self) -> Option<TraceContext> {
        self.traceparent.as_deref()?.parse().ok()
    }

    /// The span of its handling, which goes on with that trace.
    pub(super) fn span(&self) -> Span {
        let span = tracing::debug_span!(
            "webhook",
            otel.name = %format_args!("webhook.{}", self.source),
            webhook.id = %inbox_id(&self.source, &self.event_key),
            attempt = self.attempts,
            outcome = Empty,
        );
        continues(&span, self.trace());
        span
    }

    /// The webhook's body.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(super) async fn open(&self, app: &App) -> Result<String, InboxError> {
        let sealed: Sealed<String> = serde_json::from_str(&self.body)?;
        Ok(app.vault.open(&sealed).await?)
    }
}

/// Takes up to `room` webhooks that are due, each for [`LEASE`].
///
/// # Errors
/// When the database says no.
#[tracing::instrument(name = "db.inbox_take", skip_all, level = "debug")]
pub(super) async fn take(app: &App, room: usize) -> Result<Vec<Taken>, InboxError> {
    let now = app.clock.now();
    let taken = sqlx::query_as!(
        Taken,
        "UPDATE ops.webhook_inbox SET attempts = attempts + 1, due_at = $2
         WHERE (source, event_key) IN (
             SELECT source, event_key FROM ops.webhook_inbox
             WHERE status = 'pending' AND due_at <= $1
             ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED)
         RETURNING source, event_key, received_at, body, attempts, traceparent",
        now,
        now + LEASE * i32::try_from(app.clock.speed()).unwrap_or(1),
        i64::try_from(room).unwrap_or(i64::MAX)
    )
    .fetch_all(&app.pool)
    .await?;
    Ok(taken)
}

/// Writes what came of a webhook.
///
/// # Errors
/// When the database says no: it is taken again when its lease is over.
#[tracing::instrument(name = "db.inbox_settle", skip_all, level = "debug")]
pub(super) async fn settle(app: &App, taken: &Taken, verdict: Verdict) -> Result<(), InboxError> {
    let now = app.clock.now();
    let (status, due_at, why) = match verdict {
        Verdict::Done => ("done", now, None),
        Verdict::Again(why) if now - taken.received_at < GIVE_UP_AFTER => {
            ("pending", now + pause(app, taken.attempts), Some(why))
        }
        Verdict::Again(why) | Verdict::Park(why) => ("parked", now, Some(why)),
    };
    if status == "parked" {
        tracing::error!(
            webhook.source = taken.source,
            webhook.key = taken.event_key,
            reason = why,
            "webhook {} parked, a person must look",
            taken.event_key
        );
    }
    metrics::counter!("ramen_webhooks_total", "source" => taken.source.clone(), "outcome" => status)
        .increment(1);
    sqlx::query!(
        "UPDATE ops.webhook_inbox SET status = $3, due_at = $4, last_error = $5
         WHERE source = $1 AND event_key = $2",
        taken.source,
        taken.event_key,
        status,
        due_at,
        why
    )
    .execute(&app.pool)
    .await?;
    Ok(())
}

/// From half to all of a pause that doubles with each try.
fn pause(app: &App, attempts: i32) -> TimeDelta {
    let full = pause_after(attempts);
    let half = full / 2;
    let spread = half
        .to_std()
        .map(|half| app.clock.jitter(half))
        .unwrap_or_default();
    half + TimeDelta::from_std(spread).unwrap_or_default()
}

/// The pause after so many tries.
fn pause_after(attempts: i32) -> TimeDelta {
    let doublings = u32::try_from(attempts.saturating_sub(1))
        .unwrap_or(0)
        .min(20);
    (RETRY_MIN * 2_i32.saturating_pow(doublings)).min(RETRY_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_go_from_a_second_to_an_hour() {
        let seconds: Vec<_> = (1..=14)
            .map(|tries| pause_after(tries).num_seconds())
            .collect();
        assert_eq!(seconds[..5], [1, 2, 4, 8, 16]);
        assert_eq!(
            (seconds[11], seconds[12], seconds[13]),
            (2_048, 3_600, 3_600)
        );
        assert_eq!(pause_after(i32::MAX), RETRY_MAX);
        assert_eq!(pause_after(0), RETRY_MIN);
    }
}
