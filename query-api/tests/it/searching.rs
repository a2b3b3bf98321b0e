//! Search against a linear scan over the same documents, and the route on top of it.

use chrono::{DateTime, Utc};
use domain::kernel::allergen::Allergen;
use domain::kernel::geo::GeoPoint;
use infra::search_schema::{
    Dimension, Entry, Obstacles, Place, ShopEntries, distance_m, index_terms,
};
use proptest::prelude::*;
use query_api::search::{Facet, Hit, SearchIndex, SearchQuery, Sort, search_text};

use crate::shelf::{CENTRE, Described as _, dish, merge, shop, with, write};
use crate::world::{World, body_of};

const WORDS: [&str; 6] = ["miso", "tonkotsu", "味噌ラーメン", "辛い", "라멘", "gyoza"];
const STYLES: [&str; 3] = ["miso", "shoyu", "hakata_tonkotsu"];

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn point(north: f64, east: f64) -> GeoPoint {
    GeoPoint::parse(CENTRE.0 + north, CENTRE.1 + east).unwrap()
}

fn some_dish() -> impl Strategy<Value = Entry> {
    let allergens = prop::collection::vec(prop::collection::vec(0..3_usize, 0..3), 1..3);
    let numbers = (0_u64..200, prop::option::of(0..2_usize));
    (
        0..WORDS.len(),
        0..WORDS.len(),
        0..STYLES.len(),
        500_i64..2_000,
        allergens,
        numbers,
    )
        .prop_map(|(name, text, style, price, ways, (popularity, sale))| {
            const RISKS: [Allergen; 3] = [Allergen::Egg, Allergen::Soy, Allergen::Milk];
            let ways: Vec<Vec<Allergen>> = ways
                .into_iter()
                .map(|way| way.into_iter().map(|n| RISKS[n]).collect())
                .collect();
            let ways: Vec<&[Allergen]> = ways.iter().map(Vec::as_slice).collect();
            let dish = dish("", WORDS[name])
                .styled(STYLES[style])
                .costing(price)
                .with_allergens(&ways);
            Entry {
                texts: vec![WORDS[text].to_owned()],
                popularity,
                sale,
                ..dish
            }
        })
}

fn some_shops() -> impl Strategy<Value = Vec<ShopEntries>> {
    let one = (
        -0.05..0.05_f64,
        -0.05..0.05_f64,
        prop::collection::vec(some_dish(), 0..4),
    );
    prop::collection::vec(one, 1..12).prop_map(|shops| {
        let shops = shops.into_iter().zip(1_u128..);
        let shops = shops.map(|((north, east, dishes), id)| {
            let keyed = dishes.into_iter().enumerate().map(|(n, mut dish)| {
                dish.display.item = Some(format!("dish-{n}"));
                dish
            });
            with(shop(id, north, east), keyed)
        });
        shops.collect()
    })
}

fn some_query() -> impl Strategy<Value = SearchQuery> {
    let place = (
        -0.05..0.05_f64,
        -0.05..0.05_f64,
        prop::option::of(500_u32..8_000),
        any::<bool>(),
    );
    let filters = (
        prop::option::of(0..STYLES.len()),
        prop::option::of(500_i64..2_000),
        prop::option::of(any::<bool>()),
        any::<bool>(),
        0..4_usize,
        prop::option::of(30_u32..50),
    );
    let word = prop::option::of(0..WORDS.len());
    (word, prop::option::of(place), filters, 0..24_i64).prop_map(
        |(word, place, (style, price_max, open, avoids, sort, max_minutes), hour)| SearchQuery {
            text: word
                .map(|word| search_text(WORDS[word]).unwrap())
                .unwrap_or_default(),
            at: at("2026-11-22T00:00:00Z") + chrono::TimeDelta::hours(hour),
            near: place.map(|(north, east, _, _)| point(north, east)),
            radius_m: place.and_then(|(_, _, radius, _)| radius),
            delivers: place.is_some_and(|(_, _, _, delivers)| delivers),
            open,
            tags: style
                .map(|style| (Dimension::Style, vec![STYLES[style].to_owned()]))
                .into_iter()
                .collect(),
            avoid: Obstacles::any_of(avoids.then_some(Allergen::Egg)),
            price_max,
            max_minutes: max_minutes.filter(|_| place.is_some()),
            sort: [Sort::Relevance, Sort::Distance, Sort::Price, Sort::Promise][sort],
            facets: Facet::ALL.to_vec(),
            limit: 100,
            ..SearchQuery::default()
        },
    )
}

/// Whether an entry is found, worked out from the entry alone.
fn matches(shop: &ShopEntries, entry: &Entry, query: &SearchQuery) -> bool {
    let terms: Vec<String> = entry
        .names
        .iter()
        .chain(&entry.texts)
        .flat_map(|text| index_terms(text))
        .collect();
    let near = query
        .near
        .map(|near| (near, Place::new(near.lat(), near.lon())));
    let distance = near.map(|(_, here)| distance_m(here, Place::new(shop.lat, shop.lon)).round());
    let travel = near.and_then(|(near, _)| shop.facts.travel_to(near));
    let is_dish = entry.display.item.is_some();
    let promise = travel.map(|travel| travel.get() + entry.prep_minutes + 10);
    query.text.words.iter().all(|word| word.is_in(&terms))
        && query.tags.iter().all(|(dimension, values)| {
            entry
                .tags
                .iter()
                .any(|(of, value)| of == dimension && values.contains(value))
        })
        && query
            .radius_m
            .is_none_or(|radius| distance.unwrap() <= f64::from(radius))
        && (!query.delivers || travel.is_some())
        && query
            .open
            .is_none_or(|open| is_sold(shop, entry, query.at) == open)
        && query
            .price_max
            .is_none_or(|max| is_dish && entry.price_minor <= max)
        && query
            .max_minutes
            .is_none_or(|max| promise.is_some_and(|minutes| minutes <= max))
        && (query.avoid == Obstacles::default()
            || entry
                .obstacles
                .sets()
                .iter()
                .any(|set| set.spare(query.avoid)))
}

fn is_sold(shop: &ShopEntries, entry: &Entry, at: DateTime<Utc>) -> bool {
    let on_sale = entry.sale.is_none_or(|sale| shop.facts.is_sold(sale, at));
    on_sale && shop.facts.spell_at(at).open
}

type Found = (u128, Option<String>);

fn scan(shops: &[ShopEntries], query: &SearchQuery) -> Vec<Found> {
    let mut found: Vec<Found> = shops
        .iter()
        .flat_map(|shop| shop.entries.iter().map(move |entry| (shop, entry)))
        .filter(|(shop, entry)| matches(shop, entry, query))
        .map(|(shop, entry)| (shop.restaurant.as_u128(), entry.display.item.clone()))
        .collect();
    found.sort();
    found
}

fn keys(hits: &[Hit]) -> Vec<Found> {
    hits.iter()
        .map(|hit| (hit.restaurant.as_u128(), hit.display.item.clone()))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn hits_are_those_of_a_linear_scan_and_pages_are_the_whole(
        shops in some_shops(), query in some_query(), in_a_segment in 1..12_usize,
    ) {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &shops, in_a_segment);
        let index = SearchIndex::new(folder.path());
        let found = index.search(&query).unwrap();
        let mut hits = keys(&found.hits);
        hits.sort();
        prop_assert_eq!(hits, scan(&shops, &query));
        prop_assert_eq!(found.total, found.hits.len());
        prop_assert_eq!(found.facets.open.unwrap().iter().sum::<u64>(), found.total as u64);
        let dishes = found.hits.iter().filter(|hit| hit.display.item.is_some()).count() as u64;
        let styles = &found.facets.tags[&Dimension::Style];
        prop_assert_eq!(styles.values().sum::<u64>(), dishes);
        prop_assert_eq!(found.facets.prices.values().sum::<u64>(), dishes);
        let in_order = |pair: &[Hit]| match query.sort {
            Sort::Relevance => pair[0].score >= pair[1].score,
            Sort::Distance => pair[0].distance_m <= pair[1].distance_m,
            Sort::Price => pair[0].price_minor <= pair[1].price_minor,
            Sort::Promise => pair[0].promise_minutes.unwrap_or(u32::MAX)
                <= pair[1].promise_minutes.unwrap_or(u32::MAX),
        };
        prop_assert!(found.hits.windows(2).all(in_order));
        let mut paged = Vec::new();
        let mut after = None;
        loop {
            let page = index.search(&SearchQuery { limit: 3, after, ..query.clone() }).unwrap();
            prop_assert_eq!(page.total, found.total);
            after = page.hits.last().map(|hit| hit.position);
            paged.extend(page.hits);
            if !page.more { break }
        }
        prop_assert_eq!(paged, found.hits);
    }

    #[test]
    fn no_text_breaks_a_search(text in "\\PC{0,300}", begun in any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &[], 1);
        if let Ok(text) = search_text(&text) {
            let query = SearchQuery { text, begun, limit: 10, ..SearchQuery::default() };
            prop_assert!(SearchIndex::new(folder.path()).search(&query).unwrap().hits.is_empty());
        }
    }
}

/// What is found of some shops, in order.
fn found(shops: &[ShopEntries], query: &SearchQuery) -> Vec<Found> {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), shops, 2);
    keys(&SearchIndex::new(folder.path()).search(query).unwrap().hits)
}

fn text(text: &str) -> SearchQuery {
    SearchQuery {
        text: search_text(text).unwrap(),
        // Noon in Tokyo.
        at: at("2026-11-22T03:00:00Z"),
        limit: 10,
        ..SearchQuery::default()
    }
}

#[test]
fn one_wrong_letter_is_forgiven_and_nearer_comes_first() {
    let folder = tempfile::tempdir().unwrap();
    let bowl = |id, north| with(shop(id, north, 0.0), [dish("a", "Tonkotsu")]);
    write(folder.path(), &[bowl(1, 0.03), bowl(2, 0.001)], 1);
    let index = SearchIndex::new(folder.path());
    for (typed, meant) in [
        ("tonkotsu", None),
        ("tonkotzu", Some("tonkotsu")),
        ("TONKOTS", Some("tonkotsu")),
    ] {
        let query = SearchQuery {
            near: Some(point(0.0, 0.0)),
            ..text(typed)
        };
        let found = index.search(&query).unwrap();
        let shops: Vec<u128> = found
            .hits
            .iter()
            .map(|hit| hit.restaurant.as_u128())
            .collect();
        assert_eq!(shops, [2, 1], "{typed}");
        assert_eq!(found.did_you_mean.as_deref(), meant, "{typed}");
        assert_eq!(found.hits[0].why, ["text", "distance", "open"]);
    }
}

#[test]
fn what_arrives_as_ramen_comes_before_what_does_not() {
    let bowls = [
        dish("thin", "Ramen").styled("hakata_tonkotsu"),
        dish("thick", "Ramen").styled("tsukemen"),
    ];
    let mut far = with(shop(1, 0.0, 0.0), bowls);
    far.facts.zones[0].minutes = domain::kernel::quantity::Minutes::new(35);
    let query = SearchQuery {
        near: Some(point(0.0, 0.0)),
        ..text("ramen")
    };
    let keys = found(&[far], &query);
    assert_eq!(
        keys.iter()
            .map(|(_, key)| key.as_deref().unwrap())
            .collect::<Vec<_>>(),
        ["thick", "thin"]
    );
}

#[test]
fn allergens_are_avoided_by_what_can_be_chosen_together() {
    use Allergen::{Egg, Gluten, Soy};
    let dishes = [
        dish("safe", "Ramen"),
        dish("either", "Ramen").with_allergens(&[&[Gluten], &[Egg]]),
        dish("never", "Ramen").with_allergens(&[&[Gluten, Egg], &[Gluten, Soy]]),
    ];
    let shops = [with(shop(1, 0.0, 0.0), dishes)];
    let without = |avoid: &[Allergen]| {
        let avoid = Obstacles::any_of(avoid.iter().copied());
        let mut keys = found(
            &shops,
            &SearchQuery {
                avoid,
                ..text("ramen")
            },
        );
        keys.sort();
        keys.into_iter()
            .map(|(_, key)| key.unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(without(&[Gluten]), ["either", "safe"]);
    assert_eq!(without(&[Egg]), ["either", "never", "safe"]);
    assert_eq!(
        without(&[Gluten, Egg]),
        ["safe"],
        "each could be avoided, but not both"
    );
}

#[test]
fn open_is_answered_for_now_and_a_paused_shop_is_not() {
    let mut paused = with(shop(2, 0.0, 0.0), [dish("a", "Ramen")]);
    paused.facts.pause = Some(infra::search_schema::PauseFacts {
        until: Some(at("2026-11-22T04:00:00Z")),
    });
    let shops = [with(shop(1, 0.0, 0.0), [dish("a", "Ramen")]), paused];
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &shops, 2);
    let index = SearchIndex::new(folder.path());
    // One index, and only the clock goes on.
    let open_at = |now: &str| {
        let query = SearchQuery {
            at: at(now),
            open: Some(true),
            dishes: Some(true),
            ..text("ramen")
        };
        let mut shops: Vec<u128> = index
            .search(&query)
            .unwrap()
            .hits
            .iter()
            .map(|hit| hit.restaurant.as_u128())
            .collect();
        shops.sort_unstable();
        shops
    };
    assert_eq!(open_at("2026-11-22T01:59:59Z"), Vec::<u128>::new());
    assert_eq!(open_at("2026-11-22T02:00:00Z"), [1]);
    assert_eq!(open_at("2026-11-22T04:00:00Z"), [1, 2]);
    assert_eq!(open_at("2026-11-22T13:00:00Z"), Vec::<u128>::new());
}

#[test]
fn a_merge_keeps_dishes_with_their_shops() {
    let shops: Vec<ShopEntries> = (1..8_u128)
        .map(|id| {
            let mut shop = with(shop(id, 0.0, 0.0), [dish("a", "Ramen"), dish("b", "Ramen")]);
            shop.facts.pause =
                (id % 2 == 0).then_some(infra::search_schema::PauseFacts { until: None });
            shop
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &shops, 2);
    let index = SearchIndex::new(folder.path());
    let open = || {
        let query = SearchQuery {
            open: Some(true),
            ..text("ramen")
        };
        let mut found = keys(&index.search(&query).unwrap().hits);
        found.sort();
        found
    };
    let before = open();
    assert_eq!(before.len(), 8, "two dishes of each of four shops");
    merge(folder.path());
    index.reload().unwrap();
    assert_eq!(open(), before);
}

/// A hundred times as many shops around the same few: a search near them looks at no more.
#[test]
fn the_cost_of_a_search_nearby_does_not_grow_with_the_town() {
    let town = |half: i32| -> Vec<ShopEntries> {
        let ids = 1_u128..;
        let places = (-half..half).flat_map(|north| (-half..half).map(move |east| (north, east)));
        let shops = places.zip(ids).map(|((north, east), id)| {
            let shop = shop(id, f64::from(north) * 0.01, f64::from(east) * 0.01);
            with(
                shop,
                [dish("a", "Miso ramen").styled("miso"), dish("b", "Gyoza")],
            )
        });
        shops.collect()
    };
    let cost = |half: i32| {
        let folder = tempfile::tempdir().unwrap();
        let shops = town(half);
        write(folder.path(), &shops, shops.len());
        let query = SearchQuery {
            near: Some(point(0.0, 0.0)),
            radius_m: Some(2_000),
            open: Some(true),
            tags: vec![(Dimension::Style, vec!["miso".to_owned()])],
            ..text("ramen")
        };
        let found = SearchIndex::new(folder.path()).search(&query).unwrap();
        assert!(found.total > 4, "{}", found.total);
        (
            f64::from(half * half * 4),
            f64::from(u32::try_from(found.looked_at).unwrap()),
        )
    };
    let (few, many) = (cost(5), cost(50));
    let slope = (many.1 / few.1).ln() / (many.0 / few.0).ln();
    assert!(slope <= 0.1, "{few:?} {many:?}: slope {slope}");
}

fn miso(id: u128, north: f64) -> ShopEntries {
    with(
        shop(id, north, 0.0),
        [dish("miso", "味噌ラーメン").styled("miso")],
    )
}

/// A world in which some shops are found.
async fn world_with(shops: &[ShopEntries]) -> World {
    let mut world = World::new().await;
    write(world.folder.path(), shops, 2);
    world.hub.announce(infra::applied::Applied::Unknown);
    world.index_follower.advance().await;
    world
}

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
async fn names_are_suggested_while_one_types() {
    let bowls = [dish("a", "Tonkotsu Black"), dish("b", "Miso Deluxe")];
    let mut shops = vec![
        with(shop(1, 0.0, 0.0), bowls.clone()),
        with(shop(2, 0.0, 0.0), bowls),
    ];
    shops[0].entries[0].names = vec!["Tonchin".to_owned()];
    shops[0].entries[0].display.restaurant_name = "Tonchin".to_owned();
    let world = world_with(&shops).await;
    let texts = async |q: &str| {
        let answer = world.get(&format!("/v1/suggest?q={q}"), &[]).await;
        assert_eq!(answer.header("cache-control"), "public, max-age=10");
        let found = answer.json();
        let found = found["suggestions"].as_array().unwrap();
        found
            .iter()
            .map(|one| one["text"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let mut ton = texts("ton").await;
    ton.sort();
    assert_eq!(ton, ["Tonchin", "Tonkotsu Black"], "each name once");
    assert_eq!(
        texts("tonkotzu%20bl").await,
        ["Tonkotsu Black"],
        "a typo and a word that is begun"
    );
    assert_eq!(texts("mis").await, ["Miso Deluxe"]);
    assert_eq!(texts("").await, Vec::<String>::new());
    let long = world
        .get(&format!("/v1/suggest?q={}", "a".repeat(300)), &[])
        .await;
    assert_eq!(long.status(), 422);
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
