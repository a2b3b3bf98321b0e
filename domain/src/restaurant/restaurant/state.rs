//! What is true of a shop, and how events change it.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use super::event::{PauseKind, Registration, RestaurantEvent, StaffRole, Zone};
use crate::kernel::geo::GeoPoint;
use crate::kernel::hours::WeeklyHours;
use crate::kernel::ids::{DeviceId, PrincipalId, RestaurantId, StaffId};
use crate::kernel::kitchen::KitchenCapacity;
use crate::kernel::sealed::Sealed;
use crate::kernel::tax::FulfilmentKind;
use crate::kernel::text::{Name, Reason};
use crate::restaurant::terms::Terms;

/// A shop at its stage.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, EnumDiscriminants)]
#[serde(tag = "stage", rename_all = "snake_case")]
#[strum_discriminants(name(RestaurantStage), doc = "The stages of a shop's life.")]
#[strum_discriminants(
    derive(Hash, IntoStaticStr, VariantArray),
    strum(serialize_all = "snake_case")
)]
pub enum Restaurant {
    /// Nobody has registered it.
    #[default]
    Unregistered,
    /// Being set up.
    Draft {
        /// What is known so far.
        shop: Box<Shop>,
    },
    /// Waiting for approval.
    Submitted {
        /// What is known.
        shop: Box<Shop>,
    },
    /// Selling, unless paused.
    Live {
        /// What is known.
        shop: Box<Shop>,
        /// Set while it takes no orders.
        pause: Option<Pause>,
    },
    /// Taken off by operations.
    Suspended {
        /// What is known.
        shop: Box<Shop>,
        /// Why.
        reason: Reason,
    },
    /// Gone for good.
    Closed {
        /// What is known.
        shop: Box<Shop>,
        /// Why.
        reason: Reason,
    },
}

/// All that was entered about a shop.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shop {
    /// What it is and where, with later changes of the profile.
    pub profile: Registration,
    /// When it is open.
    pub hours: Option<WeeklyHours>,
    /// Where it delivers.
    pub zones: Vec<Zone>,
    /// On what terms.
    pub terms: Option<Terms>,
    /// What its kitchen can do; it promises as if there were no limit when absent.
    #[serde(default)]
    pub capacity: Option<KitchenCapacity>,
    /// Who works there.
    #[serde(default)]
    pub staff: BTreeMap<StaffId, StaffMember>,
    /// Its devices.
    #[serde(default)]
    pub devices: BTreeMap<DeviceId, Device>,
}

/// Somebody who works at a shop.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StaffMember {
    /// Their name.
    pub name: Sealed<Name>,
    /// What they do.
    pub role: StaffRole,
    /// The account with which they sign in.
    pub principal: Option<PrincipalId>,
}

/// A device of a shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// What the shop calls it.
    pub name: Name,
    /// Whether it has been heard and not missed since.
    #[serde(default)]
    pub here: bool,
}

/// Why a shop takes no orders for now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Why.
    pub reason: Reason,
    /// Until when; without end when absent.
    pub until: Option<DateTime<Utc>>,
    /// What sort of pause it is.
    #[serde(default)]
    pub kind: PauseKind,
}

/// A live shop with all that a live shop has.
#[derive(Debug, Clone, Copy)]
pub struct LiveShop<'a> {
    /// What it is and where.
    pub profile: &'a Registration,
    /// When it is open.
    pub hours: &'a WeeklyHours,
    /// Where it delivers; at least one.
    pub zones: &'a [Zone],
    /// On what terms.
    pub terms: &'a Terms,
    /// What its kitchen can do, if it says so.
    pub capacity: Option<&'a KitchenCapacity>,
    /// Why it takes no orders, if it does not.
    pub pause: Option<&'a Pause>,
}

impl Restaurant {
    /// The shop's data at any stage but the first.
    pub fn shop(&self) -> Option<&Shop> {
        match self {
            Self::Unregistered => None,
            Self::Draft { shop }
            | Self::Submitted { shop }
            | Self::Live { shop, .. }
            | Self::Suspended { shop, .. }
            | Self::Closed { shop, .. } => Some(shop),
        }
    }

    /// The shop's id, once registered.
    pub fn id(&self) -> Option<RestaurantId> {
        self.shop().map(|shop| shop.profile.id)
    }

    /// The shop if it is live, paused or not.
    pub fn live(&self) -> Option<LiveShop<'_>> {
        match self {
            Self::Live { shop, pause } => Some(LiveShop {
                profile: &shop.profile,
                hours: shop.hours.as_ref()?,
                zones: &shop.zones,
                terms: shop.terms.as_ref()?,
                capacity: shop.capacity.as_ref(),
                pause: pause.as_ref(),
            }),
            Self::Unregistered
            | Self::Draft { .. }
            | Self::Submitted { .. }
            | Self::Suspended { .. }
            | Self::Closed { .. } => None,
        }
    }

    /// Why it takes no orders, if it is live and does not.
    pub fn pause(&self) -> Option<&Pause> {
        self.live().and_then(|live| live.pause)
    }

    fn shop_mut(&mut self) -> Option<&mut Shop> {
        match self {
            Self::Unregistered => None,
            Self::Draft { shop }
            | Self::Submitted { shop }
            | Self::Live { shop, .. }
            | Self::Suspended { shop, .. }
            | Self::Closed { shop, .. } => Some(shop),
        }
    }

    /// Puts the same shop into another stage.
    fn move_to(&mut self, stage: impl FnOnce(Box<Shop>) -> Self) {
        *self = match std::mem::take(self) {
            Self::Unregistered => Self::Unregistered,
            Self::Draft { shop }
            | Self::Submitted { shop }
            | Self::Live { shop, .. }
            | Self::Suspended { shop, .. }
            | Self::Closed { shop, .. } => stage(shop),
        };
    }

    fn set_pause(&mut self, to: Option<Pause>) {
        if let Self::Live { pause, .. } = self {
            *pause = to;
        }
    }

    fn set_here(&mut self, device: DeviceId, here: bool) {
        let device = self
            .shop_mut()
            .and_then(|shop| shop.devices.get_mut(&device));
        if let Some(device) = device {
            device.here = here;
        }
    }

    /// What is true after an event.
    pub(super) fn apply(&mut self, event: &RestaurantEvent) {
        match event {
            RestaurantEvent::Registered(registration) => {
                let profile = registration.as_ref().clone();
                *self = Self::Draft {
                    shop: Box::new(Shop {
                        profile,
                        hours: None,
                        zones: Vec::new(),
                        terms: None,
                        capacity: None,
                        staff: BTreeMap::new(),
                        devices: BTreeMap::new(),
                    }),
                };
            }
            RestaurantEvent::ProfileUpdated {
                name,
                styles,
                auto_fire,
            } => {
                if let Some(Shop { profile, .. }) = self.shop_mut() {
                    profile.name = name.clone().unwrap_or_else(|| profile.name.clone());
                    profile.styles = styles
                        .clone()
                        .unwrap_or_else(|| std::mem::take(&mut profile.styles));
                    profile.auto_fire = auto_fire.unwrap_or(profile.auto_fire);
                }
            }
            RestaurantEvent::HoursSet { hours } => {
                if let Some(shop) = self.shop_mut() {
                    shop.hours = Some(hours.clone());
                }
            }
            RestaurantEvent::ZonesSet { zones } => {
                if let Some(shop) = self.shop_mut() {
                    shop.zones.clone_from(zones);
                }
            }
            RestaurantEvent::TermsSet { terms } => {
                if let Some(shop) = self.shop_mut() {
                    shop.terms = Some(terms.clone());
                }
            }
            RestaurantEvent::CapacitySet { capacity } => {
                if let Some(shop) = self.shop_mut() {
                    shop.capacity = *capacity;
                }
            }
            RestaurantEvent::Submitted => self.move_to(|shop| Self::Submitted { shop }),
            RestaurantEvent::Approved => self.move_to(|shop| Self::Live { shop, pause: None }),
            RestaurantEvent::Suspended { reason } => {
                self.move_to(|shop| Self::Suspended {
                    shop,
                    reason: reason.clone(),
                });
            }
            RestaurantEvent::Closed { reason } => {
                self.move_to(|shop| Self::Closed {
                    shop,
                    reason: reason.clone(),
                });
            }
            RestaurantEvent::Paused {
                reason,
                until,
                kind,
            } => {
                self.set_pause(Some(Pause {
                    reason: reason.clone(),
                    until: *until,
                    kind: *kind,
                }));
            }
            RestaurantEvent::Resumed => self.set_pause(None),
            RestaurantEvent::StaffAdded {
                staff,
                name,
                role,
                principal,
            } => {
                if let Some(shop) = self.shop_mut() {
                    let member = StaffMember {
                        name: name.clone(),
                        role: *role,
                        principal: *principal,
                    };
                    shop.staff.insert(*staff, member);
                }
            }
            RestaurantEvent::StaffRemoved { staff } => {
                if let Some(shop) = self.shop_mut() {
                    shop.staff.remove(staff);
                }
            }
            RestaurantEvent::DeviceAdded { device, name } => {
                if let Some(shop) = self.shop_mut() {
                    let here = shop.devices.get(device).is_some_and(|known| known.here);
                    let name = name.clone();
                    shop.devices.insert(*device, Device { name, here });
                }
            }
            RestaurantEvent::DeviceRemoved { device } => {
                if let Some(shop) = self.shop_mut() {
                    shop.devices.remove(device);
                }
            }
            RestaurantEvent::DeviceHeard { device, .. } => self.set_here(*device, true),
            RestaurantEvent::DeviceMissed { device, .. } => self.set_here(*device, false),
        }
    }
}

impl Shop {
    /// Whether one of its devices has been heard and not missed since.
    pub(super) fn hears_a_device(&self) -> bool {
        self.devices.values().any(|device| device.here)
    }

    /// When it opens for the service date after the present one; never when its hours do not say so.
    pub(super) fn opens_tomorrow(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let hours = self.hours.as_ref()?;
        hours.next_service_date_opens(self.profile.time_zone, now)
    }
}

impl<'a> LiveShop<'a> {
    /// Whether a pause holds at an instant.
    pub fn is_paused(&self, at: DateTime<Utc>) -> bool {
        self.pause
            .is_some_and(|pause| pause.until.is_none_or(|until| at < until))
    }

    /// Whether an instant is within the hours.
    pub fn is_open(&self, at: DateTime<Utc>) -> bool {
        self.hours.is_open(self.profile.time_zone, at)
    }

    /// Whether orders are taken at an instant: within the hours, and before the last order of this fulfilment.
    pub fn takes_orders(&self, at: DateTime<Utc>, kind: FulfilmentKind) -> bool {
        self.hours.takes_orders(self.profile.time_zone, at, kind)
    }

    /// The service date to which an instant belongs, when the shop is open.
    pub fn service_date(&self, at: DateTime<Utc>) -> Option<NaiveDate> {
        self.hours.service_date(self.profile.time_zone, at)
    }

    /// The zone that decides for a place: the first in the shop's order that contains it.
    pub fn zone_at(&self, place: GeoPoint) -> Option<&'a Zone> {
        self.zones.iter().find(|zone| zone.polygon.contains(place))
    }
}
