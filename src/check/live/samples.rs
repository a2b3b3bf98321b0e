//! Samples of rows (I6): of the streams that are remembered some at each round, in turn. A row is judged only when it says
//! of itself that it goes as far as what was read, or when its view has read that far; otherwise its turn comes again.

use std::collections::{BTreeMap, HashMap, HashSet};

use sqlx::Row as _;
use uuid::Uuid;

use super::kept::{Kept, One};
use crate::check::report::Report;
use crate::check::store::Store;
use crate::check::views::{Comparison, Row, View, judge};

/// Streams whose rows are compared in one round.
const STREAMS_PER_ROUND: usize = 20;

/// The topic of a checkpoint in the store feed.
const STORE_FEED: &str = "store";

/// Takes samples.
#[derive(Default)]
pub(super) struct Samples {
    round: u64,
}

/// How far topics were sent and views have read: positions by topic and partition.
type Marks = HashMap<(String, i32), i64>;

/// What is known of the views' progress.
struct Reading {
    published: i64,
    sent: Marks,
    by_view: BTreeMap<String, Marks>,
    parked: HashSet<(String, Uuid)>,
}

impl Samples {
    /// Compares the rows of those streams whose last turn is the longest ago.
    ///
    /// # Errors
    /// When a database fails.
    pub(super) async fn take(
        &mut self,
        events: &mut Store,
        views: &mut Comparison,
        kept: &mut Kept,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let (published, sent) = sent(events).await?;
        // Taken after what was sent was read: a view that has all of that has all that was sent by then.
        views.views().renew().await?;
        let reading = Reading::of(views.views(), published, sent).await?;
        self.round = self.round.saturating_add(1);
        let mut turns: Vec<(u64, Uuid, &mut One)> = kept
            .all()
            .filter_map(|((_, id), one)| Some((one.sampled, id.parse().ok()?, one)))
            .collect();
        turns.sort_unstable_by_key(|(sampled, id, _)| (*sampled, *id));
        for (_, id, one) in turns.into_iter().take(STREAMS_PER_ROUND) {
            one.sampled = self.round;
            compare(id, one, views, &reading, report).await?;
        }
        Ok(())
    }
}

async fn compare(
    id: Uuid,
    one: &One,
    views: &mut Comparison,
    reading: &Reading,
    report: &mut Report,
) -> anyhow::Result<()> {
    let (sequence, position) = one.stream.stands_at();
    for (view, due) in one.stream.rows() {
        if reading.parked.contains(&(view.table.to_owned(), id)) {
            continue;
        }
        let shown = views.rows(view, &[id]).await?.remove(&id);
        let version = |row: &Row| view.version(row).unwrap_or_default();
        let is_ahead = shown.as_ref().is_some_and(|row| version(row) > sequence);
        let is_level = match (due, &shown) {
            (Some(due), Some(shown)) => version(due) == version(shown),
            _ => false,
        };
        if !is_ahead && (is_level || reading.covers(view, position)) {
            judge(
                &format!("views.{} {id}", view.table),
                view,
                due,
                shown.as_ref(),
                report,
            );
        }
    }
    Ok(())
}

/// The position up to which everything was sent, and the last position sent to each topic and partition.
async fn sent(events: &mut Store) -> anyhow::Result<(i64, Marks)> {
    let rows = events
        .all("SELECT position FROM ops.publisher_cursor")
        .await?;
    let published = rows.first().map(|row| row.try_get(0)).transpose()?;
    let mut sent = Marks::new();
    let rows = events
        .all("SELECT topic, partition, position FROM ops.topic_positions")
        .await?;
    for row in &rows {
        sent.insert((row.try_get(0)?, row.try_get(1)?), row.try_get(2)?);
    }
    Ok((published.unwrap_or_default(), sent))
}

impl Reading {
    async fn of(views: &mut Store, published: i64, sent: Marks) -> anyhow::Result<Self> {
        let mut by_view: BTreeMap<String, Marks> = BTreeMap::new();
        let rows = views
            .all("SELECT view, topic, partition, position FROM views.checkpoints")
            .await?;
        for row in &rows {
            let place = (row.try_get(1)?, row.try_get(2)?);
            let marks = by_view.entry(row.try_get(0)?).or_default();
            marks.insert(place, row.try_get(3)?);
        }
        let rows = views
            .all("SELECT DISTINCT view, stream FROM views.parked_events LIMIT 10000")
            .await?;
        let parked = rows
            .iter()
            .map(|row| anyhow::Ok((row.try_get(0)?, row.try_get(1)?)))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            published,
            sent,
            by_view,
            parked,
        })
    }

    /// Whether a view has read all of its kind up to a position: from the store, or from every partition of the topic,
    /// once that has it.
    fn covers(&self, view: &View, position: i64) -> bool {
        let Some(marks) = self.by_view.get(view.table) else {
            return false;
        };
        let mark = |place: &(String, i32)| marks.get(place).copied().unwrap_or_default();
        let from_store = mark(&(STORE_FEED.to_owned(), 0));
        if from_store >= position {
            return true;
        }
        let topic = format!(".{}.v1", view.kind);
        let mut of_kind = self
            .sent
            .iter()
            .filter(|((name, _), _)| name.ends_with(&topic));
        self.published >= position
            && of_kind.all(|(place, last)| from_store.max(mark(place)) >= *last)
    }
}
