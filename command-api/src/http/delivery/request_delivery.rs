//! Our staff ask for the transport of an order.

use std::borrow::Cow;

use axum::extract::State;
use domain::aggregates::{Delivery, Order, Restaurant};
use domain::joint::request_delivery::request_delivery as decide;
use domain::kernel::ids::{DeliveryId, OrderId};
use infra::http::policy::Scope;
use infra::http::policy::action::RequestDelivery;
use infra::http::{ApiError, IdempotencyRequired, Ops, Path};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::execute::{ExecuteError, Refusal, Reply, Unit, Work};
use crate::http::answer::{Committed, Refusals, json_of};
use crate::http::asked::Asked;
use crate::http::courier::last_delivery;
use crate::http::whose::only_theirs;

/// The new delivery.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RequestedDelivery {
    /// The delivery.
    id: Uuid,
    /// The same, by the name that the routes of deliveries use.
    delivery_id: Uuid,
}

/// Asks for a delivery of an order that the shop has taken.
#[utoipa::path(
    post,
    path = "/v1/orders/{order_id}/delivery",
    params(("order_id" = uuid::Uuid, Path, description = "The order")),
    responses((status = 201, description = "Asked for.", body = RequestedDelivery), Refusals)
)]
pub(super) async fn request_delivery(
    State(app): State<App>,
    by: Ops<RequestDelivery>,
    Path(order): Path<OrderId>,
    key: IdempotencyRequired,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, Some(key.key()));
    app.carry_out(
        &asked,
        &Request {
            app: &app,
            scope: &by.scope,
            order,
        },
    )
    .await
}

struct Request<'a> {
    app: &'a App,
    scope: &'a Scope,
    order: OrderId,
}

impl Work for Request<'_> {
    fn name(&self) -> Cow<'static, str> {
        "delivery.delivery.request".into()
    }

    async fn run(&self, unit: &mut Unit<'_>) -> Result<Reply, ExecuteError> {
        let order = unit.load::<Order>(self.order.uuid()).await?;
        only_theirs(&order, self.scope)?;
        let terms = order
            .state
            .body()
            .map(|body| (body.terms.restaurant, body.terms.customer));
        let (shop, customer) = terms.ok_or(ExecuteError::NotTheirs)?;
        let restaurant = unit.load::<Restaurant>(shop.uuid()).await?;
        let last = last_delivery(unit, &order.state).await?;
        let last = last.map(|last| last.state).unwrap_or_default();
        let delivery = unit.create::<Delivery>(unit.context.fresh_id());
        let id = delivery.stream.id;
        let pin = self.app.sealed_pin(customer, id, unit.context.now).await?;
        let of = (self.order, &*order.state);
        let commands = decide(of, &last, &restaurant.state, DeliveryId::new(id), pin)
            .map_err(|rejection| Refusal::from(&rejection))?;
        unit.decide(&order, commands.order)?;
        unit.decide(&delivery, commands.delivery)?;
        let answer = RequestedDelivery {
            id,
            delivery_id: id,
        };
        let location = format!("/v1/deliveries/{id}");
        Ok(Reply::created(json_of(&answer), location).tagged(delivery.stream))
    }
}
