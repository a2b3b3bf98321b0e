//! Lists by key: filters, cursors that belong to their list, and pages that cost the same however long the
//! list is.

use infra::http::policy::Role;
use serde_json::Value;
use uuid::Uuid;

use crate::rows;
use crate::world::{CUSTOMER, DRIVER, OPS, OWNER, SHOP, STRANGER, World};

/// An order's id as it is given: its time first.
fn made_at(millis: u128, n: u128) -> Uuid {
    Uuid::from_u128((millis << 80) | (7 << 76) | n)
}

const NOON_MILLIS: u128 = 1_795_348_800_000;

fn ids(page: &Value) -> Vec<Uuid> {
    let orders = page["orders"].as_array().unwrap().iter();
    orders
        .map(|order| order["id"].as_str().unwrap().parse().unwrap())
        .collect()
}

#[tokio::test]
async fn a_cursor_from_elsewhere_is_refused() {
    let world = World::new().await;
    rows::shop(&world).await;
    for n in 1..=3 {
        rows::placed_order(&world, made_at(NOON_MILLIS - 1000, n)).await;
    }
    let customer = world.token(CUSTOMER, Role::Customer).await;
    let ops = world.token(OPS, Role::Ops).await;
    let first = world.get_as("/v1/orders?limit=1", &customer).await.json();
    let cursor = first["cursor"].as_str().unwrap();
    let own = format!("/v1/orders?limit=1&cursor={cursor}");
    assert_eq!(world.get_as(&own, &customer).await.status(), 200);
    let driver = world.token(DRIVER, Role::Driver).await;
    for (path, token) in [
        (
            format!("/v1/orders?state=placed&cursor={cursor}"),
            &customer,
        ),
        (
            format!("/v1/orders?service_date=2026-11-22&cursor={cursor}"),
            &customer,
        ),
        (format!("/v1/orders?cursor={cursor}"), &ops),
        (format!("/v1/ops/orders?cursor={cursor}"), &ops),
        (format!("/v1/ops/parked?cursor={cursor}"), &ops),
        (format!("/v1/me/deliveries?cursor={cursor}"), &driver),
        (format!("/v1/orders?cursor={}", Uuid::nil()), &customer),
    ] {
        let answer = world.get_as(&path, token).await;
        assert_eq!(answer.status(), 422, "{path}: {}", answer.body);
        let problem: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(problem["errors"][0]["pointer"], "/cursor", "{path}");
    }
}

#[tokio::test]
async fn orders_are_listed_by_shop_and_date() {
    let world = World::new().await;
    rows::shop(&world).await;
    let [one, two] = [1, 2].map(|n| made_at(NOON_MILLIS - 1000, n));
    rows::placed_order(&world, one).await;
    rows::placed_order(&world, two).await;
    rows::run(
        &world,
        &format!("UPDATE views.orders SET service_date = '2026-11-21' WHERE order_id = '{one}'"),
    )
    .await;
    for (id, role) in [
        (CUSTOMER, Role::Customer),
        (OWNER, Role::Owner),
        (OPS, Role::Ops),
    ] {
        let token = world.token(id, role).await;
        for (query, expected) in [
            (format!("shop={SHOP}"), vec![two, one]),
            (format!("shop={STRANGER}"), vec![]),
            ("service_date=2026-11-21".to_owned(), vec![one]),
            (
                format!("service_date=2026-11-22&state=placed&shop={SHOP}"),
                vec![two],
            ),
        ] {
            let page = world
                .get_as(&format!("/v1/orders?{query}"), &token)
                .await
                .json();
            assert_eq!(ids(&page), expected, "{role:?} {query}");
        }
        let refused = world.get_as("/v1/orders?state=placed,lost", &token).await;
        assert_eq!(refused.status(), 422);
        let problem: Value = serde_json::from_str(&refused.body).unwrap();
        assert_eq!(problem["errors"][0]["pointer"], "/state/1");
    }
}

#[tokio::test]
async fn ops_find_orders_by_what_people_tell_them_and_by_how_long_they_wait() {
    let world = World::new().await;
    rows::shop(&world).await;
    let recent = made_at(NOON_MILLIS - 60_000, 1);
    let old = made_at(NOON_MILLIS - 10 * 86_400_000, 2);
    rows::placed_order(&world, recent).await;
    rows::placed_order(&world, old).await;
    rows::run(
        &world,
        &format!("UPDATE views.orders SET number = 41, city = 'Kobe' WHERE order_id = '{old}'"),
    )
    .await;
    let ops = world.token(OPS, Role::Ops).await;
    let long_ago = "since=2026-11-01T00:00:00Z";
    for (query, expected) in [
        (String::new(), vec![recent]),
        (long_ago.to_owned(), vec![recent, old]),
        (format!("q=41&{long_ago}"), vec![old]),
        ("q=%237".to_owned(), vec![recent]),
        (format!("q={old}"), vec![old]),
        (format!("q={SHOP}"), vec![recent, old]),
        (format!("q={CUSTOMER}&city=Kobe"), vec![old]),
        (format!("q={STRANGER}"), vec![]),
        ("q=no%20such%20thing".to_owned(), vec![]),
        (format!("shop={SHOP}&state=placed"), vec![recent]),
        ("stuck=true".to_owned(), vec![]),
    ] {
        let page = world
            .get_as(&format!("/v1/ops/orders?{query}"), &ops)
            .await
            .json();
        assert_eq!(ids(&page), expected, "{query}");
    }
    // Placed at 12:01 and still not taken at 12:20.
    world.clock.advance(std::time::Duration::from_mins(20));
    let ops = world.token(OPS, Role::Ops).await;
    let page = world
        .get_as(
            &format!("/v1/ops/orders?stuck=true&limit=1&{long_ago}"),
            &ops,
        )
        .await;
    let link = page.header("link").to_owned();
    let page = page.json();
    assert_eq!(ids(&page), [recent]);
    assert_eq!(page["orders"][0]["stuck"], true);
    assert_eq!(page["orders"][0]["state_since"], "2026-11-22T12:01:00Z");
    let next = link.trim_start_matches('<').split('>').next().unwrap();
    assert_eq!(ids(&world.get_as(next, &ops).await.json()), [old]);
    let none = world
        .get_as("/v1/ops/orders?stuck=false", &ops)
        .await
        .json();
    assert!(ids(&none).is_empty());
    // An order for later waits until it is released, however long ago it was paid for.
    for (release_at, stuck) in [("12:15", vec![]), ("12:05", vec![recent])] {
        let waits = format!(
            "UPDATE views.orders SET state = 'scheduled', release_at = '2026-11-22T{release_at}:00Z'
             WHERE order_id = '{recent}'"
        );
        rows::run(&world, &waits).await;
        let page = world.get_as("/v1/ops/orders?stuck=true", &ops).await.json();
        assert_eq!(ids(&page), stuck, "{release_at}");
    }
}
