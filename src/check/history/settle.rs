//! What became of each key (I2): at most one of the times that it was sent wrote events, and its record
//! says whether one did and what was answered, also to those that heard no answer.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::super::report::{Invariant, Report};
use super::super::retention;
use super::super::store::Store;
use super::History;
use super::asked::Asked;

/// Records looked up at once: a few megabytes.
const BATCH_RECORDS: usize = 2_000;

/// A record as far as it is compared.
struct Record {
    status: u16,
    body_sha256: String,
    /// Whether its answer names events that were written.
    has_token: bool,
}

/// Compares every key with the events and the records.
///
/// # Errors
/// When the database fails.
pub(super) async fn check(
    mut history: History,
    store: &mut Store,
    latest: Option<DateTime<Utc>>,
    report: &mut Report,
) -> anyhow::Result<()> {
    find_writers(&mut history, store).await?;
    if history.unscoped > 0 {
        let why = format!(
            "{} lines of the history have a key and do not say principal, method and route: their \
             records cannot be found",
            history.unscoped
        );
        report.not_run(Invariant::I2, why);
    }
    let scoped = history.asked.values().filter_map(|asked| {
        let key = asked.scope.as_ref()?.record_key();
        Some((key, asked))
    });
    let all: Vec<(Vec<u8>, &Asked)> = scoped.collect();
    let mut aged = 0_u64;
    for batch in all.chunks(BATCH_RECORDS) {
        let keys: Vec<&[u8]> = batch.iter().map(|(key, _)| key.as_slice()).collect();
        let mut records = HashMap::new();
        for row in store.records_of(&keys).await? {
            let key: Vec<u8> = row.try_get("key_hash")?;
            records.insert(key, Record::read(&row)?);
        }
        for (key, asked) in batch {
            let record = records.get(key);
            if record.is_none() && is_over(asked, latest) {
                aged += 1;
            } else {
                compare(asked, record, report);
            }
        }
    }
    if aged > 0 {
        let why = format!("{aged} keys are older than 30 days: their records may be deleted");
        report.not_run(Invariant::I2, why);
    }
    Ok(())
}

/// Finds which of the requests wrote events: those whose names the events carry.
async fn find_writers(history: &mut History, store: &mut Store) -> anyhow::Result<()> {
    store
        .open_cursor(
            "SELECT DISTINCT metadata ->> 'request_id' FROM es.events
             WHERE metadata ->> 'request_id' IS NOT NULL",
        )
        .await?;
    loop {
        let rows = store.next_rows().await?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in &rows {
            let request: String = row.try_get(0)?;
            let name = history.requests.get(&request);
            if let Some(asked) = name.and_then(|name| history.asked.get_mut(name)) {
                asked.wrote.push(request);
            }
        }
    }
}

fn is_over(asked: &Asked, latest: Option<DateTime<Utc>>) -> bool {
    let times = asked.since.zip(latest);
    times.is_some_and(|(since, latest)| retention::is_over(since, latest))
}

fn compare(asked: &Asked, record: Option<&Record>, report: &mut Report) {
    let name = || {
        asked
            .scope
            .as_ref()
            .map_or_else(String::new, ToString::to_string)
    };
    let writers = asked.wrote.len();
    report.expect(Invariant::I2, writers <= 1, || {
        format!(
            "{} was executed {writers} times, by {:?}",
            name(),
            asked.wrote
        )
    });
    let says = record.is_some_and(|record| record.has_token);
    if asked.is_traced {
        report.expect(Invariant::I2, says == (writers > 0), || {
            let record = if record.is_some() {
                "its record"
            } else {
                "it has no record, which"
            };
            let not = if says { "" } else { " not" };
            format!(
                "{}: {record} says that it was{not} executed, its events say otherwise",
                name()
            )
        });
    }
    let Some(answer) = asked.answer.as_ref().filter(|answer| answer.is_kept) else {
        return;
    };
    let status = record.map(|record| record.status);
    report.expect(Invariant::I2, status == Some(answer.status), || {
        format!(
            "{} was answered {}, its record says {status:?}",
            name(),
            answer.status
        )
    });
    if let (Some(record), Some(body)) = (record, &answer.body) {
        report.expect(Invariant::I13, record.body_sha256 == *body, || {
            format!(
                "{} was answered a body other than the one that is kept to be repeated",
                name()
            )
        });
    }
}

impl Record {
    fn read(row: &PgRow) -> anyhow::Result<Self> {
        let status: i16 = row.try_get("status")?;
        Ok(Self {
            status: u16::try_from(status)?,
            body_sha256: row.try_get("body_sha256")?,
            has_token: row.try_get("has_token")?,
        })
    }
}
