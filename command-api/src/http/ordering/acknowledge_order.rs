//! A device of the shop has shown the order.

use std::borrow::Cow;

use axum::extract::State;
use domain::aggregates::{Order, Restaurant};
use domain::joint::known_device::known_device;
use domain::kernel::ids::OrderId;
use domain::kernel::text::Name;
use domain::ordering::order::OrderCommand;
use infra::http::conditional::IfMatch;
use infra::http::policy::Scope;
use infra::http::policy::action::AcknowledgeOrder;
use infra::http::{ApiError, Idempotency, Json, Path, RestaurantStaff};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::execute::{ExecuteError, Refusal, Reply, Unit, Work};
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::Asked;
use crate::http::whose::only_theirs;

/// Which device.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AcknowledgeOrderBody {
    /// The device, by the name that the shop gave it.
    #[serde(default)]
    #[schema(inline)]
    device: Option<Name>,
}
domain::collect_struct!(AcknowledgeOrderBody { device });

/// Says that a device has shown the order. A device that names itself must be one of the shop's.
#[utoipa::path(
    post,
    path = "/v1/orders/{order_id}/acknowledge",
    params(("order_id" = uuid::Uuid, Path, description = "The order")),
    request_body = AcknowledgeOrderBody,
    responses(Committed, Refusals)
)]
pub(super) async fn acknowledge_order(
    State(app): State<App>,
    by: RestaurantStaff<AcknowledgeOrder>,
    Path(order): Path<OrderId>,
    if_match: IfMatch,
    key: Idempotency,
    Json(AcknowledgeOrderBody { device }): Json<AcknowledgeOrderBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let shown = Shown {
        scope: &by.scope,
        order,
        expected: if_match.version()?,
        device,
    };
    app.carry_out(&asked, &shown).await
}

struct Shown<'a> {
    scope: &'a Scope,
    order: OrderId,
    expected: Option<i64>,
    device: Option<Name>,
}

impl Work for Shown<'_> {
    fn name(&self) -> Cow<'static, str> {
        "ordering.order.acknowledge".into()
    }

    async fn run(&self, unit: &mut Unit<'_>) -> Result<Reply, ExecuteError> {
        let order = unit.load::<Order>(self.order.uuid()).await?;
        only_theirs(&order, self.scope)?;
        unit.expect_version(&order, self.expected)?;
        let body = order.state.body().ok_or(ExecuteError::NotTheirs)?;
        if let Some(name) = &self.device {
            let shop = body.terms.restaurant.uuid();
            let shop = unit.load::<Restaurant>(shop).await?;
            known_device(&shop.state, name).map_err(|unknown| Refusal::from(&unknown))?;
        }
        let device = self.device.clone();
        unit.decide(&order, OrderCommand::Acknowledge { device })?;
        Ok(Written::reply(self.order).tagged(order.stream))
    }
}
