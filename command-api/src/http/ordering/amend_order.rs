//! A customer orders something else instead, while nothing is cooked: order, stock, promotions and courier in one commit.

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::extract::State;
use domain::aggregates::Order;
use domain::joint::amend::{AmendRejection, AmendRequest, amend, quote_amendment};
use domain::joint::consent::Consent;
use domain::kernel::actor::Actor;
use domain::kernel::address::Address;
use domain::kernel::allergen::Allergen;
use domain::kernel::geo::GeoPoint;
use domain::kernel::ids::{CustomerId, OrderId, PromotionId};
use domain::kernel::sealed::Sealed;
use domain::ordering::line::{LineChoice, LineId};
use domain::ordering::order::OrderBody;
use domain::ordering::quote::{Quote, QuoteId};
use domain::ordering::window::Window;
use infra::event_store::{Loaded, StreamId};
use infra::http::conditional::IfMatch;
use infra::http::policy::Scope;
use infra::http::policy::action::AmendOrder;
use infra::http::{ApiError, Caller, Idempotency, Json, Path};
use infra::vault::VaultError;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::add_line::AddLineBody;
use super::check_out::check_consent;
use super::market::LoadedMarket;
use crate::app::App;
use crate::execute::{ExecuteError, Refusal, Reply, Unit, Work};
use crate::http::answer::{Committed, Refusals, json_of};
use crate::http::asked::{Asked, customer_or_ops};
use crate::http::courier::Going;
use crate::http::whose::only_theirs;

/// What is wanted instead. What is not named stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AmendOrderBody {
    /// The quote of this change that the customer saw. Without it nothing is changed: the answer is the quote.
    #[serde(default)]
    quote_id: Option<Uuid>,
    /// Other quantities of lines that the order has.
    #[serde(default)]
    lines: Vec<LineQuantity>,
    /// Dishes on top, at the menu's prices of now.
    #[serde(default)]
    add: Vec<AddLineBody>,
    /// Another window on the same day, of an order that waits for it.
    #[serde(default)]
    window: Option<Window>,
    /// Another door, with its own zone and fee.
    #[serde(default)]
    address: Option<Address>,
    /// The allergens that the customer avoids. Not stored.
    #[serde(default)]
    avoids: Vec<Allergen>,
    /// The allergens that the customer was warned of. Stored sealed.
    #[serde(default)]
    acknowledged_allergens: Option<Vec<Allergen>>,
    /// Whether the customer says to be as old as the quote's `minimum_age`.
    #[serde(default)]
    age_confirmed: bool,
}
domain::collect_struct!(AmendOrderBody {
    quote_id, lines = Vec::new(), add = Vec::new(), window, address, avoids = Vec::new(),
    acknowledged_allergens, age_confirmed = false,
});

/// How many of a line.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LineQuantity {
    /// The line of the order.
    #[schema(value_type = u32)]
    line: LineId,
    /// How many of it; none leaves it out.
    #[schema(maximum = 99)]
    quantity: u32,
}
domain::collect_struct!(LineQuantity { line, quantity });

/// What the order comes to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AmendedAnswer {
    /// The order.
    order_id: Uuid,
    /// Whether it is changed, or only quoted.
    amended: bool,
    /// What it comes to so.
    quote: Quote,
}

/// Changes what is ordered, or where it goes, until it is fired. What stays keeps its price; number and first promise
/// stay. It may cost less, but no more than was authorised.
#[utoipa::path(
    post,
    path = "/v1/orders/{order_id}/amend",
    params(("order_id" = uuid::Uuid, Path, description = "The order")),
    request_body = AmendOrderBody,
    responses((status = 200, description = "Changed, or quoted.", body = AmendedAnswer), Refusals)
)]
pub(super) async fn amend_order(
    State(app): State<App>,
    by: Caller<AmendOrder>,
    Path(order): Path<OrderId>,
    if_match: IfMatch,
    key: Idempotency,
    Json(body): Json<AmendOrderBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let known = app.known_order(order, &by.scope).await?;
    let customer = known.terms.customer;
    let mut added = Vec::with_capacity(body.add.len());
    for line in body.add.clone() {
        let note = match line.note() {
            Some(note) => Some(app.seal_for_order(customer, order, "note", note).await?),
            None => None,
        };
        added.push(line.choice(note));
    }
    let work = Amend {
        app: &app,
        scope: &by.scope,
        order,
        expected: if_match.version()?,
        by: customer_or_ops(&by.principal)?,
        sealed: app.sealed_parts(customer, order, &body).await?,
        added,
        shop_stock: app.stock_of(order).await?,
        body,
    };
    app.carry_out(&asked, &work).await
}

/// What of a change only the vault can open.
struct SealedParts {
    address: Option<Sealed<Address>>,
    acknowledged: Option<Sealed<Vec<Allergen>>>,
}

impl App {
    /// The order, if the caller may see it.
    async fn known_order(&self, order: OrderId, scope: &Scope) -> Result<OrderBody, ApiError> {
        let loaded = self.executor.store().load::<Order>(order.uuid()).await;
        let loaded = loaded.map_err(ExecuteError::from)?;
        only_theirs(&loaded, scope)?;
        let body = loaded.state.body().cloned();
        Ok(body.ok_or(ExecuteError::NotTheirs)?)
    }

    async fn sealed_parts(
        &self,
        customer: CustomerId,
        order: OrderId,
        body: &AmendOrderBody,
    ) -> Result<SealedParts, VaultError> {
        let address = match &body.address {
            Some(address) => Some(
                self.seal_for_order(customer, order, "address", address)
                    .await?,
            ),
            None => None,
        };
        let acknowledged = match &body.acknowledged_allergens {
            Some(known) => Some(
                self.seal_for_order(customer, order, "acknowledged_allergens", known)
                    .await?,
            ),
            None => None,
        };
        Ok(SealedParts {
            address,
            acknowledged,
        })
    }
}

struct Amend<'a> {
    app: &'a App,
    scope: &'a Scope,
    order: OrderId,
    expected: Option<i64>,
    by: Actor,
    sealed: SealedParts,
    added: Vec<LineChoice>,
    shop_stock: Vec<StreamId>,
    body: AmendOrderBody,
}

impl Work for Amend<'_> {
    fn name(&self) -> Cow<'static, str> {
        "ordering.order.amend".into()
    }

    async fn run(&self, unit: &mut Unit<'_>) -> Result<Reply, ExecuteError> {
        let order = unit.load::<Order>(self.order.uuid()).await?;
        only_theirs(&order, self.scope)?;
        unit.expect_version(&order, self.expected)?;
        let body = order.state.body().ok_or(ExecuteError::NotTheirs)?;
        let used: Vec<PromotionId> = body.bill.promotions().into_keys().collect();
        let loaded = LoadedMarket::load_with(unit, body.terms.restaurant, &used).await?;
        let offers = loaded.offers();
        let market = loaded.at(unit.context.now, &offers, &self.app.flags);
        let request = self.request(body).await?;
        let Some(seen) = self.body.quote_id.map(QuoteId::from) else {
            let quote = quote_amendment(&order.state, &request, &market)
                .map_err(|rejection| Refusal::from(&rejection))?;
            self.app.quotes.remember(&quote);
            return Ok(self.answer(&order, quote, false));
        };
        let going = match request.address {
            Some(_) => self.app.going(unit, &order.state).await?,
            None => None,
        };
        let courier = going.as_ref().map(Going::courier);
        let amended = amend(
            &order.state,
            &request,
            seen,
            courier,
            &market,
            &unit.context,
        )
        .map_err(|rejection| self.refusal_of(&rejection, seen))?;
        check_consent(self.consent(), &amended.quote)?;
        unit.belongs_to(self.order);
        unit.write(&order, &amended.order)?;
        unit.write(&loaded.stock, &amended.inventory)?;
        if let Some(going) = &going {
            going.write(unit, &amended.courier)?;
        }
        for (promotion, events) in &amended.promotions {
            let known = loaded.promotions.iter();
            for known in known.filter(|known| known.stream.id == promotion.uuid()) {
                unit.write(known, events)?;
            }
        }
        Ok(self.answer(&order, amended.quote, true))
    }

    fn queue_for(&self) -> Vec<StreamId> {
        self.shop_stock.clone()
    }
}

impl Amend<'_> {
    async fn request(&self, order: &OrderBody) -> Result<AmendRequest, ExecuteError> {
        let wanted = self.body.lines.iter();
        let quantities: BTreeMap<LineId, u32> = wanted
            .map(|wanted| (wanted.line, wanted.quantity))
            .collect();
        let address = self.other_door(order).await?;
        let place = match &self.body.address {
            Some(wanted) if address.is_some() => Some(wanted.pin),
            Some(_) | None => self.agreed_place(order).await?,
        };
        Ok(AmendRequest {
            order: self.order,
            quantities,
            added: self.added.clone(),
            window: self.body.window,
            address,
            place,
            acknowledged: self.sealed.acknowledged.clone(),
            by: self.by.clone(),
        })
    }

    /// The door that is asked for, unless it is the one that it goes to: what is sent twice calls no courier off again.
    async fn other_door(&self, order: &OrderBody) -> Result<Option<Sealed<Address>>, VaultError> {
        let known = match order.door().filter(|_| self.body.address.is_some()) {
            Some(door) => self.app.opened_door(door).await?,
            None => None,
        };
        let is_other = self.body.address != known;
        Ok(self.sealed.address.clone().filter(|_| is_other))
    }

    /// The pin as it was agreed: what was put right about a door does not change its zone or fee.
    async fn agreed_place(&self, order: &OrderBody) -> Result<Option<GeoPoint>, VaultError> {
        match order.agreed_door().filter(|_| order.is_delivery()) {
            Some(agreed) => Ok(self.app.opened_door(agreed).await?.map(|door| door.pin)),
            None => Ok(None),
        }
    }

    fn consent(&self) -> Consent<'_> {
        Consent {
            avoids: &self.body.avoids,
            acknowledged: self.body.acknowledged_allergens.as_deref(),
            age_confirmed: self.body.age_confirmed,
        }
    }

    fn answer(&self, order: &Loaded<Order>, quote: Quote, amended: bool) -> Reply {
        let answer = AmendedAnswer {
            order_id: self.order.uuid(),
            amended,
            quote,
        };
        Reply::ok(json_of(&answer)).tagged(order.stream)
    }

    fn refusal_of(&self, rejection: &AmendRejection, seen: QuoteId) -> Refusal {
        let refusal = Refusal::from(rejection);
        match rejection {
            AmendRejection::QuoteChanged { current } => {
                self.app.quote_changed(refusal, current, seen)
            }
            AmendRejection::Refused(_)
            | AmendRejection::Order(_)
            | AmendRejection::Inventory(_)
            | AmendRejection::Promotion(_)
            | AmendRejection::Delivery(_)
            | AmendRejection::Courier(_) => refusal,
        }
    }
}
