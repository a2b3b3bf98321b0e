//! What a shop may offer instead of something that is short: nothing with more in it than the customer was shown.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

#[expect(dead_code, reason = "each test binary uses its part")]
mod support;

use domain::decider::{Rejection, replay};
use domain::joint::checkout::{CheckoutRequest, check_out};
use domain::joint::price_cart::price_cart;
use domain::joint::substitute::substitute;
use domain::kernel::ids::{CartId, OrderId, PaymentId};
use domain::ordering::cart::CartCommand;
use domain::ordering::line::OptionChoice;
use domain::ordering::order::Order;
use domain::testing::context;
use support::{Setup, World, bowl, cart, key, line, option, pickup};
use uuid::Uuid;

/// The codes and pointers of what is refused when this is offered in an order of those lines.
fn refused(
    world: &World,
    lines: impl IntoIterator<Item = CartCommand>,
    item: &str,
    options: Vec<OptionChoice>,
) -> Vec<(String, String)> {
    let cart = cart(lines.into_iter().chain([pickup()]));
    let market = world.market();
    let quote_id = price_cart(&cart, None, &market).unwrap().quote_id;
    let request = CheckoutRequest {
        cart: CartId::new(Uuid::from_u128(4)),
        quote_id,
        order: OrderId::new(Uuid::from_u128(3)),
        payment: PaymentId::new(Uuid::from_u128(5)),
        place: None,
        acknowledged: None,
    };
    let done = check_out(&cart, &request, &market, &context()).unwrap();
    let order: Order = replay(&done.order);
    let offered = substitute(order.body().unwrap(), &world.menu, key(item), options);
    let faults = offered.map_or_else(|refused| refused.faults(), |_| Vec::new());
    let named = |fault: domain::decider::Fault| (fault.code, fault.pointer);
    let mut named: Vec<_> = faults.into_iter().map(named).collect();
    named.dedup();
    named
}

#[test]
fn a_substitute_has_no_allergen_that_the_order_did_not_come_with() {
    let world = World::new(&Setup::default());
    let kata = || option("firmness", "kata", 1);
    let egg = || option("toppings", "egg", 1);
    let not_agreed = [(
        "allergen_not_agreed".to_owned(),
        "/substitute/item".to_owned(),
    )];
    let with_egg = || vec![kata(), egg()];
    assert_eq!(refused(&world, [bowl(1)], "tonkotsu", vec![kata()]), []);
    assert_eq!(
        refused(&world, [bowl(1)], "tonkotsu", with_egg()),
        not_agreed
    );
    // What the brewer has not said counts as more than what is known to be free.
    assert_eq!(refused(&world, [bowl(1)], "beer", vec![]), not_agreed);
    let egg_bowl = || line("tonkotsu", 1, with_egg());
    assert_eq!(refused(&world, [egg_bowl()], "tonkotsu", with_egg()), []);
    assert_eq!(refused(&world, [egg_bowl()], "tonkotsu", vec![kata()]), []);
}
