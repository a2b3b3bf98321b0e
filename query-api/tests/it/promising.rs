//! What a shop says of now: whether it is open, until when it takes orders, and when a bowl can be there.

use std::time::Duration;

use serde_json::{Value, json};

use crate::rows::{self, level};
use crate::world::{SHOP, World};

/// Open on Sunday from 18:00 to 23:00 in Tokyo, which is 09:00 to 14:00 UTC; it is 12:00 UTC. One basket.
async fn world() -> World {
    let world = World::new().await;
    rows::shop(&world).await;
    let hours = json!({
        "days": [{"weekday": "sun", "opens": "18:00", "closes": "23:00"}],
        "last_order": {"delivery": 45},
    });
    sqlx::query("UPDATE views.restaurants SET hours = $1::json, capacity = $2::json")
        .bind(hours.to_string())
        .bind(json!({"baskets": 1}).to_string())
        .execute(&world.owner)
        .await
        .unwrap();
    rows::stock(&world, 1, &json!({"noodles": level(1000)})).await;
    world
}

/// Books a slot of the kitchen whole.
async fn book(world: &World, slots: &[&str]) {
    let load = |slot: &&str| {
        let load = json!({"bowls": 5, "basket_seconds": 600});
        ((*slot).to_owned(), load)
    };
    let kitchen: serde_json::Map<String, Value> = slots.iter().map(load).collect();
    sqlx::query("UPDATE views.stock SET kitchen = $1::json")
        .bind(Value::Object(kitchen).to_string())
        .execute(&world.owner)
        .await
        .unwrap();
}

async fn promise(world: &World, query: &str) -> Value {
    let path = format!("/v1/restaurants/{SHOP}/promise?{query}");
    world.get(&path, &[]).await.json()
}

async fn page(world: &World) -> Value {
    let path = format!("/v1/restaurants/{SHOP}");
    world.get(&path, &[]).await.json()
}

#[tokio::test]
async fn a_bowl_is_promised_after_those_before_it() {
    let world = world().await;
    book(&world, &["2026-11-22T12:00:00Z"]).await;
    // Twelve minutes as usual, and five because the slot at 12:10 is the first that is free.
    let fetched = promise(&world, "fulfilment=pickup").await;
    assert_eq!(fetched["earliest"], "2026-11-22T12:17:00Z");
    assert_eq!(fetched["latest"], "2026-11-22T12:27:00Z");
    let brought = promise(&world, "fulfilment=delivery&near=35.75,139.85").await;
    assert_eq!(brought["earliest"], "2026-11-22T12:42:00Z");
    let nearest = promise(&world, "fulfilment=delivery").await;
    assert_eq!(nearest["earliest"], "2026-11-22T12:27:00Z");
    let nowhere = promise(&world, "fulfilment=delivery&near=36.5,140.0").await;
    assert_eq!(
        (&nowhere["refused"], &nowhere["earliest"]),
        (&json!("out_of_zone"), &Value::Null)
    );
}

#[tokio::test]
async fn a_full_kitchen_promises_nothing() {
    let world = world().await;
    let slots = [
        "12:00", "12:10", "12:20", "12:30", "12:40", "12:50", "13:00",
    ];
    let slots = slots.map(|slot| format!("2026-11-22T{slot}:00Z"));
    let slots: Vec<&str> = slots.iter().map(String::as_str).collect();
    book(&world, &slots).await;
    let refused = promise(&world, "fulfilment=pickup").await;
    assert_eq!(refused["refused"], "kitchen_full");
}

#[tokio::test]
async fn a_page_changes_by_the_clock_alone() {
    let world = world().await;
    let open = page(&world).await["now"].clone();
    assert_eq!(open["open"], true);
    assert_eq!(open["closes_at"], "2026-11-22T14:00:00Z");
    assert_eq!(open["service_date"], "2026-11-22");
    assert_eq!(open["delivery_until"], "2026-11-22T13:15:00Z");
    assert_eq!(open["pickup_until"], "2026-11-22T14:00:00Z");
    world.clock.advance(Duration::from_mins(75));
    let late = page(&world).await["now"].clone();
    assert_eq!(
        (&late["open"], &late["delivery_until"]),
        (&json!(true), &Value::Null)
    );
    let refused = promise(&world, "fulfilment=delivery").await;
    assert_eq!(refused["refused"], "last_order_over");
    world.clock.advance(Duration::from_mins(45));
    let closed = page(&world).await["now"].clone();
    assert_eq!(
        (&closed["open"], &closed["opens_at"]),
        (&json!(false), &json!("2026-11-29T09:00:00Z"))
    );
    let refused = promise(&world, "fulfilment=pickup").await;
    assert_eq!(refused["refused"], "shop_not_selling");
    assert_eq!(refused["opens_at"], "2026-11-29T09:00:00Z");
}

#[tokio::test]
async fn a_pause_ends_by_itself() {
    let world = world().await;
    sqlx::query(
        "UPDATE views.restaurants SET paused = true, pause_kind = 'by_staff', pause_reason = 'x',
             paused_until = '2026-11-22T12:30:00Z'",
    )
    .execute(&world.owner)
    .await
    .unwrap();
    let paused = page(&world).await;
    assert_eq!(paused["pause_kind"], "by_staff");
    assert_eq!(
        (&paused["now"]["open"], &paused["now"]["opens_at"]),
        (&json!(false), &json!("2026-11-22T12:30:00Z"))
    );
    world.clock.advance(Duration::from_mins(30));
    assert_eq!(page(&world).await["now"]["open"], true);
}

#[tokio::test]
async fn what_is_kept_is_answered_without_the_database() {
    let world = world().await;
    let before = (
        page(&world).await,
        promise(&world, "fulfilment=delivery").await,
    );
    for table in ["restaurants", "stock"] {
        let hide = format!("ALTER TABLE views.{table} RENAME TO hidden_{table}");
        sqlx::query(&hide).execute(&world.owner).await.unwrap();
    }
    let after = (
        page(&world).await,
        promise(&world, "fulfilment=delivery").await,
    );
    assert_eq!(after, before);
}

/// The windows of a day, each by its beginning; with a star when its kitchen is full.
async fn windows(world: &World, query: &str) -> (Value, Vec<String>) {
    let path = format!("/v1/restaurants/{SHOP}/windows?{query}");
    let page = world.get(&path, &[]).await.json();
    let named = |window: &Value| {
        let full = if window["full"] == true { "*" } else { "" };
        format!("{}{full}", &window["from"].as_str().unwrap()[11..16])
    };
    let windows = page["windows"].as_array().unwrap().iter().map(named);
    (page["service_date"].clone(), windows.collect())
}

#[tokio::test]
async fn windows_are_offered_that_a_quote_would_take() {
    let world = world().await;
    // Fifteen minutes to pay, five to answer and twelve to cook: 12:32 at the earliest.
    let (date, fetched) = windows(&world, "fulfilment=pickup").await;
    assert_eq!(date, "2026-11-22");
    assert_eq!(fetched, ["12:45", "13:00", "13:15", "13:30"]);
    // The last order to be brought is taken at 13:15, and ten minutes' way is longer.
    let (_, brought) = windows(&world, "fulfilment=delivery").await;
    assert_eq!(brought, ["12:45", "13:00", "13:15", "13:30"]);
    // The next opening is in a week, and orders are taken for six days.
    world.clock.advance(Duration::from_hours(3));
    let (date, none) = windows(&world, "fulfilment=pickup").await;
    assert_eq!((date, none.len()), (json!("2026-11-29"), 0));
    world.clock.advance(Duration::from_hours(4 * 24));
    let (_, all) = windows(&world, "fulfilment=pickup&date=2026-11-29").await;
    assert_eq!(all.first().map(String::as_str), Some("09:30"));
    assert_eq!(all.last().map(String::as_str), Some("13:30"));
    let (_, never) = windows(&world, "fulfilment=pickup&date=%2B262142-12-31").await;
    assert!(never.is_empty());
    let nowhere = format!("/v1/restaurants/{SHOP}/windows?fulfilment=delivery&near=36.5,140.0");
    assert_eq!(
        world.get(&nowhere, &[]).await.json()["refused"],
        "out_of_zone"
    );
    let bad = format!("/v1/restaurants/{SHOP}/windows?fulfilment=swim&date=tomorrow");
    assert_eq!(world.get(&bad, &[]).await.status(), 422);
}

#[tokio::test]
async fn a_window_whose_kitchen_is_full_is_shown_as_such() {
    let world = world().await;
    let slots = ["12:30", "12:40", "12:50", "13:00"].map(|slot| format!("2026-11-22T{slot}:00Z"));
    let slots: Vec<&str> = slots.iter().map(String::as_str).collect();
    book(&world, &slots).await;
    let (_, fetched) = windows(&world, "fulfilment=pickup").await;
    assert_eq!(fetched, ["12:45*", "13:00", "13:15", "13:30"]);
}
