//! How food changes hands at the door, or why it cannot: words that orders and deliveries share.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How a delivery was proved.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ProofMethod {
    /// The customer's code.
    Pin,
    /// A photo at the door.
    Photo,
    /// A signature.
    Signature,
}

/// Why food could not be handed over.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum UndeliverableReason {
    /// Nobody opened or answered.
    NoAnswer,
    /// The address does not exist or cannot be found.
    AddressNotFound,
    /// The customer did not take it.
    Refused,
    /// The place is not safe for the courier.
    Unsafe,
    /// The food was damaged on the way.
    Damaged,
    /// The customer may not receive it for their age.
    AgeCheck,
}

super::collect::leaf! {
    ProofMethod => "proof_method_unknown",
    UndeliverableReason => "reason_unknown",
}
