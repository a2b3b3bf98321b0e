//! What Stripe.js does in the customer's browser: confirm an intent with a card, using the
//! publishable key and the intent's client secret. The secret key never comes near it.

use anyhow::{Context as _, bail};
use serde::Deserialize;
use serde_json::Value;

use super::api::Api;

/// The card form of one payment, filled from the API's payment session.
pub(crate) struct CardForm {
    /// Where the vendor's API is, such as `https://api.stripe.com`.
    pub(crate) vendor: String,
    /// `pi_…`
    pub(crate) intent: String,
    /// For this customer only.
    pub(crate) client_secret: String,
    /// `pk_…`
    pub(crate) publishable_key: String,
}

/// What the vendor says at once; the order learns it by webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Confirmation {
    /// The intent's new status, such as `requires_capture`.
    Status(String),
    /// The card was declined, with the vendor's code.
    Declined(String),
}

#[derive(Deserialize)]
struct Refusal {
    error: RefusalBody,
}

#[derive(Deserialize)]
struct RefusalBody {
    code: Option<String>,
    message: Option<String>,
}

impl CardForm {
    /// Confirms with a test card such as `pm_card_visa`.
    ///
    /// # Errors
    /// When the vendor cannot be reached or refuses for another reason than the card.
    pub(crate) async fn confirm(&self, api: &Api, card: &str) -> anyhow::Result<Confirmation> {
        let address = format!("{}/v1/payment_intents/{}/confirm", self.vendor, self.intent);
        let form = [
            ("client_secret", self.client_secret.as_str()),
            ("payment_method", card),
        ];
        let request = api
            .http()
            .post(address)
            .bearer_auth(&self.publishable_key)
            .form(&form);
        let watch = api.clock().stopwatch();
        let response = request
            .send()
            .await
            .context("the card form cannot reach the vendor")?;
        let status = response.status();
        let bytes = response
            .bytes()
            .await
            .context("the vendor's answer broke off")?;
        api.latencies().add("card form: confirm", watch.elapsed());
        if status.is_success() {
            let intent: Value = serde_json::from_slice(&bytes).context("no intent")?;
            let status = intent["status"]
                .as_str()
                .context("the intent has no status")?;
            return Ok(Confirmation::Status(status.to_owned()));
        }
        let refusal: Refusal =
            serde_json::from_slice(&bytes).with_context(|| format!("the vendor says {status}"))?;
        let code = refusal.error.code.unwrap_or_default();
        if status.as_u16() == 402 {
            return Ok(Confirmation::Declined(code));
        }
        bail!(
            "the vendor says {status} {code}: {}",
            refusal.error.message.unwrap_or_default()
        )
    }
}
