//! One row for each event of an order: what the customer, the shop and ops see of its story.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::aggregates::Kind;
use domain::decider::{Event as _, Recorded};
use domain::ordering::order::OrderEvent;
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::fold::{ApplyError, Folding, Outcome, Parked, Trouble, walk};
use super::orders::role;
use super::{FoldError, Remembered, Source, Unwritten, Version, View};
use crate::names::name_of;

/// The story of orders. Rows are only added.
#[derive(Debug)]
pub(crate) struct OrderTimeline;

/// A line of an order's story.
#[derive(Clone, Debug, PartialEq)]
struct TimelineEntry {
    /// When it happened, by the event itself.
    happened_at: DateTime<Utc>,
    /// What of the event may be shown; nothing personal.
    facts: Value,
}

impl View for OrderTimeline {
    const VIEW: &'static str = "order_timeline";
    const FOLLOWS: Kind = Kind::Order;

    async fn fold_batch(
        _source: &Source<'_>,
        folding: &Folding<'_>,
        outcome: &mut Outcome,
    ) -> Result<Box<dyn Unwritten>, ApplyError> {
        let lines = Lines::fold(folding, outcome)?;
        Ok(Box::new(lines))
    }

    async fn fold_carefully(
        connection: &mut PgConnection,
        folding: &Folding<'_>,
        outcome: &mut Outcome,
    ) -> Result<(), ApplyError> {
        // Each line stands for itself and is made by us: there is none that the table refuses alone.
        Lines::fold(folding, outcome)?
            .write(connection, Version::Live)
            .await
    }
}

/// The columns of story lines to be added.
#[derive(Default)]
struct Lines {
    streams: Vec<Uuid>,
    sequences: Vec<i64>,
    events: Vec<String>,
    happened: Vec<DateTime<Utc>>,
    recorded: Vec<DateTime<Utc>>,
    facts: Vec<String>,
}

impl Lines {
    fn fold(folding: &Folding<'_>, outcome: &mut Outcome) -> Result<Self, ApplyError> {
        let mut parked = Parked::new(OrderTimeline::VIEW, folding);
        let mut lines = Self::default();
        walk::<OrderEvent>(folding, &mut parked, outcome, |event| {
            let entry = entry(&event).map_err(Trouble::Fold)?;
            lines.push(&event, &entry);
            Ok(())
        })?;
        Ok(lines)
    }

    fn push(&mut self, event: &Recorded<OrderEvent>, entry: &TimelineEntry) {
        self.streams.push(event.stream);
        self.sequences.push(event.sequence);
        self.events.push(event.event.name().to_owned());
        self.happened.push(entry.happened_at);
        self.recorded.push(event.recorded_at);
        self.facts.push(entry.facts.to_string());
    }
}

#[async_trait]
impl Unwritten for Lines {
    /// Adds one row to the story of an order for each event; a repeat adds nothing.
    async fn write(
        &self,
        connection: &mut PgConnection,
        version: Version,
    ) -> Result<(), ApplyError> {
        if self.streams.is_empty() {
            return Ok(());
        }
        // Built at run time: the schema is that of one of two versions.
        let sql = format!(
            "INSERT INTO {}.order_timeline
                 (order_id, sequence, event, happened_at, recorded_at, facts)
             SELECT t.order_id, t.sequence, t.event, t.happened_at, t.recorded_at, t.facts::json
             FROM UNNEST($1::uuid[], $2::bigint[], $3::text[], $4::timestamptz[],
                         $5::timestamptz[], $6::text[])
                  AS t(order_id, sequence, event, happened_at, recorded_at, facts)
             ON CONFLICT (order_id, sequence) DO NOTHING",
            version.schema()
        );
        sqlx::query(&sql)
            .bind(&self.streams)
            .bind(&self.sequences)
            .bind(&self.events)
            .bind(&self.happened)
            .bind(&self.recorded)
            .bind(&self.facts)
            .execute(connection)
            .await
            .map_err(|source| ApplyError::of(OrderTimeline::VIEW, source))?;
        Ok(())
    }

    fn remember(self: Box<Self>, _remembered: &mut Remembered) {}
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
                "remake_of": order.remake_of.map(|remake| remake.order),
            }),
        ),
        OrderEvent::Scheduled { release_at, at } => (*at, json!({"release_at": release_at})),
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
            settlement,
            at,
            reason: _,
        } => (
            *at,
            json!({"by": role(by), "fault": name_of(fault)?, "settlement": settlement}),
        ),
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
        OrderEvent::Undeliverable {
            reason,
            settlement,
            at,
        } => (
            *at,
            json!({"reason": name_of(reason)?, "settlement": settlement}),
        ),
        OrderEvent::NotCollected { settlement, at } => (*at, json!({"settlement": settlement})),
        OrderEvent::ShortReported {
            short,
            line,
            units,
            choice,
            substitute,
            substitute_needs: _,
            answer_by,
            at,
        } => (
            *at,
            json!({
                "short": short,
                "line": line,
                "units": units,
                "choice": name_of(choice)?,
                "substitute": substitute.as_ref().map(|line| &line.name),
                "answer_by": answer_by,
            }),
        ),
        OrderEvent::ShortSettled {
            short,
            outcome,
            bill,
            at,
        } => (
            *at,
            json!({
                "short": short,
                "outcome": name_of(outcome)?,
                "total_minor": bill.total.amount_minor(),
            }),
        ),
        OrderEvent::PromiseMoved {
            prep_minutes,
            promise,
            reason,
            party,
            at,
        } => (
            *at,
            json!({
                "prep_minutes": prep_minutes.get(),
                "promise_earliest": promise.earliest,
                "promise_latest": promise.latest,
                "reason": reason.as_str(),
                "party": name_of(party)?,
            }),
        ),
        OrderEvent::SwitchedToPickup { by, bill, at } => (
            *at,
            json!({"by": role(by), "total_minor": bill.total.amount_minor()}),
        ),
        OrderEvent::PromiseMade { promise, at } => (
            *at,
            json!({
                "promise_earliest": promise.earliest,
                "promise_latest": promise.latest,
            }),
        ),
        OrderEvent::Stalled { stage, since, at } => {
            (*at, json!({"stage": name_of(stage)?, "since": since}))
        }
        OrderEvent::ActedOnBehalf { by, of, reason, at } => (
            *at,
            json!({"by": role(by), "of": name_of(of)?, "reason": reason.as_str()}),
        ),
        OrderEvent::Amended { amendment, by, at } => (
            *at,
            json!({
                "by": role(by),
                "total_minor": amendment.bill.total.amount_minor(),
                "other_door": amendment.address.is_some(),
                "release_at": amendment.schedule.map(|schedule| schedule.release_at),
            }),
        ),
        OrderEvent::DoorCorrected {
            moved_m,
            by,
            at,
            address: _,
        } => (*at, json!({"by": role(by), "moved_m": moved_m.get()})),
        OrderEvent::Refired {
            bowls,
            reason,
            fault,
            at,
            ..
        } => (
            *at,
            json!({"bowls": bowls, "reason": reason.as_str(), "fault": name_of(fault)?}),
        ),
        OrderEvent::RemakeOffered {
            offer,
            bowls,
            reason,
            fault,
            answer_by,
            at,
        } => (
            *at,
            json!({
                "offer": offer,
                "bowls": bowls,
                "reason": reason.as_str(),
                "fault": name_of(fault)?,
                "answer_by": answer_by,
            }),
        ),
        OrderEvent::RemakeDeclined { offer, by, at } => {
            (*at, json!({"offer": offer, "by": role(by)}))
        }
        OrderEvent::Remade {
            remake,
            bowls,
            reason,
            fault,
            by,
            at,
            offer: _,
        } => (
            *at,
            json!({
                "remake": remake,
                "bowls": bowls,
                "reason": reason.as_str(),
                "fault": name_of(fault)?,
                "by": role(by),
            }),
        ),
        OrderEvent::Placed { at }
        | OrderEvent::Expired { at }
        | OrderEvent::Collected { at }
        | OrderEvent::Completed { at }
        | OrderEvent::Acknowledged { at, device: _ } => (*at, json!({})),
    };
    Ok(TimelineEntry { happened_at, facts })
}
