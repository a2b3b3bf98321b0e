//! Two processes of the write side at once: each has caches that the other makes stale, and no lock
//! in memory helps. What keeps the invariants is the version that each append states.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::support::{Session, TestApp};

impl TestApp {
    /// A POST to one of two writers.
    async fn post_to(
        &self,
        base: &str,
        session: &Session,
        path: &str,
        body: &Value,
    ) -> (u16, String) {
        let key = self.clock.clock().fresh_id().to_string();
        let request = self
            .client
            .post(format!("{base}{path}"))
            .bearer_auth(&session.token);
        let response = request
            .header("idempotency-key", key)
            .json(body)
            .send()
            .await
            .unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }
}

async fn hole_free(app: &TestApp) {
    let broken: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM (
             SELECT count(*) AS events, max(sequence) AS last FROM es.events
             GROUP BY aggregate_type, aggregate_id) s WHERE events <> last",
    )
    .fetch_one(&app.database.owner())
    .await
    .unwrap();
    assert_eq!(broken, 0, "streams with a hole or a repeat");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_writers_sell_three_portions_three_times() {
    let app = TestApp::start().await;
    let other = app.second_writer().await;
    let shop = app.open_shop(1, 3).await;
    let mut buyers = Vec::new();
    for number in 0..24 {
        let customer = app.customer(number).await;
        let (cart, quoted) = app.cart(&customer, &shop).await;
        let body = json!({ "quote_id": quoted.body["quote"]["quote_id"] });
        buyers.push((customer, format!("{cart}/checkout"), body));
    }
    // Whoever meets a conflict three times is told so and tries again, as a client would.
    let mut waiting: Vec<usize> = (0..buyers.len()).collect();
    let mut sold = 0;
    while !waiting.is_empty() {
        let answers = join_all(waiting.iter().map(|index| {
            let (customer, path, body) = &buyers[*index];
            let base = if index % 2 == 0 { &app.base } else { &other };
            app.post_to(base, customer, path, body)
        }))
        .await;
        let mut again = Vec::new();
        for (index, (status, text)) in waiting.into_iter().zip(answers) {
            match status {
                201 => sold += 1,
                409 if text.contains("\"code\":\"conflict\"") => again.push(index),
                409 | 422 => {}
                _ => panic!("{status}: {text}"),
            }
        }
        waiting = again;
    }
    assert_eq!(sold, 3);
    app.settle().await;
    let stock = app
        .get(&shop.owner, &shop.path("/stock"))
        .await
        .expect(200)
        .body;
    let rows = stock["ingredients"].as_array().unwrap();
    let noodles = rows
        .iter()
        .find(|row| row["ingredient"] == "noodles")
        .unwrap();
    assert_eq!(noodles["free"], 0);
    hole_free(&app).await;
    app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_with_stale_caches_neither_refuses_nor_accepts_wrongly() {
    let app = TestApp::start().await;
    let other = app.second_writer().await;
    let shop = app.open_shop(1, 10).await;
    let mei = app.customer(1).await;
    let (cart, _) = app.cart(&mei, &shop).await;
    let tip = |minor: i64| json!({ "amount_minor": minor });
    // Both have the cart in their caches now, and each makes the other's stale.
    for round in 0..6 {
        let base = if round % 2 == 0 { &other } else { &app.base };
        let url = format!("{base}{cart}/tip");
        let put = app
            .client
            .put(url)
            .bearer_auth(&mei.token)
            .json(&tip(100 + round));
        let answer = put.send().await.unwrap();
        assert!(
            answer.status().is_success(),
            "{}",
            answer.text().await.unwrap()
        );
    }
    let pause = json!({ "reason": "rest" });
    assert!(
        app.post(&shop.owner, &shop.path("/pause"), pause)
            .await
            .status
            < 300
    );
    // A cart is no promise: the other writer says it within moments, and checks out nothing before.
    let line = json!({ "item": "gyoza", "quantity": 1, "options": [], "shortage": "refund" });
    let lines = format!("{cart}/lines");
    let (_, mut told) = app.post_to(&other, &mei, &lines, &line).await;
    let quoted: Value = serde_json::from_str(&told).unwrap();
    let quote = json!({ "quote_id": quoted["quote"]["quote_id"] });
    let (status, refused) = app
        .post_to(&other, &mei, &format!("{cart}/checkout"), &quote)
        .await;
    assert!((400..500).contains(&status), "{status}: {refused}");
    while !told.contains("shop_paused") {
        (_, told) = app.post_to(&other, &mei, &lines, &line).await;
    }
    hole_free(&app).await;
    app.end().await;
}
