//! One row for each promotion: its terms as they are now, and how often it was redeemed. Who redeemed it
//! stays in the events.

use chrono::{DateTime, Utc};
use domain::decider::{Event as _, Recorded};
use domain::kernel::ids::RestaurantId;
use domain::restaurant::promotion::{PromotionEvent, PromotionTerms};
use serde_json::Value;
use uuid::Uuid;

use super::row::{Doc, row};
use super::{Change, FoldError, FoldedView};
use crate::names::document;

/// Promotions of shops and of the platform.
#[derive(Debug)]
pub(crate) struct Promotions;

row! {
    /// A promotion.
    PromotionRow in "promotions" key promotion_id {
        /// The promotion.
        promotion_id: Uuid,
        /// Events folded.
        sequence: i64,
        /// The shop that gives it; none for the platform.
        restaurant_id: Option<Uuid>,
        /// What customers type; none for one that holds by itself.
        code: Option<String>,
        /// `active` or `ended`.
        stage: String,
        /// Its terms, with the limits as they are now.
        terms: Doc<Value>,
        /// Orders that used it, without those that died unpaid.
        redeemed: i64,
        /// When it was ended.
        ended_at: Option<DateTime<Utc>>,
        /// When the last event happened.
        updated_at: DateTime<Utc>,
    }
}

impl FoldedView for Promotions {
    const ANCHOR: bool = true;
    type Event = PromotionEvent;
    type Row = PromotionRow;

    fn fold(
        row: Option<PromotionRow>,
        event: &Recorded<PromotionEvent>,
    ) -> Result<Change<PromotionRow>, FoldError> {
        if let PromotionEvent::Created(terms) = &event.event {
            return Ok(Change::Put(created(event, terms)?));
        }
        let mut row = row.ok_or(FoldError::NotOpened {
            event: event.event.name(),
        })?;
        row.updated_at = event.recorded_at;
        match &event.event {
            PromotionEvent::Created(_) => {}
            PromotionEvent::LimitsSet { limits } => row.terms.0["limits"] = document(limits)?,
            PromotionEvent::Ended { at } => {
                "ended".clone_into(&mut row.stage);
                row.ended_at = Some(*at);
            }
            PromotionEvent::Redeemed { .. } => row.redeemed = row.redeemed.saturating_add(1),
            PromotionEvent::RedemptionReleased { .. } => {
                row.redeemed = row.redeemed.saturating_sub(1);
            }
        }
        Ok(Change::Put(row))
    }
}

fn created(
    event: &Recorded<PromotionEvent>,
    terms: &PromotionTerms,
) -> Result<PromotionRow, FoldError> {
    Ok(PromotionRow {
        promotion_id: event.stream,
        sequence: 0,
        restaurant_id: terms.issuer.restaurant().map(RestaurantId::uuid),
        code: terms.code.as_ref().map(|code| code.as_str().to_owned()),
        stage: "active".to_owned(),
        terms: Doc(document(terms)?),
        redeemed: 0,
        ended_at: None,
        updated_at: event.recorded_at,
    })
}
