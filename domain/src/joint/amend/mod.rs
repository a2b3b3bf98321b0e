//! A customer changes an order that is not fired yet: other quantities, more dishes, another door. Order, stock, kitchen,
//! promotions and courier change together or not at all, at a quote that the customer has seen, and within what was
//! authorised.

mod courier;
mod rejection;

use std::collections::{BTreeMap, BTreeSet};

use super::price_cart::amended::{Wanted, price_amended};
use super::price_cart::promise;
use super::{Market, Offer};
use crate::decider::{Context, Decider as _};
use crate::kernel::actor::Actor;
use crate::kernel::address::Address;
use crate::kernel::allergen::Allergen;
use crate::kernel::geo::GeoPoint;
use crate::kernel::ids::{OrderId, PromotionId};
use crate::kernel::sealed::Sealed;
use crate::ordering::bill::Bill;
use crate::ordering::fulfilment::Fulfilment;
use crate::ordering::line::{LineChoice, LineId};
use crate::ordering::order::{
    Amendment, Order, OrderBody, OrderCommand, OrderEvent, OrderRejection, OrderStage,
};
use crate::ordering::quote::{Quote, QuoteId};
use crate::ordering::window::Window;
use crate::restaurant::inventory::{
    Inventory, InventoryCommand, InventoryEvent, KitchenWanted, ReleaseReason,
};
use crate::restaurant::promotion::{Promotion, PromotionCommand, PromotionEvent};

pub use courier::{Courier, OtherCourier};
pub use rejection::AmendRejection;

/// What a customer wants of an order instead.
#[derive(Clone, Debug)]
pub struct AmendRequest {
    /// The order.
    pub order: OrderId,
    /// How many of lines that it has; none leaves a line out, and a line that is not named stays.
    pub quantities: BTreeMap<LineId, u32>,
    /// What is new.
    pub added: Vec<LineChoice>,
    /// Another window, of an order that waits for its day.
    pub window: Option<Window>,
    /// Another door, sealed.
    pub address: Option<Sealed<Address>>,
    /// The pin of the door that it goes to, when it is brought.
    pub place: Option<GeoPoint>,
    /// The allergens that the customer was warned of, sealed.
    pub acknowledged: Option<Sealed<Vec<Allergen>>>,
    /// Who asks.
    pub by: Actor,
}

/// The events of an amendment, to be appended in one commit; shop and menu were read.
#[derive(Clone, Debug, PartialEq)]
pub struct Amended {
    /// To the order.
    pub order: Vec<OrderEvent>,
    /// To the shop's inventory.
    pub inventory: Vec<InventoryEvent>,
    /// To each promotion that takes something else off than before.
    pub promotions: Vec<(PromotionId, Vec<PromotionEvent>)>,
    /// To the transports, when one was on its way to the door before.
    pub courier: OtherCourier,
    /// What was agreed.
    pub quote: Quote,
}

/// Says what an order would come to.
///
/// # Errors
/// [`AmendRejection::Refused`], or that there is no such order.
pub fn quote_amendment(
    order: &Order,
    request: &AmendRequest,
    market: &Market<'_>,
) -> Result<Quote, AmendRejection> {
    let unknown = AmendRejection::Order(OrderRejection::OrderUnknown);
    let body = order.body().ok_or(unknown)?;
    let fulfilment = fulfilment_of(body, request);
    let wanted = Wanted {
        order: body,
        quantities: &request.quantities,
        added: &request.added,
        fulfilment: &fulfilment,
        place: request.place,
        moved: request.address.is_some(),
        window: request.window,
    };
    // The order's own hold, slots and redemptions stand in nobody's way but others'.
    let stock = without_hold(market.stock, request.order);
    let promotions = without_redemptions(market.offers, body, request.order);
    let offers: Vec<Offer<'_>> = promotions
        .iter()
        .map(|(id, promotion)| Offer { id: *id, promotion })
        .collect();
    let market = Market {
        stock: &stock,
        offers: &offers,
        ..*market
    };
    price_amended(wanted, &market).map_err(AmendRejection::Refused)
}

/// Amends an order at the quote that the customer saw. `courier` is who was asked to bring it, and counts when it goes to
/// another door.
///
/// # Errors
/// [`AmendRejection`]; with [`AmendRejection::QuoteChanged`] the customer may agree anew.
pub fn amend(
    order: &Order,
    request: &AmendRequest,
    seen: QuoteId,
    courier: Option<Courier<'_>>,
    market: &Market<'_>,
    context: &Context,
) -> Result<Amended, AmendRejection> {
    let quote = quote_amendment(order, request, market)?;
    let quote = promise::agreed(quote, seen, market.flags)
        .map_err(|current| AmendRejection::QuoteChanged { current })?;
    let command = OrderCommand::Amend {
        amendment: Box::new(Amendment {
            quote_id: quote.quote_id,
            bill: Bill {
                lines: quote.content.items.clone(),
                quote: quote.content.lines.clone(),
                total: quote.total(),
                tax_included_minor: quote.content.tax_included_minor,
            },
            needs: quote.content.line_needs.clone(),
            allergens: quote.content.allergens.clone(),
            acknowledged: request.acknowledged.clone(),
            minutes: quote.content.promise,
            schedule: quote.content.schedule.filter(|_| waits(order)),
            address: request.address.clone(),
        }),
        by: request.by.clone(),
    };
    let mut events = order
        .decide(command, context)
        .map_err(AmendRejection::Order)?;
    if events.is_empty() {
        return Ok(Amended {
            order: events,
            inventory: Vec::new(),
            promotions: Vec::new(),
            courier: OtherCourier::default(),
            quote,
        });
    }
    let courier = match courier.filter(|_| request.address.is_some()) {
        Some(courier) => {
            let mut amended = order.clone();
            for event in &events {
                amended.evolve(event);
            }
            courier.sent_elsewhere((request.order, &amended), market.shop, context)?
        }
        None => OtherCourier::default(),
    };
    events.extend(courier.order.iter().cloned());
    Ok(Amended {
        order: events,
        courier,
        inventory: held_anew(order, request.order, &quote, market, context)?,
        promotions: redeemed_anew(order, request.order, &quote, market, context)?,
        quote,
    })
}

fn fulfilment_of(body: &OrderBody, request: &AmendRequest) -> Fulfilment {
    match &request.address {
        Some(address) if body.is_delivery() => Fulfilment::Delivery {
            address: address.clone(),
        },
        Some(_) | None if body.is_delivery() => body.fulfilment.clone(),
        Some(_) | None => Fulfilment::Pickup,
    }
}

fn without_hold(stock: &Inventory, hold: OrderId) -> Inventory {
    let mut free = stock.clone();
    free.evolve(&InventoryEvent::HoldReleased {
        hold,
        reason: ReleaseReason::Cancelled,
    });
    free
}

fn without_redemptions(
    offers: &[Offer<'_>],
    body: &OrderBody,
    order: OrderId,
) -> Vec<(PromotionId, Promotion)> {
    let released = |offer: &Offer<'_>| {
        let mut promotion = offer.promotion.clone();
        let used = promotion
            .body()
            .is_some_and(|found| found.orders.contains_key(&order));
        if used {
            promotion.evolve(&PromotionEvent::RedemptionReleased {
                order,
                customer: body.terms.customer,
                at: body.terms.at,
            });
        }
        (offer.id, promotion)
    };
    offers.iter().map(released).collect()
}

/// Whether it waits for its day.
fn waits(order: &Order) -> bool {
    order.stage() == OrderStage::Scheduled
}

/// The hold takes what the order needs from now on, and other slots of the kitchen. One that waits takes its stock when it
/// is released.
fn held_anew(
    order: &Order,
    hold: OrderId,
    quote: &Quote,
    market: &Market<'_>,
    context: &Context,
) -> Result<Vec<InventoryEvent>, AmendRejection> {
    let capacity = market.shop.live().and_then(|live| live.capacity.copied());
    let change = InventoryCommand::ChangeHold {
        hold,
        needs: if waits(order) {
            Vec::new()
        } else {
            quote.content.needs.clone()
        },
        kitchen: capacity
            .zip(quote.content.kitchen.clone())
            .map(|(capacity, booking)| KitchenWanted { booking, capacity }),
        as_far_as_free: false,
    };
    market
        .stock
        .decide(change, context)
        .map_err(AmendRejection::Inventory)
}

/// A promotion that takes another amount off is redeemed anew; one that no longer holds counts no more.
fn redeemed_anew(
    order: &Order,
    id: OrderId,
    quote: &Quote,
    market: &Market<'_>,
    context: &Context,
) -> Result<Vec<(PromotionId, Vec<PromotionEvent>)>, AmendRejection> {
    let Some(body) = order.body() else {
        return Ok(Vec::new());
    };
    let (before, now) = (body.bill.promotions(), quote.discounts());
    let ids: BTreeSet<&PromotionId> = before.keys().chain(now.keys()).collect();
    let mut changed = Vec::new();
    for offer in market.offers.iter().filter(|offer| ids.contains(&offer.id)) {
        let (before, now) = (before.get(&offer.id), now.get(&offer.id));
        if before == now {
            continue;
        }
        let mut promotion = offer.promotion.clone();
        let mut events = Vec::new();
        let release = PromotionCommand::ReleaseRedemption { order: id };
        let redeem = now.map(|discount| PromotionCommand::Redeem {
            order: id,
            customer: body.terms.customer,
            restaurant: body.terms.restaurant,
            discount: *discount,
        });
        for command in std::iter::once(release).chain(redeem) {
            let decided = promotion.decide(command, context);
            for event in decided.map_err(AmendRejection::Promotion)? {
                promotion.evolve(&event);
                events.push(event);
            }
        }
        changed.push((offer.id, events));
    }
    Ok(changed)
}
