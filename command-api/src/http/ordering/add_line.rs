//! A customer puts a dish into the cart.

use axum::extract::State;
use domain::kernel::ids::CartId;
use domain::kernel::key::Key;
use domain::kernel::quantity::Quantity;
use domain::kernel::text::Note;
use domain::ordering::cart::CartCommand;
use domain::ordering::line::{LineChoice, OptionChoice, Shortage};
use infra::http::conditional::IfMatch;
use infra::http::policy::action::AddLine;
use infra::http::{ApiError, Customer, Idempotency, Json, Path};
use serde::Deserialize;
use utoipa::ToSchema;

use super::cart_answer::{CartAnswer, ChangeCart};
use crate::app::App;
use crate::http::answer::{Committed, Refusals};
use crate::http::asked::Asked;

/// What is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AddLineBody {
    /// The item's key in the menu.
    #[schema(inline)]
    item: Key,
    /// How many.
    #[schema(inline)]
    quantity: Quantity,
    /// The chosen options, each at most once.
    #[serde(default)]
    options: Vec<OptionChoice>,
    /// A wish in the customer's own words.
    #[serde(default)]
    #[schema(inline)]
    note: Option<Note>,
    /// What to do when the shop runs out of it.
    #[serde(default)]
    shortage: Shortage,
}
domain::collect_struct!(AddLineBody {
    item, quantity, options = Vec::new(), note, shortage = Shortage::default()
});

/// Adds a line to a cart.
#[utoipa::path(
    post,
    path = "/v1/carts/{cart_id}/lines",
    params(("cart_id" = uuid::Uuid, Path, description = "The cart")),
    request_body = AddLineBody,
    responses((status = 200, description = "Added.", body = CartAnswer), Refusals)
)]
pub(super) async fn add_line(
    State(app): State<App>,
    by: Customer<AddLine>,
    Path(id): Path<CartId>,
    if_match: IfMatch,
    key: Idempotency,
    Json(body): Json<AddLineBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let AddLineBody {
        item,
        quantity,
        options,
        note,
        shortage,
    } = body;
    let note = match &note {
        Some(note) => Some(app.seal_note(&by.scope, id, note).await?),
        None => None,
    };
    let choice = LineChoice {
        item,
        quantity,
        options,
        note,
        shortage,
    };
    let (expected, command) = (if_match.version()?, CartCommand::AddLine { choice });
    let work = ChangeCart {
        app: &app,
        scope: &by.scope,
        id,
        expected,
        command,
    };
    app.carry_out(&asked, &work).await
}
