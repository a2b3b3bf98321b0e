//! A customer changes a line of the cart.

use axum::extract::State;
use domain::kernel::ids::CartId;
use domain::kernel::key::Key;
use domain::kernel::patch::Patch;
use domain::kernel::quantity::Quantity;
use domain::kernel::text::Note;
use domain::ordering::cart::{CartCommand, NoteChange};
use domain::ordering::line::{LineId, OptionChoice, Shortage};
use infra::http::conditional::IfMatch;
use infra::http::policy::Scope;
use infra::http::policy::action::ChangeLine;
use infra::http::{ApiError, Idempotency, Json, Path, Shopper};
use infra::vault::VaultError;
use serde::Deserialize;
use utoipa::ToSchema;

use super::cart_answer::{CartAnswer, ChangeCart};
use crate::app::App;
use crate::http::answer::{Committed, Refusals};
use crate::http::asked::Asked;

/// What changes; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeLineBody {
    /// Another quantity.
    #[serde(default)]
    #[schema(inline)]
    quantity: Option<Quantity>,
    /// Other options, all of them.
    #[serde(default)]
    options: Option<Vec<OptionChoice>>,
    /// Another wish; `null` takes it back.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    note: Patch<Note>,
    /// Another choice for a shortage.
    #[serde(default)]
    shortage: Option<Shortage>,
    /// The item to put in its place; another choice for a shortage without one takes it back.
    #[serde(default)]
    #[schema(inline)]
    substitute: Option<Key>,
}
domain::collect_struct!(ChangeLineBody {
    quantity,
    options,
    note,
    shortage,
    substitute
});

/// Changes a line of a cart.
#[utoipa::path(
    patch,
    path = "/v1/carts/{cart_id}/lines/{line}",
    params(
        ("cart_id" = uuid::Uuid, Path, description = "The cart"),
        ("line" = u32, Path, description = "The line")
    ),
    request_body = ChangeLineBody,
    responses((status = 200, description = "Changed.", body = CartAnswer), Refusals)
)]
pub(super) async fn change_line(
    State(app): State<App>,
    by: Shopper<ChangeLine>,
    Path((id, line)): Path<(CartId, LineId)>,
    if_match: IfMatch,
    key: Idempotency,
    Json(body): Json<ChangeLineBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let ChangeLineBody {
        quantity,
        options,
        note,
        shortage,
        substitute,
    } = body;
    let note = sealed(note, &app, &by.scope, id).await?;
    let command = CartCommand::ChangeLine {
        line,
        quantity,
        options,
        note,
        shortage,
        substitute,
    };
    let expected = if_match.version()?;
    let work = ChangeCart {
        app: &app,
        scope: &by.scope,
        id,
        expected,
        command,
    };
    app.carry_out(&asked, &work).await
}

async fn sealed(
    note: Patch<Note>,
    app: &App,
    scope: &Scope,
    cart: CartId,
) -> Result<NoteChange, VaultError> {
    Ok(match note {
        Patch::Keep => NoteChange::Keep,
        Patch::Clear => NoteChange::Clear,
        Patch::Set(note) => NoteChange::Set {
            note: app.seal_note(scope, cart, &note).await?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_null_and_text_are_three_things() {
        let read = |text: &str| infra::http::json::parse::<ChangeLineBody>(text.as_bytes());
        assert!(matches!(read("{}").unwrap().note, Patch::Keep));
        assert!(matches!(
            read(r#"{"note":null}"#).unwrap().note,
            Patch::Clear
        ));
        assert!(matches!(
            read(r#"{"note":"soft egg"}"#).unwrap().note,
            Patch::Set(_)
        ));
        let faults = read(r#"{"note":3,"quantity":0}"#).unwrap_err();
        assert_eq!(faults.faults().len(), 2);
    }
}
