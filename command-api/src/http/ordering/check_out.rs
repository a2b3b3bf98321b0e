//! A cart becomes an order: cart, order, stock and payment in one commit, or nothing.

use std::borrow::Cow;

use axum::extract::State;
use domain::aggregates::{Cart, Inventory, Kind, Menu, Order, Payment, Restaurant};
use domain::decider::Decider as _;
use domain::joint::Market;
use domain::joint::checkout::{Checkout, CheckoutRejection, CheckoutRequest, check_out as decide};
use domain::joint::consent::Consent;
use domain::kernel::allergen::Allergen;
use domain::kernel::ids::{CartId, OrderId, PaymentId, RestaurantId};
use domain::kernel::money::Money;
use domain::kernel::sealed::Sealed;
use domain::ordering::quote::{Quote, QuoteId};
use infra::event_store::{Loaded, StreamId};
use infra::http::policy::Scope;
use infra::http::policy::action::CheckOut;
use infra::http::{ApiError, Customer, IdempotencyRequired, Json, Path};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::cart_answer::market_streams;
use crate::app::App;
use crate::execute::{ExecuteError, Refusal, Reply, Unit, Work};
use crate::http::answer::{Committed, Refusals, json_of};
use crate::http::asked::Asked;
use crate::http::whose::only_theirs;

/// What the customer agreed to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckOutBody {
    /// The quote that the customer saw.
    quote_id: Uuid,
    /// The allergens that the customer avoids: each that the order contains or may contain must be
    /// acknowledged. Not stored.
    #[serde(default)]
    avoids: Vec<Allergen>,
    /// The allergens that the customer was warned of. When given, none of the order's may be missing.
    /// Stored sealed.
    #[serde(default)]
    acknowledged_allergens: Option<Vec<Allergen>>,
    /// Whether the customer says to be as old as the quote's `minimum_age`.
    #[serde(default)]
    age_confirmed: bool,
}
domain::collect_struct!(CheckOutBody {
    quote_id, avoids = Vec::new(), acknowledged_allergens, age_confirmed = false,
});

/// The new order.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CheckedOutAnswer {
    /// The order.
    order_id: OrderId,
    /// Its number on its service date, as on its label.
    number: u32,
    /// What is to be paid.
    total: Money,
    /// Its payment.
    payment: PaymentAnswer,
}

/// A payment as its payer sees it.
#[derive(Debug, Serialize, ToSchema)]
struct PaymentAnswer {
    /// The payment.
    id: PaymentId,
    /// `requires_payment`, or `authorized` when nothing is to be paid.
    status: &'static str,
}

/// Orders what a cart holds, at the price that the customer saw.
#[utoipa::path(
    post,
    path = "/v1/carts/{cart_id}/checkout",
    params(("cart_id" = uuid::Uuid, Path, description = "The cart")),
    request_body = CheckOutBody,
    responses((status = 201, description = "Ordered.", body = CheckedOutAnswer), Refusals)
)]
pub(super) async fn check_out(
    State(app): State<App>,
    by: Customer<CheckOut>,
    Path(cart): Path<CartId>,
    key: IdempotencyRequired,
    Json(body): Json<CheckOutBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, Some(key.key()));
    let shop = app.shop_of(cart).await?;
    app.carry_out(
        &asked,
        &CheckOutCart {
            app: &app,
            scope: &by.scope,
            cart,
            shop,
            body,
        },
    )
    .await
}

impl App {
    /// The cart's shop, which never changes; none when there is no such cart.
    async fn shop_of(&self, cart: CartId) -> Result<Option<RestaurantId>, ApiError> {
        let loaded = self.executor.store().load::<Cart>(cart.uuid()).await;
        let cart = loaded.map_err(|error| ApiError::from(ExecuteError::from(error)))?;
        Ok(cart.state.body().map(|body| body.restaurant))
    }
}

struct CheckOutCart<'a> {
    app: &'a App,
    scope: &'a Scope,
    cart: CartId,
    shop: Option<RestaurantId>,
    body: CheckOutBody,
}

impl Work for CheckOutCart<'_> {
    fn name(&self) -> Cow<'static, str> {
        "ordering.cart.check_out".into()
    }

    async fn run(&self, unit: &mut Unit<'_>) -> Result<Reply, ExecuteError> {
        let cart = unit.load::<Cart>(self.cart.uuid()).await?;
        only_theirs(&cart, self.scope)?;
        let body = cart.state.body().ok_or(ExecuteError::NotTheirs)?;
        let (shop, place) = (body.restaurant.uuid(), self.app.place_of(body).await?);
        let restaurant = unit.load::<Restaurant>(shop).await?;
        let menu = unit.load::<Menu>(shop).await?;
        let stock = unit.load::<Inventory>(shop).await?;
        let market = Market {
            shop: &restaurant.state,
            menu: &menu.state,
            stock: &stock.state,
            flags: &self.app.flags,
            now: unit.context.now,
        };
        let request = CheckoutRequest {
            cart: self.cart,
            quote_id: QuoteId::from(self.body.quote_id),
            order: OrderId::new(unit.context.fresh_id()),
            payment: PaymentId::new(unit.context.fresh_id()),
            place,
            acknowledged: self.acknowledged().await?,
        };
        let decided = decide(&cart.state, request.clone(), &market, &unit.context);
        let checkout = decided.map_err(|rejection| refusal_of(&rejection))?;
        self.check_consent(&checkout.quote)?;
        write(unit, &cart, &stock, &request, &checkout)
    }

    fn queue_for(&self) -> Option<StreamId> {
        Some(StreamId {
            kind: Kind::Inventory,
            id: self.shop?.uuid(),
        })
    }

    fn streams(&self) -> Vec<StreamId> {
        let cart = StreamId {
            kind: Kind::Cart,
            id: self.cart.uuid(),
        };
        let market = self.shop.map(market_streams);
        std::iter::once(cart)
            .chain(market.into_iter().flatten())
            .collect()
    }
}

impl CheckOutCart<'_> {
    /// What the customer was warned of, sealed: a list of allergens says what its writer avoids.
    async fn acknowledged(&self) -> Result<Option<Sealed<Vec<Allergen>>>, ExecuteError> {
        let Some(acknowledged) = &self.body.acknowledged_allergens else {
            return Ok(None);
        };
        let sealed = self.app.seal_for_cart(
            self.scope,
            self.cart,
            "acknowledged_allergens",
            acknowledged,
        );
        Ok(Some(sealed.await?))
    }

    fn check_consent(&self, quote: &Quote) -> Result<(), ExecuteError> {
        let consent = Consent {
            avoids: &self.body.avoids,
            acknowledged: self.body.acknowledged_allergens.as_deref(),
            age_confirmed: self.body.age_confirmed,
        };
        let Err(faults) = consent.check(quote) else {
            return Ok(());
        };
        let of_allergens = faults
            .0
            .iter()
            .any(|fault| fault.code == "allergen_not_acknowledged");
        let (code, detail) = if of_allergens {
            (
                "allergens_not_acknowledged",
                "the order has allergens that the customer was not warned of",
            )
        } else {
            (
                "age_not_confirmed",
                "the order has what is not sold to everybody",
            )
        };
        Err(Refusal {
            class: domain::decider::Class::Unprocessable,
            code: code.to_owned(),
            detail: detail.to_owned(),
            faults: faults.0,
            extra: serde_json::Map::new(),
        }
        .into())
    }
}

fn write(
    unit: &mut Unit<'_>,
    cart: &Loaded<Cart>,
    stock: &Loaded<Inventory>,
    request: &CheckoutRequest,
    checkout: &Checkout,
) -> Result<Reply, ExecuteError> {
    let order = unit.create::<Order>(request.order.uuid());
    let payment = unit.create::<Payment>(request.payment.uuid());
    unit.belongs_to(request.order);
    unit.write(cart, &checkout.cart)?;
    unit.write(stock, &checkout.inventory)?;
    let order = unit.write(&order, &checkout.order)?;
    let payment = unit.write(&payment, &checkout.payment)?;
    let answer = CheckedOutAnswer {
        order_id: request.order,
        number: checkout.number,
        total: checkout.quote.total(),
        payment: PaymentAnswer {
            id: request.payment,
            status: payment.state.stage().into(),
        },
    };
    let location = format!("/v1/orders/{}", request.order);
    Ok(Reply::created(json_of(&answer), location).tagged(order.stream))
}

/// The refusal, with the quote that is true now when that is what has changed.
fn refusal_of(rejection: &CheckoutRejection) -> Refusal {
    let refusal = Refusal::from(rejection);
    match rejection {
        CheckoutRejection::QuoteChanged { current } => refusal.with("quote", json_of(current)),
        CheckoutRejection::AlreadyCheckedOut { order } => refusal.with("order_id", json_of(order)),
        CheckoutRejection::CartUnknown
        | CheckoutRejection::CartRefused(_)
        | CheckoutRejection::Cart(_)
        | CheckoutRejection::Order(_)
        | CheckoutRejection::Inventory(_)
        | CheckoutRejection::Payment(_) => refusal,
    }
}
