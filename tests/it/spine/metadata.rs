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
    let customer = app.rehearsing(1).await;
    let (cart, quoted) = app.cart(&customer, &shop).await;
    app.check_out(&customer, &cart, &quoted).await.expect(201);
    app.settle().await;
    let kinds: Vec<(String, bool)> = sqlx::query_as(
        "SELECT DISTINCT aggregate_type, metadata ->> 'test' = 'true' FROM es.events
         WHERE metadata ->> 'test' IS NOT NULL ORDER BY 1",
    )
    .fetch_all(&app.database.owner())
    .await
    .unwrap();
    let kinds: Vec<_> = kinds
        .iter()
        .map(|(kind, test)| (kind.as_str(), *test))
        .collect();
    // What the customer did, and what the process did because of it, up to the vendor's payment.
    let marked = [
        "ordering.cart",
        "ordering.order",
        "payment.payment",
        "restaurant.inventory",
    ];
    assert_eq!(kinds, marked.map(|kind| (kind, true)));
    let unmarked: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM es.events
         WHERE metadata ->> 'test' IS NULL AND metadata ->> 'order' IS NOT NULL",
    )
    .fetch_one(&app.database.owner())
    .await
    .unwrap();
    assert_eq!(unmarked, 0);
    app.end().await;
}
