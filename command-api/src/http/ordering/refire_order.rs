//! A kitchen cooks bowls once more before they leave.

use std::borrow::Cow;

use axum::extract::State;
use domain::aggregates::{Inventory, Order};
use domain::joint::refire::{RefireRequest, refire};
use domain::kernel::flags::Flags;
use domain::kernel::ids::OrderId;
use domain::kernel::text::Reason;
use domain::ordering::line::BowlRef;
use domain::ordering::order::FaultParty;
use infra::event_store::StreamId;
use infra::http::conditional::IfMatch;
use infra::http::policy::Scope;
use infra::http::policy::action::RefireOrder;
use infra::http::{ApiError, Caller, Idempotency, Json, Path};
use serde::Deserialize;
use utoipa::ToSchema;

use super::on_behalf::Behalf;
use crate::app::App;
use crate::execute::{ExecuteError, Refusal, Reply, Unit, Work, busy_stream};
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::Asked;
use crate::http::whose::only_theirs;

/// What is cooked once more.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RefireOrderBody {
    /// Which bowls; all whose noodles have left the boiler when none is named.
    #[serde(default)]
    bowls: Vec<BowlRef>,
    /// Why.
    #[schema(inline)]
    reason: Reason,
    /// Whose fault it is that what was boiled is waste.
    fault: FaultParty,
}
domain::collect_struct!(RefireOrderBody {
    bowls = Vec::new(),
    reason,
    fault
});

/// Cooks bowls once more, twice an order at most: their clocks start anew, and stock is taken for them at once.
#[utoipa::path(
    post,
    path = "/v1/orders/{order_id}/refire",
    params(("order_id" = uuid::Uuid, Path, description = "The order")),
    request_body = RefireOrderBody,
    responses(Committed, Refusals)
)]
pub(super) async fn refire_order(
    State(app): State<App>,
    by: Caller<RefireOrder>,
    Path(order): Path<OrderId>,
    if_match: IfMatch,
    key: Idempotency,
    Json(body): Json<RefireOrderBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let work = Recook {
        scope: &by.scope,
        flags: &app.flags,
        order,
        expected: if_match.version()?,
        behalf: Behalf::of_shop(&by.principal, Some(body.reason.clone()))?,
        shop_stock: app.stock_of(order).await?,
        body,
    };
    app.carry_out(&asked, &work).await
}

struct Recook<'a> {
    scope: &'a Scope,
    flags: &'a Flags,
    order: OrderId,
    expected: Option<i64>,
    behalf: Option<Behalf>,
    shop_stock: Vec<StreamId>,
    body: RefireOrderBody,
}

impl Work for Recook<'_> {
    fn name(&self) -> Cow<'static, str> {
        "ordering.order.refire".into()
    }

    async fn run(&self, unit: &mut Unit<'_>) -> Result<Reply, ExecuteError> {
        let order = unit.load::<Order>(self.order.uuid()).await?;
        only_theirs(&order, self.scope)?;
        unit.expect_version(&order, self.expected)?;
        let body = order.state.body().ok_or(ExecuteError::NotTheirs)?;
        let stock = unit.load::<Inventory>(body.terms.restaurant.uuid()).await?;
        let RefireOrderBody {
            bowls,
            reason,
            fault,
        } = self.body.clone();
        let request = RefireRequest {
            order: self.order,
            refire: unit.context.fresh_id(),
            bowls,
            reason,
            fault,
        };
        let refired = refire(
            &order.state,
            &stock.state,
            request,
            self.flags,
            &unit.context,
        );
        let refired = refired.map_err(|rejection| Refusal::from(&rejection))?;
        unit.belongs_to(self.order);
        let after = unit.write(&order, &refired.order)?;
        if let Some(behalf) = &self.behalf {
            behalf.note(unit, &order, &after)?;
        }
        unit.write(&stock, &refired.inventory)?;
        Ok(Written::reply(self.order).tagged(order.stream))
    }

    fn queue_for(&self) -> Vec<StreamId> {
        self.shop_stock.clone()
    }
}

impl App {
    /// The stock that an order takes from, which is written by many at the same time; none when there is no such order.
    pub(super) async fn stock_of(&self, order: OrderId) -> Result<Vec<StreamId>, ApiError> {
        let loaded = self.executor.store().load::<Order>(order.uuid()).await;
        let loaded = loaded.map_err(ExecuteError::from)?;
        let shop = loaded.state.body().map(|body| body.terms.restaurant);
        let busy = shop.and_then(|shop| busy_stream::<Inventory>(shop.uuid()));
        Ok(busy.into_iter().collect())
    }
}
