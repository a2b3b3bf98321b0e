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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_opens_a_cart_twice_has_one_until_it_is_an_order() {
    let app = Arc::new(TestApp::start().await);
    let shop = app.open_shop(1, 10).await;
    let mei = app.customer(1).await;
    let other = app.second_writer().await;
    let bases = [&app.base, &other];
    let open = json!({ "restaurant_id": shop.id, "channel": "app" });
    let opening = (0..8).map(|number| {
        let (app, base) = (Arc::clone(&app), bases[number % 2]);
        let (mei, open) = (&mei, &open);
        async move {
            app.send_to(base, mei, reqwest::Method::POST, "/v1/carts", open)
                .await
        }
    });
    let answers = join_all(opening).await;
    let created = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(created, 1);
    for answer in &answers {
        assert!(matches!(answer.status, 200 | 201), "{}", answer.text);
        assert_eq!(answer.body["id"], answers[0].body["id"]);
    }
    let mut seen = vec![answers[0].body["id"].clone()];
    for _ in 0..5 {
        let path = format!("/v1/carts/{}", seen.last().unwrap().as_str().unwrap());
        let line = json!({ "item": "tonkotsu", "quantity": 1,
            "options": [{ "group": "firmness", "option": "kata", "quantity": 1 }],
            "shortage": "substitute", "substitute": "gyoza" });
        app.post(&mei, &format!("{path}/lines"), line)
            .await
            .expect(200);
        let pickup = json!({ "type": "pickup" });
        let quoted = app.put(&mei, &format!("{path}/fulfilment"), pickup).await;
        app.check_out(&mei, &path, &quoted).await.expect(201);
        let next = app.post(&mei, "/v1/carts", open.clone()).await.expect(201);
        assert!(!seen.contains(&next.body["id"]));
        seen.push(next.body["id"].clone());
    }
    // A day later the last one can no longer be used.
    app.advance(std::time::Duration::from_hours(25)).await;
    let mei = app.customer(1).await;
    let next = app.post(&mei, "/v1/carts", open.clone()).await.expect(201);
    assert!(!seen.contains(&next.body["id"]));
    Arc::into_inner(app).unwrap().end().await;
}
