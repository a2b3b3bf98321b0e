//! A cart becomes an order: cart, order, stock, payment and promotions in one commit, or nothing.

use std::borrow::Cow;

use axum::extract::State;
use domain::aggregates::{Cart, Kind, Order, Payment};
use domain::decider::Decider as _;
use domain::joint::checkout::{Checkout, CheckoutRejection, CheckoutRequest, check_out as decide};
use domain::joint::consent::Consent;
use domain::kernel::allergen::Allergen;
use domain::kernel::ids::{CartId, OrderId, PaymentId, RestaurantId};
use domain::kernel::money::Money;
use domain::kernel::sealed::Sealed;
use domain::ordering::quote::{Quote, QuoteId};
use domain::ordering::quote_difference::QuoteDifference;
use infra::event_store::{Loaded, StreamId};
use infra::http::policy::Scope;
use infra::http::policy::action::CheckOut;
use infra::http::{ApiError, Customer, IdempotencyRequired, Json, Path};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::market::{LoadedMarket, market_streams};
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
    let known = app.known_of(cart).await?;
    app.carry_out(
        &asked,
        &CheckOutCart {
            app: &app,
            scope: &by.scope,
            cart,
            shop: known.shop,
            busy: known.busy,
            body,
        },
    )
    .await
}

/// What is known of a cart before its turn.
#[derive(Default)]
struct Known {
    /// Its shop, which never changes; none when there is no such cart.
    shop: Option<RestaurantId>,
    /// The streams that its checkout will write: the stock, and promotions.
    busy: Vec<StreamId>,
}

impl App {
    async fn known_of(&self, cart: CartId) -> Result<Known, ApiError> {
        let store = self.executor.store();
        let failed = |error| ApiError::from(ExecuteError::from(error));
        let loaded = store.load::<Cart>(cart.uuid()).await.map_err(failed)?;
        let Some(body) = loaded.state.body() else {
            return Ok(Known::default());
        };
        let market = LoadedMarket::peek(store, body).await.map_err(failed)?;
        let promotions = market.promotions.iter();
        let promotions = promotions
            .filter(|promotion| promotion.state.concerns(body.restaurant))
            .map(|promotion| promotion.stream);
        Ok(Known {
            shop: Some(body.restaurant),
            busy: promotions.chain([market.stock.stream]).collect(),
        })
    }
}

struct CheckOutCart<'a> {
    app: &'a App,
    scope: &'a Scope,
    cart: CartId,
    shop: Option<RestaurantId>,
    busy: Vec<StreamId>,
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
        let place = self.app.place_of(body).await?;
        let loaded = LoadedMarket::load(unit, body).await?;
        let offers = loaded.offers();
        let market = loaded.at(unit.context.now, &offers, &self.app.flags);
        let request = CheckoutRequest {
            cart: self.cart,
            quote_id: QuoteId::from(self.body.quote_id),
            order: OrderId::new(unit.context.fresh_id()),
            payment: PaymentId::new(unit.context.fresh_id()),
            place,
            acknowledged: self.acknowledged().await?,
        };
        let decided = decide(&cart.state, &request, &market, &unit.context);
        let checkout = decided.map_err(|rejection| self.refusal_of(&rejection, &request))?;
        let consent = Consent {
            avoids: &self.body.avoids,
            acknowledged: self.body.acknowledged_allergens.as_deref(),
            age_confirmed: self.body.age_confirmed,
        };
        check_consent(consent, &checkout.quote)?;
        write(unit, &cart, &loaded, &request, &checkout)
    }

    fn queue_for(&self) -> Vec<StreamId> {
        self.busy.clone()
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
}

/// Refuses what the customer was not warned of.
///
/// # Errors
/// `allergens_not_acknowledged` or `age_not_confirmed`, with each fault.
pub(super) fn check_consent(consent: Consent<'_>, quote: &Quote) -> Result<(), ExecuteError> {
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

fn write(
    unit: &mut Unit<'_>,
    cart: &Loaded<Cart>,
    market: &LoadedMarket,
    request: &CheckoutRequest,
    checkout: &Checkout,
) -> Result<Reply, ExecuteError> {
    let order = unit.create::<Order>(request.order.uuid());
    let payment = unit.create::<Payment>(request.payment.uuid());
    unit.belongs_to(request.order);
    unit.write(cart, &checkout.cart)?;
    unit.write(&market.stock, &checkout.inventory)?;
    for (promotion, events) in &checkout.promotions {
        let loaded = market.promotions.iter();
        for loaded in loaded.filter(|loaded| loaded.stream.id == promotion.uuid()) {
            unit.write(loaded, events)?;
        }
    }
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

impl CheckOutCart<'_> {
    /// The refusal; when the quote has changed, with the one that holds now and what is different, as
    /// far as the one seen was made in this process not long ago.
    fn refusal_of(&self, rejection: &CheckoutRejection, request: &CheckoutRequest) -> Refusal {
        let refusal = Refusal::from(rejection);
        match rejection {
            CheckoutRejection::QuoteChanged { current } => {
                self.app.quote_changed(refusal, current, request.quote_id)
            }
            CheckoutRejection::AlreadyCheckedOut { order } => {
                refusal.with("order_id", json_of(order))
            }
            CheckoutRejection::CartUnknown
            | CheckoutRejection::CartRefused(_)
            | CheckoutRejection::Cart(_)
            | CheckoutRejection::Order(_)
            | CheckoutRejection::Inventory(_)
            | CheckoutRejection::Payment(_)
            | CheckoutRejection::Promotion(_) => refusal,
        }
    }
}

impl App {
    /// A refusal with the quote that holds now, and what is different from the one that was seen.
    pub(super) fn quote_changed(
        &self,
        refusal: Refusal,
        current: &Quote,
        seen: QuoteId,
    ) -> Refusal {
        self.quotes.remember(current);
        let refusal = refusal.with("quote", json_of(current));
        match self.quotes.get(seen) {
            Some(seen) => {
                let difference = QuoteDifference::between(&seen, &current.content);
                refusal.with("difference", json_of(&difference))
            }
            None => refusal,
        }
    }
}
