//! Why an order is not amended: each aggregate that takes part can say no.

use crate::decider::{Class, Rejection};
use crate::delivery::delivery::DeliveryRejection;
use crate::joint::request_delivery::RequestDeliveryRejection;
use crate::kernel::fault::{Fault, Faults};
use crate::ordering::order::OrderRejection;
use crate::ordering::quote::Quote;
use crate::restaurant::inventory::InventoryRejection;
use crate::restaurant::promotion::PromotionRejection;

/// Why an order stays as it is.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AmendRejection {
    /// It cannot be had so.
    #[error("the order cannot be changed so: {0}")]
    Refused(Faults),
    /// Lines, amounts, allergens or promise are no longer what the customer saw.
    #[error("the quote has changed")]
    QuoteChanged {
        /// What they are now.
        current: Box<Quote>,
    },
    /// The order says no.
    #[error(transparent)]
    Order(OrderRejection),
    /// The stock says no.
    #[error(transparent)]
    Inventory(InventoryRejection),
    /// A promotion says no.
    #[error(transparent)]
    Promotion(PromotionRejection),
    /// Who brings it cannot be called off any more: it is on its way to the door before.
    #[error(transparent)]
    Delivery(DeliveryRejection),
    /// Nobody can be asked to bring it there.
    #[error(transparent)]
    Courier(RequestDeliveryRejection),
}

impl Rejection for AmendRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::Refused(_) => "amendment_refused",
            Self::QuoteChanged { .. } => "quote_changed",
            Self::Order(rejection) => rejection.code(),
            Self::Inventory(rejection) => rejection.code(),
            Self::Promotion(rejection) => rejection.code(),
            Self::Delivery(rejection) => rejection.code(),
            Self::Courier(rejection) => rejection.code(),
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Refused(_) => Class::Unprocessable,
            Self::QuoteChanged { .. } => Class::Conflict,
            Self::Order(rejection) => rejection.class(),
            Self::Inventory(rejection) => rejection.class(),
            Self::Promotion(rejection) => rejection.class(),
            Self::Delivery(rejection) => rejection.class(),
            Self::Courier(rejection) => rejection.class(),
        }
    }

    fn faults(&self) -> Vec<Fault> {
        match self {
            Self::Refused(faults) => faults.0.clone(),
            Self::QuoteChanged { .. } => Vec::new(),
            Self::Order(rejection) => rejection.faults(),
            Self::Inventory(rejection) => rejection.faults(),
            Self::Promotion(rejection) => rejection.faults(),
            Self::Delivery(rejection) => rejection.faults(),
            Self::Courier(rejection) => rejection.faults(),
        }
    }
}
