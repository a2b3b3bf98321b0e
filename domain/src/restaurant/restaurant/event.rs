//! What can happen to a shop, and the values that its events carry.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantNames};
use utoipa::ToSchema;

use crate::decider::Event;
use crate::kernel::address::Country;
use crate::kernel::bowl::Style;
use crate::kernel::geo::{GeoPoint, Polygon};
use crate::kernel::hours::WeeklyHours;
use crate::kernel::ids::{DeviceId, PrincipalId, RestaurantId, StaffId};
use crate::kernel::key::Key;
use crate::kernel::kitchen::KitchenCapacity;
use crate::kernel::money::{Currency, Price};
use crate::kernel::quantity::Minutes;
use crate::kernel::sealed::Sealed;
use crate::kernel::text::{Name, Reason, Wording};
use crate::kernel::time::TimeZone;
use crate::restaurant::terms::Terms;

/// What a shop is and where. Public, so nothing in it is sealed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Registration {
    /// The shop's id.
    pub id: RestaurantId,
    /// Its name.
    pub name: Name,
    /// Who owns it; nobody yet when it was imported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<PrincipalId>,
    /// Where its clock hangs.
    pub time_zone: TimeZone,
    /// What it is paid in.
    pub currency: Currency,
    /// Its country.
    pub country: Country,
    /// Its city.
    pub city: Name,
    /// Its address as people write it.
    pub address_text: Wording,
    /// Its door.
    pub location: GeoPoint,
    /// What it is known for.
    pub styles: Vec<Style>,
    /// Where it was imported from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceRef>,
    /// Its public telephone, as it is written there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Name>,
    /// Whether accepted orders are fired by themselves.
    #[serde(default)]
    pub auto_fire: bool,
}

/// A row of somebody else's data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct SourceRef {
    /// Which data, for instance `openstreetmap`.
    #[schema(inline)]
    pub source: Key,
    /// The row's id there.
    #[schema(inline)]
    pub source_id: Name,
}

/// Where the shop delivers, and on what conditions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct Zone {
    /// The shop's name for it.
    #[schema(inline)]
    pub key: Key,
    /// Its outline.
    #[schema(inline)]
    pub polygon: Polygon,
    /// The delivery fee.
    #[schema(inline)]
    pub fee_minor: Price,
    /// The least that the dishes must come to.
    #[schema(inline)]
    pub minimum_minor: Price,
    /// How long the way takes.
    #[schema(inline)]
    pub minutes: Minutes,
    /// Styles whose clock is too short for all of it, each with where it is delivered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub style_limits: Vec<StyleLimit>,
}

/// Within a zone, where a style is delivered whose clock is short.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct StyleLimit {
    /// The style.
    pub style: Style,
    /// Where it is delivered; outside of it, the zone does not take this style.
    #[schema(inline)]
    pub polygon: Polygon,
}

impl Zone {
    /// Whether a style can be delivered to a place of this zone.
    pub fn takes(&self, style: Style, place: GeoPoint) -> bool {
        self.style_limits
            .iter()
            .filter(|limit| limit.style == style)
            .all(|limit| limit.polygon.contains(place))
    }
}

crate::collect_struct!(SourceRef { source, source_id });
crate::collect_struct!(Zone {
    key,
    polygon,
    fee_minor,
    minimum_minor,
    minutes,
    style_limits = Vec::new(),
});
crate::collect_struct!(StyleLimit { style, polygon });

/// A fact in a shop's history.
#[derive(
    Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, IntoStaticStr, VariantNames,
)]
#[serde(tag = "type", rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum RestaurantEvent {
    /// The shop was entered, as a draft.
    Registered(Box<Registration>),
    /// Name, styles or the firing of orders changed; what is absent stayed.
    ProfileUpdated {
        /// The new name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<Name>,
        /// The new styles.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        styles: Option<Vec<Style>>,
        /// The new firing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        auto_fire: Option<bool>,
    },
    /// The hours are now these.
    HoursSet {
        /// All of them.
        hours: WeeklyHours,
    },
    /// The delivery zones are now these, the first that contains a place decides.
    ZonesSet {
        /// All of them.
        zones: Vec<Zone>,
    },
    /// The terms are now these.
    TermsSet {
        /// All of them.
        terms: Terms,
    },
    /// What the kitchen can do is now this.
    CapacitySet {
        /// All of it; nothing promises as if there were no limit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        capacity: Option<KitchenCapacity>,
    },
    /// The owner asked to go live.
    Submitted,
    /// The shop went live.
    Approved,
    /// Operations took the shop off.
    Suspended {
        /// Why.
        reason: Reason,
    },
    /// The shop is gone for good.
    Closed {
        /// Why.
        reason: Reason,
    },
    /// The shop takes no orders for now.
    Paused {
        /// Why.
        reason: Reason,
        /// When it resumes by itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<DateTime<Utc>>,
        /// What sort of pause it is.
        #[serde(default, skip_serializing_if = "PauseKind::is_by_staff")]
        kind: PauseKind,
    },
    /// The shop takes orders again.
    Resumed,
    /// Somebody works there.
    StaffAdded {
        /// Who, by an id of this shop.
        staff: StaffId,
        /// Their name.
        name: Sealed<Name>,
        /// What they do.
        role: StaffRole,
        /// The account with which they sign in; none when they only use the shop's devices.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        principal: Option<PrincipalId>,
    },
    /// Somebody no longer works there.
    StaffRemoved {
        /// Who.
        staff: StaffId,
    },
    /// The shop has another device.
    DeviceAdded {
        /// Which.
        device: DeviceId,
        /// What the shop calls it; orders that it acknowledges carry this name.
        name: Name,
    },
    /// A device is no longer the shop's.
    DeviceRemoved {
        /// Which.
        device: DeviceId,
    },
    /// A device is there: the first sign of it, or the first after it was missed. While it goes on saying so, once a
    /// minute, nothing is written; so a device costs two events for each time that it is switched on and off.
    DeviceHeard {
        /// Which.
        device: DeviceId,
        /// Since when.
        at: DateTime<Utc>,
    },
    /// A device that was there has said nothing for a while: its last sign is that much older than this event.
    DeviceMissed {
        /// Which.
        device: DeviceId,
        /// For how long.
        silent_for: Minutes,
        /// When that was noticed.
        at: DateTime<Utc>,
    },
}

/// What sort of pause a shop takes.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum PauseKind {
    /// Somebody asked for it.
    #[default]
    ByStaff,
    /// Nobody at the shop answers.
    Unreachable,
    /// The shop is closed for the rest of the service date.
    ClosedToday,
}

impl PauseKind {
    /// Whether it lasts until somebody at the shop answers.
    pub fn is_unreachable(&self) -> bool {
        *self == Self::Unreachable
    }

    /// Whether somebody asked for it.
    pub fn is_by_staff(&self) -> bool {
        *self == Self::ByStaff
    }
}

/// What somebody does at a shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StaffRole {
    /// Runs it in the owner's place.
    Manager,
    /// Cooks.
    Cook,
    /// Packs and hands over.
    Counter,
}

crate::kernel::collect::leaf! {
    PauseKind => "pause_kind_unknown",
    StaffRole => "staff_role_unknown",
}

impl Event for RestaurantEvent {
    fn name(&self) -> &'static str {
        self.into()
    }

    fn samples() -> Vec<Self> {
        samples::all()
    }
}

/// One of every event.
mod samples {
    use super::{
        GeoPoint, Minutes, PauseKind, Polygon, Price, Registration, RestaurantEvent, SourceRef,
        StaffRole, Style, StyleLimit, Terms, WeeklyHours, Wording, Zone,
    };
    use crate::kernel::commission::{CommissionBase, CommissionPlan};
    use crate::kernel::sample::{good, id, json, key, minute, name, reason, sealed};
    use crate::kernel::tax::{FulfilmentKind, TaxClass};
    use crate::restaurant::terms::{SmallOrder, Tax, TaxMode, TaxRate};

    pub(super) fn all() -> Vec<RestaurantEvent> {
        vec![
            RestaurantEvent::Registered(Box::new(registration())),
            RestaurantEvent::ProfileUpdated {
                name: Some(name("Menya Sora")),
                styles: Some(vec![Style::Shio]),
                auto_fire: Some(true),
            },
            RestaurantEvent::HoursSet { hours: hours() },
            RestaurantEvent::ZonesSet {
                zones: vec![zone()],
            },
            RestaurantEvent::TermsSet { terms: terms() },
            RestaurantEvent::CapacitySet {
                capacity: Some(json(
                    r#"{"baskets": 6, "bowls_per_slot": 30, "max_bowls_per_order": 12}"#,
                )),
            },
            RestaurantEvent::Submitted,
            RestaurantEvent::Approved,
            RestaurantEvent::Suspended {
                reason: reason("boiler is broken"),
            },
            RestaurantEvent::Closed {
                reason: reason("boiler is broken"),
            },
            RestaurantEvent::Paused {
                reason: reason("boiler is broken"),
                until: Some(minute(30)),
                kind: PauseKind::ClosedToday,
            },
            RestaurantEvent::Resumed,
            RestaurantEvent::StaffAdded {
                staff: id(11),
                name: sealed("restaurant.restaurant", "staff"),
                role: StaffRole::Cook,
                principal: Some(id(12)),
            },
            RestaurantEvent::StaffRemoved { staff: id(11) },
            RestaurantEvent::DeviceAdded {
                device: id(13),
                name: name("Kitchen tablet"),
            },
            RestaurantEvent::DeviceRemoved { device: id(13) },
            RestaurantEvent::DeviceHeard {
                device: id(13),
                at: minute(30),
            },
            RestaurantEvent::DeviceMissed {
                device: id(13),
                silent_for: Minutes::new(3),
                at: minute(45),
            },
        ]
    }

    fn registration() -> Registration {
        Registration {
            id: id(1),
            name: name("Menya Umi"),
            owner: Some(id(2)),
            time_zone: json(r#""Asia/Tokyo""#),
            currency: json(r#""JPY""#),
            country: json(r#""JP""#),
            city: name("Tokyo"),
            address_text: good(Wording::parse("1-2-3 Dogenzaka, Shibuya")),
            location: good(GeoPoint::parse(35.6581, 139.6975)),
            styles: vec![Style::HakataTonkotsu, Style::Miso],
            source: Some(SourceRef {
                source: key("openstreetmap"),
                source_id: name("node/123"),
            }),
            phone: Some(name("+81 3-1234-5678")),
            auto_fire: false,
        }
    }

    fn hours() -> WeeklyHours {
        json(
            r#"{"days": [{"weekday": "fri", "opens": "18:00", "closes": "02:00"}],
                "exceptions": [{"date": "2027-01-01", "ranges": [{"opens": "12:00", "closes": "15:00"}]}],
                "last_order": {"delivery": 45, "pickup": 15}}"#,
        )
    }

    fn zone() -> Zone {
        let corner = |lat, lon| good(GeoPoint::parse(lat, lon));
        let corners = vec![
            corner(35.6, 139.6),
            corner(35.6, 139.8),
            corner(35.7, 139.8),
            corner(35.7, 139.6),
        ];
        let inner = vec![
            corner(35.62, 139.62),
            corner(35.62, 139.78),
            corner(35.68, 139.7),
        ];
        Zone {
            key: key("near"),
            style_limits: vec![StyleLimit {
                style: Style::HiyashiChuka,
                polygon: good(Polygon::parse(inner)),
            }],
            polygon: good(Polygon::parse(corners)),
            fee_minor: price(350),
            minimum_minor: price(1000),
            minutes: crate::kernel::quantity::Minutes::new(12),
        }
    }

    fn terms() -> Terms {
        Terms {
            seller: name("Menya Umi K.K."),
            tax_id: Some(name("T1234567890123")),
            tax: Tax {
                mode: TaxMode::Inclusive,
                food_bp: json("800"),
                fee_bp: json("1000"),
                rates: vec![TaxRate {
                    class: TaxClass::Alcohol,
                    fulfilment: Some(FulfilmentKind::Pickup),
                    from: Some(json(r#""2027-04-01""#)),
                    rate_bp: json("1000"),
                }],
            },
            commission_bp: json("1500"),
            commission_plans: vec![CommissionPlan {
                from: Some(json(r#""2027-04-01""#)),
                rate_bp: json("1200"),
                base: CommissionBase::Dishes,
                fixed_minor: price(20),
            }],
            small_order: Some(SmallOrder {
                below_minor: price(1500),
                fee_minor: price(200),
            }),
            packaging_fee_minor: price(50),
            service_fee_bp: json("250"),
        }
    }

    fn price(minor: i64) -> Price {
        good(Price::try_from(minor))
    }
}
