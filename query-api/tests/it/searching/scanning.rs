//! What is found is what a linear scan over the same documents finds.

use chrono::{DateTime, Utc};
use domain::kernel::allergen::Allergen;
use infra::search_schema::{
    Dimension, Entry, Obstacles, Place, ShopEntries, distance_m, index_terms,
};
use proptest::prelude::*;
use query_api::search::{Facet, Hit, SearchIndex, SearchQuery, Sort, search_text};

use super::{Found, at, keys, point};
use crate::shelf::{Described as _, dish, shop, with, write};

const WORDS: [&str; 6] = ["miso", "tonkotsu", "味噌ラーメン", "辛い", "라멘", "gyoza"];
const STYLES: [&str; 3] = ["miso", "shoyu", "hakata_tonkotsu"];

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
    let travel = near
        .and_then(|(near, _)| shop.facts.zone_of(near))
        .map(|zone| zone.minutes);
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
    on_sale && shop.facts.spell_at(at, None).open
}

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
