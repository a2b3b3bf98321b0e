//! A customer sets the tip.

use axum::extract::State;
use domain::kernel::ids::CartId;
use domain::ordering::cart::CartCommand;
use infra::http::conditional::IfMatch;
use infra::http::policy::action::SetTip;
use infra::http::{ApiError, Idempotency, Json, Path, Shopper};
use serde::Deserialize;
use utoipa::ToSchema;

use super::cart_answer::{CartAnswer, ChangeCart};
use crate::app::App;
use crate::http::answer::{Committed, Refusals};
use crate::http::asked::Asked;

/// The tip.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetTipBody {
    /// In minor units of the shop's currency; zero takes it back.
    amount_minor: i64,
}
domain::collect_struct!(SetTipBody { amount_minor });

/// Sets the tip of a cart.
#[utoipa::path(
    put,
    path = "/v1/carts/{cart_id}/tip",
    params(("cart_id" = uuid::Uuid, Path, description = "The cart")),
    request_body = SetTipBody,
    responses((status = 200, description = "Set.", body = CartAnswer), Refusals)
)]
pub(super) async fn set_tip(
    State(app): State<App>,
    by: Shopper<SetTip>,
    Path(id): Path<CartId>,
    if_match: IfMatch,
    key: Idempotency,
    Json(SetTipBody { amount_minor }): Json<SetTipBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let (expected, command) = (if_match.version()?, CartCommand::SetTip { amount_minor });
    let work = ChangeCart {
        app: &app,
        scope: &by.scope,
        id,
        expected,
        command,
    };
    app.carry_out(&asked, &work).await
}
