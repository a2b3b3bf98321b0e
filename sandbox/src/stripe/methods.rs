//! Stripe's test payment methods (docs.stripe.com/testing) and what becomes of a payment with each.

use serde::{Deserialize, Serialize};

/// What the issuer and Stripe do with a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The payment is authorised.
    Approve,
    /// The payment is declined.
    Decline(Decline),
}

/// The codes of a decline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Decline {
    pub(crate) code: &'static str,
    pub(crate) decline_code: &'static str,
}

/// When the customer must authenticate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Challenge {
    Never,
    /// Always; off session the payment is declined instead.
    Always,
    /// On session always; off session only until the method was set up.
    UntilSetUp,
    /// On session only.
    OnSession,
}

/// What happens after the authorisation or the refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aftermath {
    Nothing,
    /// A review is opened because of elevated risk.
    Review,
    /// The charge is blocked by Radar rather than by the issuer.
    Blocked,
    /// A dispute with this reason and status follows the capture.
    Dispute {
        reason: &'static str,
        status: &'static str,
    },
    /// An early fraud warning follows the capture.
    FraudWarning,
    /// Funds are available at once.
    FundsAtOnce,
    /// Refunds are pending at first and succeed later.
    RefundPending,
    /// Refunds succeed at first and fail later.
    RefundFails,
}

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TestMethod {
    /// The name after `pm_card_`.
    pub(crate) name: &'static str,
    pub(crate) brand: &'static str,
    pub(crate) last4: &'static str,
    pub(crate) outcome: Outcome,
    pub(crate) challenge: Challenge,
    pub(crate) aftermath: Aftermath,
}

/// A card: a reference into the table, stored by its name.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct Card(&'static TestMethod);

impl std::ops::Deref for Card {
    type Target = TestMethod;

    fn deref(&self) -> &TestMethod {
        self.0
    }
}

impl Card {
    /// The card behind `pm_card_…`, if Stripe knows it.
    pub(crate) fn parse(id: &str) -> Option<Self> {
        let name = id.strip_prefix("pm_card_")?;
        TABLE.iter().find(|row| row.name == name).map(Self)
    }
}

impl From<Card> for String {
    fn from(card: Card) -> Self {
        format!("pm_card_{}", card.0.name)
    }
}

impl TryFrom<String> for Card {
    type Error = String;

    fn try_from(id: String) -> Result<Self, String> {
        Self::parse(&id).ok_or_else(|| format!("no test payment method {id}"))
    }
}

const fn good(name: &'static str, brand: &'static str, last4: &'static str) -> TestMethod {
    let (outcome, challenge) = (Outcome::Approve, Challenge::Never);
    TestMethod {
        name,
        brand,
        last4,
        outcome,
        challenge,
        aftermath: Aftermath::Nothing,
    }
}

const fn after(name: &'static str, last4: &'static str, aftermath: Aftermath) -> TestMethod {
    TestMethod {
        aftermath,
        ..good(name, "visa", last4)
    }
}

const fn declined(
    name: &'static str,
    last4: &'static str,
    code: &'static str,
    decline_code: &'static str,
) -> TestMethod {
    let outcome = Outcome::Decline(Decline { code, decline_code });
    TestMethod {
        outcome,
        ..good(name, "visa", last4)
    }
}

const fn challenged(method: TestMethod, challenge: Challenge) -> TestMethod {
    TestMethod {
        challenge,
        ..method
    }
}

/// The decline of an off-session payment that needed the customer.
pub(crate) const AUTHENTICATION_REQUIRED: Decline = Decline {
    code: "authentication_required",
    decline_code: "authentication_required",
};

const DISPUTED: Aftermath = Aftermath::Dispute {
    reason: "fraudulent",
    status: "needs_response",
};
const NOT_RECEIVED: Aftermath = Aftermath::Dispute {
    reason: "product_not_received",
    status: "needs_response",
};
const INQUIRY: Aftermath = Aftermath::Dispute {
    reason: "general",
    status: "warning_needs_response",
};

const CARD: &str = "card_declined";

/// All methods the simulator knows; any other is `resource_missing`.
const TABLE: &[TestMethod] = &[
    good("visa", "visa", "4242"),
    good("mastercard", "mastercard", "4444"),
    good("amex", "amex", "8431"),
    declined("visa_chargeDeclined", "0002", CARD, "generic_decline"),
    declined(
        "visa_chargeDeclinedInsufficientFunds",
        "9995",
        CARD,
        "insufficient_funds",
    ),
    declined("visa_chargeDeclinedLostCard", "9987", CARD, "lost_card"),
    declined("visa_chargeDeclinedStolenCard", "9979", CARD, "stolen_card"),
    declined(
        "visa_chargeDeclinedVelocityLimitExceeded",
        "6975",
        CARD,
        "card_velocity_exceeded",
    ),
    declined("chargeDeclined", "0002", CARD, "generic_decline"),
    declined(
        "chargeDeclinedInsufficientFunds",
        "9995",
        CARD,
        "insufficient_funds",
    ),
    declined("chargeDeclinedLostCard", "9987", CARD, "lost_card"),
    declined("chargeDeclinedStolenCard", "9979", CARD, "stolen_card"),
    declined(
        "chargeDeclinedVelocityLimitExceeded",
        "6975",
        CARD,
        "card_velocity_exceeded",
    ),
    declined(
        "chargeDeclinedExpiredCard",
        "0069",
        "expired_card",
        "expired_card",
    ),
    declined(
        "chargeDeclinedIncorrectCvc",
        "0127",
        "incorrect_cvc",
        "incorrect_cvc",
    ),
    declined(
        "chargeDeclinedProcessingError",
        "0119",
        "processing_error",
        "processing_error",
    ),
    declined("chargeCustomerFail", "0341", CARD, "generic_decline"),
    challenged(
        good("authenticationRequired", "visa", "3184"),
        Challenge::Always,
    ),
    challenged(
        good("threeDSecure2Required", "visa", "3220"),
        Challenge::Always,
    ),
    challenged(
        good("authenticationRequiredOnSetup", "visa", "3155"),
        Challenge::UntilSetUp,
    ),
    challenged(
        good("authenticationRequiredSetupForOffSession", "visa", "3178"),
        Challenge::OnSession,
    ),
    challenged(
        declined(
            "authenticationRequiredChargeDeclinedInsufficientFunds",
            "8260",
            CARD,
            "insufficient_funds",
        ),
        Challenge::Always,
    ),
    challenged(
        declined(
            "threeDSecureRequiredChargeDeclined",
            "1629",
            CARD,
            "generic_decline",
        ),
        Challenge::Always,
    ),
    // The lookup itself fails, so there is no challenge.
    declined(
        "threeDSecureRequiredProcessingError",
        "1692",
        CARD,
        "generic_decline",
    ),
    good("threeDSecureOptional", "visa", "3055"),
    TestMethod {
        aftermath: Aftermath::Blocked,
        ..declined("radarBlock", "0019", CARD, "fraudulent")
    },
    after("riskLevelElevated", "9235", Aftermath::Review),
    after("createDispute", "0259", DISPUTED),
    after("createDisputeProductNotReceived", "2685", NOT_RECEIVED),
    after("createDisputeInquiry", "1976", INQUIRY),
    after("createIssuerFraudRecord", "5423", Aftermath::FraudWarning),
    after("bypassPending", "0077", Aftermath::FundsAtOnce),
    after("pendingRefund", "7726", Aftermath::RefundPending),
    after("refundFail", "5126", Aftermath::RefundFails),
];

/// What Stripe tells the customer, by code.
pub(crate) fn message(decline: Decline) -> &'static str {
    match (decline.code, decline.decline_code) {
        ("expired_card", _) => "Your card has expired.",
        ("incorrect_cvc", _) => "Your card's security code is incorrect.",
        ("processing_error", _) => {
            "An error occurred while processing your card. Try again in a little bit."
        }
        ("authentication_required", _) => {
            "Your card was declined. This transaction requires authentication."
        }
        (_, "insufficient_funds") => "Your card has insufficient funds.",
        _ => "Your card was declined.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_stored_by_name() {
        for row in TABLE {
            assert_eq!(
                TABLE.iter().filter(|other| other.name == row.name).count(),
                1
            );
            let id = String::from(Card(row));
            assert_eq!(Card::parse(&id).map(|card| card.name), Some(row.name));
        }
        assert!(Card::parse("pm_card_unknown").is_none());
    }
}
