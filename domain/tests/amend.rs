//! An order is changed before it cooks: what stays keeps its price, stock and kitchen follow, promotions are judged again,
//! the amounts add up, and nothing strands.
#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "helpers of tests fail as tests do, and look for single variants"
)]

#[expect(dead_code, reason = "each test binary uses its part")]
mod support;

use std::collections::BTreeMap;

use domain::decider::{Decider as _, Rejection as _};
use domain::delivery::delivery::{Delivery, DeliveryCommand, DeliveryStage, PickupChecks};
use domain::joint::Offer;
use domain::joint::amend::{
    AmendRejection, AmendRequest, Amended, Courier, amend, quote_amendment,
};
use domain::joint::checkout::{CheckoutRequest, check_out};
use domain::joint::price_cart::price_cart;
use domain::joint::request_delivery::request_delivery;
use domain::kernel::actor::Actor;
use domain::kernel::ids::{CartId, DeliveryId, OrderId, PaymentId};
use domain::kernel::sealed::{Origin, Sealed};
use domain::ordering::cart::CartCommand;
use domain::ordering::line::{LineChoice, LineId};
use domain::ordering::order::{Order, OrderCommand, OrderEvent};
use domain::ordering::quote::QuoteLineKind;
use domain::restaurant::inventory::{InventoryCommand, ReleaseReason};
use domain::restaurant::restaurant::TaxMode;
use domain::testing::context;
use proptest::prelude::*;
use serde_json::json;
use support::{Setup, World, bowl, cart, delivery, far, key, line, near, option, read};
use uuid::Uuid;

const ORDER: OrderId = OrderId::new(Uuid::from_u128(31));

fn market_of<T>(world: &World, with: impl FnOnce(&domain::joint::Market<'_>) -> T) -> T {
    let offers: Vec<Offer<'_>> = world.offers();
    with(&world.market_with(&offers))
}

/// A shop whose zones have no minimum.
fn no_minimum() -> Setup {
    Setup {
        minimum: 0,
        ..Setup::default()
    }
}

/// A placed order of two bowls to the door, in a shop with so many portions.
fn placed(setup: &Setup, portions: i64) -> (World, Order) {
    let mut world = World::new(setup);
    world.receive("noodles", 130 * portions);
    world.receive("beer", 10);
    let order = check(&mut world);
    (world, order)
}

fn check(world: &mut World) -> Order {
    let cart = cart([bowl(2), delivery()]);
    let done = market_of(world, |market| {
        let quote = price_cart(&cart, Some(near()), market).unwrap();
        let request = CheckoutRequest {
            cart: CartId::new(Uuid::from_u128(30)),
            quote_id: quote.quote_id,
            order: ORDER,
            payment: PaymentId::new(Uuid::from_u128(32)),
            place: Some(near()),
            acknowledged: None,
        };
        check_out(&cart, &request, market, &context()).unwrap()
    });
    let mut order = Order::default();
    for event in &done.order {
        order.evolve(event);
    }
    for event in &done.inventory {
        world.stock.evolve(event);
    }
    for (id, events) in &done.promotions {
        for (of, promotion) in &mut world.promotions {
            if of == id {
                for event in events {
                    promotion.evolve(event);
                }
            }
        }
    }
    let payment = order.body().unwrap().terms.payment;
    for event in order
        .decide(OrderCommand::Authorise { payment }, &context())
        .unwrap()
    {
        order.evolve(&event);
    }
    world.stock(InventoryCommand::CommitHold { hold: ORDER });
    order
}

fn wants(order: &Order, quantities: &[(u32, u32)], added: Vec<LineChoice>) -> AmendRequest {
    let body = order.body().unwrap();
    let quantities: BTreeMap<LineId, u32> = quantities
        .iter()
        .map(|(line, quantity)| (LineId::new(*line), *quantity))
        .collect();
    AmendRequest {
        window: None,
        order: ORDER,
        quantities,
        added,
        address: None,
        place: Some(near()),
        acknowledged: None,
        by: Actor::Customer {
            id: body.terms.customer,
        },
    }
}

fn choice(command: CartCommand) -> LineChoice {
    match command {
        CartCommand::AddLine { choice, .. } => choice,
        other => panic!("{other:?}"),
    }
}

fn beer(number: u32) -> LineChoice {
    choice(line("beer", number, Vec::new()))
}

/// Quotes and amends, as a customer does.
fn amended(
    order: &Order,
    request: &AmendRequest,
    world: &World,
) -> Result<Amended, AmendRejection> {
    amended_with(order, request, None, world)
}

fn amended_with(
    order: &Order,
    request: &AmendRequest,
    courier: Option<Courier<'_>>,
    world: &World,
) -> Result<Amended, AmendRejection> {
    market_of(world, |market| {
        let seen = quote_amendment(order, request, market)?.quote_id;
        amend(order, request, seen, courier, market, &context())
    })
}

fn apply(order: &mut Order, world: &mut World, amended: &Amended) {
    for event in &amended.order {
        order.evolve(event);
    }
    for event in &amended.inventory {
        world.stock.evolve(event);
    }
    for (id, events) in &amended.promotions {
        for (of, promotion) in &mut world.promotions {
            if of == id {
                for event in events {
                    promotion.evolve(event);
                }
            }
        }
    }
}

#[test]
fn what_stays_keeps_its_price_and_what_is_new_has_the_menus() {
    let (_, order) = placed(&Setup::default(), 5);
    // The menu has become dearer, and the taxes too.
    let mut dearer = World::new(&Setup {
        tonkotsu: 1500,
        packaging_fee: 90,
        delivery_fee: 500,
        food_bp: 1900,
        ..Setup::default()
    });
    dearer.receive("noodles", 1300);
    dearer.receive("beer", 10);
    let quote = market_of(&dearer, |market| {
        quote_amendment(&order, &wants(&order, &[(1, 1)], vec![beer(1)]), market)
    })
    .unwrap();
    let of = |kind| {
        let mut found = quote.content.lines.iter().filter(|line| line.kind == kind);
        let first = found.next().unwrap();
        (
            first.amount_minor,
            first.tax_bp.map(domain::kernel::money::BasisPoints::get),
        )
    };
    assert_eq!(of(QuoteLineKind::Item), (980, Some(800)));
    assert_eq!(of(QuoteLineKind::Packaging).0, 50);
    assert_eq!(of(QuoteLineKind::DeliveryFee).0, 350);
    let items = quote.content.lines.iter();
    let prices: Vec<i64> = items
        .filter(|line| line.kind == QuoteLineKind::Item)
        .map(|line| line.amount_minor)
        .collect();
    assert_eq!(prices, [980, 600]);
}

#[test]
fn stock_follows_in_the_same_commit_and_its_own_hold_is_in_nobodys_way() {
    let (mut world, mut order) = placed(&Setup::default(), 3);
    let free = |world: &World| world.stock.free(&key("noodles"));
    assert_eq!(free(&world), Some(130));
    let less = amended(&order, &wants(&order, &[(1, 1)], vec![beer(1)]), &world).unwrap();
    apply(&mut order, &mut world, &less);
    assert_eq!(
        (free(&world), world.stock.free(&key("beer"))),
        (Some(260), Some(9))
    );
    assert_eq!(
        world
            .stock
            .numbers_given(order.body().unwrap().terms.service_date),
        1
    );
    // Within what was authorised it comes back, though nobody else's stock would do.
    let back = amended(&order, &wants(&order, &[(1, 2), (2, 0)], vec![]), &world).unwrap();
    apply(&mut order, &mut world, &back);
    assert_eq!(
        (free(&world), world.stock.free(&key("beer"))),
        (Some(130), Some(10))
    );
    let release = InventoryCommand::ReleaseHold {
        hold: ORDER,
        reason: ReleaseReason::Cancelled,
    };
    world.stock(release);
    assert_eq!(free(&world), Some(390), "nothing strands");
}

#[test]
fn more_than_was_authorised_and_what_is_not_there_are_refused() {
    let (world, order) = placed(&Setup::default(), 3);
    let more = amended(&order, &wants(&order, &[(1, 3)], vec![]), &world).unwrap_err();
    assert_eq!(more.code(), "more_than_authorised");
    let refused = |quantities: &[(u32, u32)], added| {
        let refused = amended(&order, &wants(&order, quantities, added), &world).unwrap_err();
        let faults = refused.faults().into_iter();
        faults
            .map(|fault| (fault.code, fault.pointer))
            .collect::<Vec<_>>()
    };
    let at = |code: &str, pointer: &str| vec![(code.to_owned(), pointer.to_owned())];
    assert_eq!(refused(&[(1, 4)], vec![]), at("out_of_stock", "/lines/1"));
    assert_eq!(refused(&[(1, 0)], vec![]), at("empty_cart", "/lines"));
    assert_eq!(refused(&[(7, 1)], vec![]), at("line_unknown", "/lines/7"));
    assert_eq!(
        refused(&[(1, 100)], vec![]),
        at("quantity_out_of_range", "/lines/1")
    );
    let pizza = choice(line("pizza", 1, vec![option("firmness", "kata", 1)]));
    assert_eq!(
        refused(&[], vec![beer(1), pizza]),
        at("item_unknown", "/add/1/item")
    );
}

#[test]
fn another_quote_than_the_one_that_was_seen_is_refused() {
    let (world, order) = placed(&no_minimum(), 5);
    let seen = order.body().unwrap().terms.quote_id;
    let request = wants(&order, &[(1, 1)], vec![]);
    let refused = market_of(&world, |market| {
        amend(&order, &request, seen, None, market, &context()).unwrap_err()
    });
    assert_eq!(refused.code(), "quote_changed");
}

#[test]
fn another_door_must_be_in_a_zone() {
    let (world, order) = placed(&Setup::default(), 5);
    let mut request = wants(&order, &[], vec![]);
    request.place = Some(far());
    let refused = amended(&order, &request, &world).unwrap_err();
    assert_eq!(refused.faults()[0].pointer, "/address");
}

#[test]
fn a_promotion_that_no_longer_holds_counts_no_more() {
    let mut world = World::new(&no_minimum());
    world.receive("noodles", 650);
    let terms = json!({
        "issuer": {"type": "platform"}, "name": {"en": "Two for less"}, "target": {"type": "order"},
        "reduction": {"type": "amount", "amount_minor": 100}, "minimum_minor": 1900,
        "platform_bp": 10000, "currency": "JPY", "limits": {"total": 1}
    });
    let id = world.promote(8, read(terms));
    let mut order = check(&mut world);
    let taken = order.body().unwrap().bill.promotions();
    assert_eq!(taken[&id].amount_minor(), 100);
    let same = amended(&order, &wants(&order, &[(1, 2)], vec![]), &world).unwrap();
    assert_eq!(
        (same.order.len(), same.promotions.len()),
        (0, 0),
        "nothing changes"
    );
    let less = amended(&order, &wants(&order, &[(1, 1)], vec![]), &world).unwrap();
    apply(&mut order, &mut world, &less);
    assert!(order.body().unwrap().bill.promotions().is_empty());
    assert_eq!(world.promotions[0].1.body().unwrap().redeemed, 0);
}

proptest! {
    #[test]
    fn whatever_is_changed_adds_up_and_is_held(
        exclusive in any::<bool>(),
        rate in 0..2_500_u32,
        steps in prop::collection::vec((0..4_u32, 0..3_u32), 1..5),
    ) {
        let setup = Setup {
            food_bp: rate,
            minimum: 0,
            mode: if exclusive { TaxMode::Exclusive } else { TaxMode::Inclusive },
            ..Setup::default()
        };
        let (mut world, mut order) = placed(&setup, 4);
        for (bowls, beers) in steps {
            let added = if beers > 0 { vec![beer(beers)] } else { Vec::new() };
            let Ok(done) = amended(&order, &wants(&order, &[(1, bowls)], added), &world) else {
                continue;
            };
            apply(&mut order, &mut world, &done);
            let body = order.body().unwrap();
            let sum: i64 = body.bill.quote.iter().map(|line| line.amount_minor).sum();
            prop_assert_eq!(sum, body.bill.total.amount_minor());
            prop_assert!(sum <= body.terms.total.amount_minor());
            let noodles: i64 = body.bill.lines.iter()
                .filter(|line| line.bowl.is_some())
                .map(|line| i64::from(line.quantity.get()) * 130)
                .sum();
            prop_assert_eq!(world.stock.stock(&key("noodles")).unwrap().held, noodles);
            let bowls = i64::try_from(body.bowls.len()).unwrap();
            prop_assert_eq!(bowls * 130, noodles);
        }
        world.stock(InventoryCommand::ConsumeHold { hold: ORDER });
        prop_assert!(world.stock.stocks().all(|(_, stock)| stock.held == 0 && stock.free() >= 0));
    }
}

/// Something that the vault has sealed.
fn sealed<T>(text: &str) -> Sealed<T> {
    let origin = Origin {
        kind: "ordering.order".to_owned(),
        id: ORDER.uuid(),
        field: "address".to_owned(),
    };
    Sealed::from_parts(1, Uuid::nil(), String::new(), text.to_owned(), origin)
}

const FIRST: DeliveryId = DeliveryId::new(Uuid::from_u128(41));
const SECOND: DeliveryId = DeliveryId::new(Uuid::from_u128(42));

fn carry(delivery: &mut Delivery, commands: impl IntoIterator<Item = DeliveryCommand>) {
    for command in commands {
        for event in delivery.decide(command, &context()).unwrap() {
            delivery.evolve(&event);
        }
    }
}

/// The order is taken and somebody is asked to bring it.
fn asked_for(order: &mut Order, world: &World) -> Delivery {
    let prep_minutes = 10.try_into().unwrap();
    for event in order
        .decide(OrderCommand::Accept { prep_minutes }, &context())
        .unwrap()
    {
        order.evolve(&event);
    }
    let mut last = Delivery::default();
    let asked = request_delivery((ORDER, order), &last, &world.shop, FIRST, sealed("1234"));
    let asked = asked.unwrap();
    for event in order.decide(asked.order, &context()).unwrap() {
        order.evolve(&event);
    }
    carry(&mut last, [asked.delivery]);
    last
}

fn take_along() -> [DeliveryCommand; 3] {
    let by = Actor::Ops {
        id: Uuid::from_u128(9).into(),
    };
    let assign = DeliveryCommand::Assign {
        driver: Uuid::from_u128(6).into(),
        approved: true,
        by,
    };
    let checks = PickupChecks::PASSED;
    [
        assign,
        DeliveryCommand::VerifyPickup { checks },
        DeliveryCommand::PickUp,
    ]
}

fn next(last: &Delivery) -> Courier<'_> {
    let (new, pin) = (SECOND, sealed("5678"));
    Courier { last, new, pin }
}

#[test]
fn another_door_has_another_courier_in_the_same_commit() {
    let (mut world, mut order) = placed(&no_minimum(), 5);
    let mut last = asked_for(&mut order, &world);
    let mut elsewhere = wants(&order, &[(1, 2)], vec![]);
    elsewhere.address = Some(sealed("the other door"));
    let done = amended_with(&order, &elsewhere, Some(next(&last)), &world).unwrap();
    let names: Vec<&str> = done.order.iter().map(Into::into).collect();
    assert_eq!(names, ["amended", "courier_requested"]);
    apply(&mut order, &mut world, &done);
    for event in &done.courier.last {
        last.evolve(event);
    }
    assert_eq!(last.stage(), DeliveryStage::Cancelled);
    let mut new = Delivery::default();
    for event in &done.courier.new {
        new.evolve(event);
    }
    let body = new.body().unwrap();
    assert_eq!(new.stage(), DeliveryStage::Requested);
    assert_eq!(body.dropoff, sealed("the other door"));
    assert_eq!(body.request.pin, sealed("5678"));
    assert_eq!(order.body().unwrap().delivery, Some(SECOND));
}

#[test]
fn the_same_door_keeps_its_courier_and_none_is_asked_for_where_none_was() {
    let (world, mut order) = placed(&no_minimum(), 5);
    let mut last = asked_for(&mut order, &world);
    let fewer = wants(&order, &[(1, 1)], vec![]);
    let done = amended_with(&order, &fewer, Some(next(&last)), &world).unwrap();
    assert!(done.courier.last.is_empty() && done.courier.new.is_empty());
    let mut elsewhere = wants(&order, &[(1, 1)], vec![]);
    elsewhere.address = Some(sealed("the other door"));
    let reason = domain::kernel::text::Reason::parse("it rains").unwrap();
    carry(&mut last, [DeliveryCommand::Cancel { reason }]);
    for courier in [Some(next(&last)), None] {
        let done = amended_with(&order, &elsewhere, courier, &world).unwrap();
        assert_eq!(done.order.len(), 1);
        assert!(done.courier.last.is_empty() && done.courier.new.is_empty());
    }
}

#[test]
fn what_a_courier_took_along_goes_nowhere_else() {
    let (world, mut order) = placed(&no_minimum(), 5);
    let mut last = asked_for(&mut order, &world);
    carry(&mut last, take_along());
    let mut elsewhere = wants(&order, &[(1, 2)], vec![]);
    elsewhere.address = Some(sealed("the other door"));
    let refused = amended_with(&order, &elsewhere, Some(next(&last)), &world).unwrap_err();
    assert!(matches!(refused, AmendRejection::Delivery(_)));
    assert_eq!(refused.code(), "not_allowed");
}

#[test]
fn an_amended_order_is_told_whole() {
    let (world, order) = placed(&no_minimum(), 5);
    let done = amended(&order, &wants(&order, &[(1, 1)], vec![]), &world).unwrap();
    let OrderEvent::Amended { amendment, .. } = &done.order[0] else {
        panic!("{:?}", done.order)
    };
    assert_eq!(amendment.needs.len(), 1);
    assert_eq!(amendment.quote_id, done.quote.quote_id);
}
