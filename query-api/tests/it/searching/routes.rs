//! The routes of search and discovery.

use crate::shelf::{Described as _, dish, shop, with, write};
use crate::world::{World, body_of};
use infra::search_schema::ShopEntries;

use super::{miso, world_with};

#[tokio::test]
async fn the_route_pages_by_key_and_tells_the_facets() {
    let shops: Vec<ShopEntries> = (0..5_u32)
        .map(|n| miso(n.into(), 0.001 * f64::from(n)))
        .collect();
    let world = world_with(&shops).await;
    let path = "/v1/search?q=miso%20r%C4%81men&near=35.66,139.70&limit=3&facets=style,open,price";
    let first = world.get(path, &[]).await.json();
    assert_eq!(first["total"], 5);
    assert_eq!(first["facets"]["style"]["miso"], 5);
    // Nine in the evening in Tokyo.
    assert_eq!(first["facets"]["open"]["true"], 5);
    assert_eq!(first["facets"]["price"]["JPY:1000-1500"], 5);
    assert_eq!(first["hits"].as_array().unwrap().len(), 3);
    assert_eq!(first["hits"][0]["distance_m"], 0);
    assert_eq!(first["hits"][0]["promise_minutes"], 37);
    assert_eq!(first["hits"][0]["open"], true);
    assert_eq!(
        first["hits"][0]["why"],
        serde_json::json!(["text", "distance", "clock", "open"])
    );
    let cursor = first["cursor"].as_str().unwrap();
    let second = world
        .get(&format!("{path}&cursor={cursor}"), &[])
        .await
        .json();
    assert_eq!(
        second["hits"][0]["restaurant"]["id"],
        shops[3].restaurant.to_string()
    );
    assert_eq!(second["hits"].as_array().unwrap().len(), 2);
    assert!(second["cursor"].is_null());

    let elsewhere = format!("/v1/search?q=miso&near=35.66,139.70&cursor={cursor}");
    let refused = world.get(&elsewhere, &[]).await;
    assert_eq!(refused.status(), 422);
    assert!(
        refused.body.contains("cursor_of_another_search"),
        "{}",
        refused.body
    );
    world.clock.advance(std::time::Duration::from_mins(16));
    let late = world.get(&format!("{path}&cursor={cursor}"), &[]).await;
    assert!(late.body.contains("cursor_expired"), "{}", late.body);
}

#[tokio::test]
async fn every_fault_of_a_search_is_told_at_once() {
    let world = world_with(&[]).await;
    let path = "/v1/search?radius_m=0&delivers=true&style=pizza&broth=tea&price_max=-1&max_minutes=0\
                &facets=taste&limit=0";
    let refused = world.get(path, &[]).await;
    assert_eq!(refused.status(), 422);
    for code in [
        "radius_out_of_range",
        "place_missing",
        "style_unknown",
        "broth_unknown",
        "price_out_of_range",
        "minutes_out_of_range",
        "facet_unknown",
        "limit_out_of_range",
    ] {
        assert!(refused.body.contains(code), "{code}: {}", refused.body);
    }
    let refused = world
        .get(
            "/v1/search?min_rating=4&sort=best&exclude_allergen=cat&cursor=p20",
            &[],
        )
        .await;
    for code in [
        "unknown_member",
        "sort_unknown",
        "allergen_unknown",
        "cursor_malformed",
    ] {
        assert!(refused.body.contains(code), "{code}: {}", refused.body);
    }
}

#[tokio::test]
async fn what_is_open_near_and_quick_is_shown_before_anybody_asks() {
    let bowl = |style| dish("a", "Ramen").styled(style);
    let mut paused = with(shop(3, 0.001, 0.0), [bowl("shio")]);
    paused.facts.pause = Some(infra::search_schema::PauseFacts { until: None });
    let shops = [
        with(
            shop(1, 0.01, 0.0),
            [bowl("miso"), dish("b", "Beer").styled("drink")],
        ),
        with(shop(2, 0.002, 0.0), [bowl("miso")]),
        paused,
        with(shop(4, 0.03, 0.0), [bowl("jiro")]),
    ];
    let world = world_with(&shops).await;
    let found = world
        .get("/v1/discover?near=35.66,139.70", &[])
        .await
        .json();
    let rails: Vec<(&str, Vec<u128>)> = found["rails"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rail| {
            let hits = rail["hits"].as_array().unwrap().iter();
            let shops = hits.map(|hit| {
                hit["restaurant"]["id"]
                    .as_str()
                    .unwrap()
                    .parse::<uuid::Uuid>()
                    .unwrap()
                    .as_u128()
            });
            (rail["key"].as_str().unwrap(), shops.collect())
        })
        .collect();
    let keys: Vec<&str> = rails.iter().map(|(key, _)| *key).collect();
    assert_eq!(
        keys,
        ["open_near", "quick", "style:miso"],
        "who is paused or does not deliver is not shown"
    );
    assert_eq!(rails[0].1, [2, 1], "the nearest first");
    assert_eq!(world.get("/v1/discover", &[]).await.status(), 422);
    let nowhere = world.get("/v1/discover?near=0,0", &[]).await.json();
    assert_eq!(nowhere["rails"], serde_json::json!([]));
}

#[tokio::test]
async fn finding_asks_no_database() {
    let world = World::new().await;
    write(world.folder.path(), &[miso(1, 0.0)], 1);
    // Nobody listens there: a statement would fail.
    let nowhere = sqlx::postgres::PgPoolOptions::new()
        .connect_lazy("postgres://nobody@127.0.0.1:1/none")
        .unwrap();
    let parts = query_api::Parts {
        pool: nowhere,
        clock: world.clock.clock(),
        vault: world.vault.clone(),
        hub: world.hub.clone(),
    };
    let router = query_api::router(query_api::App::new(parts, world.folder.path()));
    for path in [
        "/v1/search?q=ramen&near=35.66,139.70&open=true&facets=style,price,open,diet",
        "/v1/suggest?q=ramen",
        "/v1/discover?near=35.66,139.70",
    ] {
        let body = body_of(&router, path).await;
        assert!(body.contains("ラーメン"), "{path}: {body}");
    }
}
