//! Server-sent events of an order.

use std::sync::Arc;

use axum::body::Body;
use http_body_util::BodyExt as _;
use infra::applied::{Applied, Visible};
use infra::http::policy::Role;

use crate::rows::{self, order};
use crate::world::{CUSTOMER, World};

/// The next event's id and state.
async fn next(body: &mut Body) -> Option<(String, String)> {
    let frame = body.frame().await?.unwrap();
    let text = String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap();
    let field = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    let data: serde_json::Value = serde_json::from_str(&field("data:")).unwrap();
    Some((field("id:"), data["state"].as_str().unwrap().to_owned()))
}

async fn change(world: &mut World, sequence: i64, state: &str) {
    sqlx::query("UPDATE views.orders SET sequence = $1, state = $2")
        .bind(sequence)
        .bind(state)
        .execute(&world.owner)
        .await
        .unwrap();
    let visible = Visible {
        kind: "ordering.order".parse().unwrap(),
        id: order(1),
        sequence,
        trace: None,
    };
    world.hub.announce(Applied::Views(Arc::from([visible])));
    world.follower.advance().await.unwrap();
}

#[tokio::test]
async fn a_follower_gets_the_state_and_each_change_until_the_order_is_over() {
    let mut world = World::new().await;
    rows::placed_order(&world, order(1)).await;
    let bearer = format!("Bearer {}", world.token(CUSTOMER, Role::Customer).await);
    let path = format!("/v1/orders/{}/events", order(1));
    let response = world.stream(&path, &[("authorization", &bearer)]).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let mut body = response.into_body();
    assert_eq!(
        next(&mut body).await,
        Some(("2".to_owned(), "placed".to_owned()))
    );
    change(&mut world, 3, "accepted").await;
    assert_eq!(
        next(&mut body).await,
        Some(("3".to_owned(), "accepted".to_owned()))
    );
    // Two changes before it reads: only the latest.
    change(&mut world, 4, "cooking").await;
    change(&mut world, 5, "ready").await;
    assert_eq!(
        next(&mut body).await,
        Some(("5".to_owned(), "ready".to_owned()))
    );
    change(&mut world, 6, "cancelled").await;
    assert_eq!(
        next(&mut body).await,
        Some(("6".to_owned(), "cancelled".to_owned()))
    );
    assert!(body.frame().await.is_none(), "nothing follows");
}

#[tokio::test]
async fn a_reader_who_comes_back_is_sent_only_what_is_new() {
    let mut world = World::new().await;
    rows::placed_order(&world, order(1)).await;
    let bearer = format!("Bearer {}", world.token(CUSTOMER, Role::Customer).await);
    let path = format!("/v1/orders/{}/events", order(1));
    let headers = [("authorization", bearer.as_str()), ("last-event-id", "2")];
    let mut body = world.stream(&path, &headers).await.into_body();
    let mut behind = world
        .stream(
            &path,
            &[("authorization", bearer.as_str()), ("last-event-id", "1")],
        )
        .await
        .into_body();
    assert_eq!(
        next(&mut behind).await,
        Some(("2".to_owned(), "placed".to_owned()))
    );
    change(&mut world, 3, "accepted").await;
    assert_eq!(
        next(&mut body).await,
        Some(("3".to_owned(), "accepted".to_owned()))
    );
    assert_eq!(
        next(&mut behind).await,
        Some(("3".to_owned(), "accepted".to_owned()))
    );
    let nonsense = [("authorization", bearer.as_str()), ("last-event-id", "x")];
    assert_eq!(world.get(&path, &nonsense).await.status(), 400);
}

#[tokio::test]
async fn lost_announcements_are_made_good() {
    let mut world = World::new().await;
    rows::placed_order(&world, order(1)).await;
    let bearer = format!("Bearer {}", world.token(CUSTOMER, Role::Customer).await);
    let path = format!("/v1/orders/{}/events", order(1));
    let mut body = world
        .stream(&path, &[("authorization", &bearer)])
        .await
        .into_body();
    next(&mut body).await;
    sqlx::query("UPDATE views.orders SET sequence = 3, state = 'accepted'")
        .execute(&world.owner)
        .await
        .unwrap();
    world.hub.announce(Applied::Unknown);
    world.follower.advance().await.unwrap();
    assert_eq!(
        next(&mut body).await,
        Some(("3".to_owned(), "accepted".to_owned()))
    );
}
