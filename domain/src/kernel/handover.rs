//! How food changes hands at the door, or why it cannot: words that orders and deliveries share.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The code that a customer tells the driver: four digits. Guesses are counted by the delivery.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pin(String);

/// The text is no such code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a code is four digits")]
pub struct PinMalformed;

impl Pin {
    /// The code with this number; only its last four digits count.
    pub fn new(number: u32) -> Self {
        Self(format!("{:04}", number % 10_000))
    }

    /// The four digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Pin {
    type Error = PinMalformed;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let digits = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
        if digits {
            Ok(Self(text))
        } else {
            Err(PinMalformed)
        }
    }
}

impl From<Pin> for String {
    fn from(pin: Pin) -> Self {
        pin.0
    }
}

impl std::fmt::Debug for Pin {
    /// Shows nothing: whoever reads a log must not be able to take the food.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pin(…)")
    }
}

/// How a delivery was proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
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
    Pin => "pin_malformed",
    ProofMethod => "proof_method_unknown",
    UndeliverableReason => "reason_unknown",
}
