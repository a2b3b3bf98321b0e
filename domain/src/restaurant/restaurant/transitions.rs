//! The life of a shop: which command is allowed at which stage, and where it leads.

use super::command::RestaurantCommandKind::{
    self, AddDevice, AddStaff, Approve, Close, CloseToday, HearDevice, MarkReachable,
    MarkUnreachable, MissDevice, Pause, Register, RemoveDevice, RemoveStaff, Resume, SetCapacity,
    SetHours, SetTerms, SetZones, Submit, Suspend, UpdateProfile,
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
    (Live, Pause, Live), (Live, CloseToday, Live), (Live, MarkUnreachable, Live), (Live, MarkReachable, Live),
    (Live, Resume, Live),
    (Draft, AddStaff, Draft), (Submitted, AddStaff, Submitted), (Live, AddStaff, Live), (Suspended, AddStaff, Suspended),
    (Draft, RemoveStaff, Draft), (Submitted, RemoveStaff, Submitted), (Live, RemoveStaff, Live), (Suspended, RemoveStaff, Suspended),
    (Draft, AddDevice, Draft), (Submitted, AddDevice, Submitted), (Live, AddDevice, Live), (Suspended, AddDevice, Suspended),
    (Draft, RemoveDevice, Draft), (Submitted, RemoveDevice, Submitted), (Live, RemoveDevice, Live), (Suspended, RemoveDevice, Suspended),
    (Draft, HearDevice, Draft), (Submitted, HearDevice, Submitted), (Live, HearDevice, Live), (Suspended, HearDevice, Suspended),
    (Draft, MissDevice, Draft), (Submitted, MissDevice, Submitted), (Live, MissDevice, Live), (Suspended, MissDevice, Suspended),
];
