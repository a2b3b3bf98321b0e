//! Promotions on quotes and at checkout: what they take off, who pays, and that limits hold under races.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

#[expect(dead_code, reason = "each test binary uses its part")]
mod support;

use domain::decider::{Decider, replay};
use domain::joint::checkout::{CheckoutRejection, CheckoutRequest, check_out};
use domain::joint::price_cart::price_cart;
use domain::joint::{Market, Offer};
use domain::kernel::ids::{CartId, OrderId, PaymentId, PromotionId};
use domain::kernel::money::BasisPoints;
use domain::ordering::cart::{Cart, CartCommand, CartPromotion};
use domain::ordering::quote::{Party, Quote, QuoteLineKind};
use domain::restaurant::promotion::{
    Inapplicable, Promotion, PromotionCommand, PromotionRejection, PromotionTerms,
};
use domain::restaurant::restaurant::TaxMode;
use domain::testing::context;
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{Setup, World, bowl, cart, delivery, line, near, option, pickup, read};
use uuid::Uuid;

/// Terms of the platform's, with these members instead of the usual ones.
fn terms(members: Value) -> PromotionTerms {
    let mut terms = json!({
        "issuer": {"type": "platform"}, "name": {"en": "Ramen week"},
        "target": {"type": "order"},
        "reduction": {"type": "percentage", "rate_bp": 1000}, "platform_bp": 10_000,
    });
    let Value::Object(members) = members else {
        panic!("members are an object")
    };
    terms.as_object_mut().unwrap().extend(members);
    read(terms)
}

fn amount(minor: i64) -> Value {
    json!({"type": "amount", "amount_minor": minor})
}

fn name(promotion: PromotionId) -> CartCommand {
    let code = read(json!("ramen10"));
    CartCommand::SetPromotion {
        promotion: Some(CartPromotion {
            id: promotion,
            code,
        }),
    }
}

fn quoted(cart: &Cart, world: &World) -> Quote {
    price_cart(cart, Some(near()), &world.market_with(&world.offers())).unwrap()
}

fn discounts(quote: &Quote) -> Vec<(&str, i64, Party)> {
    let lines = quote.content.lines.iter();
    lines
        .filter(|line| line.kind == QuoteLineKind::Discount)
        .map(|line| (line.reference.as_str(), line.amount_minor, line.payer))
        .collect()
}

fn refused(cart: &Cart, world: &World) -> Vec<String> {
    let faults = price_cart(cart, Some(near()), &world.market_with(&world.offers())).unwrap_err();
    let texts = faults
        .0
        .iter()
        .map(|fault| format!("{} {}", fault.code, fault.pointer));
    texts.collect()
}

#[test]
fn promotions_are_applied_to_dishes_then_to_the_order_then_to_the_delivery() {
    let mut world = World::new(&Setup::default());
    world.promote(
        3,
        terms(json!({"target": {"type": "delivery"},
            "reduction": amount(1000), "currency": "JPY"})),
    );
    world.promote(2, terms(json!({})));
    world.promote(
        1,
        terms(json!({"target": {"type": "items", "items": ["tonkotsu"]},
            "reduction": {"type": "percentage", "rate_bp": 5000}, "platform_bp": 0})),
    );
    let egg = line(
        "tonkotsu",
        1,
        vec![option("firmness", "kata", 1), option("toppings", "egg", 1)],
    );
    let quote = quoted(&cart([egg, line("beer", 1, vec![]), delivery()]), &world);
    // Half of 980 + 150 by the shop; a tenth of 490 + 75 + 600 by the platform; all of the delivery.
    assert_eq!(
        discounts(&quote),
        [
            ("1", -490, Party::Shop),
            ("1/toppings/egg", -75, Party::Shop),
            ("1", -49, Party::Platform),
            ("1/toppings/egg", -8, Party::Platform),
            ("2", -60, Party::Platform),
            ("zone/near", -350, Party::Platform),
        ]
    );
    let before = 980 + 150 + 600 + 50 + 350;
    assert_eq!(
        quote.content.total_minor,
        before - 490 - 75 - 49 - 8 - 60 - 350
    );
}

#[test]
fn only_what_the_seller_pays_lowers_the_tax() {
    let exclusive = Setup {
        mode: TaxMode::Exclusive,
        ..Setup::default()
    };
    let tax = |platform_bp: u32| {
        let mut world = World::new(&exclusive);
        world.promote(1, terms(json!({"platform_bp": platform_bp})));
        let quote = quoted(&cart([bowl(2), pickup()]), &world);
        let lines = quote.content.lines.iter();
        lines
            .filter(|line| line.kind == QuoteLineKind::Tax && line.reference == "shop/800")
            .map(|line| line.amount_minor)
            .sum::<i64>()
    };
    // 8 % of 1960, of 1764, and of 1862.
    assert_eq!([tax(10_000), tax(0), tax(5_000)], [157, 141, 149]);
}

#[test]
fn an_amount_takes_at_most_all_and_a_split_adds_up() {
    let mut world = World::new(&Setup::default());
    world.promote(
        1,
        terms(json!({"reduction": amount(1_000_000), "currency": "JPY", "platform_bp": 3333})),
    );
    let quote = quoted(&cart([bowl(2), pickup()]), &world);
    let paid: Vec<i64> = discounts(&quote)
        .iter()
        .map(|(_, minor, _)| *minor)
        .collect();
    assert_eq!(paid, [-653, -1307]);
    assert_eq!(quote.content.total_minor, 50, "packaging is left");
    let taken: Vec<i64> = quote
        .discounts()
        .values()
        .map(|money| money.amount_minor())
        .collect();
    assert_eq!(taken, [1960]);
}

#[test]
fn a_code_that_does_not_hold_is_said_and_an_automatic_one_passed_over() {
    let mut world = World::new(&Setup::default());
    let high = terms(json!({"minimum_minor": 5000, "currency": "JPY"}));
    let coded = world.promote(1, high.clone());
    let bowls = [bowl(2), pickup()];
    assert!(discounts(&quoted(&cart(bowls.clone()), &world)).is_empty());
    let with = |promotion| cart(bowls.iter().cloned().chain([name(promotion)]));
    assert_eq!(
        refused(&with(coded), &world),
        ["promotion_below_minimum /promotion"]
    );
    let never = PromotionId::new(Uuid::from_u128(99));
    assert_eq!(
        refused(&with(never), &world),
        ["promotion_unknown /promotion"]
    );
}

#[test]
fn dates_are_service_dates_in_the_shops_zone() {
    // It is Friday the 20th, 19:00 in Tokyo.
    for (first, last, holds) in [
        ("2026-11-20", "2026-11-20", true),
        ("2026-11-21", "2026-11-22", false),
        ("2026-11-18", "2026-11-19", false),
    ] {
        let mut world = World::new(&Setup::default());
        world.promote(1, terms(json!({"first_date": first, "last_date": last})));
        let quote = quoted(&cart([bowl(2), pickup()]), &world);
        assert_eq!(!discounts(&quote).is_empty(), holds, "{first}");
    }
}

#[test]
fn another_promotion_is_another_quote() {
    let cart = cart([bowl(2), pickup()]);
    let mut world = World::new(&Setup::default());
    let before = quoted(&cart, &world);
    world.promote(1, terms(json!({})));
    assert_ne!(quoted(&cart, &world).quote_id, before.quote_id);
}

fn request(quote: &Quote) -> CheckoutRequest {
    CheckoutRequest {
        cart: CartId::new(Uuid::from_u128(4)),
        quote_id: quote.quote_id,
        order: OrderId::new(Uuid::from_u128(3)),
        payment: PaymentId::new(Uuid::from_u128(5)),
        place: Some(near()),
        acknowledged: None,
    }
}

#[test]
fn a_checkout_redeems_each_promotion_that_takes_something_off() {
    let mut world = World::new(&Setup::default());
    let tenth = world.promote(1, terms(json!({})));
    // There is no delivery to take anything off.
    world.promote(2, terms(json!({"target": {"type": "delivery"}})));
    let cart = cart([bowl(2), pickup()]);
    let quote = quoted(&cart, &world);
    let offers = world.offers();
    let market = world.market_with(&offers);
    let done = check_out(&cart, &request(&quote), &market, &context()).unwrap();
    let [(promotion, events)] = done.promotions.as_slice() else {
        panic!("{:?}", done.promotions)
    };
    assert_eq!(*promotion, tenth);
    let mut after = world.promotions[0].1.clone();
    for event in events {
        after.evolve(event);
    }
    assert_eq!(after.body().unwrap().redeemed, 1);
    assert_eq!(done.quote.content.total_minor, 1960 - 196 + 50);
}

#[test]
fn a_promotion_that_was_used_up_since_is_another_quote() {
    let mut world = World::new(&Setup::default());
    world.promote(1, terms(json!({"limits": {"total": 1}})));
    let cart = cart([bowl(2), pickup()]);
    let quote = quoted(&cart, &world);
    let offers = world.offers();
    let done = check_out(
        &cart,
        &request(&quote),
        &world.market_with(&offers),
        &context(),
    )
    .unwrap();
    let mut after = world.promotions[0].1.clone();
    done.promotions[0]
        .1
        .iter()
        .for_each(|event| after.evolve(event));
    let offers = [Offer {
        id: world.promotions[0].0,
        promotion: &after,
    }];
    let market = Market {
        offers: &offers,
        ..world.market()
    };
    let again = check_out(&cart, &request(&quote), &market, &context());
    assert!(matches!(again, Err(CheckoutRejection::QuoteChanged { .. })));
}

/// One who redeems: reads the promotion, decides, and appends when nobody came first.
struct Redeemer {
    order: u128,
    seen: Option<(usize, Promotion)>,
}

/// Redeemers take turns in the order that `turns` draws, each turn a read or an append that the
/// version guards. Gives how many redeemed.
fn race(limit: u32, redeemers: u128, mut turns: impl FnMut(usize) -> usize) -> usize {
    let create = PromotionCommand::Create {
        terms: Box::new(terms(json!({"limits": {"total": limit}}))),
    };
    let mut log = Promotion::default().decide(create, &context()).unwrap();
    let mut waiting: Vec<Redeemer> = (0..redeemers)
        .map(|order| Redeemer { order, seen: None })
        .collect();
    let mut redeemed = 0;
    while !waiting.is_empty() {
        let index = turns(waiting.len());
        let one = &mut waiting[index];
        let Some((version, promotion)) = one.seen.take() else {
            one.seen = Some((log.len(), replay(&log)));
            continue;
        };
        let redeem = PromotionCommand::Redeem {
            order: OrderId::new(Uuid::from_u128(one.order)),
            customer: Uuid::from_u128(one.order).into(),
            restaurant: Uuid::from_u128(2).into(),
            discount: read(json!({"amount_minor": 98, "currency": "JPY"})),
        };
        match promotion.decide(redeem, &context()) {
            Ok(events) if version == log.len() => {
                log.extend(events);
                redeemed += 1;
            }
            // Somebody came first: read again.
            Ok(_) => continue,
            Err(why) => assert_eq!(why, PromotionRejection::Inapplicable(Inapplicable::UsedUp)),
        }
        waiting.swap_remove(index);
    }
    let state: Promotion = replay(&log);
    assert_eq!(state.body().unwrap().redeemed as usize, redeemed);
    redeemed
}

#[test]
fn a_limit_holds_in_a_thousand_rounds_of_thirty_two() {
    // A linear congruential generator (Knuth, MMIX): the rounds differ and repeat.
    let mut drawn: u64 = 20_261_122;
    let mut draw = |below: usize| {
        drawn = drawn
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(drawn >> 33).unwrap() % below
    };
    for round in 0..1000 {
        let limit = 1 + round % 31;
        assert_eq!(race(limit, 32, &mut draw), limit as usize, "round {round}");
    }
}

/// What a random quote with promotions is made of.
#[derive(Clone, Debug)]
struct Case {
    setup: Setup,
    eggs: u32,
    bowls: u32,
    beers: u32,
    tip: i64,
    to_door: bool,
    promotions: Vec<Value>,
}

fn promotion() -> impl Strategy<Value = Value> {
    let target = prop::sample::select(vec![
        json!({"type": "order"}),
        json!({"type": "delivery"}),
        json!({"type": "items", "items": ["tonkotsu"]}),
        json!({"type": "items", "items": ["beer", "gyoza"]}),
    ]);
    let reduction = prop_oneof![
        (1..=10_000_u32).prop_map(|bp| json!({"type": "percentage", "rate_bp": bp})),
        (1..=1_000_000_000_000_i64).prop_map(amount),
        (1..=3_000_i64).prop_map(amount),
    ];
    (target, reduction, 0..=10_000_u32).prop_map(|(target, reduction, platform_bp)| {
        json!({"target": target, "reduction": reduction, "platform_bp": platform_bp})
    })
}

fn case() -> impl Strategy<Value = Case> {
    let price = || prop_oneof![Just(0), 1..50_i64, 50..200_000_i64, Just(1_000_000_000_000)];
    let rate = || prop_oneof![Just(0), Just(800), Just(1900), 0..100_001_u32];
    let setup = (
        prop::sample::select(vec!["JPY", "EUR", "KWD"]),
        prop::sample::select(vec![TaxMode::Inclusive, TaxMode::Exclusive]),
        (rate(), rate()),
        (price(), price(), price()),
        (price(), price(), 0..=2_000_u32),
    )
        .prop_map(|(currency, mode, rates, prices, fees)| Setup {
            currency,
            mode,
            food_bp: rates.0,
            fee_bp: rates.1,
            delivery_fee: fees.0,
            minimum: 0,
            packaging_fee: fees.1,
            service_fee_bp: fees.2,
            small_order: None,
            tonkotsu: prices.0,
            egg: prices.1,
            beer: prices.2,
        });
    (
        setup,
        (0..3_u32, 1..100_u32, 1..100_u32),
        0..10_000_i64,
        prop::bool::ANY,
        prop::collection::vec(promotion(), 1..6),
    )
        .prop_map(
            |(setup, (eggs, bowls, beers), tip, to_door, promotions)| Case {
                setup,
                eggs,
                bowls,
                beers,
                tip,
                to_door,
                promotions,
            },
        )
}

impl Case {
    fn world(&self) -> World {
        let mut world = World::new(&self.setup);
        for (index, members) in self.promotions.iter().enumerate() {
            let mut members = members.clone();
            members["currency"] = json!(self.setup.currency);
            world.promote(index as u128 + 1, terms(members));
        }
        world
    }

    fn cart(&self) -> Cart {
        let mut options = vec![option("firmness", "kata", 1)];
        if self.eggs > 0 {
            options.push(option("toppings", "egg", self.eggs));
        }
        let tip = CartCommand::SetTip {
            amount_minor: self.tip,
        };
        cart([
            line("tonkotsu", self.bowls, options),
            line("beer", self.beers, vec![]),
            if self.to_door { delivery() } else { pickup() },
            tip,
        ])
    }
}

/// What everybody has after the quote is paid: positive is received.
fn settled(quote: &Quote) -> std::collections::BTreeMap<Party, i128> {
    let mut sums = std::collections::BTreeMap::new();
    for line in &quote.content.lines {
        let moved = i128::from(line.amount_minor.unsigned_abs());
        *sums.entry(line.payer).or_default() -= moved;
        *sums.entry(line.payee).or_default() += moved;
    }
    sums
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn quotes_with_discounts_add_up_and_never_fall_below_zero(case in case()) {
        let world = case.world();
        let offers = world.offers();
        let market = world.market_with(&offers);
        let place = case.to_door.then(near);
        let quote = match price_cart(&case.cart(), place, &market) {
            Ok(quote) => quote,
            Err(faults) => {
                prop_assert!(faults.0.iter().all(|fault| fault.code == "below_payment_minimum"), "{}", faults);
                return Ok(());
            }
        };
        let lines = &quote.content.lines;
        prop_assert_eq!(lines.iter().map(|line| line.amount_minor).sum::<i64>(), quote.content.total_minor);
        prop_assert!(quote.content.total_minor >= case.tip);
        let settled = settled(&quote);
        prop_assert_eq!(settled.values().sum::<i128>(), 0, "postings sum to zero");
        prop_assert_eq!(settled[&Party::Customer], -i128::from(quote.content.total_minor));
        for line in lines.iter().filter(|line| line.kind != QuoteLineKind::Discount) {
            let off: i64 = lines
                .iter()
                .filter(|off| off.kind == QuoteLineKind::Discount && off.reference == line.reference)
                .map(|off| off.amount_minor)
                .sum();
            prop_assert!(line.amount_minor + off >= 0, "{:?}", line);
        }
        for line in lines.iter().filter(|line| line.kind == QuoteLineKind::Discount) {
            prop_assert!(line.amount_minor < 0);
            prop_assert_eq!((line.payee, line.tax_minor), (Party::Customer, 0));
            prop_assert!(line.seller.is_none() || line.seller == Some(line.payer));
        }
        prop_assert_eq!(tax_of(&quote, case.setup.mode), lines.iter().map(|line| i128::from(line.tax_minor)).sum::<i128>());
        prop_assert_eq!(price_cart(&case.cart(), place, &market).unwrap(), quote);
    }
}

/// Tax by seller and rate, each rounded once, in 128 bits.
fn tax_of(quote: &Quote, mode: TaxMode) -> i128 {
    let mut bases = std::collections::BTreeMap::<(Party, u32), i128>::new();
    for line in &quote.content.lines {
        if let (Some(seller), Some(rate)) = (line.seller, line.tax_bp) {
            let key = (seller, BasisPoints::get(rate));
            *bases.entry(key).or_default() += i128::from(line.amount_minor);
        }
    }
    let tax = |((_, rate), base): ((Party, u32), i128)| {
        let rate = i128::from(rate);
        let whole = match mode {
            TaxMode::Inclusive => 10_000 + rate,
            TaxMode::Exclusive => 10_000,
        };
        (2 * base * rate + whole) / (2 * whole)
    };
    bases.into_iter().map(tax).sum()
}
