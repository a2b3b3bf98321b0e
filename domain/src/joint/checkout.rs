//! Turns a cart into an order: cart, order, stock, payment and promotions change together or not at all.

use chrono::{DateTime, Utc};

use super::Market;
use super::price_cart::{asked_at, price_cart, promise};
use crate::decider::{Class, Context, Decider, Rejection};
use crate::kernel::allergen::Allergen;
use crate::kernel::fault::{Fault, Faults};
use crate::kernel::geo::GeoPoint;
use crate::kernel::ids::{CartId, OrderId, PaymentId, PromotionId};
use crate::kernel::sealed::Sealed;
use crate::kernel::tax::FulfilmentKind;
use crate::ordering::cart::{Cart, CartBody, CartCommand, CartEvent, CartRejection};
use crate::ordering::fulfilment::Fulfilment;
use crate::ordering::order::{CheckedOut, Order, OrderCommand, OrderEvent, OrderRejection};
use crate::ordering::quote::{Quote, QuoteId};
use crate::ordering::seller::SellerDetails;
use crate::payment::payment::{Payment, PaymentCommand, PaymentEvent, PaymentRejection};
use crate::restaurant::inventory::{
    InventoryCommand, InventoryEvent, InventoryRejection, KitchenWanted,
};
use crate::restaurant::promotion::{PromotionCommand, PromotionEvent, PromotionRejection};
use crate::restaurant::restaurant::LiveShop;

/// What a customer asks for at checkout, with the ids of what comes of it.
#[derive(Clone, Debug)]
pub struct CheckoutRequest {
    /// The cart.
    pub cart: CartId,
    /// The quote that the customer saw.
    pub quote_id: QuoteId,
    /// The order that it becomes.
    pub order: OrderId,
    /// The payment of that order.
    pub payment: PaymentId,
    /// The door's pin, when the cart is to be delivered.
    pub place: Option<GeoPoint>,
    /// The allergens that the customer was warned of, sealed.
    pub acknowledged: Option<Sealed<Vec<Allergen>>>,
}

/// The events of a checkout, to be appended in one commit; shop and menu were read.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkout {
    /// To the cart.
    pub cart: Vec<CartEvent>,
    /// To the new order.
    pub order: Vec<OrderEvent>,
    /// To the shop's inventory.
    pub inventory: Vec<InventoryEvent>,
    /// To the new payment.
    pub payment: Vec<PaymentEvent>,
    /// To each promotion that takes something off.
    pub promotions: Vec<(PromotionId, Vec<PromotionEvent>)>,
    /// The order's number on its service date.
    pub number: u32,
    /// What was agreed.
    pub quote: Quote,
}

/// Why a cart does not become an order.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CheckoutRejection {
    /// There is no such cart.
    #[error("the cart does not exist")]
    CartUnknown,
    /// It became an order before.
    #[error("the cart was checked out as order {order}")]
    AlreadyCheckedOut {
        /// That order.
        order: OrderId,
    },
    /// The cart cannot be ordered as it is.
    #[error("the cart cannot be ordered: {0}")]
    CartRefused(Faults),
    /// Lines, amounts, allergens or promise are no longer what the customer saw.
    #[error("the quote has changed")]
    QuoteChanged {
        /// What they are now.
        current: Box<Quote>,
    },
    /// The cart says no.
    #[error(transparent)]
    Cart(CartRejection),
    /// The order says no.
    #[error(transparent)]
    Order(OrderRejection),
    /// The stock says no.
    #[error(transparent)]
    Inventory(InventoryRejection),
    /// The payment says no.
    #[error(transparent)]
    Payment(PaymentRejection),
    /// A promotion says no.
    #[error(transparent)]
    Promotion(PromotionRejection),
}

impl Rejection for CheckoutRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::CartUnknown => "cart_unknown",
            Self::AlreadyCheckedOut { .. } => "already_checked_out",
            Self::CartRefused(_) => "cart_refused",
            Self::QuoteChanged { .. } => "quote_changed",
            Self::Cart(rejection) => rejection.code(),
            Self::Order(rejection) => rejection.code(),
            Self::Inventory(rejection) => rejection.code(),
            Self::Payment(rejection) => rejection.code(),
            Self::Promotion(rejection) => rejection.code(),
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::CartUnknown => Class::NotFound,
            Self::AlreadyCheckedOut { .. } | Self::QuoteChanged { .. } => Class::Conflict,
            Self::CartRefused(_) => Class::Unprocessable,
            Self::Cart(rejection) => rejection.class(),
            Self::Order(rejection) => rejection.class(),
            Self::Inventory(rejection) => rejection.class(),
            Self::Payment(rejection) => rejection.class(),
            Self::Promotion(rejection) => rejection.class(),
        }
    }

    fn faults(&self) -> Vec<Fault> {
        match self {
            Self::CartUnknown | Self::AlreadyCheckedOut { .. } | Self::QuoteChanged { .. } => {
                Vec::new()
            }
            Self::CartRefused(faults) => faults.0.clone(),
            Self::Cart(rejection) => rejection.faults(),
            Self::Order(rejection) => rejection.faults(),
            Self::Inventory(rejection) => rejection.faults(),
            Self::Payment(rejection) => rejection.faults(),
            Self::Promotion(rejection) => rejection.faults(),
        }
    }
}

/// Decides a checkout.
///
/// # Errors
/// [`CheckoutRejection`]; with [`CheckoutRejection::QuoteChanged`] the customer may agree anew.
pub fn check_out(
    cart: &Cart,
    request: &CheckoutRequest,
    market: &Market<'_>,
    context: &Context,
) -> Result<Checkout, CheckoutRejection> {
    let body = match cart {
        Cart::Absent => return Err(CheckoutRejection::CartUnknown),
        Cart::CheckedOut { order, .. } => {
            return Err(CheckoutRejection::AlreadyCheckedOut { order: *order });
        }
        Cart::Open(body) | Cart::Claimed { body, .. } | Cart::Abandoned(body) => body,
    };
    let quote = price_cart(cart, request.place, market).map_err(CheckoutRejection::CartRefused)?;
    let quote = promise::agreed(quote, request.quote_id, market.flags)
        .map_err(|current| CheckoutRejection::QuoteChanged { current })?;
    let (terms, inventory) = terms(body, request, &quote, market, context)?;
    let number = terms.number;
    let payment = PaymentCommand::Request {
        order: request.order,
        customer: body.customer,
        restaurant: body.restaurant,
        amount: quote.total(),
        attempt: 1,
    };
    let check_out = OrderCommand::CheckOut {
        terms: Box::new(terms),
    };
    Ok(Checkout {
        cart: cart
            .decide(
                CartCommand::CheckOut {
                    order: request.order,
                },
                context,
            )
            .map_err(CheckoutRejection::Cart)?,
        order: Order::default()
            .decide(check_out, context)
            .map_err(CheckoutRejection::Order)?,
        inventory,
        payment: Payment::default()
            .decide(payment, context)
            .map_err(CheckoutRejection::Payment)?,
        promotions: redeemed(body, request.order, &quote, market, context)?,
        number,
        quote,
    })
}

/// Counts the order against each promotion that takes something off.
fn redeemed(
    body: &CartBody,
    order: OrderId,
    quote: &Quote,
    market: &Market<'_>,
    context: &Context,
) -> Result<Vec<(PromotionId, Vec<PromotionEvent>)>, CheckoutRejection> {
    let taken = quote.discounts();
    let offers = market.offers.iter();
    offers
        .filter_map(|offer| Some((offer, *taken.get(&offer.id)?)))
        .map(|(offer, discount)| {
            let redeem = PromotionCommand::Redeem {
                order,
                customer: body.customer,
                restaurant: body.restaurant,
                discount,
            };
            let events = offer.promotion.decide(redeem, context);
            Ok((offer.id, events.map_err(CheckoutRejection::Promotion)?))
        })
        .collect()
}

/// Opens the hold, which gives the order its number, and writes down what was agreed.
fn terms(
    body: &CartBody,
    request: &CheckoutRequest,
    quote: &Quote,
    market: &Market<'_>,
    context: &Context,
) -> Result<(CheckedOut, Vec<InventoryEvent>), CheckoutRejection> {
    let refused = |code: &str, detail: &str| {
        let mut faults = Faults::default();
        faults.add(
            code,
            &crate::kernel::fault::Pointer::root().at("restaurant"),
            detail,
        );
        CheckoutRejection::CartRefused(faults)
    };
    let live = market
        .shop
        .live()
        .ok_or_else(|| refused("shop_not_live", "the shop does not sell"))?;
    let schedule = quote.content.schedule;
    let service_date = live
        .service_date(asked_at(schedule.as_ref(), market).now)
        .ok_or_else(|| refused("shop_closed", "the shop is closed"))?;
    let fulfilment = body.fulfilment.clone().unwrap_or(Fulfilment::Pickup);
    let (expires_at, needs) = match schedule {
        // It takes its stock when it is released, of what there is then.
        Some(_) => (market.now + market.flags.payment_timer.span(), Vec::new()),
        None => (
            pay_until(&live, &fulfilment, market),
            quote.content.needs.clone(),
        ),
    };
    let open = InventoryCommand::OpenHold {
        hold: request.order,
        service_date,
        needs,
        expires_at,
        kitchen: live
            .capacity
            .copied()
            .zip(quote.content.kitchen.clone())
            .map(|(capacity, booking)| KitchenWanted { booking, capacity }),
    };
    let inventory = market
        .stock
        .decide(open, context)
        .map_err(CheckoutRejection::Inventory)?;
    let terms = CheckedOut {
        number: number(&inventory, request.order, market)?,
        service_date,
        customer: body.customer,
        restaurant: body.restaurant,
        restaurant_name: live.profile.name.clone(),
        city: live.profile.city.clone(),
        cart: request.cart,
        payment: request.payment,
        channel: body.channel,
        fulfilment,
        lines: quote.content.items.clone(),
        needs: quote.content.line_needs.clone(),
        quote_id: quote.quote_id,
        quote: quote.content.lines.clone(),
        total: quote.total(),
        tax_included_minor: quote.content.tax_included_minor,
        seller_name: quote.content.seller_name.clone(),
        seller: Some(SellerDetails {
            tax_id: live.terms.tax_id.clone(),
            address: live.profile.address_text.clone(),
        }),
        commission: Some(live.terms.commission_on(service_date)),
        allergens: quote.content.allergens.clone(),
        acknowledged: request.acknowledged.clone(),
        promise: quote.content.promised(context.now),
        minutes: quote.content.promise,
        schedule,
        expires_at,
        auto_fire: live.profile.auto_fire,
        remake_of: None,
        at: context.now,
    };
    Ok((terms, inventory))
}

/// Until when it can be paid: a checkout just before the last order stands when payment follows soon after.
fn pay_until(live: &LiveShop<'_>, fulfilment: &Fulfilment, market: &Market<'_>) -> DateTime<Utc> {
    let usual = market.now + market.flags.payment_timer.span();
    let kind = FulfilmentKind::of(fulfilment.is_delivery());
    let last = live
        .hours
        .last_order_at(live.profile.time_zone, market.now, kind);
    let soon = market.now + market.flags.last_order_grace.span();
    last.map_or(usual, |last| usual.min(last.max(soon)))
}

/// The number that the hold was given now. An order id used before has none to give.
fn number(
    inventory: &[InventoryEvent],
    order: OrderId,
    market: &Market<'_>,
) -> Result<u32, CheckoutRejection> {
    let opened = inventory.iter().find_map(InventoryEvent::number);
    opened
        .or_else(|| market.stock.hold(order).map(|hold| hold.number))
        .ok_or(CheckoutRejection::AlreadyCheckedOut { order })
}
