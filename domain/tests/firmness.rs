//! Noodles that travel are boiled a step firmer than they were asked for (`domain.md`, *Ramen rules* 4): shown on the
//! quote, kept in the order, undone for who fetches after all before they are boiled.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

#[expect(dead_code, reason = "each test binary uses its part")]
mod support;

use domain::decider::{Decider, replay};
use domain::joint::checkout::{CheckoutRequest, check_out};
use domain::joint::price_cart::price_cart;
use domain::kernel::actor::Actor;
use domain::kernel::bowl::Firmness;
use domain::kernel::ids::{CartId, CustomerId, OrderId, PaymentId};
use domain::kernel::quantity::{Minutes, Seconds};
use domain::ordering::cart::CartCommand;
use domain::ordering::line::BowlSpec;
use domain::ordering::order::{Order, OrderCommand};
use domain::ordering::quote::{FirmerNoodles, Quote};
use domain::testing::context;
use support::{Setup, World, cart, delivery, line, near, option, pickup};
use uuid::Uuid;

fn quote(firmness: &str, how: CartCommand) -> Quote {
    let world = World::new(&Setup::default());
    let bowl = line("tonkotsu", 2, vec![option("firmness", firmness, 1)]);
    price_cart(&cart([bowl, how]), Some(near()), &world.market()).unwrap()
}

fn bowl(quote: &Quote) -> BowlSpec {
    quote.content.items[0].bowl.clone().unwrap()
}

fn shown(quote: &Quote) -> Option<FirmerNoodles> {
    quote.content.lines[0].noodles
}

#[test]
fn what_is_brought_is_boiled_a_step_firmer_and_the_quote_says_so() {
    let quote = quote("futsu", delivery());
    let bowl = bowl(&quote);
    assert_eq!(
        (bowl.firmness, bowl.cook_seconds),
        (Some(Firmness::Kata), Seconds::new(35))
    );
    let asked = bowl.asked.unwrap();
    assert_eq!(
        (asked.firmness, asked.cook_seconds),
        (Firmness::Futsu, Seconds::new(45))
    );
    let expected = FirmerNoodles {
        asked: Firmness::Futsu,
        boiled: Firmness::Kata,
    };
    assert_eq!(shown(&quote), Some(expected));
}

#[test]
fn the_firmest_of_the_item_stays() {
    let quote = quote("kata", delivery());
    let bowl = bowl(&quote);
    assert_eq!(
        (bowl.firmness, bowl.cook_seconds),
        (Some(Firmness::Kata), Seconds::new(35))
    );
    assert_eq!((bowl.asked, shown(&quote)), (None, None));
}

#[test]
fn what_is_fetched_is_boiled_as_asked() {
    let quote = quote("futsu", pickup());
    let bowl = bowl(&quote);
    assert_eq!(
        (bowl.firmness, bowl.cook_seconds),
        (Some(Firmness::Futsu), Seconds::new(45))
    );
    assert_eq!((bowl.asked, shown(&quote)), (None, None));
}

fn checked_out() -> Order {
    let world = World::new(&Setup::default());
    let market = world.market();
    let bowl = line("tonkotsu", 2, vec![option("firmness", "futsu", 1)]);
    let cart = cart([bowl, delivery()]);
    let quote = price_cart(&cart, Some(near()), &market).unwrap();
    let request = CheckoutRequest {
        cart: CartId::new(Uuid::from_u128(4)),
        quote_id: quote.quote_id,
        order: OrderId::new(Uuid::from_u128(3)),
        payment: PaymentId::new(Uuid::from_u128(5)),
        place: Some(near()),
        acknowledged: None,
    };
    replay(
        &check_out(&cart, &request, &market, &context())
            .unwrap()
            .order,
    )
}

fn after(mut order: Order, commands: impl IntoIterator<Item = OrderCommand>) -> Order {
    for command in commands {
        for event in order.decide(command, &context()).unwrap() {
            order.evolve(&event);
        }
    }
    order
}

fn accepted() -> Order {
    let order = checked_out();
    let payment = order.body().unwrap().terms.payment;
    let accept = OrderCommand::Accept {
        prep_minutes: Minutes::new(10),
    };
    after(order, [OrderCommand::Authorise { payment }, accept])
}

fn switch() -> OrderCommand {
    OrderCommand::SwitchToPickup {
        by: Actor::Customer {
            id: CustomerId::new(Uuid::from_u128(1)),
        },
    }
}

#[test]
fn who_fetches_after_all_gets_them_as_asked_while_they_are_raw() {
    let order = after(accepted(), [switch()]);
    let body = order.body().unwrap();
    for spec in body
        .bowls
        .iter()
        .map(|clock| &clock.spec)
        .chain(&body.bill.lines[0].bowl)
    {
        assert_eq!(
            (spec.firmness, spec.cook_seconds),
            (Some(Firmness::Futsu), Seconds::new(45))
        );
        assert_eq!(spec.asked, None);
    }
    assert_eq!(body.bill.quote[0].noodles, None);
    let fire = OrderCommand::Fire { automatic: false };
    let order = after(accepted(), [fire, switch()]);
    let body = order.body().unwrap();
    assert_eq!(body.bowls[0].spec.cook_seconds, Seconds::new(35));
    assert!(body.bill.quote[0].noodles.is_some());
}

#[test]
fn an_order_keeps_its_seller_and_what_the_marketplace_keeps() {
    let order = checked_out();
    let terms = &order.body().unwrap().terms;
    let world = World::new(&Setup::default());
    let live = world.shop.live().unwrap();
    let seller = terms.seller.clone().unwrap();
    assert_eq!(
        (&seller.tax_id, &seller.address),
        (&live.terms.tax_id, &live.profile.address_text)
    );
    assert_eq!(
        terms.commission,
        Some(live.terms.commission_on(terms.service_date))
    );
}
