//! What can be asked of a shop.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use super::event::{Registration, StaffRole, Zone};
use crate::kernel::bowl::Style;
use crate::kernel::hours::WeeklyHours;
use crate::kernel::ids::{DeviceId, PrincipalId, StaffId};
use crate::kernel::kitchen::KitchenCapacity;
use crate::kernel::quantity::Minutes;
use crate::kernel::sealed::Sealed;
use crate::kernel::text::{Name, Reason};
use crate::restaurant::terms::Terms;

/// A command to a shop.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, EnumDiscriminants)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[strum_discriminants(
    name(RestaurantCommandKind),
    doc = "The commands without their fields."
)]
#[strum_discriminants(
    derive(Hash, IntoStaticStr, VariantArray),
    strum(serialize_all = "snake_case")
)]
pub enum RestaurantCommand {
    /// Enter the shop, as a draft.
    Register(Box<Registration>),
    /// Change what is given, leave the rest.
    UpdateProfile {
        /// A new name.
        #[serde(default)]
        name: Option<Name>,
        /// New styles.
        #[serde(default)]
        styles: Option<Vec<Style>>,
        /// Whether accepted orders are fired by themselves.
        #[serde(default)]
        auto_fire: Option<bool>,
    },
    /// Replace the hours.
    SetHours {
        /// All of them.
        hours: WeeklyHours,
    },
    /// Replace the delivery zones.
    SetZones {
        /// All of them.
        zones: Vec<Zone>,
    },
    /// Replace the terms.
    SetTerms {
        /// All of them.
        terms: Terms,
    },
    /// Replace what the kitchen can do.
    SetCapacity {
        /// All of it; nothing to promise as if there were no limit.
        #[serde(default)]
        capacity: Option<KitchenCapacity>,
    },
    /// Ask to go live.
    Submit,
    /// Go live, or go live again after a suspension.
    Approve {
        /// Fact: the shop's menu has been published.
        menu_published: bool,
    },
    /// Take the shop off.
    Suspend {
        /// Why.
        reason: Reason,
    },
    /// Give the shop up for good.
    Close {
        /// Why.
        reason: Reason,
    },
    /// Take no orders for now.
    Pause {
        /// Why.
        reason: Reason,
        /// When to resume without being asked.
        #[serde(default)]
        until: Option<DateTime<Utc>>,
    },
    /// Take no orders until the next service date; what was accepted is cooked.
    CloseToday {
        /// Why.
        reason: Reason,
    },
    /// Nobody at the shop answers: take no orders until somebody resumes.
    MarkUnreachable {
        /// Why.
        reason: Reason,
        /// Whether the only reason is that no device is heard: void when one is heard by then.
        #[serde(default)]
        for_silence: bool,
    },
    /// Somebody at the shop answers after all: take orders again, if that was the reason for taking none.
    MarkReachable,
    /// Take orders again.
    Resume,
    /// Enter somebody who works there, or what is new about them.
    AddStaff {
        /// Who, by an id of this shop.
        staff: StaffId,
        /// Their name.
        name: Sealed<Name>,
        /// What they do.
        role: StaffRole,
        /// The account with which they sign in.
        #[serde(default)]
        principal: Option<PrincipalId>,
    },
    /// Strike somebody out.
    RemoveStaff {
        /// Who.
        staff: StaffId,
    },
    /// Enter a device of the shop, or its new name.
    AddDevice {
        /// Which.
        device: DeviceId,
        /// What the shop calls it.
        name: Name,
    },
    /// Strike a device out.
    RemoveDevice {
        /// Which.
        device: DeviceId,
    },
    /// A device says that it is there.
    HearDevice {
        /// Which.
        device: DeviceId,
    },
    /// A device has said nothing for too long.
    MissDevice {
        /// Which.
        device: DeviceId,
        /// For how long.
        silent_for: Minutes,
    },
}
