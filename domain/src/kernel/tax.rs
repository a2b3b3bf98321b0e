//! How something is taxed, and how it reaches the customer: what a rate of tax depends on besides the date.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};
use utoipa::ToSchema;

/// What is taxed; the rate comes from the shop's terms.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    ToSchema,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum TaxClass {
    /// A dish.
    Food,
    /// A drink without alcohol.
    Drink,
    /// A drink with alcohol.
    Alcohol,
    /// What food is packed in.
    Packaging,
    /// Bringing it.
    Delivery,
    /// Any other service, the fee on small orders included.
    Service,
}

/// How an order reaches its customer, without the place.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    ToSchema,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum FulfilmentKind {
    /// It is brought.
    Delivery,
    /// It is fetched.
    Pickup,
}

impl FulfilmentKind {
    /// The kind of an order that is brought, or not.
    pub const fn of(delivered: bool) -> Self {
        if delivered {
            Self::Delivery
        } else {
            Self::Pickup
        }
    }
}

super::collect::leaf! {
    TaxClass => "tax_class_unknown",
    FulfilmentKind => "fulfilment_unknown",
}
