//! Which command is possible at which stage of a driver's record, and where it leads.

use super::command::DriverCommandKind::{self, Approve, Register, Suspend};
use super::state::DriverStage;

/// From, command, to. What is not here is refused.
pub const TRANSITIONS: &[(DriverStage, DriverCommandKind, DriverStage)] = &[
    (DriverStage::Absent, Register, DriverStage::Registered),
    (DriverStage::Registered, Approve, DriverStage::Approved),
    (DriverStage::Registered, Suspend, DriverStage::Suspended),
    (DriverStage::Approved, Suspend, DriverStage::Suspended),
    (DriverStage::Suspended, Approve, DriverStage::Approved),
];
