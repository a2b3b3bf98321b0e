//! What an order consists of: lines, quote, allergens, where to, and who sold it. Few events change it.

use domain::decider::{Event as _, Recorded};
use domain::kernel::text::{Name, Wording};
use domain::ordering::bill::Bill;
use domain::ordering::fulfilment::Fulfilment;
use domain::ordering::order::{CheckedOut, OrderEvent};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::row::{Doc, row};
use super::{Change, FoldError, FoldedView};
use crate::names::document;

/// The large part of an order, which seldom changes.
#[derive(Debug)]
pub(crate) struct OrderDetails;

row! {
    /// What an order consists of.
    OrderDetailsRow in "order_details" key order_id {
        /// The order.
        order_id: Uuid,
        /// The last event that wrote it.
        sequence: i64,
        /// Lines with options; notes are sealed.
        lines: Doc<Value>,
        /// Every amount.
        quote: Doc<Value>,
        /// The allergens that were shown.
        allergens: Doc<Value>,
        /// Delivery with a sealed address, or pickup.
        fulfilment: Doc<Value>,
        /// Name, tax number and address of the seller.
        seller: Option<Doc<Value>>,
        /// What the marketplace keeps of it.
        commission: Option<Doc<Value>>,
        /// Lines and quote of checkout, once they are others.
        agreed: Option<Doc<Value>>,
    }
}

impl FoldedView for OrderDetails {
    const ANCHOR: bool = false;
    type Event = OrderEvent;
    type Row = OrderDetailsRow;

    fn fold(
        row: Option<OrderDetailsRow>,
        event: &Recorded<OrderEvent>,
    ) -> Result<Change<OrderDetailsRow>, FoldError> {
        match &event.event {
            OrderEvent::CheckedOut(order) => Ok(Change::Put(OrderDetailsRow {
                order_id: event.stream,
                sequence: 0,
                lines: Doc(document(&order.lines)?),
                quote: Doc(document(&order.quote)?),
                allergens: Doc(document(&order.allergens)?),
                fulfilment: Doc(document(&order.fulfilment)?),
                seller: Some(Doc(document(&Seller::of(order))?)),
                commission: order
                    .commission
                    .as_ref()
                    .map(document)
                    .transpose()?
                    .map(Doc),
                agreed: None,
            })),
            OrderEvent::ShortSettled { bill, .. } => {
                let mut row = row.ok_or(not_opened(event))?;
                row.rebill(bill)?;
                Ok(Change::Put(row))
            }
            OrderEvent::SwitchedToPickup { bill, .. } => {
                let mut row = row.ok_or(not_opened(event))?;
                row.rebill(bill)?;
                row.fulfilment = Doc(document(&Fulfilment::Pickup)?);
                Ok(Change::Put(row))
            }
            OrderEvent::Amended { amendment, .. } => {
                let mut row = row.ok_or(not_opened(event))?;
                row.rebill(&amendment.bill)?;
                row.allergens = Doc(document(&amendment.allergens)?);
                if let Some(address) = amendment.address.clone() {
                    row.fulfilment = Doc(document(&Fulfilment::Delivery { address })?);
                }
                Ok(Change::Put(row))
            }
            OrderEvent::DoorCorrected { address, .. } => {
                let mut row = row.ok_or(not_opened(event))?;
                let address = address.clone();
                row.fulfilment = Doc(document(&Fulfilment::Delivery { address })?);
                Ok(Change::Put(row))
            }
            OrderEvent::Placed { .. }
            | OrderEvent::Scheduled { .. }
            | OrderEvent::ShortReported { .. }
            | OrderEvent::PromiseMoved { .. }
            | OrderEvent::Accepted { .. }
            | OrderEvent::Rejected { .. }
            | OrderEvent::Expired { .. }
            | OrderEvent::Cancelled { .. }
            | OrderEvent::CourierRequested { .. }
            | OrderEvent::Fired { .. }
            | OrderEvent::BowlBoiled { .. }
            | OrderEvent::BowlSealed { .. }
            | OrderEvent::Ready { .. }
            | OrderEvent::Collected { .. }
            | OrderEvent::PickedUp { .. }
            | OrderEvent::Delivered { .. }
            | OrderEvent::Undeliverable { .. }
            | OrderEvent::NotCollected { .. }
            | OrderEvent::Completed { .. }
            | OrderEvent::PromiseMade { .. }
            | OrderEvent::Stalled { .. }
            | OrderEvent::ActedOnBehalf { .. }
            | OrderEvent::Refired { .. }
            | OrderEvent::RemakeOffered { .. }
            | OrderEvent::RemakeDeclined { .. }
            | OrderEvent::Remade { .. }
            | OrderEvent::Acknowledged { .. } => Ok(Change::Keep),
        }
    }

    fn concerns(event: &OrderEvent) -> bool {
        matches!(
            event,
            OrderEvent::CheckedOut(_)
                | OrderEvent::ShortSettled { .. }
                | OrderEvent::SwitchedToPickup { .. }
                | OrderEvent::Amended { .. }
                | OrderEvent::DoorCorrected { .. }
        )
    }
}

/// The seller as the row keeps it.
#[derive(Serialize)]
struct Seller<'a> {
    name: &'a Name,
    tax_id: Option<&'a Name>,
    address: Option<&'a Wording>,
}

impl<'a> Seller<'a> {
    fn of(order: &'a CheckedOut) -> Self {
        let details = order.seller.as_ref();
        Self {
            name: &order.seller_name,
            tax_id: details.and_then(|seller| seller.tax_id.as_ref()),
            address: details.map(|seller| &seller.address),
        }
    }
}

fn not_opened(event: &Recorded<OrderEvent>) -> FoldError {
    FoldError::NotOpened {
        event: event.event.name(),
    }
}

impl OrderDetailsRow {
    fn rebill(&mut self, bill: &Bill) -> Result<(), FoldError> {
        let lines = std::mem::replace(&mut self.lines, Doc(document(&bill.lines)?));
        let quote = std::mem::replace(&mut self.quote, Doc(document(&bill.quote)?));
        self.agreed
            .get_or_insert_with(|| Doc(json!({ "lines": lines.0, "quote": quote.0 })));
        Ok(())
    }
}
