//! A customer opens a cart at a shop: one at a time, so whoever has one open is answered with it.

use std::borrow::Cow;

use axum::extract::State;
use domain::aggregates::{Cart, Restaurant};
use domain::decider::{Class, Fault};
use domain::kernel::actor::Channel;
use domain::kernel::ids::{CartId, CustomerId, RestaurantId};
use domain::ordering::cart::CartCommand;
use infra::event_store::Loaded;
use infra::http::policy::action::OpenCart;
use infra::http::{ApiError, Idempotency, Json, Shopper};
use serde::Deserialize;
use utoipa::ToSchema;

use super::cart_answer::CartAnswer;
use crate::app::App;
use crate::execute::{ExecuteError, Refusal, Reply, Unit, Work};
use crate::http::answer::{Committed, Refusals, json_of};
use crate::http::asked::Asked;

/// At which shop.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OpenCartBody {
    /// The shop; a cart never changes it.
    restaurant_id: RestaurantId,
    /// Where the order comes in; the app when absent.
    #[serde(default = "app_channel")]
    channel: Channel,
}
domain::collect_struct!(OpenCartBody { restaurant_id, channel = app_channel() });

fn app_channel() -> Channel {
    Channel::App
}

/// Opens an empty cart, or answers the one that the customer has open at this shop.
#[utoipa::path(
    post,
    path = "/v1/carts",
    request_body = OpenCartBody,
    responses(
        (status = 201, description = "Opened.", body = CartAnswer),
        (status = 200, description = "Open already.", body = CartAnswer),
        Refusals
    )
)]
pub(super) async fn open_cart(
    State(app): State<App>,
    by: Shopper<OpenCart>,
    key: Idempotency,
    Json(body): Json<OpenCartBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    app.carry_out(
        &asked,
        &Open {
            app: &app,
            customer: by.id,
            body,
        },
    )
    .await
}

struct Open<'a> {
    app: &'a App,
    customer: CustomerId,
    body: OpenCartBody,
}

impl Work for Open<'_> {
    fn name(&self) -> Cow<'static, str> {
        "ordering.cart.open".into()
    }

    async fn run(&self, unit: &mut Unit<'_>) -> Result<Reply, ExecuteError> {
        let OpenCartBody {
            restaurant_id: restaurant,
            channel,
        } = self.body;
        let shop = unit.load::<Restaurant>(restaurant.uuid()).await?;
        if shop.state.id().is_none() {
            return Err(no_such_shop().into());
        }
        let OpenedCart { cart, is_new } = self
            .app
            .open_cart_of(unit, self.customer, restaurant, channel)
            .await?;
        let answer = self.app.cart_answer(&cart, None, unit.context.now).await?;
        let body = with_id(&answer, &cart.stream.id);
        let reply = if is_new {
            Reply::created(body, format!("/v1/carts/{}", cart.stream.id))
        } else {
            Reply::ok(body)
        };
        Ok(reply.tagged(cart.stream))
    }
}

/// The cart that a customer has at a shop.
pub(super) struct OpenedCart {
    pub(super) cart: Loaded<Cart>,
    /// Whether it was opened now.
    pub(super) is_new: bool,
}

impl App {
    /// The cart that a customer has open at a shop, or a new one.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) async fn open_cart_of(
        &self,
        unit: &mut Unit<'_>,
        customer: CustomerId,
        restaurant: RestaurantId,
        channel: Channel,
    ) -> Result<OpenedCart, ExecuteError> {
        let next = self.next_cart(customer, restaurant).await?;
        if let Some(last) = next.checked_sub(1) {
            let last = CartId::of(customer, restaurant, last);
            if let Some(cart) = still_open(unit, last).await? {
                let is_new = false;
                return Ok(OpenedCart { cart, is_new });
            }
        }
        let id = CartId::of(customer, restaurant, next);
        let cart = unit.load::<Cart>(id.uuid()).await?;
        unit.belongs_to(id);
        let open = CartCommand::Open {
            customer,
            restaurant,
            channel,
            life: self.flags.cart_life,
        };
        let cart = unit.decide(&cart, open)?;
        let is_new = true;
        Ok(OpenedCart { cart, is_new })
    }

    /// The number of a customer's next cart at a shop. They are numbered without holes, so the first that
    /// is not there is found by doubling and then halving: a few loads after many orders.
    async fn next_cart(
        &self,
        customer: CustomerId,
        restaurant: RestaurantId,
    ) -> Result<u32, ExecuteError> {
        let (mut low, mut high) = (0_u32, 0_u32);
        while self.has_cart(customer, restaurant, high).await? {
            low = high.saturating_add(1);
            high = high.saturating_mul(2).saturating_add(1);
        }
        while low < high {
            let middle = low.midpoint(high);
            if self.has_cart(customer, restaurant, middle).await? {
                low = middle.saturating_add(1);
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    async fn has_cart(
        &self,
        customer: CustomerId,
        restaurant: RestaurantId,
        number: u32,
    ) -> Result<bool, ExecuteError> {
        let id = CartId::of(customer, restaurant, number);
        let loaded = self.executor.store().load::<Cart>(id.uuid()).await?;
        Ok(loaded.exists())
    }
}

/// A cart, when it can still be used. One that has expired is thrown away.
async fn still_open(unit: &mut Unit<'_>, id: CartId) -> Result<Option<Loaded<Cart>>, ExecuteError> {
    let cart = unit.load::<Cart>(id.uuid()).await?;
    let Cart::Open(body) = &*cart.state else {
        return Ok(None);
    };
    if unit.context.now < body.expires_at {
        return Ok(Some(cart));
    }
    unit.decide(&cart, CartCommand::Abandon)?;
    Ok(None)
}

/// The answer, also with the plain `id` that every creation gives.
fn with_id(answer: &CartAnswer, id: &uuid::Uuid) -> serde_json::Value {
    let mut body = json_of(answer);
    body["id"] = json_of(id);
    body
}

fn no_such_shop() -> Refusal {
    let (code, detail) = (
        "restaurant_unknown".to_owned(),
        "there is no such shop".to_owned(),
    );
    let pointer = "/restaurant_id".to_owned();
    Refusal {
        class: Class::Unprocessable,
        code: code.clone(),
        detail: detail.clone(),
        faults: vec![Fault {
            code,
            pointer,
            detail,
        }],
        extra: serde_json::Map::new(),
    }
}
