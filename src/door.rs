//! How the tools of this binary come in: the public API, with logins opened in the database.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use infra::clock::Clock;
use infra::config::{Config, Secret};
use infra::http::logins::PgLogins;
use infra::http::token::Tokens;
use infra::postgres::{self, Role};

use crate::cli::config_from_environment;
use crate::client::{Api, Door, Person, Recording};
use crate::running::Running;
use crate::token::issue;

/// The settings of the environment, completed by the marketplace that runs in the data folder.
///
/// # Errors
/// When a variable cannot be used.
pub(crate) fn config() -> anyhow::Result<Config> {
    let mut config = config_from_environment()?;
    if config.postgres.events.is_none()
        && let Some(running) = running(&config)
    {
        config.postgres.events = Some(Secret::new(running.database_url));
    }
    Ok(config)
}

/// The marketplace that `up` or `all` has started in the data folder.
pub(crate) fn running(config: &Config) -> Option<Running> {
    let dir: PathBuf = config.data_dir.clone();
    Running::find(&dir)
}

/// The same, when the settings are readable at all.
pub(crate) fn found() -> Option<Running> {
    running(&config_from_environment().ok()?)
}

/// A door to the API at `base`, and where the marketplace behind it is.
///
/// # Errors
/// When no marketplace runs here and the environment names none.
pub(crate) async fn open(base: &str) -> anyhow::Result<(Door, Option<Running>)> {
    let config = config()?;
    let found = running(&config);
    let url = config
        .postgres
        .events
        .as_ref()
        .context("no marketplace runs here: start one with scripts/up, or set DATABASE_URL")?;
    let pool = postgres::pool(postgres::options(url.expose())?, Role::App, 4);
    sqlx::query_scalar!(r#"SELECT 1 AS "one!""#)
        .fetch_one(&pool)
        .await
        .context("the marketplace's database does not answer: is scripts/up still running?")?;
    let clock = config.clock.clock();
    let tokens = Tokens::new(&config.tokens, clock.clone())?;
    let door = door(base, clock, tokens, PgLogins::new(pool), None)?;
    Ok((door, found))
}

/// A door to the API at `base` whose sessions are opened with `tokens` and `logins`, and whose writes
/// are recorded where a recording is given.
///
/// # Errors
/// When the HTTP client cannot be built.
pub(crate) fn door(
    base: &str,
    clock: Clock,
    tokens: Tokens,
    logins: PgLogins,
    recording: Option<Recording>,
) -> anyhow::Result<Door> {
    let api = Api::new(base, clock.clone(), recording)?;
    Ok(through(api, clock, tokens, logins))
}

/// A door to `api` whose sessions are opened with `tokens` and `logins`.
pub(crate) fn through(api: Arc<Api>, clock: Clock, tokens: Tokens, logins: PgLogins) -> Door {
    let issue_token = move |person: Person| {
        let (tokens, logins, clock) = (tokens.clone(), logins.clone(), clock.clone());
        let token: futures::future::BoxFuture<'static, anyhow::Result<String>> =
            Box::pin(async move { issue(&tokens, &logins, &clock, &person).await });
        token
    };
    Door::new(api, Arc::new(issue_token))
}
