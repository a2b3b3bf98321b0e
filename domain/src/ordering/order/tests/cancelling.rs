//! Who cancels, who bears it, and who gets what.

use super::*;

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
