//! A rebuild killed by SIGKILL at each of its points: what is served goes on and is what it was, and the
//! next rebuild comes to its end.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::TestApp;

const POINTS: [&str; 3] = ["rebuild.half", "rebuild.tailing", "rebuild.swapping"];
const SIGKILL: i32 = 9;

/// A marketplace with an order in it.
async fn marketplace() -> TestApp {
    let app = TestApp::start().await;
    let shop = app.open_shop(1, 10).await;
    let mei = app.customer(1).await;
    app.placed_order(&mei, &shop).await;
    app
}

/// Runs a command to its end, while the marketplace goes on with its work.
async fn run(app: &TestApp, mut command: Command) -> Output {
    let ended = tokio::task::spawn_blocking(move || command.output().unwrap());
    tokio::pin!(ended);
    loop {
        tokio::select! {
            output = &mut ended => return output.unwrap(),
            () = app.settle() => tokio::task::yield_now().await,
        }
    }
}

async fn kill_at(app: &TestApp, point: &str, args: &[&str]) {
    let mut command = app.command(args);
    command.env("RAMEN_FAULT", format!("{point}:1:kill"));
    let output = run(app, command).await;
    let signal = output.status.signal();
    assert_eq!(signal, Some(SIGKILL), "{point}: {}", told(&output));
}

async fn succeed(app: &TestApp, args: &[&str]) -> String {
    let output = run(app, app.command(args)).await;
    assert!(output.status.success(), "{args:?}: {}", told(&output));
    told(&output)
}

fn told(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    String::from_utf8_lossy(out).into_owned() + &String::from_utf8_lossy(err)
}

async fn orders(app: &TestApp) -> (String, Option<i32>) {
    let owner = app.database.owner();
    let rows = "SELECT coalesce(json_agg(v ORDER BY v::text)::text, '') FROM views.orders v";
    let rows: String = sqlx::query_scalar(rows).fetch_one(&owner).await.unwrap();
    let version = "SELECT version FROM views.versions WHERE view = 'orders'";
    let version = sqlx::query_scalar(version).fetch_optional(&owner);
    (rows, version.await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_view_is_served_as_it_was_and_the_next_rebuild_succeeds() {
    let app = marketplace().await;
    let before = orders(&app).await;
    for point in POINTS {
        kill_at(&app, point, &["rebuild", "orders", "--yes"]).await;
        assert_eq!(orders(&app).await, before, "{point}");
    }
    let said = succeed(&app, &["rebuild", "orders", "--yes"]).await;
    assert!(said.contains("none differs"), "{said}");
    let after = orders(&app).await;
    assert_eq!(after.0, before.0, "the same rows");
    assert_ne!(after.1, before.1, "of another version");
    app.end().await;
}

async fn found(app: &TestApp) -> Value {
    let ops = app.ops().await;
    let answer = app.get(&ops, "/v1/search?q=ramen").await.expect(200);
    answer.body["hits"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_is_searched_as_it_was_and_the_next_rebuild_succeeds() {
    let app = marketplace().await;
    let before = found(&app).await;
    assert_eq!(before.as_array().unwrap().len(), 1);
    for point in POINTS {
        kill_at(&app, point, &["rebuild", "index", "--yes"]).await;
        app.settle().await;
        assert_eq!(found(&app).await, before, "{point}");
    }
    let said = succeed(&app, &["rebuild", "index", "--yes"]).await;
    assert!(
        said.contains("version 2 is served, version 1 is kept"),
        "{said}"
    );
    assert!(said.contains(", 0 of both versions differ"), "{said}");
    assert_eq!(found(&app).await, before);

    // What happens from now on is in the version that is served, and after going back in that one.
    let shop = app.open_shop(2, 10).await;
    app.settle().await;
    assert_eq!(found(&app).await.as_array().unwrap().len(), 2);
    let said = succeed(&app, &["rebuild", "rollback", "index", "--yes"]).await;
    assert!(said.contains("version 1 is served"), "{said}");
    assert_eq!(
        found(&app).await.as_array().unwrap().len(),
        2,
        "{}",
        shop.id
    );
    app.end().await;
}
