//! What the index costs: nothing for stock that changes nothing visible, and for what people see the
//! documents that say something else.

use std::time::Instant;

use domain::aggregates::AnyEvent;
use domain::restaurant::menu::MenuEvent;
use infra::feed::FeedRecord;
use projector::Written;
use serde_json::{Value, json};

use crate::feed::record;
use crate::indexed::{Indexed, SHOP, drain, open_shop_with, stock};
use crate::world::settle;

/// Dishes of the menu; each third is made with an egg, the others offer it.
const DISHES: usize = 30;
/// Groups of options that every dish links, and options in each.
const GROUPS: usize = 6;
const OPTIONS: usize = 6;

/// A menu of a usual size.
fn menu() -> AnyEvent {
    let name = |key: &str| json!({"en": format!("The {key}"), "ja": format!("{key}ラーメン")});
    let ingredient = |key: &str| json!({"key": key, "name": name(key), "unit": "g", "allergens": {"egg": "free"}});
    let amount = |key: &str| json!({"ingredient": key, "amount": 1});
    let option = |group: usize, at: usize| {
        let key = format!("o{group}-{at}");
        let made_of = if (group, at) == (0, 0) {
            "egg".to_owned()
        } else {
            format!("i{at}")
        };
        json!({"key": key, "name": name(&key), "price_minor": 50, "recipe": [amount(&made_of)]})
    };
    let groups = (0..GROUPS).map(|group| {
        let options: Vec<Value> = (0..OPTIONS).map(|at| option(group, at)).collect();
        json!({"key": format!("g{group}"), "name": name("group"), "options": options})
    });
    let links: Vec<Value> = (0..GROUPS)
        .map(|group| json!({"group": format!("g{group}"), "min": u8::from(group > 3), "max": 2, "max_per_option": 1}))
        .collect();
    let items = (0..DISHES).map(|at| {
        let key = format!("dish-{at}");
        let with_egg = if at % 3 == 0 { "egg" } else { "noodles" };
        let groups = if at % 3 == 0 { json!([]) } else { json!(links) };
        json!({"key": key, "name": name(&key), "price_minor": 900, "tax_class": "food", "groups": groups,
               "recipe": [amount("noodles"), amount(with_egg)]})
    });
    let names = ["egg", "noodles", "i0", "i1", "i2", "i3", "i4", "i5"];
    let document = json!({
        "currency": "JPY", "default_language": "en",
        "ingredients": names.iter().map(|key| ingredient(key)).collect::<Vec<_>>(),
        "option_groups": groups.collect::<Vec<_>>(),
        "sections": [{"key": "all", "name": name("all"), "items": items.collect::<Vec<_>>()}],
    });
    let event = json!({"type": "published", "version": 1, "document": document});
    serde_json::from_value::<MenuEvent>(event).unwrap().into()
}

/// A shop with that menu, in the index.
async fn shown() -> Indexed {
    Indexed::with(open_shop_with(&menu())).await
}

fn received(amount: i64) -> AnyEvent {
    stock(json!({"type": "received", "ingredient": "noodles", "amount": amount}))
}

fn since(before: Written, now: Written) -> (u64, u64, u64) {
    (
        now.documents - before.documents,
        now.removed - before.removed,
        now.commits - before.commits,
    )
}

#[tokio::test]
async fn stock_that_changes_nothing_visible_writes_nothing() {
    let mut shop = shown().await;
    let before = shop.indexer.written();
    assert_eq!(before.documents, 1 + DISHES as u64);
    for at in 1..=20 {
        shop.show(vec![record(&received(10_000), SHOP, at, at + 3)])
            .await;
    }
    assert_eq!(since(before, shop.indexer.written()), (0, 0, 0));
}

#[tokio::test]
async fn an_ingredient_that_runs_out_writes_its_dishes_and_no_others() {
    let mut shop = shown().await;
    let before = shop.indexer.written();
    let out = stock(json!({"type": "eighty_sixed", "ingredient": "egg"}));
    shop.show(vec![record(&out, SHOP, 1, 4)]).await;
    // Those made with it go; those that offer it are found by it no more.
    let gone = DISHES as u64 / 3;
    let without = DISHES as u64 - gone;
    let now = shop.indexer.written();
    assert_eq!(since(before, now), (without, gone, 1));
    let back = stock(json!({"type": "eighty_six_lifted", "ingredient": "egg"}));
    shop.show(vec![record(&back, SHOP, 2, 5)]).await;
    assert_eq!(since(now, shop.indexer.written()), (DISHES as u64, 0, 1));
}

#[tokio::test]
async fn a_price_writes_its_dish_and_a_pause_the_shop() {
    let mut shop = shown().await;
    let before = shop.indexer.written();
    let dearer = json!({"type": "price_set", "item": "dish-1", "price_minor": 950});
    let dearer = serde_json::from_value::<MenuEvent>(dearer).unwrap();
    shop.show(vec![record(&dearer.into(), SHOP, 2, 4)]).await;
    let now = shop.indexer.written();
    assert_eq!(since(before, now), (1, 0, 1));
    let pause = crate::world::samples(domain::aggregates::Kind::Restaurant);
    let pause = pause.iter().find(|event| event.name() == "paused");
    shop.show(vec![record(pause.unwrap(), SHOP, 3, 5)]).await;
    assert_eq!(since(now, shop.indexer.written()), (1, 0, 1));
}

#[tokio::test]
async fn an_index_that_was_opened_again_knows_what_it_says() {
    let shop = shown().await;
    // The log has what the index says that it has read.
    for record in open_shop_with(&menu()) {
        shop.world.plant(&record).await;
    }
    let Indexed {
        world,
        folder,
        indexer,
        ..
    } = shop;
    drop(indexer);
    let queue = projector::IndexQueue::default();
    let mut again = crate::indexed::indexer(&world, &folder, &queue).await;
    let feed = crate::feed::ListFeed::default();
    let mut projector = world.projector_with(&feed, Some(queue));
    feed.put(vec![record(&received(10_000), SHOP, 1, 4)]);
    settle(&mut projector).await.unwrap();
    drain(&mut again).await;
    assert_eq!(since(Written::default(), again.written()), (0, 0, 0));
}

/// Prints what a stock event costs the indexer; says nothing of right and wrong.
#[tokio::test]
async fn stock_events_through_the_indexer() {
    const EVENTS: i64 = 300;
    let mut shop = shown().await;
    let records: Vec<FeedRecord> = (1..=EVENTS)
        .map(|at| record(&received(10_000), SHOP, at, at + 3))
        .collect();
    let mut spent = std::time::Duration::ZERO;
    for event in records {
        shop.feed.put(vec![event]);
        settle(&mut shop.projector).await.unwrap();
        let began = Instant::now();
        drain(&mut shop.indexer).await;
        spent += began.elapsed();
    }
    let each = spent / u32::try_from(EVENTS).unwrap();
    let rate = 1.0 / each.as_secs_f64();
    eprintln!("stock that changes nothing visible: {each:?} each in the indexer, {rate:.0}/s");
}
