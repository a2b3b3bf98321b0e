//! A customer takes a line out of the cart.

use axum::extract::State;
use domain::kernel::ids::CartId;
use domain::ordering::cart::CartCommand;
use domain::ordering::line::LineId;
use infra::http::conditional::IfMatch;
use infra::http::policy::action::RemoveLine;
use infra::http::{ApiError, Idempotency, Path, Shopper};

use super::cart_answer::{CartAnswer, ChangeCart};
use crate::app::App;
use crate::http::answer::{Committed, Refusals};
use crate::http::asked::Asked;

/// Removes a line from a cart.
#[utoipa::path(
    delete,
    path = "/v1/carts/{cart_id}/lines/{line}",
    params(
        ("cart_id" = uuid::Uuid, Path, description = "The cart"),
        ("line" = u32, Path, description = "The line")
    ),
    responses((status = 200, description = "Removed.", body = CartAnswer), Refusals)
)]
pub(super) async fn remove_line(
    State(app): State<App>,
    by: Shopper<RemoveLine>,
    Path((id, line)): Path<(CartId, LineId)>,
    if_match: IfMatch,
    key: Idempotency,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let (expected, command) = (if_match.version()?, CartCommand::RemoveLine { line });
    let work = ChangeCart {
        app: &app,
        scope: &by.scope,
        id,
        expected,
        command,
    };
    app.carry_out(&asked, &work).await
}
