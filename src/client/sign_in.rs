//! Signs people in at the database, as `ramen token` does, for commands that play many people.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use domain::kernel::ids::{PrincipalId, RestaurantId};
use futures::FutureExt as _;
use infra::clock::Clock;
use infra::http::logins::PgLogins;
use infra::http::policy;
use infra::http::token::Tokens;

use super::people::{Issue, Person, Role};

/// How long a login and its token last, in the marketplace's time: a played day and a night, since
/// these commands have no use for refreshing.
const LIFE: Duration = Duration::from_hours(36);

/// Opens a login for each person and signs its token.
pub(crate) fn sign_in(tokens: Tokens, logins: PgLogins, clock: Clock) -> Arc<Issue> {
    let desk = Arc::new((tokens, logins, clock));
    Arc::new(move |person: Person| {
        let desk = Arc::clone(&desk);
        async move {
            let (tokens, logins, clock) = &*desk;
            let id = PrincipalId::new(person.id);
            let shops: Vec<RestaurantId> =
                person.restaurants.iter().copied().map(RestaurantId::new).collect();
            let principal = logins
                .open(clock, id, role(person.role), &shops, LIFE)
                .await
                .context("nobody can be signed in")?;
            Ok(tokens.issue_for(&principal, LIFE))
        }
        .boxed()
    })
}

fn role(role: Role) -> policy::Role {
    match role {
        Role::Customer => policy::Role::Customer,
        Role::Owner => policy::Role::Owner,
        Role::Driver => policy::Role::Driver,
        Role::Ops => policy::Role::Ops,
    }
}
