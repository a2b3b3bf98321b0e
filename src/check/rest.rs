//! At rest nothing is left to do (I18): publisher, processes and projector stand at the head of the log,
//! inbox and effects are empty, nothing is parked before a person.

use std::collections::BTreeMap;

use sqlx::Row as _;

use super::facts::Facts;
use super::report::{Invariant, Report};
use super::store::Store;
use super::views::VIEWS;

/// The topic of a checkpoint in the store feed, which has one partition.
const STORE_FEED: &str = "store";

/// What is known from elsewhere.
pub(super) struct Known<'a> {
    /// The log's last position.
    pub(super) head: i64,
    /// The last position of each kind.
    pub(super) facts: &'a Facts,
    /// The first part of the topics' names.
    pub(super) topic_prefix: &'a str,
    /// Whether a broker was named.
    pub(super) broker: bool,
}

/// Checks positions and queues.
///
/// # Errors
/// When a database fails.
pub(super) async fn check(
    store: &mut Store,
    views: &mut Store,
    known: &Known<'_>,
    report: &mut Report,
) -> anyhow::Result<()> {
    let sent = check_publisher(store, known, report).await?;
    check_processes(store, known.head, report).await?;
    check_checkpoints(views, known, &sent, report).await?;
    for (what, query) in [
        (
            "webhooks wait",
            "SELECT count(*) FROM ops.webhook_inbox WHERE status = 'pending'",
        ),
        (
            "webhooks are parked",
            "SELECT count(*) FROM ops.webhook_inbox WHERE status = 'parked'",
        ),
        (
            "effects wait",
            "SELECT count(*) FROM ops.effects WHERE status IN ('pending', 'sent')",
        ),
        (
            "effects are parked",
            "SELECT count(*) FROM ops.effects WHERE status = 'parked'",
        ),
    ] {
        expect_none(store, what, query, report).await?;
    }
    expect_none(
        views,
        "events are parked",
        "SELECT count(*) FROM views.parked_events",
        report,
    )
    .await
}

async fn expect_none(
    store: &mut Store,
    what: &str,
    query: &str,
    report: &mut Report,
) -> anyhow::Result<()> {
    let rows = store.all(query).await?;
    let count: i64 = rows
        .first()
        .map(|row| row.try_get(0))
        .transpose()?
        .unwrap_or_default();
    report.expect(Invariant::I18, count == 0, || format!("{count} {what}"));
    Ok(())
}

/// The last position sent to each topic and partition.
type Sent = BTreeMap<(String, i32), i64>;

async fn check_publisher(
    store: &mut Store,
    known: &Known<'_>,
    report: &mut Report,
) -> anyhow::Result<Sent> {
    let mut sent = BTreeMap::new();
    for row in store
        .all("SELECT topic, partition, position FROM ops.topic_positions")
        .await?
    {
        sent.insert((row.try_get(0)?, row.try_get(1)?), row.try_get(2)?);
    }
    let rows = store
        .all("SELECT position FROM ops.publisher_cursor")
        .await?;
    let cursor: i64 = rows
        .first()
        .map(|row| row.try_get(0))
        .transpose()?
        .unwrap_or_default();
    if cursor == 0 && sent.is_empty() && !known.broker {
        report.not_run(
            Invariant::I18,
            "the publisher: without a broker it has nothing to do (store feed)",
        );
        return Ok(sent);
    }
    let head = known.head;
    report.expect(Invariant::I18, cursor == head, || {
        format!("the publisher stands at {cursor}, the log ends at {head}")
    });
    for (kind, last) in &known.facts.last_of_kind {
        let topic = format!("{}.{kind}.v1", known.topic_prefix);
        let of_kind = sent.iter().filter(|((name, _), _)| *name == topic);
        let told = of_kind
            .map(|(_, position)| *position)
            .max()
            .unwrap_or_default();
        report.expect(Invariant::I18, told == *last, || {
            format!("{told} was the last position sent to {topic}, {last} is its last event")
        });
    }
    Ok(sent)
}

async fn check_processes(store: &mut Store, head: i64, report: &mut Report) -> anyhow::Result<()> {
    let rows = store
        .all("SELECT process, position FROM ops.process_positions")
        .await?;
    report.expect(Invariant::I18, head == 0 || !rows.is_empty(), || {
        "no process has read anything".to_owned()
    });
    for row in &rows {
        let (process, position): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
        report.expect(Invariant::I18, position == head, || {
            format!("process {process} stands at {position}, the log ends at {head}")
        });
    }
    Ok(())
}

async fn check_checkpoints(
    views: &mut Store,
    known: &Known<'_>,
    sent: &Sent,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut marks: BTreeMap<String, Sent> = BTreeMap::new();
    let rows = views
        .all("SELECT view, topic, partition, position FROM views.checkpoints")
        .await?;
    for row in &rows {
        let (view, topic): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let (partition, position): (i32, i64) = (row.try_get(2)?, row.try_get(3)?);
        report.expect(Invariant::I18, position <= known.head, || {
            format!("view {view} has read position {position}, beyond the log's end")
        });
        marks
            .entry(view)
            .or_default()
            .insert((topic, partition), position);
    }
    for view in VIEWS {
        let last = known
            .facts
            .last_of_kind
            .get(view.kind)
            .copied()
            .unwrap_or_default();
        let marks = marks.get(view.table).cloned().unwrap_or_default();
        let from_store = marks
            .get(&(STORE_FEED.to_owned(), 0))
            .copied()
            .unwrap_or_default();
        let topic = format!("{}.{}.v1", known.topic_prefix, view.kind);
        let mut of_kind = sent
            .iter()
            .filter(|((name, _), _)| *name == topic)
            .peekable();
        let from_topic = of_kind.peek().is_some()
            && of_kind.all(|(place, position)| {
                from_store.max(marks.get(place).copied().unwrap_or_default()) >= *position
            });
        report.expect(Invariant::I18, from_store >= last || from_topic, || {
            format!(
                "view {} has not read all of its events, the last is at {last}",
                view.table
            )
        });
    }
    Ok(())
}
