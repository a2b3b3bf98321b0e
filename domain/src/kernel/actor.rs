//! Who acts, and through which channel.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ids::{CustomerId, DriverId, PrincipalId};
use super::key::Key;

/// Who asked for something.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Actor {
    /// A customer.
    Customer {
        /// Which.
        id: CustomerId,
    },
    /// Somebody of the shop: the owner, staff or the shop's device.
    Restaurant {
        /// The principal who signed in.
        id: PrincipalId,
    },
    /// A driver.
    Driver {
        /// Which.
        id: DriverId,
    },
    /// Somebody of the marketplace's operations.
    Ops {
        /// The principal who signed in.
        id: PrincipalId,
    },
    /// The system itself.
    System {
        /// The process, for instance `order_fulfilment`.
        process: Key,
    },
}

/// Where an order comes in.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    JsonSchema,
    strum::IntoStaticStr,
    strum::EnumString,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Channel {
    /// The phone app.
    App,
    /// The web site.
    Web,
    /// A point of sale.
    Pos,
    /// Somebody's own program.
    Api,
}

super::collect::leaf! {
    Actor => "actor_malformed",
    Channel => "channel_unknown",
}
