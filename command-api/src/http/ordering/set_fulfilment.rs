//! A customer chooses the door or the counter.

use axum::extract::State;
use domain::kernel::address::Address;
use domain::kernel::ids::CartId;
use domain::ordering::cart::CartCommand;
use domain::ordering::fulfilment::Fulfilment;
use domain::ordering::window::Window;
use infra::http::conditional::IfMatch;
use infra::http::policy::action::SetFulfilment;
use infra::http::{ApiError, Idempotency, Json, Path, Shopper};
use serde::Deserialize;
use utoipa::ToSchema;

use super::cart_answer::{CartAnswer, ChangeCart};
use crate::app::App;
use crate::http::answer::{Committed, Refusals};
use crate::http::asked::Asked;

/// How the order reaches the customer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum SetFulfilmentBody {
    /// Brought to the door.
    Delivery(ToTheDoor),
    /// Fetched at the counter.
    Pickup(AtTheCounter),
}
infra::collect_tagged!(SetFulfilmentBody {
    "delivery" => Delivery(ToTheDoor),
    "pickup" => Pickup(AtTheCounter),
});

/// Where to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ToTheDoor {
    /// The door and the person behind it.
    address: Address,
    /// When; as soon as possible when absent.
    #[serde(default)]
    window: Option<Window>,
}
domain::collect_struct!(ToTheDoor { address, window });

/// When it is fetched.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AtTheCounter {
    /// As soon as possible when absent.
    #[serde(default)]
    window: Option<Window>,
}
domain::collect_struct!(AtTheCounter { window });

/// Sets how a cart's order reaches the customer, and when. The address is sealed before anything keeps it.
#[utoipa::path(
    put,
    path = "/v1/carts/{cart_id}/fulfilment",
    params(("cart_id" = uuid::Uuid, Path, description = "The cart")),
    request_body = SetFulfilmentBody,
    responses((status = 200, description = "Set.", body = CartAnswer), Refusals)
)]
pub(super) async fn set_fulfilment(
    State(app): State<App>,
    by: Shopper<SetFulfilment>,
    Path(id): Path<CartId>,
    if_match: IfMatch,
    key: Idempotency,
    Json(body): Json<SetFulfilmentBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let (fulfilment, window) = match &body {
        SetFulfilmentBody::Delivery(ToTheDoor { address, window }) => {
            let address = app.seal_for_cart(&by.scope, id, "address", address).await?;
            (Fulfilment::Delivery { address }, *window)
        }
        SetFulfilmentBody::Pickup(AtTheCounter { window }) => (Fulfilment::Pickup, *window),
    };
    let (expected, command) = (
        if_match.version()?,
        CartCommand::SetFulfilment { fulfilment, window },
    );
    let work = ChangeCart {
        app: &app,
        scope: &by.scope,
        id,
        expected,
        command,
    };
    app.carry_out(&asked, &work).await
}
