//! What a customer's device needs to pay. Read from the vendor each time, kept nowhere, never repeated
//! from a record.

use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::aggregates::{Order, Payment};
use domain::decider::Decider as _;
use domain::kernel::ids::{OrderId, PaymentId};
use domain::payment::payment::{IntentId, PaymentStage};
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use infra::http::policy::action::OpenPaymentSession;
use infra::http::{ApiError, Customer, Json, Path};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::execute::ExecuteError;
use crate::gateways::Outcome;
use crate::http::answer::Refusals;
use crate::http::whose::only_theirs;

/// A payment is made at the vendor after checkout has answered; this is how long a client is kept
/// waiting for it.
const INTENT_WAIT: Duration = Duration::from_secs(2);
/// How often it is looked for meanwhile.
const INTENT_POLL: Duration = Duration::from_millis(5);

/// What the vendor's payment form takes. Secret: for this customer alone.
#[derive(Serialize, ToSchema)]
pub(super) struct PaymentSession {
    /// Confirms the payment; never log or store it.
    client_secret: String,
    /// The vendor's public key.
    publishable_key: String,
    /// The vendor's name for the payment.
    intent: String,
}

/// Gives what is needed to pay an order.
#[utoipa::path(
    post,
    path = "/v1/orders/{order_id}/payment-session",
    params(("order_id" = uuid::Uuid, Path, description = "The order")),
    responses((status = 200, description = "The session.", body = PaymentSession), Refusals)
)]
pub(super) async fn open_payment_session(
    State(app): State<App>,
    by: Customer<OpenPaymentSession>,
    Path(id): Path<OrderId>,
) -> Result<Response, ApiError> {
    let order = app
        .executor
        .lately::<Order>(id.uuid())
        .await
        .map_err(ExecuteError::from)?;
    only_theirs(&order, &by.scope)?;
    let payment = order.state.body().map(|body| body.terms.payment);
    let intent = app
        .intent_of(payment.ok_or_else(ApiError::not_found)?)
        .await?;
    let client_secret = match app.payments.client_secret(&intent).await {
        Outcome::Done(secret) => secret.expose().clone(),
        Outcome::Rejected(refusal) => return Err(no_session(&refusal.code)),
        Outcome::NotDone { .. } | Outcome::Unknown { .. } => return Err(vendor_away()),
    };
    let publishable_key = app.payments.publishable_key().to_owned();
    let session = PaymentSession {
        client_secret,
        publishable_key,
        intent: intent.to_string(),
    };
    Ok((
        [(CACHE_CONTROL, HeaderValue::from_static("no-store"))],
        Json::<_>(session),
    )
        .into_response())
}

impl App {
    /// The vendor's name for a payment, waiting a little for it to be made.
    async fn intent_of(&self, id: PaymentId) -> Result<IntentId, ApiError> {
        let watch = self.clock.stopwatch();
        loop {
            // Another process may be the one that makes it. One that was given up this moment the
            // vendor refuses.
            let payment = self
                .executor
                .lately::<Payment>(id.uuid())
                .await
                .map_err(ExecuteError::from)?;
            payable(payment.state.stage())?;
            if let Some(intent) = payment.state.body().and_then(|body| body.intent.clone()) {
                return Ok(intent);
            }
            if watch.elapsed() >= INTENT_WAIT {
                return Err(vendor_away());
            }
            tokio::time::sleep(INTENT_POLL).await;
        }
    }
}

/// Whether a customer can still pay.
fn payable(stage: PaymentStage) -> Result<(), ApiError> {
    match stage {
        PaymentStage::RequiresPayment | PaymentStage::RequiresAction => Ok(()),
        PaymentStage::Absent
        | PaymentStage::Authorized
        | PaymentStage::Capturing
        | PaymentStage::Captured
        | PaymentStage::CaptureFailed
        | PaymentStage::Voiding
        | PaymentStage::Voided
        | PaymentStage::Failed
        | PaymentStage::Expired => Err(no_session(stage.into())),
    }
}

fn no_session(why: &str) -> ApiError {
    ApiError::new(StatusCode::CONFLICT, "nothing_to_pay")
        .with_detail(format!("the payment is {why}"))
        .with_extension("payment_status", why.into())
}

/// The order stays *awaiting payment*; the client asks again (reliability §5).
fn vendor_away() -> ApiError {
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "payment_not_ready")
        .with_detail("the payment is being prepared")
        .with_retry_after(Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_open_payment_has_a_session() {
        assert!(payable(PaymentStage::RequiresAction).is_ok());
        let refused = payable(PaymentStage::Captured).unwrap_err();
        assert_eq!(
            (refused.status().as_u16(), refused.code()),
            (409, "nothing_to_pay")
        );
    }
}
