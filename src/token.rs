//! `ramen token`: opens a login and prints its tokens, for people who try the API out.

use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use clap::Args;
use infra::config::Config;
use infra::http::logins::{PgLogins, Who};
use infra::http::policy::Role;
use infra::http::token::Tokens;
use infra::postgres;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::Person;
use crate::console;

/// Arguments of `token`.
#[derive(Args, Clone, Debug)]
pub(crate) struct TokenArgs {
    /// customer, owner, driver, ops or service
    #[arg(long, value_parser = role, default_value = "customer")]
    role: Role,
    /// Who signs in; somebody new when not given
    #[arg(long)]
    principal: Option<Uuid>,
    /// A shop that an owner runs; may be repeated
    #[arg(long = "restaurant")]
    restaurants: Vec<Uuid>,
    /// How long the token is good for
    #[arg(long, default_value_t = 600, value_name = "SECONDS")]
    life: u64,
    /// Mark what is done with it as a rehearsal, which analytics leave out
    #[arg(long)]
    test: bool,
    /// Open a login that lasts, and print its refresh token on a second line
    #[arg(long)]
    refresh: bool,
    /// Print one JSON object, with members as the API names them
    #[arg(long)]
    json: bool,
}

fn role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| format!("{text:?} is none of the roles"))
}

/// Prints a token, and on standard error whose it is.
///
/// # Errors
/// When the database cannot be reached or a key does not read.
pub(crate) async fn run(config: &Config, args: TokenArgs) -> anyhow::Result<()> {
    let url = config
        .postgres
        .events
        .as_ref()
        .context("DATABASE_URL is not set")?;
    let pool = postgres::pool(postgres::options(url.expose())?, postgres::Role::App, 1);
    let clock = config.clock.clock();
    let principal = args.principal.unwrap_or_else(|| clock.fresh_id());
    let logins = PgLogins::new(pool);
    let life = Duration::from_secs(args.life);
    let shops: Vec<_> = args.restaurants.iter().copied().map(Into::into).collect();
    let who = Who {
        test: args.test,
        ..Who::new(principal.into(), args.role, &shops)
    };
    let (opened, refresh) = if args.refresh {
        let signed_in = logins.sign_in(&clock, &who).await?;
        let refresh = (signed_in.refresh.expose(), signed_in.expires_at);
        (signed_in.principal, Some(refresh))
    } else {
        (logins.open(&clock, &who, life).await?, None)
    };
    let token = Tokens::new(&config.tokens, clock)?.issue_for(&opened, life);
    console::progress(format!("{} {principal}", args.role.as_str()));
    if args.json {
        console::line(document(&token, life, refresh.as_ref()));
    } else {
        console::line(token);
        if let Some((refresh, _)) = refresh {
            console::line(refresh);
        }
    }
    Ok(())
}

/// The tokens as the API would answer them.
fn document(access: &str, life: Duration, refresh: Option<&(String, DateTime<Utc>)>) -> Value {
    let mut document = json!({
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": life.as_secs(),
    });
    if let Some((token, expires_at)) = refresh {
        document["refresh_token"] = json!(token);
        document["refresh_expires_at"] = json!(expires_at);
    }
    document
}

/// Opens a login for `person` and gives its token: how the tools of this binary sign in.
///
/// # Errors
/// When the login cannot be stored.
pub(crate) async fn issue(
    tokens: &Tokens,
    logins: &PgLogins,
    clock: &infra::clock::Clock,
    person: &Person,
) -> anyhow::Result<String> {
    /// A day of the marketplace's time: a simulated day signs in once.
    const LIFE: Duration = Duration::from_hours(48);
    use crate::client::Role as As;
    let role = match person.role {
        As::Customer => Role::Customer,
        As::Owner => Role::Owner,
        As::Driver => Role::Driver,
        As::Ops => Role::Ops,
    };
    let shops: Vec<_> = person.restaurants.iter().copied().map(Into::into).collect();
    let who = Who::new(person.id.into(), role, &shops);
    let principal = logins.open(clock, &who, LIFE).await?;
    Ok(tokens.issue_for(&principal, LIFE))
}
