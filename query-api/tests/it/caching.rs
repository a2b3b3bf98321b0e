//! Menus and shop pages: kept as bytes, told apart by their tags, dropped when the projector says so.

use std::sync::Arc;

use infra::applied::{Applied, Visible};
use infra::event_store::StreamId;
use infra::http::consistency;
use serde_json::json;

use crate::rows::{self, level};
use crate::world::{SHOP, World};

fn visible(kind: &str, sequence: i64) -> Visible {
    Visible {
        kind: kind.parse().unwrap(),
        id: SHOP,
        sequence,
        trace: None,
    }
}

fn views(kind: &str, sequence: i64) -> Applied {
    Applied::Views(Arc::from([visible(kind, sequence)]))
}

async fn menu_world() -> World {
    let world = World::new().await;
    rows::shop(&world).await;
    rows::menu(&world).await;
    world
}

#[tokio::test]
async fn a_menu_is_one_language_with_tag_and_304() {
    let world = menu_world().await;
    let path = format!("/v1/restaurants/{SHOP}/menu");
    let english = world
        .get(&path, &[("accept-language", "en-GB, ja;q=0.5")])
        .await;
    assert_eq!(
        english.json()["sections"][0]["items"][0]["name"],
        "Miso ramen"
    );
    assert_eq!(english.header("vary"), "accept-language");
    let tag = english.header("etag").to_owned();
    assert!(tag.starts_with("\"1."), "the version comes first: {tag}");
    let japanese = world.get(&path, &[]).await;
    assert_eq!(
        japanese.json()["sections"][0]["items"][0]["name"],
        "味噌ラーメン"
    );
    assert_ne!(japanese.header("etag"), tag);
    let again = world
        .get(&path, &[("accept-language", "en"), ("if-none-match", &tag)])
        .await;
    assert_eq!((again.status(), again.body.as_str()), (304, ""));
    assert_eq!(again.header("etag"), tag);
    let all = world.get(&format!("{path}?lang=*"), &[]).await.json();
    assert_eq!(
        all["sections"][0]["items"][0]["name"],
        json!({"ja": "味噌ラーメン", "en": "Miso ramen"})
    );
    let item = &all["sections"][0]["items"][0];
    assert_eq!(item["allergens"]["gluten"], "contains");
    assert_eq!(
        item["allergens"]["buckwheat"], "unknown",
        "what nobody declared counts as contained"
    );
    assert!(
        all["option_groups"][0]["options"][0]
            .get("recipe")
            .is_none(),
        "recipes are the shop's"
    );
    assert_eq!(
        world
            .get(
                "/v1/restaurants/00000000-0000-0000-0000-0000000000ff/menu",
                &[]
            )
            .await
            .status(),
        404
    );
}

#[tokio::test]
async fn stock_changes_a_menu_when_it_is_announced_and_not_before() {
    let mut world = menu_world().await;
    let path = format!("/v1/restaurants/{SHOP}/menu");
    let before = world.get(&path, &[]).await;
    assert_eq!(before.json()["sections"][0]["items"][0]["available"], true);
    rows::stock(&world, 1, &json!({"noodles": level(149), "egg": level(0)})).await;
    let cached = world.get(&path, &[]).await;
    assert_eq!(
        cached.header("etag"),
        before.header("etag"),
        "nobody has said anything"
    );
    world.hub.announce(views("restaurant.inventory", 1));
    world.follower.advance().await.unwrap();
    let after = world
        .get(&path, &[("if-none-match", before.header("etag"))])
        .await
        .json();
    assert_eq!(after["sections"][0]["items"][0]["available"], false);
    assert_eq!(
        after["option_groups"][0]["options"],
        json!([]),
        "an option that is out is not shown"
    );
    // Other stock, same menu: the same tag, so that readers keep what they have.
    rows::stock(&world, 2, &json!({"noodles": level(100), "egg": level(0)})).await;
    let tag = world.get(&path, &[]).await.header("etag").to_owned();
    world.hub.announce(views("restaurant.inventory", 2));
    world.follower.advance().await.unwrap();
    assert_eq!(
        world.get(&path, &[("if-none-match", &tag)]).await.status(),
        304
    );
}

#[tokio::test]
async fn an_eighty_six_ends_at_its_hour_without_an_event() {
    let world = menu_world().await;
    let until = world.clock.clock().now() + chrono::TimeDelta::minutes(30);
    let out = json!({"tracked": false, "free": 0, "held": 0, "received": 0, "adjusted": 0,
                     "used": 0, "wasted": 0, "eighty_six": {"until": until}});
    rows::stock(&world, 1, &json!({"noodles": out})).await;
    let path = format!("/v1/restaurants/{SHOP}/menu");
    let available = |page: &serde_json::Value| page["sections"][0]["items"][0]["available"].clone();
    assert_eq!(available(&world.get(&path, &[]).await.json()), false);
    world.clock.advance(std::time::Duration::from_mins(30));
    assert_eq!(available(&world.get(&path, &[]).await.json()), true);
}

#[tokio::test]
async fn a_shop_page_follows_the_announcement_and_hides_the_commission() {
    let mut world = menu_world().await;
    let path = format!("/v1/restaurants/{SHOP}");
    let page = world.get(&path, &[]).await;
    assert!(!page.body.contains("commission"));
    assert_eq!(page.header("etag"), "\"3\"");
    assert_eq!(
        world
            .get(&path, &[("if-none-match", "\"3\"")])
            .await
            .status(),
        304
    );
    let rename = "UPDATE views.restaurants SET name = 'Menya Sora', sequence = 4";
    sqlx::query(rename).execute(&world.owner).await.unwrap();
    assert_eq!(world.get(&path, &[]).await.json()["name"], "Menya Umi");
    world.hub.announce(views("restaurant.restaurant", 4));
    world.follower.advance().await.unwrap();
    assert_eq!(world.get(&path, &[]).await.json()["name"], "Menya Sora");
    // Announcements were lost: nothing kept is believed.
    let rename = "UPDATE views.restaurants SET name = 'Menya Kumo', sequence = 5";
    sqlx::query(rename).execute(&world.owner).await.unwrap();
    world.hub.announce(Applied::Unknown);
    world.follower.advance().await.unwrap();
    assert_eq!(world.get(&path, &[]).await.json()["name"], "Menya Kumo");
}

#[tokio::test]
async fn the_first_zone_that_contains_a_door_decides() {
    let world = menu_world().await;
    let zone = async |near: &str| {
        let path = format!("/v1/restaurants/{SHOP}?near={near}");
        world.get(&path, &[]).await.json()["delivery"]["key"].clone()
    };
    assert_eq!(zone("35.65,139.70").await, "near");
    assert_eq!(zone("35.75,139.85").await, "far");
    assert_eq!(zone("36.5,140.0").await, serde_json::Value::Null);
}

#[tokio::test]
async fn a_reader_sees_what_it_has_written_or_is_told_that_it_does_not() {
    let world = menu_world().await;
    let path = format!("/v1/restaurants/{SHOP}");
    world.get(&path, &[]).await.json();
    let stream = StreamId {
        kind: "restaurant.restaurant".parse().unwrap(),
        id: SHOP,
    };
    let token = consistency::encode(&[(stream, 4)]);
    let header = ("x-consistency-token", token.as_str());
    // The view does not have it within the wait.
    let stale = world.get(&path, &[header]).await;
    assert_eq!(
        (stale.status(), stale.header("x-consistency")),
        (200, "stale")
    );
    let strict = world
        .get(&path, &[header, ("prefer", "handling=strict")])
        .await;
    assert_eq!(strict.status(), 412);
    // While a reader waits, the view gets there and says so.
    let write = async {
        tokio::task::yield_now().await;
        let rename = "UPDATE views.restaurants SET name = 'Menya Sora', sequence = 4";
        sqlx::query(rename).execute(&world.owner).await.unwrap();
        world.hub.announce(views("restaurant.restaurant", 4));
    };
    let headers = [header];
    let (answer, ()) = tokio::join!(world.get(&path, &headers), write);
    assert_eq!(answer.header("x-consistency"), "");
    assert_eq!(
        answer.json()["name"],
        "Menya Sora",
        "and the cache is not answered from before"
    );
}
