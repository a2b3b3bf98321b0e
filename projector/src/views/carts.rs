//! One row for each cart: what its customer has chosen. Prices are not kept; a quote is made when
//! it is asked for.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::decider::{Event as _, Recorded};
use domain::ordering::cart::CartEvent;
use serde_json::Value;
use uuid::Uuid;

use super::row::{Doc, row};
use super::{Change, FoldError, FoldedView};
use crate::names::{document, name_of};

/// Carts with their lines.
#[derive(Debug)]
pub(crate) struct Carts;

row! {
    /// A cart.
    CartRow in "carts" key cart_id {
        /// The cart.
        cart_id: Uuid,
        /// Events folded.
        sequence: i64,
        /// Whose it is.
        customer_id: Uuid,
        /// The shop.
        restaurant_id: Uuid,
        /// Where the order comes in.
        channel: String,
        /// `open`, `checked_out`, `claimed` or `abandoned`.
        stage: String,
        /// Choices by line number; notes are sealed.
        lines: Doc<BTreeMap<u32, Value>>,
        /// Delivery with a sealed address, or pickup.
        fulfilment: Option<Doc<Value>>,
        /// When it is wanted, if later: from and to.
        wanted: Option<Doc<Value>>,
        /// The promotion that it names, with its code.
        promotion: Option<Doc<Value>>,
        /// Tip in minor units of the shop's currency.
        tip_minor: i64,
        /// The order it became.
        order_id: Option<Uuid>,
        /// When it can no longer be used.
        expires_at: DateTime<Utc>,
        /// When it was started.
        opened_at: DateTime<Utc>,
        /// When it was last changed.
        updated_at: DateTime<Utc>,
    }
}

impl FoldedView for Carts {
    const ANCHOR: bool = true;
    type Event = CartEvent;
    type Row = CartRow;

    fn fold(
        row: Option<CartRow>,
        event: &Recorded<CartEvent>,
    ) -> Result<Change<CartRow>, FoldError> {
        if let CartEvent::Opened {
            customer,
            restaurant,
            channel,
            expires_at,
            at,
        } = &event.event
        {
            return Ok(Change::Put(CartRow {
                cart_id: event.stream,
                sequence: 0,
                customer_id: customer.uuid(),
                restaurant_id: restaurant.uuid(),
                channel: name_of(channel)?,
                stage: "open".to_owned(),
                lines: Doc(BTreeMap::new()),
                fulfilment: None,
                wanted: None,
                promotion: None,
                tip_minor: 0,
                order_id: None,
                expires_at: *expires_at,
                opened_at: *at,
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

fn step(row: &mut CartRow, event: &CartEvent) -> Result<(), FoldError> {
    match event {
        CartEvent::Opened { .. } => {}
        CartEvent::LineAdded { line, choice } | CartEvent::LineChanged { line, choice } => {
            row.lines.0.insert(line.get(), document(choice)?);
        }
        CartEvent::LineRemoved { line } => {
            row.lines.0.remove(&line.get());
        }
        CartEvent::FulfilmentSet { fulfilment, window } => {
            row.fulfilment = Some(Doc(document(fulfilment)?));
            row.wanted = window.as_ref().map(document).transpose()?.map(Doc);
        }
        CartEvent::PromotionSet { promotion } => {
            row.promotion = promotion.as_ref().map(document).transpose()?.map(Doc);
        }
        CartEvent::TipSet { amount_minor } => row.tip_minor = *amount_minor,
        CartEvent::CheckedOut { order, at: _ } => {
            row.order_id = Some(order.uuid());
            "checked_out".clone_into(&mut row.stage);
        }
        CartEvent::Claimed { .. } => "claimed".clone_into(&mut row.stage),
        CartEvent::Abandoned { at: _ } => "abandoned".clone_into(&mut row.stage),
    }
    Ok(())
}
