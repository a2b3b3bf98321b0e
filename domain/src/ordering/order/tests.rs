//! What an order answers to its commands, each row of the table and each refusal.

use chrono::TimeDelta;

use super::command::{OrderCommand, OrderCommandKind as Kind};
use super::event::{CheckedOut, FaultParty, OrderEvent, RejectReason, ShortAnswer, ShortOutcome};
use super::rejection::{BowlRef, OrderRejection};
use super::state::{Order, OrderStage};
use super::transitions::{By, may_ask};
use crate::decider::{Class, Decider, Rejection, allowed_from};
use crate::kernel::actor::Actor;
use crate::kernel::handover::UndeliverableReason;
use crate::kernel::money::Money;
use crate::kernel::quantity::{Minutes, Seconds};
use crate::kernel::refusal::NotAllowed;
use crate::kernel::sample;
use crate::ordering::fulfilment::Fulfilment;
use crate::ordering::line::{LineId, Shortage};
use crate::ordering::quote::{Promise, QuoteLineKind};
use crate::ordering::settlement::{Back, CANCEL_POLICY, Settlement};
use crate::testing::{Given, test_now};

const LINE: LineId = LineId::new(1);
const BOWL: BowlRef = BowlRef {
    line: LINE,
    bowl: 1,
};

fn terms() -> Box<CheckedOut> {
    Box::new(CheckedOut::sample())
}

fn to_collect() -> Box<CheckedOut> {
    Box::new(CheckedOut {
        fulfilment: Fulfilment::Pickup,
        ..CheckedOut::sample()
    })
}

/// An order with these terms, taken to a stage of its kitchen.
fn at(stage: OrderStage, terms: Box<CheckedOut>) -> Given<Order> {
    let pay = OrderCommand::Authorise {
        payment: terms.payment,
    };
    let steps = [
        (
            OrderStage::AwaitingPayment,
            OrderCommand::CheckOut { terms },
        ),
        (OrderStage::Placed, pay),
        (OrderStage::Accepted, accept(12)),
        (OrderStage::Cooking, OrderCommand::Fire { automatic: false }),
        (OrderStage::Cooking, boil(BOWL)),
        (OrderStage::Cooking, seal(BOWL)),
        (OrderStage::Ready, OrderCommand::Ready),
    ];
    let end = steps
        .iter()
        .position(|(reached, _)| *reached == stage)
        .unwrap();
    Given::nothing().done(steps.into_iter().take(end + 1).map(|(_, command)| command))
}

fn accept(minutes: u32) -> OrderCommand {
    OrderCommand::Accept {
        prep_minutes: Minutes::new(minutes),
    }
}

fn boil(bowl: BowlRef) -> OrderCommand {
    OrderCommand::BowlBoiled {
        line: bowl.line,
        bowl: bowl.bowl,
    }
}

fn seal(bowl: BowlRef) -> OrderCommand {
    OrderCommand::BowlSealed {
        line: bowl.line,
        bowl: bowl.bowl,
    }
}

fn reject() -> OrderCommand {
    OrderCommand::Reject {
        reason: RejectReason::TooBusy,
        note: None,
    }
}

fn cancel(by: Actor) -> OrderCommand {
    OrderCommand::Cancel {
        by,
        reason: sample::reason("enough"),
        fault: FaultParty::Platform,
    }
}

fn customer() -> Actor {
    Actor::Customer { id: sample::id(1) }
}

fn picked_up() -> OrderCommand {
    OrderCommand::RecordPickedUp {
        driver: Some(sample::id(6)),
        at: test_now(),
    }
}

fn delivered() -> OrderCommand {
    OrderCommand::RecordDelivered {
        proof: crate::kernel::handover::ProofMethod::Pin,
        at: test_now(),
    }
}

fn undeliverable() -> OrderCommand {
    OrderCommand::RecordUndeliverable {
        reason: UndeliverableReason::NoAnswer,
        at: test_now(),
    }
}

fn not_allowed(stage: OrderStage, command: Kind) -> OrderRejection {
    let allowed = allowed_from::<Order>(stage);
    OrderRejection::NotAllowed(NotAllowed {
        stage,
        command,
        allowed,
    })
}

#[test]
fn a_checkout_waits_for_its_payment() {
    let checked_out = Given::<Order>::nothing()
        .when(OrderCommand::CheckOut { terms: terms() })
        .then([OrderEvent::CheckedOut(terms())]);
    assert_eq!(checked_out.state().stage(), OrderStage::AwaitingPayment);
}

#[test]
fn nothing_to_pay_is_placed_at_once() {
    let free = Box::new(CheckedOut {
        total: Money::zero(CheckedOut::sample().total.currency()),
        ..CheckedOut::sample()
    });
    Given::<Order>::nothing()
        .when(OrderCommand::CheckOut {
            terms: free.clone(),
        })
        .then([
            OrderEvent::CheckedOut(free),
            OrderEvent::Placed { at: test_now() },
        ]);
}

#[test]
fn checking_out_twice_changes_nothing_and_with_other_terms_is_refused() {
    let waiting = at(OrderStage::AwaitingPayment, terms());
    waiting
        .clone()
        .when(OrderCommand::CheckOut { terms: terms() })
        .then_nothing();
    waiting
        .when(OrderCommand::CheckOut {
            terms: to_collect(),
        })
        .then_refused(OrderRejection::AlreadyCheckedOut);
}

#[test]
fn an_order_that_was_never_checked_out_does_not_exist() {
    for command in [
        accept(1),
        OrderCommand::Expire,
        delivered(),
        cancel(customer()),
    ] {
        Given::<Order>::nothing()
            .when(command)
            .then_refused(OrderRejection::OrderUnknown);
    }
    assert_eq!(OrderRejection::OrderUnknown.class(), Class::NotFound);
}

#[test]
fn its_payment_places_it_once() {
    let pay = || OrderCommand::Authorise {
        payment: sample::id(5),
    };
    at(OrderStage::AwaitingPayment, terms())
        .when(pay())
        .then([OrderEvent::Placed { at: test_now() }])
        .when(pay())
        .then_nothing();
    let other = OrderCommand::Authorise {
        payment: sample::id(77),
    };
    at(OrderStage::AwaitingPayment, terms())
        .when(other)
        .then_refused(OrderRejection::OtherPayment {
            expected: sample::id(5),
        });
}

#[test]
fn it_expires_when_its_time_is_over_and_not_before() {
    let expires_at = CheckedOut::sample().expires_at;
    let waiting = at(OrderStage::AwaitingPayment, terms());
    waiting
        .clone()
        .at(expires_at - TimeDelta::seconds(1))
        .when(OrderCommand::Expire)
        .then_refused(OrderRejection::NotYetExpired { expires_at });
    let expired = waiting
        .at(expires_at)
        .when(OrderCommand::Expire)
        .then([OrderEvent::Expired { at: expires_at }])
        .when(OrderCommand::Expire)
        .then_nothing();
    expired
        .when(OrderCommand::Authorise {
            payment: sample::id(5),
        })
        .then_refused(not_allowed(OrderStage::Expired, Kind::Authorise));
}

#[test]
fn accepting_promises_anew_and_twice_changes_nothing() {
    let promise = Promise {
        earliest: test_now() + TimeDelta::minutes(12 + 15),
        latest: test_now() + TimeDelta::minutes(12 + 15 + 10),
    };
    at(OrderStage::Placed, terms())
        .when(accept(12))
        .then([OrderEvent::Accepted {
            prep_minutes: Minutes::new(12),
            promise,
            at: test_now(),
        }])
        .when(accept(20))
        .then_nothing();
}

#[test]
fn an_absurd_time_in_the_kitchen_is_refused() {
    let refused = at(OrderStage::Placed, terms())
        .when(accept(241))
        .rejection();
    assert_eq!(refused, OrderRejection::PrepTimeOutOfRange { max: 240 });
    assert_eq!(refused.faults()[0].pointer, "/prep_minutes");
}

#[test]
fn a_rejected_order_cannot_be_accepted() {
    at(OrderStage::Placed, terms())
        .when(reject())
        .then([OrderEvent::Rejected {
            reason: RejectReason::TooBusy,
            note: None,
            at: test_now(),
        }])
        .when(reject())
        .then_nothing()
        .when(accept(12))
        .then_refused(not_allowed(OrderStage::Rejected, Kind::Accept));
}

#[test]
fn an_accepted_order_cannot_be_rejected_and_the_refusal_says_what_can_be_done() {
    let refused = at(OrderStage::Accepted, terms()).when(reject()).rejection();
    assert_eq!(refused, not_allowed(OrderStage::Accepted, Kind::Reject));
    assert_eq!(
        refused.to_string(),
        "reject is not possible at stage accepted; possible are fire, cancel, acknowledge, \
         request_courier, record_picked_up, record_delivered, record_undeliverable, short, answer_short, \
         delay, switch_to_pickup"
    );
}

#[test]
fn who_may_cancel_is_in_the_table() {
    let actors = [
        customer(),
        Actor::Restaurant { id: sample::id(10) },
        Actor::Driver { id: sample::id(6) },
        Actor::Ops { id: sample::id(9) },
        Actor::System {
            process: sample::key("order_fulfilment"),
        },
    ];
    let stages = [
        OrderStage::AwaitingPayment,
        OrderStage::Placed,
        OrderStage::Accepted,
        OrderStage::Cooking,
        OrderStage::Ready,
    ];
    for (stage, by) in stages
        .iter()
        .flat_map(|stage| actors.iter().map(move |by| (*stage, by)))
    {
        let by_whom = By::from(by);
        let asked = at(stage, terms()).when(cancel(by.clone()));
        if may_ask(stage, Kind::Cancel, by_whom) {
            let events = asked.events();
            assert!(
                matches!(events[..], [OrderEvent::Cancelled { .. }]),
                "{stage:?} {by:?}"
            );
        } else {
            asked.then_refused(OrderRejection::NotYoursToCancel { stage, by: by_whom });
        }
    }
}

#[test]
fn who_cancels_for_themselves_bears_it() {
    let fault_of = |by: Actor| match &at(OrderStage::Accepted, terms()).when(cancel(by)).events()[..]
    {
        [OrderEvent::Cancelled { fault, .. }] => *fault,
        other => panic!("{other:?}"),
    };
    assert_eq!(fault_of(customer()), FaultParty::Customer);
    assert_eq!(
        fault_of(Actor::Restaurant { id: sample::id(10) }),
        FaultParty::Shop
    );
    assert_eq!(
        fault_of(Actor::Ops { id: sample::id(9) }),
        FaultParty::Platform
    );
}

#[test]
fn a_stranger_does_not_see_the_order() {
    at(OrderStage::Placed, terms())
        .when(cancel(Actor::Customer { id: sample::id(42) }))
        .then_refused(OrderRejection::OrderUnknown);
}

#[test]
fn cancelling_twice_changes_nothing_and_nothing_follows() {
    at(OrderStage::Placed, terms())
        .done([cancel(customer())])
        .when(cancel(customer()))
        .then_nothing()
        .when(accept(12))
        .then_refused(not_allowed(OrderStage::Cancelled, Kind::Accept));
}

#[test]
fn nobody_cancels_what_a_courier_carries() {
    at(OrderStage::Ready, terms())
        .done([picked_up()])
        .when(cancel(Actor::Ops { id: sample::id(9) }))
        .then_refused(not_allowed(OrderStage::PickedUp, Kind::Cancel));
}

#[test]
fn firing_twice_changes_nothing() {
    let fire = |automatic| OrderCommand::Fire { automatic };
    at(OrderStage::Accepted, terms())
        .when(fire(true))
        .then([OrderEvent::Fired {
            automatic: true,
            at: test_now(),
        }])
        .when(fire(false))
        .then_nothing();
}

#[test]
fn a_sealed_bowl_has_a_deadline_and_the_order_the_earliest() {
    let deadline = test_now() + TimeDelta::minutes(30);
    at(OrderStage::Accepted, terms())
        .done([OrderCommand::Fire { automatic: false }])
        .when(boil(BOWL))
        .then([OrderEvent::BowlBoiled {
            line: LINE,
            bowl: 1,
            at: test_now(),
        }])
        .when(seal(BOWL))
        .then([OrderEvent::BowlSealed {
            line: LINE,
            bowl: 1,
            deadline: Some(deadline),
            at: test_now(),
        }])
        .when(boil(BOWL))
        .then_nothing()
        .when(seal(BOWL))
        .then_nothing()
        .when(OrderCommand::Ready)
        .then([OrderEvent::Ready {
            slurp_deadline: Some(deadline),
            at: test_now(),
        }])
        .when(OrderCommand::Ready)
        .then_nothing();
}

#[test]
fn a_bowl_is_boiled_before_it_is_sealed_unless_it_is_a_kit() {
    let cooking = at(OrderStage::Cooking, terms());
    cooking
        .when(seal(BOWL))
        .then_refused(OrderRejection::BowlNotBoiled { bowl: BOWL });
    let mut kit = terms();
    if let Some(spec) = &mut kit.lines[0].bowl {
        spec.packaging = crate::kernel::bowl::Packaging::Kit;
        spec.cook_seconds = Seconds::new(90);
    }
    let sealed = at(OrderStage::Cooking, kit).when(seal(BOWL)).events();
    let four_hours = test_now() + TimeDelta::hours(4);
    assert!(matches!(&sealed[..],
        [OrderEvent::BowlSealed { deadline: Some(deadline), .. }] if *deadline == four_hours));
}

#[test]
fn bowls_that_are_not_ordered_are_not_found() {
    for bowl in [
        BowlRef {
            line: LINE,
            bowl: 2,
        },
        BowlRef {
            line: LineId::new(2),
            bowl: 1,
        },
    ] {
        let refused = OrderRejection::BowlUnknown { bowl };
        at(OrderStage::Cooking, terms())
            .when(boil(bowl))
            .then_refused(refused.clone());
        at(OrderStage::Cooking, terms())
            .when(seal(bowl))
            .then_refused(refused);
    }
}

#[test]
fn it_is_not_ready_before_every_bowl_is_sealed() {
    let refused = at(OrderStage::Cooking, terms())
        .when(OrderCommand::Ready)
        .rejection();
    assert_eq!(
        refused,
        OrderRejection::BowlsNotSealed { bowls: vec![BOWL] }
    );
    assert_eq!(refused.faults()[0].pointer, "/lines/1/bowls/1");
}

#[test]
fn a_courier_is_asked_for_while_the_food_is_the_shops() {
    let ask = |number| OrderCommand::RequestCourier {
        delivery: sample::id(number),
    };
    let asked = |number| OrderEvent::CourierRequested {
        delivery: sample::id(number),
        at: test_now(),
    };
    for stage in [OrderStage::Accepted, OrderStage::Cooking, OrderStage::Ready] {
        let after = at(stage, terms())
            .when(ask(11))
            .then([asked(11)])
            .when(ask(11))
            .then_nothing()
            .when(ask(12))
            .then([asked(12)]);
        assert_eq!(after.state().stage(), stage);
        at(stage, to_collect())
            .when(ask(11))
            .then_refused(OrderRejection::CustomerCollects);
    }
    at(OrderStage::Placed, terms())
        .when(ask(11))
        .then_refused(not_allowed(OrderStage::Placed, Kind::RequestCourier));
}

#[test]
fn a_courier_picks_up_brings_and_the_order_completes() {
    let brought = at(OrderStage::Ready, terms())
        .when(picked_up())
        .then([OrderEvent::PickedUp {
            driver: Some(sample::id(6)),
            inferred: false,
            at: test_now(),
        }])
        .when(picked_up())
        .then_nothing()
        .when(delivered())
        .then([OrderEvent::Delivered {
            proof: crate::kernel::handover::ProofMethod::Pin,
            at: test_now(),
        }])
        .when(delivered())
        .then_nothing();
    brought
        .when(OrderCommand::Complete)
        .then([OrderEvent::Completed { at: test_now() }])
        .when(OrderCommand::Complete)
        .then_nothing();
}

#[test]
fn news_ahead_of_the_kitchen_is_taken_and_marked_inferred() {
    for stage in [OrderStage::Accepted, OrderStage::Cooking] {
        let inferred = OrderEvent::PickedUp {
            driver: Some(sample::id(6)),
            inferred: true,
            at: test_now(),
        };
        at(stage, terms()).when(picked_up()).then([inferred]);
        let events = at(stage, terms()).when(delivered()).events();
        assert!(matches!(
            events[..],
            [
                OrderEvent::PickedUp {
                    driver: None,
                    inferred: true,
                    ..
                },
                OrderEvent::Delivered { .. }
            ]
        ));
        let events = at(stage, terms()).when(undeliverable()).events();
        assert!(matches!(
            events[..],
            [
                OrderEvent::PickedUp { inferred: true, .. },
                OrderEvent::Undeliverable { .. }
            ]
        ));
    }
}

#[test]
fn delivered_without_acceptance_is_refused() {
    at(OrderStage::Placed, terms())
        .when(delivered())
        .then_refused(not_allowed(OrderStage::Placed, Kind::RecordDelivered));
}

#[test]
fn an_undeliverable_order_completes_too() {
    let back = at(OrderStage::Ready, terms()).done([picked_up(), undeliverable()]);
    back.clone().when(undeliverable()).then_nothing();
    back.clone().when(delivered()).then_refused(not_allowed(
        OrderStage::Undeliverable,
        Kind::RecordDelivered,
    ));
    assert_eq!(back.when(OrderCommand::Complete).events().len(), 1);
}

#[test]
fn customers_collect_only_what_no_courier_brings() {
    at(OrderStage::Ready, to_collect())
        .when(OrderCommand::Collect)
        .then([OrderEvent::Collected { at: test_now() }])
        .when(OrderCommand::Collect)
        .then_nothing();
    for command in [OrderCommand::Collect, OrderCommand::NotCollected] {
        at(OrderStage::Ready, terms())
            .when(command)
            .then_refused(OrderRejection::CourierBrings);
    }
    for command in [picked_up(), delivered(), undeliverable()] {
        at(OrderStage::Ready, to_collect())
            .when(command)
            .then_refused(OrderRejection::CustomerCollects);
    }
}

#[test]
fn what_nobody_fetches_is_uncollected_and_completes() {
    let left = at(OrderStage::Ready, to_collect())
        .when(OrderCommand::NotCollected)
        .then([OrderEvent::NotCollected {
            settlement: Some(Settlement {
                back_minor: 0,
                shop_paid: true,
                courier_paid: false,
            }),
            at: test_now(),
        }])
        .when(OrderCommand::NotCollected)
        .then_nothing();
    assert_eq!(left.when(OrderCommand::Complete).events().len(), 1);
}

#[test]
fn a_device_acknowledges_once_at_any_stage_of_the_shop() {
    let seen = || OrderCommand::Acknowledge { device: None };
    for stage in [
        OrderStage::Placed,
        OrderStage::Accepted,
        OrderStage::Cooking,
        OrderStage::Ready,
    ] {
        let before = at(stage, terms());
        let after = before.when(seen()).then([OrderEvent::Acknowledged {
            device: None,
            at: test_now(),
        }]);
        assert_eq!(after.state().stage(), stage);
        after.when(seen()).then_nothing();
    }
}

/// Two bowls on the sample's line, with this choice for a shortage.
fn two_bowls(shortage: Shortage) -> Box<CheckedOut> {
    let mut terms = terms();
    terms.quote.truncate(1);
    terms.lines[0].quantity = 2.try_into().unwrap();
    terms.lines[0].shortage = shortage;
    terms.quote[0].amount_minor = 1960;
    terms.total = Money::new(1960, terms.total.currency());
    terms
}

fn short(units: u32) -> OrderCommand {
    OrderCommand::Short {
        short: sample::id(12),
        line: LINE,
        units,
        substitute: None,
        substitute_needs: Vec::new(),
        answer_by: test_now() + TimeDelta::minutes(3),
        by: Actor::Restaurant { id: sample::id(10) },
    }
}

fn answer(answer: ShortAnswer) -> OrderCommand {
    OrderCommand::AnswerShort {
        short: sample::id(12),
        answer,
        by: customer(),
    }
}

/// What an order comes to, and its bowls.
fn held(given: &Given<Order>) -> (i64, usize) {
    let body = given.state().body().unwrap();
    (body.bill.total.amount_minor(), body.bowls.len())
}

#[test]
fn what_is_short_is_left_out_at_once_unless_the_customer_chose_otherwise() {
    for stage in [OrderStage::Placed, OrderStage::Accepted] {
        let left = at(stage, two_bowls(Shortage::Refund)).done([short(1)]);
        assert_eq!(held(&left), (980, 1));
        assert_eq!(left.state().stage(), stage);
        left.when(short(1)).then_nothing();
    }
    let whole = at(OrderStage::Placed, two_bowls(Shortage::Cancel)).done([short(1)]);
    assert_eq!(whole.state().stage(), OrderStage::Cancelled);
    let nothing_left = at(OrderStage::Placed, two_bowls(Shortage::Refund)).done([short(2)]);
    assert_eq!(nothing_left.state().stage(), OrderStage::Cancelled);
    let nothing_offered = at(OrderStage::Placed, two_bowls(Shortage::Substitute)).done([short(1)]);
    assert_eq!(held(&nothing_offered), (980, 1));
}

#[test]
fn more_than_is_open_cannot_be_short() {
    let open = |given: Given<Order>, units| given.when(short(units)).rejection();
    let refused = open(at(OrderStage::Placed, two_bowls(Shortage::Refund)), 3);
    assert_eq!(
        refused,
        OrderRejection::NotSoManyUnits {
            line: LINE,
            open: 2
        }
    );
    assert_eq!(refused.faults()[0].pointer, "/units");
    let packed =
        at(OrderStage::Cooking, two_bowls(Shortage::Refund)).done([boil(BOWL), seal(BOWL)]);
    assert_eq!(
        open(packed, 2),
        OrderRejection::NotSoManyUnits {
            line: LINE,
            open: 1
        }
    );
}

#[test]
fn who_is_asked_answers_once() {
    let asked = at(OrderStage::Placed, two_bowls(Shortage::Ask)).done([short(1)]);
    assert_eq!(held(&asked), (1960, 2), "nothing is decided yet");
    asked
        .clone()
        .when(answer(ShortAnswer::Substitute))
        .then_refused(OrderRejection::NothingOffered);
    let stranger = OrderCommand::AnswerShort {
        short: sample::id(12),
        answer: ShortAnswer::Refund,
        by: Actor::Customer { id: sample::id(42) },
    };
    asked
        .clone()
        .when(stranger)
        .then_refused(OrderRejection::OrderUnknown);
    let left = asked.clone().done([answer(ShortAnswer::Refund)]);
    assert_eq!(held(&left), (980, 1));
    left.clone()
        .when(answer(ShortAnswer::Refund))
        .then_nothing();
    left.when(answer(ShortAnswer::Cancel))
        .then_refused(OrderRejection::ShortSettled);
    let cancelled = asked.done([answer(ShortAnswer::Cancel)]);
    assert_eq!(cancelled.state().stage(), OrderStage::Cancelled);
    at(OrderStage::Placed, two_bowls(Shortage::Ask))
        .when(answer(ShortAnswer::Refund))
        .then_refused(OrderRejection::ShortUnknown);
}

#[test]
fn a_substitute_is_cooked_for_at_most_the_price_of_what_it_replaces() {
    let OrderCommand::Short {
        line,
        units,
        answer_by,
        by,
        ..
    } = short(1)
    else {
        panic!("a shortage")
    };
    let offered = |item: &str, price| {
        let mut substitute = terms().lines.remove(0);
        substitute.item = sample::key(item);
        substitute.unit_price_minor = price;
        OrderCommand::Short {
            short: sample::id(12),
            line,
            units,
            substitute: Some(Box::new(substitute)),
            substitute_needs: Vec::new(),
            answer_by,
            by: by.clone(),
        }
    };
    for (price, total) in [(1200, 1960), (600, 980 + 600)] {
        let instead =
            at(OrderStage::Placed, two_bowls(Shortage::Substitute)).done([offered("miso", price)]);
        assert_eq!(held(&instead), (total, 2));
        let body = instead.state().body().unwrap();
        let settled = body.shorts[0].outcome;
        assert_eq!(settled, Some(ShortOutcome::Substituted));
        assert_eq!(body.bill.lines.len(), 2);
    }
    let other = offered("tantan", 600);
    let asked = at(OrderStage::Placed, two_bowls(Shortage::Substitute)).done([other]);
    assert_eq!(held(&asked), (1960, 2), "the customer named another dish");
    let taken = asked.done([answer(ShortAnswer::Substitute)]);
    assert_eq!(held(&taken), (980 + 600, 2));
}

#[test]
fn the_kitchen_does_not_wait_for_an_answer() {
    let asked = at(OrderStage::Accepted, two_bowls(Shortage::Ask)).done([short(1)]);
    let fired = asked.done([OrderCommand::Fire { automatic: true }]);
    assert_eq!(held(&fired), (980, 1));
    let cooking = at(OrderStage::Cooking, two_bowls(Shortage::Ask));
    let ready = cooking.done([boil(BOWL), seal(BOWL), short(1), OrderCommand::Ready]);
    assert_eq!(held(&ready), (980, 1));
}

#[test]
fn a_delay_moves_the_promise_later_and_never_back() {
    let delay = |minutes| OrderCommand::Delay {
        prep_minutes: Minutes::new(minutes),
        reason: sample::reason("broth"),
        party: FaultParty::Shop,
    };
    let later = at(OrderStage::Accepted, terms()).done([delay(20)]);
    let promised = later.state().body().unwrap().promise.latest;
    assert_eq!(promised, test_now() + TimeDelta::minutes(20 + 15 + 10));
    later.clone().when(delay(20)).then_nothing();
    later
        .when(delay(15))
        .then_refused(OrderRejection::NotLater { latest: promised });
}

#[test]
fn who_fetches_after_all_pays_nothing_for_bringing() {
    let mut with_fee = terms();
    with_fee.quote.truncate(1);
    let mut fee = with_fee.quote[0].clone();
    fee.kind = QuoteLineKind::DeliveryFee;
    fee.reference = "zone".to_owned();
    fee.amount_minor = 300;
    with_fee.quote.push(fee);
    with_fee.total = Money::new(1280, with_fee.total.currency());
    let switch = || OrderCommand::SwitchToPickup { by: customer() };
    let ready = at(OrderStage::Ready, with_fee);
    let fetched = ready.done([switch()]);
    assert_eq!(held(&fetched), (980, 1));
    fetched.clone().when(switch()).then_nothing();
    let collected = fetched.clone().done([OrderCommand::Collect]);
    assert_eq!(collected.state().stage(), OrderStage::Delivered);
    let brought = fetched.done([delivered()]);
    assert_eq!(brought.state().stage(), OrderStage::Delivered, "facts win");
    at(OrderStage::Ready, to_collect())
        .when(switch())
        .then_refused(OrderRejection::CustomerCollects);
}

#[test]
fn the_policy_on_cancelling_has_one_row_for_each_stage_and_fault() {
    let faults = [
        FaultParty::Customer,
        FaultParty::Shop,
        FaultParty::Platform,
        FaultParty::Courier,
    ];
    for stage in [
        OrderStage::AwaitingPayment,
        OrderStage::Placed,
        OrderStage::Accepted,
        OrderStage::Cooking,
        OrderStage::Ready,
    ] {
        for fault in faults {
            let rows = CANCEL_POLICY
                .iter()
                .filter(|row| row.stages.contains(&stage) && row.faults.contains(&fault));
            assert_eq!(rows.count(), 1, "{stage:?} {fault:?}");
        }
    }
    let blameless = CANCEL_POLICY
        .iter()
        .filter(|row| !row.faults.contains(&FaultParty::Customer));
    for row in blameless {
        assert_eq!(row.shares.back, Back::All, "{row:?}");
    }
}

#[test]
fn cooked_food_is_paid_for_when_ops_cancels_for_the_customer() {
    let for_the_customer = OrderCommand::Cancel {
        by: Actor::Ops { id: sample::id(9) },
        reason: sample::reason("moved away"),
        fault: FaultParty::Customer,
    };
    let events = at(OrderStage::Cooking, terms())
        .when(for_the_customer)
        .events();
    let [OrderEvent::Cancelled { settlement, .. }] = &events[..] else {
        panic!("{events:?}")
    };
    let expected = Settlement {
        back_minor: 0,
        shop_paid: true,
        courier_paid: false,
    };
    assert_eq!(*settlement, Some(expected));
}
