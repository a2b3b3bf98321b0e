//! Many at once: the last portion, the same key, the same cart.

use std::sync::Arc;

use futures::future::join_all;
use serde_json::json;

use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_buyers_of_the_last_portion_buy_exactly_one() {
    let app = Arc::new(TestApp::start().await);
    let shop = Arc::new(app.open_shop(1, 1).await);
    let mut carts = Vec::new();
    for number in 0..64 {
        let customer = app.customer(number).await;
        let (cart, quoted) = app.cart(&customer, &shop).await;
        carts.push((customer, cart, quoted));
    }
    let racing = carts.into_iter().map(|(customer, cart, quoted)| {
        let app = Arc::clone(&app);
        async move { app.check_out(&customer, &cart, &quoted).await }
    });
    let answers = join_all(racing).await;
    let sold = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(
        sold,
        1,
        "{:?}",
        answers
            .iter()
            .map(|answer| answer.status)
            .collect::<Vec<_>>()
    );
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        assert!(matches!(answer.status, 409 | 422), "{}", answer.text);
    }
    app.settle().await;
    let stock = app
        .get(&shop.owner, &shop.path("/stock"))
        .await
        .expect(200)
        .body;
    let noodles = stock["ingredients"].as_array().unwrap();
    let noodles = noodles
        .iter()
        .find(|row| row["ingredient"] == "noodles")
        .unwrap();
    assert_eq!(noodles["free"], 0);
    Arc::into_inner(app).unwrap().end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_key_sent_eight_times_at_once_orders_once() {
    let app = Arc::new(TestApp::start().await);
    let shop = app.open_shop(1, 10).await;
    let mei = app.customer(1).await;
    let (cart, quoted) = app.cart(&mei, &shop).await;
    let body = json!({ "quote_id": quoted.body["quote"]["quote_id"] });
    let path = format!("{cart}/checkout");
    let send = || async {
        let key = [("idempotency-key", "\"one-and-the-same\"")];
        app.send(Some(&mei), reqwest::Method::POST, &path, &key, Some(&body))
            .await
    };
    let answers = join_all((0..8).map(|_| send())).await;
    let first = answers.iter().find(|answer| answer.status == 201).unwrap();
    for answer in &answers {
        match answer.status {
            201 => assert_eq!(answer.text, first.text),
            status => assert_eq!(status, 409, "{}", answer.text),
        }
    }
    let again = send().await;
    assert_eq!((again.status, &again.text), (201, &first.text));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    app.settle().await;
    let orders = app.get(&mei, "/v1/orders").await.expect(200).body;
    assert_eq!(orders["orders"].as_array().unwrap().len(), 1);
    Arc::into_inner(app).unwrap().end().await;
}
