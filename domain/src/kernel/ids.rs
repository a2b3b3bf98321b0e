//! The one list of ids. Mixing two kinds does not compile.
//!
//! Deliberately shared: a shop's Menu and Inventory have the shop's id; a customer's and a driver's id is their principal's.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[derive(schemars::JsonSchema, utoipa::ToSchema)]
        #[serde(transparent)]
        #[schema(value_type = Uuid)]
        pub struct $name(Uuid);

        impl $name {
            /// Takes a UUID to be this kind of id.
            pub const fn new(id: Uuid) -> Self {
                Self(id)
            }

            /// The bare UUID.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        crate::kernel::collect::leaf!($name => "id_malformed");
    )+ };
}

ids! {
    /// A shop; also the id of its menu and its inventory.
    RestaurantId,
    /// A cart.
    CartId,
    /// An order; also the id of its stock hold.
    OrderId,
    /// A payment.
    PaymentId,
    /// A delivery.
    DeliveryId,
    /// A driver; the same UUID as the driver's principal.
    DriverId,
    /// A customer; the same UUID as the customer's principal.
    CustomerId,
    /// Whoever signs in.
    PrincipalId,
    /// A promotion; one with a code has its id from issuer and code.
    PromotionId,
    /// Somebody who works at a shop.
    StaffId,
    /// A device of a shop.
    DeviceId,
}

impl From<PrincipalId> for CustomerId {
    fn from(id: PrincipalId) -> Self {
        Self(id.0)
    }
}

impl From<PrincipalId> for DriverId {
    fn from(id: PrincipalId) -> Self {
        Self(id.0)
    }
}

/// Namespace of the ids of imported shops.
const IMPORTED_SHOPS: Uuid = Uuid::from_u128(0x6b1f_3c52_8d0e_5a47_9c61_2f7e_d4a8_0b39);

/// Namespace of the ids of carts.
const CARTS: Uuid = Uuid::from_u128(0x1f0c_77ad_3b52_5e1c_8a90_6d4f_0c2b_9e17);

impl CartId {
    /// The id of a customer's `number`th cart at a shop, from 0: a `UUIDv5` of the three, so that of two who open it
    /// at once only one does.
    pub fn of(customer: CustomerId, restaurant: RestaurantId, number: u32) -> Self {
        Self(Uuid::new_v5(
            &CARTS,
            format!("{customer}\n{restaurant}\n{number}").as_bytes(),
        ))
    }
}

impl RestaurantId {
    /// The id of an imported shop: a `UUIDv5` of source and source id, so that a second import finds the first.
    pub fn imported(source: &str, source_id: &str) -> Self {
        Self(Uuid::new_v5(
            &IMPORTED_SHOPS,
            format!("{source}\n{source_id}").as_bytes(),
        ))
    }
}
