//! Orders for later: what window can be had, what it books of the kitchen, and that its stock is taken when it is released.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

#[expect(dead_code, reason = "each test binary uses its part")]
mod support;

use chrono::{DateTime, TimeDelta, Utc};
use domain::decider::{Decider, replay};
use domain::joint::Market;
use domain::joint::amend::{AmendRejection, AmendRequest, amend, quote_amendment};
use domain::joint::checkout::{Checkout, CheckoutRejection, CheckoutRequest, check_out};
use domain::joint::price_cart::price_cart;
use domain::kernel::actor::Actor;
use domain::kernel::fault::Faults;
use domain::kernel::ids::{CartId, OrderId, PaymentId};
use domain::ordering::cart::{Cart, CartCommand};
use domain::ordering::order::{Order, OrderCommand, OrderEvent, OrderStage};
use domain::ordering::quote::{Quote, QuoteId};
use domain::ordering::window::Window;
use domain::restaurant::inventory::{HoldStage, Inventory, InventoryCommand, InventoryEvent};
use domain::restaurant::restaurant::RestaurantEvent;
use domain::testing::{context, context_at, test_now};
use proptest::prelude::*;
use serde_json::json;
use support::{Setup, World, bowl, cart, delivery, key, later, line, near, pickup, read};
use uuid::Uuid;

fn at(minutes: i64) -> DateTime<Utc> {
    test_now() + TimeDelta::minutes(minutes)
}

fn window(from: i64, length: i64) -> Window {
    Window::new(at(from), at(from + length)).unwrap()
}

/// A shop with one basket: 17 bowls of 35 seconds in ten minutes.
fn kitchen() -> World {
    let mut world = World::new(&Setup::default());
    let capacity = Some(read(json!({"baskets": 1, "max_bowls_per_order": 40})));
    world
        .shop
        .evolve(&RestaurantEvent::CapacitySet { capacity });
    world
}

fn bowls(number: u32, from: i64, length: i64) -> Cart {
    cart([bowl(number), later(pickup(), from, length)])
}

fn quote(cart: &Cart, world: &World) -> Result<Quote, Faults> {
    price_cart(cart, Some(near()), &world.market())
}

fn codes(faults: &Faults) -> Vec<(&str, &str)> {
    (faults.0.iter())
        .map(|fault| (fault.code.as_str(), fault.pointer.as_str()))
        .collect()
}

fn check(
    cart: &Cart,
    world: &World,
    number: u128,
    seen: QuoteId,
    now: DateTime<Utc>,
) -> Result<Checkout, CheckoutRejection> {
    let request = CheckoutRequest {
        cart: CartId::new(Uuid::from_u128(4)),
        quote_id: seen,
        order: OrderId::new(Uuid::from_u128(number)),
        payment: PaymentId::new(Uuid::from_u128(5)),
        place: Some(near()),
        acknowledged: None,
    };
    let market = Market {
        now,
        ..world.market()
    };
    check_out(cart, &request, &market, &context_at(now))
}

/// Checks a cart out; what it does to the stock is done.
fn ordered(cart: &Cart, world: &mut World, number: u128) -> Order {
    let seen = quote(cart, world).unwrap().quote_id;
    let done = check(cart, world, number, seen, test_now()).unwrap();
    for event in &done.inventory {
        world.stock.evolve(event);
    }
    replay(&done.order)
}

fn told(order: &mut Order, command: OrderCommand) -> Vec<OrderEvent> {
    let events = order.decide(command, &context()).unwrap();
    for event in &events {
        order.evolve(event);
    }
    events
}

fn paid(order: &mut Order) {
    let payment = order.body().unwrap().terms.payment;
    told(order, OrderCommand::Authorise { payment });
    assert_eq!(order.stage(), OrderStage::Scheduled);
}

fn released(order: &mut Order) {
    let release_at = order.body().unwrap().schedule.unwrap().release_at;
    told(order, OrderCommand::Release { release_at });
    assert_eq!(order.stage(), OrderStage::Placed);
}

#[test]
fn a_window_is_the_promise_and_the_shop_is_asked_in_time_for_it() {
    let world = World::new(&Setup::default());
    let cart = cart([bowl(2), later(delivery(), 180, 30)]);
    let quoted = quote(&cart, &world).unwrap();
    let schedule = quoted.content.schedule.unwrap();
    // Twelve minutes in the kitchen, twelve on the way, five for the shop to answer.
    assert_eq!(schedule.release_at, at(180 - 29));
    let promise = quoted.content.promise;
    assert_eq!((promise.min.get(), promise.max.get()), (24, 54));
    let done = check(&cart, &world, 1, quoted.quote_id, at(1)).unwrap();
    let order: Order = replay(&done.order);
    let body = order.body().unwrap();
    assert_eq!(
        (body.promise.earliest, body.promise.latest),
        (at(180), at(210))
    );
    assert_eq!(body.terms.expires_at, at(16));
    assert_eq!(body.schedule, Some(schedule));
}

#[test]
fn the_window_is_a_part_of_what_was_agreed_on() {
    let world = World::new(&Setup::default());
    let one = quote(&bowls(1, 180, 30), &world).unwrap();
    let other = quote(&bowls(1, 181, 30), &world).unwrap();
    let soon = quote(&cart([bowl(1), pickup()]), &world).unwrap();
    assert_ne!(one.quote_id, other.quote_id);
    assert_ne!(one.quote_id, soon.quote_id);
    assert_eq!(one.content.lines, soon.content.lines);
    let refused = check(&bowls(1, 181, 30), &world, 1, one.quote_id, test_now());
    assert!(matches!(
        refused,
        Err(CheckoutRejection::QuoteChanged { .. })
    ));
    // The clock alone changes nothing of a window.
    assert!(check(&bowls(1, 180, 30), &world, 1, one.quote_id, at(30)).is_ok());
}

#[test]
fn windows_that_cannot_be_had_are_refused_with_their_reason() {
    let world = World::new(&Setup::default());
    let at_window = "/fulfilment/window";
    // The shop is open for seven hours from now on, and on no day before this one in a week.
    for (from, length, code, pointer) in [
        (-60, 30, "window_too_soon", at_window),
        (31, 30, "window_too_soon", at_window),
        (6 * 24 * 60, 30, "window_too_far", at_window),
        (24 * 60, 30, "shop_closed", "/restaurant"),
        (7 * 60 - 10, 20, "window_after_closing", at_window),
        (7 * 60 + 10, 20, "last_order_over", "/fulfilment"),
    ] {
        let refused = quote(&bowls(1, from, length), &world).unwrap_err();
        assert!(
            codes(&refused).contains(&(code, pointer)),
            "{from}: {refused:?}"
        );
    }
    // Fifteen minutes to pay, five to answer, twelve to cook.
    assert!(quote(&bowls(1, 32, 30), &world).is_ok());
}

#[test]
fn a_window_far_beyond_the_calendar_is_refused_and_nothing_overflows() {
    let world = World::new(&Setup::default());
    for text in ["-262143-01-02T00:00:00Z", "+262142-12-30T00:00:00Z"] {
        let from: DateTime<Utc> = text.parse().unwrap();
        let window = Window::new(from, from + TimeDelta::minutes(30)).unwrap();
        let CartCommand::SetFulfilment { fulfilment, .. } = pickup() else {
            panic!()
        };
        let window = Some(window);
        let cart = cart([bowl(1), CartCommand::SetFulfilment { fulfilment, window }]);
        assert!(quote(&cart, &world).is_err());
    }
}

#[test]
fn stock_is_not_looked_at_before_its_day_and_taken_as_far_as_it_goes() {
    let mut world = World::new(&Setup::default());
    world.receive("noodles", 130);
    world.stock(read(json!({"type": "eighty_six", "ingredient": "broth"})));
    let mut order = ordered(&bowls(3, 180, 30), &mut world, 1);
    paid(&mut order);
    let id = OrderId::new(Uuid::from_u128(1));
    let hold = world.stock.hold(id).unwrap();
    assert!(hold.needs.is_empty() && hold.stage == HoldStage::Open);
    assert_eq!(world.stock.free(&key("noodles")), Some(130));
    world.stock(InventoryCommand::CommitHold { hold: id });
    world.stock(read(
        json!({"type": "lift_eighty_six", "ingredient": "broth"}),
    ));
    let body = order.body().unwrap();
    let needs = domain::ordering::line::LineNeeds::of_all(&body.bill.lines, &body.needs).unwrap();
    let fill = InventoryCommand::FillHold { hold: id, needs };
    let filled = world.stock.decide(fill.clone(), &context()).unwrap();
    let [InventoryEvent::HoldFilled { needs, short, .. }] = &filled[..] else {
        panic!("{filled:?}")
    };
    let noodles: Vec<_> = (needs.iter().chain(short))
        .filter(|need| need.ingredient == key("noodles"))
        .map(|need| need.amount.get())
        .collect();
    assert_eq!(
        noodles,
        [130, 260],
        "one bowl's noodles are there, two bowls' are not"
    );
    world.stock.evolve(&filled[0]);
    assert_eq!(world.stock.free(&key("noodles")), Some(0));
    // What it lacks stays lacking until the order is a smaller one.
    let again = world.stock.decide(fill, &context()).unwrap();
    assert!(
        matches!(&again[..], [InventoryEvent::HoldFilled { needs: same, .. }] if same == needs)
    );
    released(&mut order);
    let lacking = OrderCommand::ShortStock {
        short: Uuid::from_u128(9),
        lacking: short.clone(),
        answer_by: at(3),
        by: Actor::System {
            process: key("stock_shorts"),
        },
    };
    told(&mut order, lacking);
    assert_eq!(order.body().unwrap().bowls.len(), 1);
}

/// Noodles and broth that are lacking for the same bowls leave out these bowls once.
#[test]
fn what_is_lacking_together_is_left_out_together() {
    let mut world = World::new(&Setup::default());
    let mut order = ordered(&bowls(3, 180, 30), &mut world, 1);
    paid(&mut order);
    released(&mut order);
    let of =
        |ingredient: &str, amount: i64| read(json!({"ingredient": ingredient, "amount": amount}));
    let lacking = OrderCommand::ShortStock {
        short: Uuid::from_u128(9),
        lacking: vec![of("broth", 350), of("noodles", 200)],
        answer_by: at(3),
        by: Actor::System {
            process: key("stock_shorts"),
        },
    };
    told(&mut order, lacking);
    assert_eq!(order.body().unwrap().bowls.len(), 1);
}

#[test]
fn the_kitchen_of_then_is_booked_and_full_windows_are_refused() {
    let mut world = kitchen();
    // Ten minutes are one slot, with eight orders of two bowls; with three slots half an hour is kept.
    for number in 0..24 {
        ordered(&bowls(2, 180, 30), &mut world, number);
    }
    let refused = quote(&bowls(2, 180, 30), &world).unwrap_err();
    assert_eq!(codes(&refused), [("window_full", "/fulfilment/window")]);
    assert!(quote(&bowls(2, 220, 30), &world).is_ok());
    assert!(
        quote(
            &cart([line("beer", 3, vec![]), later(pickup(), 180, 30)]),
            &world
        )
        .is_ok()
    );
    // Now is as free as ever; and what is ordered now forgets nothing of then.
    let soon = cart([bowl(2), pickup()]);
    assert_eq!(quote(&soon, &world).unwrap().content.promise.prep.get(), 12);
    ordered(&soon, &mut world, 100);
    assert!(quote(&bowls(2, 180, 30), &world).is_err());
    // Who orders as soon as possible meets what is booked when the time has come.
    let then = Market {
        now: at(168),
        ..world.market()
    };
    let met = price_cart(&soon, None, &then).unwrap();
    assert!(met.content.promise.prep.get() > 12);
}

#[test]
fn a_large_order_begins_so_early_that_its_last_wave_is_in_time() {
    let world = kitchen();
    let quoted = quote(&bowls(34, 300, 30), &world).unwrap();
    let starts = quoted.content.kitchen.as_ref().unwrap().slots.clone();
    assert_eq!(starts.len(), 2);
    let last = starts.last().unwrap().starts;
    assert!(last + TimeDelta::minutes(10) <= at(330), "{starts:?}");
    let one = quote(&bowls(1, 300, 30), &world).unwrap();
    let [large, small] = [&quoted, &one].map(|quote| quote.content.schedule.unwrap().release_at);
    assert!(large < small - TimeDelta::minutes(9));
}

fn change(order: &Order, wanted: &[(u32, u32)], window: Option<Window>) -> AmendRequest {
    let quantities = wanted
        .iter()
        .map(|(line, quantity)| (domain::ordering::line::LineId::new(*line), *quantity));
    AmendRequest {
        order: OrderId::new(Uuid::from_u128(1)),
        quantities: quantities.collect(),
        added: Vec::new(),
        window,
        address: None,
        place: None,
        acknowledged: None,
        by: Actor::Customer {
            id: order.body().unwrap().terms.customer,
        },
    }
}

#[test]
fn an_order_that_waits_moves_to_another_window_and_is_there_the_second_time() {
    let mut world = kitchen();
    let mut order = ordered(&bowls(2, 180, 30), &mut world, 1);
    paid(&mut order);
    let request = change(&order, &[], Some(window(240, 30)));
    let market = world.market();
    let seen = quote_amendment(&order, &request, &market).unwrap().quote_id;
    let moved = |order: &Order| amend(order, &request, seen, None, &market, &context()).unwrap();
    let done = moved(&order);
    assert_eq!(done.order.len(), 2, "{:?}", done.order);
    for event in &done.order {
        order.evolve(event);
    }
    assert_eq!(order.body().unwrap().promise.latest, at(270));
    assert!(moved(&order).order.is_empty());
}

#[test]
fn an_order_that_waits_is_amended_with_its_window_and_holds_no_stock_for_it() {
    let mut world = kitchen();
    world.receive("noodles", 10);
    let mut order = ordered(&bowls(2, 180, 30), &mut world, 1);
    paid(&mut order);
    let request = change(&order, &[(1, 1)], Some(window(240, 30)));
    let market = world.market();
    let quoted = quote_amendment(&order, &request, &market).unwrap();
    let done = amend(&order, &request, quoted.quote_id, None, &market, &context()).unwrap();
    let [
        OrderEvent::Amended { amendment, .. },
        OrderEvent::PromiseMoved { promise, .. },
    ] = &done.order[..]
    else {
        panic!("{:?}", done.order)
    };
    assert_eq!(amendment.schedule.unwrap().release_at, at(240 - 17));
    assert_eq!((promise.earliest, promise.latest), (at(240), at(270)));
    let [InventoryEvent::HoldChanged { needs, kitchen, .. }] = &done.inventory[..] else {
        panic!("{:?}", done.inventory)
    };
    assert!(needs.is_empty());
    assert_eq!(kitchen.as_ref().unwrap().slots[0].bowls, 1);
    for event in &done.order {
        order.evolve(event);
    }
    assert_eq!(order.stage(), OrderStage::Scheduled);
    // Once its shop is asked, its window stands.
    released(&mut order);
    let refused = quote_amendment(&order, &request, &market).unwrap_err();
    let AmendRejection::Refused(faults) = refused else {
        panic!("{refused:?}")
    };
    assert!(codes(&faults).contains(&("window_fixed", "/window")));
}

/// What random customers do with one shop of one basket.
#[derive(Clone, Debug)]
enum Step {
    Order { bowls: u32, from: i64, length: i64 },
    Soon { bowls: u32 },
    Cancel { which: usize },
    Fill { which: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..30_u32, 30..400_i64, 10..120_i64)
            .prop_map(|(bowls, from, length)| Step::Order { bowls, from, length }),
        2 => (1..10_u32).prop_map(|bowls| Step::Soon { bowls }),
        2 => (0..40_usize).prop_map(|which| Step::Cancel { which }),
        2 => (0..40_usize).prop_map(|which| Step::Fill { which }),
    ]
}

fn changed(stock: &mut Inventory, command: InventoryCommand) {
    for event in stock.decide(command, &context()).into_iter().flatten() {
        stock.evolve(&event);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is ordered for later, released and cancelled: no slot has more than the boiler can take, each order's last
    /// wave is in its window, nothing held is more than what is there, and nothing is left when all is cancelled.
    #[test]
    fn no_window_is_sold_twice(steps in prop::collection::vec(step(), 1..60)) {
        let mut world = kitchen();
        world.receive("noodles", 4000);
        let idle = world.stock.clone();
        let capacity = *world.shop.live().unwrap().capacity.unwrap();
        let mut held: Vec<(OrderId, Order)> = Vec::new();
        for (number, step) in (1..).zip(steps) {
            match step {
                Step::Order { bowls: count, from, length } => {
                    let cart = bowls(count, from, length);
                    if let Ok(quoted) = quote(&cart, &world) {
                        let wanted = window(from, length);
                        let slots = &quoted.content.kitchen.as_ref().unwrap().slots;
                        let ends = slots.last().unwrap().starts + TimeDelta::minutes(10);
                        prop_assert!(ends <= wanted.to());
                        let release_at = quoted.content.schedule.unwrap().release_at;
                        prop_assert!(release_at >= at(15));
                        prop_assert!(slots[0].starts + TimeDelta::minutes(10) > release_at);
                        let order = ordered(&cart, &mut world, number);
                        held.push((OrderId::new(Uuid::from_u128(number)), order));
                    }
                }
                Step::Soon { bowls: count } => {
                    let cart = cart([bowl(count), pickup()]);
                    if quote(&cart, &world).is_ok() {
                        let order = ordered(&cart, &mut world, number);
                        held.push((OrderId::new(Uuid::from_u128(number)), order));
                    }
                }
                Step::Cancel { which } if which < held.len() => {
                    let (hold, _) = held.remove(which);
                    let release = json!({"type": "release_hold", "hold": hold, "reason": "cancelled"});
                    changed(&mut world.stock, read(release));
                }
                Step::Fill { which } if which < held.len() => {
                    let (hold, order) = &held[which];
                    let body = order.body().unwrap();
                    let needs = domain::ordering::line::LineNeeds::of_all(&body.bill.lines, &body.needs);
                    let fill = InventoryCommand::FillHold { hold: *hold, needs: needs.unwrap() };
                    changed(&mut world.stock, fill);
                }
                Step::Cancel { .. } | Step::Fill { .. } => {}
            }
            for (_, load) in world.stock.kitchen().slots() {
                prop_assert!(load.basket_seconds <= 600 * capacity.baskets.get());
            }
            let noodles = world.stock.stock(&key("noodles")).unwrap();
            prop_assert!(noodles.held <= noodles.on_hand());
        }
        for (hold, _) in held {
            let release = json!({"type": "release_hold", "hold": hold, "reason": "cancelled"});
            changed(&mut world.stock, read(release));
        }
        prop_assert_eq!(world.stock.kitchen(), idle.kitchen());
        prop_assert_eq!(world.stock.free(&key("noodles")), Some(4000));
    }
}
