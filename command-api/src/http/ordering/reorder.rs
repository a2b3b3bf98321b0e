//! A customer wants the same again.

use std::borrow::Cow;

use axum::extract::State;
use domain::aggregates::Order;
use domain::kernel::ids::{CartId, CustomerId, OrderId};
use domain::ordering::line::{LineChoice, OptionChoice, OrderLine, OrderOption};
use infra::http::policy::Scope;
use infra::http::policy::action::Reorder;
use infra::http::{ApiError, Customer, IdempotencyRequired, Path};

use super::cart_answer::CartAnswer;
use super::open_cart::OpenedCart;
use crate::app::App;
use crate::execute::{ExecuteError, Reply, Unit, Work};
use crate::http::answer::{Committed, Refusals, json_of};
use crate::http::asked::Asked;
use crate::http::whose::only_theirs;

/// Adds the dishes of an order to the customer's open cart at that shop, or to a new one. Notes stay behind: they were
/// for that day. The quote has today's prices, and its refusals name what is no longer sold so. Dishes are added with
/// each request, so a repeat must be known as one: the key is required.
#[utoipa::path(
    post,
    path = "/v1/orders/{order_id}/reorder",
    params(("order_id" = uuid::Uuid, Path, description = "The order")),
    responses((status = 200, description = "The cart.", body = CartAnswer), Refusals)
)]
pub(super) async fn reorder(
    State(app): State<App>,
    by: Customer<Reorder>,
    Path(order): Path<OrderId>,
    key: IdempotencyRequired,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, Some(key.key()));
    let work = Again {
        app: &app,
        scope: &by.scope,
        customer: by.id,
        order,
    };
    app.carry_out(&asked, &work).await
}

struct Again<'a> {
    app: &'a App,
    scope: &'a Scope,
    customer: CustomerId,
    order: OrderId,
}

impl Work for Again<'_> {
    fn name(&self) -> Cow<'static, str> {
        "ordering.cart.reorder".into()
    }

    async fn run(&self, unit: &mut Unit<'_>) -> Result<Reply, ExecuteError> {
        let order = unit.load::<Order>(self.order.uuid()).await?;
        only_theirs(&order, self.scope)?;
        let terms = &order.state.body().ok_or(ExecuteError::NotTheirs)?.terms;
        let (restaurant, channel) = (terms.restaurant, terms.channel);
        let OpenedCart { mut cart, .. } = self
            .app
            .open_cart_of(unit, self.customer, restaurant, channel)
            .await?;
        unit.belongs_to(CartId::new(cart.stream.id));
        for line in &terms.lines {
            let choice = chosen(line);
            cart = unit.decide(&cart, self.app.adding(choice))?;
        }
        let answer = self.app.cart_answer(&cart, None, unit.context.now).await?;
        Ok(Reply::ok(json_of(&answer)).tagged(cart.stream))
    }
}

/// What the customer chose, without what the menu's rules brought along.
fn chosen(line: &OrderLine) -> LineChoice {
    LineChoice {
        item: line.item.clone(),
        quantity: line.quantity,
        options: choices(&line.options),
        note: None,
        shortage: line.shortage,
        substitute: line.substitute.clone(),
    }
}

fn choices(options: &[OrderOption]) -> Vec<OptionChoice> {
    let chosen = options.iter().filter(|option| !option.implied);
    chosen
        .map(|option| OptionChoice {
            group: option.group.clone(),
            option: option.option.clone(),
            quantity: option.quantity,
            options: choices(&option.options),
        })
        .collect()
}
