//! Names that are suggested while one types.

use super::world_with;
use crate::shelf::{dish, shop, with};
use crate::world::World;

/// What is suggested for a text.
async fn texts(world: &World, q: &str) -> Vec<String> {
    let answer = world.get(&format!("/v1/suggest?q={q}"), &[]).await;
    assert_eq!(answer.header("cache-control"), "public, max-age=10");
    let found = answer.json();
    let found = found["suggestions"].as_array().unwrap();
    let texts = found.iter();
    texts
        .map(|one| one["text"].as_str().unwrap().to_owned())
        .collect()
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
    let mut ton = texts(&world, "ton").await;
    ton.sort();
    assert_eq!(ton, ["Tonchin", "Tonkotsu Black"], "each name once");
    assert_eq!(
        texts(&world, "tonkotzu%20bl").await,
        ["Tonkotsu Black"],
        "a typo and a word that is begun"
    );
    assert_eq!(texts(&world, "mis").await, ["Miso Deluxe"]);
    assert_eq!(texts(&world, "").await, Vec::<String>::new());
    let long = world
        .get(&format!("/v1/suggest?q={}", "a".repeat(300)), &[])
        .await;
    assert_eq!(long.status(), 422);
}

#[tokio::test]
async fn a_name_in_kana_or_kanji_is_suggested_for_how_it_is_typed() {
    let bowls = [
        dish("a", "味噌ラーメン"),
        dish("b", "しょうゆラーメン"),
        dish("c", "チャーシュー丼"),
    ];
    let world = world_with(&[with(shop(1, 0.0, 0.0), bowls)]).await;
    for (typed, names) in [
        ("mis", &["味噌ラーメン"][..]),
        ("syou", &["しょうゆラーメン"]),
        ("shoyu", &["しょうゆラーメン"]),
        ("tyasyu", &["チャーシュー丼"]),
        ("chaas", &["チャーシュー丼"]),
    ] {
        assert_eq!(texts(&world, typed).await, names, "{typed}");
    }
    let mut ramen = texts(&world, "raame").await;
    ramen.sort();
    assert_eq!(
        ramen,
        ["しょうゆラーメン", "味噌ラーメン"],
        "from a word within"
    );
}
