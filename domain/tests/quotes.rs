//! Quotes: every refusal with its place, every amount as a line, and sums that add up in any currency.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

#[expect(dead_code, reason = "each test binary uses its part")]
mod support;

use std::collections::BTreeMap;

use chrono::TimeDelta;
use domain::decider::Decider;
use domain::joint::Market;
use domain::joint::price_cart::price_cart;
use domain::kernel::allergen::{Allergen, Presence};
use domain::kernel::money::BasisPoints;
use domain::kernel::tax::TaxClass;
use domain::ordering::cart::{Cart, CartCommand};
use domain::ordering::quote::{Party, Quote, QuoteLine, QuoteLineKind};
use domain::restaurant::menu::MenuEvent;
use domain::restaurant::restaurant::{PauseKind, Restaurant, RestaurantEvent, TaxMode};
use domain::testing::test_now;
use proptest::prelude::*;
use support::{Setup, World, bowl, cart, delivery, far, key, line, near, option, pickup};

fn world() -> World {
    World::new(&Setup::default())
}

/// The faults as `code pointer`, in order.
fn refusals(
    cart: &Cart,
    place: Option<domain::kernel::geo::GeoPoint>,
    market: &Market<'_>,
) -> Vec<String> {
    match price_cart(cart, place, market) {
        Ok(quote) => panic!("not refused: {quote:?}"),
        Err(faults) => faults
            .0
            .iter()
            .map(|fault| format!("{} {}", fault.code, fault.pointer))
            .collect(),
    }
}

fn amounts(quote: &Quote) -> Vec<(QuoteLineKind, i64)> {
    quote
        .content
        .lines
        .iter()
        .map(|line| (line.kind, line.amount_minor))
        .collect()
}

#[test]
fn a_bowl_to_the_door_shows_every_amount() {
    let egg = line(
        "tonkotsu",
        2,
        vec![option("firmness", "kata", 1), option("toppings", "egg", 2)],
    );
    let cart = cart([egg, delivery(), CartCommand::SetTip { amount_minor: 100 }]);
    let quote = price_cart(&cart, Some(near()), &world().market()).unwrap();
    assert_eq!(
        amounts(&quote),
        [
            (QuoteLineKind::Item, 1960),
            (QuoteLineKind::Option, 600),
            (QuoteLineKind::Packaging, 50),
            (QuoteLineKind::DeliveryFee, 350),
            (QuoteLineKind::Tip, 100),
        ]
    );
    assert_eq!(quote.content.total_minor, 3060);
    // 2560 at 8 %, 50 of the shop and 350 of the platform at 10 %: 189.63, 4.55 and 31.82, each rounded once.
    assert_eq!(quote.content.tax_included_minor, 190 + 5 + 32);
    let payees: Vec<_> = quote.content.lines.iter().map(|line| line.payee).collect();
    assert_eq!(
        payees,
        [
            Party::Shop,
            Party::Shop,
            Party::Shop,
            Party::Platform,
            Party::Courier
        ]
    );
    let needs: BTreeMap<_, _> = quote
        .content
        .needs
        .iter()
        .map(|need| (need.ingredient.as_str(), need.amount.get()))
        .collect();
    assert_eq!(
        needs,
        BTreeMap::from([("broth", 700), ("egg", 4), ("noodles", 260)])
    );
    let contains = [Allergen::Gluten, Allergen::Egg, Allergen::Soy];
    assert_eq!(
        quote.content.allergens,
        contains
            .map(|allergen| (allergen, Presence::Contains))
            .into()
    );
    let bowl = quote.content.items[0].bowl.as_ref().unwrap();
    assert_eq!(bowl.cook_seconds.get(), 35, "the chosen firmness decides");
    let promise = quote.content.promise;
    assert_eq!(
        [
            promise.prep.get(),
            promise.travel.get(),
            promise.min.get(),
            promise.max.get()
        ],
        [12, 12, 24, 34]
    );
}

#[test]
fn tax_on_top_is_a_line_of_each_seller_and_rate() {
    let world = World::new(&Setup {
        mode: TaxMode::Exclusive,
        ..Setup::default()
    });
    let cart = cart([bowl(2), line("beer", 1, vec![]), delivery()]);
    let quote = price_cart(&cart, Some(near()), &world.market()).unwrap();
    let tax: Vec<_> = quote
        .content
        .lines
        .iter()
        .filter(|line| line.kind == QuoteLineKind::Tax)
        .map(|line| (line.reference.as_str(), line.amount_minor))
        .collect();
    // 1960 at 8 % · beer 600 and packaging 50 at 10 % · delivery 350 at 10 %.
    assert_eq!(
        tax,
        [("shop/800", 157), ("shop/1000", 65), ("platform/1000", 35)]
    );
    assert_eq!(
        quote.content.total_minor,
        1960 + 600 + 50 + 350 + 157 + 65 + 35
    );
    assert_eq!(quote.content.tax_included_minor, 0);
}

#[test]
fn large_orders_are_promised_later() {
    let quote = price_cart(&cart([bowl(20), pickup()]), None, &world().market()).unwrap();
    // 35 s in the boiler and 20 × 60 s of packing: 20 min 35 s.
    assert_eq!(quote.content.promise.prep.get(), 21);
    assert_eq!(quote.content.promise.travel.get(), 0);
}

#[test]
fn a_small_order_pays_a_fee_and_pickup_has_no_delivery() {
    let quote = price_cart(&cart([bowl(1), pickup()]), None, &world().market()).unwrap();
    let expected = [
        (QuoteLineKind::Item, 980),
        (QuoteLineKind::Packaging, 50),
        (QuoteLineKind::SmallOrderFee, 200),
    ];
    assert_eq!(amounts(&quote), expected);
}

#[test]
fn the_service_fee_is_the_platforms_part_of_the_dishes() {
    let setup = Setup {
        service_fee_bp: 250,
        ..Setup::default()
    };
    let quote = price_cart(
        &cart([bowl(2), pickup()]),
        None,
        &World::new(&setup).market(),
    )
    .unwrap();
    let lines = quote.content.lines.iter();
    let fees: Vec<_> = lines
        .filter(|line| line.kind == QuoteLineKind::ServiceFee)
        .map(|line| (line.amount_minor, line.payee, line.seller, line.tax_class))
        .collect();
    // 2.5 % of 1960.
    let platform = Party::Platform;
    assert_eq!(
        fees,
        [(49, platform, Some(platform), Some(TaxClass::Service))]
    );
}

#[test]
fn a_quote_names_what_it_says_and_nothing_else() {
    let world = world();
    let quote = |cart: &Cart| price_cart(cart, None, &world.market()).unwrap().quote_id;
    let one = cart([bowl(1), pickup()]);
    assert_eq!(quote(&one), quote(&one));
    let later = Market {
        now: test_now() + TimeDelta::minutes(1),
        ..world.market()
    };
    assert_eq!(
        price_cart(&one, None, &later).unwrap().quote_id,
        quote(&one),
        "time alone changes nothing"
    );
    assert_ne!(quote(&cart([bowl(2), pickup()])), quote(&one));
    let regular = line(
        "tonkotsu",
        1,
        vec![option("firmness", "futsu", 1), option("toppings", "egg", 1)],
    );
    assert_ne!(quote(&cart([regular, pickup()])), quote(&one));
}

#[test]
fn everything_that_stands_against_a_cart_is_said_at_once() {
    let mut world = world();
    world.receive("beer", 1);
    let cart = cart([
        line("pizza", 1, vec![]),
        line(
            "tonkotsu",
            1,
            vec![
                option("toppings", "egg", 3),
                option("toppings", "pearl", 1),
                option("size", "big", 1),
            ],
        ),
        line("tonkotsu", 1, vec![option("firmness", "kata", 2)]),
        line("beer", 1, vec![]),
        line("beer", 1, vec![]),
        line("shoyu-combined", 1, vec![]),
        delivery(),
    ]);
    assert_eq!(
        refusals(&cart, Some(far()), &world.market()),
        [
            "out_of_zone /fulfilment/address",
            "item_unknown /lines/1/item",
            "option_unknown /lines/2/options/1",
            "option_unknown /lines/2/options/2",
            "group_below_min /lines/2/options",
            "option_above_max /lines/2/options/0/quantity",
            "group_above_max /lines/2/options",
            "option_above_max /lines/3/options/0/quantity",
            "group_above_max /lines/3/options",
            "pickup_only /lines/6/item",
            "out_of_stock /lines/4",
            "out_of_stock /lines/5",
        ]
    );
}

#[test]
fn an_option_of_another_item_is_unknown_here() {
    let cart = cart([
        line("beer", 1, vec![option("toppings", "egg", 1)]),
        pickup(),
    ]);
    assert_eq!(
        refusals(&cart, None, &world().market()),
        ["option_unknown /lines/1/options/0"]
    );
}

#[test]
fn an_empty_cart_without_fulfilment_says_both() {
    assert_eq!(
        refusals(&cart([]), None, &world().market()),
        ["fulfilment_missing /fulfilment", "empty_cart /lines"]
    );
}

#[test]
fn a_door_without_a_place_is_missing() {
    let cart = cart([bowl(2), delivery()]);
    assert_eq!(
        refusals(&cart, None, &world().market()),
        ["address_missing /fulfilment/address"]
    );
}

#[test]
fn below_the_zones_minimum_is_refused() {
    let cart = cart([bowl(1), delivery()]);
    assert_eq!(
        refusals(&cart, Some(near()), &world().market()),
        ["below_minimum /lines"]
    );
}

#[test]
fn less_than_can_be_charged_is_refused_and_nothing_is_not() {
    let mut setup = Setup {
        tonkotsu: 49,
        packaging_fee: 0,
        small_order: None,
        minimum: 0,
        ..Setup::default()
    };
    let cart = cart([bowl(1), pickup()]);
    let refused = refusals(&cart, None, &World::new(&setup).market());
    assert_eq!(refused, ["below_payment_minimum "]);
    setup.tonkotsu = 0;
    assert_eq!(
        price_cart(&cart, None, &World::new(&setup).market())
            .unwrap()
            .content
            .total_minor,
        0
    );
}

#[test]
fn a_shop_that_does_not_sell_now_is_refused() {
    let cart = cart([bowl(2), pickup()]);
    let world = world();
    let closed = Market {
        now: test_now() + TimeDelta::hours(12),
        ..world.market()
    };
    assert_eq!(refusals(&cart, None, &closed), ["shop_closed /restaurant"]);
    let reason = || domain::kernel::text::Reason::parse("boiler").unwrap();
    let mut shop = world.shop.clone();
    shop.evolve(&RestaurantEvent::Paused {
        reason: reason(),
        until: None,
        kind: PauseKind::ByStaff,
    });
    let paused = Market {
        shop: &shop,
        ..world.market()
    };
    assert_eq!(refusals(&cart, None, &paused), ["shop_paused /restaurant"]);
    shop.evolve(&RestaurantEvent::Suspended { reason: reason() });
    let suspended = Market {
        shop: &shop,
        ..world.market()
    };
    assert_eq!(
        refusals(&cart, None, &suspended),
        ["shop_not_live /restaurant"]
    );
    let unknown = Market {
        shop: &Restaurant::default(),
        ..world.market()
    };
    assert_eq!(
        refusals(&cart, None, &unknown),
        ["shop_not_live /restaurant"]
    );
}

#[test]
fn a_menu_that_is_missing_or_in_another_currency_is_refused() {
    let cart = cart([bowl(2), pickup()]);
    let world = world();
    let none = domain::restaurant::menu::Menu::default();
    let without = Market {
        menu: &none,
        ..world.market()
    };
    assert_eq!(
        refusals(&cart, None, &without),
        ["menu_missing /restaurant"]
    );
    let euro = World::new(&Setup {
        currency: "EUR",
        ..Setup::default()
    });
    let mixed = Market {
        menu: &euro.menu,
        ..world.market()
    };
    assert_eq!(
        refusals(&cart, None, &mixed),
        ["currency_mismatch /restaurant"]
    );
}

#[test]
fn an_item_that_is_off_or_out_is_refused() {
    let cart = cart([bowl(2), pickup()]);
    let mut world = world();
    world.menu.evolve(&MenuEvent::AvailabilitySet {
        item: key("tonkotsu"),
        available: false,
    });
    assert_eq!(
        refusals(&cart, None, &world.market()),
        ["item_unavailable /lines/1/item"]
    );
    world.menu.evolve(&MenuEvent::AvailabilitySet {
        item: key("tonkotsu"),
        available: true,
    });
    world.receive("noodles", 259);
    assert_eq!(
        refusals(&cart, None, &world.market()),
        ["out_of_stock /lines/1"]
    );
    world.receive("noodles", 1);
    assert!(price_cart(&cart, None, &world.market()).is_ok());
}

#[test]
fn a_cart_that_is_not_open_or_too_old_has_no_quote() {
    let abandoned = cart([bowl(2), CartCommand::Abandon]);
    assert_eq!(
        refusals(&abandoned, None, &world().market()),
        ["cart_not_open "]
    );
    let world = world();
    let late = Market {
        now: test_now() + TimeDelta::hours(24),
        ..world.market()
    };
    assert_eq!(
        refusals(&cart([bowl(2), pickup()]), None, &late)[0],
        "cart_expired "
    );
}

#[test]
fn amounts_beyond_counting_are_refused() {
    let most = 1_000_000_000_000;
    let world = World::new(&Setup {
        tonkotsu: most,
        egg: most,
        ..Setup::default()
    });
    let full = |_| {
        line(
            "tonkotsu",
            99,
            vec![option("firmness", "kata", 1), option("toppings", "egg", 2)],
        )
    };
    // 50 lines of 99 bowls with two eggs at the highest price: 1.5·10¹⁶ minor units still add up.
    let cart = cart((0..50).map(full).chain([pickup()]));
    let quote = price_cart(&cart, None, &world.market()).unwrap();
    assert_eq!(quote.content.total_minor, 50 * 99 * 3 * most + 50);
}

/// What a random quote is made of.
#[derive(Clone, Debug)]
struct Case {
    setup: Setup,
    lines: Vec<(u32, u32, u32)>,
    tip: i64,
    to_door: bool,
}

fn case() -> impl Strategy<Value = Case> {
    let price = || prop_oneof![Just(0), 1..50_i64, 50..200_000_i64, Just(1_000_000_000_000)];
    let rate = || prop_oneof![Just(0), Just(700), Just(800), Just(1900), 0..100_001_u32];
    let setup = (
        prop::sample::select(vec!["JPY", "EUR", "KWD"]),
        prop::bool::ANY.prop_map(|inclusive| {
            if inclusive {
                TaxMode::Inclusive
            } else {
                TaxMode::Exclusive
            }
        }),
        (rate(), rate()),
        (price(), price(), price()),
        (price(), prop::option::of((price(), price()))),
        (price(), prop_oneof![Just(0), 0..10_001_u32]),
    )
        .prop_map(
            |(
                currency,
                mode,
                (food_bp, fee_bp),
                (tonkotsu, egg, beer),
                (packaging_fee, small_order),
                (delivery_fee, service_fee_bp),
            )| {
                Setup {
                    currency,
                    mode,
                    food_bp,
                    fee_bp,
                    delivery_fee,
                    minimum: 0,
                    packaging_fee,
                    service_fee_bp,
                    small_order,
                    tonkotsu,
                    egg,
                    beer,
                }
            },
        );
    let line = (0..4_u32, 0..3_u32, 1..100_u32);
    (
        setup,
        prop::collection::vec(line, 1..8),
        0..10_000_i64,
        prop::bool::ANY,
    )
        .prop_map(|(setup, lines, tip, to_door)| Case {
            setup,
            lines,
            tip,
            to_door,
        })
}

fn cart_of(case: &Case) -> Cart {
    let lines = case.lines.iter().map(|(which, eggs, number)| {
        let mut options = vec![option("firmness", "futsu", 1)];
        if *eggs > 0 {
            options.push(option("toppings", "egg", *eggs));
        }
        if *which == 0 {
            line("beer", *number, vec![])
        } else {
            line("tonkotsu", *number, options)
        }
    });
    let fulfilment = if case.to_door { delivery() } else { pickup() };
    cart(lines.chain([
        fulfilment,
        CartCommand::SetTip {
            amount_minor: case.tip,
        },
    ]))
}

/// What the dishes come to, straight from the prices.
fn goods(case: &Case) -> i64 {
    let each = |(which, eggs, number): &(u32, u32, u32)| {
        let one = if *which == 0 {
            case.setup.beer
        } else {
            case.setup.tonkotsu + case.setup.egg * i64::from(*eggs)
        };
        one * i64::from(*number)
    };
    case.lines.iter().map(each).sum()
}

fn is_goods(line: &QuoteLine) -> bool {
    matches!(line.kind, QuoteLineKind::Item | QuoteLineKind::Option)
}

/// Tax by seller and rate, computed in 128 bits: base × rate ÷ (whole [+ rate]), halves up.
fn tax_by_group(quote: &Quote, mode: TaxMode) -> BTreeMap<(Party, u32), i128> {
    let mut bases: BTreeMap<(Party, u32), i128> = BTreeMap::new();
    for line in &quote.content.lines {
        if let (Some(seller), Some(rate)) = (line.seller, line.tax_bp) {
            *bases.entry((seller, rate.get())).or_default() += i128::from(line.amount_minor);
        }
    }
    for ((_, rate), base) in &mut bases {
        let rate = i128::from(*rate);
        let whole = if mode == TaxMode::Inclusive {
            10_000 + rate
        } else {
            10_000
        };
        *base = (2 * *base * rate + whole) / (2 * whole);
    }
    bases
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn quotes_add_up(case in case()) {
        let world = World::new(&case.setup);
        let quote = match price_cart(&cart_of(&case), case.to_door.then(near), &world.market()) {
            Ok(quote) => quote,
            Err(faults) => {
                // Nothing but a sum too small to charge stands against such a cart.
                prop_assert!(faults.0.iter().all(|fault| fault.code == "below_payment_minimum"), "{}", faults);
                return Ok(());
            }
        };
        let content = &quote.content;
        let of = |wanted: &dyn Fn(&QuoteLine) -> bool| -> i64 {
            content.lines.iter().filter(|line| wanted(line)).map(|line| line.amount_minor).sum()
        };
        prop_assert_eq!(of(&|_| true), content.total_minor);
        prop_assert_eq!(of(&is_goods), goods(&case));
        prop_assert_eq!(of(&|line| line.kind == QuoteLineKind::Tip), case.tip);
        let tax = tax_by_group(&quote, case.setup.mode);
        let all_tax: i128 = tax.values().sum();
        let shares: i128 = content.lines.iter().map(|line| i128::from(line.tax_minor)).sum();
        prop_assert_eq!(shares, all_tax, "the shares are the tax");
        let tax_lines = of(&|line| line.kind == QuoteLineKind::Tax);
        match case.setup.mode {
            TaxMode::Inclusive => prop_assert_eq!((i128::from(content.tax_included_minor), tax_lines), (all_tax, 0)),
            TaxMode::Exclusive => prop_assert_eq!((content.tax_included_minor, i128::from(tax_lines)), (0, all_tax)),
        }
        for line in content.lines.iter().filter(|line| line.seller.is_some()) {
            let rate = line.tax_bp.map_or(0, BasisPoints::get);
            let group = tax[&(line.seller.unwrap(), rate)];
            prop_assert!((0..=group).contains(&i128::from(line.tax_minor)));
        }
        let again = price_cart(&cart_of(&case), case.to_door.then(near), &world.market()).unwrap();
        prop_assert_eq!(again, quote);
    }
}
