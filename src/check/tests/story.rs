//! What happened in the world of the tests, event by event, as JSON in the frozen wire forms: a shop, a
//! driver, and five orders that end in five ways.

use serde_json::{Value, json};

/// An event of the story: kind, stream, body.
pub(super) type Told = (&'static str, String, Value);

/// The day that all of it happens on.
const DAY: &str = "2026-11-20";

/// A frozen form as the starting point of an event.
macro_rules! frozen {
    ($name:literal) => {
        serde_json::from_str::<Value>(include_str!(concat!(
            "../../../domain/tests/frozen/",
            $name,
            ".v1.json"
        )))
        .unwrap()
    };
}

/// The id of this number; plants name the same ids in SQL.
pub(super) fn id(number: u32) -> String {
    format!("01900000-0000-7000-8000-{number:012}")
}

/// The one shop, its menu and its stock.
pub(super) fn shop() -> String {
    id(2)
}

fn driver() -> String {
    id(6)
}

/// One checkout and what belongs to it; `n` from 1.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Checkout(pub(super) u32);

impl Checkout {
    fn cart(self) -> String {
        id(self.0 * 10 + 1)
    }

    /// The order, which is also the hold.
    pub(super) fn order(self) -> String {
        id(self.0 * 10 + 2)
    }

    /// The payment.
    pub(super) fn payment(self) -> String {
        id(self.0 * 10 + 3)
    }

    fn delivery(self) -> String {
        id(self.0 * 10 + 4)
    }

    /// Who ordered.
    pub(super) fn customer(self) -> String {
        id(self.0 * 10 + 5)
    }

    fn refund(self) -> String {
        id(self.0 * 10 + 6)
    }

    /// The vendor's name for the payment.
    pub(super) fn intent(self) -> String {
        format!("pi_{}", self.0)
    }

    fn told(self, minute: u32) -> String {
        format!("{DAY}T{:02}:{minute:02}:00Z", 9 + self.0)
    }
}

/// Those who redeem the promotion.
const REDEEMERS: [Checkout; 3] = [Checkout(1), Checkout(2), Checkout(5)];

/// Everything, in the order in which it was recorded.
pub(super) fn story() -> Vec<Told> {
    let mut story = shop_opens();
    let [one, two, three, four, five, six] = [1, 2, 3, 4, 5, 6].map(Checkout);
    story.extend(shop_is_staffed());
    for (checkout, fulfilment) in [(one, "delivery"), (two, "pickup"), (three, "pickup")] {
        story.extend(checks_out(checkout, fulfilment));
        story.extend(pays(checkout));
    }
    for checkout in [four, five] {
        story.extend(checks_out(checkout, "delivery"));
    }
    story.extend(promotes());
    for checkout in REDEEMERS {
        story.push(redeems(checkout));
    }
    story.extend(runs_short(one));
    story.extend(accepts(one));
    story.extend(is_changed(one));
    story.extend(cooks(one));
    story.extend(delivers(one));
    story.extend(accepts(two));
    story.extend(cooks(two));
    story.extend(cooks_again(two));
    story.extend(is_made_again(two, Checkout(7)));
    story.push(order(two, json!({"type": "collected", "at": two.told(40)})));
    story.push(is_stuck(three));
    story.extend(cancels_before_acceptance(three));
    story.extend(pays(four));
    story.extend(accepts(four));
    story.extend(cancels_while_cooking(four));
    story.extend(expires(five));
    story.push(promotion(json!({
        "type": "redemption_released", "order": five.order(), "customer": five.customer(),
        "at": five.told(30),
    })));
    story.push(cart(six, opened(six)));
    story.push(cart(six, json!({"type": "abandoned", "at": six.told(9)})));
    story
}

fn order(of: Checkout, body: Value) -> Told {
    ("ordering.order", of.order(), body)
}

fn payment(of: Checkout, body: Value) -> Told {
    ("payment.payment", of.payment(), body)
}

fn cart(of: Checkout, body: Value) -> Told {
    ("ordering.cart", of.cart(), body)
}

fn delivery(of: Checkout, body: Value) -> Told {
    ("delivery.delivery", of.delivery(), body)
}

fn stock(body: Value) -> Told {
    ("restaurant.inventory", shop(), body)
}

fn promotion(body: Value) -> Told {
    ("restaurant.promotion", id(7), body)
}

/// A promotion for three orders, once for each customer, and one that needs no code.
fn promotes() -> Vec<Told> {
    let book = |body: Value| ("restaurant.promotion_book", shop(), body);
    vec![
        promotion(frozen!("restaurant.promotion.created")),
        promotion(json!({"type": "limits_set", "limits": {"total": 3, "per_customer": 1}})),
        book(frozen!("restaurant.promotion_book.listed")),
        book(frozen!("restaurant.promotion_book.delisted")),
    ]
}

fn redeems(of: Checkout) -> Told {
    promotion(with(
        frozen!("restaurant.promotion.redeemed"),
        [
            ("order", of.order().into()),
            ("customer", of.customer().into()),
            ("restaurant", shop().into()),
        ],
    ))
}

fn with<const N: usize>(mut body: Value, members: [(&str, Value); N]) -> Value {
    for (name, value) in members {
        body[name] = value;
    }
    body
}

/// Amounts of an order that redeems the promotion; they come to the same price as all others.
fn discounted() -> Value {
    let amount = |kind: &str, minor: i64, payer: &str, payee: &str| {
        json!({
            "kind": kind, "reference": "1", "label": {"en": "Tonkotsu ramen"}, "amount_minor": minor,
            "payer": payer, "payee": payee, "seller": "shop", "tax_bp": 800, "tax_minor": 0,
        })
    };
    let off = amount("discount", -98, "shop", "customer");
    let off = with(off, [("promotion", id(7).into())]);
    json!([amount("item", 1078, "customer", "shop"), off])
}

fn price() -> Value {
    json!({"amount_minor": 980, "currency": "JPY"})
}

fn shop_opens() -> Vec<Told> {
    let shop_event = |body: Value| ("restaurant.restaurant", shop(), body);
    let menu = |body: Value| ("restaurant.menu", shop(), body);
    let drive = |body: Value| ("driver.driver", driver(), body);
    let item = |available: bool| json!({"type": "availability_set", "item": "miso", "available": available});
    let receive = |ingredient: &str, amount: i64| {
        stock(json!({"type": "received", "ingredient": ingredient, "amount": amount}))
    };
    vec![
        shop_event(with(
            frozen!("restaurant.restaurant.registered"),
            [("id", shop().into())],
        )),
        shop_event(frozen!("restaurant.restaurant.hours_set")),
        shop_event(frozen!("restaurant.restaurant.zones_set")),
        shop_event(frozen!("restaurant.restaurant.terms_set")),
        menu(frozen!("restaurant.menu.published")),
        shop_event(frozen!("restaurant.restaurant.submitted")),
        shop_event(frozen!("restaurant.restaurant.approved")),
        shop_event(frozen!("restaurant.restaurant.profile_updated")),
        shop_event(frozen!("restaurant.restaurant.paused")),
        shop_event(frozen!("restaurant.restaurant.resumed")),
        menu(item(false)),
        menu(item(true)),
        menu(frozen!("restaurant.menu.price_set")),
        menu(frozen!("restaurant.menu.option_price_set")),
        menu(frozen!("restaurant.menu.option_availability_set")),
        menu(with(
            frozen!("restaurant.menu.option_availability_set"),
            [("available", true.into())],
        )),
        receive("noodles", 20_000),
        receive("broth", 20_000),
        receive("egg", 50),
        stock(frozen!("restaurant.inventory.wasted")),
        stock(json!({"type": "recounted", "ingredient": "egg", "counted": 40, "shortfall": 0})),
        stock(json!({"type": "eighty_sixed", "ingredient": "egg"})),
        stock(json!({"type": "eighty_six_lifted", "ingredient": "egg"})),
        drive(frozen!("driver.driver.registered")),
        drive(frozen!("driver.driver.approved")),
    ]
}

/// Who works at the shop and with what: one of each stays, one leaves.
fn shop_is_staffed() -> Vec<Told> {
    let shop_event = |body: Value| ("restaurant.restaurant", shop(), body);
    let staff = |number: u32| {
        let added = frozen!("restaurant.restaurant.staff_added");
        shop_event(with(added, [("staff", id(number).into())]))
    };
    let device = |name: &str, number: u32| {
        shop_event(json!({
            "type": name, "device": id(number), "name": "Counter tablet", "silent_for": 3,
            "at": format!("{DAY}T08:30:00Z"),
        }))
    };
    vec![
        shop_event(frozen!("restaurant.restaurant.capacity_set")),
        staff(81),
        staff(82),
        shop_event(json!({"type": "staff_removed", "staff": id(82)})),
        device("device_added", 83),
        device("device_added", 84),
        device("device_heard", 83),
        device("device_missed", 83),
        device("device_heard", 84),
        device("device_removed", 84),
    ]
}

/// A bill that comes to what was agreed, under the members of a frozen form.
fn billed(body: Value) -> Value {
    let mut body = body;
    let agreed = frozen!("ordering.order.checked_out");
    body["bill"]["quote"] = agreed["quote"].clone();
    body["bill"]["total"] = agreed["total"].clone();
    body
}

/// A line is reported short, and what becomes of it comes to the same price; so does an amendment.
fn runs_short(of: Checkout) -> Vec<Told> {
    let at = || [("at", of.told(11).into())];
    vec![
        order(of, with(frozen!("ordering.order.short_reported"), at())),
        order(
            of,
            with(billed(frozen!("ordering.order.short_settled")), at()),
        ),
        order(of, with(billed(frozen!("ordering.order.amended")), at())),
    ]
}

/// Somebody acts in the shop's place, and the door is put right.
fn is_changed(of: Checkout) -> Vec<Told> {
    let at = || [("at", of.told(16).into())];
    vec![
        order(of, with(frozen!("ordering.order.courier_requested"), at())),
        order(of, with(frozen!("ordering.order.door_corrected"), at())),
        order(of, with(frozen!("ordering.order.acted_on_behalf"), at())),
    ]
}

/// Nobody answers, and somebody is told of it.
fn is_stuck(of: Checkout) -> Told {
    let stalled = frozen!("ordering.order.stalled");
    order(of, with(stalled, [("at", of.told(19).into())]))
}

fn opened(of: Checkout) -> Value {
    with(
        frozen!("ordering.cart.opened"),
        [
            ("customer", of.customer().into()),
            ("restaurant", shop().into()),
            ("at", of.told(0).into()),
        ],
    )
}

fn checks_out(of: Checkout, fulfilment: &str) -> Vec<Told> {
    let terms = frozen!("ordering.order.checked_out");
    let fulfilment = match fulfilment {
        "delivery" => terms["fulfilment"].clone(),
        _ => json!({"type": "pickup"}),
    };
    let terms = with(
        terms,
        [
            ("cart", of.cart().into()),
            ("payment", of.payment().into()),
            ("customer", of.customer().into()),
            ("restaurant", shop().into()),
            ("number", of.0.into()),
            ("fulfilment", fulfilment.clone()),
            ("at", of.told(9).into()),
        ],
    );
    let terms = if REDEEMERS.contains(&of) {
        with(terms, [("quote", discounted())])
    } else {
        terms
    };
    let needs = json!([
        {"ingredient": "noodles", "amount": 150},
        {"ingredient": "broth", "amount": 350},
    ]);
    let held = json!({
        "type": "hold_opened", "hold": of.order(), "needs": needs, "number": of.0,
        "service_date": DAY, "expires_at": of.told(24),
    });
    let requested = json!({
        "type": "requested", "order": of.order(), "customer": of.customer(),
        "restaurant": shop(), "amount": price(), "attempt": 1, "at": of.told(9),
    });
    vec![
        cart(of, opened(of)),
        cart(of, frozen!("ordering.cart.line_added")),
        cart(of, frozen!("ordering.cart.line_changed")),
        cart(
            of,
            json!({"type": "fulfilment_set", "fulfilment": fulfilment}),
        ),
        cart(of, frozen!("ordering.cart.tip_set")),
        cart(
            of,
            json!({"type": "checked_out", "order": of.order(), "at": of.told(9)}),
        ),
        order(of, terms),
        order(
            of,
            with(
                frozen!("ordering.order.promise_made"),
                [("at", of.told(9).into())],
            ),
        ),
        stock(held),
        payment(of, requested),
        payment(of, json!({"type": "intent_created", "intent": of.intent()})),
    ]
}

fn pays(of: Checkout) -> Vec<Told> {
    let at = of.told(10);
    vec![
        payment(
            of,
            json!({"type": "declined", "code": "card_declined", "at": at}),
        ),
        payment(of, json!({"type": "action_required", "at": at})),
        payment(of, json!({"type": "authorized", "at": at})),
        order(of, json!({"type": "placed", "at": at})),
        stock(json!({"type": "hold_committed", "hold": of.order()})),
    ]
}

fn accepts(of: Checkout) -> Vec<Told> {
    let at = of.told(12);
    let accepted = with(
        frozen!("ordering.order.accepted"),
        [("at", at.clone().into())],
    );
    vec![
        order(of, accepted),
        order(
            of,
            json!({"type": "acknowledged", "device": "counter tablet", "at": at}),
        ),
        payment(
            of,
            json!({"type": "capture_requested", "amount": price(), "at": at}),
        ),
        payment(of, json!({"type": "captured", "amount": price(), "at": at})),
        order(
            of,
            json!({"type": "fired", "automatic": false, "at": of.told(15)}),
        ),
        stock(json!({"type": "hold_consumed", "hold": of.order()})),
    ]
}

fn cooks(of: Checkout) -> Vec<Told> {
    let deadline = of.told(50);
    let bowl = |name: &str, minute: u32| json!({"type": name, "line": 1, "bowl": 1, "at": of.told(minute)});
    vec![
        order(of, bowl("bowl_boiled", 17)),
        order(
            of,
            with(
                bowl("bowl_sealed", 18),
                [("deadline", deadline.clone().into())],
            ),
        ),
        order(
            of,
            json!({"type": "ready", "slurp_deadline": deadline, "at": of.told(19)}),
        ),
    ]
}

/// What was packed is cooked once more: the stock gives it at once, and the promise moves.
fn cooks_again(of: Checkout) -> Vec<Told> {
    let mut told = vec![
        order(
            of,
            with(
                frozen!("ordering.order.refired"),
                [("at", of.told(20).into()), ("slurp_deadline", Value::Null)],
            ),
        ),
        stock(json!({
            "type": "cooked_again", "order": of.order(), "refire": id(13),
            "needs": [{"ingredient": "noodles", "amount": 150}],
        })),
        order(
            of,
            with(
                frozen!("ordering.order.promise_moved"),
                [("at", of.told(20).into())],
            ),
        ),
    ];
    told.extend(cooks(of));
    told
}

/// A bowl of an order is offered to be made again, declined, and then made again after all, for nothing.
fn is_made_again(of: Checkout, again: Checkout) -> Vec<Told> {
    let (offered, at) = (frozen!("ordering.order.remake_offered"), of.told(21));
    let zero = json!({"amount_minor": 0, "currency": "JPY"});
    let terms = with(
        frozen!("ordering.order.checked_out"),
        [
            ("cart", of.cart().into()),
            ("payment", again.payment().into()),
            ("customer", of.customer().into()),
            ("restaurant", shop().into()),
            ("number", 6.into()),
            ("fulfilment", json!({"type": "pickup"})),
            ("quote", json!([])),
            ("total", zero.clone()),
            ("remake_of", json!({"order": of.order(), "fault": "shop"})),
            ("at", at.clone().into()),
        ],
    );
    let held = json!({
        "type": "hold_opened", "hold": again.order(), "service_date": DAY, "number": 6,
        "needs": [{"ingredient": "noodles", "amount": 150}], "expires_at": of.told(36),
    });
    let requested = json!({
        "type": "requested", "order": again.order(), "customer": of.customer(),
        "restaurant": shop(), "amount": zero, "attempt": 1, "at": at,
    });
    let remade = with(
        frozen!("ordering.order.remade"),
        [("remake", again.order().into()), ("at", at.clone().into())],
    );
    vec![
        order(of, with(offered, [("at", at.clone().into())])),
        order(
            of,
            with(
                frozen!("ordering.order.remake_declined"),
                [("at", at.clone().into())],
            ),
        ),
        order(of, remade),
        order(again, terms),
        order(again, json!({"type": "placed", "at": at})),
        stock(held),
        payment(again, requested),
        payment(again, json!({"type": "authorized", "at": at})),
        stock(json!({"type": "hold_committed", "hold": again.order()})),
        order(
            again,
            json!({"type": "rejected", "reason": "closing", "at": at}),
        ),
        stock(json!({"type": "hold_released", "hold": again.order(), "reason": "rejected"})),
        payment(again, json!({"type": "voided", "at": at})),
    ]
}

fn delivers(of: Checkout) -> Vec<Told> {
    let at = of.told(30);
    let requested = with(
        frozen!("delivery.delivery.requested"),
        [
            ("order", of.order().into()),
            ("customer", of.customer().into()),
            ("restaurant", shop().into()),
            ("number", of.0.into()),
        ],
    );
    let plain = |name: &str| json!({"type": name, "at": at});
    let assigned = with(
        frozen!("delivery.delivery.assigned"),
        [("driver", driver().into())],
    );
    vec![
        delivery(of, requested),
        delivery(of, assigned.clone()),
        delivery(of, frozen!("delivery.delivery.unassigned")),
        delivery(of, assigned),
        delivery(of, plain("arrived_at_pickup")),
        delivery(of, frozen!("delivery.delivery.pickup_verified")),
        delivery(of, plain("picked_up")),
        order(
            of,
            json!({"type": "picked_up", "driver": driver(), "inferred": false, "at": at}),
        ),
        delivery(of, plain("departed")),
        delivery(of, plain("arrived_at_dropoff")),
        // Late news: a fact, and no step back.
        delivery(of, plain("departed")),
        delivery(of, frozen!("delivery.delivery.contact_attempted")),
        delivery(of, plain("pin_failed")),
        delivery(of, frozen!("delivery.delivery.delivered")),
        order(of, json!({"type": "delivered", "proof": "photo", "at": at})),
        order(of, json!({"type": "completed", "at": of.told(59)})),
    ]
}

fn cancelled(of: Checkout, role: &str, fault: &str) -> Told {
    let by = json!({"type": role, "id": of.customer()});
    let body = json!({
        "type": "cancelled", "by": by, "reason": "changed plans", "fault": fault,
        "at": of.told(20),
    });
    order(of, body)
}

fn cancels_before_acceptance(of: Checkout) -> Vec<Told> {
    let at = of.told(21);
    vec![
        cancelled(of, "customer", "customer"),
        stock(json!({"type": "hold_released", "hold": of.order(), "reason": "cancelled"})),
        payment(
            of,
            json!({"type": "void_requested", "reason": "order_cancelled", "at": at}),
        ),
        payment(of, json!({"type": "voided", "at": at})),
    ]
}

fn cancels_while_cooking(of: Checkout) -> Vec<Told> {
    let at = of.told(21);
    let asked = json!({
        "type": "refund_requested", "refund": of.refund(), "amount": price(),
        "reason": "order_cancelled", "at": at,
    });
    let done = json!({
        "type": "refunded", "refund": of.refund(), "vendor_refund": "re_4", "at": at,
    });
    vec![
        cancelled(of, "ops", "shop"),
        payment(of, asked),
        payment(of, done),
    ]
}

fn expires(of: Checkout) -> Vec<Told> {
    let at = of.told(25);
    vec![
        order(of, json!({"type": "expired", "at": at})),
        stock(json!({"type": "hold_released", "hold": of.order(), "reason": "expired"})),
        payment(
            of,
            json!({"type": "void_requested", "reason": "order_expired", "at": at}),
        ),
        payment(of, json!({"type": "voided", "at": at})),
    ]
}
