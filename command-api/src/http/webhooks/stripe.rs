//! Stripe's webhooks: verified over the raw bytes, kept in the inbox, answered 200.

use axum::extract::State;
use http::{HeaderMap, StatusCode};
use infra::fault;
use infra::http::{ApiError, RawBody};

use crate::app::App;
use crate::gateways::payment::stripe::webhook::{Shown, Unverified, verify};
use crate::http::answer::Refusals;
use crate::processes::inbox;

/// The vendor's name in the inbox.
const SOURCE: &str = "stripe";
/// The signature's header.
const SIGNATURE: &str = "stripe-signature";

/// Takes an event of Stripe's. A repeat and an event that nobody follows are answered alike.
#[utoipa::path(
    post,
    path = "/v1/webhooks/stripe",
    request_body(content = Object, description = "Stripe's event"),
    params(("stripe-signature" = String, Header, description = "Made by Stripe")),
    responses((status = 200, description = "Kept."), Refusals)
)]
pub(super) async fn receive_stripe_webhook(
    State(app): State<App>,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<StatusCode, ApiError> {
    if let Err(reason) = believed(&app, &headers, &body) {
        counted("unverified");
        // No detail: a forger learns nothing from it.
        return Err(ApiError::new(StatusCode::UNAUTHORIZED, "unauthorized").with_source(reason));
    }
    fault::point("hook.verified");
    let event = app.payments.notice(&body).map(|notice| notice.id);
    let kept = inbox::keep(&app, SOURCE, event, &body).await?;
    fault::point("hook.committed");
    counted(if kept { "kept" } else { "repeated" });
    app.inbox.ring();
    fault::point("hook.answered");
    Ok(StatusCode::OK)
}

fn believed(app: &App, headers: &HeaderMap, body: &[u8]) -> Result<(), Unverified> {
    let mut values = headers.get_all(SIGNATURE).iter();
    let (value, more) = (values.next(), values.next());
    let header = value
        .filter(|_| more.is_none())
        .and_then(|value| value.to_str().ok());
    let header = header.ok_or(Unverified::Malformed)?;
    let shown = Shown {
        now: app.clock.now(),
        speed: app.clock.speed(),
    };
    verify(header, body, &app.webhook_secrets, shown)
}

fn counted(outcome: &'static str) {
    metrics::counter!("ramen_webhooks_total", "source" => SOURCE, "outcome" => outcome)
        .increment(1);
}
