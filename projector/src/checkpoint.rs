//! How far each view has come: read when a projector starts, moved in the transaction of each batch.
//!
//! A checkpoint moves only from where this projector believes it: position, hash and revision are
//! compared by the statement that moves it. When another projector has moved one, or rows were changed
//! apart from the feed, the batch is given up and tried again on what the rows say: two projectors are
//! slow, never wrong. That comparison also covers whatever is remembered from batch to batch (ADR 16).

use std::collections::BTreeMap;

use infra::applied::CHANNEL;
use infra::event_store::Mark;
use infra::feed::{Checkpoints, FeedRecord, Origin};
use sqlx::{PgConnection, PgExecutor};

use crate::consumer::Reached;
use crate::views::ViewInfo;

/// View and origin.
type Place = (&'static str, Origin);

/// One row of `views.checkpoints`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Checkpoint {
    mark: Mark,
    /// How often the view's rows were changed by anything but the feed.
    revision: i64,
}

/// The checkpoints of all views as this projector knows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    places: BTreeMap<Place, Checkpoint>,
}

/// Somebody else has moved a checkpoint, or written rows that this batch would write.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("another projector works on the same views")]
pub struct Moved;

impl Marks {
    /// Reads the checkpoints of `views`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(crate) async fn load(
        connection: &mut PgConnection,
        views: &[&'static str],
    ) -> Result<Self, sqlx::Error> {
        let rows = sqlx::query!(
            "SELECT view, topic, partition, position, hash, revision FROM views.checkpoints"
        )
        .fetch_all(connection)
        .await?;
        let mut places = BTreeMap::new();
        for row in rows {
            let Some(view) = views.iter().find(|view| **view == row.view) else {
                continue;
            };
            let origin = Origin {
                topic: row.topic,
                partition: row.partition,
            };
            let checkpoint = Checkpoint {
                mark: Mark::of_row(row.position, row.hash)?,
                revision: row.revision,
            };
            places.insert((*view, origin), checkpoint);
        }
        Ok(Self { places })
    }

    /// How far `view` has come in `origin`.
    fn mark(&self, view: &'static str, origin: &Origin) -> Mark {
        self.checkpoint(view, origin).mark
    }

    fn checkpoint(&self, view: &'static str, origin: &Origin) -> Checkpoint {
        let known = self.places.get(&(view, origin.clone()));
        known.copied().unwrap_or_default()
    }

    /// The last position that `view` has folded of any origin.
    pub(crate) fn last(&self, view: &'static str) -> i64 {
        let of_view = self.places.iter().filter(|((of, _), _)| *of == view);
        of_view
            .map(|(_, checkpoint)| checkpoint.mark.position)
            .max()
            .unwrap_or(0)
    }

    /// Whether `view` has folded `record` already. The store's checkpoint counts for every origin,
    /// for it is the frontier below which everything was seen.
    pub(crate) fn covers(&self, view: &'static str, record: &FeedRecord) -> bool {
        record.position <= self.mark(view, &record.origin).position
            || record.position <= self.mark(view, &Origin::store()).position
    }

    /// Whether every view that follows `record` has folded it.
    pub(crate) fn hold(&self, views: &[ViewInfo], record: &FeedRecord) -> bool {
        views
            .iter()
            .filter(|view| view.follows == record.kind)
            .all(|view| self.covers(view.name, record))
    }

    /// Whether no checkpoint stands before where it stood in `before`, or there on another history:
    /// views that were emptied or restored begin again.
    pub(crate) fn is_ahead_of(&self, before: &Self) -> bool {
        before.places.iter().all(|(place, then)| {
            self.places
                .get(place)
                .is_some_and(|now| now.mark == then.mark || now.mark.position > then.mark.position)
        })
    }

    /// Where a feed must begin for all of `views`: at the least of their checkpoints. A view without
    /// any starts from nothing.
    pub(crate) fn start(&self, views: &[&'static str]) -> Checkpoints {
        let origins = self.places.keys().map(|(_, origin)| origin);
        let least = origins.map(|origin| {
            let marks = views.iter().map(|view| self.mark(view, origin));
            (origin.clone(), marks.min().unwrap_or_default())
        });
        least.collect()
    }

    /// The marks after a batch that reached `reached` in each origin.
    #[must_use]
    pub(crate) fn moved_to(&self, views: &[ViewInfo], reached: &[Reached]) -> Self {
        let mut next = self.clone();
        for (view, reach) in views
            .iter()
            .flat_map(|view| reached.iter().map(move |reach| (view, reach)))
        {
            if reach.mark.position == 0 || reach.follows.is_some_and(|kind| kind != view.follows) {
                continue;
            }
            let place = (view.name, reach.origin.clone());
            let checkpoint = next.places.entry(place).or_default();
            checkpoint.mark = checkpoint.mark.max(reach.mark);
        }
        next
    }

    /// Moves the checkpoints to where they stand in `next`, and tells other processes `words` when the
    /// transaction commits: one statement.
    ///
    /// # Errors
    /// `Ok(Err(Moved))` when one does not stand where we believe; `Err` when the database fails.
    pub(crate) async fn advance(
        &self,
        connection: &mut PgConnection,
        next: &Self,
        words: &[String],
    ) -> Result<Result<(), Moved>, sqlx::Error> {
        let changes = self.changes(next);
        if changes.old.contains(&0) {
            changes.begin(connection).await?;
        }
        let counted = sqlx::query!(
            r#"
            WITH change AS MATERIALIZED (
                SELECT * FROM unnest($1::text[], $2::text[], $3::integer[], $4::bigint[],
                                     $5::bytea[], $6::bigint[], $7::bigint[], $8::bytea[])
                    AS t (view, topic, partition, old, old_hash, revision, new, new_hash)
            ), standing AS MATERIALIZED (
                -- In one order, so that two projectors wait for one another and not in a circle.
                SELECT c.view, c.topic, c.partition
                FROM views.checkpoints c JOIN change t USING (view, topic, partition)
                WHERE c.position = t.old AND c.hash = t.old_hash AND c.revision = t.revision
                ORDER BY c.view, c.topic, c.partition
                FOR UPDATE OF c
            ), moved AS (
                UPDATE views.checkpoints c SET position = t.new, hash = t.new_hash
                FROM change t JOIN standing USING (view, topic, partition)
                WHERE (c.view, c.topic, c.partition) = (t.view, t.topic, t.partition)
                RETURNING 1
            )
            SELECT (SELECT count(*) FROM moved) AS "moved!",
                   (SELECT count(pg_notify($9, word)) FROM unnest($10::text[]) AS word) AS told
            "#,
            &changes.views,
            &changes.topics,
            &changes.partitions,
            &changes.old,
            &changes.old_hashes,
            &changes.revisions,
            &changes.new,
            &changes.new_hashes,
            CHANNEL,
            words
        )
        .fetch_one(connection)
        .await?;
        let all = usize::try_from(counted.moved).ok() == Some(changes.views.len());
        Ok(if all { Ok(()) } else { Err(Moved) })
    }

    fn changes(&self, next: &Self) -> Changes {
        let mut changes = Changes::default();
        for ((view, origin), to) in &next.places {
            let from = self.checkpoint(view, origin);
            if from.mark == to.mark {
                continue;
            }
            changes.views.push((*view).to_owned());
            changes.topics.push(origin.topic.clone());
            changes.partitions.push(origin.partition);
            changes.old.push(from.mark.position);
            changes.old_hashes.push(from.mark.hash.as_bytes().to_vec());
            changes.revisions.push(from.revision);
            changes.new.push(to.mark.position);
            changes.new_hashes.push(to.mark.hash.as_bytes().to_vec());
        }
        changes
    }
}

/// Says that rows of `view` change apart from the feed, and keeps batches from going on meanwhile: a
/// batch that was folded on what was there before will not find its checkpoints where they were.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn revise(connection: &mut PgConnection, view: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "WITH standing AS (
             SELECT view, topic, partition FROM views.checkpoints WHERE view = $1
             ORDER BY view, topic, partition FOR UPDATE
         )
         UPDATE views.checkpoints c SET revision = c.revision + 1 FROM standing s
         WHERE (c.view, c.topic, c.partition) = (s.view, s.topic, s.partition)",
        view
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// How often rows of `views` were changed by anything but the feed, together.
///
/// # Errors
/// When the database cannot be read.
pub(crate) async fn revision_of(
    connection: impl PgExecutor<'_>,
    views: &[String],
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT coalesce(sum(revision), 0)::bigint AS "revision!" FROM views.checkpoints
           WHERE view = ANY($1)"#,
        views
    )
    .fetch_one(connection)
    .await
}

/// The checkpoints that move, by column.
#[derive(Default)]
struct Changes {
    views: Vec<String>,
    topics: Vec<String>,
    partitions: Vec<i32>,
    old: Vec<i64>,
    old_hashes: Vec<Vec<u8>>,
    revisions: Vec<i64>,
    new: Vec<i64>,
    new_hashes: Vec<Vec<u8>>,
}

impl Changes {
    /// Makes the rows that are not there yet, at the place before the first event.
    async fn begin(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let before_all = Mark::default().hash;
        sqlx::query!(
            "INSERT INTO views.checkpoints (view, topic, partition, position, hash)
             SELECT t.view, t.topic, t.partition, 0, $5
             FROM UNNEST($1::text[], $2::text[], $3::integer[], $4::bigint[])
                  AS t(view, topic, partition, old)
             WHERE t.old = 0
             ON CONFLICT DO NOTHING",
            &self.views,
            &self.topics,
            &self.partitions,
            &self.old,
            before_all.as_bytes()
        )
        .execute(connection)
        .await?;
        Ok(())
    }
}
