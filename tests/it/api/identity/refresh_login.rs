//! Refreshing: rotation, re-use, two at once, the ends of a login, bad bodies.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use infra::limits;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Client, foreign, refresh};
use crate::support::{Answer, Role, TestApp};

fn instant(value: &Value) -> DateTime<Utc> {
    value.as_str().unwrap().parse().unwrap()
}

fn pair(answer: &Answer) -> (&str, &str) {
    let text = |name: &str| answer.body[name].as_str().unwrap();
    (text("access_token"), text("refresh_token"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_gives_the_next_and_an_access_token_that_works() {
    let app = TestApp::start().await;
    let mut mei = Client::signed_in(&app, Role::Customer, 1).await;
    let first = mei.refresh.clone();
    app.clock.advance(limits::ACCESS_TOKEN_LIFE);
    assert_eq!(mei.sessions().await.problem(401), "unauthorized");
    let answer = mei.refresh().await.expect(200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.body["token_type"], "Bearer");
    assert_eq!(answer.body["expires_in"], 600);
    let idle = app.clock.clock().now() + TimeDelta::days(14);
    assert_eq!(instant(&answer.body["refresh_expires_at"]), idle);
    assert_ne!(mei.refresh, first);
    mei.sessions().await.expect(200);
    app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_used_token_ends_the_login_for_whoever_holds_it() {
    let app = TestApp::start().await;
    let mut mei = Client::signed_in(&app, Role::Customer, 1).await;
    let mut elsewhere = Client::signed_in(&app, Role::Customer, 1).await;
    let stolen = mei.refresh.clone();
    mei.refresh().await.expect(200);
    mei.refresh().await.expect(200);
    mei.sessions().await.expect(200);
    let answer = refresh(&app, &stolen).await;
    assert_eq!(answer.problem(401), "unauthorized");
    assert!(answer.header("www-authenticate").is_some());
    assert_eq!(mei.refresh().await.problem(401), "unauthorized");
    app.clock
        .advance(limits::LOGIN_FRESH + Duration::from_millis(1));
    assert_eq!(mei.sessions().await.problem(401), "unauthorized");
    // The same person's other login is another family.
    elsewhere.refresh().await.expect(200);
    elsewhere.sessions().await.expect(200);
    app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_can_be_asked_for_again_for_moments() {
    let app = TestApp::start().await;
    let mut mei = Client::signed_in(&app, Role::Customer, 1).await;
    let sent = mei.refresh.clone();
    let lost = mei.refresh().await.expect(200);
    app.clock.advance(limits::REFRESH_REPEAT);
    let again = refresh(&app, &sent).await.expect(200);
    assert_eq!(pair(&again).1, pair(&lost).1, "another successor");
    mei.refresh().await.expect(200);
    // Now the successor was used, so its holder has heard the answer.
    assert_eq!(refresh(&app, &sent).await.problem(401), "unauthorized");
    assert_eq!(mei.refresh().await.problem(401), "unauthorized");

    let mut late = Client::signed_in(&app, Role::Customer, 2).await;
    let sent = late.refresh.clone();
    late.refresh().await.expect(200);
    app.clock
        .advance(limits::REFRESH_REPEAT + Duration::from_millis(1));
    assert_eq!(refresh(&app, &sent).await.problem(401), "unauthorized");
    assert_eq!(late.refresh().await.problem(401), "unauthorized");
    app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_at_once_one_exchanges_and_all_hear_the_same() {
    let app = TestApp::start().await;
    let mei = Client::signed_in(&app, Role::Customer, 1).await;
    let answers = join_all((0..16).map(|_| refresh(&app, &mei.refresh))).await;
    let successors: Vec<&str> = answers
        .iter()
        .map(|answer| {
            assert_eq!(answer.status, 200, "{}", answer.text);
            pair(answer).1
        })
        .collect();
    assert!(successors.iter().all(|token| *token == successors[0]));
    let (given, used): (i64, i64) =
        sqlx::query_as("SELECT count(*), count(used_at) FROM auth.refresh_tokens")
            .fetch_one(&app.database.owner())
            .await
            .unwrap();
    assert_eq!((given, used), (2, 1));
    refresh(&app, successors[0]).await.expect(200);
    app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_ends_when_it_is_not_used_and_in_any_case_after_thirty_days() {
    let app = TestApp::start().await;
    let mut idle = Client::signed_in(&app, Role::Customer, 1).await;
    let mut busy = Client::signed_in(&app, Role::Owner, 2).await;
    let ends = app.clock.clock().now() + TimeDelta::days(30);
    let day = Duration::from_hours(24);
    app.clock.advance(13 * day);
    busy.refresh().await.expect(200);
    app.clock.advance(day);
    assert_eq!(idle.refresh().await.problem(401), "unauthorized");
    app.clock.advance(12 * day);
    let answer = busy.refresh().await.expect(200);
    assert_eq!(instant(&answer.body["refresh_expires_at"]), ends);
    app.clock
        .advance(3 * day + Duration::from_mins(24 * 60 - 2));
    let answer = busy.refresh().await.expect(200);
    assert_eq!(
        answer.body["expires_in"], 120,
        "an access token outlives its login"
    );
    busy.sessions().await.expect(200);
    app.clock.advance(Duration::from_mins(2));
    assert_eq!(busy.refresh().await.problem(401), "unauthorized");
    assert_eq!(busy.sessions().await.problem(401), "unauthorized");
    app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_staff_sign_in_every_day() {
    let app = TestApp::start().await;
    let mut staff = Client::signed_in(&app, Role::Ops, 1).await;
    let ends = app.clock.clock().now() + TimeDelta::hours(12);
    app.clock.advance(Duration::from_hours(11));
    let answer = staff.refresh().await.expect(200);
    assert_eq!(instant(&answer.body["refresh_expires_at"]), ends);
    app.clock.advance(Duration::from_hours(1));
    assert_eq!(staff.refresh().await.problem(401), "unauthorized");
    app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_bodies_are_refused_with_their_faults() {
    let app = TestApp::start().await;
    for (body, pointers) in [
        (json!({}), vec!["/refresh_token"]),
        (json!({ "refresh_token": 1 }), vec!["/refresh_token"]),
        (json!({ "refresh_token": "short" }), vec!["/refresh_token"]),
        (
            json!({ "refresh_token": format!("{}=", foreign()), "scope": "all" }),
            vec!["/refresh_token", "/scope"],
        ),
    ] {
        for path in ["/v1/auth/refresh", "/v1/auth/logout"] {
            let answer = app.send(None, Method::POST, path, &[], Some(&body)).await;
            assert_eq!(answer.problem(422), "invalid_request");
            let mut found = answer.pointers();
            found.sort_unstable();
            assert_eq!(found, pointers, "{body}");
        }
    }
    assert_eq!(refresh(&app, &foreign()).await.problem(401), "unauthorized");
    app.end().await;
}
