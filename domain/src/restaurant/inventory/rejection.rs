//! Why a shop's stock can refuse a command.

use chrono::NaiveDate;

use super::command::InventoryCommandKind;
use super::state::{HoldEnd, InventoryStage};
use crate::decider::{Class, Fault, Rejection};
use crate::kernel::fault::Pointer;
use crate::kernel::ids::OrderId;
use crate::kernel::key::Key;
use crate::kernel::refusal::NotAllowed;

/// The state that forbids.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InventoryRejection {
    /// The order needs more than is free.
    #[error("out of stock")]
    OutOfStock {
        /// Every ingredient that lacks.
        ingredients: Vec<Key>,
    },
    /// The slots that the order wants are taken.
    #[error("the kitchen cannot take the order then")]
    KitchenFull,
    /// More is needed than can be counted.
    #[error("the needs overflow")]
    NeedsOverflow,
    /// An order with this id holds something else.
    #[error("order {hold} holds stock already, for other needs")]
    HeldOtherwise {
        /// The order.
        hold: OrderId,
    },
    /// No hold has this id.
    #[error("nothing is held for order {hold}")]
    HoldUnknown {
        /// The order.
        hold: OrderId,
    },
    /// The hold was not paid for.
    #[error("the hold of order {hold} is not committed")]
    HoldNotCommitted {
        /// The order.
        hold: OrderId,
    },
    /// The hold has ended the other way.
    #[error("the hold of order {hold} was {end}")]
    HoldEnded {
        /// The order.
        hold: OrderId,
        /// How.
        end: HoldEnd,
    },
    /// The service date is long over.
    #[error("service date {service_date} is over")]
    ServiceDateOver {
        /// The date.
        service_date: NaiveDate,
    },
    /// Nothing was received or wasted.
    #[error("the amount is zero")]
    AmountZero,
    /// More was thrown away than was there.
    #[error("only {on_hand} of {ingredient} is there")]
    WastedMoreThanThere {
        /// What.
        ingredient: Key,
        /// How much there is, in its unit.
        on_hand: i64,
    },
    /// The ingredient has never been received or counted.
    #[error("no stock is kept of {ingredient}")]
    NotTracked {
        /// Which.
        ingredient: Key,
    },
    /// More than can be counted.
    #[error("more of {ingredient} than can be counted")]
    StockOverflow {
        /// Which.
        ingredient: Key,
    },
    /// Too many ingredients.
    #[error("stock is kept of too many ingredients")]
    TooManyIngredients,
    /// The ingredient would be back already.
    #[error("the return time is in the past")]
    ReturnAlreadyOver,
    /// Not at this stage.
    #[error("{0}")]
    NotAllowed(NotAllowed<InventoryStage, InventoryCommandKind>),
}

impl Rejection for InventoryRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::OutOfStock { .. } => "out_of_stock",
            Self::KitchenFull => "kitchen_full",
            Self::NeedsOverflow => "amount_overflow",
            Self::HeldOtherwise { .. } => "held_otherwise",
            Self::HoldUnknown { .. } => "hold_unknown",
            Self::HoldNotCommitted { .. } => "hold_not_committed",
            Self::HoldEnded { .. } => "hold_ended",
            Self::ServiceDateOver { .. } => "service_date_over",
            Self::AmountZero => "amount_zero",
            Self::WastedMoreThanThere { .. } => "wasted_more_than_there",
            Self::NotTracked { .. } => "ingredient_not_tracked",
            Self::StockOverflow { .. } => "amount_overflow",
            Self::TooManyIngredients => "too_many_ingredients",
            Self::ReturnAlreadyOver => "return_already_over",
            Self::NotAllowed(_) => "not_allowed",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::HoldUnknown { .. } => Class::NotFound,
            Self::OutOfStock { .. }
            | Self::KitchenFull
            | Self::HeldOtherwise { .. }
            | Self::HoldNotCommitted { .. }
            | Self::HoldEnded { .. }
            | Self::WastedMoreThanThere { .. }
            | Self::NotTracked { .. }
            | Self::TooManyIngredients
            | Self::NotAllowed(_) => Class::Conflict,
            Self::NeedsOverflow
            | Self::ServiceDateOver { .. }
            | Self::AmountZero
            | Self::StockOverflow { .. }
            | Self::ReturnAlreadyOver => Class::Unprocessable,
        }
    }

    fn faults(&self) -> Vec<Fault> {
        let at = |member: &str| {
            vec![Fault::new(
                self.code(),
                &Pointer::root().at(member),
                self.to_string(),
            )]
        };
        match self {
            Self::OutOfStock { ingredients } => ingredients
                .iter()
                .map(|ingredient| {
                    Fault::new(
                        self.code(),
                        &Pointer::root(),
                        format!("there is not enough {ingredient}"),
                    )
                })
                .collect(),
            Self::AmountZero | Self::WastedMoreThanThere { .. } | Self::StockOverflow { .. } => {
                at("amount")
            }
            Self::NotTracked { .. } => at("ingredient"),
            Self::ReturnAlreadyOver => at("until"),
            Self::KitchenFull
            | Self::NeedsOverflow
            | Self::HeldOtherwise { .. }
            | Self::HoldUnknown { .. }
            | Self::HoldNotCommitted { .. }
            | Self::HoldEnded { .. }
            | Self::ServiceDateOver { .. }
            | Self::TooManyIngredients
            | Self::NotAllowed(_) => Vec::new(),
        }
    }
}
