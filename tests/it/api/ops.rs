//! What our staff do: parked events folded again, one command given to many orders.

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parked_events_are_redriven_in_order_and_again_without_harm() {
    let app = TestApp::start().await;
    let (shop, ops) = (app.open_shop(1, 10).await, app.ops().await);
    // The shop's row is lost; what happens next cannot be folded without it.
    let owner = app.database.owner();
    sqlx::raw_sql(&format!(
        "INSERT INTO views.parked_events
         SELECT 'restaurants', e.aggregate_type, e.aggregate_id::uuid, e.sequence, l.position, e.event_id,
                e.event_type, e.event_version, e.payload::text, e.metadata::text, e.recorded_at,
                'store', 0, 'planted', e.recorded_at
         FROM es.events e JOIN es.event_log l ON l.event_row = e.id
         WHERE e.aggregate_type = 'restaurant.restaurant' AND e.aggregate_id = '{0}';
         DELETE FROM views.restaurants WHERE restaurant_id = '{0}'",
        shop.id
    ))
    .execute(&owner)
    .await
    .unwrap();
    assert_eq!(app.get(&ops, &shop.path("")).await.status, 404);
    let listed = app.get(&ops, "/v1/ops/parked").await.expect(200);
    let id = listed.body["streams"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(id, format!("restaurants:restaurant.restaurant:{}", shop.id));

    let path = format!("/v1/ops/parked/{id}/redrive");
    assert_eq!(app.post(&shop.owner, &path, json!({})).await.status, 403);
    let done = app.post(&ops, &path, json!({})).await.expect(200);
    assert_eq!(done.body["folded"], listed.body["total"]);
    assert_eq!(done.body["parked"], 0);
    let again = app.post(&ops, &path, json!({})).await.expect(200);
    assert_eq!(
        again.body,
        json!({ "folded": 0, "parked": 0, "error": null })
    );
    app.get(&ops, &shop.path("")).await.expect(200);
    for unknown in ["nothing", "restaurants:no.kind:x"] {
        let path = format!("/v1/ops/parked/{unknown}/redrive");
        assert_eq!(app.post(&ops, &path, json!({})).await.status, 404);
    }
    let no_view = format!("/v1/ops/parked/none:ordering.order:{}/redrive", shop.id);
    assert_eq!(app.post(&ops, &no_view, json!({})).await.status, 404);
    owner.close().await;
    app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_command_to_many_orders_is_rehearsed_and_then_done_once_each() {
    let app = TestApp::start().await;
    let (shop, ops) = (app.open_shop(1, 10).await, app.ops().await);
    let customer = app.customer(1).await;
    let one = app.placed_order(&customer, &shop).await;
    let two = app.placed_order(&customer, &shop).await;
    let cancel = json!({ "reason": "never mind" });
    app.post(&customer, &format!("/v1/orders/{two}/cancel"), cancel)
        .await
        .expect(200);
    app.settle().await;
    let absent = Uuid::from_u128(404);
    let body = |dry_run: bool| {
        json!({
            "orders": [one, two, absent], "command": "cancel", "reason": "a burst pipe",
            "dry_run": dry_run
        })
    };
    let path = "/v1/ops/orders/bulk";
    let outcomes = |answer: &crate::support::Answer| -> Vec<String> {
        let orders = answer.body["orders"].as_array().unwrap().iter();
        orders
            .map(|order| order["outcome"].as_str().unwrap().to_owned())
            .collect()
    };
    let rehearsed = app.post(&ops, path, body(true)).await.expect(200);
    assert_eq!(rehearsed.body["orders"][0]["events"], json!(["cancelled"]));
    // The second is cancelled already: to be cancelled once more changes nothing, and is refused to nobody.
    assert_eq!(outcomes(&rehearsed), ["would_do", "would_do", "refused"]);
    assert_eq!(rehearsed.body["orders"][1]["events"], Value::Null);
    app.settle().await;
    assert_eq!(app.order(&ops, &one).await["state"], "placed");

    let key = [("idempotency-key", "burst-pipe-1")];
    let send = async |dry_run| {
        let body = body(dry_run);
        app.send(Some(&ops), Method::POST, path, &key, Some(&body))
            .await
    };
    let done = send(false).await.expect(200);
    assert_eq!(outcomes(&done), ["done", "done", "refused"]);
    assert_eq!(done.body["done"], 2);
    app.settle().await;
    let events = async || -> i64 {
        let counted = sqlx::query_scalar("SELECT count(*) FROM es.events");
        counted.fetch_one(&app.database.owner()).await.unwrap()
    };
    let before = events().await;
    let again = send(false).await.expect(200);
    assert_eq!(again.body, done.body, "a repeat goes on where it ended");
    app.settle().await;
    assert_eq!(events().await, before, "and adds nothing");
    let order = app.order(&ops, &one).await;
    assert_eq!(order["state"], "cancelled");
    assert_eq!(order["end_reason"], "a burst pipe");
    assert_eq!(order["ended_by"], "ops");
    assert_eq!(app.order(&ops, &two).await["end_reason"], "never mind");
    let found = app.get(&ops, "/v1/ops/orders?state=cancelled").await;
    assert_eq!(found.body["orders"].as_array().unwrap().len(), 2);
    assert_eq!(app.post(&customer, path, body(false)).await.status, 403);
    app.end().await;
}
