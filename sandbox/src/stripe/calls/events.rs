//! `/v1/events`: what happened in the last 30 days, for catching up after an outage.

use std::collections::HashSet;

use serde_json::Value;

use crate::faults::rules::fits;
use crate::stripe::calls::list::Page;
use crate::stripe::error::ApiError;
use crate::stripe::params::Params;
use crate::stripe::render;
use crate::stripe::store::State;

/// Most types in one call (docs.stripe.com/api/events/list).
const TYPES_MAX: usize = 20;

/// Lists events; `unconfirmed` are those that some endpoint has not answered with 2xx.
///
/// # Errors
/// A malformed parameter.
pub(crate) fn list(
    state: &State,
    mut params: Params,
    unconfirmed: impl FnOnce() -> HashSet<String>,
) -> Result<Value, ApiError> {
    let mut types = params.list("types");
    types.extend(params.text("type"));
    let delivered = params.boolean("delivery_success")?;
    let created = params.created()?;
    let page = Page::parse(&mut params)?;
    params.finish()?;
    if types.len() > TYPES_MAX {
        let message = format!("You may pass up to {TYPES_MAX} types.");
        return Err(ApiError::invalid(
            "parameter_invalid_value",
            "types",
            message,
        ));
    }
    let unconfirmed = delivered.map(|wanted| (wanted, unconfirmed()));
    page.of(&state.events, "/v1/events", render::event, |event| {
        (types.is_empty() || types.iter().any(|pattern| fits(pattern, &event.kind)))
            && created.holds(event.created)
            && unconfirmed
                .as_ref()
                .is_none_or(|(wanted, open)| *wanted != open.contains(&event.id))
    })
}
