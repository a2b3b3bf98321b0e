//! Why a shop can refuse a command.

use strum::IntoStaticStr;

use super::command::RestaurantCommandKind;
use super::state::RestaurantStage;
use crate::decider::{Class, Fault, Rejection};
use crate::kernel::fault::{Faults, Pointer};
use crate::kernel::refusal::NotAllowed;

/// The state that forbids.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RestaurantRejection {
    /// Nobody has registered this shop.
    #[error("there is no such shop")]
    NotRegistered,
    /// Another shop has this id.
    #[error("the shop is registered already, with other data")]
    AlreadyRegistered,
    /// Not at this stage.
    #[error("{0}")]
    NotAllowed(NotAllowed<RestaurantStage, RestaurantCommandKind>),
    /// What a live shop must have is missing.
    #[error("the shop is not ready to go live")]
    NotReady {
        /// All that is missing.
        missing: Vec<Missing>,
    },
    /// The zones make no sense.
    #[error("the delivery zones are refused: {0}")]
    ZonesRefused(Faults),
    /// The terms contradict themselves.
    #[error("the terms are refused: {0}")]
    TermsRefused(Faults),
    /// More people or devices than a shop has.
    #[error("the shop has too many of them already")]
    TooMany,
    /// No device of this id was entered.
    #[error("the shop has no such device: enter it first")]
    DeviceUnknown,
    /// A pause that would be over before it begins.
    #[error("the pause ends in the past")]
    PauseAlreadyOver,
}

/// What a live shop must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Missing {
    /// A published menu.
    Menu,
    /// Opening hours.
    Hours,
    /// At least one delivery zone.
    Zones,
    /// Seller and tax.
    Terms,
}

impl Rejection for RestaurantRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::NotRegistered => "restaurant_not_found",
            Self::AlreadyRegistered => "already_registered",
            Self::NotAllowed(_) => "not_allowed",
            Self::NotReady { .. } => "not_ready",
            Self::ZonesRefused(_) => "zones_refused",
            Self::TermsRefused(_) => "terms_refused",
            Self::TooMany => "too_many",
            Self::DeviceUnknown => "device_unknown",
            Self::PauseAlreadyOver => "pause_already_over",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::NotRegistered | Self::DeviceUnknown => Class::NotFound,
            Self::AlreadyRegistered
            | Self::NotAllowed(_)
            | Self::TooMany
            | Self::NotReady { .. } => Class::Conflict,
            Self::ZonesRefused(_) | Self::TermsRefused(_) | Self::PauseAlreadyOver => {
                Class::Unprocessable
            }
        }
    }

    fn faults(&self) -> Vec<Fault> {
        match self {
            Self::NotReady { missing } => missing
                .iter()
                .map(|missing| {
                    let name: &'static str = missing.into();
                    Fault::new(
                        &format!("{name}_missing"),
                        &Pointer::root(),
                        format!("the shop has no {name} yet"),
                    )
                })
                .collect(),
            Self::ZonesRefused(faults) | Self::TermsRefused(faults) => faults.0.clone(),
            Self::PauseAlreadyOver => {
                vec![Fault::new(
                    self.code(),
                    &Pointer::root().at("until"),
                    self.to_string(),
                )]
            }
            Self::NotRegistered
            | Self::AlreadyRegistered
            | Self::NotAllowed(_)
            | Self::TooMany
            | Self::DeviceUnknown => Vec::new(),
        }
    }
}
