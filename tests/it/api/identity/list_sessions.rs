//! Seeing where one is signed in.

use std::time::Duration;

use super::{Client, post};
use crate::support::{Role, TestApp};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_sees_ones_own_live_logins_and_which_is_in_hand() {
    let app = TestApp::start().await;
    let mut phone = Client::signed_in(&app, Role::Customer, 1).await;
    app.clock.advance(Duration::from_mins(1));
    let tablet = Client::signed_in(&app, Role::Driver, 1).await;
    let lost = Client::signed_in(&app, Role::Customer, 1).await;
    let _other = Client::signed_in(&app, Role::Customer, 2).await;
    post(&app, "/v1/auth/logout", &lost.refresh)
        .await
        .expect(204);
    phone.refresh().await.expect(200);

    let answer = phone.sessions().await.expect(200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let sessions = answer.body["sessions"].as_array().unwrap();
    let seen: Vec<_> = sessions
        .iter()
        .map(|session| {
            let refreshed = !session["refreshed_at"].is_null();
            (
                session["role"].as_str().unwrap(),
                &session["current"],
                refreshed,
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("driver", &false.into(), false),
            ("customer", &true.into(), true)
        ]
    );
    assert!(!answer.text.contains(&phone.refresh) && !answer.text.contains(&tablet.refresh));
    app.clock.advance(Duration::from_hours(14 * 24));
    let answer = Client::signed_in(&app, Role::Customer, 1)
        .await
        .sessions()
        .await;
    assert_eq!(answer.body["sessions"].as_array().unwrap().len(), 1);
    app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logins_are_listed_page_by_page_each_once() {
    let app = TestApp::start().await;
    let mut last = None;
    for _ in 0..5 {
        // Two and two within one instant.
        last = Some(Client::signed_in(&app, Role::Customer, 1).await);
        if let Some(second) = &mut last {
            second.refresh().await.expect(200);
        }
        Client::signed_in(&app, Role::Customer, 1).await;
        app.clock.advance(Duration::from_mins(1));
    }
    let client = last.unwrap();
    let whole = app
        .get(&client.session, "/v1/me/sessions")
        .await
        .expect(200);
    let ids = |sessions: &serde_json::Value| -> Vec<String> {
        let sessions = sessions["sessions"].as_array().unwrap().iter();
        sessions
            .map(|session| session["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let whole = ids(&whole.body);
    assert_eq!(whole.len(), 10);
    let mut paged = Vec::new();
    let mut path = "/v1/me/sessions?limit=3".to_owned();
    loop {
        let page = app.get(&client.session, &path).await.expect(200);
        paged.extend(ids(&page.body));
        let Some(cursor) = page.body["cursor"].as_str() else {
            break;
        };
        assert!(page.header("link").unwrap().contains(cursor));
        path = format!("/v1/me/sessions?limit=3&cursor={cursor}");
    }
    assert_eq!(paged, whole);
    app.end().await;
}
