//! A quote: every amount of a cart as a line, their sum, the allergens and the promise.
//!
//! It is made by `joint::price_cart` and copied into the order. Its id is a hash of all the rest, so
//! that checkout can tell whether what the customer saw still holds.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::{Uuid, uuid};

use super::line::{LineNeeds, OrderLine};
use super::window::Schedule;
use crate::kernel::allergen::{Allergen, Presence};
use crate::kernel::bowl::Firmness;
use crate::kernel::collect::leaf;
use crate::kernel::ids::PromotionId;
use crate::kernel::kitchen::KitchenBooking;
use crate::kernel::money::{BasisPoints, Currency, Money};
use crate::kernel::quantity::{IngredientAmount, Minutes};
use crate::kernel::sample;
use crate::kernel::tax::TaxClass;
use crate::kernel::text::{LocalizedText, Name};

/// Names the hashes of quotes, so that they never equal another `UUIDv5` of ours.
const QUOTE_NAMESPACE: Uuid = uuid!("6a0f3f0e-7b0d-5c52-9a44-6f2f7a0d9c11");

/// Who pays, receives or sells.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// Who ordered.
    Customer,
    /// The shop that cooks.
    Shop,
    /// This marketplace.
    Platform,
    /// Who carries.
    Courier,
    /// The tax authority of the shop's country.
    TaxOffice,
}

/// What a line of a quote is for.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum QuoteLineKind {
    /// An item times its quantity, without options.
    Item,
    /// An option times its quantity times the item's.
    Option,
    /// Packaging, once per order.
    Packaging,
    /// For an order below the shop's small-order limit.
    SmallOrderFee,
    /// For what the marketplace does, a part of the dishes.
    ServiceFee,
    /// Bringing it to the door.
    DeliveryFee,
    /// What a promotion takes off another line, in one line for each that pays for it. The amount is
    /// negative: the payer gives it to the customer.
    Discount,
    /// Tax that is not in the prices; one line per seller and rate.
    Tax,
    /// For the courier, or the shop when the customer fetches.
    Tip,
}

/// One amount of a quote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct QuoteLine {
    /// What it is for.
    pub kind: QuoteLineKind,
    /// What it belongs to: the line (`3`), the option (`3/noodles/kata`), the zone, or the tax's
    /// seller and rate (`shop/800`). A discount has the reference of what it is taken off.
    pub reference: String,
    /// Name of the item, option or promotion in its languages; fees are named by their kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<LocalizedText>,
    /// The amount in minor units.
    pub amount_minor: i64,
    /// Who pays it.
    pub payer: Party,
    /// Who gets it.
    pub payee: Party,
    /// Who sells it and owes its tax; tax and tip are sold by nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seller: Option<Party>,
    /// How it is taxed, of lines that are sold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax_class: Option<TaxClass>,
    /// Tax rate in basis points, of lines that are sold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax_bp: Option<BasisPoints>,
    /// This line's share of the tax of its seller and rate: contained in the amount when prices
    /// include tax, otherwise on top of it as part of a tax line.
    pub tax_minor: i64,
    /// The promotion, of a discount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promotion: Option<PromotionId>,
    /// Of an item whose noodles are boiled firmer than asked for, because they soften on the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noodles: Option<FirmerNoodles>,
}

/// How firm noodles were asked for, and how firm they are boiled to be that at the door (`domain.md`, *Ramen rules* 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct FirmerNoodles {
    /// As they are wanted on the table.
    pub asked: Firmness,
    /// As they leave the boiler.
    pub boiled: Firmness,
}

/// How many minutes from now the food arrives or can be fetched, at the earliest and the latest.
///
/// It is relative, so that a quote does not change by the clock alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct PromiseMinutes {
    /// Earliest.
    pub min: Minutes,
    /// Latest; later than this is late.
    pub max: Minutes,
    /// Of which the kitchen needs.
    pub prep: Minutes,
    /// Of which the way takes; zero for pickup.
    pub travel: Minutes,
}

/// A hash over everything in a quote but itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(transparent)]
pub struct QuoteId(Uuid);

impl QuoteId {
    /// The id as it travels.
    pub fn as_uuid(self) -> Uuid {
        self.0
    }
}

leaf!(QuoteId => "quote_id_malformed");

impl From<Uuid> for QuoteId {
    fn from(id: Uuid) -> Self {
        Self(id)
    }
}

/// What a cart costs, contains and promises.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Quote {
    /// Names exactly this quote.
    pub quote_id: QuoteId,
    /// Everything the id is a hash of.
    #[serde(flatten)]
    pub content: QuoteContent,
}

/// What a quote says.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct QuoteContent {
    /// Currency of every amount: the shop's.
    pub currency: Currency,
    /// Legal name of the shop's seller.
    pub seller_name: Name,
    /// Every amount.
    pub lines: Vec<QuoteLine>,
    /// Their sum.
    pub total_minor: i64,
    /// The part of the total that is tax contained in prices.
    pub tax_included_minor: i64,
    /// Allergens of all dishes with their options; what is not listed is declared free.
    pub allergens: BTreeMap<Allergen, Presence>,
    /// How old the buyer must be, in years, when something asks for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_age: Option<u8>,
    /// When it comes: counted from now, or of an order for later from when its shop takes it.
    pub promise: PromiseMinutes,
    /// The window of an order for later, which is its promise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// The lines as the order will keep them; answers leave them out, for they hold sealed notes.
    #[serde(skip)]
    pub items: Vec<OrderLine>,
    /// What it takes from stock, summed over lines that share an ingredient.
    #[serde(skip)]
    pub needs: Vec<IngredientAmount>,
    /// What one of each line takes from stock.
    #[serde(skip)]
    pub line_needs: Vec<LineNeeds>,
    /// What it books of the kitchen, in a shop that says what its kitchen can do.
    #[serde(skip)]
    pub kitchen: Option<KitchenBooking>,
}

impl Quote {
    /// Gives the content its id.
    pub fn new(content: QuoteContent) -> Self {
        Self {
            quote_id: content.id(),
            content,
        }
    }

    /// The promotions that take something off, each with how much of the total.
    pub fn discounts(&self) -> BTreeMap<PromotionId, Money> {
        discounts(&self.content.lines, self.content.currency)
    }

    /// The sum to pay.
    pub fn total(&self) -> Money {
        Money::new(self.content.total_minor, self.content.currency)
    }
}

/// The promotions that take something off these amounts, each with how much.
pub(super) fn discounts(lines: &[QuoteLine], currency: Currency) -> BTreeMap<PromotionId, Money> {
    let mut taken: BTreeMap<PromotionId, i64> = BTreeMap::new();
    for line in lines {
        if let Some(promotion) = line.promotion {
            let sum = taken.entry(promotion).or_default();
            // Together they are less than the goods and fees, which add up.
            *sum = sum.saturating_sub(line.amount_minor);
        }
    }
    let money = |(promotion, minor)| (promotion, Money::new(minor, currency));
    taken.into_iter().map(money).collect()
}

impl QuoteContent {
    /// Hashes the parts that the customer agreed to: lines, amounts, allergens and promise.
    ///
    /// The text hashed is JSON of ordered structs and sorted maps, hence the same for equal content.
    /// Notes and needs are left out: they change neither price nor promise.
    fn id(&self) -> QuoteId {
        self.id_with(&self.promise)
    }

    /// The id that it would have with another promise.
    pub(crate) fn id_with(&self, promise: &PromiseMinutes) -> QuoteId {
        let agreed = (
            self.currency,
            &self.seller_name,
            &self.lines,
            self.total_minor,
            self.tax_included_minor,
            &self.allergens,
            promise,
        );
        let text = match &self.schedule {
            None => serde_json::to_vec(&agreed),
            Some(schedule) => serde_json::to_vec(&(agreed, schedule)),
        };
        let text = text.expect("plain values with string keys always serialise");
        QuoteId(Uuid::new_v5(&QUOTE_NAMESPACE, &text))
    }

    /// What is promised to who checks out now.
    pub fn promised(&self, now: DateTime<Utc>) -> Promise {
        match &self.schedule {
            None => self.promise.starting(now),
            Some(schedule) => schedule.window.promise(),
        }
    }
}

/// From when to when an order is promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Promise {
    /// Earliest.
    pub earliest: DateTime<Utc>,
    /// Latest; later than this is late.
    pub latest: DateTime<Utc>,
}

impl PromiseMinutes {
    /// The promise when the clock starts at `start`.
    pub fn starting(self, start: DateTime<Utc>) -> Promise {
        Promise {
            earliest: start + self.min.span(),
            latest: start + self.max.span(),
        }
    }

    /// The same promise with another time in the kitchen, as wide as before.
    #[must_use]
    pub fn with_prep(self, prep: Minutes) -> Self {
        let width = self.max.get().saturating_sub(self.min.get());
        let min = prep.get().saturating_add(self.travel.get());
        Self {
            min: Minutes::new(min),
            max: Minutes::new(min.saturating_add(width)),
            prep,
            travel: self.travel,
        }
    }
}

impl QuoteLine {
    /// For samples of events.
    pub(crate) fn sample() -> Self {
        Self {
            kind: QuoteLineKind::Item,
            reference: "1".to_owned(),
            label: Some(sample::english("Tonkotsu ramen")),
            amount_minor: 980,
            payer: Party::Customer,
            payee: Party::Shop,
            seller: Some(Party::Shop),
            tax_class: Some(TaxClass::Food),
            tax_bp: BasisPoints::try_from(800).ok(),
            tax_minor: 66,
            promotion: None,
            noodles: Some(FirmerNoodles {
                asked: Firmness::Futsu,
                boiled: Firmness::Kata,
            }),
        }
    }

    /// For samples of events.
    pub(crate) fn discount_sample() -> Self {
        Self {
            kind: QuoteLineKind::Discount,
            label: Some(sample::english("Ramen week")),
            amount_minor: -90,
            payer: Party::Shop,
            payee: Party::Customer,
            tax_minor: 0,
            promotion: Some(sample::id(8)),
            noodles: None,
            ..Self::sample()
        }
    }
}
