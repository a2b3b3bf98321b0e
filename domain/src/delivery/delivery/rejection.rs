//! Why a delivery says no.

use chrono::{DateTime, Utc};

use super::command::DeliveryCommandKind;
use super::event::PickupCheck;
use super::state::DeliveryStage;
use crate::decider::{Class, Rejection};
use crate::kernel::fault::{Fault, Pointer};
use crate::kernel::refusal::NotAllowed;

/// A refusal of a delivery.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DeliveryRejection {
    /// There is no such delivery.
    #[error("the delivery does not exist")]
    DeliveryUnknown,
    /// It was requested before, for something else.
    #[error("the delivery was requested before for something else")]
    AlreadyRequested,
    /// The table does not have it.
    #[error("{0}")]
    NotAllowed(NotAllowed<DeliveryStage, DeliveryCommandKind>),
    /// The driver may not carry.
    #[error("the driver is not approved")]
    DriverNotApproved,
    /// Nobody has checked what is to be carried.
    #[error("check seal, broth, bags and toppings before picking up")]
    NotVerified,
    /// A check failed and nobody took that upon them.
    #[error("checks failed; the shop must mend them or let the food go")]
    ChecksFailed {
        /// Which.
        failing: Vec<PickupCheck>,
    },
    /// Only shop and ops may let food go.
    #[error("only the shop or ops can let food go although a check fails")]
    OverrideNotYours,
    /// The driver is not at the door.
    #[error("the proof was taken {distance_m} m from the door; at most {max_m} m are accepted")]
    TooFarAway {
        /// How far.
        distance_m: u32,
        /// How far at most.
        max_m: u32,
    },
    /// Proof by code without a code.
    #[error("the customer's code is missing")]
    PinMissing,
    /// The code was wrong too often.
    #[error("the code was wrong {max} times; a photo is needed")]
    PinTriesUsedUp {
        /// How often it may be.
        max: u32,
    },
    /// Proof by photo or signature without one.
    #[error("the photo or signature is missing")]
    MediaMissing,
    /// Too early to give up.
    #[error(
        "wait at the door and try to reach the customer: {attempts} of {attempts_min} attempts"
    )]
    NotTriedEnough {
        /// Until when to wait, once at the door.
        wait_until: Option<DateTime<Utc>>,
        /// Recorded attempts.
        attempts: u32,
        /// How many are needed.
        attempts_min: u32,
    },
}

impl Rejection for DeliveryRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::DeliveryUnknown => "delivery_unknown",
            Self::AlreadyRequested => "already_requested",
            Self::NotAllowed(_) => "not_allowed",
            Self::DriverNotApproved => "driver_not_approved",
            Self::NotVerified => "not_verified",
            Self::ChecksFailed { .. } => "checks_failed",
            Self::OverrideNotYours => "override_not_yours",
            Self::TooFarAway { .. } => "too_far_away",
            Self::PinMissing => "pin_missing",
            Self::PinTriesUsedUp { .. } => "pin_tries_used_up",
            Self::MediaMissing => "media_missing",
            Self::NotTriedEnough { .. } => "not_tried_enough",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::DeliveryUnknown => Class::NotFound,
            Self::OverrideNotYours => Class::Forbidden,
            Self::PinMissing | Self::MediaMissing | Self::TooFarAway { .. } => Class::Unprocessable,
            Self::AlreadyRequested
            | Self::NotAllowed(_)
            | Self::DriverNotApproved
            | Self::NotVerified
            | Self::ChecksFailed { .. }
            | Self::PinTriesUsedUp { .. }
            | Self::NotTriedEnough { .. } => Class::Conflict,
        }
    }

    fn faults(&self) -> Vec<Fault> {
        let root = Pointer::root();
        let one = |member: &str| vec![Fault::new(self.code(), &root.at(member), self.to_string())];
        match self {
            Self::ChecksFailed { failing } => failing
                .iter()
                .map(|check| {
                    let at = root.at("checks").at(<&str>::from(*check));
                    Fault::new("check_failed", &at, "this check failed")
                })
                .collect(),
            Self::TooFarAway { .. } => one("place"),
            Self::PinMissing => one("pin"),
            Self::MediaMissing => one("media_sha256"),
            Self::DeliveryUnknown
            | Self::AlreadyRequested
            | Self::NotAllowed(_)
            | Self::DriverNotApproved
            | Self::NotVerified
            | Self::OverrideNotYours
            | Self::PinTriesUsedUp { .. }
            | Self::NotTriedEnough { .. } => Vec::new(),
        }
    }
}
