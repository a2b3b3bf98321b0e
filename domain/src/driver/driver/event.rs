//! What can happen to a driver.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantNames};
use utoipa::ToSchema;

use crate::decider::Event;
use crate::kernel::collect::leaf;
use crate::kernel::contact::Phone;
use crate::kernel::sample;
use crate::kernel::sealed::Sealed;
use crate::kernel::text::{Name, Reason};

/// A fact about a driver.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, VariantNames, IntoStaticStr,
)]
#[serde(tag = "type", rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "few are alive at a time")]
pub enum DriverEvent {
    /// Somebody wants to drive.
    Registered {
        /// Their name.
        name: Sealed<Name>,
        /// Their telephone.
        phone: Sealed<Phone>,
        /// What they drive.
        vehicle: Vehicle,
        /// When.
        at: DateTime<Utc>,
    },
    /// They may carry.
    Approved {
        /// When.
        at: DateTime<Utc>,
    },
    /// They may not carry for now.
    Suspended {
        /// Why.
        reason: Reason,
        /// When.
        at: DateTime<Utc>,
    },
}

/// What a driver drives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Vehicle {
    /// A bicycle.
    Bicycle,
    /// A scooter or motorcycle.
    Scooter,
    /// A car.
    Car,
    /// None: on foot.
    Foot,
}

leaf!(Vehicle => "vehicle_unknown");

impl Event for DriverEvent {
    fn name(&self) -> &'static str {
        self.into()
    }

    fn samples() -> Vec<Self> {
        let at = sample::minute(0);
        vec![
            Self::Registered {
                name: sample::sealed("driver.driver", "name"),
                phone: sample::sealed("driver.driver", "phone"),
                vehicle: Vehicle::Scooter,
                at,
            },
            Self::Approved { at },
            Self::Suspended {
                reason: sample::reason("licence expired"),
                at,
            },
        ]
    }
}
