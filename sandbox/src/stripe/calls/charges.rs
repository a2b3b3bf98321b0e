//! `/v1/charges`: reading only; charges come from payments.

use serde_json::Value;

use crate::stripe::calls::list::Page;
use crate::stripe::error::ApiError;
use crate::stripe::params::Params;
use crate::stripe::render;
use crate::stripe::store::State;

/// Lists charges, of an order by its `transfer_group`.
///
/// # Errors
/// A malformed parameter.
pub(crate) fn list(state: &State, mut params: Params) -> Result<Value, ApiError> {
    let group = params.text("transfer_group");
    let intent = params.text("payment_intent");
    let customer = params.text("customer");
    let created = params.created()?;
    let page = Page::parse(&mut params)?;
    params.finish()?;
    page.of(&state.charges, "/v1/charges", render::charge, |charge| {
        group
            .as_ref()
            .is_none_or(|group| charge.about.transfer_group.as_ref() == Some(group))
            && intent.as_ref().is_none_or(|id| *id == charge.intent)
            && customer
                .as_ref()
                .is_none_or(|id| charge.about.customer.as_ref() == Some(id))
            && created.holds(charge.created)
    })
}
