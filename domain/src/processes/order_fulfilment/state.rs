//! What the process remembers of an order between two pieces of news.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::kernel::ids::{DriverId, PaymentId, PromotionId, RestaurantId};
use crate::kernel::money::Money as Amount;
use crate::kernel::quantity::IngredientAmount;
use crate::ordering::line::{BowlSpec, LineNeeds, OrderLine};
use crate::ordering::order::{Amendment, CheckedOut};
use crate::ordering::quote::{PromiseMinutes, QuoteLine};
use crate::ordering::window::Schedule;
use crate::payment::payment::{IntentId, RefundReason};

/// What an instance remembers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "what has happened of several streams, in any order"
)]
pub struct OrderFulfilmentState {
    /// The last sequence seen of each stream.
    pub(super) seen: BTreeMap<Uuid, i64>,
    /// What the order said at checkout.
    pub(super) terms: Option<Terms>,
    /// Whether the shop took it, whereupon its money is asked for.
    #[serde(default)]
    pub(super) accepted: bool,
    /// Whether its stock is used up.
    pub(super) consumed: bool,
    /// Whether it ended without being carried out.
    pub(super) dead: bool,
    /// Whether it is completed.
    pub(super) completed: bool,
    /// The vendor's name for its payment.
    pub(super) intent: Option<IntentId>,
    /// Whether money may still move.
    pub(super) money: Money,
    /// When the shop took it.
    #[serde(default)]
    pub(super) accepted_at: Option<DateTime<Utc>>,
    /// When it was packed.
    #[serde(default)]
    pub(super) ready_at: Option<DateTime<Utc>>,
    /// What one of each line takes from stock.
    #[serde(default)]
    pub(super) needs: Vec<LineNeeds>,
    /// What an order for later takes once it is released.
    #[serde(default)]
    pub(super) to_take: Option<Vec<IngredientAmount>>,
    /// What one of each substitute takes that was offered, by shortage.
    #[serde(default)]
    pub(super) offered: BTreeMap<Uuid, Vec<IngredientAmount>>,
    /// What it comes to now, once that has changed.
    #[serde(default)]
    pub(super) total: Option<Amount>,
    /// Whether its capture was asked for.
    #[serde(default)]
    pub(super) asked: bool,
    /// Whether its money is taken.
    #[serde(default)]
    pub(super) taken: bool,
    /// What goes back as soon as the money is taken.
    #[serde(default)]
    pub(super) owed: Vec<Owed>,
    /// Its deliveries that have not ended.
    pub(super) deliveries: BTreeMap<Uuid, Option<DriverId>>,
    /// Timers started and not cancelled.
    pub(super) timers: BTreeSet<String>,
}

/// What is needed of an order's terms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Terms {
    pub(super) restaurant: RestaurantId,
    pub(super) payment: PaymentId,
    /// Older states do not have it.
    #[serde(default)]
    pub(super) total: Option<Amount>,
    pub(super) is_delivery: bool,
    pub(super) auto_fire: bool,
    /// From boiler to sealed for the slowest bowl.
    pub(super) lead_seconds: i64,
    /// When an order for later is to be ready.
    #[serde(default)]
    pub(super) ready_by: Option<DateTime<Utc>>,
    /// The promotions that it used.
    #[serde(default)]
    pub(super) promotions: BTreeSet<PromotionId>,
}

/// A part of the money that goes back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Owed {
    pub(super) refund: Uuid,
    pub(super) amount: Amount,
    pub(super) reason: RefundReason,
}

/// Where the money is, as far as this process must wait for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Money {
    /// With the customer or the vendor, undecided.
    #[default]
    Open,
    /// Taken, or never to be taken.
    Settled,
    /// So many refunds are on their way.
    Returning(u32),
}

impl OrderFulfilmentState {
    pub(super) fn is_news(&mut self, stream: Uuid, sequence: i64) -> bool {
        let last = self.seen.entry(stream).or_insert(0);
        let news = sequence > *last;
        *last = sequence.max(*last);
        news
    }

    /// Whether nothing more can follow, unless somebody acts.
    pub(super) fn is_over(&self) -> bool {
        self.completed || (self.dead && self.money == Money::Settled && self.owed.is_empty())
    }
}

impl Money {
    pub(super) fn with_refund(self) -> Self {
        match self {
            Self::Open | Self::Settled => Self::Returning(1),
            Self::Returning(count) => Self::Returning(count.saturating_add(1)),
        }
    }

    /// A refund that failed is no longer on its way either; it stands before a person.
    pub(super) fn without_refund(self) -> Self {
        match self {
            Self::Open | Self::Settled | Self::Returning(0 | 1) => Self::Settled,
            Self::Returning(count) => Self::Returning(count.saturating_sub(1)),
        }
    }
}

impl Terms {
    pub(super) fn of(terms: &CheckedOut) -> Self {
        Self {
            restaurant: terms.restaurant,
            payment: terms.payment,
            total: Some(terms.total),
            is_delivery: terms.fulfilment.is_delivery(),
            auto_fire: terms.auto_fire,
            lead_seconds: lead_seconds(&terms.lines),
            ready_by: ready_by(terms.schedule, terms.minutes),
            promotions: promotions(&terms.quote),
        }
    }

    /// Something else is ordered instead.
    pub(super) fn amend(&mut self, amendment: &Amendment) {
        let bill = &amendment.bill;
        self.lead_seconds = lead_seconds(&bill.lines);
        self.promotions = promotions(&bill.quote);
        self.ready_by = ready_by(amendment.schedule, amendment.minutes).or(self.ready_by);
    }
}

/// So early that it can be brought by the beginning of its window.
fn ready_by(schedule: Option<Schedule>, minutes: PromiseMinutes) -> Option<DateTime<Utc>> {
    schedule.map(|schedule| schedule.window.from() - minutes.travel.span())
}

/// From boiler to sealed for the slowest bowl.
fn lead_seconds(lines: &[OrderLine]) -> i64 {
    let lead =
        |spec: &BowlSpec| i64::from(spec.cook_seconds.get()) + i64::from(spec.pack_seconds.get());
    let bowls = lines.iter().filter_map(|line| line.bowl.as_ref());
    bowls.map(lead).max().unwrap_or(0)
}

fn promotions(quote: &[QuoteLine]) -> BTreeSet<PromotionId> {
    quote.iter().filter_map(|line| line.promotion).collect()
}
