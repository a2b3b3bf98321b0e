//! One row for each event of an order: what the customer, the shop and ops see of its story.

use chrono::{DateTime, Utc};
use domain::aggregates::Kind;
use domain::decider::{Event as _, Recorded};
use domain::ordering::order::OrderEvent;
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::fold::{ApplyError, Folding, Outcome, insert_log};
use super::orders::role;
use super::{FoldError, View};
use crate::names::name_of;

/// The story of orders. Rows are only added.
#[derive(Debug)]
pub(crate) struct OrderTimeline;

/// A line of an order's story.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TimelineEntry {
    /// When it happened, by the event itself.
    pub(crate) happened_at: DateTime<Utc>,
    /// What of the event may be shown; nothing personal.
    pub(crate) facts: Value,
}

impl View for OrderTimeline {
    const VIEW: &'static str = "order_timeline";
    const FOLLOWS: Kind = Kind::Order;

    async fn apply(
        connection: &mut PgConnection,
        folding: &Folding<'_>,
        outcome: &mut Outcome,
    ) -> Result<(), ApplyError> {
        insert_log::<OrderEvent>(Self::VIEW, connection, folding, outcome, |event| {
            entry(event)
        })
        .await
    }
}

fn entry(event: &Recorded<OrderEvent>) -> Result<TimelineEntry, FoldError> {
    tracing::trace!(event = event.event.name(), "timeline");
    let (happened_at, facts) = match &event.event {
        OrderEvent::CheckedOut(order) => (
            order.at,
            json!({
                "number": order.number,
                "promise_earliest": order.promise.earliest,
                "promise_latest": order.promise.latest,
            }),
        ),
        OrderEvent::Accepted {
            prep_minutes,
            promise,
            at,
        } => (
            *at,
            json!({
                "prep_minutes": prep_minutes.get(),
                "promise_earliest": promise.earliest,
                "promise_latest": promise.latest,
            }),
        ),
        OrderEvent::Rejected {
            reason,
            note: _,
            at,
        } => (*at, json!({"reason": name_of(reason)?})),
        OrderEvent::Cancelled {
            by,
            fault,
            at,
            reason: _,
        } => (*at, json!({"by": role(by), "fault": name_of(fault)?})),
        OrderEvent::CourierRequested { delivery, at } => (*at, json!({"delivery": delivery})),
        OrderEvent::Fired { automatic, at } => (*at, json!({"automatic": automatic})),
        OrderEvent::BowlBoiled { line, bowl, at } => (*at, json!({"line": line, "bowl": bowl})),
        OrderEvent::BowlSealed {
            line,
            bowl,
            deadline,
            at,
        } => (
            *at,
            json!({"line": line, "bowl": bowl, "deadline": deadline}),
        ),
        OrderEvent::Ready { slurp_deadline, at } => {
            (*at, json!({"slurp_deadline": slurp_deadline}))
        }
        OrderEvent::PickedUp {
            inferred,
            at,
            driver: _,
        } => (*at, json!({"inferred": inferred})),
        OrderEvent::Delivered { proof, at } => (*at, json!({"proof": name_of(proof)?})),
        OrderEvent::Undeliverable { reason, at } => (*at, json!({"reason": name_of(reason)?})),
        OrderEvent::Placed { at }
        | OrderEvent::Expired { at }
        | OrderEvent::Collected { at }
        | OrderEvent::NotCollected { at }
        | OrderEvent::Completed { at }
        | OrderEvent::Acknowledged { at, device: _ } => (*at, json!({})),
    };
    Ok(TimelineEntry { happened_at, facts })
}
