//! Why an order says no.

use chrono::{DateTime, Utc};

use super::command::OrderCommandKind;
use super::state::OrderStage;
use super::transitions::By;
use crate::decider::{Class, Rejection};
use crate::kernel::fault::{Fault, Pointer};
use crate::kernel::ids::PaymentId;
use crate::kernel::money::Money;
use crate::kernel::refusal::NotAllowed;
use crate::ordering::line::{BowlRef, LineId};

/// A refusal of an order.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum OrderRejection {
    /// There is no such order, or not for this caller.
    #[error("the order does not exist")]
    OrderUnknown,
    /// It was checked out before, with other terms.
    #[error("the order was checked out before with other terms")]
    AlreadyCheckedOut,
    /// The table does not have it.
    #[error("{0}")]
    NotAllowed(NotAllowed<OrderStage, OrderCommandKind>),
    /// The table has it, but not for this actor.
    #[error("at stage {} this is not for {} to cancel", <&str>::from(*stage), <&str>::from(*by))]
    NotYoursToCancel {
        /// The stage.
        stage: OrderStage,
        /// Who asked.
        by: By,
    },
    /// Another payment than the order waits for.
    #[error("the order waits for payment {expected}")]
    OtherPayment {
        /// The one it waits for.
        expected: PaymentId,
    },
    /// The payment timer still runs.
    #[error("the order can be paid for until {expires_at}")]
    NotYetExpired {
        /// Until when.
        expires_at: DateTime<Utc>,
    },
    /// The kitchen's estimate is absurd.
    #[error("a kitchen may need at most {max} minutes")]
    PrepTimeOutOfRange {
        /// The longest.
        max: u32,
    },
    /// The order has no such bowl.
    #[error("the order has no bowl {} on line {}", bowl.bowl, bowl.line)]
    BowlUnknown {
        /// Which.
        bowl: BowlRef,
    },
    /// A bowl that is cooked was not.
    #[error("bowl {} of line {} is not boiled yet", bowl.bowl, bowl.line)]
    BowlNotBoiled {
        /// Which.
        bowl: BowlRef,
    },
    /// Some bowls are still open.
    #[error("{} bowls are not sealed yet", bowls.len())]
    BowlsNotSealed {
        /// Which.
        bowls: Vec<BowlRef>,
    },
    /// It would cost more than may be taken.
    #[error("this comes to {total}, which is more than was authorised ({authorised})")]
    MoreThanAuthorised {
        /// What may be taken at most.
        authorised: Money,
        /// What it would come to.
        total: Money,
    },
    /// Another place is another door, which is amended with its own zone and fee.
    #[error(
        "the pin is moved by {moved_m} m from the one that was agreed; at most {most_m} m are a correction"
    )]
    PinTooFar {
        /// How far at most, in metres.
        most_m: u32,
        /// How far it would be, in metres.
        moved_m: u32,
    },
    /// The customer is asked about something that ran out.
    #[error("the customer is still asked about something that ran out")]
    ShortOpen,
    /// No bowl is meant, or none was begun.
    #[error("no bowl of the order is meant")]
    NoBowls,
    /// It was cooked again as often as that may be.
    #[error("an order is cooked again at most {most} times; make it anew instead")]
    RefiredEnough {
        /// How often.
        most: u32,
    },
    /// A bowl is made again once.
    #[error("bowl {} of line {} was made again already", bowl.bowl, bowl.line)]
    AlreadyRemade {
        /// Which.
        bowl: BowlRef,
    },
    /// Somebody pays for what is made again, and that is not the customer.
    #[error("what the customer is to blame for is not made again at another's cost")]
    CustomersFault,
    /// The customer has not answered the last offer.
    #[error("the customer still thinks about an offer")]
    OfferOpen,
    /// Nothing is offered, or no longer.
    #[error("nothing is offered now")]
    NoOffer,
    /// The order has no such line, or fewer units of it that are still open.
    #[error("line {line} has {open} units that are not packed")]
    NotSoManyUnits {
        /// Which.
        line: LineId,
        /// How many there are.
        open: u32,
    },
    /// Nothing of this name is short.
    #[error("nothing of this name is short")]
    ShortUnknown,
    /// It was settled before, or is not the customer's to decide.
    #[error("what is short is settled")]
    ShortSettled,
    /// The shop offers nothing instead.
    #[error("the shop offers nothing instead")]
    NothingOffered,
    /// The amounts do not fit.
    #[error("what is left comes to more than can be counted")]
    AmountOverflow,
    /// It would be promised for earlier than it is.
    #[error("it is promised until {latest}; a delay moves that later")]
    NotLater {
        /// Until when it is promised.
        latest: DateTime<Utc>,
    },
    /// No courier is involved.
    #[error("the customer collects this order at the shop")]
    CustomerCollects,
    /// A courier is involved.
    #[error("a courier brings this order")]
    CourierBrings,
}

impl Rejection for OrderRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::OrderUnknown => "order_unknown",
            Self::AlreadyCheckedOut => "already_checked_out",
            Self::NotAllowed(_) => "not_allowed",
            Self::NotYoursToCancel { .. } => "not_yours_to_cancel",
            Self::OtherPayment { .. } => "other_payment",
            Self::NotYetExpired { .. } => "not_yet_expired",
            Self::PrepTimeOutOfRange { .. } => "prep_time_out_of_range",
            Self::BowlUnknown { .. } => "bowl_unknown",
            Self::BowlNotBoiled { .. } => "bowl_not_boiled",
            Self::BowlsNotSealed { .. } => "bowls_not_sealed",
            Self::MoreThanAuthorised { .. } => "more_than_authorised",
            Self::PinTooFar { .. } => "pin_too_far",
            Self::ShortOpen => "short_open",
            Self::NoBowls => "no_bowls",
            Self::RefiredEnough { .. } => "refired_enough",
            Self::AlreadyRemade { .. } => "already_remade",
            Self::CustomersFault => "customers_fault",
            Self::OfferOpen => "offer_open",
            Self::NoOffer => "no_offer",
            Self::NotSoManyUnits { .. } => "not_so_many_units",
            Self::ShortUnknown => "short_unknown",
            Self::ShortSettled => "short_settled",
            Self::NothingOffered => "nothing_offered",
            Self::AmountOverflow => "amount_overflow",
            Self::NotLater { .. } => "not_later",
            Self::CustomerCollects => "customer_collects",
            Self::CourierBrings => "courier_brings",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::OrderUnknown | Self::BowlUnknown { .. } | Self::ShortUnknown => Class::NotFound,
            Self::PrepTimeOutOfRange { .. }
            | Self::NotSoManyUnits { .. }
            | Self::NoBowls
            | Self::CustomersFault
            | Self::PinTooFar { .. }
            | Self::AmountOverflow => Class::Unprocessable,
            Self::AlreadyCheckedOut
            | Self::NotAllowed(_)
            | Self::NotYoursToCancel { .. }
            | Self::OtherPayment { .. }
            | Self::NotYetExpired { .. }
            | Self::BowlNotBoiled { .. }
            | Self::BowlsNotSealed { .. }
            | Self::MoreThanAuthorised { .. }
            | Self::ShortOpen
            | Self::RefiredEnough { .. }
            | Self::AlreadyRemade { .. }
            | Self::OfferOpen
            | Self::NoOffer
            | Self::ShortSettled
            | Self::NothingOffered
            | Self::NotLater { .. }
            | Self::CustomerCollects
            | Self::CourierBrings => Class::Conflict,
        }
    }

    fn faults(&self) -> Vec<Fault> {
        let root = Pointer::root();
        match self {
            Self::PrepTimeOutOfRange { .. } => {
                vec![Fault::new(
                    self.code(),
                    &root.at("prep_minutes"),
                    self.to_string(),
                )]
            }
            Self::NotSoManyUnits { .. } => {
                vec![Fault::new(self.code(), &root.at("units"), self.to_string())]
            }
            Self::PinTooFar { .. } => {
                vec![Fault::new(self.code(), &root.at("pin"), self.to_string())]
            }
            Self::NoBowls => vec![Fault::new(self.code(), &root.at("bowls"), self.to_string())],
            Self::CustomersFault => {
                vec![Fault::new(self.code(), &root.at("fault"), self.to_string())]
            }
            Self::BowlsNotSealed { bowls } => bowls
                .iter()
                .map(|bowl| {
                    let at = root.at("lines").at(bowl.line).at("bowls").at(bowl.bowl);
                    Fault::new("bowl_not_sealed", &at, "this bowl is not sealed yet")
                })
                .collect(),
            Self::OrderUnknown
            | Self::AlreadyCheckedOut
            | Self::NotAllowed(_)
            | Self::NotYoursToCancel { .. }
            | Self::OtherPayment { .. }
            | Self::NotYetExpired { .. }
            | Self::BowlUnknown { .. }
            | Self::BowlNotBoiled { .. }
            | Self::MoreThanAuthorised { .. }
            | Self::ShortOpen
            | Self::RefiredEnough { .. }
            | Self::AlreadyRemade { .. }
            | Self::OfferOpen
            | Self::NoOffer
            | Self::ShortUnknown
            | Self::ShortSettled
            | Self::NothingOffered
            | Self::AmountOverflow
            | Self::NotLater { .. }
            | Self::CustomerCollects
            | Self::CourierBrings => Vec::new(),
        }
    }
}
