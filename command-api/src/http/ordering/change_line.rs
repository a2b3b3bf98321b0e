//! A customer changes a line of the cart.

use axum::extract::State;
use domain::kernel::collect::Collect;
use domain::kernel::fault::{Faults, Pointer};
use domain::kernel::ids::CartId;
use domain::kernel::key::Key;
use domain::kernel::quantity::Quantity;
use domain::kernel::text::Note;
use domain::ordering::cart::{CartCommand, NoteChange};
use domain::ordering::line::{LineId, OptionChoice, Shortage};
use infra::http::conditional::IfMatch;
use infra::http::policy::Scope;
use infra::http::policy::action::ChangeLine;
use infra::http::{ApiError, Idempotency, Json, Path, Shopper};
use infra::vault::VaultError;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
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
    note: NotePatch,
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

/// Absent, `null` and a text are three things.
#[derive(Debug, Default)]
enum NotePatch {
    #[default]
    Keep,
    Clear,
    Set(Note),
}

impl From<Option<Note>> for NotePatch {
    fn from(note: Option<Note>) -> Self {
        note.map_or(Self::Clear, Self::Set)
    }
}

impl<'de> Deserialize<'de> for NotePatch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::<Note>::deserialize(deserializer).map(Self::from)
    }
}

impl Collect for NotePatch {
    fn collect(value: &Value, at: &Pointer, faults: &mut Faults) -> Option<Self> {
        Option::<Note>::collect(value, at, faults).map(Self::from)
    }

    fn missing() -> Option<Self> {
        Some(Self::Keep)
    }
}

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
    let note = note.sealed(&app, &by.scope, id).await?;
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

impl NotePatch {
    async fn sealed(
        self,
        app: &App,
        scope: &Scope,
        cart: CartId,
    ) -> Result<NoteChange, VaultError> {
        Ok(match self {
            Self::Keep => NoteChange::Keep,
            Self::Clear => NoteChange::Clear,
            Self::Set(note) => NoteChange::Set {
                note: app.seal_note(scope, cart, &note).await?,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_null_and_text_are_three_things() {
        let read = |text: &str| infra::http::json::parse::<ChangeLineBody>(text.as_bytes());
        assert!(matches!(read("{}").unwrap().note, NotePatch::Keep));
        assert!(matches!(
            read(r#"{"note":null}"#).unwrap().note,
            NotePatch::Clear
        ));
        assert!(matches!(
            read(r#"{"note":"soft egg"}"#).unwrap().note,
            NotePatch::Set(_)
        ));
        let faults = read(r#"{"note":3,"quantity":0}"#).unwrap_err();
        assert_eq!(faults.faults().len(), 2);
    }
}
