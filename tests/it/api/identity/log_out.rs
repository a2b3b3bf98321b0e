//! Logging out: here, and everywhere.

use std::time::Duration;

use infra::limits;
use reqwest::Method;

use super::{Client, foreign, post};
use crate::support::{Role, TestApp};

const LOG_OUT: &str = "/v1/auth/logout";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_that_was_ended_gives_no_access_within_five_seconds() {
    let app = TestApp::start().await;
    let mut mei = Client::signed_in(&app, Role::Customer, 1).await;
    mei.sessions().await.expect(200);
    let answer = post(&app, LOG_OUT, &mei.refresh).await.expect(204);
    assert_eq!(answer.text, "");
    assert_eq!(mei.refresh().await.problem(401), "unauthorized");
    app.clock
        .advance(limits::LOGIN_FRESH + Duration::from_millis(1));
    assert_eq!(mei.sessions().await.problem(401), "unauthorized");
    app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logging_out_twice_or_with_what_opens_nothing_is_answered_alike() {
    let app = TestApp::start().await;
    let mut mei = Client::signed_in(&app, Role::Customer, 1).await;
    let first = mei.refresh.clone();
    mei.refresh().await.expect(200);
    for token in [first.as_str(), &mei.refresh, &mei.refresh, &foreign()] {
        post(&app, LOG_OUT, token).await.expect(204);
    }
    assert_eq!(mei.refresh().await.problem(401), "unauthorized");
    app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_logins_of_a_person_end_together() {
    let app = TestApp::start().await;
    let mut phone = Client::signed_in(&app, Role::Customer, 1).await;
    let mut tablet = Client::signed_in(&app, Role::Customer, 1).await;
    let mut other = Client::signed_in(&app, Role::Customer, 2).await;
    let path = "/v1/auth/logout-all";
    let session = Some(&phone.session);
    app.send(session, Method::POST, path, &[], None)
        .await
        .expect(204);
    for client in [&mut phone, &mut tablet] {
        assert_eq!(client.refresh().await.problem(401), "unauthorized");
    }
    app.clock
        .advance(limits::LOGIN_FRESH + Duration::from_millis(1));
    assert_eq!(tablet.sessions().await.problem(401), "unauthorized");
    other.refresh().await.expect(200);
    let nobody = app.send(None, Method::POST, path, &[], None).await;
    assert_eq!(nobody.problem(401), "unauthorized");
    app.end().await;
}
