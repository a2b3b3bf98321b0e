//! Search against a linear scan over the same documents, and the route on top of it.

use std::path::Path;

use infra::search_schema::{
    Display, KIND_DISH, Place, cells_of, distance_m, fold, index_terms, register, schema,
    style_code,
};
use proptest::prelude::*;
use query_api::search::{Near, SearchIndex, SearchQuery, search_terms};
use tantivy::{Index, TantivyDocument};
use uuid::Uuid;

use crate::world::World;

/// A dish of a made-up shop.
#[derive(Clone, Debug)]
struct Dish {
    shop: u128,
    name: String,
    text: String,
    lat: f64,
    lon: f64,
    style: &'static str,
    price: i64,
}

const WORDS: [&str; 6] = ["miso", "tonkotsu", "味噌ラーメン", "辛い", "라멘", "gyoza"];
const STYLES: [&str; 3] = ["miso", "shoyu", "hakata_tonkotsu"];

fn dish() -> impl Strategy<Value = Dish> {
    let words = (0..WORDS.len(), 0..WORDS.len());
    (
        words,
        -0.05..0.05_f64,
        -0.05..0.05_f64,
        0..STYLES.len(),
        500_i64..2_000,
        1_u128..50,
    )
        .prop_map(|((name, text), north, east, style, price, shop)| Dish {
            shop,
            name: WORDS[name].to_owned(),
            text: WORDS[text].to_owned(),
            lat: 35.66 + north,
            lon: 139.70 + east,
            style: STYLES[style],
            price,
        })
}

fn write(folder: &Path, dishes: &[Dish]) {
    let (schema, fields) = schema();
    let index = Index::create_in_dir(folder, schema).unwrap();
    register(&index);
    let mut writer = index
        .writer_with_num_threads::<TantivyDocument>(1, 20_000_000)
        .unwrap();
    for (n, dish) in dishes.iter().enumerate() {
        let mut document = TantivyDocument::default();
        document.add_text(fields.restaurant, Uuid::from_u128(dish.shop).to_string());
        document.add_text(fields.kind, KIND_DISH);
        document.add_text(fields.name, &dish.name);
        document.add_text(fields.text, &dish.text);
        document.add_text(fields.style, dish.style);
        document.add_u64(fields.style_code, style_code(dish.style).unwrap());
        for cell in cells_of(dish.lat, dish.lon) {
            document.add_text(fields.cell, cell);
        }
        document.add_u64(fields.place, Place::new(dish.lat, dish.lon).packed());
        document.add_i64(fields.price_minor, dish.price);
        document.add_u64(fields.popularity, 0);
        document.add_i64(fields.restaurant_sequence, 1);
        document.add_i64(fields.menu_sequence, 1);
        let display = Display {
            restaurant_name: "Menya".to_owned(),
            item: Some(format!("item-{n}")),
            item_name: [("en".to_owned(), dish.name.clone())].into(),
            currency: "JPY".to_owned(),
            city: "Tokyo".to_owned(),
            styles: vec![dish.style.to_owned()],
        };
        document.add_bytes(fields.display, &serde_json::to_vec(&display).unwrap());
        writer.add_document(document).unwrap();
    }
    writer.commit().unwrap();
}

fn scan(dishes: &[Dish], query: &SearchQuery) -> Vec<String> {
    let matches = |dish: &Dish| {
        let terms: Vec<String> = [index_terms(&dish.name), index_terms(&dish.text)]
            .into_iter()
            .flatten()
            .collect();
        let near = query.near.is_none_or(|near| {
            let here = Place::new(near.lat, near.lon);
            distance_m(here, Place::new(dish.lat, dish.lon)) <= f64::from(near.radius_m)
        });
        query.terms.iter().all(|term| terms.contains(term))
            && (query.styles.is_empty() || query.styles.iter().any(|style| style == dish.style))
            && query.price_max.is_none_or(|max| dish.price <= max)
            && near
    };
    let mut found: Vec<String> = dishes
        .iter()
        .enumerate()
        .filter(|(_, dish)| matches(dish))
        .map(|(n, _)| format!("item-{n}"))
        .collect();
    found.sort();
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn hits_are_those_of_a_linear_scan(
        dishes in prop::collection::vec(dish(), 1..40),
        word in prop::option::of(0..WORDS.len()),
        near in prop::option::of((-0.05..0.05_f64, -0.05..0.05_f64, 500_u32..8_000)),
        style in prop::option::of(0..STYLES.len()),
        price_max in prop::option::of(500_i64..2_000),
    ) {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &dishes);
        let query = SearchQuery {
            terms: word.map(|word| search_terms(WORDS[word]).unwrap()).unwrap_or_default(),
            near: near.map(|(north, east, radius_m)| Near {
                lat: 35.66 + north, lon: 139.70 + east, radius_m,
            }),
            styles: style.map(|style| STYLES[style].to_owned()).into_iter().collect(),
            price_max,
            dishes: None,
            limit: 100,
            offset: 0,
        };
        let found = SearchIndex::new(folder.path()).search(&query).unwrap();
        let mut keys: Vec<String> =
            found.hits.iter().map(|hit| hit.display.item.clone().unwrap()).collect();
        prop_assert!(found.hits.windows(2).all(|pair| pair[0].score >= pair[1].score));
        prop_assert_eq!(found.total, keys.len());
        prop_assert_eq!(found.styles.iter().map(|(_, count)| *count).sum::<u64>(), keys.len() as u64);
        keys.sort();
        prop_assert_eq!(keys, scan(&dishes, &query));
        // Pages put together are the whole.
        let mut paged = Vec::new();
        for offset in (0..found.total).step_by(7) {
            let page = SearchQuery { limit: 7, offset, ..query.clone() };
            paged.extend(SearchIndex::new(folder.path()).search(&page).unwrap().hits);
        }
        prop_assert_eq!(paged, found.hits);
    }

    #[test]
    fn no_text_breaks_a_search(text in "\\PC{0,300}") {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &[]);
        if let Ok(terms) = search_terms(&text) {
            let query = SearchQuery { terms, limit: 10, ..SearchQuery::default() };
            prop_assert!(SearchIndex::new(folder.path()).search(&query).unwrap().hits.is_empty());
        }
    }
}

fn miso(shop: u128, north: f64) -> Dish {
    Dish {
        shop,
        name: "Miso ramen 味噌ラーメン".to_owned(),
        text: String::new(),
        lat: 35.66 + north,
        lon: 139.70,
        style: "miso",
        price: 1_000,
    }
}

#[test]
fn one_wrong_letter_is_forgiven_and_nearer_comes_first() {
    let folder = tempfile::tempdir().unwrap();
    let far = Dish {
        name: "Tonkotsu".to_owned(),
        ..miso(1, 0.03)
    };
    let near = Dish {
        name: "Tonkotsu".to_owned(),
        ..miso(2, 0.001)
    };
    write(folder.path(), &[far, near]);
    let index = SearchIndex::new(folder.path());
    let near = Near {
        lat: 35.66,
        lon: 139.70,
        radius_m: 5_000,
    };
    for text in ["tonkotsu", "tonkatsu", "TONKOTS"] {
        let query = SearchQuery {
            terms: search_terms(text).unwrap(),
            near: Some(near),
            limit: 10,
            ..SearchQuery::default()
        };
        let hits = index.search(&query).unwrap().hits;
        let shops: Vec<u128> = hits.iter().map(|hit| hit.restaurant.as_u128()).collect();
        assert_eq!(shops, [2, 1], "{text}");
        assert_eq!(hits[0].why, ["text", "distance"]);
    }
    assert_eq!(fold("ＴＯＮ").as_str(), "ton");
}

#[tokio::test]
async fn the_route_pages_and_tells_the_facets() {
    let mut world = World::new().await;
    let dishes: Vec<Dish> = (0..5_u32)
        .map(|n| miso(n.into(), 0.001 * f64::from(n)))
        .collect();
    write(world.folder.path(), &dishes);
    world.hub.announce(infra::applied::Applied::Unknown);
    world.follower.advance().await.unwrap();
    let first = world
        .get(
            "/v1/search?q=%E5%91%B3%E5%99%8C&near=35.66,139.70&limit=3",
            &[],
        )
        .await;
    let first = first.json();
    assert_eq!(first["total"], 5);
    assert_eq!(first["facets"]["style"]["miso"], 5);
    assert_eq!(first["hits"].as_array().unwrap().len(), 3);
    assert_eq!(first["hits"][0]["item"]["key"], "item-0");
    let cursor = first["cursor"].as_str().unwrap();
    let path = format!("/v1/search?q=%E5%91%B3%E5%99%8C&near=35.66,139.70&limit=3&cursor={cursor}");
    let second = world.get(&path, &[]).await.json();
    assert_eq!(second["hits"][0]["item"]["key"], "item-3");
    assert!(second["cursor"].is_null());
}
