//! Where tokens must not be: in logs, in tables, in stored answers.

use std::io::Write;
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;

use super::{Client, refresh};
use crate::support::{Role, TestApp};

/// Keeps every line.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// On one thread, so that all of it is heard.
#[tokio::test]
async fn a_token_is_known_to_its_owner_alone() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(lines.clone())
        .finish();
    // With one subscriber in the process, tracing asks the thread that comes first to a line whether
    // anybody listens, and another test's thread says no for good. With two it asks them all.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let listening = tracing::subscriber::set_default(subscriber);
    let app = TestApp::start().await;
    let mut mei = Client::signed_in(&app, Role::Customer, 1).await;
    let mut secrets = vec![mei.refresh.clone(), mei.session.token.clone()];
    for _ in 0..2 {
        mei.refresh().await.expect(200);
        mei.sessions().await.expect(200);
        secrets.extend([mei.refresh.clone(), mei.session.token.clone()]);
    }
    assert_eq!(
        refresh(&app, &secrets[0]).await.problem(401),
        "unauthorized"
    );
    drop(listening);

    let said = String::from_utf8_lossy(&lines.0.lock().unwrap()).into_owned();
    for expected in [
        "signed in",
        "a refresh token was used twice",
        "refresh_reused",
    ] {
        assert!(said.contains(expected), "nothing was said of: {expected}");
    }
    let kept: Vec<String> = sqlx::query_scalar(
        "SELECT t::text FROM auth.refresh_tokens AS t UNION ALL SELECT l::text FROM auth.logins AS l
         UNION ALL SELECT r::text FROM ops.command_records AS r",
    )
    .fetch_all(&app.database.owner())
    .await
    .unwrap();
    for secret in &secrets {
        let bytes = hex_of(secret);
        assert!(!said.contains(secret), "a token was logged");
        let known = |row: &String| row.contains(secret) || row.contains(&bytes);
        assert!(!kept.iter().any(known), "a token was stored");
    }
    let salts: i64 =
        sqlx::query_scalar("SELECT count(*) FROM auth.refresh_tokens WHERE salt IS NOT NULL")
            .fetch_one(&app.database.owner())
            .await
            .unwrap();
    assert_eq!(salts, 1, "only the last token can be made again");
    app.end().await;
}

/// A refresh token's bytes as Postgres shows them; of an access token its text is enough.
fn hex_of(token: &str) -> String {
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    engine
        .decode(token)
        .map_or_else(|_| token.to_owned(), hex::encode)
}
