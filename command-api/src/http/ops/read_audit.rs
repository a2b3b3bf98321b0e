//! An aggregate as it was at a time, with the events that made it so. Served here because folding is
//! the deciders' work. Personal data stays sealed.

use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::aggregates::{
    Cart, Delivery, Driver, Inventory, Kind, Menu, Order, Payment, Promotion, PromotionBook,
    Restaurant,
};
use domain::decider::{Decider, DecodeError, decode};
use domain::kernel::collect::Collect;
use domain::kernel::fault::{Faults, Pointer};
use infra::event_store::{EventLog, LogRow, StreamId};
use infra::http::policy::action::ReadAudit;
use infra::http::{ApiError, Json, Ops, Query};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::log_failed;
use crate::app::App;
use crate::http::answer::{Refusals, json_of};

/// Events that one answer lists; the state is made of all.
const EVENTS_MAX: usize = 500;

/// What is asked for.
#[derive(Debug)]
pub(super) struct AuditQuery {
    /// Which aggregate.
    aggregate: Named,
    /// As of when; now when absent.
    at: Option<DateTime<Utc>>,
}
domain::collect_struct!(AuditQuery { aggregate, at });

/// `kind:id`, for instance `ordering.order:0190…`.
#[derive(Debug)]
struct Named(StreamId);

impl Collect for Named {
    fn collect(value: &Value, at: &Pointer, faults: &mut Faults) -> Option<Self> {
        let parsed = value
            .as_str()
            .and_then(|text| text.split_once(':'))
            .and_then(|(kind, id)| {
                let (kind, id) = (Kind::parse(kind).ok()?, id.parse().ok()?);
                Some(Self(StreamId { kind, id }))
            });
        if parsed.is_none() {
            faults.add(
                "aggregate_unknown",
                at,
                "must be kind:id, as ordering.order:<uuid>",
            );
        }
        parsed
    }
}

/// An aggregate at a time.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Audit {
    /// Its kind.
    kind: &'static str,
    /// Its id.
    id: Uuid,
    /// How many events it had.
    version: i64,
    /// The stage it was in.
    stage: &'static str,
    /// All that was true of it.
    #[schema(value_type = Object)]
    state: Value,
    /// The newest 500 of its events, oldest first.
    events: Vec<AuditEvent>,
}

/// One event.
#[derive(Debug, Serialize, ToSchema)]
struct AuditEvent {
    /// Its own id.
    event_id: Uuid,
    /// Its number in the aggregate.
    sequence: i64,
    /// Its number in the whole log.
    position: i64,
    /// When it was decided.
    recorded_at: DateTime<Utc>,
    /// What happened.
    #[schema(value_type = Object)]
    event: Value,
    /// Who asked, in which request, and the like.
    #[schema(value_type = Object)]
    metadata: Value,
}

/// Reads an aggregate as it was at a time.
#[utoipa::path(
    get,
    path = "/v1/ops/audit",
    params(
        ("aggregate" = String, Query, description = "`kind:id`, as `ordering.order:<uuid>`"),
        ("at" = Option<DateTime<Utc>>, Query, description = "As of when; now when absent")
    ),
    responses((status = 200, description = "The aggregate.", body = Audit), Refusals)
)]
pub(super) async fn read_audit(
    State(app): State<App>,
    _by: Ops<ReadAudit>,
    Query(query): Query<AuditQuery>,
) -> Result<Json<Audit>, ApiError> {
    let Named(stream) = query.aggregate;
    let log = EventLog::new(app.pool.clone());
    let mut rows = log
        .of_stream(stream, 1, i64::MAX)
        .await
        .map_err(log_failed)?;
    rows.retain(|row| query.at.is_none_or(|at| row.recorded_at <= at));
    if rows.is_empty() {
        return Err(ApiError::not_found());
    }
    audit(stream, &rows).map(Json).map_err(ApiError::internal)
}

fn audit(stream: StreamId, rows: &[LogRow]) -> Result<Audit, DecodeError> {
    let (stage, folded) = match stream.kind {
        Kind::Restaurant => fold::<Restaurant>(rows)?,
        Kind::Menu => fold::<Menu>(rows)?,
        Kind::Inventory => fold::<Inventory>(rows)?,
        Kind::Promotion => fold::<Promotion>(rows)?,
        Kind::PromotionBook => fold::<PromotionBook>(rows)?,
        Kind::Cart => fold::<Cart>(rows)?,
        Kind::Order => fold::<Order>(rows)?,
        Kind::Payment => fold::<Payment>(rows)?,
        Kind::Delivery => fold::<Delivery>(rows)?,
        Kind::Driver => fold::<Driver>(rows)?,
    };
    let newest = rows.iter().skip(rows.len().saturating_sub(EVENTS_MAX));
    Ok(Audit {
        kind: stream.kind.as_str(),
        id: stream.id,
        version: rows.last().map_or(0, |row| row.sequence),
        stage,
        state: folded,
        events: newest.map(AuditEvent::of).collect(),
    })
}

fn fold<A: Decider>(rows: &[LogRow]) -> Result<(&'static str, Value), DecodeError> {
    let mut state = A::default();
    for row in rows {
        state.evolve(&decode::<A>(
            &row.event_type,
            &row.event_version,
            &row.payload,
        )?);
    }
    Ok((state.stage().into(), json_of(&state)))
}

impl AuditEvent {
    fn of(row: &LogRow) -> Self {
        // What does not read as JSON is shown as the text it is: an audit hides nothing.
        let document = |text: &String| {
            serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()))
        };
        Self {
            event_id: row.event_id,
            sequence: row.sequence,
            position: row.position,
            recorded_at: row.recorded_at,
            event: document(&row.payload),
            metadata: document(&row.metadata),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::kernel::collect::collect;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_aggregate_is_named_by_kind_and_id() {
        let good = json!({"aggregate": format!("ordering.order:{}", Uuid::nil())});
        let query = collect::<AuditQuery>(&good).unwrap();
        assert_eq!(
            query.aggregate.0,
            StreamId {
                kind: Kind::Order,
                id: Uuid::nil()
            }
        );
        for bad in [
            "",
            "ordering.order",
            "order:1",
            "x:00000000-0000-0000-0000-000000000000",
        ] {
            assert!(
                collect::<AuditQuery>(&json!({"aggregate": bad})).is_err(),
                "{bad}"
            );
        }
    }
}
