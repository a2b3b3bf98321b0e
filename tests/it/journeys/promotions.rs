//! Promotions over the public API: a code in any writing, one that needs none, what they cost, their
//! limits when many want the last, and what is given back when nobody pays.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Session, Shop, TestApp};

/// Terms of a shop's own promotion: a tenth off the whole order.
fn of_shop(shop: &Shop, members: Value) -> Value {
    let issuer = json!({ "type": "shop", "restaurant": shop.id });
    terms(json!({ "issuer": issuer, "platform_bp": 0 }), members)
}

/// The same of the platform's, at its cost.
fn of_platform(members: Value) -> Value {
    let issuer = json!({ "type": "platform" });
    terms(json!({ "issuer": issuer, "platform_bp": 10_000 }), members)
}

fn terms(by: Value, members: Value) -> Value {
    let mut terms = json!({
        "name": { "en": "Ramen week" }, "target": { "type": "order" },
        "reduction": { "type": "percentage", "rate_bp": 1000 },
    });
    for more in [by, members] {
        let Value::Object(more) = more else {
            panic!("members are an object")
        };
        terms.as_object_mut().unwrap().extend(more);
    }
    terms
}

impl TestApp {
    async fn promote(&self, by: &Session, terms: Value) -> String {
        let created = self.post(by, "/v1/promotions", terms).await.expect(201);
        created.body["id"].as_str().unwrap().to_owned()
    }

    async fn name_code(&self, by: &Session, cart: &str, code: &str) -> Answer {
        let body = json!({ "code": code });
        self.put(by, &format!("{cart}/promotion"), body).await
    }

    /// How often a promotion is redeemed, as its issuer reads it.
    async fn redeemed(&self, by: &Session, promotion: &str) -> i64 {
        self.settle().await;
        let page = self.get(by, "/v1/promotions").await.expect(200).body;
        let rows = page["promotions"].as_array().unwrap();
        let row = rows.iter().find(|row| row["id"] == promotion).unwrap();
        row["redeemed"].as_i64().unwrap()
    }
}

fn discounts(answer: &Answer) -> Vec<i64> {
    let lines = answer.body["quote"]["lines"].as_array().unwrap();
    lines
        .iter()
        .filter(|line| line["kind"] == "discount")
        .map(|line| line["amount_minor"].as_i64().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_in_any_writing_is_one_code_and_an_unpaid_order_gives_it_back() {
    let app = TestApp::start().await;
    let shop = app.open_shop(1, 10).await;
    let (mei, lin) = (app.customer(1).await, app.customer(2).await);
    let limited = of_shop(
        &shop,
        json!({ "code": "Ramen10", "limits": { "total": 1 } }),
    );
    let promotion = app.promote(&shop.owner, limited.clone()).await;
    let again = app.post(&shop.owner, "/v1/promotions", limited).await;
    assert_eq!((again.status, &again.body["id"]), (201, &json!(promotion)));
    let (cart, before) = app.cart(&mei, &shop).await;
    let unknown = app.name_code(&mei, &cart, "ramen11").await;
    assert_eq!(unknown.problem(422), "promotion_unknown");
    assert_eq!(unknown.pointers(), ["/code"]);
    let quoted = app
        .name_code(&mei, &cart, " ＲＡＭＥＮ\u{2460}\u{24EA} ")
        .await
        .expect(200);
    assert_eq!(discounts(&quoted).len(), 1);
    assert_ne!(
        quoted.body["quote"]["quote_id"],
        before.body["quote"]["quote_id"]
    );
    app.settle().await;
    let read = app.get(&mei, &cart).await.expect(200).body;
    assert_eq!(read["promotion_code"], "ramen10");
    let ordered = app.check_out(&mei, &cart, &quoted).await.expect(201);
    assert_eq!(
        ordered.body["total"]["amount_minor"],
        quoted.body["quote"]["total_minor"]
    );
    assert_eq!(app.redeemed(&shop.owner, &promotion).await, 1);

    let (other, _) = app.cart(&lin, &shop).await;
    let refused = app.name_code(&lin, &other, "RAMEN10").await.expect(200);
    assert_eq!(refused.body["refusals"][0]["code"], "promotion_used_up");
    assert_eq!(refused.body["refusals"][0]["pointer"], "/promotion");
    // Mei does not pay.
    app.advance(Duration::from_mins(16)).await;
    assert_eq!(app.redeemed(&shop.owner, &promotion).await, 0);
    let taken_back = app
        .put(&lin, &format!("{other}/promotion"), json!({ "code": null }))
        .await
        .expect(200);
    assert_eq!(discounts(&taken_back), Vec::<i64>::new());
    let named = app.name_code(&lin, &other, "ramen10").await.expect(200);
    app.check_out(&lin, &other, &named).await.expect(201);
    app.check_books().await;
    app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_automatic_promotion_holds_in_every_process_from_its_commit_to_its_end() {
    let app = TestApp::start().await;
    let shop = app.open_shop(1, 10).await;
    let (mei, ops) = (app.customer(1).await, app.ops().await);
    let other = app.second_writer().await;
    let (cart, quoted) = app.cart(&mei, &shop).await;
    assert!(discounts(&quoted).is_empty());
    let tip = |amount: i64| json!({ "amount_minor": amount });
    let path = format!("{cart}/tip");
    // The other process has remembered that there is none.
    app.send_to(&other, &mei, Method::PUT, &path, &tip(1)).await;
    let promotion = app.promote(&ops, of_platform(json!({}))).await;
    let stale = app.check_out(&mei, &cart, &quoted).await;
    assert_eq!(stale.problem(409), "quote_changed");
    // A cart is no promise: there it shows within moments.
    let mut changed = app.send_to(&other, &mei, Method::PUT, &path, &tip(0)).await;
    while discounts(&changed).is_empty() {
        changed = app.send_to(&other, &mei, Method::PUT, &path, &tip(0)).await;
    }

    let end = json!({ "end": true });
    let path = format!("/v1/promotions/{promotion}");
    app.send(Some(&ops), Method::PATCH, &path, &[], Some(&end))
        .await
        .expect(200);
    let stale = app.check_out(&mei, &cart, &changed).await;
    assert_eq!(stale.problem(409), "quote_changed");
    app.check_books().await;
    app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quote_that_has_changed_comes_with_what_is_different() {
    let app = TestApp::start().await;
    let shop = app.open_shop(1, 10).await;
    let mei = app.customer(1).await;
    let (cart, quoted) = app.cart(&mei, &shop).await;
    app.promote(&shop.owner, of_shop(&shop, json!({}))).await;
    let stale = app.check_out(&mei, &cart, &quoted).await;
    assert_eq!(stale.problem(409), "quote_changed");
    let difference = &stale.body["difference"];
    let lines = difference["lines"].as_array().unwrap();
    assert_eq!(lines.len(), 2, "{difference}");
    // The dish bears less tax, and the discount is new.
    assert_eq!(lines[0]["kind"], "item");
    assert!(lines[0]["now"]["tax_minor"].as_i64() < lines[0]["seen"]["tax_minor"].as_i64());
    assert_eq!(lines[1]["kind"], "discount");
    assert!(lines[1].get("seen").is_none());
    assert_eq!(
        difference["total_minor"],
        json!({ "seen": quoted.body["quote"]["total_minor"],
                "now": stale.body["quote"]["total_minor"] })
    );
    assert!(difference.get("promise").is_none());
    assert_eq!(difference["allergens"], json!([]));
    app.check_books().await;
    app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_gives_away_only_what_is_their_own() {
    let app = TestApp::start().await;
    let (shop, foreign) = (app.open_shop(1, 10).await, app.open_shop(2, 10).await);
    let ask = |terms: Value| app.post(&shop.owner, "/v1/promotions", terms);
    let theirs = ask(of_shop(&foreign, json!({}))).await;
    assert_eq!(theirs.status, 404, "{}", theirs.text);
    let platforms = ask(of_platform(json!({}))).await;
    assert_eq!(platforms.problem(403), "not_yours");
    let paid = ask(of_shop(&shop, json!({ "platform_bp": 1 }))).await;
    assert_eq!(paid.problem(403), "not_yours");
    let marks = format!("a{}", "\u{301}".repeat(100_000));
    let bad = ask(of_shop(
        &shop,
        json!({ "code": marks, "limits": { "totl": 1 }, "reduction": { "type": "gift" } }),
    ))
    .await;
    assert_eq!(bad.status, 422, "{}", bad.text);
    assert_eq!(bad.pointers(), ["/code", "/reduction/type", "/limits/totl"]);
    let page = app.get(&shop.owner, "/v1/promotions").await.expect(200);
    assert_eq!(page.body["promotions"], json!([]));
    app.check_books().await;
    app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_two_checkouts_in_two_processes_share_the_last_redemption() {
    let app = Arc::new(TestApp::start().await);
    let shops = [app.open_shop(1, 50).await, app.open_shop(2, 50).await];
    let ops = app.ops().await;
    let last = of_platform(json!({ "code": "last", "limits": { "total": 1 } }));
    let promotion = app.promote(&ops, last).await;
    let other = app.second_writer().await;
    let mut ready = Vec::new();
    for number in 0..32_u128 {
        let customer = app.customer(number).await;
        let (cart, _) = app.cart(&customer, &shops[(number % 2) as usize]).await;
        let quoted = app.name_code(&customer, &cart, "LAST").await.expect(200);
        let base = if number % 4 < 2 { &app.base } else { &other };
        ready.push((customer, cart, quoted, base.clone()));
    }
    let racing = ready.iter().map(|(customer, cart, quoted, base)| {
        let body = json!({ "quote_id": quoted.body["quote"]["quote_id"] });
        let path = format!("{cart}/checkout");
        let app = Arc::clone(&app);
        async move {
            app.send_to(base, customer, Method::POST, &path, &body)
                .await
        }
    });
    let answers = join_all(racing).await;
    let won = answers.iter().filter(|answer| answer.status == 201).count();
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(won, 1, "{statuses:?}");
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        assert!(matches!(answer.status, 409 | 422), "{}", answer.text);
    }
    assert_eq!(app.redeemed(&ops, &promotion).await, 1);
    drop(ready);
    Arc::into_inner(app).unwrap().end().await;
}
