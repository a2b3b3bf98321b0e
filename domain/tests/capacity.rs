//! What a shop can do in time decides what is promised: the earliest slots of the boiler that are free, booked with the
//! stock; the last order; and how far each style stays good.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

#[expect(dead_code, reason = "each test binary uses its part")]
mod support;

use chrono::{DateTime, TimeDelta, Utc};
use domain::decider::{Decider, replay};
use domain::joint::Market;
use domain::joint::checkout::{Checkout, CheckoutRejection, CheckoutRequest, check_out};
use domain::joint::price_cart::price_cart;
use domain::kernel::bowl::Style;
use domain::kernel::fault::Faults;
use domain::kernel::geo::GeoPoint;
use domain::kernel::ids::{CartId, OrderId, PaymentId};
use domain::kernel::kitchen::KitchenBooking;
use domain::ordering::cart::Cart;
use domain::ordering::order::Order;
use domain::ordering::quote::{Quote, QuoteId};
use domain::restaurant::inventory::{InventoryCommand, InventoryEvent, ReleaseReason};
use domain::restaurant::restaurant::RestaurantEvent;
use domain::testing::{context_at, test_now};
use serde_json::json;
use support::{Setup, World, bowl, cart, delivery, line, near, pickup, read};
use uuid::Uuid;

/// A shop with one basket: 17 bowls of 35 seconds in ten minutes, so eight orders of two bowls.
fn world() -> World {
    let mut world = World::new(&Setup::default());
    let capacity = Some(read(json!({"baskets": 1, "max_bowls_per_order": 20})));
    world
        .shop
        .evolve(&RestaurantEvent::CapacitySet { capacity });
    world
}

fn two_bowls() -> Cart {
    cart([bowl(2), pickup()])
}

fn order(number: u128) -> OrderId {
    OrderId::new(Uuid::from_u128(number))
}

fn quote(cart: &Cart, world: &World) -> Result<Quote, Faults> {
    price_cart(cart, None, &world.market())
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
        order: order(number),
        payment: PaymentId::new(Uuid::from_u128(5)),
        place: None,
        acknowledged: None,
    };
    let market = Market {
        now,
        ..world.market()
    };
    check_out(cart, &request, &market, &context_at(now))
}

fn ordered(world: &mut World, number: u128) {
    let cart = two_bowls();
    let seen = quote(&cart, world).unwrap().quote_id;
    let done = check(&cart, world, number, seen, test_now()).unwrap();
    for event in &done.inventory {
        world.stock.evolve(event);
    }
}

fn prep(world: &World) -> u32 {
    quote(&two_bowls(), world)
        .unwrap()
        .content
        .promise
        .prep
        .get()
}

fn codes(faults: &Faults) -> Vec<(&str, &str)> {
    faults
        .0
        .iter()
        .map(|fault| (fault.code.as_str(), fault.pointer.as_str()))
        .collect()
}

#[test]
fn an_idle_kitchen_promises_what_a_shop_without_capacity_does() {
    let usual = quote(&two_bowls(), &World::new(&Setup::default())).unwrap();
    let idle = quote(&two_bowls(), &world()).unwrap();
    assert_eq!(idle.quote_id, usual.quote_id);
    assert_eq!(usual.content.kitchen, None);
    // Ready at 10:12, so into the boiler at 10:09:25.
    let booked = idle.content.kitchen.unwrap();
    assert_eq!(booked.starts(), Some(test_now()));
    assert_eq!(
        (booked.slots[0].bowls, booked.slots[0].basket_seconds),
        (2, 70)
    );
}

#[test]
fn a_full_slot_moves_the_promise_and_a_full_hour_stops_it() {
    let mut world = world();
    for (slot, promised) in [12, 17, 27, 37, 47, 57, 67].into_iter().enumerate() {
        for number in 0..8 {
            assert_eq!(prep(&world), promised, "slot {slot}");
            ordered(&mut world, slot as u128 * 100 + number);
        }
    }
    let refused = quote(&two_bowls(), &world).unwrap_err();
    assert_eq!(codes(&refused), [("kitchen_full", "/restaurant")]);
    // Whoever wants no bowl is served all the same.
    assert!(quote(&cart([line("beer", 3, vec![]), pickup()]), &world).is_ok());
}

#[test]
fn an_order_has_no_more_bowls_than_the_shop_takes() {
    let refused = quote(&cart([bowl(21), pickup()]), &world()).unwrap_err();
    assert_eq!(codes(&refused), [("too_many_bowls", "/lines")]);
    // Twenty bowls boil in two waves, the second ten minutes after the first.
    let large = quote(&cart([bowl(20), pickup()]), &world()).unwrap();
    assert_eq!(large.content.kitchen.unwrap().slots.len(), 2);
    assert_eq!(large.content.promise.prep.get(), 21 + 10);
}

#[test]
fn slots_are_booked_with_the_stock_and_given_back_with_it() {
    let mut world = world();
    ordered(&mut world, 1);
    ordered(&mut world, 2);
    assert_eq!(world.stock.kitchen().load(test_now()).bowls, 4);
    world.stock(InventoryCommand::ReleaseHold {
        hold: order(1),
        reason: ReleaseReason::Expired,
    });
    assert_eq!(world.stock.kitchen().load(test_now()).bowls, 2);
    // What was fired has used its slot.
    world.stock(InventoryCommand::CommitHold { hold: order(2) });
    world.stock(InventoryCommand::ConsumeHold { hold: order(2) });
    assert_eq!(world.stock.kitchen().load(test_now()).bowls, 2);
}

#[test]
fn slots_that_are_over_are_forgotten() {
    let mut world = world();
    ordered(&mut world, 1);
    let later = test_now() + TimeDelta::hours(4);
    world.stock.evolve(&InventoryEvent::HoldOpened {
        hold: order(2),
        needs: vec![],
        service_date: later.date_naive(),
        number: 2,
        expires_at: later,
        kitchen: None,
    });
    assert_eq!(world.stock.kitchen().slots().count(), 0);
}

#[test]
fn whoever_is_overtaken_sees_the_new_promise_first() {
    let mut world = world();
    for number in 0..7 {
        ordered(&mut world, number);
    }
    let seen = quote(&two_bowls(), &world).unwrap();
    ordered(&mut world, 7);
    let refused = check(&two_bowls(), &world, 8, seen.quote_id, test_now()).unwrap_err();
    let CheckoutRejection::QuoteChanged { current } = refused else {
        panic!("{refused}")
    };
    assert_eq!(current.content.promise.prep.get(), 17);
    let done = check(&two_bowls(), &world, 8, current.quote_id, test_now()).unwrap();
    assert_eq!(done.quote.content.promise.prep.get(), 17);
}

#[test]
fn a_promise_that_has_become_better_since_stands_as_it_was_seen() {
    let mut world = world();
    for number in 0..16 {
        ordered(&mut world, number);
    }
    let seen = quote(&two_bowls(), &world).unwrap();
    assert_eq!(seen.content.promise.prep.get(), 27);
    // Eight minutes later the same slot is nearer.
    let later = test_now() + TimeDelta::minutes(8);
    let done = check(&two_bowls(), &world, 20, seen.quote_id, later).unwrap();
    let order: Order = replay(&done.order);
    assert_eq!(
        order.body().unwrap().terms.promise.earliest,
        later + TimeDelta::minutes(27)
    );
    let InventoryEvent::HoldOpened { kitchen, .. } = &done.inventory[0] else {
        panic!("{:?}", done.inventory)
    };
    let slot = kitchen.as_ref().and_then(KitchenBooking::starts);
    assert_eq!(slot, Some(test_now() + TimeDelta::minutes(20)));
}

#[test]
fn after_the_last_order_nothing_of_its_kind_is_ordered() {
    // The shop is open on Fridays until 02:00 in Tokyo; couriers take nothing in the last 45 minutes, the counter in the
    // last 15.
    let world = World::new(&Setup::default());
    let at = |minutes: i64| Market {
        now: test_now() + TimeDelta::minutes(7 * 60 - minutes),
        ..world.market()
    };
    let (fetched, brought) = (two_bowls(), cart([bowl(2), delivery()]));
    let refused = |cart: &Cart, minutes: i64| {
        let quoted = price_cart(cart, Some(near()), &at(minutes));
        quoted.err().map(|faults| codes(&faults)[0].0.to_owned())
    };
    let over = Some("last_order_over".to_owned());
    assert_eq!(refused(&brought, 46), None);
    assert_eq!(refused(&brought, 45), over);
    assert_eq!(refused(&fetched, 45), None);
    assert_eq!(refused(&fetched, 15), over);
    assert_eq!(refused(&fetched, 0), Some("shop_closed".to_owned()));
}

#[test]
fn a_style_is_delivered_only_where_it_stays_good() {
    let mut world = World::new(&Setup::default());
    let mut zones = world.shop.live().unwrap().zones.to_vec();
    zones[0].style_limits[0].style = Style::HakataTonkotsu;
    world.shop.evolve(&RestaurantEvent::ZonesSet { zones });
    let far = GeoPoint::parse(35.69, 139.61).unwrap();
    let brought = cart([bowl(2), line("beer", 1, vec![]), delivery()]);
    assert!(price_cart(&brought, Some(near()), &world.market()).is_ok());
    let refused = price_cart(&brought, Some(far), &world.market()).unwrap_err();
    assert_eq!(codes(&refused), [("style_out_of_zone", "/lines/1/item")]);
    assert!(price_cart(&two_bowls(), Some(far), &world.market()).is_ok());
}
