//! One row for each order: its state, its promise and when each step happened.

use chrono::{DateTime, NaiveDate, Utc};
use domain::decider::{Event as _, Recorded};
use domain::kernel::actor::Actor;
use domain::kernel::ids::DriverId;
use domain::ordering::order::{CheckedOut, OrderEvent};
use uuid::Uuid;

use super::row::row;
use super::{Change, FoldError, FoldedView};
use crate::names::name_of;

/// Orders as lists and details show them; what checkout fixed for ever is in `order_details`.
#[derive(Debug)]
pub(crate) struct Orders;

row! {
    /// An order.
    OrderRow in "orders" key order_id {
        /// The order.
        order_id: Uuid,
        /// Events folded.
        sequence: i64,
        /// Who ordered.
        customer_id: Uuid,
        /// The shop.
        restaurant_id: Uuid,
        /// The shop's name when it was ordered.
        restaurant_name: String,
        /// The cart it was.
        cart_id: Uuid,
        /// Its payment.
        payment_id: Uuid,
        /// Our driver who has picked it up.
        driver_id: Option<Uuid>,
        /// Number on its service date.
        number: i32,
        /// Local date on which the shop's opening began.
        service_date: NaiveDate,
        /// Where it came in.
        channel: String,
        /// The shop's city.
        city: String,
        /// `delivery` or `pickup`.
        fulfilment: String,
        /// Stage of the order.
        state: String,
        /// What the customer pays.
        total_minor: i64,
        /// ISO 4217 code.
        currency: String,
        /// Promised not before.
        promise_earliest: DateTime<Utc>,
        /// Promised not after.
        promise_latest: DateTime<Utc>,
        /// What the kitchen said it needs.
        prep_minutes: Option<i32>,
        /// Earliest deadline of its bowls.
        slurp_deadline: Option<DateTime<Utc>>,
        /// Until when it must be paid for.
        expires_at: DateTime<Utc>,
        /// When it was checked out.
        checked_out_at: DateTime<Utc>,
        /// Wanted not before, if that is later than as soon as possible.
        wanted_from: Option<DateTime<Utc>>,
        /// Wanted not after.
        wanted_to: Option<DateTime<Utc>>,
        /// When the shop of an order for later is asked.
        release_at: Option<DateTime<Utc>>,
        /// When it was paid for, of an order for later.
        scheduled_at: Option<DateTime<Utc>>,
        /// When the shop was asked: as soon as it was paid for, or when it was released.
        placed_at: Option<DateTime<Utc>>,
        /// When the shop took it.
        accepted_at: Option<DateTime<Utc>>,
        /// When the kitchen began.
        fired_at: Option<DateTime<Utc>>,
        /// When all was packed.
        ready_at: Option<DateTime<Utc>>,
        /// When a courier took it.
        picked_up_at: Option<DateTime<Utc>>,
        /// When the customer had it.
        delivered_at: Option<DateTime<Utc>>,
        /// When it ended.
        ended_at: Option<DateTime<Utc>>,
        /// Why it ended early, in words or as a code.
        end_reason: Option<String>,
        /// Whose fault that is.
        end_fault: Option<String>,
        /// Role of who ended it.
        ended_by: Option<String>,
        /// Since when it is in its state.
        state_since: DateTime<Utc>,
        /// Promised first: not before.
        first_promise_earliest: DateTime<Utc>,
        /// Promised first: not after.
        first_promise_latest: DateTime<Utc>,
        /// Why our staff last acted in another's place.
        on_behalf: Option<String>,
        /// The order of which it makes bowls again.
        remake_of: Option<Uuid>,
        /// When the last event happened.
        updated_at: DateTime<Utc>,
    }
}

impl FoldedView for Orders {
    const ANCHOR: bool = true;
    type Event = OrderEvent;
    type Row = OrderRow;

    fn fold(
        row: Option<OrderRow>,
        event: &Recorded<OrderEvent>,
    ) -> Result<Change<OrderRow>, FoldError> {
        if let OrderEvent::CheckedOut(order) = &event.event {
            return Ok(Change::Put(opened(event.stream, order)?));
        }
        let mut row = row.ok_or(FoldError::NotOpened {
            event: event.event.name(),
        })?;
        step(&mut row, &event.event)?;
        Ok(Change::Put(row))
    }
}

fn opened(order_id: Uuid, order: &CheckedOut) -> Result<OrderRow, FoldError> {
    Ok(OrderRow {
        order_id,
        sequence: 0,
        customer_id: order.customer.uuid(),
        restaurant_id: order.restaurant.uuid(),
        restaurant_name: order.restaurant_name.as_str().to_owned(),
        cart_id: order.cart.uuid(),
        payment_id: order.payment.uuid(),
        driver_id: None,
        number: number(order.number)?,
        service_date: order.service_date,
        channel: name_of(&order.channel)?,
        city: order.city.as_str().to_owned(),
        fulfilment: if order.fulfilment.is_delivery() {
            "delivery"
        } else {
            "pickup"
        }
        .to_owned(),
        state: "awaiting_payment".to_owned(),
        total_minor: order.total.amount_minor(),
        currency: order.total.currency().to_string(),
        promise_earliest: order.promise.earliest,
        promise_latest: order.promise.latest,
        prep_minutes: None,
        slurp_deadline: None,
        expires_at: order.expires_at,
        checked_out_at: order.at,
        wanted_from: order.schedule.map(|schedule| schedule.window.from()),
        wanted_to: order.schedule.map(|schedule| schedule.window.to()),
        release_at: order.schedule.map(|schedule| schedule.release_at),
        scheduled_at: None,
        placed_at: None,
        accepted_at: None,
        fired_at: None,
        ready_at: None,
        picked_up_at: None,
        delivered_at: None,
        ended_at: None,
        end_reason: None,
        end_fault: None,
        ended_by: None,
        state_since: order.at,
        first_promise_earliest: order.promise.earliest,
        first_promise_latest: order.promise.latest,
        on_behalf: None,
        remake_of: order.remake_of.map(|remake| remake.order.uuid()),
        updated_at: order.at,
    })
}

fn step(row: &mut OrderRow, event: &OrderEvent) -> Result<(), FoldError> {
    match event {
        OrderEvent::CheckedOut(_) => {}
        OrderEvent::PromiseMade { promise, at } => {
            row.first_promise_earliest = promise.earliest;
            row.first_promise_latest = promise.latest;
            row.promise_earliest = promise.earliest;
            row.promise_latest = promise.latest;
            row.updated_at = *at;
        }
        OrderEvent::ActedOnBehalf { reason, at, .. } => {
            row.on_behalf = Some(reason.as_str().to_owned());
            row.updated_at = *at;
        }
        OrderEvent::Scheduled { at, release_at: _ } => {
            row.scheduled_at = Some(*at);
            enter(row, "scheduled", *at);
        }
        OrderEvent::Placed { at } => {
            row.placed_at = Some(*at);
            enter(row, "placed", *at);
        }
        OrderEvent::Accepted {
            prep_minutes,
            promise,
            at,
        } => {
            row.prep_minutes = Some(number(prep_minutes.get())?);
            row.promise_earliest = promise.earliest;
            row.promise_latest = promise.latest;
            row.accepted_at = Some(*at);
            enter(row, "accepted", *at);
        }
        OrderEvent::Rejected { reason, note, at } => {
            let code = name_of(reason)?;
            row.end_reason = Some(note.as_ref().map_or(code, |note| note.as_str().to_owned()));
            row.end_fault = Some("shop".to_owned());
            row.ended_at = Some(*at);
            enter(row, "rejected", *at);
        }
        OrderEvent::Expired { at } => {
            row.ended_at = Some(*at);
            enter(row, "expired", *at);
        }
        OrderEvent::Cancelled {
            by,
            reason,
            fault,
            settlement: _,
            at,
        } => {
            row.end_reason = Some(reason.as_str().to_owned());
            row.end_fault = Some(name_of(fault)?);
            row.ended_by = Some(role(by).to_owned());
            row.ended_at = Some(*at);
            enter(row, "cancelled", *at);
        }
        OrderEvent::Fired { at, automatic: _ } => {
            row.fired_at = Some(*at);
            enter(row, "cooking", *at);
        }
        OrderEvent::BowlBoiled {
            at,
            line: _,
            bowl: _,
        }
        | OrderEvent::CourierRequested { at, delivery: _ }
        | OrderEvent::ShortReported { at, .. }
        | OrderEvent::Stalled { at, .. }
        | OrderEvent::DoorCorrected { at, .. }
        | OrderEvent::RemakeOffered { at, .. }
        | OrderEvent::RemakeDeclined { at, .. }
        | OrderEvent::Remade { at, .. }
        | OrderEvent::Acknowledged { at, device: _ } => row.updated_at = *at,
        OrderEvent::Amended { amendment, at, .. } => {
            row.total_minor = amendment.bill.total.amount_minor();
            if let Some(schedule) = amendment.schedule {
                row.wanted_from = Some(schedule.window.from());
                row.wanted_to = Some(schedule.window.to());
                row.release_at = Some(schedule.release_at);
            }
            row.updated_at = *at;
        }
        OrderEvent::ShortSettled { bill, at, .. } => {
            row.total_minor = bill.total.amount_minor();
            row.updated_at = *at;
        }
        OrderEvent::PromiseMoved {
            prep_minutes,
            promise,
            at,
            ..
        } => {
            row.prep_minutes = Some(number(prep_minutes.get())?);
            row.promise_earliest = promise.earliest;
            row.promise_latest = promise.latest;
            row.updated_at = *at;
        }
        OrderEvent::SwitchedToPickup { bill, at, .. } => {
            row.total_minor = bill.total.amount_minor();
            "pickup".clone_into(&mut row.fulfilment);
            row.updated_at = *at;
        }
        OrderEvent::BowlSealed {
            deadline,
            at,
            line: _,
            bowl: _,
        } => {
            row.slurp_deadline = row.slurp_deadline.into_iter().chain(*deadline).min();
            row.updated_at = *at;
        }
        OrderEvent::Ready { slurp_deadline, at } => {
            row.slurp_deadline = *slurp_deadline;
            row.ready_at = Some(*at);
            enter(row, "ready", *at);
        }
        OrderEvent::Refired {
            slurp_deadline, at, ..
        } => {
            row.slurp_deadline = *slurp_deadline;
            row.ready_at = None;
            enter(row, "cooking", *at);
        }
        OrderEvent::PickedUp {
            driver,
            at,
            inferred: _,
        } => {
            row.driver_id = driver.map(DriverId::uuid);
            row.picked_up_at = Some(*at);
            enter(row, "picked_up", *at);
        }
        OrderEvent::Collected { at } | OrderEvent::Delivered { at, proof: _ } => {
            row.delivered_at = Some(*at);
            enter(row, "delivered", *at);
        }
        OrderEvent::Undeliverable {
            reason,
            at,
            settlement: _,
        } => {
            row.end_reason = Some(name_of(reason)?);
            enter(row, "undeliverable", *at);
        }
        OrderEvent::NotCollected { at, settlement: _ } => enter(row, "uncollected", *at),
        OrderEvent::Completed { at } => {
            row.ended_at = Some(*at);
            enter(row, "completed", *at);
        }
    }
    Ok(())
}

fn enter(row: &mut OrderRow, state: &str, at: DateTime<Utc>) {
    state.clone_into(&mut row.state);
    row.state_since = at;
    row.updated_at = at;
}

/// The role of an actor, without saying who.
pub(super) fn role(actor: &Actor) -> &'static str {
    match actor {
        Actor::Customer { .. } => "customer",
        Actor::Restaurant { .. } => "restaurant",
        Actor::Driver { .. } => "driver",
        Actor::Ops { .. } => "ops",
        Actor::System { .. } => "system",
    }
}

/// A count as the column holds it.
pub(super) fn number(value: u32) -> Result<i32, FoldError> {
    i32::try_from(value).map_err(|_| FoldError::Senseless(format!("{value} exceeds the column")))
}
