//! What a kitchen has before it: orders from payment until they leave the shop, with their clocks.

use chrono::{DateTime, NaiveDate, Utc};
use domain::decider::{Event as _, Recorded};
use domain::ordering::order::{CheckedOut, OrderEvent};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::orders::number;
use super::row::{Doc, row};
use super::{Change, FoldError, FoldedView};
use crate::names::document;

/// Active orders only: the row goes when the food leaves or the order ends.
#[derive(Debug)]
pub(crate) struct KitchenQueue;

row! {
    /// An order in a kitchen.
    KitchenRow in "kitchen_queue" key order_id {
        /// The order.
        order_id: Uuid,
        /// The last event folded.
        sequence: i64,
        /// The shop.
        restaurant_id: Uuid,
        /// Number on its service date.
        number: i32,
        /// Local date on which the shop's opening began.
        service_date: NaiveDate,
        /// `delivery` or `pickup`.
        fulfilment: String,
        /// Stage of the order.
        state: String,
        /// Whether it is fired without a tap.
        auto_fire: bool,
        /// What to cook; notes are sealed.
        lines: Doc<Value>,
        /// The clocks of its bowls, in the order of their first event.
        bowls: Doc<Vec<BowlClock>>,
        /// What the kitchen said it needs.
        prep_minutes: Option<i32>,
        /// Promised not before.
        promise_earliest: Option<DateTime<Utc>>,
        /// Promised not after.
        promise_latest: DateTime<Utc>,
        /// When the kitchen is asked for an order for later.
        release_at: Option<DateTime<Utc>>,
        /// When the kitchen was asked for it.
        placed_at: Option<DateTime<Utc>>,
        /// When the shop took it.
        accepted_at: Option<DateTime<Utc>>,
        /// When a device of the shop has shown it.
        acknowledged_at: Option<DateTime<Utc>>,
        /// When the kitchen began.
        fired_at: Option<DateTime<Utc>>,
        /// When all was packed.
        ready_at: Option<DateTime<Utc>>,
        /// Earliest deadline of its bowls.
        slurp_deadline: Option<DateTime<Utc>>,
        /// The order of which it makes bowls again.
        remake_of: Option<Uuid>,
        /// When the last event happened.
        updated_at: DateTime<Utc>,
    }
}

/// The clock of one bowl.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BowlClock {
    /// Line of the order.
    pub(crate) line: u32,
    /// Bowl of the line, from 1.
    pub(crate) bowl: u32,
    /// When its noodles left the boiler.
    pub(crate) boiled_at: Option<DateTime<Utc>>,
    /// When it was closed.
    pub(crate) sealed_at: Option<DateTime<Utc>>,
    /// Until when it is still ramen.
    pub(crate) deadline: Option<DateTime<Utc>>,
}

impl FoldedView for KitchenQueue {
    const ANCHOR: bool = false;
    type Event = OrderEvent;
    type Row = KitchenRow;

    fn fold(
        row: Option<KitchenRow>,
        event: &Recorded<OrderEvent>,
    ) -> Result<Change<KitchenRow>, FoldError> {
        if let OrderEvent::CheckedOut(order) = &event.event {
            return Ok(Change::Put(opened(event.stream, order)?));
        }
        // An order that has left the kitchen has no row, and later events do not bring it back.
        let Some(row) = row else {
            return Ok(Change::Keep);
        };
        tracing::trace!(event = event.event.name(), "kitchen queue");
        step(row, &event.event)
    }
}

fn opened(order_id: Uuid, order: &CheckedOut) -> Result<KitchenRow, FoldError> {
    Ok(KitchenRow {
        order_id,
        sequence: 0,
        restaurant_id: order.restaurant.uuid(),
        number: number(order.number)?,
        service_date: order.service_date,
        fulfilment: if order.fulfilment.is_delivery() {
            "delivery"
        } else {
            "pickup"
        }
        .to_owned(),
        state: "awaiting_payment".to_owned(),
        auto_fire: order.auto_fire,
        lines: Doc(document(&order.lines)?),
        bowls: Doc(Vec::new()),
        prep_minutes: None,
        promise_earliest: Some(order.promise.earliest),
        promise_latest: order.promise.latest,
        release_at: order.schedule.map(|schedule| schedule.release_at),
        placed_at: None,
        accepted_at: None,
        acknowledged_at: None,
        fired_at: None,
        ready_at: None,
        slurp_deadline: None,
        remake_of: order.remake_of.map(|remake| remake.order.uuid()),
        updated_at: order.at,
    })
}

fn step(mut row: KitchenRow, event: &OrderEvent) -> Result<Change<KitchenRow>, FoldError> {
    match event {
        OrderEvent::CheckedOut(_) => {}
        OrderEvent::PromiseMade { promise, at } => {
            row.promise_earliest = Some(promise.earliest);
            row.promise_latest = promise.latest;
            row.updated_at = *at;
        }
        OrderEvent::Scheduled { at, release_at: _ } => enter(&mut row, "scheduled", *at),
        OrderEvent::Placed { at } => {
            row.placed_at = Some(*at);
            enter(&mut row, "placed", *at);
        }
        OrderEvent::Accepted {
            prep_minutes,
            promise,
            at,
        } => {
            row.prep_minutes = Some(number(prep_minutes.get())?);
            row.promise_earliest = Some(promise.earliest);
            row.promise_latest = promise.latest;
            row.accepted_at = Some(*at);
            enter(&mut row, "accepted", *at);
        }
        OrderEvent::Fired { at, automatic: _ } => {
            row.fired_at = Some(*at);
            enter(&mut row, "cooking", *at);
        }
        OrderEvent::BowlBoiled { line, bowl, at } => {
            clock(&mut row.bowls.0, line.get(), *bowl).boiled_at = Some(*at);
            row.updated_at = *at;
        }
        OrderEvent::BowlSealed {
            line,
            bowl,
            deadline,
            at,
        } => {
            let clock = clock(&mut row.bowls.0, line.get(), *bowl);
            clock.sealed_at = Some(*at);
            clock.deadline = *deadline;
            row.slurp_deadline = row.slurp_deadline.into_iter().chain(*deadline).min();
            row.updated_at = *at;
        }
        OrderEvent::Ready { slurp_deadline, at } => {
            row.slurp_deadline = *slurp_deadline;
            row.ready_at = Some(*at);
            enter(&mut row, "ready", *at);
        }
        OrderEvent::Refired {
            bowls,
            slurp_deadline,
            at,
            ..
        } => {
            for bowl in bowls {
                let clock = clock(&mut row.bowls.0, bowl.line.get(), bowl.bowl);
                (clock.boiled_at, clock.sealed_at, clock.deadline) = (None, None, None);
            }
            row.slurp_deadline = *slurp_deadline;
            row.ready_at = None;
            enter(&mut row, "cooking", *at);
        }
        OrderEvent::CourierRequested { at, delivery: _ }
        | OrderEvent::ShortReported { at, .. }
        | OrderEvent::Stalled { at, .. }
        | OrderEvent::ActedOnBehalf { at, .. }
        | OrderEvent::DoorCorrected { at, .. }
        | OrderEvent::RemakeOffered { at, .. }
        | OrderEvent::RemakeDeclined { at, .. }
        | OrderEvent::Remade { at, .. } => row.updated_at = *at,
        OrderEvent::Amended { amendment, at, .. } => {
            row.lines = Doc(document(&amendment.bill.lines)?);
            let schedule = amendment.schedule.map(|schedule| schedule.release_at);
            row.release_at = schedule.or(row.release_at);
            row.updated_at = *at;
        }
        OrderEvent::ShortSettled { bill, at, .. } => {
            row.lines = Doc(document(&bill.lines)?);
            row.updated_at = *at;
        }
        OrderEvent::SwitchedToPickup { bill, at, .. } => {
            row.lines = Doc(document(&bill.lines)?);
            "pickup".clone_into(&mut row.fulfilment);
            row.updated_at = *at;
        }
        OrderEvent::PromiseMoved {
            prep_minutes,
            promise,
            at,
            ..
        } => {
            row.prep_minutes = Some(number(prep_minutes.get())?);
            row.promise_earliest = Some(promise.earliest);
            row.promise_latest = promise.latest;
            row.updated_at = *at;
        }
        OrderEvent::Acknowledged { at, device: _ } => {
            row.acknowledged_at = Some(*at);
            row.updated_at = *at;
        }
        OrderEvent::Rejected { .. }
        | OrderEvent::Expired { .. }
        | OrderEvent::Cancelled { .. }
        | OrderEvent::Collected { .. }
        | OrderEvent::PickedUp { .. }
        | OrderEvent::Delivered { .. }
        | OrderEvent::Undeliverable { .. }
        | OrderEvent::NotCollected { .. }
        | OrderEvent::Completed { .. } => return Ok(Change::Remove),
    }
    Ok(Change::Put(row))
}

fn enter(row: &mut KitchenRow, state: &str, at: DateTime<Utc>) {
    state.clone_into(&mut row.state);
    row.updated_at = at;
}

/// The clock of a bowl, begun when there is none.
fn clock(bowls: &mut Vec<BowlClock>, line: u32, bowl: u32) -> &mut BowlClock {
    let at = bowls
        .iter()
        .position(|clock| clock.line == line && clock.bowl == bowl);
    let at = at.unwrap_or_else(|| {
        bowls.push(BowlClock {
            line,
            bowl,
            boiled_at: None,
            sealed_at: None,
            deadline: None,
        });
        bowls.len() - 1
    });
    &mut bowls[at]
}
