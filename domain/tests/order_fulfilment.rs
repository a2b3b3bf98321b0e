//! The process: what follows from each piece of news, once however often it is told and in whatever
//! order the streams arrive.
#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "helpers of tests fail as tests do, and look for single variants"
)]

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use domain::aggregates::{AnyCommand, AnyEvent};
use domain::decider::{Event, Recorded};
use domain::delivery::delivery::{DeliveryCommand, DeliveryEvent, DeliveryRequest};
use domain::kernel::actor::Actor;
use domain::kernel::flags::Flags;
use domain::kernel::handover::{ProofMethod, UndeliverableReason};
use domain::kernel::ids::{DriverId, OrderId, PaymentId};
use domain::kernel::key::Key;
use domain::kernel::money::Money;
use domain::kernel::quantity::{IngredientAmount, Minutes};
use domain::kernel::text::Reason;
use domain::ordering::bill::Bill;
use domain::ordering::fulfilment::Fulfilment;
use domain::ordering::line::{LineId, OrderLine, Shortage};
use domain::ordering::order::{
    CheckedOut, FaultParty, OrderCommand, OrderEvent, RejectReason, ShortAnswer, ShortOutcome,
};
use domain::ordering::settlement::Settlement;
use domain::payment::payment::{IntentId, PaymentCommand, PaymentEvent, RefundReason, VendorCode};
use domain::payment::vendor::{IntentState, VendorAnswer, VendorIntent};
use domain::processes::order_fulfilment::{OrderFulfilmentState, timers};
use domain::processes::{AnyRecorded, Effect, OrderFulfilment, PaymentCall, Process, effect_id};
use domain::restaurant::inventory::{InventoryCommand, ReleaseReason};
use domain::restaurant::promotion::PromotionCommand;
use domain::testing::test_now;
use proptest::prelude::*;
use uuid::Uuid;

const ORDER: Uuid = Uuid::from_u128(3);
const DELIVERY: Uuid = Uuid::from_u128(8);

fn order() -> OrderId {
    OrderId::new(ORDER)
}

fn terms() -> CheckedOut {
    OrderEvent::samples()
        .into_iter()
        .find_map(|event| match event {
            OrderEvent::CheckedOut(terms) => Some(CheckedOut {
                schedule: None,
                ..*terms
            }),
            _ => None,
        })
        .unwrap()
}

fn payment() -> PaymentId {
    terms().payment
}

fn intent() -> IntentId {
    IntentId::parse("pi_1").unwrap()
}

fn amount() -> Money {
    terms().total
}

fn at(minutes: i64) -> DateTime<Utc> {
    test_now() + TimeDelta::minutes(minutes)
}

/// A story: events of the streams of one order, numbered as they come.
#[derive(Clone, Default)]
struct Story(Vec<AnyRecorded>);

impl Story {
    fn with(mut self, stream: Uuid, event: AnyEvent) -> Self {
        let number = |of: &dyn Fn(&AnyRecorded) -> bool| {
            i64::try_from(self.0.iter().filter(|seen| of(seen)).count()).unwrap() + 1
        };
        let sequence = number(&|seen| seen.recorded.stream == stream);
        let position = number(&|_| true);
        let event_id = Uuid::from_u128(1000 + u128::try_from(position).unwrap());
        let recorded_at = at(position);
        let recorded = Recorded {
            event,
            event_id,
            stream,
            sequence,
            position,
            recorded_at,
        };
        self.0.push(AnyRecorded {
            recorded,
            order: Some(order()),
            restaurant: None,
            by_shop: false,
        });
        self
    }

    fn order(self, event: OrderEvent) -> Self {
        self.with(ORDER, AnyEvent::Order(event))
    }

    fn payment(self, event: PaymentEvent) -> Self {
        self.with(payment().uuid(), AnyEvent::Payment(event))
    }

    fn delivery(self, event: DeliveryEvent) -> Self {
        self.with(DELIVERY, AnyEvent::Delivery(event))
    }

    /// What follows from the last event, after all before it.
    fn then(&self) -> Vec<Effect> {
        let (effects, _) = react_to(&self.0);
        effects.into_iter().last().unwrap()
    }

    fn is_over(&self) -> bool {
        OrderFulfilment::is_over(&react_to(&self.0).1)
    }
}

/// The effects of each event in turn, and the state after all. The state takes the way through its
/// stored form each time.
fn react_to(events: &[AnyRecorded]) -> (Vec<Vec<Effect>>, OrderFulfilmentState) {
    let mut state = OrderFulfilmentState::default();
    let flags = Flags::default();
    let effects = events
        .iter()
        .map(|event| {
            let effects = OrderFulfilment::react(&mut state, event, &flags);
            state = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
            effects
        })
        .collect();
    (effects, state)
}

fn requested_of(amount: Money) -> PaymentEvent {
    let terms = terms();
    let (customer, restaurant) = (terms.customer, terms.restaurant);
    PaymentEvent::Requested {
        order: order(),
        customer,
        restaurant,
        amount,
        attempt: 1,
        at: at(0),
    }
}

fn checked_out(terms: CheckedOut) -> Story {
    Story::default()
        .order(OrderEvent::CheckedOut(Box::new(terms)))
        .payment(requested_of(amount()))
        .payment(PaymentEvent::IntentCreated { intent: intent() })
}

fn authorised() -> PaymentEvent {
    PaymentEvent::Authorized {
        capture_before: None,
        at: at(1),
    }
}

fn placed() -> Story {
    checked_out(terms())
        .payment(authorised())
        .order(OrderEvent::Placed { at: at(2) })
}

fn accepted_event() -> OrderEvent {
    OrderEvent::Accepted {
        prep_minutes: Minutes::new(12),
        promise: terms().promise,
        at: at(3),
    }
}

fn accepted() -> Story {
    placed().order(accepted_event())
}

fn fired() -> Story {
    accepted().order(OrderEvent::Fired {
        automatic: false,
        at: at(4),
    })
}

fn cancelled(by: Actor, fault: FaultParty) -> OrderEvent {
    OrderEvent::Cancelled {
        by,
        reason: Reason::parse("enough").unwrap(),
        fault,
        settlement: None,
        at: at(5),
    }
}

fn ops() -> Actor {
    Actor::Ops {
        id: Uuid::from_u128(9).into(),
    }
}

fn delivery_requested() -> DeliveryEvent {
    let request: Option<Box<DeliveryRequest>> =
        DeliveryEvent::samples()
            .into_iter()
            .find_map(|event| match event {
                DeliveryEvent::Requested(request) => Some(request),
                _ => None,
            });
    DeliveryEvent::Requested(request.unwrap())
}

fn command(command: AnyCommand) -> Effect {
    Effect::Command { command }
}

fn tell_order(command: OrderCommand) -> Effect {
    Effect::Command {
        command: AnyCommand::Order(ORDER, command),
    }
}

fn tell_payment(command: PaymentCommand) -> Effect {
    Effect::Command {
        command: AnyCommand::Payment(payment().uuid(), command),
    }
}

fn stock(command: InventoryCommand) -> Effect {
    Effect::Command {
        command: AnyCommand::Inventory(terms().restaurant.uuid(), command),
    }
}

fn timer(name: &str, at: DateTime<Utc>, fires: OrderCommand) -> Effect {
    Effect::StartTimer {
        name: name.to_owned(),
        at,
        fires: Box::new(tell_order(fires)),
    }
}

fn no_timer(name: &str) -> Effect {
    Effect::CancelTimer {
        name: name.to_owned(),
    }
}

fn call(call: PaymentCall) -> Effect {
    Effect::Payment { call }
}

fn unwind(reason: RefundReason) -> Effect {
    tell_payment(PaymentCommand::Unwind { reason })
}

fn release(reason: ReleaseReason) -> Effect {
    stock(InventoryCommand::ReleaseHold {
        hold: order(),
        reason,
    })
}

fn call_off() -> Effect {
    let reason = Reason::parse("the order ended").unwrap();
    command(AnyCommand::Delivery(
        DELIVERY,
        DeliveryCommand::Cancel { reason },
    ))
}

#[test]
fn a_checkout_starts_the_payment_timer_and_creates_the_intent() {
    let story = Story::default().order(OrderEvent::CheckedOut(Box::new(terms())));
    assert_eq!(
        story.then(),
        [timer(
            timers::PAYMENT,
            terms().expires_at,
            OrderCommand::Expire
        )]
    );
    let create = PaymentCall::CreateIntent {
        payment: payment(),
        order: order(),
        customer: terms().customer,
        amount: amount(),
        attempt: 1,
    };
    assert_eq!(story.payment(requested_of(amount())).then(), [call(create)]);
}

#[test]
fn nothing_to_pay_calls_nobody() {
    let free = Money::zero(amount().currency());
    assert_eq!(Story::default().payment(requested_of(free)).then(), []);
}

#[test]
fn an_intent_is_read_in_case_its_news_gets_lost() {
    let read = || {
        Box::new(call(PaymentCall::Read {
            payment: payment(),
            intent: intent(),
        }))
    };
    let expected = [2, 5, 10].map(|minutes| Effect::StartTimer {
        name: format!("payment_read_{minutes}"),
        at: at(3 + minutes),
        fires: read(),
    });
    assert_eq!(checked_out(terms()).then(), expected);
}

#[test]
fn an_authorised_payment_tells_the_order_which_takes_its_stock() {
    let story = checked_out(terms()).payment(authorised());
    let mut expected: Vec<_> = [2, 5, 10]
        .iter()
        .map(|minutes| no_timer(&format!("payment_read_{minutes}")))
        .collect();
    expected.push(tell_order(OrderCommand::Authorise { payment: payment() }));
    assert_eq!(story.then(), expected);
    let reject = OrderCommand::Reject {
        reason: RejectReason::NoAnswer,
        note: None,
    };
    assert_eq!(
        placed().then(),
        [
            no_timer(timers::PAYMENT),
            stock(InventoryCommand::CommitHold { hold: order() }),
            timer(timers::ACCEPTANCE, at(2 + 5), reject),
        ]
    );
}

#[test]
fn acceptance_takes_the_money() {
    let capture = tell_payment(PaymentCommand::RequestCapture { amount: None });
    assert_eq!(accepted().then(), [no_timer(timers::ACCEPTANCE), capture]);
    let requested = PaymentEvent::CaptureRequested {
        amount: amount(),
        at: at(3),
    };
    let capture = PaymentCall::Capture {
        payment: payment(),
        intent: intent(),
        amount: amount(),
    };
    assert_eq!(accepted().payment(requested).then(), [call(capture)]);
}

#[test]
fn a_shop_that_fires_by_itself_does_so_noodle_last() {
    let auto = checked_out(CheckedOut {
        auto_fire: true,
        ..terms()
    })
    .order(OrderEvent::Placed { at: at(2) })
    .order(accepted_event());
    // Accepted at minute 3 for 12 minutes; the bowl takes 45 s to boil and 60 s to pack.
    let fire_at = at(3 + 12) - TimeDelta::seconds(105);
    let fire = timer(
        timers::FIRE,
        fire_at,
        OrderCommand::Fire { automatic: true },
    );
    assert_eq!(auto.then().last(), Some(&fire));
    let hurried = OrderEvent::Accepted {
        prep_minutes: Minutes::new(1),
        promise: terms().promise,
        at: at(3),
    };
    let auto = checked_out(CheckedOut {
        auto_fire: true,
        ..terms()
    })
    .order(hurried);
    let fire = timer(timers::FIRE, at(3), OrderCommand::Fire { automatic: true });
    assert_eq!(auto.then().last(), Some(&fire));
}

#[test]
fn firing_uses_the_stock_once() {
    assert_eq!(
        fired().then(),
        [stock(InventoryCommand::ConsumeHold { hold: order() })]
    );
    let picked_up = OrderEvent::PickedUp {
        driver: None,
        inferred: true,
        at: at(6),
    };
    assert_eq!(fired().order(picked_up.clone()).then(), []);
    let unfired = accepted().order(picked_up);
    assert_eq!(
        unfired.then(),
        [stock(InventoryCommand::ConsumeHold { hold: order() })]
    );
}

/// The order does not count against the promotion that it used.
fn not_redeemed() -> Effect {
    let mut used = terms().quote.into_iter().filter_map(|line| line.promotion);
    let release = PromotionCommand::ReleaseRedemption { order: order() };
    Effect::Command {
        command: AnyCommand::Promotion(used.next().unwrap().uuid(), release),
    }
}

#[test]
fn an_order_that_ends_unpaid_releases_and_unwinds() {
    let story = checked_out(terms()).order(OrderEvent::Expired { at: at(15) });
    assert_eq!(
        story.then(),
        [
            no_timer(timers::PAYMENT),
            release(ReleaseReason::Expired),
            not_redeemed(),
            unwind(RefundReason::OrderExpired),
        ]
    );
    let void = PaymentEvent::VoidRequested {
        reason: RefundReason::OrderExpired,
        at: at(15),
    };
    let story = story.payment(void);
    let voided = call(PaymentCall::Void {
        payment: payment(),
        intent: intent(),
    });
    assert_eq!(story.then().last(), Some(&voided));
    assert!(!story.is_over());
    assert!(story.payment(PaymentEvent::Voided { at: at(16) }).is_over());
}

#[test]
fn rejection_and_cancellation_release_and_unwind() {
    let rejected = OrderEvent::Rejected {
        reason: RejectReason::TooBusy,
        note: None,
        at: at(4),
    };
    assert_eq!(
        placed().order(rejected).then(),
        [
            no_timer(timers::ACCEPTANCE),
            release(ReleaseReason::Rejected),
            not_redeemed(),
            unwind(RefundReason::OrderRejected),
        ]
    );
    assert_eq!(
        accepted().order(cancelled(ops(), FaultParty::Shop)).then(),
        [
            release(ReleaseReason::Cancelled),
            unwind(RefundReason::OrderCancelled)
        ]
    );
}

#[test]
fn cooked_food_stays_used_and_is_paid_for_when_the_customer_is_to_blame() {
    let shop = fired().order(cancelled(ops(), FaultParty::Shop));
    assert_eq!(shop.then(), [unwind(RefundReason::OrderCancelled)]);
    assert_eq!(
        fired().order(cancelled(ops(), FaultParty::Customer)).then(),
        []
    );
}

#[test]
fn a_payment_that_cannot_be_had_cancels_the_order() {
    let code = || VendorCode::parse("declined").unwrap();
    let cancel = tell_order(OrderCommand::Cancel {
        by: Actor::System {
            process: Key::parse("order_fulfilment").unwrap(),
        },
        reason: Reason::parse("payment_failed").unwrap(),
        fault: FaultParty::Platform,
    });
    for failure in [
        PaymentEvent::CaptureFailed {
            code: code(),
            at: at(4),
        },
        PaymentEvent::ExpiredByVendor { at: at(4) },
        PaymentEvent::Failed {
            code: code(),
            at: at(4),
        },
    ] {
        assert_eq!(
            accepted().payment(failure).then(),
            std::slice::from_ref(&cancel)
        );
    }
    let by = Actor::System {
        process: Key::parse("order_fulfilment").unwrap(),
    };
    let story = accepted().order(cancelled(by, FaultParty::Platform));
    assert_eq!(story.then()[0], release(ReleaseReason::PaymentFailed));
}

#[test]
fn refunds_are_asked_of_the_vendor_and_waited_for() {
    let refund = Uuid::from_u128(70);
    let captured = PaymentEvent::Captured {
        amount: amount(),
        at: at(4),
    };
    let reason = RefundReason::OrderCancelled;
    let wanted = PaymentEvent::RefundRequested {
        refund,
        amount: amount(),
        reason,
        at: at(6),
    };
    let story = accepted()
        .payment(captured)
        .order(cancelled(ops(), FaultParty::Shop))
        .payment(wanted);
    let refunded = PaymentCall::Refund {
        payment: payment(),
        intent: intent(),
        refund,
        amount: amount(),
    };
    assert_eq!(story.then(), [call(refunded)]);
    assert!(!story.is_over());
    let code = VendorCode::parse("failed").unwrap();
    assert!(
        story
            .payment(PaymentEvent::RefundFailed {
                refund,
                code,
                at: at(7)
            })
            .is_over()
    );
}

#[test]
fn couriers_news_reaches_the_order() {
    let driver = DriverId::new(Uuid::from_u128(6));
    let story = accepted()
        .delivery(delivery_requested())
        .delivery(DeliveryEvent::Assigned {
            driver,
            by: ops(),
            at: at(5),
        })
        .delivery(DeliveryEvent::PickedUp { at: at(6) });
    let picked_up = OrderCommand::RecordPickedUp {
        driver: Some(driver),
        at: at(6),
    };
    assert_eq!(story.then(), [tell_order(picked_up)]);
    let delivered = DeliveryEvent::samples()
        .into_iter()
        .find(|event| event.name() == "delivered");
    let brought = story.clone().delivery(delivered.unwrap());
    assert!(matches!(
        &brought.then()[..],
        [Effect::Command {
            command: AnyCommand::Order(
                _,
                OrderCommand::RecordDelivered {
                    proof: ProofMethod::Photo,
                    ..
                }
            ),
        }]
    ));
    let reason = UndeliverableReason::Damaged;
    let failed = story.delivery(DeliveryEvent::Failed { reason, at: at(9) });
    let undeliverable = OrderCommand::RecordUndeliverable { reason, at: at(9) };
    assert_eq!(failed.then(), [tell_order(undeliverable)]);
}

#[test]
fn a_courier_for_an_ended_order_is_called_off_whichever_comes_first() {
    let ended = cancelled(ops(), FaultParty::Shop);
    let before = accepted()
        .delivery(delivery_requested())
        .order(ended.clone());
    assert_eq!(before.then().last(), Some(&call_off()));
    let after = accepted()
        .order(ended.clone())
        .delivery(delivery_requested());
    assert_eq!(after.then(), [call_off()]);
    let off = DeliveryEvent::Cancelled {
        reason: Reason::parse("no").unwrap(),
        at: at(4),
    };
    let gone = accepted()
        .delivery(delivery_requested())
        .delivery(off)
        .order(ended);
    assert!(!gone.then().contains(&call_off()));
}

#[test]
fn every_way_to_an_end_completes_after_two_days() {
    let complete = |minutes: i64| {
        timer(
            timers::COMPLETION,
            at(minutes + 48 * 60),
            OrderCommand::Complete,
        )
    };
    let proof = ProofMethod::Pin;
    for end in [
        OrderEvent::Delivered { proof, at: at(9) },
        OrderEvent::Undeliverable {
            reason: UndeliverableReason::Refused,
            settlement: None,
            at: at(9),
        },
        OrderEvent::Collected { at: at(9) },
        OrderEvent::NotCollected {
            settlement: None,
            at: at(9),
        },
    ] {
        assert_eq!(fired().order(end).then(), [complete(9)]);
    }
    let over = fired()
        .order(OrderEvent::Delivered { proof, at: at(9) })
        .order(OrderEvent::Completed { at: at(3000) });
    assert_eq!(over.then(), [no_timer(timers::COMPLETION)]);
    assert!(over.is_over());
}

#[test]
fn what_nobody_fetches_is_given_up_after_half_an_hour() {
    let ready = || OrderEvent::Ready {
        slurp_deadline: None,
        at: at(6),
    };
    let to_collect = checked_out(CheckedOut {
        fulfilment: Fulfilment::Pickup,
        ..terms()
    });
    let waiting = to_collect.order(ready());
    let give_up = timer(timers::COLLECTION, at(36), OrderCommand::NotCollected);
    assert_eq!(waiting.then(), [give_up]);
    assert_eq!(
        waiting.order(OrderEvent::Collected { at: at(8) }).then()[0],
        no_timer(timers::COLLECTION)
    );
    assert_eq!(fired().order(ready()).then(), [], "a courier comes for it");
}

#[test]
fn others_news_is_not_for_this_process() {
    let cart = domain::ordering::cart::CartEvent::Abandoned { at: at(0) };
    let story = Story::default().with(Uuid::from_u128(4), AnyEvent::Cart(cart));
    assert_eq!(OrderFulfilment::instance(&story.0[0]), None);
    assert_eq!(story.then(), []);
}

#[test]
fn vendors_answers_come_back_as_commands() {
    let news = |state| VendorIntent {
        intent: intent(),
        amount: amount(),
        state,
    };
    let capture = PaymentCall::Capture {
        payment: payment(),
        intent: intent(),
        amount: amount(),
    };
    let captured = PaymentCommand::RecordCaptured {
        intent: intent(),
        amount: amount(),
    };
    let taken = VendorAnswer::Intent(news(IntentState::Taken));
    assert_eq!(capture.when_done(taken.clone()), Some(captured));
    let code = || VendorCode::parse("gone").unwrap();
    let failed = PaymentCommand::RecordCaptureFailed { code: code() };
    assert_eq!(capture.when_rejected(code()), Some(failed));
    let void = PaymentCall::Void {
        payment: payment(),
        intent: intent(),
    };
    let gone = VendorAnswer::Intent(news(IntentState::Gone));
    let cancelled = PaymentCommand::RecordCancelled { intent: intent() };
    assert_eq!(void.when_done(gone), Some(cancelled));
    assert_eq!(void.when_rejected(code()), None, "read it, then decide");
    let refund = Uuid::from_u128(70);
    let refund = PaymentCall::Refund {
        payment: payment(),
        intent: intent(),
        refund,
        amount: amount(),
    };
    assert_eq!(
        refund.when_done(taken),
        None,
        "an intent says nothing of a refund"
    );
}

#[test]
fn effects_have_ids_of_their_own() {
    let ids: BTreeSet<_> = (0..3_usize)
        .flat_map(|index| [1, 2].map(|event| effect_id("a", Uuid::from_u128(event), index)))
        .chain([effect_id("b", Uuid::from_u128(1), 0)])
        .collect();
    assert_eq!(ids.len(), 7);
}

/// The sample's bill with this total.
fn bill_of(total: i64) -> Bill {
    let mut bill = terms().bill();
    bill.total = Money::new(total, bill.total.currency());
    bill
}

fn short_settled(total: i64) -> OrderEvent {
    OrderEvent::ShortSettled {
        short: Uuid::from_u128(12),
        outcome: ShortOutcome::Refunded,
        bill: Box::new(bill_of(total)),
        at: at(3),
    }
}

fn captured() -> PaymentEvent {
    PaymentEvent::Captured {
        amount: amount(),
        at: at(4),
    }
}

/// The one refund that follows.
fn refund_in(effects: &[Effect]) -> Option<(Uuid, i64)> {
    effects.iter().find_map(|effect| match effect {
        Effect::Command {
            command: AnyCommand::Payment(_, PaymentCommand::RequestRefund { refund, amount, .. }),
        } => Some((*refund, amount.amount_minor())),
        _ => None,
    })
}

#[test]
fn what_fell_before_acceptance_is_not_taken() {
    let story = placed().order(short_settled(700)).order(accepted_event());
    let amount = Some(Money::new(700, amount().currency()));
    let capture = tell_payment(PaymentCommand::RequestCapture { amount });
    assert_eq!(story.then()[1], capture);
    let nothing = placed().order(short_settled(0)).order(accepted_event());
    assert_eq!(nothing.then()[1], unwind(RefundReason::OrderChanged));
}

#[test]
fn what_fell_after_acceptance_goes_back_once_the_money_is_taken() {
    let before = accepted().order(short_settled(700));
    assert_eq!(refund_in(&before.then()), None, "nothing is taken yet");
    let owed = before.payment(captured()).then();
    let paid = accepted().payment(captured()).order(short_settled(700));
    assert_eq!(refund_in(&owed).map(|(_, minor)| minor), Some(280));
    assert_eq!(refund_in(&paid.then()).map(|(_, minor)| minor), Some(280));
    let again = paid.order(short_settled(600)).then();
    assert_eq!(refund_in(&again).map(|(_, minor)| minor), Some(100));
    let failed = accepted()
        .order(short_settled(700))
        .payment(PaymentEvent::CaptureFailed {
            code: VendorCode::parse("declined").unwrap(),
            at: at(4),
        })
        .payment(captured());
    assert_eq!(refund_in(&failed.then()), None, "it was never taken");
}

#[test]
fn who_is_asked_has_three_minutes() {
    let short = Uuid::from_u128(12);
    let asked = placed().order(OrderEvent::ShortReported {
        short,
        line: terms().lines[0].line,
        units: 1,
        choice: Shortage::Ask,
        substitute: None,
        substitute_needs: Vec::new(),
        answer_by: Some(at(6)),
        at: at(3),
    });
    let name = format!("{}{short}", timers::SHORT_ANSWER);
    let leave_out = OrderCommand::AnswerShort {
        short,
        answer: ShortAnswer::Refund,
        by: Actor::System {
            process: Key::parse("order_fulfilment").unwrap(),
        },
    };
    assert_eq!(asked.then(), [timer(&name, at(6), leave_out)]);
    assert_eq!(asked.order(short_settled(700)).then()[0], no_timer(&name));
}

#[test]
fn what_is_left_out_is_free_again_until_it_is_fired() {
    let changed = |story: &Story| {
        story.then().into_iter().find_map(|effect| match effect {
            Effect::Command {
                command:
                    AnyCommand::Inventory(
                        _,
                        InventoryCommand::ChangeHold {
                            needs,
                            as_far_as_free,
                            ..
                        },
                    ),
            } => {
                assert!(
                    as_far_as_free,
                    "a substitute that the books lack refuses nothing"
                );
                Some(needs)
            }
            _ => None,
        })
    };
    let mut two = terms();
    two.lines[0].quantity = 2.try_into().unwrap();
    let before = checked_out(two)
        .order(OrderEvent::Placed { at: at(2) })
        .order(short_settled(700));
    assert_eq!(changed(&before), Some(terms().needs[0].of_one.clone()));
    assert_eq!(changed(&fired().order(short_settled(700))), None);
    let unknown = CheckedOut {
        needs: Vec::new(),
        ..terms()
    };
    assert_eq!(
        changed(&checked_out(unknown).order(short_settled(700))),
        None
    );
}

#[test]
fn a_substitute_is_among_what_every_later_change_asks_for() {
    let asked = |story: &Story| {
        let effects = story.then().into_iter();
        let mut needs = effects.filter_map(|effect| match effect {
            Effect::Command {
                command: AnyCommand::Inventory(_, InventoryCommand::ChangeHold { needs, .. }),
            } => Some(needs),
            _ => None,
        });
        needs.next_back()
    };
    let pork: Vec<IngredientAmount> =
        serde_json::from_str(r#"[{ "ingredient": "pork", "amount": 60 }]"#).unwrap();
    let short = Uuid::from_u128(12);
    let settled = |outcome, lines: Vec<OrderLine>| OrderEvent::ShortSettled {
        short,
        outcome,
        bill: Box::new(Bill {
            lines,
            ..bill_of(700)
        }),
        at: at(3),
    };
    let kept = terms().lines[0].clone();
    let instead = OrderLine {
        line: LineId::new(9),
        ..kept.clone()
    };
    let reported = placed().order(OrderEvent::ShortReported {
        short,
        line: kept.line,
        units: 1,
        choice: Shortage::Substitute,
        substitute: None,
        substitute_needs: pork.clone(),
        answer_by: None,
        at: at(3),
    });
    let both = settled(ShortOutcome::Substituted, vec![kept, instead.clone()]);
    let substituted = reported.order(both);
    let mut all = terms().needs[0].of_one.clone();
    all.extend(pork.clone());
    assert_eq!(asked(&substituted), Some(all));
    let less = substituted.order(settled(ShortOutcome::Refunded, vec![instead]));
    assert_eq!(asked(&less), Some(pork));
}

#[test]
fn an_end_gives_back_what_it_was_settled_to() {
    let settled = |back_minor| {
        Some(Settlement {
            back_minor,
            shop_paid: true,
            courier_paid: false,
        })
    };
    let cancelled = |back_minor| OrderEvent::Cancelled {
        by: ops(),
        reason: Reason::parse("enough").unwrap(),
        fault: FaultParty::Customer,
        settlement: settled(back_minor),
        at: at(5),
    };
    let taken = fired().payment(captured());
    let part = taken.clone().order(cancelled(200));
    assert_eq!(refund_in(&part.then()).map(|(_, minor)| minor), Some(200));
    let all = taken.clone().order(cancelled(980));
    assert_eq!(all.then(), [unwind(RefundReason::OrderCancelled)]);
    assert_eq!(taken.clone().order(cancelled(0)).then(), []);
    let damaged = OrderEvent::Undeliverable {
        reason: UndeliverableReason::Damaged,
        settlement: settled(980),
        at: at(9),
    };
    let back = taken.order(damaged).then();
    assert_eq!(refund_in(&back).map(|(_, minor)| minor), Some(980));
}

#[test]
fn who_fetches_after_all_needs_no_courier() {
    let switched = || OrderEvent::SwitchedToPickup {
        by: ops(),
        bill: Box::new(bill_of(800)),
        at: at(7),
    };
    let ready = || OrderEvent::Ready {
        slurp_deadline: None,
        at: at(6),
    };
    let story = accepted()
        .payment(captured())
        .delivery(delivery_requested())
        .order(switched());
    assert_eq!(refund_in(&story.then()).map(|(_, minor)| minor), Some(180));
    assert!(story.then().contains(&call_off()));
    let give_up = timer(timers::COLLECTION, at(36), OrderCommand::NotCollected);
    assert_eq!(story.order(ready()).then(), std::slice::from_ref(&give_up));
    let packed = fired().order(ready()).order(switched());
    assert_eq!(packed.then(), [give_up]);
}

#[test]
fn a_delay_moves_the_fire_of_a_shop_that_fires_by_itself() {
    let moved = OrderEvent::PromiseMoved {
        prep_minutes: Minutes::new(20),
        promise: terms().promise,
        reason: Reason::parse("broth").unwrap(),
        party: FaultParty::Shop,
        at: at(5),
    };
    let auto = checked_out(CheckedOut {
        auto_fire: true,
        ..terms()
    })
    .order(OrderEvent::Placed { at: at(2) })
    .order(accepted_event());
    let fire_at = at(3 + 20) - TimeDelta::seconds(105);
    let fire = OrderCommand::Fire { automatic: true };
    assert_eq!(
        auto.order(moved.clone()).then(),
        [timer(timers::FIRE, fire_at, fire)]
    );
    assert_eq!(accepted().order(moved).then(), []);
}

/// Whole stories with every sort of end, each with its streams.
fn stories() -> Vec<Story> {
    let driver = DriverId::new(Uuid::from_u128(6));
    let captured = PaymentEvent::Captured {
        amount: amount(),
        at: at(4),
    };
    let requested = PaymentEvent::CaptureRequested {
        amount: amount(),
        at: at(4),
    };
    let reason = RefundReason::OrderCancelled;
    let void = PaymentEvent::VoidRequested { reason, at: at(8) };
    let refund = Uuid::from_u128(70);
    let refunded = PaymentEvent::RefundRequested {
        refund,
        amount: amount(),
        reason,
        at: at(8),
    };
    let proof = DeliveryEvent::samples()
        .into_iter()
        .find(|event| event.name() == "delivered");
    let brought = fired()
        .payment(requested.clone())
        .payment(captured.clone())
        .delivery(delivery_requested())
        .delivery(DeliveryEvent::Assigned {
            driver,
            by: ops(),
            at: at(5),
        })
        .delivery(DeliveryEvent::PickedUp { at: at(6) })
        .delivery(proof.unwrap())
        .order(OrderEvent::PickedUp {
            driver: Some(driver),
            inferred: false,
            at: at(6),
        })
        .order(OrderEvent::Delivered {
            proof: ProofMethod::Photo,
            at: at(9),
        })
        .order(OrderEvent::Completed { at: at(3000) });
    let late_money = checked_out(terms())
        .order(OrderEvent::Expired { at: at(15) })
        .payment(authorised())
        .payment(void.clone())
        .payment(PaymentEvent::Voided { at: at(17) });
    let cancelled_with_courier = accepted()
        .payment(requested)
        .payment(captured)
        .delivery(delivery_requested())
        .order(cancelled(ops(), FaultParty::Shop))
        .payment(refunded);
    let rejected = placed()
        .order(OrderEvent::Rejected {
            reason: RejectReason::NoAnswer,
            note: None,
            at: at(7),
        })
        .payment(void);
    let short_then_fetched = placed()
        .order(short_settled(900))
        .order(accepted_event())
        .payment(PaymentEvent::Captured {
            amount: Money::new(900, amount().currency()),
            at: at(5),
        })
        .delivery(delivery_requested())
        .order(short_settled(800))
        .order(OrderEvent::SwitchedToPickup {
            by: ops(),
            bill: Box::new(bill_of(700)),
            at: at(7),
        });
    vec![
        brought,
        late_money,
        cancelled_with_courier,
        rejected,
        short_then_fetched,
    ]
}

/// The same story with its streams interleaved another way; each stream keeps its order.
fn interleaved(story: &Story, choices: &[usize]) -> Vec<AnyRecorded> {
    let mut streams: Vec<Vec<AnyRecorded>> = Vec::new();
    for event in &story.0 {
        match streams
            .iter_mut()
            .find(|of| of[0].recorded.stream == event.recorded.stream)
        {
            Some(stream) => stream.push(event.clone()),
            None => streams.push(vec![event.clone()]),
        }
    }
    let mut choices = choices.iter().cycle();
    let mut feed = Vec::new();
    while !streams.is_empty() {
        let which = choices.next().unwrap() % streams.len();
        feed.push(streams[which].remove(0));
        streams.retain(|stream| !stream.is_empty());
    }
    feed
}

/// Effects as texts, whatever their order.
fn set_of(effects: &[Vec<Effect>]) -> Vec<String> {
    let mut all: Vec<_> = effects
        .iter()
        .flatten()
        .map(|effect| serde_json::to_string(effect).unwrap())
        .collect();
    all.sort();
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_order_of_streams_converges(which in 0..5_usize, choices in prop::collection::vec(0..3_usize, 40)) {
        let story = &stories()[which];
        let (expected, end) = react_to(&story.0);
        let (effects, state) = react_to(&interleaved(story, &choices));
        prop_assert_eq!(set_of(&effects), set_of(&expected));
        prop_assert_eq!(OrderFulfilment::is_over(&state), OrderFulfilment::is_over(&end));
    }

    #[test]
    fn told_again_nothing_follows(which in 0..5_usize, repeats in prop::collection::vec(0..40_usize, 0..20)) {
        let story = &stories()[which];
        let mut feed: Vec<AnyRecorded> = Vec::new();
        for (index, event) in story.0.iter().enumerate() {
            feed.push(event.clone());
            for earlier in repeats.iter().filter(|repeat| **repeat % story.0.len() <= index) {
                feed.push(story.0[earlier % story.0.len()].clone());
            }
        }
        let (effects, state) = react_to(&feed);
        let (expected, end) = react_to(&story.0);
        prop_assert_eq!(set_of(&effects), set_of(&expected));
        prop_assert_eq!(state, end);
    }
}
