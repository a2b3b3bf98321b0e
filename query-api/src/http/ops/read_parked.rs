//! `GET /v1/ops/parked`: streams that a view could not follow, by view, kind and id.

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use infra::http::policy::action;
use infra::http::{ApiError, Ops, Problem, Query};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::app::App;
use crate::error::db;
use crate::http::paging::{Cursor, Key, List, PAGE_DEFAULT, limit_of};

/// Events are counted up to so many; beyond, it is enough to know that there are more.
const COUNTED_MAX: i64 = 10_000;
/// The same for those of one stream.
const COUNTED_OF_STREAM_MAX: i64 = 1_000;

/// What is asked for.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReadParked {
    /// At most so many, 1 to 100.
    limit: u32,
    /// Where the page before ended, from its `Link`.
    cursor: Option<Cursor>,
}

domain::collect_struct!(ReadParked { limit = PAGE_DEFAULT, cursor });

/// What is parked.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Parked {
    /// How many events are parked in all, counted up to 10,000.
    total: i64,
    /// The first event of each parked stream and view, by view, kind and stream.
    streams: Vec<ParkedStream>,
    /// For the next page; none on the last.
    cursor: Option<Cursor>,
}

/// A stream that a view cannot follow.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ParkedStream {
    /// What it is redriven by: `view:kind:stream`.
    id: String,
    /// The view.
    view: String,
    /// The aggregate's kind.
    kind: String,
    /// The aggregate.
    stream: Uuid,
    /// First event that could not be folded.
    sequence: i64,
    /// Its name.
    event_type: String,
    /// Why.
    error: Option<String>,
    /// Events parked of this stream, for this view, counted up to 1,000.
    events: i64,
    /// Since when.
    parked_at: DateTime<Utc>,
}

/// What the list is ordered by.
struct Place {
    view: String,
    kind: String,
    stream: Uuid,
}

impl Key for Place {
    fn to_bytes(&self) -> Vec<u8> {
        format!("{}:{}:{}", self.view, self.kind, self.stream).into_bytes()
    }

    fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (view, rest) = text.split_once(':')?;
        let (kind, stream) = rest.split_once(':')?;
        Some(Self {
            view: view.to_owned(),
            kind: kind.to_owned(),
            stream: stream.parse().ok()?,
        })
    }
}

/// Reads what is parked.
#[utoipa::path(get, path = "/v1/ops/parked", operation_id = "read_parked", tag = "ops",
    params(ReadParked),
    responses((status = 200, body = Parked), (status = "default", body = Problem)))]
pub(crate) async fn read_parked(
    State(app): State<App>,
    by: Ops<action::ReadParked>,
    Query(asked): Query<ReadParked>,
) -> Result<Response, ApiError> {
    let limit = limit_of(asked.limit)?;
    let list = List::new("/v1/ops/parked", by.principal.id);
    let after: Option<Place> = list.after(asked.cursor.as_ref())?;
    // From the first event of a stream to the first of the next, down the key: what a stream has parked
    // behind its first is not read.
    let mut rows = sqlx::query!(
        r#"WITH RECURSIVE first AS (
               (SELECT view, kind, stream, sequence, event_type, error, parked_at
                FROM views.parked_events
                WHERE $1::text IS NULL OR (view, kind, stream) > ($1, $2::text, $3::uuid)
                ORDER BY view, kind, stream, sequence LIMIT 1)
               UNION ALL
               SELECT next.* FROM first CROSS JOIN LATERAL (
                   SELECT view, kind, stream, sequence, event_type, error, parked_at
                   FROM views.parked_events e
                   WHERE (e.view, e.kind, e.stream) > (first.view, first.kind, first.stream)
                   ORDER BY view, kind, stream, sequence LIMIT 1) next
           )
           SELECT first.view AS "view!", first.kind AS "kind!", first.stream AS "stream!",
                  first.sequence AS "sequence!", first.event_type AS "event_type!", first.error,
                  first.parked_at AS "parked_at!",
                  (SELECT count(*) FROM (
                       SELECT FROM views.parked_events e
                       WHERE (e.view, e.kind, e.stream) = (first.view, first.kind, first.stream)
                       LIMIT $5) AS few) AS "events!",
                  (SELECT count(*) FROM (
                       SELECT FROM views.parked_events LIMIT $6) AS few) AS "total!"
           FROM first LIMIT $4"#,
        after.as_ref().map(|after| after.view.as_str()),
        after.as_ref().map(|after| after.kind.as_str()),
        after.as_ref().map(|after| after.stream),
        i64::from(limit) + 1,
        COUNTED_OF_STREAM_MAX,
        COUNTED_MAX
    )
    .fetch_all(app.pool())
    .await
    .map_err(db)?;
    rows.sort_by(|one, other| {
        (&one.view, &one.kind, one.stream).cmp(&(&other.view, &other.kind, other.stream))
    });
    let total = rows.first().map_or(0, |row| row.total);
    let mut streams: Vec<ParkedStream> = rows
        .into_iter()
        .map(|row| ParkedStream {
            id: format!("{}:{}:{}", row.view, row.kind, row.stream),
            view: row.view,
            kind: row.kind,
            stream: row.stream,
            sequence: row.sequence,
            event_type: row.event_type,
            error: row.error,
            events: row.events,
            parked_at: row.parked_at,
        })
        .collect();
    let cursor = list.cut(&mut streams, limit, |stream| Place {
        view: stream.view.clone(),
        kind: stream.kind.clone(),
        stream: stream.stream,
    });
    let next = cursor.clone();
    let page = Parked {
        total,
        streams,
        cursor,
    };
    Ok(list.answer(page, limit, next.as_ref()))
}
