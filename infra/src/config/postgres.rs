//! Databases: of events, of views, and of keys.

use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::fault::Refusals;
use super::secret::Secret;
use super::vars::Vars;

/// `DATABASE_URL`, `VIEWS_DATABASE_URL`, `VAULT_DATABASE_URL` (both default to the first),
/// `RAMEN_DB_CONNECTIONS` (per pool, 16).
#[derive(Clone, Debug)]
pub struct Postgres {
    /// Events and operations. `None` in development: the binary starts a private cluster.
    pub events: Option<Secret<String>>,
    /// Views; the events' when not given.
    pub views: Option<Secret<String>>,
    /// Subject keys; the events' when not given, which production refuses.
    pub vault: Option<Secret<String>>,
    /// Connections of one pool.
    pub connections_max: u32,
}

impl Postgres {
    pub(super) fn read(vars: &mut Vars<'_>) -> Self {
        let events = vars.database("DATABASE_URL");
        Self {
            views: vars
                .database("VIEWS_DATABASE_URL")
                .or_else(|| events.clone()),
            vault: vars
                .database("VAULT_DATABASE_URL")
                .or_else(|| events.clone()),
            events,
            connections_max: vars.number("RAMEN_DB_CONNECTIONS", 16, 1..=1_000),
        }
    }

    pub(super) fn check(&self, refuse: &mut Refusals) {
        let events = options(self.events.as_ref());
        let views = options(self.views.as_ref());
        let vault = options(self.vault.as_ref());
        check_server(events.as_ref(), "DATABASE_URL", refuse);
        check_server(views.as_ref(), "VIEWS_DATABASE_URL", refuse);
        check_server(vault.as_ref(), "VAULT_DATABASE_URL", refuse);
        let server =
            |options: &PgConnectOptions| (options.get_host().to_owned(), options.get_port());
        refuse.when(
            events.is_some() && events.as_ref().map(server) == vault.as_ref().map(server),
            "VAULT_DATABASE_URL",
            "keys and what they lock must not share a server",
        );
    }
}

fn options(url: Option<&Secret<String>>) -> Option<PgConnectOptions> {
    PgConnectOptions::from_str(url?.expose()).ok()
}

fn check_server(options: Option<&PgConnectOptions>, name: &str, refuse: &mut Refusals) {
    let plain = options.is_some_and(is_plain);
    refuse.when(
        options.is_none(),
        name,
        "production needs a server of its own",
    );
    refuse.when(
        plain,
        name,
        "production needs sslmode=verify-ca or verify-full",
    );
}

fn is_plain(options: &PgConnectOptions) -> bool {
    let socket = options.get_socket().is_some() || options.get_host().starts_with('/');
    !socket
        && !matches!(
            options.get_ssl_mode(),
            PgSslMode::VerifyCa | PgSslMode::VerifyFull
        )
}
