//! Logins: who is signed in, and at which version. A token names a login and its version; raising the
//! version, or revoking the login, ends every token of it within [`limits::LOGIN_FRESH`].
//!
//! Every way of signing in ends in [`PgLogins::sign_in`], which gives a refresh token; with that, a
//! client gets access tokens until the login ends ([`PgLogins::refresh`]).

mod refresh;
mod refresh_token;
mod table;
#[cfg(test)]
pub(crate) mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::kernel::ids::PrincipalId;
use moka::future::Cache;
use uuid::Uuid;

use super::policy::Role;
use super::problem::Unavailable;
use super::token::Principal;
use crate::clock::Clock;
use crate::limits;

pub use refresh::{RefreshError, RefreshRefused};
pub use refresh_token::{NoRefreshToken, RefreshToken};
pub use table::{PgLogins, SignedIn, Who};

/// What is known of a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The version that a token must carry.
    pub version: i64,
    /// When it ends by itself.
    pub expires_at: DateTime<Utc>,
    /// When it was ended.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// A live login, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id, which is no secret.
    pub login: Uuid,
    /// What they signed in as.
    pub role: Role,
    /// When they signed in.
    pub created_at: DateTime<Utc>,
    /// When it was last refreshed.
    pub refreshed_at: Option<DateTime<Utc>>,
    /// When it ends unless it is refreshed.
    pub expires_at: DateTime<Utc>,
}

/// Which of a person's logins are listed.
#[derive(Clone, Copy, Debug)]
pub struct SessionPage {
    /// Only those behind this one, by when it was opened and its id.
    pub behind: Option<(DateTime<Utc>, Uuid)>,
    /// At most so many.
    pub limit: i64,
}

/// Where logins are kept.
#[async_trait]
pub trait LoginStore: Send + Sync + 'static {
    /// The login of this id.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn find(&self, sid: Uuid) -> Result<Option<Login>, Unavailable>;

    /// The logins of a person that hold at `now`, the newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn live_of(
        &self,
        person: PrincipalId,
        now: DateTime<Utc>,
        page: SessionPage,
    ) -> Result<Vec<Session>, Unavailable>;
}

/// Logins behind a cache, with the age at which each was read.
#[derive(Clone)]
pub struct Logins {
    store: Arc<dyn LoginStore>,
    cache: Cache<Uuid, (Option<Login>, Duration)>,
    clock: Clock,
}

impl fmt::Debug for Logins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logins")
            .field("cached", &self.cache.entry_count())
            .finish_non_exhaustive()
    }
}

/// Whether a token's login still holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    /// It does.
    Good,
    /// It was ended, has expired, changed since the token was issued, or never was.
    Ended,
    /// Nobody can say now.
    Unknown(Unavailable),
}

impl Logins {
    /// Logins of this store.
    pub fn new(store: Arc<dyn LoginStore>, clock: Clock) -> Self {
        Self {
            store,
            cache: Cache::new(limits::LOGINS_CACHED_MAX),
            clock,
        }
    }

    /// Whether the login of this principal still holds. With the store away, what was known up to
    /// [`limits::LOGIN_STALE_MAX`] ago is good enough for a read (`is_read`), never for a write.
    pub async fn standing(&self, principal: &Principal, is_read: bool) -> Standing {
        let now = self.clock.monotonic();
        let known = self.cache.get(&principal.login).await;
        if let Some((login, at)) = &known
            && now.saturating_sub(*at) <= limits::LOGIN_FRESH
        {
            return self.judge(login.as_ref(), principal);
        }
        match self.store.find(principal.login).await {
            Ok(login) => {
                let standing = self.judge(login.as_ref(), principal);
                self.cache.insert(principal.login, (login, now)).await;
                standing
            }
            Err(error) => match known {
                Some((login, at))
                    if is_read && now.saturating_sub(at) <= limits::LOGIN_STALE_MAX =>
                {
                    self.judge(login.as_ref(), principal)
                }
                Some(_) | None => Standing::Unknown(error),
            },
        }
    }

    /// The logins of a person that hold now, the newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn live_of(
        &self,
        person: PrincipalId,
        page: SessionPage,
    ) -> Result<Vec<Session>, Unavailable> {
        self.store.live_of(person, self.clock.now(), page).await
    }

    fn judge(&self, login: Option<&Login>, principal: &Principal) -> Standing {
        let holds = login.is_some_and(|login| {
            login.version == principal.version
                && login.revoked_at.is_none()
                && self.clock.now() < login.expires_at
        });
        if holds {
            Standing::Good
        } else {
            Standing::Ended
        }
    }
}
