//! Reading payments.

use serde_json::Value;

use crate::stripe::calls::list::Page;
use crate::stripe::error::ApiError;
use crate::stripe::params::Params;
use crate::stripe::render;
use crate::stripe::store::State;

/// Lists payments. Stripe cannot list them by metadata.
///
/// # Errors
/// A malformed parameter.
pub(crate) fn list(state: &State, mut params: Params) -> Result<Value, ApiError> {
    let customer = params.text("customer");
    let created = params.created()?;
    let page = Page::parse(&mut params)?;
    params.finish()?;
    page.of(
        &state.intents,
        "/v1/payment_intents",
        render::intent,
        |intent| {
            customer
                .as_ref()
                .is_none_or(|id| intent.about.customer.as_ref() == Some(id))
                && created.holds(intent.created)
        },
    )
}
