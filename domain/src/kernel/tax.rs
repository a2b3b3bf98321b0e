//! How something is taxed, and how it reaches the customer: what a rate of tax depends on besides the date.

use super::word::words;

words! {
    /// What is taxed; the rate comes from the shop's terms.
    TaxClass or "tax_class_unknown" {
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
    FulfilmentKind or "fulfilment_unknown" {
        /// It is brought.
        Delivery,
        /// It is fetched.
        Pickup,
    }
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
