//! One row for each payment: how far it is and how much of it moved.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::decider::{Event as _, Recorded};
use domain::payment::payment::PaymentEvent;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::orders::number;
use super::row::{Doc, row};
use super::{Change, FoldError, FoldedView};
use crate::names::name_of;

/// Payments with their refunds.
#[derive(Debug)]
pub(crate) struct Payments;

row! {
    /// A payment.
    PaymentRow in "payments" key payment_id {
        /// The payment.
        payment_id: Uuid,
        /// Events folded.
        sequence: i64,
        /// The order.
        order_id: Uuid,
        /// Who pays.
        customer_id: Uuid,
        /// The shop.
        restaurant_id: Uuid,
        /// How far it is.
        stage: String,
        /// Attempt of the order, from 1.
        attempt: i32,
        /// What is wanted.
        amount_minor: i64,
        /// What was taken.
        captured_minor: i64,
        /// What went back.
        refunded_minor: i64,
        /// ISO 4217 code.
        currency: String,
        /// The vendor's name for it.
        intent: Option<String>,
        /// The vendor's last refusal.
        failure_code: Option<String>,
        /// Refunds by our name.
        refunds: Doc<BTreeMap<Uuid, RefundEntry>>,
        /// When the last event was stored.
        updated_at: DateTime<Utc>,
    }
}

/// A refund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RefundEntry {
    /// How much.
    pub(crate) amount_minor: i64,
    /// Why.
    pub(crate) reason: String,
    /// `requested`, `refunded` or `failed`.
    pub(crate) state: String,
}

impl FoldedView for Payments {
    const ANCHOR: bool = true;
    type Event = PaymentEvent;
    type Row = PaymentRow;

    fn fold(
        row: Option<PaymentRow>,
        event: &Recorded<PaymentEvent>,
    ) -> Result<Change<PaymentRow>, FoldError> {
        if let PaymentEvent::Requested {
            order,
            customer,
            restaurant,
            amount,
            attempt,
            at,
        } = &event.event
        {
            return Ok(Change::Put(PaymentRow {
                payment_id: event.stream,
                sequence: 0,
                order_id: order.uuid(),
                customer_id: customer.uuid(),
                restaurant_id: restaurant.uuid(),
                stage: "requires_payment".to_owned(),
                attempt: number(*attempt)?,
                amount_minor: amount.amount_minor(),
                captured_minor: 0,
                refunded_minor: 0,
                currency: amount.currency().to_string(),
                intent: None,
                failure_code: None,
                refunds: Doc(BTreeMap::new()),
                updated_at: *at,
            }));
        }
        let mut row = row.ok_or(FoldError::NotOpened {
            event: event.event.name(),
        })?;
        row.updated_at = event.recorded_at;
        step(&mut row, &event.event)?;
        Ok(Change::Put(row))
    }
}

fn step(row: &mut PaymentRow, event: &PaymentEvent) -> Result<(), FoldError> {
    match event {
        PaymentEvent::Requested { .. } => {}
        PaymentEvent::IntentCreated { intent } => row.intent = Some(intent.as_str().to_owned()),
        PaymentEvent::ActionRequired { at: _ } => {
            // Another means is being tried.
            row.failure_code = None;
            enter(row, "requires_action");
        }
        PaymentEvent::Declined { code, at: _ } => {
            row.failure_code = Some(code.as_str().to_owned());
            enter(row, "requires_payment");
        }
        PaymentEvent::Authorized { .. } => enter(row, "authorized"),
        PaymentEvent::Failed { code, at: _ } => {
            row.failure_code = Some(code.as_str().to_owned());
            enter(row, "failed");
        }
        PaymentEvent::CaptureRequested { .. } => enter(row, "capturing"),
        PaymentEvent::Captured { amount, at: _ } => {
            row.captured_minor = amount.amount_minor();
            enter(row, "captured");
        }
        PaymentEvent::CaptureFailed { code, at: _ } => {
            row.failure_code = Some(code.as_str().to_owned());
            enter(row, "capture_failed");
        }
        // Where the money is decides what follows, so the stage stays until that is known.
        PaymentEvent::UnwindRequested { .. } => {}
        PaymentEvent::VoidRequested { .. } => enter(row, "voiding"),
        PaymentEvent::Voided { at: _ } => enter(row, "voided"),
        PaymentEvent::RefundRequested {
            refund,
            amount,
            reason,
            at: _,
        } => {
            let entry = RefundEntry {
                amount_minor: amount.amount_minor(),
                reason: name_of(reason)?,
                state: "requested".to_owned(),
            };
            row.refunds.0.insert(*refund, entry);
        }
        PaymentEvent::Refunded { refund, .. } => settle(row, *refund, "refunded"),
        PaymentEvent::RefundFailed {
            refund,
            code,
            at: _,
        } => {
            row.failure_code = Some(code.as_str().to_owned());
            settle(row, *refund, "failed");
        }
        PaymentEvent::ExpiredByVendor { at: _ } => enter(row, "expired"),
    }
    Ok(())
}

fn enter(row: &mut PaymentRow, stage: &str) {
    stage.clone_into(&mut row.stage);
}

/// Notes how a refund ended; a refund can fail days after it seemed to succeed.
fn settle(row: &mut PaymentRow, refund: Uuid, state: &str) {
    if let Some(entry) = row.refunds.0.get_mut(&refund) {
        state.clone_into(&mut entry.state);
    }
    let refunded = row
        .refunds
        .0
        .values()
        .filter(|entry| entry.state == "refunded");
    row.refunded_minor = refunded
        .map(|entry| entry.amount_minor)
        .fold(0, i64::saturating_add);
}
