//! What is true of a promotion: its terms and how often it was redeemed.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use super::event::{PromotionEvent, PromotionTerms};
use crate::kernel::ids::{CustomerId, OrderId};

/// How long an order's redemption is remembered by itself, in days: an authorisation lasts seven, and
/// an order that is scheduled is authorised at most that long before. Counts are kept for ever.
const REMEMBERED_DAYS: i64 = 21;

/// A promotion.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, EnumDiscriminants)]
#[strum_discriminants(
    name(PromotionStage),
    doc = "The stages of a promotion.",
    derive(Hash, VariantArray, IntoStaticStr, Serialize, Deserialize),
    serde(rename_all = "snake_case"),
    strum(serialize_all = "snake_case")
)]
pub enum Promotion {
    /// Not given out.
    #[default]
    Absent,
    /// Holds, within its dates and limits.
    Active(PromotionBody),
    /// Holds no more.
    Ended(PromotionBody),
}

/// What is known of a promotion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PromotionBody {
    /// What it is.
    pub terms: PromotionTerms,
    /// Orders that used it.
    pub redeemed: u32,
    /// The same by customer; nobody is here with none.
    pub by_customer: BTreeMap<CustomerId, u32>,
    /// The orders whose use can still be given back.
    pub orders: BTreeMap<OrderId, Redemption>,
}

/// One use.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Redemption {
    /// Whose.
    pub customer: CustomerId,
    /// When.
    pub at: DateTime<Utc>,
}

impl Promotion {
    /// What is known of it, once given out.
    pub fn body(&self) -> Option<&PromotionBody> {
        match self {
            Self::Absent => None,
            Self::Active(body) | Self::Ended(body) => Some(body),
        }
    }

    pub(super) fn apply(&mut self, event: &PromotionEvent) {
        match event {
            PromotionEvent::Created(terms) => {
                *self = Self::Active(PromotionBody {
                    terms: (**terms).clone(),
                    redeemed: 0,
                    by_customer: BTreeMap::new(),
                    orders: BTreeMap::new(),
                });
            }
            PromotionEvent::LimitsSet { limits } => self.change(|body| body.terms.limits = *limits),
            PromotionEvent::Ended { at: _ } => {
                *self = match std::mem::take(self) {
                    Self::Absent => Self::Absent,
                    Self::Active(body) | Self::Ended(body) => Self::Ended(body),
                };
            }
            PromotionEvent::Redeemed {
                order,
                customer,
                at,
                ..
            } => self.change(|body| body.redeem(*order, *customer, *at)),
            PromotionEvent::RedemptionReleased {
                order, customer, ..
            } => self.change(|body| body.release(*order, *customer)),
        }
    }

    fn change(&mut self, by: impl FnOnce(&mut PromotionBody)) {
        match self {
            Self::Active(body) | Self::Ended(body) => by(body),
            Self::Absent => {}
        }
    }
}

impl PromotionBody {
    /// Orders of this customer that used it.
    pub fn redeemed_by(&self, customer: CustomerId) -> u32 {
        self.by_customer.get(&customer).copied().unwrap_or(0)
    }

    fn redeem(&mut self, order: OrderId, customer: CustomerId, at: DateTime<Utc>) {
        self.redeemed = self.redeemed.saturating_add(1);
        let own = self.by_customer.entry(customer).or_default();
        *own = own.saturating_add(1);
        let oldest = at - TimeDelta::days(REMEMBERED_DAYS);
        self.orders.retain(|_, redemption| redemption.at >= oldest);
        self.orders.insert(order, Redemption { customer, at });
    }

    fn release(&mut self, order: OrderId, customer: CustomerId) {
        self.redeemed = self.redeemed.saturating_sub(1);
        if let Some(own) = self.by_customer.get_mut(&customer) {
            *own = own.saturating_sub(1);
        }
        self.by_customer.retain(|_, own| *own > 0);
        self.orders.remove(&order);
    }
}
