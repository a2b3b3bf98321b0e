//! Bowls that went wrong are made again: a new order at no cost to the customer, linked to the first, with stock and
//! kitchen of its own; all of it is committed together or not at all.

use std::collections::BTreeMap;

use super::Market;
use super::price_cart::promise::{Promised, promised, work_of};
use crate::decider::{Class, Context, Decider as _, Fault, Rejection};
use crate::kernel::actor::Actor;
use crate::kernel::fault::Faults;
use crate::kernel::flags::Flags;
use crate::kernel::ids::{OrderId, PaymentId};
use crate::kernel::text::Reason;
use crate::ordering::bill::Bill;
use crate::ordering::fulfilment::Fulfilment;
use crate::ordering::line::{BowlRef, LineId, LineNeeds};
use crate::ordering::order::{
    CheckedOut, FaultParty, Order, OrderBody, OrderCommand, OrderEvent, OrderRejection, RemakeOf,
};
use crate::payment::payment::{Payment, PaymentCommand, PaymentEvent, PaymentRejection};
use crate::restaurant::inventory::{
    Inventory, InventoryCommand, InventoryEvent, InventoryRejection, KitchenWanted,
};
use crate::restaurant::menu::Menu;
use crate::restaurant::restaurant::{LiveShop, Restaurant};

/// What is asked, with the ids of what comes of it.
#[derive(Clone, Debug)]
pub struct RemakeRequest {
    /// The first order.
    pub of: OrderId,
    /// The order in which it is made.
    pub order: OrderId,
    /// The payment of that order, of nothing.
    pub payment: PaymentId,
    /// Who says so.
    pub by: Actor,
    /// What is made again; as it was offered when absent.
    pub bowls: Option<Again>,
}

/// Bowls that are made again by our staff's word.
#[derive(Clone, Debug)]
pub struct Again {
    /// Which.
    pub bowls: Vec<BowlRef>,
    /// Why.
    pub reason: Reason,
    /// Who pays.
    pub fault: FaultParty,
}

/// The shop that makes it.
#[derive(Clone, Copy, Debug)]
pub struct Maker<'a> {
    /// The shop.
    pub shop: &'a Restaurant,
    /// Its stock.
    pub stock: &'a Inventory,
    /// The rules in force.
    pub flags: &'a Flags,
}

/// What comes of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Remake {
    /// The offer was taken before, and this order made.
    Before(OrderId),
    /// The events of it, to be appended in one commit; the shop was read.
    Now(Box<Remade>),
}

/// The events of making bowls again.
#[derive(Clone, Debug, PartialEq)]
pub struct Remade {
    /// To the first order.
    pub first: Vec<OrderEvent>,
    /// To the new one.
    pub order: Vec<OrderEvent>,
    /// To the shop's inventory.
    pub inventory: Vec<InventoryEvent>,
    /// To the new payment.
    pub payment: Vec<PaymentEvent>,
    /// The new order's number on its service date.
    pub number: u32,
}

/// Why nothing is made again.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RemakeRejection {
    /// The shop does not cook now.
    #[error("the shop is closed")]
    ShopClosed,
    /// The kitchen has all that it can do.
    #[error("the kitchen cannot make it: {0}")]
    Kitchen(Faults),
    /// The order says no.
    #[error(transparent)]
    Order(OrderRejection),
    /// The stock says no.
    #[error(transparent)]
    Inventory(InventoryRejection),
    /// The payment says no.
    #[error(transparent)]
    Payment(PaymentRejection),
}

impl Rejection for RemakeRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::ShopClosed => "shop_closed",
            Self::Kitchen(_) => "kitchen_full",
            Self::Order(rejection) => rejection.code(),
            Self::Inventory(rejection) => rejection.code(),
            Self::Payment(rejection) => rejection.code(),
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::ShopClosed | Self::Kitchen(_) => Class::Conflict,
            Self::Order(rejection) => rejection.class(),
            Self::Inventory(rejection) => rejection.class(),
            Self::Payment(rejection) => rejection.class(),
        }
    }

    fn faults(&self) -> Vec<Fault> {
        match self {
            Self::ShopClosed => Vec::new(),
            Self::Kitchen(faults) => faults.0.clone(),
            Self::Order(rejection) => rejection.faults(),
            Self::Inventory(rejection) => rejection.faults(),
            Self::Payment(rejection) => rejection.faults(),
        }
    }
}

/// Decides that bowls are made again.
///
/// # Errors
/// [`RemakeRejection`].
pub fn remake(
    order: &Order,
    request: &RemakeRequest,
    maker: Maker<'_>,
    context: &Context,
) -> Result<Remake, RemakeRejection> {
    let unknown = RemakeRejection::Order(OrderRejection::OrderUnknown);
    let body = order.body().ok_or(unknown)?;
    let (by, remake) = (request.by.clone(), request.order);
    let command = match request.bowls.clone() {
        None => OrderCommand::AcceptRemake { remake, by },
        Some(Again {
            bowls,
            reason,
            fault,
        }) => OrderCommand::Remake {
            remake,
            bowls,
            reason,
            fault,
            by,
        },
    };
    let first = order
        .decide(command, context)
        .map_err(RemakeRejection::Order)?;
    let made = first.iter().find_map(|event| {
        let OrderEvent::Remade { bowls, fault, .. } = event else {
            return None;
        };
        Some((bowls.clone(), *fault))
    });
    match (made, body.accepted_offer()) {
        (Some((bowls, fault)), _) => {
            let making = Making {
                body,
                request,
                wanted: counted(&bowls),
                fault,
                maker,
                context,
            };
            making.decide(first).map(Box::new).map(Remake::Now)
        }
        (None, Some(before)) => Ok(Remake::Before(before)),
        (None, None) => Err(RemakeRejection::Order(OrderRejection::NoOffer)),
    }
}

/// How many units of each line.
fn counted(bowls: &[BowlRef]) -> BTreeMap<LineId, u32> {
    let mut units: BTreeMap<LineId, u32> = BTreeMap::new();
    for bowl in bowls {
        let count = units.entry(bowl.line).or_default();
        *count = count.saturating_add(1);
    }
    units
}

/// A remake in the making.
struct Making<'a> {
    body: &'a OrderBody,
    request: &'a RemakeRequest,
    wanted: BTreeMap<LineId, u32>,
    fault: FaultParty,
    maker: Maker<'a>,
    context: &'a Context,
}

impl Making<'_> {
    fn decide(&self, first: Vec<OrderEvent>) -> Result<Remade, RemakeRejection> {
        let live = self.maker.shop.live().ok_or(RemakeRejection::ShopClosed)?;
        let overflow = RemakeRejection::Order(OrderRejection::AmountOverflow);
        let bill = self
            .body
            .bill
            .remade(&self.wanted, self.fault)
            .ok_or(overflow)?;
        let promised = self.promised(&bill, &live)?;
        let (terms, inventory) = self.terms(bill, promised, &live)?;
        let number = terms.number;
        let payment = PaymentCommand::Request {
            order: self.request.order,
            customer: terms.customer,
            restaurant: terms.restaurant,
            amount: terms.total,
            attempt: 1,
        };
        let terms = Box::new(terms);
        Ok(Remade {
            first,
            order: Order::default()
                .decide(OrderCommand::CheckOut { terms }, self.context)
                .map_err(RemakeRejection::Order)?,
            inventory,
            payment: Payment::default()
                .decide(payment, self.context)
                .map_err(RemakeRejection::Payment)?,
            number,
        })
    }

    /// When it can be there, after the bowls that were promised before it.
    fn promised(&self, bill: &Bill, live: &LiveShop<'_>) -> Result<Promised, RemakeRejection> {
        let market = Market {
            shop: self.maker.shop,
            menu: &Menu::default(),
            stock: self.maker.stock,
            offers: &[],
            flags: self.maker.flags,
            now: self.context.now,
        };
        let travel = if self.body.is_delivery() {
            self.body.minutes.travel
        } else {
            self.maker.flags.pickup_travel
        };
        promised(&work_of(bill.lines.iter()), travel, live.capacity, &market)
            .map_err(RemakeRejection::Kitchen)
    }

    /// Opens the hold, which gives the order its number, and writes down what is made.
    fn terms(
        &self,
        bill: Bill,
        promised: Promised,
        live: &LiveShop<'_>,
    ) -> Result<(CheckedOut, Vec<InventoryEvent>), RemakeRejection> {
        let now = self.context.now;
        let service_date = live.service_date(now).ok_or(RemakeRejection::ShopClosed)?;
        let needs = self.needs();
        let overflow = RemakeRejection::Inventory(InventoryRejection::NeedsOverflow);
        let expires_at = now + self.maker.flags.payment_timer.span();
        let booking = live.capacity.copied().zip(promised.kitchen);
        let open = InventoryCommand::OpenHold {
            hold: self.request.order,
            service_date,
            needs: LineNeeds::of_all(&bill.lines, &needs).ok_or(overflow)?,
            expires_at,
            kitchen: booking.map(|(capacity, booking)| KitchenWanted { booking, capacity }),
        };
        let inventory = self
            .maker
            .stock
            .decide(open, self.context)
            .map_err(RemakeRejection::Inventory)?;
        let fulfilment = if self.body.is_delivery() {
            self.body.fulfilment.clone()
        } else {
            Fulfilment::Pickup
        };
        let terms = CheckedOut {
            number: number(&inventory),
            service_date,
            payment: self.request.payment,
            fulfilment,
            lines: bill.lines,
            needs,
            quote: bill.quote,
            total: bill.total,
            tax_included_minor: bill.tax_included_minor,
            allergens: self.body.allergens.clone(),
            promise: promised.minutes.starting(now),
            minutes: promised.minutes,
            schedule: None,
            expires_at,
            auto_fire: live.profile.auto_fire,
            remake_of: Some(RemakeOf {
                order: self.request.of,
                fault: self.fault,
            }),
            at: now,
            ..self.body.terms.clone()
        };
        Ok((terms, inventory))
    }

    /// What one of each line takes, as the first order keeps it.
    fn needs(&self) -> Vec<LineNeeds> {
        let needs = self.body.needs.iter();
        let wanted = needs.filter(|needs| self.wanted.contains_key(&needs.line));
        wanted.cloned().collect()
    }
}

/// The number that the hold was given now.
fn number(inventory: &[InventoryEvent]) -> u32 {
    inventory
        .iter()
        .find_map(InventoryEvent::number)
        .unwrap_or_default()
}
