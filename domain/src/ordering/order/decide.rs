//! What an order answers to its commands.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::changes::{Again, Door, Lacking, Refire, Reported};
use super::command::{OrderCommand, OrderCommandKind};
use super::event::{CheckedOut, OrderEvent};
use super::rejection::OrderRejection;
use super::rules;
use super::state::{BowlClock, OfferAnswer, Order, OrderBody, OrderStage};
use super::transitions::TRANSITIONS;
use crate::decider::{Context, Decider, Facets, Transitions, check_allowed};
use crate::kernel::quantity::Minutes;
use crate::ordering::line::BowlRef;
use crate::ordering::settlement;
use crate::ordering::window::Schedule;

impl Decider for Order {
    const KIND: &'static str = "ordering.order";
    const TRANSITIONS: Transitions<Self> = TRANSITIONS;

    type Command = OrderCommand;
    type Event = OrderEvent;
    type Rejection = OrderRejection;
    type Stage = OrderStage;
    type CommandKind = OrderCommandKind;

    fn stage(&self) -> OrderStage {
        self.body().map_or(OrderStage::Absent, |body| body.stage)
    }

    fn decide(
        &self,
        command: OrderCommand,
        context: &Context,
    ) -> Result<Vec<OrderEvent>, OrderRejection> {
        if self.body().is_some_and(|body| body.is_done(&command)) {
            return Ok(Vec::new());
        }
        self.check_table(&command)?;
        match (self.body(), command) {
            (Some(body), command) => body.step(command, context.now),
            (None, OrderCommand::CheckOut { terms }) => Ok(check_out(terms, context.now)),
            (None, _) => Err(OrderRejection::OrderUnknown),
        }
    }

    fn evolve(&mut self, event: &OrderEvent) {
        self.apply(event);
    }

    fn facets(&self, stream: Uuid) -> Facets {
        let Some(terms) = self.body().map(|body| &body.terms) else {
            return Facets::default();
        };
        Facets {
            restaurant: Some(terms.restaurant),
            order: Some(stream.into()),
            city: Some(terms.city.as_str().to_owned()),
            currency: Some(terms.total.currency()),
            service_date: Some(terms.service_date),
            channel: Some(terms.channel),
        }
    }
}

impl Order {
    fn check_table(&self, command: &OrderCommand) -> Result<(), OrderRejection> {
        check_allowed(self, command.into()).map_err(|refused| {
            match (refused.stage, refused.command) {
                (OrderStage::Absent, _) => OrderRejection::OrderUnknown,
                (_, OrderCommandKind::CheckOut) => OrderRejection::AlreadyCheckedOut,
                _ => OrderRejection::NotAllowed(refused),
            }
        })
    }
}

/// An order with nothing to pay is placed at once.
fn check_out(terms: Box<CheckedOut>, now: DateTime<Utc>) -> Vec<OrderEvent> {
    let free = terms.total.is_zero();
    let paid = paid(&terms, now);
    let promise = terms.promise;
    let mut events = vec![
        OrderEvent::CheckedOut(terms),
        OrderEvent::PromiseMade { promise, at: now },
    ];
    if free {
        events.push(paid);
    }
    events
}

/// It is paid for: its shop is asked now, or when its time has come.
fn paid(terms: &CheckedOut, now: DateTime<Utc>) -> OrderEvent {
    match terms.schedule {
        Some(Schedule { release_at, .. }) => OrderEvent::Scheduled {
            release_at,
            at: now,
        },
        None => OrderEvent::Placed { at: now },
    }
}

impl OrderBody {
    /// Whether the command's outcome is already so: what happened stays so as long as the order lives.
    fn is_done(&self, command: &OrderCommand) -> bool {
        let so_far = |happened: bool| happened && !self.is_dead();
        let is = |stage: OrderStage| self.stage == stage;
        let sealed = |clock: &BowlClock| clock.sealed_at.is_some();
        match command {
            OrderCommand::CheckOut { terms } => self.terms == **terms,
            OrderCommand::Authorise { payment } => {
                let is_paid = self.placed_at.or(self.scheduled_at).is_some();
                so_far(is_paid && *payment == self.terms.payment)
            }
            OrderCommand::Release { release_at } => {
                let agreed = self.schedule.map(|schedule| schedule.release_at);
                so_far(self.placed_at.is_some() || agreed != Some(*release_at))
            }
            OrderCommand::Expire => is(OrderStage::Expired),
            OrderCommand::Accept { .. } => so_far(self.accepted_at.is_some()),
            OrderCommand::Reject { .. } => is(OrderStage::Rejected),
            OrderCommand::Cancel { .. } => is(OrderStage::Cancelled),
            OrderCommand::RequestCourier { delivery } => so_far(self.delivery == Some(*delivery)),
            OrderCommand::Fire { .. } => so_far(self.fired_at.is_some()),
            OrderCommand::BowlBoiled { line, bowl } => {
                let boiled = |clock: &BowlClock| clock.boiled_at.is_some() || sealed(clock);
                so_far(self.clock(*line, *bowl).is_some_and(boiled))
            }
            OrderCommand::BowlSealed { line, bowl } => {
                so_far(self.clock(*line, *bowl).is_some_and(sealed))
            }
            OrderCommand::Ready => so_far(self.ready_at.is_some()),
            OrderCommand::Collect => {
                let collected = is(OrderStage::Delivered) || is(OrderStage::Completed);
                collected && !self.is_delivery()
            }
            OrderCommand::NotCollected => is(OrderStage::Uncollected),
            OrderCommand::RecordPickedUp { .. } => so_far(self.picked_up_at.is_some()),
            OrderCommand::RecordDelivered { .. } => {
                is(OrderStage::Delivered) && self.picked_up_at.is_some()
            }
            OrderCommand::RecordUndeliverable { .. } => is(OrderStage::Undeliverable),
            OrderCommand::Complete => is(OrderStage::Completed),
            OrderCommand::Short { short, .. } => so_far(self.short(*short).is_some()),
            OrderCommand::ShortStock { short, .. } => so_far(self.short(*short).is_some()),
            OrderCommand::AnswerShort { short, answer, .. } => self.is_answered(*short, *answer),
            OrderCommand::Delay { prep_minutes, .. } => {
                so_far(self.prep_minutes == Some(*prep_minutes))
            }
            OrderCommand::SwitchToPickup { .. } => {
                so_far(self.terms.fulfilment.is_delivery() && !self.is_delivery())
            }
            OrderCommand::Amend { amendment, .. } => so_far(self.is_amended(amendment)),
            OrderCommand::CorrectDoor { address, .. } => so_far(self.door() == Some(address)),
            OrderCommand::Refire { refire, .. } => so_far(self.refires.contains(refire)),
            OrderCommand::OfferRemake { offer, .. } => {
                self.offers.iter().any(|found| found.offer == *offer)
            }
            OrderCommand::DeclineRemake { .. } => self.last_answer() == Some(OfferAnswer::Declined),
            OrderCommand::Remake { remake, .. } => self.remakes.contains(remake),
            OrderCommand::AcceptRemake { .. } => self.accepted_offer().is_some(),
            // What has moved on does not stand still.
            OrderCommand::Stall { stage, since } => {
                self.stalled || (self.stage, self.since) != (*stage, *since)
            }
            OrderCommand::NoteOnBehalf { .. } => false,
            OrderCommand::Acknowledge { .. } => self.acknowledged,
        }
    }

    /// Guards and events of a command that the table has.
    fn step(
        &self,
        command: OrderCommand,
        now: DateTime<Utc>,
    ) -> Result<Vec<OrderEvent>, OrderRejection> {
        let event = match command {
            OrderCommand::CheckOut { .. } => return Err(OrderRejection::AlreadyCheckedOut),
            OrderCommand::Authorise { payment } => {
                if payment != self.terms.payment {
                    return Err(OrderRejection::OtherPayment {
                        expected: self.terms.payment,
                    });
                }
                paid(&self.terms, now)
            }
            OrderCommand::Release { .. } => OrderEvent::Placed { at: now },
            OrderCommand::Expire => {
                rules::payment_time_is_over(self, now)?;
                OrderEvent::Expired { at: now }
            }
            OrderCommand::Accept { prep_minutes } => self.accept(prep_minutes, now)?,
            OrderCommand::Reject { reason, note } => OrderEvent::Rejected {
                reason,
                note,
                at: now,
            },
            OrderCommand::Cancel { by, reason, fault } => {
                let fault = rules::may_cancel(self, &by, fault)?;
                OrderEvent::Cancelled {
                    by,
                    reason,
                    fault,
                    settlement: Some(settlement::of_cancellation(self.stage, fault, &self.bill)),
                    at: now,
                }
            }
            OrderCommand::RequestCourier { delivery } => {
                rules::is_delivery(self)?;
                OrderEvent::CourierRequested { delivery, at: now }
            }
            OrderCommand::Fire { automatic } => {
                let mut events = self.leave_out_unanswered(now);
                events.push(OrderEvent::Fired { automatic, at: now });
                return Ok(events);
            }
            OrderCommand::BowlBoiled { line, bowl } => {
                self.bowl(BowlRef { line, bowl })?;
                OrderEvent::BowlBoiled {
                    line,
                    bowl,
                    at: now,
                }
            }
            OrderCommand::BowlSealed { line, bowl } => self.seal(BowlRef { line, bowl }, now)?,
            OrderCommand::Ready => return self.ready(now),
            OrderCommand::Collect => {
                rules::is_pickup(self)?;
                OrderEvent::Collected { at: now }
            }
            OrderCommand::NotCollected => {
                rules::is_pickup(self)?;
                OrderEvent::NotCollected {
                    settlement: Some(settlement::of_handover(None, &self.bill)),
                    at: now,
                }
            }
            OrderCommand::RecordPickedUp { driver, at } => {
                rules::had_a_courier(self)?;
                let inferred = self.stage != OrderStage::Ready;
                OrderEvent::PickedUp {
                    driver,
                    inferred,
                    at,
                }
            }
            OrderCommand::RecordDelivered { proof, at } => {
                return self.at_the_door(OrderEvent::Delivered { proof, at }, at);
            }
            OrderCommand::RecordUndeliverable { reason, at } => {
                let settlement = Some(settlement::of_handover(Some(reason), &self.bill));
                let news = OrderEvent::Undeliverable {
                    reason,
                    settlement,
                    at,
                };
                return self.at_the_door(news, at);
            }
            OrderCommand::Complete => OrderEvent::Completed { at: now },
            OrderCommand::Short {
                short,
                line,
                units,
                substitute,
                substitute_needs,
                answer_by,
                by,
            } => {
                let reported = Reported {
                    short,
                    line,
                    units,
                    substitute,
                    substitute_needs,
                    answer_by,
                    by,
                };
                return self.report_short(reported, now);
            }
            OrderCommand::ShortStock {
                short,
                lacking,
                answer_by,
                by,
            } => {
                let lacking = Lacking {
                    short,
                    ingredients: lacking,
                    answer_by,
                    by,
                };
                return self.short_stock(&lacking, now);
            }
            OrderCommand::AnswerShort { short, answer, by } => {
                return self.answer_short(short, answer, by, now);
            }
            OrderCommand::Delay {
                prep_minutes,
                reason,
                party,
            } => self.delay(prep_minutes, reason, party, now)?,
            OrderCommand::SwitchToPickup { by } => self.switch_to_pickup(by, now)?,
            OrderCommand::Amend { amendment, by } => return self.amended(amendment, by, now),
            OrderCommand::CorrectDoor {
                address,
                moved,
                most,
                by,
            } => {
                let door = Door {
                    address,
                    moved,
                    most,
                };
                self.corrected(door, by, now)?
            }
            OrderCommand::Refire {
                refire,
                bowls,
                reason,
                fault,
                most,
            } => {
                let wanted = Refire {
                    name: refire,
                    bowls,
                    reason,
                    fault,
                    most,
                };
                return self.refire(wanted, now);
            }
            OrderCommand::OfferRemake {
                offer,
                bowls,
                reason,
                fault,
                answer_by,
            } => {
                let again = Again {
                    bowls,
                    reason,
                    fault,
                };
                self.offer_remake(offer, again, answer_by, now)?
            }
            OrderCommand::DeclineRemake { by } => self.decline_remake(by, now)?,
            OrderCommand::Remake {
                remake,
                bowls,
                reason,
                fault,
                by,
            } => {
                let again = Again {
                    bowls,
                    reason,
                    fault,
                };
                self.remake(remake, again, by, now)?
            }
            OrderCommand::AcceptRemake { remake, by } => self.accept_remake(remake, by, now)?,
            OrderCommand::Stall { stage, since } => OrderEvent::Stalled {
                stage,
                since,
                at: now,
            },
            OrderCommand::NoteOnBehalf { by, of, reason } => OrderEvent::ActedOnBehalf {
                by,
                of,
                reason,
                at: now,
            },
            OrderCommand::Acknowledge { device } => OrderEvent::Acknowledged { device, at: now },
        };
        Ok(vec![event])
    }

    fn accept(&self, prep: Minutes, now: DateTime<Utc>) -> Result<OrderEvent, OrderRejection> {
        rules::prep_in_range(prep)?;
        let promise = self.promised(prep, now);
        Ok(OrderEvent::Accepted {
            prep_minutes: prep,
            promise,
            at: now,
        })
    }

    /// Everything that is still to be packed is; what was asked and not answered is left out before.
    fn ready(&self, now: DateTime<Utc>) -> Result<Vec<OrderEvent>, OrderRejection> {
        let mut events = self.leave_out_unanswered(now);
        let mut packed = self.clone();
        for event in &events {
            packed.apply(event);
        }
        rules::all_sealed(&packed)?;
        let deadlines = packed.bowls.iter().filter_map(|clock| clock.deadline);
        events.push(OrderEvent::Ready {
            slurp_deadline: deadlines.min(),
            at: now,
        });
        Ok(events)
    }

    fn seal(&self, bowl: BowlRef, now: DateTime<Utc>) -> Result<OrderEvent, OrderRejection> {
        let clock = self.bowl(bowl)?;
        if rules::needs_boiling(&clock.spec) && clock.boiled_at.is_none() {
            return Err(OrderRejection::BowlNotBoiled { bowl });
        }
        let deadline = rules::slurp_deadline(&clock.spec, now);
        Ok(OrderEvent::BowlSealed {
            line: bowl.line,
            bowl: bowl.bowl,
            deadline,
            at: now,
        })
    }

    /// News from the door implies a pickup, even if that was never reported.
    fn at_the_door(
        &self,
        news: OrderEvent,
        at: DateTime<Utc>,
    ) -> Result<Vec<OrderEvent>, OrderRejection> {
        rules::had_a_courier(self)?;
        if self.picked_up_at.is_some() {
            return Ok(vec![news]);
        }
        Ok(vec![
            OrderEvent::PickedUp {
                driver: None,
                inferred: true,
                at,
            },
            news,
        ])
    }

    pub(super) fn bowl(&self, bowl: BowlRef) -> Result<&BowlClock, OrderRejection> {
        self.clock(bowl.line, bowl.bowl)
            .ok_or(OrderRejection::BowlUnknown { bowl })
    }
}
