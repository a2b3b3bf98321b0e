//! Checkout: cart, order, stock and payment change together, for exactly the quote that was seen.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

#[expect(dead_code, reason = "each test binary uses its part")]
mod support;

use chrono::TimeDelta;
use domain::decider::{Class, Decider, Rejection, replay};
use domain::delivery::delivery::{Delivery, DeliveryCommand};
use domain::joint::Market;
use domain::joint::checkout::{Checkout, CheckoutRejection, CheckoutRequest, check_out};
use domain::joint::price_cart::price_cart;
use domain::joint::request_delivery::{
    RequestDeliveryRejection, RequestedDelivery, request_delivery,
};
use domain::kernel::actor::Actor;
use domain::kernel::ids::{CartId, DeliveryId, DriverId, OrderId, PaymentId};
use domain::kernel::quantity::Minutes;
use domain::kernel::sealed::{Origin, Sealed};
use domain::kernel::text::Reason;
use domain::ordering::cart::{Cart, CartCommand, CartStage};
use domain::ordering::order::{Order, OrderCommand, OrderStage};
use domain::ordering::quote::QuoteId;
use domain::payment::payment::{Payment, PaymentStage};
use domain::restaurant::inventory::Inventory;
use domain::testing::{context, context_at, test_now};
use support::{Setup, World, bowl, cart, delivery, near, pickup};
use uuid::Uuid;

fn order() -> OrderId {
    OrderId::new(Uuid::from_u128(3))
}

fn request(quote_id: QuoteId) -> CheckoutRequest {
    CheckoutRequest {
        cart: CartId::new(Uuid::from_u128(4)),
        quote_id,
        order: order(),
        payment: PaymentId::new(Uuid::from_u128(5)),
        place: Some(near()),
        acknowledged: None,
    }
}

fn quoted(cart: &Cart, market: &Market<'_>) -> CheckoutRequest {
    request(price_cart(cart, Some(near()), market).unwrap().quote_id)
}

fn checked_out(cart: &Cart, world: &World) -> Checkout {
    let market = world.market();
    check_out(cart, &quoted(cart, &market), &market, &context()).unwrap()
}

fn rejected(cart: &Cart, request: &CheckoutRequest, market: &Market<'_>) -> CheckoutRejection {
    check_out(cart, request, market, &context()).unwrap_err()
}

#[test]
fn four_aggregates_change_together() {
    let mut world = World::new(&Setup::default());
    world.receive("noodles", 1000);
    let before = cart([bowl(2), delivery()]);
    let done = checked_out(&before, &world);
    let order_state: Order = replay(&done.order);
    let body = order_state.body().unwrap();
    assert_eq!(order_state.stage(), OrderStage::AwaitingPayment);
    assert_eq!((body.terms.number, done.number), (1, 1));
    assert_eq!(body.terms.service_date.to_string(), "2026-11-20");
    assert_eq!(
        body.terms.total.amount_minor(),
        done.quote.content.total_minor
    );
    assert_eq!(body.terms.expires_at, test_now() + TimeDelta::minutes(15));
    assert_eq!(
        body.terms.promise.earliest,
        test_now() + TimeDelta::minutes(24)
    );
    assert_eq!(body.bowls.len(), 2);
    let payment: Payment = replay(&done.payment);
    assert_eq!(payment.stage(), PaymentStage::RequiresPayment);
    assert_eq!(payment.body().unwrap().amount, body.terms.total);
    let mut stock = world.stock.clone();
    done.inventory.iter().for_each(|event| stock.evolve(event));
    assert_eq!(stock.free(&support::key("noodles")), Some(740));
    assert_eq!(
        stock.hold(order()).unwrap().expires_at,
        body.terms.expires_at
    );
    let mut after = before;
    done.cart.iter().for_each(|event| after.evolve(event));
    assert_eq!(after.stage(), CartStage::CheckedOut);
}

#[test]
fn a_checkout_just_before_closing_is_paid_soon_after() {
    let world = World::new(&Setup::default());
    let cart = cart([bowl(2), pickup()]);
    // The shop closes in seven hours and takes the last pickup a quarter before.
    let now = test_now() + TimeDelta::minutes(7 * 60 - 17);
    let market = Market {
        now,
        ..world.market()
    };
    let quote = quoted(&cart, &market);
    let done = check_out(&cart, &quote, &market, &context_at(now)).unwrap();
    let order: Order = replay(&done.order);
    assert_eq!(
        order.body().unwrap().terms.expires_at,
        now + TimeDelta::minutes(5)
    );
}

#[test]
fn numbers_follow_each_other_within_a_service_date() {
    let mut world = World::new(&Setup::default());
    let cart = cart([bowl(2), pickup()]);
    for event in checked_out(&cart, &world).inventory {
        world.stock.evolve(&event);
    }
    let market = world.market();
    let second = CheckoutRequest {
        order: OrderId::new(Uuid::from_u128(30)),
        ..quoted(&cart, &market)
    };
    assert_eq!(
        check_out(&cart, &second, &market, &context())
            .unwrap()
            .number,
        2
    );
}

#[test]
fn nothing_to_pay_is_placed_in_the_same_commit() {
    let setup = Setup {
        tonkotsu: 0,
        packaging_fee: 0,
        small_order: None,
        ..Setup::default()
    };
    let done = checked_out(&cart([bowl(1), pickup()]), &World::new(&setup));
    assert_eq!(replay::<Order>(&done.order).stage(), OrderStage::Placed);
    assert_eq!(
        replay::<Payment>(&done.payment).stage(),
        PaymentStage::Authorized
    );
}

#[test]
fn another_quote_than_the_one_seen_answers_with_what_holds_now() {
    let (seen, now) = (
        World::new(&Setup::default()),
        World::new(&Setup {
            tonkotsu: 990,
            ..Setup::default()
        }),
    );
    let cart = cart([bowl(2), delivery()]);
    let rejection = rejected(&cart, &quoted(&cart, &seen.market()), &now.market());
    let current = price_cart(&cart, Some(near()), &now.market()).unwrap();
    assert_eq!(
        rejection,
        CheckoutRejection::QuoteChanged {
            current: Box::new(current)
        }
    );
    assert_eq!(
        (rejection.code(), rejection.class()),
        ("quote_changed", Class::Conflict)
    );
}

#[test]
fn a_moved_promise_is_another_quote_too() {
    let world = World::new(&Setup::default());
    let cart = cart([bowl(2), delivery()]);
    let slower = domain::kernel::flags::Flags {
        kitchen_prep: Minutes::new(30),
        ..world.flags.clone()
    };
    let market = Market {
        flags: &slower,
        ..world.market()
    };
    let rejection = rejected(&cart, &quoted(&cart, &world.market()), &market);
    assert_eq!(rejection.code(), "quote_changed");
}

#[test]
fn a_cart_that_cannot_be_ordered_is_refused_with_every_fault() {
    let world = World::new(&Setup::default());
    let rejection = rejected(
        &cart([]),
        &request(QuoteId::from(Uuid::nil())),
        &world.market(),
    );
    let codes: Vec<_> = rejection
        .faults()
        .into_iter()
        .map(|fault| fault.code)
        .collect();
    assert_eq!(codes, ["fulfilment_missing", "empty_cart"]);
    assert_eq!(
        (rejection.code(), rejection.class()),
        ("cart_refused", Class::Unprocessable)
    );
}

#[test]
fn stock_that_went_meanwhile_is_refused() {
    let mut world = World::new(&Setup::default());
    let cart = cart([bowl(2), pickup()]);
    let seen = quoted(&cart, &world.market());
    world.receive("noodles", 100);
    let rejection = rejected(&cart, &seen, &world.market());
    assert_eq!(rejection.faults()[0].code, "out_of_stock");
}

#[test]
fn a_cart_is_checked_out_once() {
    let world = World::new(&Setup::default());
    let mut cart = cart([bowl(2), pickup()]);
    let seen = quoted(&cart, &world.market());
    for event in checked_out(&cart, &world).cart {
        cart.evolve(&event);
    }
    let again = CheckoutRequest {
        order: OrderId::new(Uuid::from_u128(31)),
        ..seen
    };
    let rejection = rejected(&cart, &again, &world.market());
    assert_eq!(
        rejection,
        CheckoutRejection::AlreadyCheckedOut { order: order() }
    );
}

#[test]
fn an_unknown_or_abandoned_cart_is_not_checked_out() {
    let world = World::new(&Setup::default());
    let any = request(QuoteId::from(Uuid::nil()));
    assert_eq!(
        rejected(&Cart::default(), &any, &world.market()),
        CheckoutRejection::CartUnknown
    );
    let abandoned = cart([bowl(2), pickup(), CartCommand::Abandon]);
    assert_eq!(
        rejected(&abandoned, &any, &world.market()).faults()[0].code,
        "cart_not_open"
    );
}

#[test]
fn a_used_order_id_is_not_used_again() {
    let mut world = World::new(&Setup::default());
    let cart = cart([bowl(2), pickup()]);
    let done = checked_out(&cart, &world);
    done.inventory
        .iter()
        .for_each(|event| world.stock.evolve(event));
    world.stock(
        domain::restaurant::inventory::InventoryCommand::ReleaseHold {
            hold: order(),
            reason: domain::restaurant::inventory::ReleaseReason::Expired,
        },
    );
    let rejection = rejected(&cart, &quoted(&cart, &world.market()), &world.market());
    assert_eq!(
        rejection,
        CheckoutRejection::AlreadyCheckedOut { order: order() }
    );
    assert_ne!(world.stock, Inventory::default());
}

fn pin() -> Sealed<domain::kernel::handover::Pin> {
    let origin = Origin {
        kind: "delivery.delivery".into(),
        id: Uuid::nil(),
        field: "pin".into(),
    };
    Sealed::from_parts(1, Uuid::nil(), "bg==".into(), "Yw==".into(), origin)
}

/// An order of this cart, taken through these commands.
fn order_after(cart: &Cart, world: &World, commands: Vec<OrderCommand>) -> Order {
    let mut order: Order = replay(&checked_out(cart, world).order);
    for command in commands {
        for event in order.decide(command, &context()).unwrap() {
            order.evolve(&event);
        }
    }
    order
}

fn accepted() -> Vec<OrderCommand> {
    let payment = PaymentId::new(Uuid::from_u128(5));
    vec![
        OrderCommand::Authorise { payment },
        OrderCommand::Accept {
            prep_minutes: Minutes::new(10),
        },
    ]
}

const FIRST: DeliveryId = DeliveryId::new(Uuid::from_u128(11));
const SECOND: DeliveryId = DeliveryId::new(Uuid::from_u128(12));

/// A courier asked for when the order's last transport is as it is.
fn asked(
    taken: &Order,
    last: &Delivery,
    world: &World,
    new: DeliveryId,
) -> Result<RequestedDelivery, RequestDeliveryRejection> {
    request_delivery((order(), taken), last, &world.shop, new, pin())
}

#[test]
fn a_courier_is_asked_for_what_the_shop_has_taken() {
    let world = World::new(&Setup::default());
    let taken = order_after(&cart([bowl(2), delivery()]), &world, accepted());
    let commands = asked(&taken, &Delivery::default(), &world, FIRST).unwrap();
    assert_eq!(
        commands.order,
        OrderCommand::RequestCourier { delivery: FIRST }
    );
    let DeliveryCommand::Request { request } = commands.delivery else {
        panic!("{commands:?}")
    };
    assert_eq!(
        (request.order, request.bowls, request.number),
        (order(), 2, 1)
    );
    assert_eq!(request.pickup, world.shop.shop().unwrap().profile.location);
}

#[test]
fn another_courier_is_asked_for_only_when_the_one_before_was_called_off() {
    let world = World::new(&Setup::default());
    let mut taken = order_after(&cart([bowl(2), delivery()]), &world, accepted());
    let mut last = Delivery::default();
    let first = asked(&taken, &last, &world, FIRST).unwrap();
    for event in taken.decide(first.order, &context()).unwrap() {
        taken.evolve(&event);
    }
    let mut tell = |command| {
        for event in last.decide(command, &context()).unwrap() {
            last.evolve(&event);
        }
        asked(&taken, &last, &world, SECOND)
    };
    let already = Err(RequestDeliveryRejection::DeliveryAlreadyRequested { delivery: FIRST });
    assert_eq!(tell(first.delivery), already);
    let assign = DeliveryCommand::Assign {
        driver: DriverId::new(Uuid::from_u128(6)),
        approved: true,
        by: Actor::Ops {
            id: Uuid::from_u128(9).into(),
        },
    };
    assert_eq!(tell(assign), already);
    let cancel = DeliveryCommand::Cancel {
        reason: Reason::parse("the scooter broke down").unwrap(),
    };
    assert_eq!(
        tell(cancel).unwrap().order,
        OrderCommand::RequestCourier { delivery: SECOND }
    );
}

#[test]
fn no_courier_is_asked_for_too_early_or_for_what_is_collected() {
    let (world, none) = (World::new(&Setup::default()), Delivery::default());
    let waiting = order_after(&cart([bowl(2), delivery()]), &world, vec![]);
    assert_eq!(
        asked(&waiting, &none, &world, FIRST),
        Err(RequestDeliveryRejection::NoCourierNeeded {
            stage: OrderStage::AwaitingPayment
        })
    );
    let collected = order_after(&cart([bowl(2), pickup()]), &world, accepted());
    assert_eq!(
        asked(&collected, &none, &world, FIRST),
        Err(RequestDeliveryRejection::CustomerCollects)
    );
    assert_eq!(
        asked(&Order::default(), &none, &world, FIRST),
        Err(RequestDeliveryRejection::OrderUnknown)
    );
}
