//! A menu of 500 items and 400 option groups is published, read, quoted and ordered from like any other.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Answer, TestApp, address};

const ITEMS: usize = 500;
const GROUPS: usize = 400;
/// Groups of each item.
const LINKS: usize = 3;
/// What a menu may weigh (api.md, *limits*).
const BYTES_MAX: usize = 2 << 20;
/// A build without optimisation on a busy machine takes a few times as long as one that serves; ten seconds would be a
/// quadratic check.
const PUBLISH_MAX: Duration = Duration::from_secs(10);
const QUOTE_MAX: Duration = Duration::from_secs(2);

fn name(what: &str, number: usize) -> Value {
    json!({ "en": format!("{what} {number}"), "ja": format!("{what}の{number}番") })
}

/// Each group has three options with a recipe, each item three groups; some items share an ingredient.
fn menu() -> Value {
    let ingredient = |number: usize| json!({ "key": format!("ingredient{number}"), "name": name("Ingredient", number), "unit": "g", "allergens": {} });
    let recipe = |number: usize| json!([{ "ingredient": format!("ingredient{}", number % 50), "amount": 1 + number % 9 }]);
    let group = |number: usize| {
        let option = |option: usize| {
            json!({ "key": format!("option{option}"), "name": name("Option", option), "price_minor": 10 * option,
                    "recipe": recipe(number + option) })
        };
        let options: Vec<Value> = (0..3).map(option).collect();
        json!({ "key": format!("group{number}"), "name": name("Group", number), "options": options })
    };
    let item = |number: usize| {
        let link = |nth: usize| json!({ "group": format!("group{}", (number * LINKS + nth) % GROUPS), "min": usize::from(nth == 0), "max": 2, "max_per_option": 2 });
        let links: Vec<Value> = (0..LINKS).map(link).collect();
        json!({ "key": format!("item{number}"), "name": name("Ramen", number), "price_minor": 900 + number,
                "tax_class": "food", "recipe": recipe(number), "groups": links })
    };
    let section = |number: usize| {
        let items: Vec<Value> = (0..ITEMS / 10)
            .map(|nth| item(number * ITEMS / 10 + nth))
            .collect();
        json!({ "key": format!("section{number}"), "name": name("Section", number), "items": items })
    };
    json!({
        "currency": "JPY", "default_language": "en",
        "ingredients": (0..50).map(ingredient).collect::<Vec<_>>(),
        "option_groups": (0..GROUPS).map(group).collect::<Vec<_>>(),
        "sections": (0..10).map(section).collect::<Vec<_>>(),
    })
}

/// The answer, which came in time.
fn in_time(since: Instant, limit: Duration, answer: Answer) -> Answer {
    assert!(answer.status < 300, "{}", answer.text);
    let took = since.elapsed();
    assert!(took < limit, "took {took:?}");
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_items_and_four_hundred_groups_are_ordered_from() {
    let app = TestApp::start().await;
    let shop = app.open_shop(1, 10).await;
    let menu = menu();
    let weight = menu.to_string().len();
    assert!(weight < BYTES_MAX, "{weight} bytes");
    let since = Instant::now();
    let published = app.put(&shop.owner, &shop.path("/menu"), menu).await;
    in_time(since, PUBLISH_MAX, published);
    let counted =
        (0..50).map(|n| json!({ "ingredient": format!("ingredient{n}"), "counted": 1_000 }));
    let counts = json!({ "counts": counted.collect::<Vec<_>>() });
    let stocked = app
        .post(&shop.owner, &shop.path("/stock/recount"), counts)
        .await;
    assert!(stocked.status < 300, "{}", stocked.text);
    app.settle().await;
    let read = app
        .get(&shop.owner, &shop.path("/menu"))
        .await
        .expect(200)
        .body;
    let items: usize = read["sections"]
        .as_array()
        .unwrap()
        .iter()
        .map(|section| section["items"].as_array().unwrap().len())
        .sum();
    assert_eq!(
        (items, read["option_groups"].as_array().unwrap().len()),
        (ITEMS, GROUPS)
    );

    let mei = app.customer(1).await;
    let open = json!({ "restaurant_id": shop.id, "channel": "app" });
    let opened = app.post(&mei, "/v1/carts", open).await.expect(201);
    let cart = format!("/v1/carts/{}", opened.body["cart_id"].as_str().unwrap());
    for number in [0, ITEMS - 1] {
        let chosen = |nth: usize| json!({ "group": format!("group{}", (number * LINKS + nth) % GROUPS), "option": "option2", "quantity": 1 });
        let line = json!({ "item": format!("item{number}"), "quantity": 2, "shortage": "refund",
                           "options": (0..LINKS).map(chosen).collect::<Vec<_>>() });
        let since = Instant::now();
        let added = app.post(&mei, &format!("{cart}/lines"), line).await;
        in_time(since, QUOTE_MAX, added);
    }
    let deliver = json!({ "type": "delivery", "address": address() });
    let since = Instant::now();
    let quoted = app.put(&mei, &format!("{cart}/fulfilment"), deliver).await;
    let quoted = in_time(since, QUOTE_MAX, quoted);
    // Two bowls of each with three options at 20, and the way.
    let expected = 2 * (900 + 60) + 2 * (900 + 499 + 60) + 200;
    assert_eq!(quoted.body["quote"]["total_minor"], expected);
    let ordered = app.check_out(&mei, &cart, &quoted).await.expect(201);
    let order = ordered.body["order_id"].as_str().unwrap().to_owned();
    app.settle().await;
    app.pay(&mei, &order, "pm_card_visa").await;
    assert_eq!(app.order(&mei, &order).await["state"], "placed");
    app.check_books().await;
    app.end().await;
}
