//! Who sees what: a stranger finds nothing, and everybody only as much as they need.

use infra::http::policy::Role;
use uuid::Uuid;

use crate::rows::{self, DELIVERY, order};
use crate::world::{CUSTOMER, DRIVER, OPS, OWNER, SHOP, STRANGER, World};

const CART: Uuid = Uuid::from_u128(0xCA);

async fn filled() -> World {
    let world = World::new().await;
    rows::shop(&world).await;
    rows::placed_order(&world, order(1)).await;
    rows::delivery(&world, order(1)).await;
    rows::cart(&world, CART).await;
    world
}

#[tokio::test]
async fn strangers_find_nothing_and_nobody_may_ask_without_a_token() {
    let world = filled().await;
    let order = order(1);
    let mut paths: Vec<String> = ["", "/timeline", "/events"]
        .iter()
        .map(|end| format!("/v1/orders/{order}{end}"))
        .collect();
    paths.push(format!("/v1/carts/{CART}"));
    let stranger = world.token(STRANGER, Role::Customer).await;
    for path in &paths {
        assert_eq!(world.get_as(path, &stranger).await.status(), 404, "{path}");
        assert_eq!(world.get(path, &[]).await.status(), 401, "{path}");
    }
    let other_driver = world.token(STRANGER, Role::Driver).await;
    let delivery = format!("/v1/deliveries/{DELIVERY}");
    assert_eq!(world.get_as(&delivery, &other_driver).await.status(), 404);
    assert_eq!(world.get_as(&delivery, &stranger).await.status(), 403);
    let owner = world.token(OWNER, Role::Owner).await;
    for path in ["stock", "kitchen"] {
        let other = Uuid::from_u128(0x5B);
        assert_eq!(
            world
                .get_as(&format!("/v1/restaurants/{other}/{path}"), &owner)
                .await
                .status(),
            404
        );
        assert_eq!(
            world
                .get_as(&format!("/v1/restaurants/{SHOP}/{path}"), &stranger)
                .await
                .status(),
            403
        );
    }
    assert_eq!(world.get_as("/v1/ops/lag", &owner).await.status(), 403);
    let empty = world.get_as("/v1/orders", &stranger).await.json();
    assert_eq!(empty["orders"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn the_customer_sees_all_the_shop_a_name_and_the_driver_the_door() {
    let world = filled().await;
    let path = format!("/v1/orders/{}", order(1));
    let mine = world
        .get_as(&path, &world.token(CUSTOMER, Role::Customer).await)
        .await;
    assert_eq!(mine.header("cache-control"), "no-store");
    assert_eq!(mine.header("etag"), "\"2\"");
    let mine = mine.json();
    assert_eq!(mine["address"]["street"], "Canary Street 1");
    assert_eq!(mine["lines"][0]["note"], "no onions for Sentinel");
    assert_eq!(mine["delivery"]["pin"], "4711");

    let theirs = world
        .get_as(&path, &world.token(OWNER, Role::Owner).await)
        .await;
    assert!(
        !theirs.body.contains("Canary") && !theirs.body.contains("4711"),
        "{}",
        theirs.body
    );
    assert_eq!(theirs.json()["recipient"], "Sentinel Tanaka");

    let ops = world
        .get_as(&path, &world.token(OPS, Role::Ops).await)
        .await
        .json();
    assert_eq!(ops["address"]["street"], "Canary Street 1");
    assert_eq!(ops["delivery"]["pin"], serde_json::Value::Null);

    let driver = world.token(DRIVER, Role::Driver).await;
    let delivery = world
        .get_as(&format!("/v1/deliveries/{DELIVERY}"), &driver)
        .await;
    assert!(
        !delivery.body.contains("4711"),
        "the code is the customer's: {}",
        delivery.body
    );
    assert_eq!(delivery.json()["dropoff"]["street"], "Canary Street 1");
    let list = world.get_as("/v1/me/deliveries", &driver).await;
    assert!(
        !list.body.contains("Canary"),
        "a list holds nothing personal"
    );
    assert_eq!(list.json()["deliveries"][0]["id"], DELIVERY.to_string());

    let owner = world.token(OWNER, Role::Owner).await;
    let kitchen = world
        .get_as(&format!("/v1/restaurants/{SHOP}/kitchen"), &owner)
        .await;
    assert!(!kitchen.body.contains("Canary"));
    assert_eq!(kitchen.json()["orders"][0]["recipient"], "Sentinel Tanaka");
    assert_eq!(
        kitchen.json()["orders"][0]["lines"][0]["note"],
        "no onions for Sentinel"
    );
}

#[tokio::test]
async fn a_person_who_was_erased_leaves_an_order_without_a_name() {
    let world = filled().await;
    world.vault.destroy(CUSTOMER).await.unwrap();
    world.clock.advance(infra::limits::SUBJECT_KEY_LIFE * 2);
    let ops = world.token(OPS, Role::Ops).await;
    let order = world
        .get_as(&format!("/v1/orders/{}", order(1)), &ops)
        .await
        .json();
    assert_eq!(order["total_minor"], 2100);
    assert_eq!(order["address"], serde_json::Value::Null);
    assert_eq!(order["lines"][0]["note"], serde_json::Value::Null);
}

#[tokio::test]
async fn a_cart_is_read_in_the_order_of_its_lines() {
    let world = filled().await;
    let token = world.token(CUSTOMER, Role::Customer).await;
    let cart = world
        .get_as(&format!("/v1/carts/{CART}"), &token)
        .await
        .json();
    let lines: Vec<i64> = cart["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["line"].as_i64().unwrap())
        .collect();
    assert_eq!(lines, [2, 10]);
    assert_eq!(cart["lines"][0]["note"], "for Sentinel");
    assert_eq!(cart["address"]["city"], "Tokyo");
    assert_eq!(
        (cart["version"].as_i64(), cart["fulfilment"].as_str()),
        (Some(4), Some("delivery"))
    );
}
