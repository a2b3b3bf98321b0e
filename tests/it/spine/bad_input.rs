//! Bad input: each is refused with problem details that name every fault and where, and nothing has
//! changed afterwards.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Session, Shop, TestApp, address, menu};

struct World {
    app: TestApp,
    shop: Shop,
    mei: Session,
    cart: String,
    quote: Value,
}

async fn world() -> World {
    let app = TestApp::start().await;
    let shop = app.open_shop(1, 10).await;
    let mei = app.customer(1).await;
    let (cart, quoted) = app.cart(&mei, &shop).await;
    app.settle().await;
    World {
        app,
        shop,
        mei,
        cart,
        quote: quoted.body["quote"]["quote_id"].clone(),
    }
}

impl World {
    async fn events(&self) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM es.events")
            .fetch_one(&self.app.database.owner())
            .await
            .unwrap()
    }

    async fn raw(&self, path: &str, body: &str) -> (u16, Value) {
        let response = self
            .app
            .client
            .post(format!("{}{path}", self.app.base))
            .bearer_auth(&self.mei.token)
            .header("content-type", "application/json")
            .body(body.to_owned())
            .send()
            .await
            .unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_bodies_are_refused_and_change_nothing() {
    let world = world().await;
    let before = world.events().await;
    let lines = format!("{}/lines", world.cart);
    let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    let wide = format!("{{\"item\":\"{}\"}}", "x".repeat(300_000));
    for (body, status) in [
        ("", 400),
        ("{", 400),
        ("null", 422),
        ("[]", 422),
        (deep.as_str(), 400),
        (wide.as_str(), 413),
        (
            r#"{"item":"tonkotsu","item":"gyoza","quantity":1,"options":[]}"#,
            422,
        ),
        (
            r#"{"item":"tonkotsu","quantity":1,"options":[],"price":1}"#,
            422,
        ),
        (r#"{"item":"tonkotsu","quantity":"1","options":[]}"#, 422),
        (r#"{"item":"tonkotsu","quantity":1.5,"options":[]}"#, 422),
        (r#"{"item":"tonkotsu","quantity":-1,"options":[]}"#, 422),
        (r#"{"item":"tonkotsu","quantity":0,"options":[]}"#, 422),
        (r#"{"item":"tonkotsu","quantity":100,"options":[]}"#, 422),
        (
            r#"{"item":"tonkotsu","quantity":99999999999999999999,"options":[]}"#,
            422,
        ),
        (r#"{"item":"Tonkotsu!","quantity":1,"options":[]}"#, 422),
    ] {
        let shown: String = body.chars().take(60).collect();
        let (got, problem) = world.raw(&lines, body).await;
        assert_eq!(got, status, "{shown}: {problem}");
        assert_eq!(problem["status"], status, "{shown}");
        assert!(
            problem["code"].is_string() && problem["instance"].is_string(),
            "{problem}"
        );
    }
    assert_eq!(world.events().await, before);
    world.app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_faults_are_named_at_once_with_their_places() {
    let world = world().await;
    let bad = json!({ "item": "no such!", "quantity": 0, "surprise": true,
                      "options": [{ "group": "firmness", "option": 7, "quantity": 1 }] });
    let answer = world
        .app
        .post(&world.mei, &format!("{}/lines", world.cart), bad)
        .await;
    assert_eq!(answer.problem(422), "invalid_request");
    let mut pointers = answer.pointers();
    pointers.sort_unstable();
    assert_eq!(
        pointers,
        ["/item", "/options/0/option", "/quantity", "/surprise"]
    );

    let mut broken = menu();
    broken["sections"][0]["items"][0]["groups"][0]["group"] = "no-such-group".into();
    broken["sections"][0]["items"][0]["recipe"][0]["ingredient"] = "unobtainium".into();
    broken["option_groups"][1]["options"][0]["price_minor"] = (-1).into();
    let path = world.shop.path("/menu");
    let answer = world.app.put(&world.shop.owner, &path, broken).await;
    assert_eq!(answer.status, 422, "{}", answer.text);
    assert!(!answer.pointers().is_empty());
    world.app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_menu_forbids_is_refused_in_the_cart() {
    let world = world().await;
    let line = |options: Value| json!({ "item": "tonkotsu", "quantity": 1, "options": options });
    for (body, code) in [
        (
            json!({ "item": "sushi", "quantity": 1, "options": [] }),
            "item_unknown",
        ),
        (line(json!([])), "group_below_min"),
        (
            line(
                json!([{ "group": "firmness", "option": "kata", "quantity": 1 },
                        { "group": "firmness", "option": "futsu", "quantity": 1 }]),
            ),
            "group_above_max",
        ),
        (
            line(json!([{ "group": "firmness", "option": "wet", "quantity": 1 }])),
            "option_unknown",
        ),
    ] {
        let answer = world
            .app
            .post(&world.mei, &format!("{}/lines", world.cart), body)
            .await;
        assert!(answer.text.contains(code), "{code}: {}", answer.text);
    }
    world.app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_order_comes_of_a_moved_quote_a_closed_shop_or_a_far_door() {
    let world = world().await;
    let app = &world.app;
    let checkout = format!("{}/checkout", world.cart);
    let body = json!({ "quote_id": world.quote });

    let without_key = app
        .send(Some(&world.mei), Method::POST, &checkout, &[], Some(&body))
        .await;
    assert_eq!(without_key.status, 400, "{}", without_key.text);

    let dearer = json!({ "price_minor": 1_200 });
    let item = world.shop.path("/menu/items/tonkotsu");
    app.send(
        Some(&world.shop.owner),
        Method::PATCH,
        &item,
        &[],
        Some(&dearer),
    )
    .await;
    let moved = app.post(&world.mei, &checkout, body.clone()).await;
    assert_eq!(moved.problem(409), "quote_changed");
    assert!(
        moved.body["quote"]["quote_id"].is_string(),
        "{}",
        moved.text
    );

    let mut far = address();
    far["pin"] = json!({ "lat": 24.0, "lon": 121.0 });
    let deliver = json!({ "type": "delivery", "address": far });
    let refused = app
        .put(&world.mei, &format!("{}/fulfilment", world.cart), deliver)
        .await;
    assert!(refused.text.contains("out_of_zone"), "{}", refused.text);

    app.post(
        &world.shop.owner,
        &world.shop.path("/pause"),
        json!({ "reason": "rest" }),
    )
    .await;
    let closed = app.post(&world.mei, &checkout, body).await;
    assert!(matches!(closed.status, 409 | 422), "{}", closed.text);
    app.settle().await;
    let orders = app.get(&world.mei, "/v1/orders").await.expect(200).body;
    assert_eq!(orders["orders"], json!([]));
    world.app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anothers_cart_is_not_there_and_a_forged_token_is_nobody() {
    let world = world().await;
    let stranger = world.app.customer(2).await;
    let seen = world.app.get(&stranger, &world.cart).await;
    assert_eq!(seen.problem(404), "not_found");
    let tip = format!("{}/tip", world.cart);
    assert_eq!(
        world
            .app
            .put(&stranger, &tip, json!({ "amount_minor": 1 }))
            .await
            .status,
        404
    );
    let mut forged = world.mei.clone();
    forged.token.pop();
    assert_eq!(
        world.app.get(&forged, &world.cart).await.problem(401),
        "unauthorized"
    );
    world.app.advance(std::time::Duration::from_hours(25)).await;
    assert_eq!(
        world.app.get(&world.mei, &world.cart).await.problem(401),
        "unauthorized"
    );
    world.app.end().await;
}
