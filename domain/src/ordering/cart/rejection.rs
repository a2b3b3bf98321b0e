//! Why a cart says no.

use crate::decider::{Class, Rejection};
use crate::kernel::fault::{Fault, Pointer};
use crate::kernel::ids::OrderId;
use crate::kernel::refusal::NotAllowed;
use crate::ordering::line::LineId;

use super::command::CartCommandKind;
use super::state::CartStage;

/// The highest tip, in minor units: far above any, far below overflow.
pub(super) const TIP_MINOR_MAX: i64 = 1_000_000_000;
/// How many options a line takes: more than any menu has groups for, so that a cart stays small.
pub(super) const OPTIONS_MAX: usize = 50;

/// A refusal of a cart.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CartRejection {
    /// There is no such cart.
    #[error("the cart does not exist")]
    CartUnknown,
    /// It was opened before, by somebody else or at another shop.
    #[error("the cart is already open for another customer or shop")]
    AlreadyOpened,
    /// It was opened too long ago.
    #[error("the cart has expired; open a new one")]
    CartExpired,
    /// It became another order.
    #[error("the cart was checked out as order {order}")]
    AlreadyCheckedOut {
        /// That order.
        order: OrderId,
    },
    /// The table does not have it.
    #[error("{0}")]
    NotAllowed(NotAllowed<CartStage, CartCommandKind>),
    /// It is full.
    #[error("the cart already has {max} lines")]
    TooManyLines {
        /// As many as it takes.
        max: u32,
    },
    /// It has never had this line.
    #[error("the cart has no line {line}")]
    LineUnknown {
        /// Which.
        line: LineId,
    },
    /// One line has too many options.
    #[error("a line takes at most {max} options")]
    TooManyOptions {
        /// As many as it takes.
        max: usize,
    },
    /// Options stand there twice.
    #[error("an option is chosen more than once; raise its quantity instead")]
    OptionsRepeated {
        /// The places of the repeats.
        places: Vec<Pointer>,
    },
    /// The dish to put in its place makes no sense.
    #[error("a substitute is another dish, for a line whose choice is to substitute")]
    SubstituteRefused,
    /// The tip is negative or absurd.
    #[error("a tip is 0 to {max} minor units")]
    TipOutOfRange {
        /// The highest.
        max: i64,
    },
}

impl Rejection for CartRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::CartUnknown => "cart_unknown",
            Self::AlreadyOpened => "already_opened",
            Self::CartExpired => "cart_expired",
            Self::AlreadyCheckedOut { .. } => "already_checked_out",
            Self::NotAllowed(_) => "not_allowed",
            Self::TooManyLines { .. } => "too_many_lines",
            Self::LineUnknown { .. } => "line_unknown",
            Self::TooManyOptions { .. } => "too_many_options",
            Self::OptionsRepeated { .. } => "options_repeated",
            Self::SubstituteRefused => "substitute_refused",
            Self::TipOutOfRange { .. } => "tip_out_of_range",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::CartUnknown | Self::LineUnknown { .. } => Class::NotFound,
            Self::AlreadyOpened
            | Self::CartExpired
            | Self::AlreadyCheckedOut { .. }
            | Self::NotAllowed(_) => Class::Conflict,
            Self::TooManyLines { .. }
            | Self::TooManyOptions { .. }
            | Self::OptionsRepeated { .. }
            | Self::SubstituteRefused
            | Self::TipOutOfRange { .. } => Class::Unprocessable,
        }
    }

    fn faults(&self) -> Vec<Fault> {
        let root = Pointer::root();
        let one = |at: &Pointer| vec![Fault::new(self.code(), at, self.to_string())];
        match self {
            Self::OptionsRepeated { places } => places
                .iter()
                .map(|at| Fault::new(self.code(), at, self.to_string()))
                .collect(),
            Self::TooManyOptions { .. } => one(&root.at("options")),
            Self::SubstituteRefused => one(&root.at("substitute")),
            Self::TipOutOfRange { .. } => one(&root.at("amount_minor")),
            Self::CartUnknown
            | Self::AlreadyOpened
            | Self::CartExpired
            | Self::AlreadyCheckedOut { .. }
            | Self::NotAllowed(_)
            | Self::TooManyLines { .. }
            | Self::LineUnknown { .. } => Vec::new(),
        }
    }
}
