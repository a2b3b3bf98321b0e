//! Receipts: for whom they are, as JSON and as a page, in the reader's language.

use infra::http::policy::Role;
use serde_json::json;

use crate::rows::{self, PAYMENT, order};
use crate::world::{Answer, CUSTOMER, OPS, OWNER, SHOP, STRANGER, World};

/// An order of two bowls and an egg, one of which ran out.
async fn sold(world: &World) {
    rows::shop(world).await;
    rows::placed_order(world, order(1)).await;
    let label = json!({"en": "Miso <b>ramen</b>", "ja": "味噌ラーメン"});
    let sold = |kind: &str, reference: &str, minor: i64, tax: i64| {
        json!({"kind": kind, "reference": reference, "label": label, "amount_minor": minor, "payer": "customer",
               "payee": "shop", "seller": "shop", "tax_class": "food", "tax_bp": 800, "tax_minor": tax})
    };
    let tip = json!({"kind": "tip", "reference": "tip", "amount_minor": 100, "payer": "customer",
                     "payee": "courier", "tax_minor": 0});
    let lines = |quantity: u32| {
        json!([{"line": 1, "item": "miso", "name": label, "quantity": quantity, "unit_price_minor": 1000, "options": [
            {"group": "toppings", "option": "egg", "name": {"en": "Egg", "ja": "味玉"}, "quantity": 1,
             "price_minor": 50}]}])
    };
    let quote = |item, egg, taxes: (i64, i64)| {
        json!([
            sold("item", "1", item, taxes.0),
            sold("option", "1/toppings/egg", egg, taxes.1),
            tip
        ])
    };
    let agreed = json!({"lines": lines(2), "quote": quote(2000, 100, (148, 7))});
    sqlx::query(
        "UPDATE views.order_details SET lines = $2::json, quote = $3::json, agreed = $4::json,
             seller = '{\"name\": \"Umi Foods KK\", \"tax_id\": \"T123\", \"address\": \"1-2-3 Dogenzaka\"}',
             commission = '{\"rate_bp\": 1500, \"base\": \"dishes\", \"fixed_minor\": 30}'
         WHERE order_id = $1",
    )
    .bind(order(1))
    .bind(lines(1).to_string())
    .bind(quote(1000, 50, (74, 4)).to_string())
    .bind(agreed.to_string())
    .execute(&world.owner)
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO views.payments (payment_id, sequence, order_id, customer_id, restaurant_id, stage, attempt,
             amount_minor, captured_minor, refunded_minor, currency, refunds, updated_at)
         VALUES ($1, 5, $2, $3, $4, 'captured', 1, 2200, 2200, 1050, 'JPY',
             '{\"00000000-0000-0000-0000-000000000001\":
                 {\"amount_minor\": 1050, \"reason\": \"order_changed\", \"state\": \"refunded\"}}',
             '2026-11-22T12:05:00Z')",
    )
    .bind(PAYMENT)
    .bind(order(1))
    .bind(CUSTOMER)
    .bind(SHOP)
    .execute(&world.owner)
    .await
    .unwrap();
}

fn path() -> String {
    format!("/v1/orders/{}/receipt", order(1))
}

async fn page(world: &World, language: &str) -> Answer {
    let token = world.token(CUSTOMER, Role::Customer).await;
    let headers = [
        ("authorization", format!("Bearer {token}")),
        ("accept", "text/html,*/*;q=0.8".to_owned()),
        ("accept-language", language.to_owned()),
    ];
    let headers: Vec<(&str, &str)> = headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    world.get(&path(), &headers).await
}

#[tokio::test]
async fn a_receipt_is_for_its_customer_its_shop_and_ops() {
    let world = World::new().await;
    sold(&world).await;
    for (id, role, status) in [
        (CUSTOMER, Role::Customer, 200),
        (OWNER, Role::Owner, 200),
        (OPS, Role::Ops, 200),
        (STRANGER, Role::Customer, 404),
        (STRANGER, Role::Driver, 403),
    ] {
        let token = world.token(id, role).await;
        let answer = world.get_as(&path(), &token).await;
        assert_eq!(answer.status(), status, "{role:?}: {}", answer.body);
        assert!(!answer.body.contains("commission"), "{role:?}");
        assert!(
            !answer.body.contains("Canary"),
            "no address of the customer: {role:?}"
        );
    }
    assert_eq!(world.get(&path(), &[]).await.status(), 401);
}

#[tokio::test]
async fn its_sums_add_up_and_what_ran_out_is_a_negative_line() {
    let world = World::new().await;
    sold(&world).await;
    let token = world.token(CUSTOMER, Role::Customer).await;
    let answer = world.get_as(&path(), &token).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("vary"), "accept, accept-language");
    let receipt = answer.json();
    assert_eq!(receipt["seller"]["tax_id"], "T123");
    assert_eq!(receipt["lines"][0]["amount_minor"], 2000);
    assert_eq!(receipt["lines"][0]["options"][0]["amount_minor"], 100);
    assert_eq!(receipt["agreed_minor"], 2200);
    assert_eq!(receipt["changes"][0]["amount_minor"], -1000);
    assert_eq!(receipt["total_minor"], 1150);
    assert_eq!(
        receipt["taxes"],
        json!([{"seller": "shop", "rate_bp": 800, "mode": "inclusive", "net_minor": 972, "tax_minor": 78,
                "gross_minor": 1050}])
    );
    assert_eq!(receipt["untaxed_minor"], 100);
    assert_eq!(receipt["payment"]["refunds"][0]["amount_minor"], -1050);
    assert_eq!(receipt["payment"]["paid_minor"], 1150);
}

#[tokio::test]
async fn a_page_is_in_the_readers_language_and_runs_nothing() {
    let world = World::new().await;
    sold(&world).await;
    let japanese = page(&world, "ja-JP, en;q=0.5").await;
    assert_eq!(japanese.status(), 200, "{}", japanese.body);
    assert_eq!(japanese.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(japanese.header("content-language"), "ja");
    assert!(japanese.body.contains("領収書") && japanese.body.contains("味噌ラーメン"));
    let policy = japanese.header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe"));
    let english = page(&world, "fr").await;
    assert!(
        english.body.contains("Receipt") && english.body.contains("Miso &lt;b&gt;ramen&lt;/b&gt;")
    );
    assert!(!english.body.contains("<b>"));
}

#[tokio::test]
async fn the_shop_and_ops_see_what_the_marketplace_keeps_and_the_customer_does_not() {
    let world = World::new().await;
    sold(&world).await;
    let path = format!("/v1/orders/{}", order(1));
    for (id, role, sees) in [
        (CUSTOMER, Role::Customer, false),
        (OWNER, Role::Owner, true),
        (OPS, Role::Ops, true),
    ] {
        let token = world.token(id, role).await;
        let read = world.get_as(&path, &token).await.json();
        assert_eq!(read["commission"]["rate_bp"] == 1500, sees, "{role:?}");
    }
}
