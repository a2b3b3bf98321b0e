//! A shop has run out of something that was ordered.

use std::borrow::Cow;

use axum::extract::State;
use domain::aggregates::{Menu, Order};
use domain::joint::substitute::substitute;
use domain::kernel::actor::Actor;
use domain::kernel::flags::Flags;
use domain::kernel::ids::OrderId;
use domain::kernel::key::Key;
use domain::kernel::quantity::Quantity;
use domain::kernel::text::Reason;
use domain::ordering::line::{LineId, OptionChoice};
use domain::ordering::order::OrderCommand;
use infra::http::policy::Scope;
use infra::http::policy::action::ShortOrder;
use infra::http::{ApiError, Caller, IdempotencyRequired, Json, Path};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::on_behalf::Behalf;
use crate::app::App;
use crate::execute::{ExecuteError, Refusal, Reply, Unit, Work};
use crate::http::answer::{Committed, Refusals, json_of};
use crate::http::asked::Asked;
use crate::http::whose::only_theirs;

/// What ran out.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ShortOrderBody {
    /// The line of the order.
    #[schema(value_type = u32)]
    line: LineId,
    /// How many units of it.
    #[schema(value_type = u32, minimum = 1, maximum = 99)]
    units: Quantity,
    /// What the shop offers instead; the customer pays at most what it replaces.
    #[serde(default)]
    substitute: Option<SubstituteBody>,
    /// Why our staff say so in the shop's place; they must.
    #[serde(default)]
    #[schema(inline)]
    reason: Option<Reason>,
}
domain::collect_struct!(ShortOrderBody {
    line,
    units,
    substitute,
    reason
});

/// A dish of the menu that is offered instead.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SubstituteBody {
    /// The item of the menu.
    #[schema(value_type = String)]
    item: Key,
    /// Its options.
    #[serde(default)]
    options: Vec<OptionChoice>,
}
domain::collect_struct!(SubstituteBody {
    item,
    options = Vec::new()
});

/// The shortage that was noted.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NotedShort {
    /// The order.
    id: Uuid,
    /// The shortage, for the customer's answer.
    short: Uuid,
}

/// Says that some units of a line cannot be made. What follows is the choice that the customer made for this case:
/// they are left out and their price goes back, something else is cooked, the order is cancelled, or the customer is asked.
/// Money goes back, so a repeat must be known as one: the key is required.
#[utoipa::path(
    post,
    path = "/v1/orders/{order_id}/short",
    params(("order_id" = uuid::Uuid, Path, description = "The order")),
    request_body = ShortOrderBody,
    responses((status = 200, description = "Noted.", body = NotedShort), Refusals)
)]
pub(super) async fn short_order(
    State(app): State<App>,
    by: Caller<ShortOrder>,
    Path(order): Path<OrderId>,
    key: IdempotencyRequired,
    Json(body): Json<ShortOrderBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, Some(key.key()));
    let request = Report {
        scope: &by.scope,
        flags: &app.flags,
        by: Actor::Restaurant {
            id: by.principal.id,
        },
        behalf: Behalf::of_shop(&by.principal, body.reason.clone())?,
        order,
        body,
    };
    app.carry_out(&asked, &request).await
}

struct Report<'a> {
    scope: &'a Scope,
    flags: &'a Flags,
    by: Actor,
    behalf: Option<Behalf>,
    order: OrderId,
    body: ShortOrderBody,
}

impl Work for Report<'_> {
    fn name(&self) -> Cow<'static, str> {
        "ordering.order.short".into()
    }

    async fn run(&self, unit: &mut Unit<'_>) -> Result<Reply, ExecuteError> {
        let order = unit.load::<Order>(self.order.uuid()).await?;
        only_theirs(&order, self.scope)?;
        let body = order.state.body().ok_or(ExecuteError::NotTheirs)?;
        let offered = match self.body.substitute.clone() {
            None => None,
            Some(SubstituteBody { item, options }) => {
                let menu = unit.load::<Menu>(body.terms.restaurant.uuid()).await?;
                let offered = substitute(body, &menu.state, item, options)
                    .map_err(|refused| Refusal::from(&refused))?;
                Some(offered)
            }
        };
        let (line, needs) = offered.map(|offered| (offered.line, offered.needs)).unzip();
        let short = unit.context.fresh_id();
        let command = OrderCommand::Short {
            short,
            line: self.body.line,
            units: self.body.units.get(),
            substitute: line,
            substitute_needs: needs.unwrap_or_default(),
            answer_by: unit.context.now + self.flags.short_answer.span(),
            by: self.by.clone(),
        };
        let after = unit.decide(&order, command)?;
        if let Some(behalf) = &self.behalf {
            behalf.note(unit, &order, &after)?;
        }
        let answer = NotedShort {
            id: self.order.uuid(),
            short,
        };
        Ok(Reply::ok(json_of(&answer)).tagged(order.stream))
    }
}
