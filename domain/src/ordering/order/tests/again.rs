//! What is cooked once more, and what is made again in another order.

use uuid::Uuid;

use super::*;
use crate::kernel::bowl::Style;
use crate::kernel::ids::OrderId;
use crate::ordering::order::RemakeOf;

fn refire(number: u128, bowls: Vec<BowlRef>) -> OrderCommand {
    OrderCommand::Refire {
        refire: Uuid::from_u128(number),
        bowls,
        reason: sample::reason("the courier is late"),
        fault: FaultParty::Courier,
        most: 2,
    }
}

fn offer(number: u128) -> OrderCommand {
    OrderCommand::OfferRemake {
        offer: Uuid::from_u128(number),
        bowls: vec![BOWL],
        reason: sample::reason("spilled"),
        fault: FaultParty::Courier,
        answer_by: test_now() + TimeDelta::minutes(10),
    }
}

fn remake(number: u128, fault: FaultParty) -> OrderCommand {
    OrderCommand::Remake {
        remake: OrderId::new(Uuid::from_u128(number)),
        bowls: vec![BOWL],
        reason: sample::reason("spilled"),
        fault,
        by: Actor::Ops { id: sample::id(9) },
    }
}

fn accept_offer(number: u128) -> OrderCommand {
    OrderCommand::AcceptRemake {
        remake: OrderId::new(Uuid::from_u128(number)),
        by: customer(),
    }
}

#[test]
fn a_bowl_that_is_cooked_again_starts_anew_and_twice_is_enough() {
    let ready = at(OrderStage::Ready, terms());
    let again = ready.done([refire(1, vec![])]);
    let body = again.state().body().unwrap();
    assert_eq!(body.stage, OrderStage::Cooking);
    assert_eq!((body.ready_at, body.slurp_deadline), (None, None));
    assert_eq!(body.bowls[0].boiled_at, None);
    again.clone().when(refire(1, vec![])).then_nothing();
    again
        .clone()
        .when(refire(2, vec![]))
        .then_refused(OrderRejection::NoBowls);
    again
        .clone()
        .when(refire(2, vec![BOWL]))
        .then_refused(OrderRejection::BowlNotBoiled { bowl: BOWL });
    let cook = || [boil(BOWL), seal(BOWL), OrderCommand::Ready];
    let twice = again.done(cook()).done([refire(2, vec![BOWL, BOWL])]);
    twice
        .done(cook())
        .when(refire(3, vec![BOWL]))
        .then_refused(OrderRejection::RefiredEnough { most: 2 });
}

#[test]
fn the_other_bowls_keep_their_clocks_and_a_late_one_moves_the_promise() {
    let second = BowlRef {
        line: LINE,
        bowl: 2,
    };
    let cooking = at(OrderStage::Cooking, two_bowls(Shortage::Refund));
    let sealed = cooking.done([boil(BOWL), seal(BOWL), boil(second), seal(second)]);
    let early = sealed.clone().when(refire(1, vec![second])).events().len();
    assert_eq!(early, 1, "in time all the same");
    let late = test_now() + TimeDelta::minutes(30);
    let again = sealed.at(late).done([refire(1, vec![second])]);
    let body = again.state().body().unwrap();
    assert!(body.bowls[0].sealed_at.is_some() && body.bowls[1].boiled_at.is_none());
    // 45 s in the boiler and 60 s to the bag, after 30 min; then 15 min on the way, 10 min wide.
    assert_eq!(
        body.promise.latest,
        test_now() + TimeDelta::minutes(32 + 15 + 10)
    );
}

#[test]
fn nothing_is_cooked_again_before_it_was_or_once_it_left() {
    at(OrderStage::Accepted, terms())
        .when(refire(1, vec![]))
        .then_refused(not_allowed(OrderStage::Accepted, Kind::Refire));
    at(OrderStage::Ready, terms())
        .done([picked_up()])
        .when(refire(1, vec![]))
        .then_refused(not_allowed(OrderStage::PickedUp, Kind::Refire));
}

#[test]
fn a_bowl_is_made_again_once_and_never_at_the_customers_cost() {
    let brought = at(OrderStage::Ready, terms()).done([picked_up(), delivered()]);
    brought
        .clone()
        .when(remake(1, FaultParty::Customer))
        .then_refused(OrderRejection::CustomersFault);
    let remade = brought.done([remake(1, FaultParty::Courier)]);
    assert_eq!(remade.state().stage(), OrderStage::Delivered);
    remade
        .clone()
        .when(remake(1, FaultParty::Courier))
        .then_nothing();
    remade
        .clone()
        .when(remake(2, FaultParty::Shop))
        .then_refused(OrderRejection::AlreadyRemade { bowl: BOWL });
    remade
        .done([OrderCommand::Complete])
        .when(offer(1))
        .then_refused(OrderRejection::AlreadyRemade { bowl: BOWL });
    let of_a_remake = Box::new(CheckedOut {
        remake_of: Some(RemakeOf {
            order: sample::id(4),
            fault: FaultParty::Shop,
        }),
        ..*terms()
    });
    at(OrderStage::Ready, of_a_remake)
        .when(remake(1, FaultParty::Shop))
        .then_refused(OrderRejection::AlreadyRemade { bowl: BOWL });
}

#[test]
fn a_piece_without_clocks_is_made_again_too() {
    let mut plates = terms();
    plates.lines[0].bowl = None;
    assert!(!Style::Side.is_bowl());
    let ready: Given<Order> = Given::nothing().done([
        OrderCommand::CheckOut { terms: plates },
        OrderCommand::Authorise {
            payment: sample::id(5),
        },
        accept(12),
        OrderCommand::Fire { automatic: false },
    ]);
    let remade = ready.done([remake(1, FaultParty::Shop)]);
    assert_eq!(remade.state().body().unwrap().remade, [BOWL]);
}

#[test]
fn an_offer_is_taken_or_declined_by_whose_order_it_is_while_it_lasts() {
    let offered = at(OrderStage::Ready, terms()).done([picked_up(), delivered(), offer(1)]);
    offered.clone().when(offer(1)).then_nothing();
    offered
        .clone()
        .when(offer(2))
        .then_refused(OrderRejection::OfferOpen);
    let stranger = OrderCommand::AcceptRemake {
        remake: sample::id(15),
        by: Actor::Customer { id: sample::id(42) },
    };
    offered
        .clone()
        .when(stranger)
        .then_refused(OrderRejection::OrderUnknown);
    offered
        .clone()
        .at(test_now() + TimeDelta::minutes(11))
        .when(accept_offer(7))
        .then_refused(OrderRejection::NoOffer);
    let decline = || OrderCommand::DeclineRemake { by: customer() };
    let declined = offered.clone().done([decline()]);
    declined.clone().when(decline()).then_nothing();
    declined
        .clone()
        .when(accept_offer(7))
        .then_refused(OrderRejection::NoOffer);
    assert!(!declined.when(offer(3)).events().is_empty());
    let taken = offered.done([accept_offer(7)]);
    taken.clone().when(accept_offer(8)).then_nothing();
    let body = taken.state().body().unwrap();
    assert_eq!(
        body.accepted_offer(),
        Some(OrderId::new(Uuid::from_u128(7)))
    );
}
