//! What is cooked or made again, with its stock: nothing is taken that is not there, nothing strands, a remake costs its
//! customer nothing and adds up, and a bowl is made again once.
#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "helpers of tests fail as tests do, and look for single variants"
)]

#[expect(dead_code, reason = "each test binary uses its part")]
mod support;

use chrono::TimeDelta;
use domain::decider::{Decider as _, Rejection as _};
use domain::joint::checkout::{Checkout, CheckoutRequest, check_out};
use domain::joint::price_cart::price_cart;
use domain::joint::refire::{RefireRequest, refire};
use domain::joint::remake::{Again, Maker, Remade, Remake, RemakeRequest, remake};
use domain::kernel::actor::Actor;
use domain::kernel::ids::{CartId, OrderId, PaymentId};
use domain::kernel::quantity::Minutes;
use domain::kernel::text::Reason;
use domain::ordering::line::{BowlRef, LineId};
use domain::ordering::order::{CheckedOut, FaultParty, Order, OrderCommand, OrderEvent};
use domain::ordering::quote::{Party, QuoteLineKind};
use domain::restaurant::inventory::InventoryCommand;
use domain::restaurant::restaurant::TaxMode;
use domain::testing::{context, context_at, test_now};
use proptest::prelude::*;
use support::{Setup, World, bowl, cart, delivery, key, near};
use uuid::Uuid;

const FIRST: OrderId = OrderId::new(Uuid::from_u128(31));

/// A shop with noodles for so many bowls, and an order of two of them that is ready.
fn ready(setup: &Setup, bowls: i64) -> (World, Order) {
    let mut world = World::new(setup);
    world.receive("noodles", 130 * bowls);
    world.receive("broth", 350 * bowls);
    let cart = cart([bowl(2), delivery()]);
    let market = world.market();
    let quote = price_cart(&cart, Some(near()), &market).unwrap();
    let request = CheckoutRequest {
        cart: CartId::new(Uuid::from_u128(30)),
        quote_id: quote.quote_id,
        order: FIRST,
        payment: PaymentId::new(Uuid::from_u128(32)),
        place: Some(near()),
        acknowledged: None,
    };
    let Checkout {
        order: events,
        inventory,
        ..
    } = check_out(&cart, &request, &market, &context()).unwrap();
    let mut order = Order::default();
    for event in &events {
        order.evolve(event);
    }
    for event in &inventory {
        world.stock.evolve(event);
    }
    world.stock(InventoryCommand::CommitHold { hold: FIRST });
    world.stock(InventoryCommand::ConsumeHold { hold: FIRST });
    for command in cooked(&order) {
        for event in order.decide(command, &context()).unwrap() {
            order.evolve(&event);
        }
    }
    (world, order)
}

fn bowl_of(number: u32) -> BowlRef {
    BowlRef {
        line: LineId::new(1),
        bowl: number,
    }
}

/// From paid to packed.
fn cooked(order: &Order) -> Vec<OrderCommand> {
    let payment = order.body().unwrap().terms.payment;
    let mut commands = vec![
        OrderCommand::Authorise { payment },
        OrderCommand::Accept {
            prep_minutes: Minutes::new(12),
        },
        OrderCommand::Fire { automatic: false },
    ];
    for BowlRef { line, bowl } in [1, 2].map(bowl_of) {
        commands.push(OrderCommand::BowlBoiled { line, bowl });
        commands.push(OrderCommand::BowlSealed { line, bowl });
    }
    commands.push(OrderCommand::Ready);
    commands
}

fn why() -> Reason {
    Reason::parse("soft").unwrap()
}

fn again(number: u128, bowls: Vec<BowlRef>) -> RefireRequest {
    RefireRequest {
        order: FIRST,
        refire: Uuid::from_u128(number),
        bowls,
        reason: why(),
        fault: FaultParty::Courier,
    }
}

fn remake_of(number: u128, bowls: Vec<BowlRef>, fault: FaultParty) -> RemakeRequest {
    RemakeRequest {
        of: FIRST,
        order: OrderId::new(Uuid::from_u128(number)),
        payment: PaymentId::new(Uuid::from_u128(number + 1)),
        by: Actor::Ops {
            id: Uuid::from_u128(9).into(),
        },
        bowls: Some(Again {
            bowls,
            reason: why(),
            fault,
        }),
    }
}

fn maker(world: &World) -> Maker<'_> {
    Maker {
        shop: &world.shop,
        stock: &world.stock,
        flags: &world.flags,
    }
}

fn made(order: &Order, request: &RemakeRequest, world: &World) -> Remade {
    match remake(order, request, maker(world), &context()).unwrap() {
        Remake::Now(made) => *made,
        Remake::Before(order) => panic!("made before as {order}"),
    }
}

fn terms_of(made: &Remade) -> &CheckedOut {
    match &made.order[0] {
        OrderEvent::CheckedOut(terms) => terms,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_cooked_again_is_used_and_what_was_cooked_is_waste() {
    let (mut world, order) = ready(&Setup::default(), 5);
    let numbers = world.stock.numbers_given(test_now().date_naive());
    let refired = refire(
        &order,
        &world.stock,
        again(1, vec![]),
        &world.flags,
        &context(),
    );
    for event in refired.unwrap().inventory {
        world.stock.evolve(&event);
    }
    let noodles = world.stock.stock(&key("noodles")).unwrap();
    assert_eq!(
        (noodles.used, noodles.wasted, noodles.free(), noodles.held),
        (260, 260, 130, 0)
    );
    assert_eq!(world.stock.numbers_given(test_now().date_naive()), numbers);
    let too_much = refire(
        &order,
        &world.stock,
        again(2, vec![]),
        &world.flags,
        &context(),
    );
    let rejection = too_much.unwrap_err();
    assert_eq!(rejection.code(), "out_of_stock");
    assert!(!rejection.faults().is_empty());
    let one = refire(
        &order,
        &world.stock,
        again(2, vec![bowl_of(2)]),
        &world.flags,
        &context(),
    );
    assert_eq!(one.unwrap().inventory.len(), 1);
}

#[test]
fn a_remake_is_an_order_of_its_own_with_stock_and_number() {
    let (mut world, order) = ready(&Setup::default(), 5);
    let request = remake_of(40, vec![bowl_of(2)], FaultParty::Courier);
    let made = made(&order, &request, &world);
    let terms = terms_of(&made);
    assert_eq!(terms.total.amount_minor(), 0);
    assert_eq!(terms.remake_of.map(|remake| remake.order), Some(FIRST));
    assert_eq!((made.number, terms.lines[0].quantity.get()), (2, 1));
    assert!(matches!(made.order[2], OrderEvent::Placed { .. }));
    assert_eq!(made.payment.len(), 2, "nothing to pay is paid at once");
    for event in &made.inventory {
        world.stock.evolve(event);
    }
    let hold = world.stock.hold(OrderId::new(Uuid::from_u128(40))).unwrap();
    assert_eq!(hold.needs[1].amount.get(), 130);
    let mut order = order;
    for event in &made.first {
        order.evolve(event);
    }
    let again = remake_of(50, vec![bowl_of(2)], FaultParty::Shop);
    let refused = remake(&order, &again, maker(&world), &context()).unwrap_err();
    assert_eq!(refused.code(), "already_remade");
}

#[test]
fn what_is_made_again_must_be_there_and_the_shop_open() {
    let (world, order) = ready(&Setup::default(), 2);
    let request = || remake_of(40, vec![bowl_of(1)], FaultParty::Shop);
    let refused = remake(&order, &request(), maker(&world), &context()).unwrap_err();
    assert_eq!(refused.code(), "out_of_stock");
    let (world, order) = ready(&Setup::default(), 5);
    let night = context_at(test_now() + TimeDelta::hours(12));
    let refused = remake(&order, &request(), maker(&world), &night).unwrap_err();
    assert_eq!(refused.code(), "shop_closed");
}

#[test]
fn an_offer_that_was_taken_names_its_order() {
    let (world, mut order) = ready(&Setup::default(), 5);
    let offer = OrderCommand::OfferRemake {
        offer: Uuid::from_u128(60),
        bowls: vec![bowl_of(1)],
        reason: why(),
        fault: FaultParty::Platform,
        answer_by: test_now() + TimeDelta::minutes(10),
    };
    for event in order.decide(offer, &context()).unwrap() {
        order.evolve(&event);
    }
    let customer = order.body().unwrap().terms.customer;
    let yes = |number| RemakeRequest {
        by: Actor::Customer { id: customer },
        bowls: None,
        ..remake_of(number, Vec::new(), FaultParty::Platform)
    };
    let made = made(&order, &yes(40), &world);
    for event in &made.first {
        order.evolve(event);
    }
    let repeated = remake(&order, &yes(50), maker(&world), &context());
    assert_eq!(
        repeated,
        Ok(Remake::Before(OrderId::new(Uuid::from_u128(40))))
    );
}

proptest! {
    #[test]
    fn a_remake_costs_its_customer_nothing_and_adds_up(
        price in 1..5_000_i64,
        rate in 0..3_000_u32,
        exclusive in any::<bool>(),
        both in any::<bool>(),
        fault in prop::sample::select(vec![FaultParty::Shop, FaultParty::Platform, FaultParty::Courier]),
    ) {
        let setup = Setup {
            tonkotsu: price,
            minimum: 0,
            food_bp: rate,
            mode: if exclusive { TaxMode::Exclusive } else { TaxMode::Inclusive },
            ..Setup::default()
        };
        let (world, order) = ready(&setup, 5);
        let bowls = if both { vec![bowl_of(1), bowl_of(2)] } else { vec![bowl_of(2)] };
        let made = made(&order, &remake_of(40, bowls, fault), &world);
        let terms = terms_of(&made);
        let sum: i64 = terms.quote.iter().map(|line| line.amount_minor).sum();
        prop_assert_eq!((sum, terms.total.amount_minor()), (0, 0));
        let off = terms.quote.iter().filter(|line| line.kind == QuoteLineKind::Discount);
        let payers: Vec<Party> = off.map(|line| line.payer).collect();
        prop_assert!(!payers.is_empty() && payers.iter().all(|payer| *payer == fault.into()));
        prop_assert_eq!(terms.tax_included_minor == 0, fault == FaultParty::Shop || exclusive
            || terms.quote.iter().all(|line| line.tax_minor == 0));
    }
}
