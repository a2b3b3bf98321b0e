//! What can happen to a promotion, and the terms that its events carry.

use chrono::{DateTime, NaiveDate, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use strum::{IntoStaticStr, VariantNames};
use utoipa::ToSchema;
use uuid::{Uuid, uuid};

use crate::decider::Event;
use crate::kernel::code::PromotionCode;
use crate::kernel::collect::{Collect, member, object};
use crate::kernel::fault::{Faults, Pointer};
use crate::kernel::ids::{CustomerId, OrderId, PromotionId, RestaurantId};
use crate::kernel::key::Key;
use crate::kernel::money::{BasisPoints, Currency, Money, Price};
use crate::kernel::sample;
use crate::kernel::text::LocalizedText;

/// Names the ids of promotions with a code, so that they never equal another `UUIDv5` of ours.
const PROMOTION_NAMESPACE: Uuid = uuid!("5b0c8a44-7d0c-5f5e-8f0d-3f1c2a9b7e60");
/// The platform's book; a shop's book has the shop's id.
const PLATFORM_BOOK: Uuid = uuid!("5b0c8a44-7d0c-5f5e-8f0d-000000000001");

/// Who gives a promotion out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Issuer {
    /// A shop, for itself.
    Shop {
        /// Which.
        restaurant: RestaurantId,
    },
    /// The marketplace, for the shops that it names, or all.
    Platform,
}

impl Issuer {
    /// The shop, when it is one.
    pub fn restaurant(self) -> Option<RestaurantId> {
        match self {
            Self::Shop { restaurant } => Some(restaurant),
            Self::Platform => None,
        }
    }

    /// The stream that lists the promotions which this issuer gives without a code.
    pub fn book(self) -> Uuid {
        self.restaurant().map_or(PLATFORM_BOOK, RestaurantId::uuid)
    }

    /// The promotion of this issuer that has this code: there is at most one, for ever.
    pub fn promotion(self, code: &PromotionCode) -> PromotionId {
        let scope = self
            .restaurant()
            .map_or_else(|| "platform".to_owned(), |shop| shop.to_string());
        let name = format!("{scope}\n{code}");
        PromotionId::new(Uuid::new_v5(&PROMOTION_NAMESPACE, name.as_bytes()))
    }
}

/// What a promotion takes its reduction off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Target {
    /// Some dishes with their options.
    Items {
        /// Their keys in the menu.
        #[schema(inline)]
        items: Vec<Key>,
    },
    /// All dishes with their options.
    Order,
    /// The delivery fee.
    Delivery,
}

/// How much a promotion takes off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Reduction {
    /// A part of it, up to all.
    Percentage {
        /// In basis points.
        #[schema(inline)]
        rate_bp: BasisPoints,
    },
    /// So much once per order, at most all of it.
    Amount {
        /// In minor units of the promotion's currency.
        #[schema(inline)]
        amount_minor: Price,
    },
}

/// How often a promotion may be redeemed; without end where nothing is said.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema,
)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Orders in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u32>,
    /// Orders of one customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_customer: Option<u32>,
}

/// What a promotion is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct PromotionTerms {
    /// Who gives it out.
    pub issuer: Issuer,
    /// What it is called on the quote, in several languages.
    pub name: LocalizedText,
    /// What the customer types; automatic without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(inline)]
    pub code: Option<PromotionCode>,
    /// What it is taken off.
    pub target: Target,
    /// How much.
    pub reduction: Reduction,
    /// The currency of its amounts; it holds only where this is paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(inline)]
    pub currency: Option<Currency>,
    /// The part that the platform pays, in basis points; the shop pays the rest.
    #[schema(inline)]
    pub platform_bp: BasisPoints,
    /// How often.
    #[serde(default)]
    pub limits: Limits,
    /// The least that the dishes must come to before any discount, in minor units.
    #[serde(default)]
    #[schema(inline)]
    pub minimum_minor: Price,
    /// The first service date, in each shop's zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_date: Option<NaiveDate>,
    /// The last service date, in each shop's zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_date: Option<NaiveDate>,
    /// The shops where the platform's promotion holds; everywhere when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shops: Vec<RestaurantId>,
}

/// A fact about a promotion.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, VariantNames, IntoStaticStr,
)]
#[serde(tag = "type", rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum PromotionEvent {
    /// It was given out.
    Created(Box<PromotionTerms>),
    /// Its limits are now these.
    LimitsSet {
        /// Both of them.
        limits: Limits,
    },
    /// It holds no more.
    Ended {
        /// When.
        at: DateTime<Utc>,
    },
    /// An order used it.
    Redeemed {
        /// The order, in the same commit.
        order: OrderId,
        /// Whose order.
        customer: CustomerId,
        /// At which shop.
        restaurant: RestaurantId,
        /// What it took off.
        discount: Money,
        /// When.
        at: DateTime<Utc>,
    },
    /// The order died unpaid, and its use does not count.
    RedemptionReleased {
        /// The order.
        order: OrderId,
        /// Whose it was.
        customer: CustomerId,
        /// When.
        at: DateTime<Utc>,
    },
}

impl Event for PromotionEvent {
    fn name(&self) -> &'static str {
        self.into()
    }

    fn samples() -> Vec<Self> {
        vec![
            Self::Created(Box::new(PromotionTerms::sample())),
            Self::LimitsSet {
                limits: Limits {
                    total: Some(500),
                    per_customer: None,
                },
            },
            Self::Redeemed {
                order: sample::id(3),
                customer: sample::id(1),
                restaurant: sample::id(2),
                discount: Money::new(98, sample::json(r#""JPY""#)),
                at: sample::minute(1),
            },
            Self::RedemptionReleased {
                order: sample::id(3),
                customer: sample::id(1),
                at: sample::minute(16),
            },
            Self::Ended {
                at: sample::minute(30),
            },
        ]
    }
}

impl PromotionTerms {
    /// For samples of events.
    pub(crate) fn sample() -> Self {
        Self {
            issuer: Issuer::Platform,
            name: sample::english("Ramen week"),
            code: Some(sample::good(PromotionCode::parse("RAMEN10"))),
            target: Target::Items {
                items: vec![sample::key("tonkotsu")],
            },
            reduction: Reduction::Percentage {
                rate_bp: sample::json("1000"),
            },
            currency: Some(sample::json(r#""JPY""#)),
            platform_bp: sample::json("5000"),
            limits: Limits {
                total: Some(1000),
                per_customer: Some(2),
            },
            minimum_minor: sample::json("800"),
            first_date: NaiveDate::from_ymd_opt(2026, 11, 16),
            last_date: NaiveDate::from_ymd_opt(2026, 11, 22),
            shops: vec![sample::id(2)],
        }
    }
}

crate::collect_struct!(Limits {
    total,
    per_customer
});
crate::collect_struct!(PromotionTerms {
    issuer,
    name,
    code,
    target,
    reduction,
    currency,
    platform_bp,
    limits = Limits::default(),
    minimum_minor = Price::ZERO,
    first_date,
    last_date,
    shops = Vec::new(),
});

impl Collect for Issuer {
    fn collect(value: &Value, at: &Pointer, faults: &mut Faults) -> Option<Self> {
        match tag(value, at, faults)? {
            "shop" => {
                let object = object(value, &["type", "restaurant"], at, faults)?;
                let restaurant = member(object, "restaurant", at, faults)?;
                Some(Self::Shop { restaurant })
            }
            "platform" => object(value, &["type"], at, faults).map(|_| Self::Platform),
            _ => unknown("shop, platform", at, faults),
        }
    }
}

impl Collect for Target {
    fn collect(value: &Value, at: &Pointer, faults: &mut Faults) -> Option<Self> {
        match tag(value, at, faults)? {
            "items" => {
                let object = object(value, &["type", "items"], at, faults)?;
                let items = member(object, "items", at, faults)?;
                Some(Self::Items { items })
            }
            "order" => object(value, &["type"], at, faults).map(|_| Self::Order),
            "delivery" => object(value, &["type"], at, faults).map(|_| Self::Delivery),
            _ => unknown("items, order, delivery", at, faults),
        }
    }
}

impl Collect for Reduction {
    fn collect(value: &Value, at: &Pointer, faults: &mut Faults) -> Option<Self> {
        match tag(value, at, faults)? {
            "percentage" => {
                let object = object(value, &["type", "rate_bp"], at, faults)?;
                let rate_bp = member(object, "rate_bp", at, faults)?;
                Some(Self::Percentage { rate_bp })
            }
            "amount" => {
                let object = object(value, &["type", "amount_minor"], at, faults)?;
                let amount_minor = member(object, "amount_minor", at, faults)?;
                Some(Self::Amount { amount_minor })
            }
            _ => unknown("percentage, amount", at, faults),
        }
    }
}

fn tag<'a>(value: &'a Value, at: &Pointer, faults: &mut Faults) -> Option<&'a str> {
    let Some(object) = value.as_object() else {
        faults.add("not_an_object", at, "expected an object with a type");
        return None;
    };
    let tag = object.get("type").and_then(Value::as_str);
    if tag.is_none() {
        faults.add("type_missing", &at.at("type"), "say which type it is");
    }
    tag
}

fn unknown<T>(known: &str, at: &Pointer, faults: &mut Faults) -> Option<T> {
    let detail = format!("must be one of {known}");
    faults.add("type_unknown", &at.at("type"), detail);
    None
}
