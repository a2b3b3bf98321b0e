//! The life of a shop: which command is allowed at which stage, and where it leads.

use super::command::RestaurantCommandKind::{
    self, Approve, Close, Pause, Register, Resume, SetCapacity, SetHours, SetTerms, SetZones,
    Submit, Suspend, UpdateProfile,
};
use super::state::RestaurantStage::{
    self, Closed, Draft, Live, Submitted, Suspended, Unregistered,
};

/// From, command, to.
#[rustfmt::skip]
pub const TRANSITIONS: &[(RestaurantStage, RestaurantCommandKind, RestaurantStage)] = &[
    (Unregistered, Register, Draft),
    (Draft, UpdateProfile, Draft), (Submitted, UpdateProfile, Submitted), (Live, UpdateProfile, Live), (Suspended, UpdateProfile, Suspended),
    (Draft, SetHours, Draft), (Submitted, SetHours, Submitted), (Live, SetHours, Live), (Suspended, SetHours, Suspended),
    (Draft, SetZones, Draft), (Submitted, SetZones, Submitted), (Live, SetZones, Live), (Suspended, SetZones, Suspended),
    (Draft, SetTerms, Draft), (Submitted, SetTerms, Submitted), (Live, SetTerms, Live), (Suspended, SetTerms, Suspended),
    (Draft, SetCapacity, Draft), (Submitted, SetCapacity, Submitted), (Live, SetCapacity, Live), (Suspended, SetCapacity, Suspended),
    (Draft, Submit, Submitted),
    (Submitted, Approve, Live), (Suspended, Approve, Live),
    (Live, Suspend, Suspended),
    (Draft, Close, Closed), (Submitted, Close, Closed), (Live, Close, Closed), (Suspended, Close, Closed),
    (Live, Pause, Live),
    (Live, Resume, Live),
];
