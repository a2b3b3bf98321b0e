//! What is true of an order.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};
use uuid::Uuid;

use super::event::{Amendment, CheckedOut, FaultParty, OrderEvent, ShortOutcome};
use crate::kernel::address::Address;
use crate::kernel::allergen::{Allergen, Presence};
use crate::kernel::ids::{DeliveryId, OrderId};
use crate::kernel::quantity::{IngredientAmount, Minutes};
use crate::kernel::sealed::Sealed;
use crate::kernel::text::Reason;
use crate::ordering::bill::Bill;
use crate::ordering::fulfilment::Fulfilment;
use crate::ordering::line::{BowlRef, BowlSpec, LineId, LineNeeds, OrderLine};
use crate::ordering::quote::{Promise, PromiseMinutes};
use crate::ordering::window::Schedule;

/// An order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Order {
    body: Option<Box<OrderBody>>,
}

/// The stages of an order's life.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    VariantArray,
    IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum OrderStage {
    /// Not checked out.
    #[default]
    Absent,
    /// Waits for its payment; its stock is held.
    AwaitingPayment,
    /// Paid for; waits for its day, and holds the kitchen of it.
    Scheduled,
    /// Paid for; waits for the shop.
    Placed,
    /// Taken by the shop.
    Accepted,
    /// On the stove.
    Cooking,
    /// Packed.
    Ready,
    /// With a courier.
    PickedUp,
    /// With the customer.
    Delivered,
    /// Back from a door where it could not be left.
    Undeliverable,
    /// Never fetched.
    Uncollected,
    /// Over.
    Completed,
    /// Ended for want of a payment.
    Expired,
    /// Ended by somebody.
    Cancelled,
    /// Ended by the shop not taking it.
    Rejected,
}

/// What a checked-out order holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderBody {
    /// Where it is.
    pub stage: OrderStage,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Whether it was said that this is too long.
    pub stalled: bool,
    /// What was agreed at checkout.
    pub terms: CheckedOut,
    /// What it is and comes to now.
    pub bill: Bill,
    /// The minutes that its promise is made of.
    pub minutes: PromiseMinutes,
    /// When it is wanted, if that is later than as soon as possible.
    pub schedule: Option<Schedule>,
    /// The allergens that the customer was shown.
    pub allergens: BTreeMap<Allergen, Presence>,
    /// How it was to reach the customer, at the door that was named last.
    pub fulfilment: Fulfilment,
    /// The door that was agreed at checkout or by an amendment, since its note or pin was put right.
    pub corrected_from: Option<Sealed<Address>>,
    /// Whether the customer fetches it although a courier was to bring it.
    pub switched_to_pickup: bool,
    /// What one of each line takes from stock; orders of old do not say it.
    pub needs: Vec<LineNeeds>,
    /// What ran out of it, oldest first.
    pub shorts: Vec<Shortfall>,
    /// Each time that bowls were cooked once more, oldest first.
    pub refires: Vec<Uuid>,
    /// Bowls that are made again in another order.
    pub remade: Vec<BowlRef>,
    /// Those orders, oldest first.
    pub remakes: Vec<OrderId>,
    /// What was offered to be made again, oldest first.
    pub offers: Vec<RemakeOffer>,
    /// How long the kitchen says it needs, from acceptance.
    pub prep_minutes: Option<Minutes>,
    /// The promise as it is now.
    pub promise: Promise,
    /// The promise that the customer was made first.
    pub first_promise: Promise,
    /// When it was paid for, of an order for later.
    pub scheduled_at: Option<DateTime<Utc>>,
    /// When its shop was asked: as soon as it was paid for, or when it was released.
    pub placed_at: Option<DateTime<Utc>>,
    /// When the shop took it.
    pub accepted_at: Option<DateTime<Utc>>,
    /// The transport that was asked for last.
    pub delivery: Option<DeliveryId>,
    /// When cooking began.
    pub fired_at: Option<DateTime<Utc>>,
    /// The clocks of its bowls, by line and number.
    pub bowls: Vec<BowlClock>,
    /// When everything was packed.
    pub ready_at: Option<DateTime<Utc>>,
    /// Until when all of it is ramen, once it is packed.
    pub slurp_deadline: Option<DateTime<Utc>>,
    /// When a courier took it.
    pub picked_up_at: Option<DateTime<Utc>>,
    /// When the last stage began, of those that end its way.
    pub ended_at: Option<DateTime<Utc>>,
    /// Whether a device of the shop has shown it.
    pub acknowledged: bool,
}

/// Something of an order that the shop has run out of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shortfall {
    /// Our name for it.
    pub short: Uuid,
    /// The line of the order.
    pub line: LineId,
    /// How many units of it.
    pub units: u32,
    /// What the shop offers instead.
    pub substitute: Option<Box<OrderLine>>,
    /// What one of that takes from stock.
    pub substitute_needs: Vec<IngredientAmount>,
    /// What the customer gets instead; nothing while they are asked.
    pub outcome: Option<ShortOutcome>,
}

/// Bowls that the customer may have made again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RemakeOffer {
    /// Our name for it.
    pub offer: Uuid,
    /// Which bowls.
    pub bowls: Vec<BowlRef>,
    /// Why.
    pub reason: Reason,
    /// Who pays for it.
    pub fault: FaultParty,
    /// Until when they may take it.
    pub answer_by: DateTime<Utc>,
    /// What they said.
    pub answer: Option<OfferAnswer>,
}

/// What a customer said to an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OfferAnswer {
    /// They take it.
    Accepted {
        /// The order in which it is made.
        remake: OrderId,
    },
    /// They do not want it.
    Declined,
}

/// The clocks of one bowl.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BowlClock {
    /// Its line.
    pub line: LineId,
    /// Its number in the line, from 1.
    pub bowl: u32,
    /// How it is cooked and packed.
    pub spec: BowlSpec,
    /// When its noodles left the boiler.
    pub boiled_at: Option<DateTime<Utc>>,
    /// When it was closed.
    pub sealed_at: Option<DateTime<Utc>>,
    /// Until when it is ramen.
    pub deadline: Option<DateTime<Utc>>,
}

impl BowlClock {
    /// Which bowl it is of.
    pub fn bowl_ref(&self) -> BowlRef {
        let (line, bowl) = (self.line, self.bowl);
        BowlRef { line, bowl }
    }
}

impl Order {
    /// What it holds, once checked out.
    pub fn body(&self) -> Option<&OrderBody> {
        self.body.as_deref()
    }

    pub(super) fn apply(&mut self, event: &OrderEvent) {
        if let OrderEvent::CheckedOut(terms) = event {
            self.body = Some(Box::new(OrderBody::new(terms)));
        } else if let Some(body) = &mut self.body {
            body.apply(event);
        }
    }
}

/// A clock for each bowl of these lines.
fn clocks(lines: &[OrderLine]) -> impl Iterator<Item = BowlClock> + '_ {
    lines.iter().flat_map(|line| {
        line.bowl.iter().flat_map(move |spec| {
            (1..=line.quantity.get()).map(move |bowl| BowlClock {
                line: line.line,
                bowl,
                spec: spec.clone(),
                boiled_at: None,
                sealed_at: None,
                deadline: None,
            })
        })
    })
}

impl OrderBody {
    fn new(terms: &CheckedOut) -> Self {
        Self {
            stage: OrderStage::AwaitingPayment,
            since: terms.at,
            stalled: false,
            first_promise: terms.promise,
            bowls: clocks(&terms.lines).collect(),
            promise: terms.promise,
            bill: terms.bill(),
            minutes: terms.minutes,
            schedule: terms.schedule,
            allergens: terms.allergens.clone(),
            fulfilment: terms.fulfilment.clone(),
            corrected_from: None,
            switched_to_pickup: false,
            needs: terms.needs.clone(),
            shorts: Vec::new(),
            refires: Vec::new(),
            remade: Vec::new(),
            remakes: Vec::new(),
            offers: Vec::new(),
            prep_minutes: None,
            terms: terms.clone(),
            scheduled_at: None,
            placed_at: None,
            accepted_at: None,
            delivery: None,
            fired_at: None,
            ready_at: None,
            slurp_deadline: None,
            picked_up_at: None,
            ended_at: None,
            acknowledged: false,
        }
    }

    pub(super) fn apply(&mut self, event: &OrderEvent) {
        if let Some(stage) = event.leads_to() {
            (self.stage, self.since, self.stalled) = (stage, event.at(), false);
        }
        match event {
            OrderEvent::CheckedOut(_)
            | OrderEvent::Completed { .. }
            | OrderEvent::ActedOnBehalf { .. } => {}
            OrderEvent::PromiseMade { promise, at: _ } => {
                self.first_promise = *promise;
                self.promise = *promise;
            }
            OrderEvent::Scheduled { at, .. } => self.scheduled_at = Some(*at),
            OrderEvent::Placed { at } => self.placed_at = Some(*at),
            OrderEvent::Accepted {
                prep_minutes,
                promise,
                at,
            } => {
                self.prep_minutes = Some(*prep_minutes);
                self.accepted_at = Some(*at);
                self.promise = *promise;
            }
            OrderEvent::Rejected { at, .. } => self.ended_at = Some(*at),
            OrderEvent::Expired { at } => self.ended_at = Some(*at),
            OrderEvent::Cancelled { at, .. } => self.ended_at = Some(*at),
            OrderEvent::CourierRequested { delivery, at: _ } => self.delivery = Some(*delivery),
            OrderEvent::Fired { automatic: _, at } => {
                self.fired_at = Some(*at);
            }
            OrderEvent::BowlBoiled { line, bowl, at } => {
                if let Some(clock) = self.clock_mut(*line, *bowl) {
                    clock.boiled_at = Some(*at);
                }
            }
            OrderEvent::BowlSealed {
                line,
                bowl,
                deadline,
                at,
            } => {
                if let Some(clock) = self.clock_mut(*line, *bowl) {
                    clock.sealed_at = Some(*at);
                    clock.deadline = *deadline;
                }
            }
            OrderEvent::Ready { slurp_deadline, at } => {
                self.ready_at = Some(*at);
                self.slurp_deadline = *slurp_deadline;
            }
            OrderEvent::Collected { at } | OrderEvent::Delivered { proof: _, at } => {
                self.ended_at = Some(*at);
            }
            OrderEvent::PickedUp { at, .. } => {
                self.picked_up_at = Some(*at);
            }
            OrderEvent::Undeliverable { at, .. } => self.ended_at = Some(*at),
            OrderEvent::NotCollected { at, .. } => self.ended_at = Some(*at),
            OrderEvent::ShortReported {
                short,
                line,
                units,
                substitute,
                substitute_needs,
                ..
            } => self.shorts.push(Shortfall {
                short: *short,
                line: *line,
                units: *units,
                substitute: substitute.clone(),
                substitute_needs: substitute_needs.clone(),
                outcome: None,
            }),
            OrderEvent::ShortSettled {
                short,
                outcome,
                bill,
                at: _,
            } => {
                self.settle(*short, *outcome, bill);
                self.rebill(bill);
            }
            OrderEvent::PromiseMoved {
                prep_minutes,
                promise,
                ..
            } => {
                self.prep_minutes = Some(*prep_minutes);
                self.promise = *promise;
            }
            OrderEvent::SwitchedToPickup { bill, .. } => {
                self.switched_to_pickup = true;
                self.rebill(bill);
            }
            OrderEvent::Stalled { .. } => self.stalled = true,
            OrderEvent::Amended { amendment, .. } => self.amend(amendment),
            OrderEvent::DoorCorrected { address, .. } => self.correct_door(address),
            OrderEvent::Refired { refire, bowls, .. } => self.refire_bowls(*refire, bowls),
            OrderEvent::RemakeOffered {
                offer,
                bowls,
                reason,
                fault,
                answer_by,
                at: _,
            } => self.offers.push(RemakeOffer {
                offer: *offer,
                bowls: bowls.clone(),
                reason: reason.clone(),
                fault: *fault,
                answer_by: *answer_by,
                answer: None,
            }),
            OrderEvent::RemakeDeclined { offer, .. } => self.answer(*offer, OfferAnswer::Declined),
            OrderEvent::Remade {
                remake,
                offer,
                bowls,
                ..
            } => {
                self.remade.extend(bowls);
                self.remakes.push(*remake);
                if let Some(offer) = offer {
                    self.answer(*offer, OfferAnswer::Accepted { remake: *remake });
                }
            }
            OrderEvent::Acknowledged { .. } => self.acknowledged = true,
        }
    }

    /// A shortage has its outcome; a substitute is the last line of the new bill.
    fn settle(&mut self, short: Uuid, outcome: ShortOutcome, bill: &Bill) {
        for found in self.shorts.iter_mut().filter(|found| found.short == short) {
            found.outcome = Some(outcome);
            if let (ShortOutcome::Substituted, Some(taken)) = (outcome, bill.lines.last()) {
                self.needs.push(LineNeeds {
                    line: taken.line,
                    of_one: found.substitute_needs.clone(),
                });
            }
        }
    }

    /// Something else is ordered: nothing of it was begun.
    fn amend(&mut self, amendment: &Amendment) {
        self.rebill(&amendment.bill);
        self.needs.clone_from(&amendment.needs);
        self.minutes = amendment.minutes;
        self.schedule = amendment.schedule.or(self.schedule);
        self.allergens.clone_from(&amendment.allergens);
        if let Some(address) = amendment.address.clone() {
            self.fulfilment = Fulfilment::Delivery { address };
            self.corrected_from = None;
        }
    }

    /// What was agreed stays known: every correction is measured against that.
    fn correct_door(&mut self, address: &Sealed<Address>) {
        if let Some(agreed) = self.agreed_door().cloned() {
            let address = address.clone();
            self.fulfilment = Fulfilment::Delivery { address };
            self.corrected_from = Some(agreed);
        }
    }

    /// The clocks of these bowls start anew, in the kitchen.
    fn refire_bowls(&mut self, refire: Uuid, bowls: &[BowlRef]) {
        self.refires.push(refire);
        for clock in &mut self.bowls {
            if bowls.contains(&clock.bowl_ref()) {
                (clock.boiled_at, clock.sealed_at, clock.deadline) = (None, None, None);
            }
        }
        (self.ready_at, self.slurp_deadline) = (None, None);
    }

    fn answer(&mut self, offer: Uuid, answer: OfferAnswer) {
        for found in self.offers.iter_mut().filter(|found| found.offer == offer) {
            found.answer = Some(answer);
        }
    }

    /// The clocks follow the lines: of a line that shrank, the bowls that are furthest go on.
    fn rebill(&mut self, bill: &Bill) {
        self.bill = bill.clone();
        let mut bowls = Vec::new();
        for line in &bill.lines {
            let mut known: Vec<BowlClock> = self
                .bowls
                .iter()
                .filter(|clock| clock.line == line.line)
                .cloned()
                .collect();
            if let Some(spec) = &line.bowl {
                let unboiled = |clock: &&mut BowlClock| clock.boiled_at.is_none();
                for clock in known.iter_mut().filter(unboiled) {
                    clock.spec.clone_from(spec);
                }
            }
            known.sort_by_key(|clock| {
                (
                    clock.sealed_at.is_none(),
                    clock.boiled_at.is_none(),
                    clock.bowl,
                )
            });
            let fresh = clocks(std::slice::from_ref(line))
                .filter(|clock| known.iter().all(|other| other.bowl != clock.bowl));
            let fresh: Vec<_> = fresh.collect();
            let count = usize::try_from(line.bowls()).unwrap_or(usize::MAX);
            bowls.extend(known.into_iter().chain(fresh).take(count));
        }
        bowls.sort_by_key(|clock| (clock.line, clock.bowl));
        self.bowls = bowls;
    }

    /// Where it is brought, with what was put right since; none when the customer was always to fetch it.
    pub fn door(&self) -> Option<&Sealed<Address>> {
        match &self.fulfilment {
            Fulfilment::Delivery { address } => Some(address),
            Fulfilment::Pickup => None,
        }
    }

    /// The door as it was agreed at checkout or by an amendment: zone and fee are its.
    pub fn agreed_door(&self) -> Option<&Sealed<Address>> {
        self.corrected_from.as_ref().or_else(|| self.door())
    }

    /// What is promised when the kitchen needs so long from then on: a window stays what it is while it can be kept.
    pub(super) fn promised(&self, prep: Minutes, start: DateTime<Utc>) -> Promise {
        let soonest = self.minutes.with_prep(prep).starting(start);
        match self.schedule.map(|schedule| schedule.window) {
            Some(window) if soonest.earliest <= window.to() => Promise {
                earliest: soonest.earliest.max(window.from()),
                latest: window.to(),
            },
            Some(_) | None => soonest,
        }
    }

    /// Whether a courier brings it, as it is now.
    pub fn is_delivery(&self) -> bool {
        self.terms.fulfilment.is_delivery() && !self.switched_to_pickup
    }

    fn clock_mut(&mut self, line: LineId, bowl: u32) -> Option<&mut BowlClock> {
        self.bowls
            .iter_mut()
            .find(|clock| clock.line == line && clock.bowl == bowl)
    }

    /// The clocks of one bowl.
    pub fn clock(&self, line: LineId, bowl: u32) -> Option<&BowlClock> {
        self.bowls
            .iter()
            .find(|clock| clock.line == line && clock.bowl == bowl)
    }

    /// Whether it ended without being carried out.
    pub fn is_dead(&self) -> bool {
        match self.stage {
            OrderStage::Expired | OrderStage::Cancelled | OrderStage::Rejected => true,
            OrderStage::Absent
            | OrderStage::AwaitingPayment
            | OrderStage::Scheduled
            | OrderStage::Placed
            | OrderStage::Accepted
            | OrderStage::Cooking
            | OrderStage::Ready
            | OrderStage::PickedUp
            | OrderStage::Delivered
            | OrderStage::Undeliverable
            | OrderStage::Uncollected
            | OrderStage::Completed => false,
        }
    }
}
