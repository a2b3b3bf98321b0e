//! Compares folded rows with those of the views, some hundred at a time, and looks for rows that no
//! stream accounts for.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::Row as _;
use uuid::Uuid;

use super::{Row, Stock, VIEWS, View};
use crate::check::cards;
use crate::check::report::{Invariant, Report};
use crate::check::store::Store;

/// Streams whose rows are fetched with one query.
const BATCH_STREAMS: usize = 500;

/// Columns that the database derives from others.
const DERIVED: &[&str] = &["location", "zone_areas"];

/// The difference below which two numbers with a fraction are the same: places have six digits.
const FRACTION_MIN: f64 = 1e-9;

/// Rows that the folds expect and that are still to be compared.
pub(in crate::check) struct Comparison {
    views: Store,
    schema: &'static str,
    only: Vec<&'static View>,
    waiting: HashMap<&'static str, Vec<(Uuid, Option<Row>)>>,
}

impl Comparison {
    /// A comparison with what `views` shows.
    pub(in crate::check) fn new(views: Store) -> Self {
        Self::with(views, "views", VIEWS.iter().collect())
    }

    /// A comparison of some views with the tables of another schema.
    pub(in crate::check) fn with(
        views: Store,
        schema: &'static str,
        only: Vec<&'static View>,
    ) -> Self {
        Self {
            views,
            schema,
            only,
            waiting: HashMap::new(),
        }
    }

    /// Takes the row that `view` must have for a stream; none when it must have none.
    ///
    /// # Errors
    /// When the database fails.
    pub(in crate::check) async fn expect(
        &mut self,
        view: &'static View,
        stream: Uuid,
        row: Option<Row>,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let waiting = self.waiting.entry(view.table).or_default();
        waiting.push((stream, row));
        if waiting.len() >= BATCH_STREAMS {
            self.compare(view, report).await?;
        }
        Ok(())
    }

    /// Compares what is left, looks for rows without a stream, and gives the database back.
    ///
    /// # Errors
    /// When the database fails.
    pub(in crate::check) async fn finish(
        mut self,
        events: &mut Store,
        report: &mut Report,
    ) -> anyhow::Result<Store> {
        self.compare_rest(report).await?;
        for view in self.only.clone() {
            self.find_strays(view, events, report).await?;
        }
        Ok(self.views)
    }

    /// Compares what is left.
    ///
    /// # Errors
    /// When the database fails.
    pub(in crate::check) async fn compare_rest(
        &mut self,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        for view in self.only.clone() {
            self.compare(view, report).await?;
        }
        Ok(())
    }

    async fn compare(&mut self, view: &'static View, report: &mut Report) -> anyhow::Result<()> {
        let expected = self.waiting.remove(view.table).unwrap_or_default();
        let streams: Vec<Uuid> = expected.iter().map(|(stream, _)| *stream).collect();
        let mut actual = self.rows(view, &streams).await?;
        for (stream, row) in expected {
            let place = format!("{}.{} {stream}", self.schema, view.table);
            judge(
                &place,
                view,
                row.as_ref(),
                actual.remove(&stream).as_ref(),
                report,
            );
        }
        Ok(())
    }

    /// Where the rows come from.
    pub(in crate::check) fn views(&mut self) -> &mut Store {
        &mut self.views
    }

    /// The rows that a view shows of some streams.
    ///
    /// # Errors
    /// When the database fails.
    pub(in crate::check) async fn rows(
        &mut self,
        view: &View,
        streams: &[Uuid],
    ) -> anyhow::Result<HashMap<Uuid, Row>> {
        let View { table, key, .. } = view;
        let schema = self.schema;
        // Built at run time: one text for every view of the list above.
        let query = if view.log {
            format!(
                "SELECT {key}, json_object_agg(sequence, json_build_object('event', event,
                     'happened_at', happened_at, 'recorded_at', recorded_at, 'facts', facts))::text
                 FROM {schema}.{table} WHERE {key} = ANY($1) GROUP BY {key}"
            )
        } else {
            format!(
                "SELECT v.{key}, row_to_json(v)::text FROM {schema}.{table} v WHERE v.{key} = ANY($1)"
            )
        };
        let rows = self.views.of_ids(&query, streams).await?;
        rows.iter()
            .map(|row| {
                let (stream, text): (Uuid, String) = (row.try_get(0)?, row.try_get(1)?);
                Ok((stream, serde_json::from_str(&text)?))
            })
            .collect()
    }

    async fn find_strays(
        &mut self,
        view: &View,
        events: &mut Store,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let View {
            table, key, kind, ..
        } = view;
        let schema = self.schema;
        self.views
            .open_cursor(&format!("SELECT DISTINCT {key} FROM {schema}.{table}"))
            .await?;
        let query = format!(
            "SELECT w.id FROM UNNEST($1::uuid[]) AS w(id) WHERE NOT EXISTS
             (SELECT FROM es.events e
              WHERE e.aggregate_type = '{kind}' AND e.aggregate_id = w.id::text)"
        );
        loop {
            let rows = self.views.next_rows().await?;
            if rows.is_empty() {
                return Ok(());
            }
            let shown: Vec<Uuid> = rows
                .iter()
                .map(|row| row.try_get(0))
                .collect::<Result<_, _>>()?;
            for stray in events.of_ids(&query, &shown).await? {
                let stream: Uuid = stray.try_get(0)?;
                let what = format!("{schema}.{table} {stream} is a row of no stream");
                report.violated(Invariant::I6, what);
            }
        }
    }
}

/// Compares the row that `place` must show, if any, with the one that it shows.
pub(in crate::check) fn judge(
    place: &str,
    view: &View,
    due: Option<&Row>,
    shown: Option<&Row>,
    report: &mut Report,
) {
    report.checked(Invariant::I6);
    match (due, shown) {
        (None, None) => {}
        (Some(_), None) => report.violated(Invariant::I6, format!("{place} is missing")),
        (None, Some(_)) => report.violated(Invariant::I6, format!("{place} should be gone")),
        (Some(row), Some(shown)) => {
            cards::scan(place, &Value::Object(shown.clone()), report);
            if view.table == "stock" {
                check_balance(place, shown, report);
            }
            if let Some(difference) = difference(row, shown) {
                report.violated(Invariant::I6, format!("{place}: {difference}"));
            }
        }
    }
}

/// The first column that is not as it should be.
fn difference(expected: &Row, shown: &Row) -> Option<String> {
    let null = Value::Null;
    for (column, should) in expected {
        let is = shown.get(column).unwrap_or(&null);
        if !same(should, is) {
            return Some(format!(
                "{column} is {}, the events fold to {}",
                brief(is),
                brief(should)
            ));
        }
    }
    let unknown = shown.iter().find(|(column, value)| {
        !value.is_null() && !expected.contains_key(*column) && !DERIVED.contains(&column.as_str())
    });
    unknown.map(|(column, is)| format!("{column} is {}, the events give it no value", brief(is)))
}

/// Whether two values mean the same: a member that is null is a member that is not there, an instant may
/// be written in several ways.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let null = Value::Null;
            let covered = one
                .iter()
                .all(|(key, value)| same(value, other.get(key).unwrap_or(&null)));
            covered
                && other
                    .iter()
                    .all(|(key, value)| value.is_null() || one.contains_key(key))
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Number(one), Value::Number(other)) => match (one.as_i64(), other.as_i64()) {
            (Some(one), Some(other)) => one == other,
            _ => match (one.as_f64(), other.as_f64()) {
                (Some(one), Some(other)) => (one - other).abs() < FRACTION_MIN,
                _ => false,
            },
        },
        (Value::String(one), Value::String(other)) => {
            one == other || instant(one).is_some_and(|at| instant(other) == Some(at))
        }
        (one, other) => one == other,
    }
}

fn instant(text: &str) -> Option<DateTime<Utc>> {
    text.parse().ok()
}

/// A value, cut short where it is long.
fn brief(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// The balance of a shop's stock as the view shows it (I8).
fn check_balance(place: &str, shown: &Row, report: &mut Report) {
    let Ok(stock) = serde_json::from_value::<Stock>(Value::Object(shown.clone())) else {
        report.violated(Invariant::I8, format!("{place} does not read as a stock"));
        return;
    };
    for (ingredient, level) in stock.levels() {
        let by_orders = stock.held_by_orders(ingredient);
        report.expect(Invariant::I8, level.held == by_orders, || {
            format!(
                "{place}: {} of {ingredient} held, its orders hold {by_orders}",
                level.held
            )
        });
        let free = level.on_hand().saturating_sub(level.held).max(0);
        report.expect(Invariant::I8, level.free == free && level.free >= 0, || {
            format!(
                "{place}: {} of {ingredient} free, but what came less what went and is held is {free}",
                level.free
            )
        });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn instants_and_missing_members_are_compared_by_meaning() {
        let one = json!({"at": "2026-11-20T10:12:00Z", "end": null, "lat": 35.6581, "n": 1});
        let other =
            json!({"at": "2026-11-20T10:12:00.000000+00:00", "lat": 35.658_100_000_000_1, "n": 1});
        assert!(same(&one, &other) && same(&other, &one));
        for changed in [
            json!({"at": "2026-11-20T10:12:01Z", "lat": 35.6581, "n": 1}),
            json!({"at": "2026-11-20T10:12:00Z", "lat": 35.6582, "n": 1}),
            json!({"at": "2026-11-20T10:12:00Z", "lat": 35.6581, "n": 2}),
            json!({"at": "2026-11-20T10:12:00Z", "lat": 35.6581, "n": 1, "more": 1}),
        ] {
            assert!(!same(&one, &changed) && !same(&changed, &one));
        }
    }

    #[test]
    fn a_column_that_the_fold_does_not_know_is_a_difference() {
        let row = |value: Value| super::super::object(value).unwrap();
        let expected = row(json!({"state": "placed"}));
        assert_eq!(
            difference(
                &expected,
                &row(json!({"state": "placed", "driver_id": null}))
            ),
            None
        );
        assert!(
            difference(
                &expected,
                &row(json!({"state": "placed", "driver_id": "x"}))
            )
            .is_some()
        );
        assert!(difference(&expected, &row(json!({"state": "cooking"}))).is_some());
    }
}
