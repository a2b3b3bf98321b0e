//! What a shop answers to a command.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::command::{RestaurantCommand, RestaurantCommandKind};
use super::event::{PauseKind, RestaurantEvent};
use super::rejection::RestaurantRejection;
use super::rules::{DEVICES_MAX, STAFF_MAX, check_zones, missing_to_go_live};
use super::state::{Pause, Restaurant, RestaurantStage, Shop, StaffMember};
use super::transitions::TRANSITIONS;
use crate::decider::{Context, Decider, Facets, Transitions, check_allowed};
use crate::kernel::ids::RestaurantId;

impl Decider for Restaurant {
    const KIND: &'static str = "restaurant.restaurant";
    const TRANSITIONS: Transitions<Self> = TRANSITIONS;

    type Command = RestaurantCommand;
    type Event = RestaurantEvent;
    type Rejection = RestaurantRejection;
    type Stage = RestaurantStage;
    type CommandKind = RestaurantCommandKind;

    fn stage(&self) -> RestaurantStage {
        self.into()
    }

    fn decide(
        &self,
        command: RestaurantCommand,
        context: &Context,
    ) -> Result<Vec<RestaurantEvent>, RestaurantRejection> {
        if self.is_done(&command, context.now) {
            return Ok(Vec::new());
        }
        self.check_stage((&command).into())?;
        let Some(shop) = self.shop() else {
            return match command {
                RestaurantCommand::Register(registration) => {
                    Ok(vec![RestaurantEvent::Registered(registration)])
                }
                RestaurantCommand::UpdateProfile { .. }
                | RestaurantCommand::SetHours { .. }
                | RestaurantCommand::SetZones { .. }
                | RestaurantCommand::SetTerms { .. }
                | RestaurantCommand::SetCapacity { .. }
                | RestaurantCommand::Submit
                | RestaurantCommand::Approve { .. }
                | RestaurantCommand::Suspend { .. }
                | RestaurantCommand::Close { .. }
                | RestaurantCommand::Pause { .. }
                | RestaurantCommand::CloseToday { .. }
                | RestaurantCommand::MarkUnreachable { .. }
                | RestaurantCommand::MarkReachable
                | RestaurantCommand::Resume
                | RestaurantCommand::AddStaff { .. }
                | RestaurantCommand::RemoveStaff { .. }
                | RestaurantCommand::AddDevice { .. }
                | RestaurantCommand::RemoveDevice { .. }
                | RestaurantCommand::HearDevice { .. }
                | RestaurantCommand::MissDevice { .. } => Err(RestaurantRejection::NotRegistered),
            };
        };
        shop_event(shop, command, context).map(|event| vec![event])
    }

    fn evolve(&mut self, event: &RestaurantEvent) {
        self.apply(event);
    }

    fn facets(&self, stream: Uuid) -> Facets {
        Facets {
            restaurant: Some(RestaurantId::new(stream)),
            city: self
                .shop()
                .map(|shop| shop.profile.city.as_str().to_owned()),
            currency: self.shop().map(|shop| shop.profile.currency),
            ..Facets::default()
        }
    }
}

impl Restaurant {
    /// Whether the command asks for what is so already.
    fn is_done(&self, command: &RestaurantCommand, now: DateTime<Utc>) -> bool {
        let Some(shop) = self.shop() else {
            return false;
        };
        let stage = self.stage();
        match command {
            RestaurantCommand::Register(registration) => **registration == shop.profile,
            RestaurantCommand::UpdateProfile {
                name,
                styles,
                auto_fire,
            } => {
                name.as_ref().is_none_or(|name| *name == shop.profile.name)
                    && styles
                        .as_ref()
                        .is_none_or(|styles| *styles == shop.profile.styles)
                    && auto_fire.is_none_or(|auto_fire| auto_fire == shop.profile.auto_fire)
            }
            RestaurantCommand::SetHours { hours } => shop.hours.as_ref() == Some(hours),
            RestaurantCommand::SetZones { zones } => shop.zones == *zones && !zones.is_empty(),
            RestaurantCommand::SetTerms { terms } => shop.terms.as_ref() == Some(terms),
            RestaurantCommand::SetCapacity { capacity } => shop.capacity == *capacity,
            RestaurantCommand::Submit => stage == RestaurantStage::Submitted,
            RestaurantCommand::Approve { .. } => stage == RestaurantStage::Live,
            RestaurantCommand::Suspend { .. } => stage == RestaurantStage::Suspended,
            RestaurantCommand::Close { .. } => stage == RestaurantStage::Closed,
            RestaurantCommand::Pause { reason, until } => {
                let wanted = Pause {
                    reason: reason.clone(),
                    until: *until,
                    kind: PauseKind::ByStaff,
                };
                self.pause() == Some(&wanted)
            }
            RestaurantCommand::CloseToday { .. } => self.pause().is_some_and(|pause| {
                pause.kind == PauseKind::ClosedToday && pause.until == shop.opens_tomorrow(now)
            }),
            // A shop that takes no orders until somebody says so is not paused once more.
            RestaurantCommand::MarkUnreachable { for_silence, .. } => {
                self.pause().is_some_and(|pause| pause.until.is_none())
                    || *for_silence && shop.hears_a_device()
            }
            RestaurantCommand::MarkReachable => self
                .live()
                .is_some_and(|live| live.pause.is_none_or(|pause| !pause.kind.is_unreachable())),
            RestaurantCommand::AddStaff {
                staff,
                name,
                role,
                principal,
            } => {
                let wanted = StaffMember {
                    name: name.clone(),
                    role: *role,
                    principal: *principal,
                };
                shop.staff.get(staff) == Some(&wanted)
            }
            RestaurantCommand::RemoveStaff { staff } => !shop.staff.contains_key(staff),
            RestaurantCommand::AddDevice { device, name } => shop
                .devices
                .get(device)
                .is_some_and(|known| known.name == *name),
            RestaurantCommand::RemoveDevice { device } => !shop.devices.contains_key(device),
            RestaurantCommand::HearDevice { device } => {
                shop.devices.get(device).is_some_and(|known| known.here)
            }
            RestaurantCommand::MissDevice { device, .. } => {
                shop.devices.get(device).is_none_or(|known| !known.here)
            }
            RestaurantCommand::Resume => self.live().is_some_and(|live| live.pause.is_none()),
        }
    }

    fn check_stage(&self, kind: RestaurantCommandKind) -> Result<(), RestaurantRejection> {
        let Err(refused) = check_allowed(self, kind) else {
            return Ok(());
        };
        if refused.stage == RestaurantStage::Unregistered {
            Err(RestaurantRejection::NotRegistered)
        } else if kind == RestaurantCommandKind::Register {
            Err(RestaurantRejection::AlreadyRegistered)
        } else {
            Err(RestaurantRejection::NotAllowed(refused))
        }
    }
}

/// What an allowed command does to a registered shop.
fn shop_event(
    shop: &Shop,
    command: RestaurantCommand,
    context: &Context,
) -> Result<RestaurantEvent, RestaurantRejection> {
    match command {
        RestaurantCommand::Register(_) => Err(RestaurantRejection::AlreadyRegistered),
        RestaurantCommand::UpdateProfile {
            name,
            styles,
            auto_fire,
        } => Ok(RestaurantEvent::ProfileUpdated {
            name,
            styles,
            auto_fire,
        }),
        RestaurantCommand::SetHours { hours } => Ok(RestaurantEvent::HoursSet { hours }),
        RestaurantCommand::SetZones { zones } => match check_zones(&zones) {
            Ok(()) => Ok(RestaurantEvent::ZonesSet { zones }),
            Err(faults) => Err(RestaurantRejection::ZonesRefused(faults)),
        },
        RestaurantCommand::SetTerms { terms } => match terms.check() {
            Ok(()) => Ok(RestaurantEvent::TermsSet { terms }),
            Err(faults) => Err(RestaurantRejection::TermsRefused(faults)),
        },
        RestaurantCommand::SetCapacity { capacity } => {
            Ok(RestaurantEvent::CapacitySet { capacity })
        }
        RestaurantCommand::Submit => Ok(RestaurantEvent::Submitted),
        RestaurantCommand::Approve { menu_published } => {
            let missing = missing_to_go_live(shop, menu_published);
            if missing.is_empty() {
                Ok(RestaurantEvent::Approved)
            } else {
                Err(RestaurantRejection::NotReady { missing })
            }
        }
        RestaurantCommand::Suspend { reason } => Ok(RestaurantEvent::Suspended { reason }),
        RestaurantCommand::Close { reason } => Ok(RestaurantEvent::Closed { reason }),
        RestaurantCommand::Pause {
            until: Some(until), ..
        } if until <= context.now => Err(RestaurantRejection::PauseAlreadyOver),
        RestaurantCommand::Pause { reason, until } => Ok(RestaurantEvent::Paused {
            reason,
            until,
            kind: PauseKind::ByStaff,
        }),
        RestaurantCommand::MarkUnreachable { reason, .. } => Ok(RestaurantEvent::Paused {
            reason,
            until: None,
            kind: PauseKind::Unreachable,
        }),
        RestaurantCommand::CloseToday { reason } => Ok(RestaurantEvent::Paused {
            reason,
            until: shop.opens_tomorrow(context.now),
            kind: PauseKind::ClosedToday,
        }),
        RestaurantCommand::MarkReachable | RestaurantCommand::Resume => {
            Ok(RestaurantEvent::Resumed)
        }
        RestaurantCommand::AddStaff { staff, .. }
            if shop.staff.len() >= STAFF_MAX && !shop.staff.contains_key(&staff) =>
        {
            Err(RestaurantRejection::TooMany)
        }
        RestaurantCommand::AddStaff {
            staff,
            name,
            role,
            principal,
        } => Ok(RestaurantEvent::StaffAdded {
            staff,
            name,
            role,
            principal,
        }),
        RestaurantCommand::RemoveStaff { staff } => Ok(RestaurantEvent::StaffRemoved { staff }),
        RestaurantCommand::AddDevice { device, .. }
            if shop.devices.len() >= DEVICES_MAX && !shop.devices.contains_key(&device) =>
        {
            Err(RestaurantRejection::TooMany)
        }
        RestaurantCommand::AddDevice { device, name } => {
            Ok(RestaurantEvent::DeviceAdded { device, name })
        }
        RestaurantCommand::RemoveDevice { device } => Ok(RestaurantEvent::DeviceRemoved { device }),
        RestaurantCommand::HearDevice { device } if !shop.devices.contains_key(&device) => {
            Err(RestaurantRejection::DeviceUnknown)
        }
        RestaurantCommand::HearDevice { device } => Ok(RestaurantEvent::DeviceHeard {
            device,
            at: context.now,
        }),
        RestaurantCommand::MissDevice { device, silent_for } => Ok(RestaurantEvent::DeviceMissed {
            device,
            silent_for,
            at: context.now,
        }),
    }
}
