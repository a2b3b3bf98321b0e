//! Firing, bowls and their clocks.

use super::*;

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
