//! Bowls are made again in an order of their own: the work that our staff's word and a customer's yes have in common.

use std::borrow::Cow;

use domain::aggregates::{Inventory, Order, Payment, Restaurant};
use domain::joint::remake::{Again, Maker, Remade, Remake, RemakeRequest, remake};
use domain::kernel::actor::Actor;
use domain::kernel::flags::Flags;
use domain::kernel::ids::{OrderId, PaymentId};
use infra::event_store::{Loaded, StreamId};
use infra::http::policy::Scope;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::execute::{ExecuteError, Refusal, Reply, Unit, Work};
use crate::http::answer::json_of;
use crate::http::whose::only_theirs;

/// The order in which bowls are made again.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RemadeAnswer {
    /// That order.
    order_id: Uuid,
    /// Its number on its service date; absent when it was made before.
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<u32>,
}

/// Makes bowls of an order again: those named, or those that were offered.
pub(super) struct MakeAgain<'a> {
    pub(super) scope: &'a Scope,
    pub(super) flags: &'a Flags,
    pub(super) of: OrderId,
    pub(super) by: Actor,
    pub(super) bowls: Option<Again>,
    pub(super) shop_stock: Vec<StreamId>,
}

impl Work for MakeAgain<'_> {
    fn name(&self) -> Cow<'static, str> {
        "ordering.order.remake".into()
    }

    async fn run(&self, unit: &mut Unit<'_>) -> Result<Reply, ExecuteError> {
        let first = unit.load::<Order>(self.of.uuid()).await?;
        only_theirs(&first, self.scope)?;
        let body = first.state.body().ok_or(ExecuteError::NotTheirs)?;
        let shop = body.terms.restaurant.uuid();
        let (shop, stock) = (
            unit.load::<Restaurant>(shop).await?,
            unit.load::<Inventory>(shop).await?,
        );
        let request = RemakeRequest {
            of: self.of,
            order: OrderId::new(unit.context.fresh_id()),
            payment: PaymentId::new(unit.context.fresh_id()),
            by: self.by.clone(),
            bowls: self.bowls.clone(),
        };
        let (order, payment) = (request.order, request.payment);
        let maker = Maker {
            shop: &shop.state,
            stock: &stock.state,
            flags: self.flags,
        };
        let made = remake(&first.state, &request, maker, &unit.context)
            .map_err(|rejection| Refusal::from(&rejection))?;
        match made {
            Remake::Before(order) => Ok(answer(order, None).tagged(first.stream)),
            Remake::Now(made) => {
                write(unit, (&first, &stock), (order, payment), &made)?;
                Ok(answer(order, Some(made.number)).tagged(first.stream))
            }
        }
    }

    fn queue_for(&self) -> Vec<StreamId> {
        self.shop_stock.clone()
    }
}

fn write(
    unit: &mut Unit<'_>,
    (first, stock): (&Loaded<Order>, &Loaded<Inventory>),
    (order, payment): (OrderId, PaymentId),
    made: &Remade,
) -> Result<(), ExecuteError> {
    unit.belongs_to(order);
    unit.write(first, &made.first)?;
    let order = unit.create::<Order>(order.uuid());
    unit.write(&order, &made.order)?;
    unit.write(stock, &made.inventory)?;
    let payment = unit.create::<Payment>(payment.uuid());
    unit.write(&payment, &made.payment)?;
    Ok(())
}

fn answer(order: OrderId, number: Option<u32>) -> Reply {
    let answer = RemadeAnswer {
        order_id: order.uuid(),
        number,
    };
    Reply::created(json_of(&answer), format!("/v1/orders/{order}"))
}
