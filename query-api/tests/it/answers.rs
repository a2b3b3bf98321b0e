//! Pages, links, lag, parked events, bad requests, and that the document names every route.

use infra::http::policy::{Action, Role};

use crate::rows::{self, order};
use crate::world::{CUSTOMER, OPS, OWNER, World};

#[tokio::test]
async fn orders_come_in_pages_newest_first() {
    let world = World::new().await;
    rows::shop(&world).await;
    for n in 1..=5 {
        rows::placed_order(&world, order(n)).await;
    }
    for (id, role) in [
        (CUSTOMER, Role::Customer),
        (OWNER, Role::Owner),
        (OPS, Role::Ops),
    ] {
        let token = world.token(id, role).await;
        let mut seen = Vec::new();
        let mut path = "/v1/orders?limit=2&state=placed,accepted".to_owned();
        loop {
            let answer = world.get_as(&path, &token).await;
            let page = answer.json();
            let orders = page["orders"].as_array().unwrap();
            seen.extend(
                orders
                    .iter()
                    .map(|order| order["id"].as_str().unwrap().to_owned()),
            );
            let link = answer.header("link");
            let Some(next) = link
                .strip_prefix('<')
                .and_then(|link| link.split('>').next())
            else {
                assert!(page["cursor"].is_null());
                break;
            };
            path = next.to_owned();
        }
        let expected: Vec<String> = (1..=5).rev().map(|n| order(n).to_string()).collect();
        assert_eq!(seen, expected, "{role:?}");
        let none = world
            .get_as("/v1/orders?state=cancelled", &token)
            .await
            .json();
        assert!(none["orders"].as_array().unwrap().is_empty());
    }
}

#[tokio::test]
async fn every_fault_of_a_query_is_named() {
    let world = World::new().await;
    let path = "/v1/search?near=100,200&radius_m=0&style=miso,soup&price_max=-1&limit=0&colour=red";
    let answer = world.get(path, &[]).await;
    assert_eq!(answer.status(), 422, "{}", answer.body);
    for path in ["/v1/search?radius_m=0&style=miso,soup&price_max=-1&limit=0"] {
        let answer = world.get(path, &[]).await;
        let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        let mut pointers: Vec<&str> = problem["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|fault| fault["pointer"].as_str().unwrap())
            .collect();
        pointers.sort_unstable();
        assert_eq!(
            pointers,
            [
                "/currency",
                "/limit",
                "/near",
                "/price_max",
                "/radius_m",
                "/style/1"
            ]
        );
    }
    let token = world.token(CUSTOMER, Role::Customer).await;
    assert_eq!(
        world.get_as("/v1/orders?cursor=x", &token).await.status(),
        422
    );
    assert_eq!(
        world.get_as("/v1/orders/not-an-id", &token).await.status(),
        404
    );
    assert_eq!(
        world.get("/v1/search?q=ramen", &[]).await.status(),
        503,
        "there is no index yet"
    );
}

#[tokio::test]
async fn ops_see_how_far_the_views_are_and_what_is_parked() {
    let world = World::new().await;
    sqlx::raw_sql(
        "INSERT INTO views.checkpoints VALUES
             ('orders', 'store', 0, 7, sha256('7')), ('carts', 'store', 0, 5, sha256('5'));
         INSERT INTO views.parked_events VALUES
             ('orders', 'ordering.order', '00000000-0000-0000-0000-000000000001', 2, 4,
              '00000000-0000-0000-0000-0000000000e1', 'placed', '1', '{}', '{}',
              '2026-11-22T11:00:00Z', 'store', 0, 'malformed', '2026-11-22T11:00:01Z'),
             ('orders', 'ordering.order', '00000000-0000-0000-0000-000000000001', 3, 6,
              '00000000-0000-0000-0000-0000000000e2', 'accepted', '1', '{}', '{}',
              '2026-11-22T11:00:00Z', 'store', 0, NULL, '2026-11-22T11:00:02Z')",
    )
    .execute(&world.owner)
    .await
    .unwrap();
    let ops = world.token(OPS, Role::Ops).await;
    let lag = world.get_as("/v1/ops/lag", &ops).await.json();
    assert_eq!(lag["views"][1]["view"], "orders");
    assert_eq!(
        (
            lag["views"][1]["position"].as_i64(),
            lag["views"][1]["parked"].as_i64()
        ),
        (Some(7), Some(2))
    );
    let parked = world.get_as("/v1/ops/parked", &ops).await.json();
    assert_eq!(parked["total"], 2);
    assert_eq!(parked["streams"].as_array().unwrap().len(), 1);
    assert_eq!(parked["streams"][0]["error"], "malformed");
    assert_eq!(parked["streams"][0]["sequence"], 2);
}

#[test]
fn every_documented_operation_is_an_action_or_public() {
    let public = [
        "search",
        "suggest",
        "discover",
        "read_restaurant",
        "read_menu",
        "read_promise",
        "list_windows",
    ];
    let document = serde_json::to_value(query_api::openapi()).unwrap();
    let mut operations = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            let known = Action::ALL.iter().any(|action| action.name() == id);
            assert!(known || public.contains(&id), "{method} {path}: {id}");
            operations += 1;
        }
    }
    assert_eq!(operations, 23);
}
