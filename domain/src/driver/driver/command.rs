//! What can be asked of a driver.

use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use super::event::Vehicle;
use crate::kernel::contact::Phone;
use crate::kernel::sealed::Sealed;
use crate::kernel::text::{Name, Reason};

/// A request to a driver's record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, EnumDiscriminants)]
#[serde(tag = "type", rename_all = "snake_case")]
#[strum_discriminants(
    name(DriverCommandKind),
    doc = "The commands of a driver without their fields.",
    derive(Hash, VariantArray, IntoStaticStr, Serialize, Deserialize),
    serde(rename_all = "snake_case"),
    strum(serialize_all = "snake_case")
)]
#[expect(clippy::large_enum_variant, reason = "few are alive at a time")]
pub enum DriverCommand {
    /// Starts the record.
    Register {
        /// Their name.
        name: Sealed<Name>,
        /// Their telephone.
        phone: Sealed<Phone>,
        /// What they drive.
        vehicle: Vehicle,
    },
    /// Lets them carry; also after a suspension.
    Approve,
    /// Stops them from carrying.
    Suspend {
        /// Why.
        reason: Reason,
    },
}
