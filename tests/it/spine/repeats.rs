//! Repeated requests: a repeat hears the same, but only whoever may still ask.

use futures::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, Role, Session, Shop, TestApp};

async fn pause(app: &TestApp, by: &Session, shop: &Shop, key: &str) -> Answer {
    let (path, body) = (shop.path("/pause"), json!({ "reason": "rest" }));
    app.send(
        Some(by),
        Method::POST,
        &path,
        &[("idempotency-key", key)],
        Some(&body),
    )
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_lost_access_hears_no_answer_from_before() {
    let app = TestApp::start().await;
    let shop = app.open_shop(1, 10).await;
    let first = pause(&app, &shop.owner, &shop, "once").await;
    assert!(first.status < 300, "{}", first.text);
    let again = pause(&app, &shop.owner, &shop, "once").await;
    assert_eq!((again.status, &again.text), (first.status, &first.text));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    // The same person under the same key, but the shop is theirs no longer.
    let dismissed = app.sign_in(Role::Owner, shop.owner.id, &[]).await;
    let refused = pause(&app, &dismissed, &shop, "once").await;
    assert_eq!(refused.problem(404), "not_found");
    assert_eq!(refused.header("idempotency-replayed"), None);
    app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strangers_refusal_is_not_kept() {
    let app = TestApp::start().await;
    let shop = app.open_shop(1, 10).await;
    let stranger = app.sign_in(Role::Owner, shop.owner.id, &[]).await;
    assert_eq!(
        pause(&app, &stranger, &shop, "early").await.problem(404),
        "not_found"
    );
    let hired = pause(&app, &shop.owner, &shop, "early").await;
    assert!(hired.status < 300, "{}", hired.text);
    assert_eq!(hired.header("idempotency-replayed"), None);
    app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_loses_the_race_for_a_key_hears_what_the_winner_heard() {
    let app = TestApp::start().await;
    let other = app.second_writer().await;
    let shop = app.open_shop(1, 10).await;
    let order = app.placed_order(&app.customer(1).await, &shop).await;
    let path = format!("/v1/orders/{order}/ready");
    for round in 0..12 {
        let key = format!("race-{round}");
        let ask = async |base: &str| {
            let request = app
                .client
                .post(format!("{base}{path}"))
                .bearer_auth(&shop.owner.token);
            let request = request.header("idempotency-key", &key).json(&json!({}));
            request.send().await.unwrap().text().await.unwrap()
        };
        let answers = join_all([ask(&app.base), ask(&other)]).await;
        // The request id stands in the answer, so words of one's own would differ.
        assert_eq!(answers[0], answers[1]);
        assert!(answers[0].contains("\"status\":409"), "{}", answers[0]);
    }
    app.end().await;
}
