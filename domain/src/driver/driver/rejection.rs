//! Why a driver's record says no.

use super::command::DriverCommandKind;
use super::state::DriverStage;
use crate::decider::{Class, Rejection};
use crate::kernel::refusal::NotAllowed;

/// A refusal of a driver's record.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DriverRejection {
    /// There is no such driver.
    #[error("the driver does not exist")]
    DriverUnknown,
    /// They are registered, with other data.
    #[error("the driver is already registered")]
    AlreadyRegistered,
    /// The table does not have it.
    #[error("{0}")]
    NotAllowed(NotAllowed<DriverStage, DriverCommandKind>),
}

impl Rejection for DriverRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::DriverUnknown => "driver_unknown",
            Self::AlreadyRegistered => "already_registered",
            Self::NotAllowed(_) => "not_allowed",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::DriverUnknown => Class::NotFound,
            Self::AlreadyRegistered | Self::NotAllowed(_) => Class::Conflict,
        }
    }
}
