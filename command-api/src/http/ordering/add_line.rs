//! A customer puts a dish into the cart.

use axum::extract::State;
use domain::kernel::ids::CartId;
use domain::kernel::key::Key;
use domain::kernel::quantity::Quantity;
use domain::kernel::sealed::Sealed;
use domain::kernel::text::Note;
use domain::ordering::cart::CartCommand;
use domain::ordering::line::{LineChoice, OptionChoice, Shortage};
use infra::http::conditional::IfMatch;
use infra::http::policy::action::AddLine;
use infra::http::{ApiError, Idempotency, Json, Path, Shopper};
use serde::Deserialize;
use utoipa::ToSchema;

use super::cart_answer::{CartAnswer, ChangeCart};
use crate::app::App;
use crate::http::answer::{Committed, Refusals};
use crate::http::asked::Asked;

/// What is wanted.
#[derive(Clone, Debug, Deserialize, ToSchema)]
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
    /// The item to put in its place, when that is the choice; the shop chooses when it is absent.
    #[serde(default)]
    #[schema(inline)]
    substitute: Option<Key>,
}
domain::collect_struct!(AddLineBody {
    item, quantity, options = Vec::new(), note, shortage = Shortage::default(), substitute
});

impl AddLineBody {
    /// The customer's words, before they are sealed.
    pub(super) fn note(&self) -> Option<&Note> {
        self.note.as_ref()
    }

    /// The choice with its sealed words.
    pub(super) fn choice(self, note: Option<Sealed<Note>>) -> LineChoice {
        LineChoice {
            item: self.item,
            quantity: self.quantity,
            options: self.options,
            note,
            shortage: self.shortage,
            substitute: self.substitute,
        }
    }
}

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
    by: Shopper<AddLine>,
    Path(id): Path<CartId>,
    if_match: IfMatch,
    key: Idempotency,
    Json(body): Json<AddLineBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let note = match body.note() {
        Some(note) => Some(app.seal_note(&by.scope, id, note).await?),
        None => None,
    };
    let choice = body.choice(note);
    let (expected, command) = (if_match.version()?, app.adding(choice));
    let work = ChangeCart {
        app: &app,
        scope: &by.scope,
        id,
        expected,
        command,
    };
    app.carry_out(&asked, &work).await
}

impl App {
    /// The command that adds a line, under the rule in force.
    pub(super) fn adding(&self, choice: LineChoice) -> CartCommand {
        CartCommand::AddLine {
            choice,
            lines_max: self.flags.lines_max,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// The members that a fault of this body is about; none when it is read.
    fn refused(body: &Value) -> Vec<String> {
        let read = infra::http::json::parse::<AddLineBody>(body.to_string().as_bytes());
        let faults = read.map_or_else(|error| error.faults().to_vec(), |_| Vec::new());
        let mut members: Vec<String> = faults
            .iter()
            .filter_map(|fault| fault.pointer.split('/').nth(1))
            .map(str::to_owned)
            .collect();
        members.sort();
        members.dedup();
        members
    }

    fn good() -> Value {
        json!({ "item": "tonkotsu", "quantity": 1, "options": [], "note": "soft egg",
                "shortage": "substitute", "substitute": "miso" })
    }

    fn anything() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            (0..200_u32).prop_map(Value::from),
            "\\PC{0,40}".prop_map(Value::from),
            "[a-z]{1,5}(\u{301}){0,9}".prop_map(Value::from),
            prop::sample::select(vec!["refund", "substitute", "cancel", "ask", "tonkotsu"])
                .prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 16, 4, |inner| {
            let name = prop::sample::select(vec!["group", "option", "quantity", "options", "x"]);
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((name, inner), 0..5).prop_map(|members| {
                    members
                        .into_iter()
                        .map(|(name, value)| (name.to_owned(), value))
                        .collect()
                }),
            ]
        })
    }

    #[test]
    fn a_pile_of_accents_is_no_note() {
        let mut body = good();
        body["note"] = json!(format!("a{}", "\u{301}".repeat(100_000)));
        assert_eq!(refused(&body), ["note"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1024))]

        /// Whatever stands in a line's members, each that is bad by itself is named, and no other.
        #[test]
        fn every_bad_member_is_named_and_no_good_one(
            put in prop::collection::btree_map(
                prop::sample::select(vec![
                    "item", "quantity", "options", "note", "shortage", "substitute", "quantiy",
                ]),
                anything(),
                0..7,
            )
        ) {
            let mut all = good();
            let mut expected: Vec<String> = Vec::new();
            for (member, value) in &put {
                let mut alone = good();
                alone[*member] = value.clone();
                all[*member] = value.clone();
                expected.extend(refused(&alone));
            }
            expected.sort();
            expected.dedup();
            prop_assert_eq!(refused(&all), expected);
        }
    }
}
