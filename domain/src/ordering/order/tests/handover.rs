//! Couriers, the counter, and how an order ends.

use super::*;

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
