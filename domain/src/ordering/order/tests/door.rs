//! A door is put right: near the agreed one, as long as a courier may still go there.

use super::*;
use crate::kernel::quantity::Metres;
use crate::kernel::sealed::{Origin, Sealed};

/// The address that was sealed as the `number`th.
fn sealed<T>(number: u32) -> Sealed<T> {
    let origin = Origin {
        kind: "ordering.order".to_owned(),
        id: sample::id(99),
        field: "address".to_owned(),
    };
    Sealed::from_parts(1, sample::id(98), String::new(), number.to_string(), origin)
}

fn correct(number: u32, moved: u32) -> OrderCommand {
    OrderCommand::CorrectDoor {
        address: sealed(number),
        moved: Metres::new(moved),
        most: Metres::new(150),
        by: customer(),
    }
}

fn corrected(number: u32, moved: u32) -> OrderEvent {
    OrderEvent::DoorCorrected {
        address: sealed(number),
        moved_m: Metres::new(moved),
        by: customer(),
        at: test_now(),
    }
}

#[test]
fn a_door_is_put_right_until_the_bowl_is_there() {
    for stage in [
        OrderStage::Placed,
        OrderStage::Accepted,
        OrderStage::Cooking,
        OrderStage::Ready,
    ] {
        let known = at(stage, terms());
        let before = known.state().body().unwrap().bill.clone();
        let after = known.when(correct(1, 150)).then([corrected(1, 150)]);
        let body = after.state().body().unwrap();
        assert_eq!((body.stage, &body.bill), (stage, &before));
        assert_eq!(body.door(), Some(&sealed(1)));
        after.when(correct(1, 150)).then_nothing();
    }
    let carried = at(OrderStage::Ready, terms()).done([picked_up()]);
    let carried = carried.when(correct(1, 0)).then([corrected(1, 0)]);
    carried
        .done([delivered()])
        .when(correct(2, 0))
        .then_refused(not_allowed(OrderStage::Delivered, Kind::CorrectDoor));
}

#[test]
fn what_was_agreed_stays_known_until_another_door_is_agreed() {
    let placed = at(OrderStage::Placed, two_bowls(Shortage::Refund));
    let agreed = placed.state().body().unwrap().door().cloned().unwrap();
    let twice = placed.done([correct(1, 150), correct(2, 150)]);
    let body = twice.state().body().unwrap();
    assert_eq!(body.agreed_door(), Some(&agreed));
    assert_eq!(body.door(), Some(&sealed(2)));
    let mut elsewhere = crate::ordering::order::Amendment::sample();
    elsewhere.address = Some(sealed(3));
    let amended = twice.done([OrderCommand::Amend {
        amendment: Box::new(elsewhere),
        by: customer(),
    }]);
    let body = amended.state().body().unwrap();
    assert_eq!(body.agreed_door(), Some(&sealed(3)));
    assert_eq!(body.door(), Some(&sealed(3)));
}

#[test]
fn a_pin_far_away_is_another_door() {
    let refused = at(OrderStage::Cooking, terms())
        .when(correct(1, 151))
        .rejection();
    let expected = OrderRejection::PinTooFar {
        most_m: 150,
        moved_m: 151,
    };
    assert_eq!(refused, expected);
    assert_eq!(refused.class(), Class::Unprocessable);
    let faults = refused.faults();
    assert_eq!(
        (faults[0].code.as_str(), faults[0].pointer.as_str()),
        ("pin_too_far", "/pin")
    );
}

#[test]
fn nobody_puts_anothers_door_right_nor_one_that_nobody_goes_to() {
    let stranger = OrderCommand::CorrectDoor {
        address: sealed(1),
        moved: Metres::new(0),
        most: Metres::new(150),
        by: Actor::Customer { id: sample::id(44) },
    };
    at(OrderStage::Cooking, terms())
        .when(stranger)
        .then_refused(OrderRejection::OrderUnknown);
    at(OrderStage::Cooking, to_collect())
        .when(correct(1, 0))
        .then_refused(OrderRejection::CustomerCollects);
    at(OrderStage::Cooking, terms())
        .done([OrderCommand::SwitchToPickup { by: customer() }])
        .when(correct(1, 0))
        .then_refused(OrderRejection::CustomerCollects);
}
