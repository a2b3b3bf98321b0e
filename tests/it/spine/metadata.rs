//! What events say about where they come from.

use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_an_order_share_its_journey_and_name_what_caused_them() {
    let app = TestApp::start().await;
    let shop = app.open_shop(1, 10).await;
    let order = app.placed_order(&app.customer(1).await, &shop).await;
    let owner = app.database.owner();
    let journey: Vec<(String, String)> = sqlx::query_as(
        "SELECT aggregate_type, event_type FROM es.events
         WHERE metadata ->> 'correlation' = $1 ORDER BY id",
    )
    .bind(&order)
    .fetch_all(&owner)
    .await
    .unwrap();
    for (kind, event) in [
        ("ordering.cart", "checked_out"),
        ("ordering.order", "checked_out"),
        ("restaurant.inventory", "hold_opened"),
        ("payment.payment", "requested"),
        ("payment.payment", "authorized"),
        ("ordering.order", "placed"),
        ("restaurant.inventory", "hold_committed"),
    ] {
        let named = journey
            .iter()
            .any(|(k, e)| (k.as_str(), e.as_str()) == (kind, event));
        assert!(named, "{kind} {event} is not among {journey:?}");
    }
    let (caused, known): (i64, i64) = sqlx::query_as(
        "SELECT count(*), count(c.event_id) FROM es.events e
         LEFT JOIN es.events c ON c.event_id::text = e.metadata ->> 'causation'
         WHERE e.metadata ->> 'causation' IS NOT NULL",
    )
    .fetch_one(&owner)
    .await
    .unwrap();
    assert!(caused > 0);
    assert_eq!(known, caused, "a causation that is no event");
    app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_follows_from_a_rehearsal_is_one() {
    let app = TestApp::start().await;
    let shop = app.open_shop(1, 10).await;
    let (cart, quoted) = app.cart(&app.customer(1).await, &shop).await;
    let customer = app.customer(1).await;
    app.check_out(&customer, &cart, &quoted).await.expect(201);
    let owner = app.database.owner();
    // No route rehearses yet, and the table refuses edits: it is told to look away.
    sqlx::raw_sql(
        "BEGIN; SET LOCAL session_replication_role = replica;
         UPDATE es.events SET metadata = (metadata::jsonb || '{\"test\":\"true\"}')::json
         WHERE aggregate_type = 'payment.payment'; COMMIT",
    )
    .execute(&owner)
    .await
    .unwrap();
    app.settle().await;
    let marked: Vec<Option<String>> = sqlx::query_scalar(
        "SELECT metadata ->> 'test' FROM es.events
         WHERE aggregate_type = 'payment.payment' AND event_type = 'intent_created'",
    )
    .fetch_all(&owner)
    .await
    .unwrap();
    assert_eq!(marked, [Some("true".to_owned())]);
    app.end().await;
}
