//! Versions: what was read is what is changed, or the change is refused.

use reqwest::Method;
use serde_json::json;

use crate::support::{TestApp, menu};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_is_replaced_only_by_whom_has_read_it() {
    let app = TestApp::start().await;
    let shop = app.open_shop(1, 10).await;
    let (path, mut body) = (shop.path("/menu"), menu());
    body["sections"][0]["items"][0]["price_minor"] = 990.into();
    let put = async |headers: &[(&str, &str)]| {
        app.send(Some(&shop.owner), Method::PUT, &path, headers, Some(&body))
            .await
    };
    assert_eq!(put(&[]).await.problem(428), "if_match_required");
    let stale = put(&[("if-match", "\"70\"")]).await;
    assert_eq!(stale.problem(412), "version_mismatch");
    let current = stale.header("etag").unwrap().to_owned();
    let replaced = put(&[("if-match", &current)]).await;
    assert!(replaced.status < 300, "{}", replaced.text);
    assert_eq!(put(&[("if-match", &current)]).await.status, 412);
    app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_menu_that_has_not_changed_is_not_sent_again() {
    let app = TestApp::start().await;
    let shop = app.open_shop(1, 10).await;
    let path = shop.path("/menu");
    let read =
        async |headers: &[(&str, &str)]| app.send(None, Method::GET, &path, headers, None).await;
    let first = read(&[]).await.expect(200);
    let etag = first.header("etag").unwrap().to_owned();
    assert_eq!(read(&[("if-none-match", &etag)]).await.status, 304);
    let dearer = json!({ "price_minor": 990 });
    let path = shop.path("/menu/items/tonkotsu");
    let changed = app
        .send(Some(&shop.owner), Method::PATCH, &path, &[], Some(&dearer))
        .await;
    assert!(changed.status < 300, "{}", changed.text);
    app.settle().await;
    let second = read(&[("if-none-match", &etag)]).await.expect(200);
    assert!(second.text.contains("990"), "{}", second.text);
    app.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_with_a_token_sees_what_was_written_or_hears_that_it_does_not() {
    let app = TestApp::start().await;
    let shop = app.open_shop(1, 10).await;
    let pause = json!({ "reason": "a wedding" });
    let paused = app.post(&shop.owner, &shop.path("/pause"), pause).await;
    let token = paused.header("x-consistency-token").unwrap().to_owned();
    let path = shop.path("");
    let strict = [
        ("x-consistency-token", token.as_str()),
        ("prefer", "handling=strict"),
    ];
    // Nothing has projected yet: nobody steps the loops meanwhile.
    assert_eq!(
        app.send(None, Method::GET, &path, &strict, None)
            .await
            .status,
        412
    );
    let lenient = [("x-consistency-token", token.as_str())];
    let stale = app
        .send(None, Method::GET, &path, &lenient, None)
        .await
        .expect(200);
    assert_eq!(stale.header("x-consistency"), Some("stale"));
    app.settle().await;
    let fresh = app
        .send(None, Method::GET, &path, &strict, None)
        .await
        .expect(200);
    assert_eq!(fresh.header("x-consistency"), None);
    app.end().await;
}
