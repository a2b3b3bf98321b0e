//! What can happen to a delivery.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray, VariantNames};
use utoipa::ToSchema;

use crate::collect_struct;
use crate::decider::Event;
use crate::kernel::actor::Actor;
use crate::kernel::address::Address;
use crate::kernel::collect::leaf;
use crate::kernel::geo::GeoPoint;
use crate::kernel::handover::{Pin, ProofMethod, UndeliverableReason};
use crate::kernel::ids::{CustomerId, DriverId, OrderId, RestaurantId};
use crate::kernel::quantity::Metres;
use crate::kernel::sample;
use crate::kernel::sealed::Sealed;
use crate::kernel::text::{Name, Reason};

/// A fact about a delivery.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, VariantNames, IntoStaticStr,
)]
#[serde(tag = "type", rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum DeliveryEvent {
    /// An order is to be brought.
    Requested(Box<DeliveryRequest>),
    /// A driver has it to do.
    Assigned {
        /// Who.
        driver: DriverId,
        /// Who said so.
        by: Actor,
        /// When.
        at: DateTime<Utc>,
    },
    /// The driver no longer has it to do.
    Unassigned {
        /// Who.
        driver: DriverId,
        /// Why.
        reason: UnassignReason,
        /// When.
        at: DateTime<Utc>,
    },
    /// The driver is at the shop.
    ArrivedAtPickup {
        /// When.
        at: DateTime<Utc>,
    },
    /// The driver looked at what is to be carried; or the shop or ops let it go as it was found.
    PickupVerified {
        /// What was found.
        checks: PickupChecks,
        /// Who lets it go although a check fails.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        override_by: Option<Actor>,
        /// Why that is so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        override_reason: Option<Reason>,
        /// When.
        at: DateTime<Utc>,
    },
    /// The driver has the food.
    PickedUp {
        /// When.
        at: DateTime<Utc>,
    },
    /// The driver left for the door.
    Departed {
        /// When.
        at: DateTime<Utc>,
    },
    /// The driver is at the door.
    ArrivedAtDropoff {
        /// When.
        at: DateTime<Utc>,
    },
    /// The driver tried to reach the customer.
    ContactAttempted {
        /// How.
        channel: ContactChannel,
        /// When.
        at: DateTime<Utc>,
    },
    /// The code that the customer gave was wrong.
    PinFailed {
        /// When.
        at: DateTime<Utc>,
    },
    /// The customer has the food.
    Delivered {
        /// How that is proved.
        proof: Proof,
        /// When.
        at: DateTime<Utc>,
    },
    /// The food could not be handed over.
    Failed {
        /// Why.
        reason: UndeliverableReason,
        /// When.
        at: DateTime<Utc>,
    },
    /// The note at the door or its pin was put right.
    DropoffCorrected {
        /// Where to bring it from now on.
        dropoff: Sealed<Address>,
        /// When.
        at: DateTime<Utc>,
    },
    /// The transport is called off.
    Cancelled {
        /// Why.
        reason: Reason,
        /// When.
        at: DateTime<Utc>,
    },
}

/// What a delivery knows of its order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryRequest {
    /// The order.
    pub order: OrderId,
    /// The shop.
    pub restaurant: RestaurantId,
    /// Who gets it.
    pub customer: CustomerId,
    /// Number of the order on its service date, as on its label.
    pub number: u32,
    /// Where to fetch it.
    pub pickup: GeoPoint,
    /// The shop's name.
    pub pickup_name: Name,
    /// Where to bring it.
    pub dropoff: Sealed<Address>,
    /// The code that the customer tells the driver.
    pub pin: Sealed<Pin>,
    /// How many bowls.
    pub bowls: u32,
    /// When the food stops being ramen, if its bowls are sealed already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<DateTime<Utc>>,
    /// When it was asked for.
    pub at: DateTime<Utc>,
}

/// What a driver checks before carrying; true also where there is nothing to check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "five checks, each passed or not"
)]
pub struct PickupChecks {
    /// The seal was scanned and is whole.
    pub seal: bool,
    /// The broth stands upright.
    pub upright: bool,
    /// The hot bag is closed and warm.
    pub hot_bag: bool,
    /// Cold items are in a bag of their own.
    pub cold_separate: bool,
    /// Crisp toppings are dry.
    pub toppings_dry: bool,
}

/// One of the checks.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, IntoStaticStr, VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum PickupCheck {
    /// The seal.
    Seal,
    /// Broth upright.
    Upright,
    /// The hot bag.
    HotBag,
    /// Cold items apart.
    ColdSeparate,
    /// Dry toppings.
    ToppingsDry,
}

impl PickupChecks {
    /// Everything is as it should be.
    pub const PASSED: Self = Self {
        seal: true,
        upright: true,
        hot_bag: true,
        cold_separate: true,
        toppings_dry: true,
    };

    /// The checks that failed.
    pub fn failing(self) -> Vec<PickupCheck> {
        let passed = |check: &PickupCheck| match check {
            PickupCheck::Seal => self.seal,
            PickupCheck::Upright => self.upright,
            PickupCheck::HotBag => self.hot_bag,
            PickupCheck::ColdSeparate => self.cold_separate,
            PickupCheck::ToppingsDry => self.toppings_dry,
        };
        PickupCheck::VARIANTS
            .iter()
            .copied()
            .filter(|check| !passed(check))
            .collect()
    }
}

/// How a handover is proved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct Proof {
    /// By what.
    pub method: ProofMethod,
    /// The photo or signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_sha256: Option<MediaHash>,
    /// How far from the door it was taken, when the place is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distance_m: Option<Metres>,
}

/// SHA-256 of a photo's bytes: 64 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
pub struct MediaHash(String);

/// The text is no SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a media hash is 64 lower-case hexadecimal digits")]
pub struct MediaHashMalformed;

impl TryFrom<String> for MediaHash {
    type Error = MediaHashMalformed;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == 64 && text.bytes().all(hex) {
            Ok(Self(text))
        } else {
            Err(MediaHashMalformed)
        }
    }
}

impl From<MediaHash> for String {
    fn from(hash: MediaHash) -> Self {
        hash.0
    }
}

/// Why a driver no longer carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnassignReason {
    /// The driver gave it up.
    Dropped,
    /// Another driver was chosen.
    Reassigned,
    /// The driver may no longer carry.
    Suspended,
}

/// How a customer was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContactChannel {
    /// By telephone.
    Call,
    /// By text message.
    Message,
    /// At the door.
    Door,
}

collect_struct!(PickupChecks {
    seal,
    upright,
    hot_bag,
    cold_separate,
    toppings_dry
});

leaf! {
    MediaHash => "media_hash_malformed",
    UnassignReason => "reason_unknown",
    ContactChannel => "contact_channel_unknown",
}

impl Event for DeliveryEvent {
    fn name(&self) -> &'static str {
        self.into()
    }

    fn samples() -> Vec<Self> {
        let at = sample::minute(20);
        let driver = sample::id(6);
        let media_sha256 = Some(MediaHash("5f".repeat(32)));
        vec![
            Self::Requested(Box::new(DeliveryRequest::sample())),
            Self::Assigned {
                driver,
                by: Actor::Ops { id: sample::id(9) },
                at,
            },
            Self::Unassigned {
                driver,
                reason: UnassignReason::Dropped,
                at,
            },
            Self::ArrivedAtPickup { at },
            Self::PickupVerified {
                checks: PickupChecks {
                    upright: false,
                    ..PickupChecks::PASSED
                },
                override_by: Some(Actor::Restaurant { id: sample::id(10) }),
                override_reason: Some(sample::reason("a spoon of broth in the bag")),
                at,
            },
            Self::PickedUp { at },
            Self::Departed { at },
            Self::ArrivedAtDropoff { at },
            Self::ContactAttempted {
                channel: ContactChannel::Call,
                at,
            },
            Self::PinFailed { at },
            Self::Delivered {
                proof: Proof {
                    method: ProofMethod::Photo,
                    media_sha256,
                    distance_m: Some(Metres::new(12)),
                },
                at,
            },
            Self::Failed {
                reason: UndeliverableReason::NoAnswer,
                at,
            },
            Self::DropoffCorrected {
                dropoff: sample::sealed("ordering.order", "address"),
                at,
            },
            Self::Cancelled {
                reason: sample::reason("order cancelled"),
                at,
            },
        ]
    }
}

impl DeliveryRequest {
    /// For samples of events.
    pub(crate) fn sample() -> Self {
        Self {
            order: sample::id(3),
            restaurant: sample::id(2),
            customer: sample::id(1),
            number: 7,
            pickup: GeoPoint::parse(25.033, 121.5654).expect("a place"),
            pickup_name: sample::name("Menya Sample"),
            dropoff: sample::sealed("ordering.cart", "address"),
            pin: sample::sealed("delivery.delivery", "pin"),
            bowls: 1,
            deadline: Some(sample::minute(42)),
            at: sample::minute(20),
        }
    }
}
