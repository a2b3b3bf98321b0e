//! `ramen token`: opens a login and prints its access token, for people who try the API out.

use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use infra::config::Config;
use infra::http::logins::PgLogins;
use infra::http::policy::Role;
use infra::http::token::Tokens;
use infra::postgres;
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
    let opened = logins
        .open(&clock, principal.into(), args.role, &shops, life)
        .await?;
    let token = Tokens::new(&config.tokens, clock)?.issue_for(&opened, life);
    console::progress(format!("{} {principal}", args.role.as_str()));
    console::line(token);
    Ok(())
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
    let principal = logins
        .open(clock, person.id.into(), role, &shops, LIFE)
        .await?;
    Ok(tokens.issue_for(&principal, LIFE))
}
