//! The table `vault.subject_keys`: one key for each person and class, wrapped. A row whose key was
//! destroyed stays, and a person whose identity was destroyed gets no new rows.

use std::future::Future;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use super::VaultError;
use super::cipher::SubjectKey;
use super::keyring::{self, Keyring, Slot};
use crate::clock::Clock;
use crate::fault;
use crate::http::problem::Unavailable;
use crate::limits;

#[derive(Clone, Debug)]
pub(super) struct SubjectKeys {
    pool: PgPool,
    keyring: Keyring,
}

/// A key of the table; none when it was destroyed.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) id: Uuid,
    pub(super) key: Option<Arc<SubjectKey>>,
}

struct Row {
    subject: Uuid,
    class: String,
    key_id: Uuid,
    wrapped_key: Option<Vec<u8>>,
    kek_id: String,
}

#[derive(Debug, thiserror::Error)]
#[error("the vault did not answer in time")]
struct Late;

/// A database call within the vault's deadline.
async fn timely<T>(call: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, VaultError> {
    match tokio::time::timeout(limits::VAULT_DEADLINE, call).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(VaultError::Away(error.into())),
        Err(_) => Err(VaultError::Away(Unavailable::transient(Late))),
    }
}

impl SubjectKeys {
    pub(super) fn new(pool: PgPool, keyring: Keyring) -> Self {
        Self { pool, keyring }
    }

    /// The keys of these ids; ids that never were are left out.
    #[tracing::instrument(name = "db.keys_find", skip_all, level = "debug")]
    pub(super) async fn find(&self, ids: &[Uuid]) -> Result<Vec<Found>, VaultError> {
        let rows = timely(
            sqlx::query_as!(
                Row,
                "SELECT subject, class, key_id, wrapped_key, kek_id
                 FROM vault.subject_keys WHERE key_id = ANY($1)",
                ids
            )
            .fetch_all(&self.pool),
        )
        .await?;
        rows.into_iter().map(|row| self.unwrap(&row)).collect()
    }

    /// The key of a person and class, made when there is none. Two who make one at once get the same.
    #[tracing::instrument(name = "db.key_make", skip_all, level = "debug")]
    pub(super) async fn find_or_make(
        &self,
        subject: Uuid,
        class: &str,
        clock: &Clock,
    ) -> Result<Found, VaultError> {
        if let Some(found) = self.find_by_class(subject, class).await? {
            return Ok(found);
        }
        let key_id = clock.fresh_id();
        let slot = Slot {
            subject,
            class,
            key_id,
        };
        let wrapped = self.keyring.wrap(slot, &keyring::fresh_key());
        // The identity's row is the tombstone of an erased person: locked, so that an erasure at the
        // same time is either seen here or sees this key.
        timely(async {
            let mut tx = self.pool.begin().await?;
            sqlx::query!(
                "SELECT pg_advisory_xact_lock(hashtextextended('vault.subject:' || $1::uuid::text, 0))",
                subject
            )
            .execute(&mut *tx)
            .await?;
            sqlx::query!(
                "INSERT INTO vault.subject_keys (subject, class, key_id, wrapped_key, kek_id, created_at)
                 SELECT $1, $2, $3, $4, $5, $6
                 WHERE NOT EXISTS (
                     SELECT FROM vault.subject_keys
                     WHERE subject = $1 AND class = 'identity' AND destroyed_at IS NOT NULL
                 )
                 ON CONFLICT (subject, class) DO NOTHING",
                subject,
                class,
                key_id,
                wrapped,
                self.keyring.first(),
                clock.now(),
            )
            .execute(&mut *tx)
            .await?;
            tx.commit().await
        })
        .await?;
        fault::point("key.created");
        self.find_by_class(subject, class)
            .await?
            .ok_or(VaultError::Erased)
    }

    async fn find_by_class(&self, subject: Uuid, class: &str) -> Result<Option<Found>, VaultError> {
        let row = timely(
            sqlx::query_as!(
                Row,
                "SELECT subject, class, key_id, wrapped_key, kek_id
                 FROM vault.subject_keys WHERE subject = $1 AND class = $2",
                subject,
                class
            )
            .fetch_optional(&self.pool),
        )
        .await?;
        row.map(|row| self.unwrap(&row)).transpose()
    }

    fn unwrap(&self, row: &Row) -> Result<Found, VaultError> {
        let slot = Slot {
            subject: row.subject,
            class: &row.class,
            key_id: row.key_id,
        };
        let key = match &row.wrapped_key {
            None => None,
            Some(wrapped) => {
                let bytes = self
                    .keyring
                    .unwrap(slot, &row.kek_id, wrapped)
                    .ok_or(VaultError::Unwrappable(row.key_id))?;
                Some(Arc::new(SubjectKey::new(row.key_id, &bytes)))
            }
        };
        Ok(Found {
            id: row.key_id,
            key,
        })
    }

    /// Destroys all keys of a person and leaves a tombstone, also when there were none.
    #[tracing::instrument(name = "db.keys_destroy", skip_all, level = "debug")]
    pub(super) async fn destroy(
        &self,
        subject: Uuid,
        now: DateTime<Utc>,
    ) -> Result<u64, VaultError> {
        timely(async {
            let mut tx = self.pool.begin().await?;
            sqlx::query!(
                "SELECT pg_advisory_xact_lock(hashtextextended('vault.subject:' || $1::uuid::text, 0))",
                subject
            )
            .execute(&mut *tx)
            .await?;
            let destroyed = sqlx::query!(
                "UPDATE vault.subject_keys SET wrapped_key = NULL, destroyed_at = $2
                 WHERE subject = $1 AND destroyed_at IS NULL",
                subject,
                now
            )
            .execute(&mut *tx)
            .await?;
            sqlx::query!(
                "INSERT INTO vault.subject_keys
                     (subject, class, key_id, wrapped_key, kek_id, created_at, destroyed_at)
                 VALUES ($1, 'identity', gen_random_uuid(), NULL, 'none', $2, $2)
                 ON CONFLICT (subject, class) DO NOTHING",
                subject,
                now
            )
            .execute(&mut *tx)
            .await?;
            tx.commit().await?;
            Ok(destroyed.rows_affected())
        })
        .await
    }

    /// Destroys all keys of a class.
    #[tracing::instrument(name = "db.keys_destroy_class", skip_all, level = "debug")]
    pub(super) async fn destroy_class(
        &self,
        class: &str,
        now: DateTime<Utc>,
    ) -> Result<u64, VaultError> {
        let destroyed = timely(
            sqlx::query!(
                "UPDATE vault.subject_keys SET wrapped_key = NULL, destroyed_at = $2
                 WHERE class = $1 AND destroyed_at IS NULL",
                class,
                now
            )
            .execute(&self.pool),
        )
        .await?;
        Ok(destroyed.rows_affected())
    }

    /// Wraps keys again whose wrapping key is not the first of the keyring.
    #[tracing::instrument(name = "db.keys_rewrap", skip_all, level = "debug")]
    pub(super) async fn rewrap(&self, max: u32) -> Result<u64, VaultError> {
        let rows = timely(
            sqlx::query_as!(
                Row,
                "SELECT subject, class, key_id, wrapped_key, kek_id FROM vault.subject_keys
                 WHERE destroyed_at IS NULL AND kek_id <> $1 ORDER BY key_id LIMIT $2",
                self.keyring.first(),
                i64::from(max)
            )
            .fetch_all(&self.pool),
        )
        .await?;
        let mut rewrapped = 0;
        for row in rows {
            let slot = Slot {
                subject: row.subject,
                class: &row.class,
                key_id: row.key_id,
            };
            let key = row
                .wrapped_key
                .as_deref()
                .and_then(|wrapped| self.keyring.unwrap(slot, &row.kek_id, wrapped))
                .ok_or(VaultError::Unwrappable(row.key_id))?;
            let done = timely(
                sqlx::query!(
                    "UPDATE vault.subject_keys SET wrapped_key = $2, kek_id = $3
                     WHERE key_id = $1 AND kek_id = $4 AND destroyed_at IS NULL",
                    row.key_id,
                    self.keyring.wrap(slot, &key),
                    self.keyring.first(),
                    row.kek_id
                )
                .execute(&self.pool),
            )
            .await?;
            rewrapped += done.rows_affected();
        }
        Ok(rewrapped)
    }
}
