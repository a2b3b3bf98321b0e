//! How far each view has come: read when a projector starts, moved in the transaction of each batch.
//!
//! The rows are locked and compared first. When another projector has moved one, the batch is given
//! up and tried again on what the rows say: two projectors are slow, never wrong.

use std::collections::BTreeMap;

use infra::feed::{Checkpoints, FeedRecord, Origin};
use sqlx::PgConnection;

use crate::consumer::Reached;
use crate::views::ViewInfo;

/// View and origin.
type Place = (&'static str, Origin);

/// The checkpoints of all views as this projector knows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    positions: BTreeMap<Place, i64>,
}

/// Somebody else has moved a checkpoint.
#[derive(Debug, thiserror::Error)]
#[error("another projector has moved the checkpoint of view {view}")]
pub struct Moved {
    /// The view.
    pub view: String,
}

impl Marks {
    /// Reads the checkpoints of `views`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(crate) async fn load(
        connection: &mut PgConnection,
        views: &[&'static str],
    ) -> Result<Self, sqlx::Error> {
        let rows = sqlx::query!("SELECT view, topic, partition, position FROM views.checkpoints")
            .fetch_all(connection)
            .await?;
        let positions = rows.into_iter().filter_map(|row| {
            let view = views.iter().find(|view| **view == row.view)?;
            Some((
                (
                    *view,
                    Origin {
                        topic: row.topic,
                        partition: row.partition,
                    },
                ),
                row.position,
            ))
        });
        Ok(Self {
            positions: positions.collect(),
        })
    }

    /// The position of `view` in `origin`; 0 before the first.
    pub(crate) fn position(&self, view: &'static str, origin: &Origin) -> i64 {
        self.positions
            .get(&(view, origin.clone()))
            .copied()
            .unwrap_or(0)
    }

    /// Whether `view` has folded `record` already. The store's checkpoint counts for every origin,
    /// for it is the frontier below which everything was seen.
    pub(crate) fn covers(&self, view: &'static str, record: &FeedRecord) -> bool {
        record.position <= self.position(view, &record.origin)
            || record.position <= self.position(view, &Origin::store())
    }

    /// Whether every view that follows `record` has folded it.
    pub(crate) fn hold(&self, views: &[ViewInfo], record: &FeedRecord) -> bool {
        views
            .iter()
            .filter(|view| view.follows == record.kind)
            .all(|view| self.covers(view.name, record))
    }

    /// Whether no checkpoint stands before where it stood in `before`: views that were emptied begin
    /// again.
    pub(crate) fn is_ahead_of(&self, before: &Self) -> bool {
        before
            .positions
            .iter()
            .all(|(place, position)| self.positions.get(place).is_some_and(|now| now >= position))
    }

    /// Where a feed must begin for all of `views`: at the least of their checkpoints. A view without
    /// any starts from nothing.
    pub(crate) fn start(&self, views: &[&'static str]) -> Checkpoints {
        let mut least = Checkpoints::new();
        let origins: Vec<Origin> = self
            .positions
            .keys()
            .map(|(_, origin)| origin.clone())
            .collect();
        for origin in origins {
            let position = views
                .iter()
                .map(|view| self.position(view, &origin))
                .min()
                .unwrap_or(0);
            least.insert(origin, position);
        }
        least
    }

    /// The marks after a batch that reached `reached` in each origin.
    #[must_use]
    pub(crate) fn moved_to(&self, views: &[ViewInfo], reached: &[Reached]) -> Self {
        let mut next = self.clone();
        for (view, reach) in views
            .iter()
            .flat_map(|view| reached.iter().map(move |reach| (view, reach)))
        {
            if reach.position == 0 || reach.follows.is_some_and(|kind| kind != view.follows) {
                continue;
            }
            let mark = next
                .positions
                .entry((view.name, reach.origin.clone()))
                .or_default();
            *mark = (*mark).max(reach.position);
        }
        next
    }

    /// Locks the rows that `next` moves and checks that they stand where we believe.
    ///
    /// # Errors
    /// `Ok(Err(Moved))` when they do not; `Err` when the database fails.
    pub(crate) async fn lock(
        &self,
        connection: &mut PgConnection,
        next: &Self,
    ) -> Result<Result<(), Moved>, sqlx::Error> {
        let changes = self.changes(next);
        if changes.old.contains(&0) {
            sqlx::query!(
                "INSERT INTO views.checkpoints (view, topic, partition, position)
                 SELECT t.view, t.topic, t.partition, 0
                 FROM UNNEST($1::text[], $2::text[], $3::integer[]) AS t(view, topic, partition)
                 ON CONFLICT DO NOTHING",
                &changes.views,
                &changes.topics,
                &changes.partitions
            )
            .execute(&mut *connection)
            .await?;
        }
        let rows = sqlx::query!(
            r#"SELECT c.view, c.position, t.old AS "old!"
               FROM views.checkpoints c
               JOIN UNNEST($1::text[], $2::text[], $3::integer[], $4::bigint[])
                    AS t(view, topic, partition, old)
                 ON c.view = t.view AND c.topic = t.topic AND c.partition = t.partition
               ORDER BY c.view, c.topic, c.partition
               FOR UPDATE OF c"#,
            &changes.views,
            &changes.topics,
            &changes.partitions,
            &changes.old
        )
        .fetch_all(connection)
        .await?;
        let known = rows.len();
        let moved = rows
            .into_iter()
            .find(|row| row.position != row.old)
            .map(|row| row.view);
        // A row that is gone was taken away by somebody, too.
        let gone = changes.views.into_iter().nth(known);
        Ok(moved.or(gone).map_or(Ok(()), |view| Err(Moved { view })))
    }

    /// Writes what `next` moves; the rows are locked by [`Marks::lock`].
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn save(
        &self,
        connection: &mut PgConnection,
        next: &Self,
    ) -> Result<(), sqlx::Error> {
        let changes = self.changes(next);
        if changes.views.is_empty() {
            return Ok(());
        }
        let done = sqlx::query!(
            "UPDATE views.checkpoints c SET position = t.new
             FROM UNNEST($1::text[], $2::text[], $3::integer[], $4::bigint[], $5::bigint[])
                  AS t(view, topic, partition, old, new)
             WHERE c.view = t.view AND c.topic = t.topic AND c.partition = t.partition
               AND c.position = t.old",
            &changes.views,
            &changes.topics,
            &changes.partitions,
            &changes.old,
            &changes.new
        )
        .execute(connection)
        .await?;
        if usize::try_from(done.rows_affected()).ok() == Some(changes.views.len()) {
            Ok(())
        } else {
            Err(sqlx::Error::RowNotFound)
        }
    }

    fn changes(&self, next: &Self) -> Changes {
        let mut changes = Changes::default();
        for ((view, origin), position) in &next.positions {
            let old = self.position(view, origin);
            if old != *position {
                changes.views.push((*view).to_owned());
                changes.topics.push(origin.topic.clone());
                changes.partitions.push(origin.partition);
                changes.old.push(old);
                changes.new.push(*position);
            }
        }
        changes
    }
}

#[derive(Default)]
struct Changes {
    views: Vec<String>,
    topics: Vec<String>,
    partitions: Vec<i32>,
    old: Vec<i64>,
    new: Vec<i64>,
}
