//! What filters and the order of hits mean.

use domain::kernel::allergen::Allergen;
use infra::search_schema::{Dimension, Obstacles, ShopEntries};
use query_api::search::{SearchIndex, SearchQuery};

use super::{at, found, keys, point, text};
use crate::shelf::{Described as _, dish, merge, shop, with, write};

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
