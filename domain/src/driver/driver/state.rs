//! What is true of a driver.

use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use super::event::{DriverEvent, Vehicle};
use crate::kernel::contact::Phone;
use crate::kernel::sealed::Sealed;
use crate::kernel::text::Name;

/// A driver's record.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, EnumDiscriminants)]
#[strum_discriminants(
    name(DriverStage),
    doc = "The stages of a driver's record.",
    derive(Hash, VariantArray, IntoStaticStr, Serialize, Deserialize),
    serde(rename_all = "snake_case"),
    strum(serialize_all = "snake_case")
)]
pub enum Driver {
    /// Not registered.
    #[default]
    Absent,
    /// Waits for approval.
    Registered(DriverBody),
    /// May carry.
    Approved(DriverBody),
    /// May not carry for now.
    Suspended(DriverBody),
}

/// What is known of a registered driver.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DriverBody {
    /// Their name.
    pub name: Sealed<Name>,
    /// Their telephone.
    pub phone: Sealed<Phone>,
    /// What they drive.
    pub vehicle: Vehicle,
}

impl Driver {
    /// What is known of them, once registered.
    pub fn body(&self) -> Option<&DriverBody> {
        match self {
            Self::Absent => None,
            Self::Registered(body) | Self::Approved(body) | Self::Suspended(body) => Some(body),
        }
    }

    /// Whether they may carry.
    pub fn is_approved(&self) -> bool {
        match self {
            Self::Approved(_) => true,
            Self::Absent | Self::Registered(_) | Self::Suspended(_) => false,
        }
    }

    pub(super) fn apply(&mut self, event: &DriverEvent) {
        match event {
            DriverEvent::Registered {
                name,
                phone,
                vehicle,
                at: _,
            } => {
                *self = Self::Registered(DriverBody {
                    name: name.clone(),
                    phone: phone.clone(),
                    vehicle: *vehicle,
                });
            }
            DriverEvent::Approved { at: _ } => self.become_stage(Self::Approved),
            DriverEvent::Suspended { .. } => self.become_stage(Self::Suspended),
        }
    }

    fn become_stage(&mut self, stage: impl FnOnce(DriverBody) -> Self) {
        if let Some(body) = self.body().cloned() {
            *self = stage(body);
        }
    }
}
