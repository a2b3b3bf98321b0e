//! Rows that a rebuild has made, compared with the checker's folds before anybody is shown them: those of
//! some views in any schema, after the events up to a position.

use std::collections::BTreeMap;
use std::path::Path;

use uuid::Uuid;

use super::index;
use super::report::{Invariant, Report};
use super::store::{STORED_COLUMNS, Store, Stored};
use super::streams::understood;
use super::views::{Comparison, Row, VIEWS, View};

/// Streams named in one query.
const STREAMS_AT_ONCE: usize = 500;

/// Which rows are compared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows<'a> {
    /// The schema of the tables.
    pub(crate) schema: &'static str,
    /// Names of the views.
    pub(crate) views: &'a [&'a str],
    /// Events up to here are folded.
    pub(crate) up_to: i64,
    /// Kinds and ids of the only streams to look at; all when none.
    pub(crate) streams: Option<&'a [(String, Uuid)]>,
}

/// What the comparison has found.
#[derive(Clone, Debug)]
pub(crate) struct Rebuilt {
    /// Rows that were looked at.
    pub(crate) rows: u64,
    /// What is wrong, counted.
    pub(crate) differing: u64,
    /// The first of it.
    pub(crate) examples: Vec<String>,
}

impl Rebuilt {
    /// Folds the events in `events` and compares with the tables in `views`.
    ///
    /// # Errors
    /// When a database fails, or a view has no fold here: then nothing can be said of it.
    pub(crate) async fn compare(events: &str, views: &str, rows: Rows<'_>) -> anyhow::Result<Self> {
        let mut only: Vec<&'static View> = Vec::new();
        for name in rows.views {
            let known = VIEWS.iter().find(|view| view.table == *name);
            only.push(known.ok_or_else(|| anyhow::anyhow!("view {name} has no independent fold"))?);
        }
        let mut store = Store::open(events, None).await?;
        let shown = Store::open(views, None).await?;
        let mut walk = Walk {
            comparison: Comparison::with(shown, rows.schema, only.clone()),
            only,
            report: Report::default(),
            current: None,
        };
        match rows.streams {
            None => {
                walk.read(&mut store, &query(&walk.kinds(), rows.up_to, ""))
                    .await?;
                walk.comparison.finish(&mut store, &mut walk.report).await?;
            }
            Some(streams) => {
                for streams in streams.chunks(STREAMS_AT_ONCE) {
                    let some = among(streams);
                    walk.read(&mut store, &query(&walk.kinds(), rows.up_to, &some))
                        .await?;
                }
                walk.comparison.compare_rest(&mut walk.report).await?;
            }
        }
        // Stock must also add up; card numbers in a stored event are nothing that a rebuild could mend.
        let (rows, differing, examples) = walk.report.found_of(&[Invariant::I6, Invariant::I8]);
        Ok(Self {
            rows,
            differing,
            examples,
        })
    }
}

/// Compares the index in `folder` with the views.
///
/// # Errors
/// When the folder holds no index, or the database fails.
pub(crate) async fn index_shows(folder: &Path, views: &str) -> anyhow::Result<Rebuilt> {
    let mut report = Report::default();
    let mut shown = Store::open(views, None).await?;
    index::check(folder, &mut shown, &mut report).await?;
    let (rows, differing, examples) = report.found_of(&[Invariant::I7]);
    Ok(Rebuilt {
        rows,
        differing,
        examples,
    })
}

/// Events stream by stream. Kinds are names of the list of views; ids are formatted by us.
fn query(kinds: &[&str], up_to: i64, some: &str) -> String {
    let kinds: Vec<String> = kinds.iter().map(|kind| format!("'{kind}'")).collect();
    format!(
        "SELECT {STORED_COLUMNS}, l.position
         FROM es.events e JOIN es.event_log l ON l.event_row = e.id
         WHERE l.position <= {up_to} AND e.aggregate_type IN ({}) {some}
         ORDER BY e.aggregate_type, e.aggregate_id, e.sequence",
        kinds.join(", ")
    )
}

fn among(streams: &[(String, Uuid)]) -> String {
    let mut by_kind: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (kind, id) in streams {
        by_kind.entry(kind).or_default().push(format!("'{id}'"));
    }
    let each: Vec<String> = by_kind
        .into_iter()
        .map(|(kind, ids)| {
            let ids = ids.join(", ");
            format!("(e.aggregate_type = '{kind}' AND e.aggregate_id IN ({ids}))")
        })
        .collect();
    format!("AND ({})", each.join(" OR "))
}

/// Streams one after another, folded and handed to the comparison.
struct Walk {
    only: Vec<&'static View>,
    comparison: Comparison,
    report: Report,
    current: Option<Folded>,
}

/// A stream and its rows so far.
struct Folded {
    kind: String,
    stream: Uuid,
    rows: Vec<(&'static View, Option<Row>)>,
}

impl Walk {
    fn kinds(&self) -> Vec<&'static str> {
        let mut kinds: Vec<&'static str> = self.only.iter().map(|view| view.kind).collect();
        kinds.dedup();
        kinds
    }

    async fn read(&mut self, store: &mut Store, query: &str) -> anyhow::Result<()> {
        store.open_cursor(query).await?;
        loop {
            let rows = store.next_rows().await?;
            if rows.is_empty() {
                return self.end().await;
            }
            for row in &rows {
                self.see(Stored::read(row)?).await?;
            }
        }
    }

    async fn see(&mut self, stored: Stored) -> anyhow::Result<()> {
        let Some(event) = understood(stored, &mut self.report)? else {
            return Ok(());
        };
        let goes_on = self
            .current
            .as_ref()
            .is_some_and(|folded| folded.stream == event.stream && folded.kind == event.kind);
        if !goes_on {
            self.end().await?;
        }
        let folded = self.current.get_or_insert_with(|| Folded {
            kind: event.kind.clone(),
            stream: event.stream,
            rows: self
                .only
                .iter()
                .filter(|view| view.kind == event.kind)
                .map(|view| (*view, None))
                .collect(),
        });
        for (view, row) in &mut folded.rows {
            *row = view.fold(row.take(), &event);
        }
        Ok(())
    }

    /// Hands the rows of the stream that has ended to the comparison.
    async fn end(&mut self) -> anyhow::Result<()> {
        let Some(folded) = self.current.take() else {
            return Ok(());
        };
        for (view, row) in folded.rows {
            self.comparison
                .expect(view, folded.stream, row, &mut self.report)
                .await?;
        }
        Ok(())
    }
}
