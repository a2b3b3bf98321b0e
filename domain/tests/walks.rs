//! Random commands to every aggregate of the order journey: no step outside its table, refusals change
//! nothing, repeats change nothing, and what a payment moves stays within its bounds.
#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "helpers of tests fail as tests do, and look for single variants"
)]

use std::fmt::Debug;

use chrono::{DateTime, TimeDelta, Utc};
use domain::decider::{Decider, Event, is_allowed};
use domain::delivery::delivery::{
    Delivery, DeliveryCommand, DeliveryEvent, PickupChecks, Proof, UnassignReason,
};
use domain::driver::driver::{Driver, DriverCommand, DriverEvent};
use domain::kernel::actor::Actor;
use domain::kernel::address::Address;
use domain::kernel::flags::Flags;
use domain::kernel::handover::{ProofMethod, UndeliverableReason};
use domain::kernel::ids::{DeliveryId, DriverId, OrderId, PaymentId};
use domain::kernel::money::{Currency, Money};
use domain::kernel::quantity::{Metres, Minutes};
use domain::kernel::sealed::{Origin, Sealed};
use domain::kernel::text::Reason;
use domain::ordering::cart::{Cart, CartCommand, CartEvent, NoteChange};
use domain::ordering::fulfilment::Fulfilment;
use domain::ordering::line::{BowlRef, LineId, Shortage};
use domain::ordering::order::{
    Amendment, FaultParty, Order, OrderCommand, OrderEvent, OrderStage, RejectReason, ShortAnswer,
};
use domain::payment::payment::{
    IntentId, Payment, PaymentCommand, PaymentEvent, PaymentStage, RefundReason, VendorCode,
    VendorRefundId,
};
use domain::testing::{context_at, test_now};
use proptest::prelude::*;
use uuid::Uuid;

/// Walks through commands, each some minutes after the one before and each sent twice. Gives all events.
///
/// `repeatable` names commands that mean something new every time.
fn walk<D: Decider>(
    steps: Vec<(D::Command, i64)>,
    repeatable: impl Fn(&D::Command) -> bool,
) -> Result<Vec<D::Event>, TestCaseError> {
    let mut state = D::default();
    let mut now = test_now();
    let mut history = Vec::new();
    for (command, minutes) in steps {
        now += TimeDelta::minutes(minutes);
        let events = step(&mut state, &command, now)?;
        if !events.is_empty() && !repeatable(&command) {
            let again = state.decide(command.clone(), &context_at(now));
            prop_assert_eq!(again, Ok(Vec::new()), "{:?} repeated", command);
        }
        history.extend(events);
    }
    prop_assert_eq!(domain::decider::replay::<D>(&history), state);
    Ok(history)
}

/// One command: its events, if any, lead where the table says.
fn step<D: Decider>(
    state: &mut D,
    command: &D::Command,
    now: DateTime<Utc>,
) -> Result<Vec<D::Event>, TestCaseError> {
    let kind = D::CommandKind::from(command);
    let from = state.stage();
    let Ok(events) = state.decide(command.clone(), &context_at(now)) else {
        return Ok(Vec::new());
    };
    prop_assert!(
        events.is_empty() || is_allowed(state, kind),
        "{:?} at {:?}",
        kind,
        from
    );
    for event in &events {
        state.evolve(event);
    }
    let row = (from, kind, state.stage());
    prop_assert!(
        events.is_empty() || D::TRANSITIONS.contains(&row),
        "{:?} is not in the table",
        row
    );
    Ok(events)
}

fn steps<C: Debug>(command: impl Strategy<Value = C>) -> impl Strategy<Value = Vec<(C, i64)>> {
    prop::collection::vec((command, prop_oneof![4 => 0..3_i64, 1 => Just(20)]), 0..40)
}

fn any_of<T: Clone + Debug + 'static>(values: Vec<T>) -> impl Strategy<Value = T> {
    prop::sample::select(values)
}

fn sample_of<E: Event>(name: &str) -> E {
    E::samples()
        .into_iter()
        .find(|event| event.name() == name)
        .unwrap()
}

fn reason() -> Reason {
    Reason::parse("because").unwrap()
}

fn uuid(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn cart_command() -> impl Strategy<Value = CartCommand> {
    let CartEvent::Opened {
        customer,
        restaurant,
        channel,
        ..
    } = sample_of("opened")
    else {
        panic!("not opened")
    };
    let CartEvent::LineAdded { choice, .. } = sample_of("line_added") else {
        panic!("no line")
    };
    let mut commands = vec![
        CartCommand::Open {
            customer,
            restaurant,
            channel,
            life: Flags::default().cart_life,
        },
        CartCommand::AddLine {
            choice: choice.clone(),
            lines_max: 2,
        },
        CartCommand::SetFulfilment {
            fulfilment: Fulfilment::Pickup,
            window: None,
        },
        CartCommand::SetTip { amount_minor: 5 },
        CartCommand::SetTip { amount_minor: -5 },
        CartCommand::CheckOut {
            order: uuid(3).into(),
        },
        CartCommand::Abandon,
    ];
    for line in [1, 2, 3].map(LineId::new) {
        commands.push(CartCommand::RemoveLine { line });
        let quantity = Some(3.try_into().unwrap());
        let (options, note, shortage) = (None, NoteChange::Clear, None);
        commands.push(CartCommand::ChangeLine {
            line,
            quantity,
            options,
            note,
            shortage,
            substitute: None,
        });
    }
    any_of(commands)
}

fn order_command() -> impl Strategy<Value = OrderCommand> {
    let OrderEvent::CheckedOut(to_door) = sample_of("checked_out") else {
        panic!("no terms")
    };
    let mut to_door = to_door;
    to_door.lines[0].shortage = Shortage::Ask;
    to_door.lines[0].quantity = 2.try_into().unwrap();
    to_door.quote[0].amount_minor *= 2;
    to_door.total = yen(1960);
    to_door.remake_of = None;
    // Who fetches it does so later; a courier brings it as soon as possible.
    let mut to_collect = to_door.clone();
    to_door.schedule = None;
    to_collect.fulfilment = Fulfilment::Pickup;
    let customer = Actor::Customer {
        id: to_door.customer,
    };
    let ops = Actor::Ops { id: uuid(9).into() };
    let owner = Actor::Restaurant { id: uuid(8).into() };
    let cancel = |by| OrderCommand::Cancel {
        by,
        reason: reason(),
        fault: FaultParty::Platform,
    };
    let (line, bowl, at) = (LineId::new(1), 1, test_now());
    let short = |short, units| OrderCommand::Short {
        short: uuid(short),
        line,
        units,
        substitute: (short == 1).then(|| Box::new(to_door.lines[0].clone())),
        substitute_needs: Vec::new(),
        answer_by: at,
        by: Actor::Restaurant { id: uuid(8).into() },
    };
    let answer = |short, answer| OrderCommand::AnswerShort {
        short: uuid(short),
        answer,
        by: Actor::Ops { id: uuid(9).into() },
    };
    let refire = |number| OrderCommand::Refire {
        refire: uuid(number),
        bowls: Vec::new(),
        reason: reason(),
        fault: FaultParty::Shop,
        most: 2,
    };
    let release = OrderCommand::Release {
        release_at: to_collect.schedule.unwrap().release_at,
    };
    let stall = |stage| OrderCommand::Stall { stage, since: at };
    let mut bill = to_door.bill();
    let mut amend = |bowls: u32| {
        bill.lines[0].quantity = bowls.try_into().unwrap();
        bill.quote[0].amount_minor = 980 * i64::from(bowls);
        bill.total = yen(980 * i64::from(bowls));
        OrderCommand::Amend {
            amendment: Box::new(Amendment {
                quote_id: to_door.quote_id,
                bill: bill.clone(),
                needs: to_door.needs.clone(),
                allergens: to_door.allergens.clone(),
                acknowledged: None,
                minutes: to_door.minutes,
                schedule: None,
                address: None,
            }),
            by: Actor::Ops { id: uuid(9).into() },
        }
    };
    let correct = |number: u32, moved| OrderCommand::CorrectDoor {
        address: sealed(number),
        moved: Metres::new(moved),
        most: Flags::default().pin_correction,
        by: Actor::Ops { id: uuid(9).into() },
    };
    let remake = |number| OrderCommand::Remake {
        remake: OrderId::new(uuid(number)),
        bowls: vec![BowlRef { line, bowl: 2 }],
        reason: reason(),
        fault: FaultParty::Shop,
        by: Actor::Ops { id: uuid(9).into() },
    };
    any_of(vec![
        OrderCommand::CheckOut {
            terms: to_door.clone(),
        },
        OrderCommand::CheckOut { terms: to_collect },
        OrderCommand::Authorise {
            payment: to_door.payment,
        },
        OrderCommand::Authorise {
            payment: PaymentId::new(uuid(77)),
        },
        release,
        OrderCommand::Expire,
        OrderCommand::Accept {
            prep_minutes: Minutes::new(10),
        },
        OrderCommand::Accept {
            prep_minutes: Minutes::new(1000),
        },
        OrderCommand::Reject {
            reason: RejectReason::Closing,
            note: None,
        },
        cancel(customer),
        cancel(ops),
        cancel(owner),
        OrderCommand::RequestCourier {
            delivery: DeliveryId::new(uuid(11)),
        },
        OrderCommand::RequestCourier {
            delivery: DeliveryId::new(uuid(12)),
        },
        OrderCommand::Fire { automatic: true },
        OrderCommand::BowlBoiled { line, bowl },
        OrderCommand::BowlBoiled { line, bowl: 2 },
        OrderCommand::BowlSealed { line, bowl },
        OrderCommand::Ready,
        OrderCommand::Collect,
        OrderCommand::NotCollected,
        OrderCommand::RecordPickedUp { driver: None, at },
        OrderCommand::RecordDelivered {
            proof: ProofMethod::Photo,
            at,
        },
        OrderCommand::RecordUndeliverable {
            reason: UndeliverableReason::Refused,
            at,
        },
        short(1, 1),
        short(2, 1),
        short(3, 2),
        answer(1, ShortAnswer::Refund),
        answer(1, ShortAnswer::Substitute),
        answer(2, ShortAnswer::Cancel),
        OrderCommand::Delay {
            prep_minutes: Minutes::new(30),
            reason: reason(),
            party: FaultParty::Shop,
        },
        OrderCommand::SwitchToPickup {
            by: Actor::Ops { id: uuid(9).into() },
        },
        refire(1),
        refire(2),
        refire(3),
        remake(15),
        remake(16),
        OrderCommand::OfferRemake {
            offer: uuid(14),
            bowls: vec![BowlRef { line, bowl }],
            reason: reason(),
            fault: FaultParty::Courier,
            answer_by: at + TimeDelta::minutes(30),
        },
        OrderCommand::AcceptRemake {
            remake: OrderId::new(uuid(17)),
            by: Actor::Ops { id: uuid(9).into() },
        },
        OrderCommand::DeclineRemake {
            by: Actor::Ops { id: uuid(9).into() },
        },
        stall(OrderStage::Placed),
        stall(OrderStage::Cooking),
        amend(1),
        amend(2),
        correct(1, 20),
        correct(2, 150),
        correct(3, 151),
        OrderCommand::Complete,
        OrderCommand::Acknowledge { device: None },
    ])
}

/// The address that was sealed as the `number`th.
fn sealed(number: u32) -> Sealed<Address> {
    let origin = Origin {
        kind: "ordering.order".to_owned(),
        id: uuid(3),
        field: "address".to_owned(),
    };
    Sealed::from_parts(1, uuid(2), String::new(), number.to_string(), origin)
}

fn yen(amount: i64) -> Money {
    Money::new(amount, Currency::parse("JPY").unwrap())
}

fn payment_command() -> impl Strategy<Value = PaymentCommand> {
    let PaymentEvent::Requested {
        order,
        customer,
        restaurant,
        ..
    } = sample_of("requested")
    else {
        panic!("not requested")
    };
    let request = |amount| PaymentCommand::Request {
        order,
        customer,
        restaurant,
        amount: yen(amount),
        attempt: 1,
    };
    let intent = || IntentId::parse("pi_1").unwrap();
    let code = || VendorCode::parse("declined").unwrap();
    let authorised = |amount| PaymentCommand::RecordAuthorised {
        intent: intent(),
        amount: yen(amount),
        capture_before: None,
    };
    let captured = |amount| PaymentCommand::RecordCaptured {
        intent: intent(),
        amount: yen(amount),
    };
    let mut commands = vec![
        request(900),
        request(0),
        PaymentCommand::RequestCapture { amount: None },
        PaymentCommand::RequestCapture {
            amount: Some(yen(700)),
        },
        PaymentCommand::RequestCapture {
            amount: Some(yen(901)),
        },
        PaymentCommand::Unwind {
            reason: RefundReason::OrderExpired,
        },
        PaymentCommand::RecordIntent { intent: intent() },
        PaymentCommand::RecordIntent {
            intent: IntentId::parse("pi_2").unwrap(),
        },
        PaymentCommand::RecordActionRequired { intent: intent() },
        PaymentCommand::RecordDeclined {
            intent: intent(),
            code: code(),
        },
        authorised(900),
        authorised(899),
        PaymentCommand::RecordFailed { code: code() },
        captured(900),
        captured(901),
        captured(700),
        PaymentCommand::RecordCaptureFailed { code: code() },
        PaymentCommand::RecordCancelled { intent: intent() },
    ];
    for (refund, amount) in [(1, 300), (2, 500), (3, 200), (4, 900)] {
        let refund = uuid(refund);
        let vendor_refund = VendorRefundId::parse("re_1").unwrap();
        let (amount, reason) = (yen(amount), RefundReason::Goodwill);
        commands.push(PaymentCommand::RequestRefund {
            refund,
            amount,
            reason,
        });
        commands.push(PaymentCommand::RecordRefunded {
            refund,
            vendor_refund,
        });
        commands.push(PaymentCommand::RecordRefundFailed {
            refund,
            code: code(),
        });
    }
    any_of(commands)
}

fn delivery_command() -> impl Strategy<Value = DeliveryCommand> {
    let DeliveryEvent::Requested(request) = sample_of("requested") else {
        panic!("no request")
    };
    let DeliveryEvent::Delivered { proof: photo, .. } = sample_of("delivered") else {
        panic!("no proof")
    };
    let assign = |driver, approved| DeliveryCommand::Assign {
        driver: DriverId::new(uuid(driver)),
        approved,
        by: Actor::Ops { id: uuid(9).into() },
    };
    let failing = PickupChecks {
        seal: false,
        ..PickupChecks::PASSED
    };
    let pin = || Proof {
        method: ProofMethod::Pin,
        media_sha256: None,
        distance_m: None,
    };
    let far = Proof {
        distance_m: Some(5000.try_into().unwrap()),
        ..photo.clone()
    };
    any_of(vec![
        DeliveryCommand::Request { request },
        assign(1, true),
        assign(2, true),
        assign(3, false),
        DeliveryCommand::Unassign {
            reason: UnassignReason::Dropped,
        },
        DeliveryCommand::ArriveAtPickup,
        DeliveryCommand::VerifyPickup {
            checks: PickupChecks::PASSED,
        },
        DeliveryCommand::VerifyPickup { checks: failing },
        DeliveryCommand::OverridePickup {
            by: Actor::Restaurant { id: uuid(8).into() },
            reason: reason(),
        },
        DeliveryCommand::PickUp,
        DeliveryCommand::Depart,
        DeliveryCommand::ArriveAtDropoff,
        DeliveryCommand::AttemptContact {
            channel: domain::delivery::delivery::ContactChannel::Call,
        },
        DeliveryCommand::Deliver {
            proof: pin(),
            pin_matches: Some(true),
        },
        DeliveryCommand::Deliver {
            proof: pin(),
            pin_matches: Some(false),
        },
        DeliveryCommand::Deliver {
            proof: photo,
            pin_matches: None,
        },
        DeliveryCommand::Deliver {
            proof: far,
            pin_matches: None,
        },
        DeliveryCommand::Fail {
            reason: UndeliverableReason::NoAnswer,
        },
        DeliveryCommand::CorrectDropoff { dropoff: sealed(1) },
        DeliveryCommand::CorrectDropoff { dropoff: sealed(2) },
        DeliveryCommand::Cancel { reason: reason() },
    ])
}

fn driver_command() -> impl Strategy<Value = DriverCommand> {
    let DriverEvent::Registered {
        name,
        phone,
        vehicle,
        ..
    } = sample_of("registered")
    else {
        panic!("not registered")
    };
    any_of(vec![
        DriverCommand::Register {
            name,
            phone,
            vehicle,
        },
        DriverCommand::Approve,
        DriverCommand::Suspend { reason: reason() },
    ])
}

/// How often an event of this name happened.
fn count<E: Event>(history: &[E], name: &str) -> usize {
    history.iter().filter(|event| event.name() == name).count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn carts_stay_in_their_table(steps in steps(cart_command())) {
        walk::<Cart>(steps, |command| matches!(command, CartCommand::AddLine { .. }))?;
    }

    #[test]
    fn orders_stay_in_their_table_and_end_once(steps in steps(order_command())) {
        let history = walk::<Order>(steps, |_| false)?;
        let ends = ["expired", "cancelled", "rejected", "completed"];
        let ended: usize = ends.iter().map(|name| count(&history, name)).sum();
        prop_assert!(ended <= 1);
        for once in ["checked_out", "placed", "accepted", "fired", "picked_up", "delivered"] {
            prop_assert!(count(&history, once) <= 1, "{}", once);
        }
        let refired = count(&history, "refired");
        prop_assert!(refired <= 2 && count(&history, "ready") <= 1 + refired);
        if ended == 1 {
            // What came and is over may still be made again, in another order.
            let again = ["remake_offered", "remake_declined", "remade"];
            let mut own = history.iter().map(Event::name).filter(|name| !again.contains(name));
            let last = own.next_back();
            prop_assert!(last.is_some_and(|name| ends.contains(&name)), "nothing follows an end");
        }
    }

    #[test]
    fn payments_stay_in_their_table_and_bounds(steps in steps(payment_command())) {
        let history = walk::<Payment>(steps, |_| false)?;
        let mut state = Payment::default();
        let mut back = 0;
        for event in &history {
            let before = state.stage();
            state.evolve(event);
            match event {
                PaymentEvent::CaptureRequested { .. } => prop_assert!(
                    matches!(before, PaymentStage::Authorized | PaymentStage::CaptureFailed)),
                PaymentEvent::VoidRequested { .. } => prop_assert!(
                    !matches!(before, PaymentStage::Capturing | PaymentStage::Captured)),
                PaymentEvent::RefundRequested { amount, .. } => back += amount.amount_minor(),
                PaymentEvent::RefundFailed { refund, .. } => {
                    let failed = state.body().unwrap().refund(*refund).unwrap();
                    back -= failed.amount.amount_minor();
                }
                _ => {}
            }
            let captured = history.iter().map(|event| match event {
                PaymentEvent::Captured { amount, .. } => amount.amount_minor(),
                _ => 0,
            }).sum();
            prop_assert!((0..=captured).contains(&back), "{} of {} goes back", back, captured);
        }
        prop_assert!(count(&history, "captured") <= 1);
    }

    #[test]
    fn deliveries_stay_in_their_table_and_never_go_back(steps in steps(delivery_command())) {
        let wrong_pin = |command: &DeliveryCommand|
            matches!(command, DeliveryCommand::Deliver { pin_matches: Some(false), .. });
        let history = walk::<Delivery>(steps, wrong_pin)?;
        prop_assert!(count(&history, "pin_failed") <= 5);
        if count(&history, "delivered") == 1 {
            prop_assert_eq!(count(&history, "picked_up"), 1);
        }
        let (picked_up, cancelled) = (count(&history, "picked_up"), count(&history, "cancelled"));
        prop_assert!(picked_up + cancelled <= 1, "nothing picked up is called off");
    }

    #[test]
    fn drivers_stay_in_their_table(steps in steps(driver_command())) {
        walk::<Driver>(steps, |_| false)?;
    }
}
