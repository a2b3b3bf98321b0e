//! One row for each delivery: who carries what from where, how far it is and how it ended.

use chrono::{DateTime, Utc};
use domain::decider::{Event as _, Recorded};
use domain::delivery::delivery::{DeliveryEvent, DeliveryRequest};
use serde_json::Value;
use uuid::Uuid;

use super::orders::number;
use super::row::{Doc, row};
use super::{Change, FoldError, FoldedView};
use crate::names::{document, name_of};

/// Deliveries by our own drivers.
#[derive(Debug)]
pub(crate) struct Deliveries;

row! {
    /// A delivery.
    DeliveryRow in "deliveries" key delivery_id {
        /// The delivery.
        delivery_id: Uuid,
        /// Events folded.
        sequence: i64,
        /// The order.
        order_id: Uuid,
        /// The shop.
        restaurant_id: Uuid,
        /// Who gets it.
        customer_id: Uuid,
        /// Who carries it.
        driver_id: Option<Uuid>,
        /// How far it is.
        stage: String,
        /// Number of the order, as on its label.
        number: i32,
        /// The shop's name.
        pickup_name: String,
        /// Where to fetch it.
        pickup_lat: f64,
        /// Where to fetch it.
        pickup_lon: f64,
        /// Sealed address.
        dropoff: Doc<Value>,
        /// When the note at the door or its pin was last put right.
        dropoff_corrected_at: Option<DateTime<Utc>>,
        /// Sealed code.
        pin: Doc<Value>,
        /// How many bowls.
        bowls: i32,
        /// When the food stops being ramen.
        deadline: Option<DateTime<Utc>>,
        /// When it was asked for.
        requested_at: DateTime<Utc>,
        /// When the driver was at the shop.
        at_pickup_at: Option<DateTime<Utc>>,
        /// When the driver had checked the food.
        verified_at: Option<DateTime<Utc>>,
        /// What was checked.
        checks: Option<Doc<Value>>,
        /// When the driver had the food.
        picked_up_at: Option<DateTime<Utc>>,
        /// When the driver was at the door.
        at_dropoff_at: Option<DateTime<Utc>>,
        /// How often the customer was called.
        contact_attempts: i32,
        /// How often the code was wrong.
        pin_failures: i32,
        /// When the customer had the food.
        delivered_at: Option<DateTime<Utc>>,
        /// How that is proved.
        proof: Option<Doc<Value>>,
        /// When it ended.
        ended_at: Option<DateTime<Utc>>,
        /// Why it ended without being delivered.
        end_reason: Option<String>,
        /// When the last event happened.
        updated_at: DateTime<Utc>,
    }
}

impl FoldedView for Deliveries {
    const ANCHOR: bool = true;
    type Event = DeliveryEvent;
    type Row = DeliveryRow;

    fn fold(
        row: Option<DeliveryRow>,
        event: &Recorded<DeliveryEvent>,
    ) -> Result<Change<DeliveryRow>, FoldError> {
        if let DeliveryEvent::Requested(request) = &event.event {
            return Ok(Change::Put(requested(event.stream, request)?));
        }
        let mut row = row.ok_or(FoldError::NotOpened {
            event: event.event.name(),
        })?;
        step(&mut row, &event.event)?;
        Ok(Change::Put(row))
    }
}

fn requested(delivery_id: Uuid, request: &DeliveryRequest) -> Result<DeliveryRow, FoldError> {
    Ok(DeliveryRow {
        delivery_id,
        sequence: 0,
        order_id: request.order.uuid(),
        restaurant_id: request.restaurant.uuid(),
        customer_id: request.customer.uuid(),
        driver_id: None,
        stage: "requested".to_owned(),
        number: number(request.number)?,
        pickup_name: request.pickup_name.as_str().to_owned(),
        pickup_lat: request.pickup.lat(),
        pickup_lon: request.pickup.lon(),
        dropoff: Doc(document(&request.dropoff)?),
        dropoff_corrected_at: None,
        pin: Doc(document(&request.pin)?),
        bowls: number(request.bowls)?,
        deadline: request.deadline,
        requested_at: request.at,
        at_pickup_at: None,
        verified_at: None,
        checks: None,
        picked_up_at: None,
        at_dropoff_at: None,
        contact_attempts: 0,
        pin_failures: 0,
        delivered_at: None,
        proof: None,
        ended_at: None,
        end_reason: None,
        updated_at: request.at,
    })
}

fn step(row: &mut DeliveryRow, event: &DeliveryEvent) -> Result<(), FoldError> {
    match event {
        DeliveryEvent::Requested(_) => {}
        DeliveryEvent::Assigned { driver, at, by: _ } => {
            row.driver_id = Some(driver.uuid());
            enter(row, "assigned", *at);
        }
        DeliveryEvent::Unassigned {
            at,
            driver: _,
            reason: _,
        } => {
            row.driver_id = None;
            // The next driver has to come and to check for himself.
            row.at_pickup_at = None;
            row.verified_at = None;
            row.checks = None;
            enter(row, "unassigned", *at);
        }
        DeliveryEvent::ArrivedAtPickup { at } => {
            row.at_pickup_at = Some(*at);
            advance(row, "at_pickup", *at);
        }
        DeliveryEvent::PickupVerified {
            checks,
            at,
            override_by: _,
            override_reason: _,
        } => {
            row.checks = Some(Doc(document(checks)?));
            row.verified_at = Some(*at);
            row.updated_at = *at;
        }
        DeliveryEvent::PickedUp { at } => {
            row.picked_up_at = Some(*at);
            advance(row, "picked_up", *at);
        }
        DeliveryEvent::Departed { at } => advance(row, "en_route", *at),
        DeliveryEvent::ArrivedAtDropoff { at } => {
            row.at_dropoff_at = Some(*at);
            advance(row, "at_dropoff", *at);
        }
        DeliveryEvent::ContactAttempted { at, channel: _ } => {
            row.contact_attempts = row.contact_attempts.saturating_add(1);
            row.updated_at = *at;
        }
        DeliveryEvent::PinFailed { at } => {
            row.pin_failures = row.pin_failures.saturating_add(1);
            row.updated_at = *at;
        }
        DeliveryEvent::DropoffCorrected { dropoff, at } => {
            row.dropoff = Doc(document(dropoff)?);
            row.dropoff_corrected_at = Some(*at);
            row.updated_at = *at;
        }
        DeliveryEvent::Delivered { proof, at } => {
            row.proof = Some(Doc(document(proof)?));
            row.delivered_at = Some(*at);
            row.ended_at = Some(*at);
            enter(row, "delivered", *at);
        }
        DeliveryEvent::Failed { reason, at } => {
            row.end_reason = Some(name_of(reason)?);
            row.ended_at = Some(*at);
            enter(row, "failed", *at);
        }
        DeliveryEvent::Cancelled { reason, at } => {
            row.end_reason = Some(reason.as_str().to_owned());
            row.ended_at = Some(*at);
            enter(row, "cancelled", *at);
        }
    }
    Ok(())
}

/// The way of a transport that goes well.
const WAY: &[&str] = &[
    "requested",
    "unassigned",
    "assigned",
    "at_pickup",
    "picked_up",
    "en_route",
    "at_dropoff",
];

/// News that comes late is kept as a fact and moves nothing back.
fn advance(row: &mut DeliveryRow, stage: &str, at: DateTime<Utc>) {
    let place = |stage: &str| WAY.iter().position(|known| *known == stage);
    match (place(&row.stage), place(stage)) {
        (Some(now), Some(then)) if now < then => enter(row, stage, at),
        (Some(_) | None, Some(_) | None) => row.updated_at = at,
    }
}

fn enter(row: &mut DeliveryRow, stage: &str, at: DateTime<Utc>) {
    stage.clone_into(&mut row.stage);
    row.updated_at = at;
}
