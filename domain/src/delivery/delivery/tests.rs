//! What a delivery answers to its commands, each row of the table and each refusal.

use chrono::TimeDelta;

use super::command::{DeliveryCommand, DeliveryCommandKind as Kind};
use super::event::{
    ContactChannel, DeliveryEvent, DeliveryRequest, MediaHash, PickupCheck, PickupChecks, Proof,
    UnassignReason,
};
use super::rejection::DeliveryRejection;
use super::state::{Delivery, DeliveryStage};
use crate::decider::{Class, Decider, Rejection, allowed_from};
use crate::kernel::actor::Actor;
use crate::kernel::handover::{ProofMethod, UndeliverableReason};
use crate::kernel::quantity::Metres;
use crate::kernel::refusal::NotAllowed;
use crate::kernel::sample;
use crate::testing::{Given, test_now};

fn requested() -> Given<Delivery> {
    let request = Box::new(DeliveryRequest::sample());
    Given::nothing().done([DeliveryCommand::Request { request }])
}

fn assign(driver: u128) -> DeliveryCommand {
    let by = Actor::Ops { id: sample::id(9) };
    DeliveryCommand::Assign {
        driver: sample::id(driver),
        approved: true,
        by,
    }
}

fn assigned_event(driver: u128) -> DeliveryEvent {
    let by = Actor::Ops { id: sample::id(9) };
    DeliveryEvent::Assigned {
        driver: sample::id(driver),
        by,
        at: test_now(),
    }
}

fn verify(checks: PickupChecks) -> DeliveryCommand {
    DeliveryCommand::VerifyPickup { checks }
}

fn let_go(by: Actor) -> DeliveryCommand {
    DeliveryCommand::OverridePickup {
        by,
        reason: sample::reason("a spoon of broth in the bag"),
    }
}

fn owner() -> Actor {
    Actor::Restaurant { id: sample::id(10) }
}

fn spilled() -> PickupChecks {
    PickupChecks {
        upright: false,
        ..PickupChecks::PASSED
    }
}

fn carried() -> Given<Delivery> {
    requested().done([
        assign(6),
        verify(PickupChecks::PASSED),
        DeliveryCommand::PickUp,
    ])
}

fn at_door() -> Given<Delivery> {
    carried().done([DeliveryCommand::Depart, DeliveryCommand::ArriveAtDropoff])
}

fn by(method: ProofMethod) -> Proof {
    Proof {
        method,
        media_sha256: None,
        distance_m: None,
    }
}

fn pin(matches: Option<bool>) -> DeliveryCommand {
    DeliveryCommand::Deliver {
        proof: by(ProofMethod::Pin),
        pin_matches: matches,
    }
}

fn photo(media: Option<&str>, distance: u32) -> DeliveryCommand {
    let proof = Proof {
        method: ProofMethod::Photo,
        media_sha256: media.map(|hash| MediaHash::try_from(hash.to_owned()).unwrap()),
        distance_m: Some(Metres::new(distance)),
    };
    DeliveryCommand::Deliver {
        proof,
        pin_matches: None,
    }
}

fn call() -> DeliveryCommand {
    DeliveryCommand::AttemptContact {
        channel: ContactChannel::Call,
    }
}

fn no_answer() -> DeliveryCommand {
    DeliveryCommand::Fail {
        reason: UndeliverableReason::NoAnswer,
    }
}

fn not_allowed(stage: DeliveryStage, command: Kind) -> DeliveryRejection {
    let allowed = allowed_from::<Delivery>(stage);
    DeliveryRejection::NotAllowed(NotAllowed {
        stage,
        command,
        allowed,
    })
}

fn stage_of(given: &Given<Delivery>) -> DeliveryStage {
    given.state().stage()
}

#[test]
fn a_request_is_made_once() {
    let request = || Box::new(DeliveryRequest::sample());
    let once = requested();
    once.clone()
        .when(DeliveryCommand::Request { request: request() })
        .then_nothing();
    let other = Box::new(DeliveryRequest {
        order: sample::id(33),
        ..DeliveryRequest::sample()
    });
    once.when(DeliveryCommand::Request { request: other })
        .then_refused(DeliveryRejection::AlreadyRequested);
    Given::<Delivery>::nothing()
        .when(assign(6))
        .then_refused(DeliveryRejection::DeliveryUnknown);
}

#[test]
fn only_approved_drivers_are_assigned() {
    let by = Actor::Ops { id: sample::id(9) };
    requested()
        .when(DeliveryCommand::Assign {
            driver: sample::id(6),
            approved: false,
            by,
        })
        .then_refused(DeliveryRejection::DriverNotApproved);
}

#[test]
fn another_driver_takes_over_before_pickup_only() {
    let taken_over = requested()
        .done([
            assign(6),
            DeliveryCommand::ArriveAtPickup,
            verify(PickupChecks::PASSED),
        ])
        .when(assign(6))
        .then_nothing()
        .when(assign(7))
        .then([
            DeliveryEvent::Unassigned {
                driver: sample::id(6),
                reason: UnassignReason::Reassigned,
                at: test_now(),
            },
            assigned_event(7),
        ]);
    // What the first driver checked says nothing about what the second carries.
    taken_over
        .when(DeliveryCommand::PickUp)
        .then_refused(DeliveryRejection::NotVerified);
    carried()
        .when(assign(7))
        .then_refused(not_allowed(DeliveryStage::PickedUp, Kind::Assign));
}

#[test]
fn a_driver_can_be_taken_off_before_pickup_once() {
    let off = || DeliveryCommand::Unassign {
        reason: UnassignReason::Dropped,
    };
    let freed = requested()
        .done([assign(6), DeliveryCommand::ArriveAtPickup])
        .when(off())
        .then([DeliveryEvent::Unassigned {
            driver: sample::id(6),
            reason: UnassignReason::Dropped,
            at: test_now(),
        }])
        .when(off())
        .then_nothing();
    assert_eq!(stage_of(&freed), DeliveryStage::Unassigned);
    freed.when(assign(7)).then([assigned_event(7)]);
    carried()
        .when(off())
        .then_refused(not_allowed(DeliveryStage::PickedUp, Kind::Unassign));
}

#[test]
fn nothing_is_picked_up_unchecked() {
    requested()
        .done([assign(6)])
        .when(DeliveryCommand::PickUp)
        .then_refused(DeliveryRejection::NotVerified);
}

#[test]
fn a_failing_check_blocks_until_mended() {
    let here = requested().done([assign(6), verify(spilled())]);
    let refused = here.clone().when(DeliveryCommand::PickUp).rejection();
    assert_eq!(
        refused,
        DeliveryRejection::ChecksFailed {
            failing: vec![PickupCheck::Upright]
        }
    );
    assert_eq!(refused.faults()[0].pointer, "/checks/upright");
    let mended = here.clone().done([verify(PickupChecks::PASSED)]);
    mended
        .when(DeliveryCommand::PickUp)
        .then([DeliveryEvent::PickedUp { at: test_now() }])
        .when(DeliveryCommand::PickUp)
        .then_nothing();
}

#[test]
fn the_shop_lets_go_what_was_found_and_another_look_asks_again() {
    let here = requested().done([assign(6), verify(spilled())]);
    let gone = here
        .when(let_go(owner()))
        .then([DeliveryEvent::PickupVerified {
            checks: spilled(),
            override_by: Some(owner()),
            override_reason: Some(sample::reason("a spoon of broth in the bag")),
            at: test_now(),
        }])
        .when(let_go(Actor::Ops { id: sample::id(9) }))
        .then_nothing()
        .when(verify(spilled()))
        .then_nothing();
    gone.clone()
        .when(DeliveryCommand::PickUp)
        .then([DeliveryEvent::PickedUp { at: test_now() }]);
    let worse = PickupChecks {
        seal: false,
        ..spilled()
    };
    let refused = gone.done([verify(worse)]).when(DeliveryCommand::PickUp);
    assert_eq!(
        refused.rejection(),
        DeliveryRejection::ChecksFailed {
            failing: worse.failing()
        }
    );
}

#[test]
fn what_nobody_looked_at_is_not_let_go() {
    requested()
        .done([assign(6)])
        .when(let_go(owner()))
        .then_refused(DeliveryRejection::NotVerified);
    carried().when(let_go(owner())).then_nothing();
}

#[test]
fn drivers_do_not_override_their_own_checks() {
    let driver = Actor::Driver { id: sample::id(6) };
    requested()
        .done([assign(6), verify(spilled())])
        .when(let_go(driver))
        .then_refused(DeliveryRejection::OverrideNotYours);
    assert_eq!(
        DeliveryRejection::OverrideNotYours.class(),
        Class::Forbidden
    );
}

#[test]
fn nothing_is_delivered_that_was_not_picked_up() {
    requested()
        .done([assign(6)])
        .when(pin(Some(true)))
        .then_refused(not_allowed(DeliveryStage::Assigned, Kind::Deliver));
}

#[test]
fn late_news_is_kept_and_never_goes_back() {
    let door = carried().done([DeliveryCommand::ArriveAtDropoff]);
    assert_eq!(stage_of(&door), DeliveryStage::AtDropoff);
    let later = door
        .when(DeliveryCommand::ArriveAtPickup)
        .then([DeliveryEvent::ArrivedAtPickup { at: test_now() }])
        .when(DeliveryCommand::Depart)
        .then([DeliveryEvent::Departed { at: test_now() }])
        .when(DeliveryCommand::Depart)
        .then_nothing()
        .when(DeliveryCommand::ArriveAtDropoff)
        .then_nothing();
    assert_eq!(stage_of(&later), DeliveryStage::AtDropoff);
    let ended = carried().done([pin(Some(true)), DeliveryCommand::ArriveAtDropoff]);
    assert_eq!(stage_of(&ended), DeliveryStage::Delivered);
}

#[test]
fn the_right_code_delivers_once() {
    at_door()
        .when(pin(Some(true)))
        .then([DeliveryEvent::Delivered {
            proof: by(ProofMethod::Pin),
            at: test_now(),
        }])
        .when(pin(Some(true)))
        .then_nothing();
    at_door()
        .when(pin(None))
        .then_refused(DeliveryRejection::PinMissing);
}

#[test]
fn five_wrong_codes_ask_for_a_photo() {
    let mut door = at_door();
    for _ in 0..5 {
        door = door
            .when(pin(Some(false)))
            .then([DeliveryEvent::PinFailed { at: test_now() }]);
        assert_eq!(stage_of(&door), DeliveryStage::AtDropoff);
    }
    door.clone()
        .when(pin(Some(true)))
        .then_refused(DeliveryRejection::PinTriesUsedUp { max: 5 });
    let hash = "ab".repeat(32);
    assert_eq!(door.when(photo(Some(&hash), 10)).events().len(), 1);
}

#[test]
fn a_photo_is_there_and_taken_at_the_door() {
    at_door()
        .when(photo(None, 10))
        .then_refused(DeliveryRejection::MediaMissing);
    let hash = "ab".repeat(32);
    at_door()
        .when(photo(Some(&hash), 10_000))
        .then_refused(DeliveryRejection::TooFarAway {
            distance_m: 10_000,
            max_m: 300,
        });
    for bad in ["", "AB", &"AB".repeat(32), &"g".repeat(64)] {
        assert!(MediaHash::try_from((*bad).to_owned()).is_err(), "{bad}");
    }
}

#[test]
fn giving_up_takes_five_minutes_at_the_door_and_two_attempts() {
    let refused = |attempts, wait_until| DeliveryRejection::NotTriedEnough {
        wait_until,
        attempts,
        attempts_min: 2,
    };
    let until = test_now() + TimeDelta::minutes(5);
    carried().when(no_answer()).then_refused(refused(0, None));
    at_door()
        .at(until)
        .when(no_answer())
        .then_refused(refused(0, Some(until)));
    let called = at_door()
        .done([call()])
        .at(test_now() + TimeDelta::minutes(1))
        .done([call()]);
    called
        .clone()
        .when(no_answer())
        .then_refused(refused(2, Some(until)));
    called
        .at(until)
        .when(no_answer())
        .then([DeliveryEvent::Failed {
            reason: UndeliverableReason::NoAnswer,
            at: until,
        }])
        .when(no_answer())
        .then_nothing();
}

#[test]
fn an_attempt_repeated_at_once_is_the_same_attempt() {
    at_door()
        .done([call()])
        .at(test_now() + TimeDelta::seconds(29))
        .when(call())
        .then_nothing();
}

#[test]
fn damaged_food_needs_no_waiting() {
    let damaged = DeliveryCommand::Fail {
        reason: UndeliverableReason::Damaged,
    };
    assert_eq!(carried().when(damaged).events().len(), 1);
}

#[test]
fn a_door_is_put_right_as_long_as_somebody_goes_there() {
    let correct = || DeliveryCommand::CorrectDropoff {
        dropoff: sample::sealed("ordering.order", "address"),
    };
    let event = || DeliveryEvent::DropoffCorrected {
        dropoff: sample::sealed("ordering.order", "address"),
        at: test_now(),
    };
    for going in [
        requested(),
        requested().done([assign(6)]),
        carried(),
        at_door(),
    ] {
        let stage = stage_of(&going);
        let asked = going.state().body().unwrap().request.clone();
        let after = going.when(correct()).then([event()]);
        assert_eq!(stage_of(&after), stage);
        let body = after.state().body().unwrap();
        assert_eq!(body.dropoff, sample::sealed("ordering.order", "address"));
        assert_ne!(body.dropoff, asked.dropoff);
        let request = Box::new(asked);
        after
            .when(DeliveryCommand::Request { request })
            .then_nothing()
            .when(correct())
            .then_nothing();
    }
    at_door()
        .done([pin(Some(true))])
        .when(correct())
        .then_refused(not_allowed(DeliveryStage::Delivered, Kind::CorrectDropoff));
}

#[test]
fn it_is_called_off_before_pickup_only() {
    let cancel = || DeliveryCommand::Cancel {
        reason: sample::reason("order cancelled"),
    };
    let event = || DeliveryEvent::Cancelled {
        reason: sample::reason("order cancelled"),
        at: test_now(),
    };
    let off = DeliveryCommand::Unassign {
        reason: UnassignReason::Dropped,
    };
    for before in [
        requested(),
        requested().done([assign(6)]),
        requested().done([assign(6), off]),
        requested().done([assign(6), DeliveryCommand::ArriveAtPickup]),
    ] {
        before
            .when(cancel())
            .then([event()])
            .when(cancel())
            .then_nothing();
    }
    carried()
        .when(cancel())
        .then_refused(not_allowed(DeliveryStage::PickedUp, Kind::Cancel));
}
