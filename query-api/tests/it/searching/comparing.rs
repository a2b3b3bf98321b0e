//! What depends on where one is: currencies of prices, smaller zones of styles, and the last order.

use domain::kernel::geo::Polygon;
use infra::search_schema::{ShopEntries, StyleFacts};
use query_api::search::SearchQuery;

use super::{at, found, point, text, world_with};
use crate::shelf::{Described as _, dish, shop, with};

fn priced_in(mut shop: ShopEntries, currency: &str) -> ShopEntries {
    currency.clone_into(&mut shop.facts.currency);
    for entry in &mut shop.entries {
        currency.clone_into(&mut entry.display.currency);
    }
    shop
}

/// A bowl for 1,000 yen in the centre, and one for 900 cents far away.
fn two_countries() -> [ShopEntries; 2] {
    let yen = with(shop(1, 0.0, 0.0), [dish("a", "Ramen").costing(1_000)]);
    let euro = with(shop(2, 1.0, 0.0), [dish("a", "Ramen").costing(900)]);
    [yen, priced_in(euro, "EUR")]
}

#[tokio::test]
async fn prices_are_compared_in_one_currency() {
    let world = world_with(&two_countries()).await;
    let total = async |path: &str| {
        let answer = world.get(&format!("/v1/search?q=ramen&{path}"), &[]).await;
        let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        let code = body["errors"][0]["code"].as_str().unwrap_or_default();
        (body["total"].as_u64(), code.to_owned())
    };
    let found = |count: u64| (Some(count), String::new());
    let refused = |code: &str| (None, code.to_owned());
    assert_eq!(total("price_max=950").await, refused("currency_missing"));
    assert_eq!(total("sort=price").await, refused("currency_missing"));
    assert_eq!(total("price_max=950&currency=EUR").await, found(1));
    assert_eq!(total("price_max=950&currency=JPY").await, found(0));
    assert_eq!(total("price_max=950&currency=yen").await.0, None);
    let here = "near=35.66,139.70";
    assert_eq!(total(&format!("price_max=1000&{here}")).await, found(1));
    assert_eq!(total(&format!("price_max=950&{here}")).await, found(0));
    assert_eq!(total("price_max=950&near=0,0").await, found(0));
    // So wide a look sees both.
    let wide = "near=36.16,139.70&radius_m=50000";
    assert_eq!(
        total(&format!("price_max=950&{wide}")).await,
        found(0),
        "neither is so near"
    );
    let mut both = two_countries();
    both[1].lat = both[0].lat;
    let world = world_with(&both).await;
    let ambiguous = world
        .get(&format!("/v1/search?price_max=950&{here}"), &[])
        .await;
    assert_eq!(ambiguous.status(), 422);
    assert!(
        ambiguous.body.contains("currency_ambiguous"),
        "{}",
        ambiguous.body
    );
    let named = world
        .get(
            &format!("/v1/search?price_max=950&{here}&currency=EUR"),
            &[],
        )
        .await;
    assert_eq!(named.json()["total"], 1);
}

#[test]
fn a_style_with_a_smaller_zone_is_not_delivered_beyond_it() {
    let bowls = [
        dish("thick", "Ramen").styled("tsukemen"),
        dish("thin", "Ramen").styled("hakata_tonkotsu"),
    ];
    let mut limited = with(shop(1, 0.0, 0.0), bowls);
    let (lat, lon) = (limited.lat, limited.lon);
    let corner = |north: f64, east: f64| serde_json::json!({"lat": lat + north, "lon": lon + east});
    let small: Polygon = serde_json::from_value(serde_json::json!([
        corner(-0.005, -0.005),
        corner(-0.005, 0.005),
        corner(0.005, 0.005),
        corner(0.005, -0.005)
    ]))
    .unwrap();
    limited.facts.zones[0].style_limits = vec![StyleFacts {
        style: domain::kernel::bowl::Style::HakataTonkotsu,
        polygon: small,
    }];
    let shops = [limited];
    let at_door = |north: f64, delivers: bool| {
        let query = SearchQuery {
            near: Some(point(north, 0.0)),
            delivers,
            ..text("ramen")
        };
        let mut keys: Vec<String> = found(&shops, &query)
            .into_iter()
            .filter_map(|(_, key)| key)
            .collect();
        keys.sort();
        keys
    };
    assert_eq!(at_door(0.001, true), ["thick", "thin"]);
    assert_eq!(at_door(0.01, true), ["thick"]);
    assert_eq!(at_door(0.01, false), ["thick", "thin"], "it can be fetched");
    assert_eq!(
        at_door(0.03, true),
        Vec::<String>::new(),
        "outside the zone"
    );
}

#[test]
fn after_the_last_order_a_shop_is_not_open_now() {
    let mut early = with(shop(1, 0.0, 0.0), [dish("a", "Ramen")]);
    let mut hours = serde_json::to_value(&early.facts.hours).unwrap();
    hours["last_order"] = serde_json::json!({"delivery": 60, "pickup": 30});
    early.facts.hours = serde_json::from_value(hours).unwrap();
    let shops = [early];
    let open = |now: &str, delivers: bool| {
        let query = SearchQuery {
            at: at(now),
            near: Some(point(0.0, 0.0)),
            delivers,
            open: Some(true),
            ..text("ramen")
        };
        !found(&shops, &query).is_empty()
    };
    // It closes at 22:00 in Tokyo.
    assert!(open("2026-11-22T11:59:59Z", true) && !open("2026-11-22T12:00:00Z", true));
    assert!(open("2026-11-22T12:29:59Z", false) && !open("2026-11-22T12:30:00Z", false));
}
