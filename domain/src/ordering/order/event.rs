//! What can happen to an order.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantNames};
use utoipa::ToSchema;
use uuid::Uuid;

use super::state::OrderStage;
use super::transitions::By;
use crate::decider::Event;
use crate::kernel::actor::{Actor, Channel};
use crate::kernel::address::Address;
use crate::kernel::allergen::{Allergen, Presence};
use crate::kernel::collect::leaf;
use crate::kernel::commission::CommissionPlan;
use crate::kernel::handover::{ProofMethod, UndeliverableReason};
use crate::kernel::ids::{
    CartId, CustomerId, DeliveryId, DriverId, OrderId, PaymentId, RestaurantId,
};
use crate::kernel::money::{Currency, Money};
use crate::kernel::quantity::{IngredientAmount, Metres, Minutes};
use crate::kernel::sample;
use crate::kernel::sealed::Sealed;
use crate::kernel::text::{Name, Reason};
use crate::ordering::bill::Bill;
use crate::ordering::fulfilment::Fulfilment;
use crate::ordering::line::{BowlRef, LineId, LineNeeds, OrderLine, Shortage};
use crate::ordering::quote::{Promise, PromiseMinutes, QuoteId, QuoteLine};
use crate::ordering::seller::SellerDetails;
use crate::ordering::settlement::Settlement;
use crate::ordering::window::Schedule;

/// A fact about an order.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, VariantNames, IntoStaticStr,
)]
#[serde(tag = "type", rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum OrderEvent {
    /// A cart became this order; everything is copied.
    CheckedOut(Box<CheckedOut>),
    /// The customer is promised a time; older orders have it only among their terms.
    PromiseMade {
        /// From when to when.
        promise: Promise,
        /// When.
        at: DateTime<Utc>,
    },
    /// It is paid for, and waits for its day.
    Scheduled {
        /// When its shop is asked.
        release_at: DateTime<Utc>,
        /// When.
        at: DateTime<Utc>,
    },
    /// It is paid for and shown to the shop; an order for later was released to it.
    Placed {
        /// When.
        at: DateTime<Utc>,
    },
    /// The shop took it.
    Accepted {
        /// How long the kitchen says it needs.
        prep_minutes: Minutes,
        /// The promise that follows.
        promise: Promise,
        /// When.
        at: DateTime<Utc>,
    },
    /// The shop did not take it.
    Rejected {
        /// Why.
        reason: RejectReason,
        /// The shop's words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<Reason>,
        /// When.
        at: DateTime<Utc>,
    },
    /// It was not paid for in time.
    Expired {
        /// When.
        at: DateTime<Utc>,
    },
    /// Somebody ended it.
    Cancelled {
        /// Who.
        by: Actor,
        /// Why, in words.
        reason: Reason,
        /// Whose fault it is, which decides who pays.
        fault: FaultParty,
        /// Who gets what; older events do not say it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        settlement: Option<Settlement>,
        /// When.
        at: DateTime<Utc>,
    },
    /// A transport was asked for.
    CourierRequested {
        /// Which.
        delivery: DeliveryId,
        /// When.
        at: DateTime<Utc>,
    },
    /// The kitchen started to cook it.
    Fired {
        /// Whether the shop's flag did it rather than a hand.
        automatic: bool,
        /// When.
        at: DateTime<Utc>,
    },
    /// A bowl's noodles left the boiler.
    BowlBoiled {
        /// The line of the order.
        line: LineId,
        /// Which bowl of the line, from 1.
        bowl: u32,
        /// When.
        at: DateTime<Utc>,
    },
    /// A bowl was packed and closed; its last clock runs.
    BowlSealed {
        /// The line of the order.
        line: LineId,
        /// Which bowl of the line, from 1.
        bowl: u32,
        /// Until when it is still ramen; a drink has no such instant.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline: Option<DateTime<Utc>>,
        /// When.
        at: DateTime<Utc>,
    },
    /// Everything is packed.
    Ready {
        /// The earliest deadline of its bowls.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        slurp_deadline: Option<DateTime<Utc>>,
        /// When.
        at: DateTime<Utc>,
    },
    /// The customer fetched it.
    Collected {
        /// When.
        at: DateTime<Utc>,
    },
    /// A courier has it.
    PickedUp {
        /// Who, when it is one of our drivers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        driver: Option<DriverId>,
        /// Whether steps before it were never reported, so that its clocks are not known.
        inferred: bool,
        /// When.
        at: DateTime<Utc>,
    },
    /// It is at the door.
    Delivered {
        /// How that was proved.
        proof: ProofMethod,
        /// When.
        at: DateTime<Utc>,
    },
    /// It could not be handed over.
    Undeliverable {
        /// Why.
        reason: UndeliverableReason,
        /// Who gets what; older events do not say it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        settlement: Option<Settlement>,
        /// When.
        at: DateTime<Utc>,
    },
    /// The customer did not come for it.
    NotCollected {
        /// Who gets what; older events do not say it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        settlement: Option<Settlement>,
        /// When.
        at: DateTime<Utc>,
    },
    /// Nothing more is expected.
    Completed {
        /// When.
        at: DateTime<Utc>,
    },
    /// The shop has run out of some units of a line.
    ShortReported {
        /// Our name for this shortage.
        short: Uuid,
        /// The line of the order.
        line: LineId,
        /// How many units of it.
        units: u32,
        /// What the customer chose for this case.
        choice: Shortage,
        /// What the shop offers instead, for at most the same price.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        substitute: Option<Box<OrderLine>>,
        /// What one of that takes from stock.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        substitute_needs: Vec<IngredientAmount>,
        /// When the customer is asked: until when.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answer_by: Option<DateTime<Utc>>,
        /// When.
        at: DateTime<Utc>,
    },
    /// It is settled what the customer gets instead of what is short.
    ShortSettled {
        /// Our name for the shortage.
        short: Uuid,
        /// What the customer gets.
        outcome: ShortOutcome,
        /// What the order is and comes to now.
        bill: Box<Bill>,
        /// When.
        at: DateTime<Utc>,
    },
    /// The shop needs longer than it promised.
    PromiseMoved {
        /// How long the kitchen needs now, counted from acceptance.
        prep_minutes: Minutes,
        /// The promise that follows.
        promise: Promise,
        /// Why.
        reason: Reason,
        /// Whose clock slipped.
        party: FaultParty,
        /// When.
        at: DateTime<Utc>,
    },
    /// The customer fetches what a courier was to bring.
    SwitchedToPickup {
        /// Who decided so.
        by: Actor,
        /// What the order is and comes to now.
        bill: Box<Bill>,
        /// When.
        at: DateTime<Utc>,
    },
    /// Something else is ordered instead.
    Amended {
        /// What the order is from now on.
        #[serde(flatten)]
        amendment: Box<Amendment>,
        /// Who asked.
        by: Actor,
        /// When.
        at: DateTime<Utc>,
    },
    /// The note at the door or its pin was put right; zone, fee and lines stay.
    DoorCorrected {
        /// The door from now on, sealed.
        address: Sealed<Address>,
        /// How far its pin is from the one that was agreed, in metres.
        moved_m: Metres,
        /// Who asked.
        by: Actor,
        /// When.
        at: DateTime<Utc>,
    },
    /// Bowls were cooked once more before they left: their clocks start anew, and what was boiled is waste.
    Refired {
        /// Our name for it.
        refire: Uuid,
        /// Which bowls.
        bowls: Vec<BowlRef>,
        /// Why.
        reason: Reason,
        /// Whose fault it is.
        fault: FaultParty,
        /// The earliest deadline of the bowls that stay.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        slurp_deadline: Option<DateTime<Utc>>,
        /// When.
        at: DateTime<Utc>,
    },
    /// The customer may have bowls made again.
    RemakeOffered {
        /// Our name for the offer.
        offer: Uuid,
        /// Which bowls.
        bowls: Vec<BowlRef>,
        /// Why.
        reason: Reason,
        /// Who pays for it.
        fault: FaultParty,
        /// Until when they may take it.
        answer_by: DateTime<Utc>,
        /// When.
        at: DateTime<Utc>,
    },
    /// The customer did not want it.
    RemakeDeclined {
        /// Our name for the offer.
        offer: Uuid,
        /// Who said so.
        by: Actor,
        /// When.
        at: DateTime<Utc>,
    },
    /// Bowls are made again in an order of their own.
    Remade {
        /// That order.
        remake: OrderId,
        /// The offer that the customer took; absent when our staff decided.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        offer: Option<Uuid>,
        /// Which bowls.
        bowls: Vec<BowlRef>,
        /// Why.
        reason: Reason,
        /// Who pays for it.
        fault: FaultParty,
        /// Who said so.
        by: Actor,
        /// When.
        at: DateTime<Utc>,
    },
    /// It has been at a stage for longer than it should: somebody should look.
    Stalled {
        /// Which stage.
        stage: OrderStage,
        /// Since when.
        since: DateTime<Utc>,
        /// When.
        at: DateTime<Utc>,
    },
    /// What happened just before was done by our staff in another's place.
    ActedOnBehalf {
        /// Who did it.
        by: Actor,
        /// In whose place.
        of: By,
        /// Why.
        reason: Reason,
        /// When.
        at: DateTime<Utc>,
    },
    /// A device of the shop has shown it.
    Acknowledged {
        /// Which, as it names itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        device: Option<Name>,
        /// When.
        at: DateTime<Utc>,
    },
}

/// What an order keeps of its cart, its quote and its shop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckedOut {
    /// Short number on that service date, for label, kitchen and courier.
    pub number: u32,
    /// The local date on which the shop's opening range began.
    pub service_date: NaiveDate,
    /// Who ordered.
    pub customer: CustomerId,
    /// The shop.
    pub restaurant: RestaurantId,
    /// Its name when it was ordered.
    pub restaurant_name: Name,
    /// Its city.
    pub city: Name,
    /// The cart it was.
    pub cart: CartId,
    /// The payment that must be authorised.
    pub payment: PaymentId,
    /// Where it came in.
    pub channel: Channel,
    /// How it reaches the customer.
    pub fulfilment: Fulfilment,
    /// What was ordered.
    pub lines: Vec<OrderLine>,
    /// What one of each line takes from stock; older orders do not say it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<LineNeeds>,
    /// The quote that the customer agreed to.
    pub quote_id: QuoteId,
    /// Every amount of it.
    pub quote: Vec<QuoteLine>,
    /// Their sum.
    pub total: Money,
    /// The part of the total that is tax contained in prices.
    pub tax_included_minor: i64,
    /// Legal name of the shop's seller.
    pub seller_name: Name,
    /// What else a receipt says of the seller; older orders do not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seller: Option<SellerDetails>,
    /// What the marketplace keeps of it, as the shop's terms had it on the service date; older orders do not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commission: Option<CommissionPlan>,
    /// The allergens that were shown.
    pub allergens: BTreeMap<Allergen, Presence>,
    /// The allergens that the customer acknowledged: sealed, as it says what somebody avoids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Sealed<Vec<Allergen>>>,
    /// The first promise, counted from `at`.
    pub promise: Promise,
    /// The minutes it was made of.
    pub minutes: PromiseMinutes,
    /// When it is wanted, if that is later than as soon as possible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// Until when it must be paid for.
    pub expires_at: DateTime<Utc>,
    /// Whether the shop fires accepted orders by itself.
    pub auto_fire: bool,
    /// What is made again, of an order that somebody at fault pays for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remake_of: Option<RemakeOf>,
    /// When.
    pub at: DateTime<Utc>,
}

/// What an order is after a customer has changed it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Amendment {
    /// The quote that the customer agreed to.
    pub quote_id: QuoteId,
    /// What it is and comes to.
    pub bill: Bill,
    /// What one of each line takes from stock.
    pub needs: Vec<LineNeeds>,
    /// The allergens that were shown.
    pub allergens: BTreeMap<Allergen, Presence>,
    /// The allergens that the customer acknowledged for this, sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Sealed<Vec<Allergen>>>,
    /// The minutes that a promise is made of from now on.
    pub minutes: PromiseMinutes,
    /// Another window, or another time to ask its shop; the same when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// Another door, sealed; the same when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Sealed<Address>>,
}

/// The order of which bowls are made again, and who pays for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RemakeOf {
    /// The first order.
    pub order: OrderId,
    /// Who pays.
    pub fault: FaultParty,
}

/// What becomes of something that is short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ShortOutcome {
    /// It is left out, and its price goes back.
    Refunded,
    /// Something else is cooked.
    Substituted,
}

/// What a customer wants done about something that is short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ShortAnswer {
    /// Leave it out and return its price.
    Refund,
    /// Cook what the shop offers instead.
    Substitute,
    /// Cancel the whole order.
    Cancel,
}

/// Why a shop does not take an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RejectReason {
    /// The kitchen is full.
    TooBusy,
    /// Something is sold out.
    SoldOut,
    /// The shop closes.
    Closing,
    /// Something else; see the note.
    Other,
    /// Nobody answered in time.
    NoAnswer,
}

/// Who pays for an order that is not carried out.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum FaultParty {
    /// Who ordered.
    Customer,
    /// The shop.
    Shop,
    /// This marketplace.
    Platform,
    /// Who carries.
    Courier,
}

leaf! {
    ShortAnswer => "answer_unknown",
    RejectReason => "reason_unknown",
    FaultParty => "fault_unknown",
}

impl OrderEvent {
    /// The stage that it leads to; nothing when the order stays where it is.
    pub fn leads_to(&self) -> Option<OrderStage> {
        Some(match self {
            Self::CheckedOut(_) => OrderStage::AwaitingPayment,
            Self::Scheduled { .. } => OrderStage::Scheduled,
            Self::Placed { .. } => OrderStage::Placed,
            Self::Accepted { .. } => OrderStage::Accepted,
            Self::Rejected { .. } => OrderStage::Rejected,
            Self::Expired { .. } => OrderStage::Expired,
            Self::Cancelled { .. } => OrderStage::Cancelled,
            Self::Fired { .. } | Self::Refired { .. } => OrderStage::Cooking,
            Self::Ready { .. } => OrderStage::Ready,
            Self::PickedUp { .. } => OrderStage::PickedUp,
            Self::Collected { .. } | Self::Delivered { .. } => OrderStage::Delivered,
            Self::Undeliverable { .. } => OrderStage::Undeliverable,
            Self::NotCollected { .. } => OrderStage::Uncollected,
            Self::Completed { .. } => OrderStage::Completed,
            Self::PromiseMade { .. }
            | Self::CourierRequested { .. }
            | Self::BowlBoiled { .. }
            | Self::BowlSealed { .. }
            | Self::ShortReported { .. }
            | Self::ShortSettled { .. }
            | Self::PromiseMoved { .. }
            | Self::SwitchedToPickup { .. }
            | Self::Amended { .. }
            | Self::DoorCorrected { .. }
            | Self::RemakeOffered { .. }
            | Self::RemakeDeclined { .. }
            | Self::Remade { .. }
            | Self::Stalled { .. }
            | Self::ActedOnBehalf { .. }
            | Self::Acknowledged { .. } => return None,
        })
    }

    /// When an order for later is released, of an event from which it waits for that.
    pub fn release_at(&self) -> Option<DateTime<Utc>> {
        if let Self::Scheduled { release_at, .. } = self {
            Some(*release_at)
        } else if let Self::Amended { amendment, .. } = self {
            amendment.schedule.map(|schedule| schedule.release_at)
        } else {
            None
        }
    }

    /// When it happened.
    pub fn at(&self) -> DateTime<Utc> {
        match self {
            Self::CheckedOut(terms) => terms.at,
            Self::PromiseMade { at, .. }
            | Self::Scheduled { at, .. }
            | Self::Placed { at }
            | Self::Accepted { at, .. }
            | Self::Rejected { at, .. }
            | Self::Expired { at }
            | Self::Cancelled { at, .. }
            | Self::CourierRequested { at, .. }
            | Self::Fired { at, .. }
            | Self::BowlBoiled { at, .. }
            | Self::BowlSealed { at, .. }
            | Self::Ready { at, .. }
            | Self::Collected { at }
            | Self::PickedUp { at, .. }
            | Self::Delivered { at, .. }
            | Self::Undeliverable { at, .. }
            | Self::NotCollected { at, .. }
            | Self::Completed { at }
            | Self::ShortReported { at, .. }
            | Self::ShortSettled { at, .. }
            | Self::PromiseMoved { at, .. }
            | Self::SwitchedToPickup { at, .. }
            | Self::Amended { at, .. }
            | Self::DoorCorrected { at, .. }
            | Self::Refired { at, .. }
            | Self::RemakeOffered { at, .. }
            | Self::RemakeDeclined { at, .. }
            | Self::Remade { at, .. }
            | Self::Stalled { at, .. }
            | Self::ActedOnBehalf { at, .. }
            | Self::Acknowledged { at, .. } => *at,
        }
    }
}

impl Event for OrderEvent {
    fn name(&self) -> &'static str {
        self.into()
    }

    fn samples() -> Vec<Self> {
        let at = sample::minute(12);
        let promise = Promise {
            earliest: sample::minute(30),
            latest: sample::minute(40),
        };
        let (line, bowl) = (LineId::new(1), 1);
        vec![
            Self::CheckedOut(Box::new(CheckedOut::sample())),
            Self::PromiseMade { promise, at },
            Self::Scheduled {
                release_at: sample::minute(150),
                at,
            },
            Self::Placed { at },
            Self::Accepted {
                prep_minutes: Minutes::new(12),
                promise,
                at,
            },
            Self::Rejected {
                reason: RejectReason::SoldOut,
                note: Some(sample::reason("broth")),
                at,
            },
            Self::Expired { at },
            Self::Cancelled {
                by: Actor::Customer { id: sample::id(1) },
                reason: sample::reason("ordered twice"),
                fault: FaultParty::Customer,
                settlement: Some(Settlement::sample()),
                at,
            },
            Self::CourierRequested {
                delivery: sample::id(11),
                at,
            },
            Self::Fired {
                automatic: false,
                at,
            },
            Self::BowlBoiled { line, bowl, at },
            Self::BowlSealed {
                line,
                bowl,
                deadline: Some(sample::minute(42)),
                at,
            },
            Self::Ready {
                slurp_deadline: Some(sample::minute(42)),
                at,
            },
            Self::Collected { at },
            Self::PickedUp {
                driver: Some(sample::id(6)),
                inferred: false,
                at,
            },
            Self::Delivered {
                proof: ProofMethod::Pin,
                at,
            },
            Self::Undeliverable {
                reason: UndeliverableReason::NoAnswer,
                settlement: Some(Settlement::sample()),
                at,
            },
            Self::NotCollected {
                settlement: Some(Settlement::sample()),
                at,
            },
            Self::Completed { at },
            Self::ShortReported {
                short: sample::id(12),
                line,
                units: 1,
                choice: Shortage::Ask,
                substitute: Some(Box::new(OrderLine::sample())),
                substitute_needs: LineNeeds::sample().of_one,
                answer_by: Some(sample::minute(15)),
                at,
            },
            Self::ShortSettled {
                short: sample::id(12),
                outcome: ShortOutcome::Refunded,
                bill: Box::new(CheckedOut::sample().bill()),
                at,
            },
            Self::PromiseMoved {
                prep_minutes: Minutes::new(20),
                promise,
                reason: sample::reason("the broth boiled over"),
                party: FaultParty::Shop,
                at,
            },
            Self::SwitchedToPickup {
                by: Actor::Customer { id: sample::id(1) },
                bill: Box::new(CheckedOut::sample().bill()),
                at,
            },
            Self::Amended {
                amendment: Box::new(Amendment::sample()),
                by: Actor::Customer { id: sample::id(1) },
                at,
            },
            Self::DoorCorrected {
                address: sample::sealed("ordering.order", "address"),
                moved_m: Metres::new(40),
                by: Actor::Customer { id: sample::id(1) },
                at,
            },
            Self::Refired {
                refire: sample::id(13),
                bowls: vec![BowlRef { line, bowl }],
                reason: sample::reason("the courier is late"),
                fault: FaultParty::Courier,
                slurp_deadline: Some(sample::minute(42)),
                at,
            },
            Self::RemakeOffered {
                offer: sample::id(14),
                bowls: vec![BowlRef { line, bowl }],
                reason: sample::reason("spilled"),
                fault: FaultParty::Courier,
                answer_by: sample::minute(50),
                at,
            },
            Self::RemakeDeclined {
                offer: sample::id(14),
                by: Actor::Customer { id: sample::id(1) },
                at,
            },
            Self::Remade {
                remake: sample::id(15),
                offer: Some(sample::id(14)),
                bowls: vec![BowlRef { line, bowl }],
                reason: sample::reason("spilled"),
                fault: FaultParty::Courier,
                by: Actor::Customer { id: sample::id(1) },
                at,
            },
            Self::Stalled {
                stage: OrderStage::Placed,
                since: sample::minute(10),
                at,
            },
            Self::ActedOnBehalf {
                by: Actor::Ops { id: sample::id(9) },
                of: By::Shop,
                reason: sample::reason("their tablet is broken"),
                at,
            },
            Self::Acknowledged {
                device: Some(sample::name("counter tablet")),
                at,
            },
        ]
    }
}

impl Amendment {
    /// For samples of events.
    pub(super) fn sample() -> Self {
        let terms = CheckedOut::sample();
        Self {
            quote_id: sample::id(17),
            bill: terms.bill(),
            needs: terms.needs,
            allergens: terms.allergens,
            acknowledged: terms.acknowledged,
            minutes: terms.minutes,
            schedule: terms.schedule,
            address: Some(sample::sealed("ordering.order", "address")),
        }
    }
}

impl CheckedOut {
    /// What was ordered and what it came to.
    pub fn bill(&self) -> Bill {
        Bill {
            lines: self.lines.clone(),
            quote: self.quote.clone(),
            total: self.total,
            tax_included_minor: self.tax_included_minor,
        }
    }

    /// For samples of events.
    pub(crate) fn sample() -> Self {
        let yen = Currency::parse("JPY").expect("a current code");
        let minutes = PromiseMinutes {
            min: Minutes::new(25),
            max: Minutes::new(35),
            prep: Minutes::new(10),
            travel: Minutes::new(15),
        };
        Self {
            number: 7,
            service_date: NaiveDate::from_ymd_opt(2026, 11, 20).expect("a date"),
            customer: sample::id(1),
            restaurant: sample::id(2),
            restaurant_name: sample::name("Menya Sample"),
            city: sample::name("Taipei"),
            cart: sample::id(4),
            payment: sample::id(5),
            channel: Channel::App,
            fulfilment: Fulfilment::sample(),
            lines: vec![OrderLine::sample()],
            needs: vec![LineNeeds::sample()],
            quote_id: sample::id(8),
            quote: vec![QuoteLine::sample(), QuoteLine::discount_sample()],
            total: Money::new(980, yen),
            tax_included_minor: 73,
            seller_name: sample::name("Sample Foods KK"),
            seller: Some(SellerDetails::sample()),
            commission: Some(CommissionPlan::sample()),
            allergens: BTreeMap::from([(Allergen::Gluten, Presence::Contains)]),
            acknowledged: Some(sample::sealed("ordering.cart", "acknowledged_allergens")),
            promise: minutes.starting(sample::minute(9)),
            minutes,
            schedule: Some(Schedule::sample()),
            expires_at: sample::minute(24),
            auto_fire: false,
            remake_of: Some(RemakeOf {
                order: sample::id(16),
                fault: FaultParty::Courier,
            }),
            at: sample::minute(9),
        }
    }
}
