//! The table `auth.logins`: opening logins and ending them.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use domain::kernel::ids::{PrincipalId, RestaurantId};
use sqlx::PgPool;
use uuid::Uuid;

use super::{Login, LoginStore, RefreshToken, Session, SessionPage};
use crate::clock::Clock;
use crate::http::policy::Role;
use crate::http::problem::Unavailable;
use crate::http::security;
use crate::http::token::Principal;
use crate::limits;

/// The tables of `auth`.
#[derive(Clone, Debug)]
pub struct PgLogins(pub(super) PgPool);

/// Somebody who is to be signed in.
#[derive(Clone, Copy, Debug)]
pub struct Who<'a> {
    /// The account.
    pub id: PrincipalId,
    /// What they sign in as.
    pub role: Role,
    /// The shops that they run or work for.
    pub restaurants: &'a [RestaurantId],
    /// Whether what they do is a rehearsal, which analytics leave out.
    pub test: bool,
}

impl<'a> Who<'a> {
    /// Somebody who means what they do.
    pub fn new(id: PrincipalId, role: Role, restaurants: &'a [RestaurantId]) -> Self {
        Self {
            id,
            role,
            restaurants,
            test: false,
        }
    }
}

/// When a login began, when it ends unless it is refreshed, and when it ends in any case.
#[derive(Clone, Copy)]
struct Lives {
    created: DateTime<Utc>,
    expires: DateTime<Utc>,
    ends: DateTime<Utc>,
}

/// What signing in, or refreshing, gives.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// For an access token.
    pub principal: Principal,
    /// For the next access token.
    pub refresh: RefreshToken,
    /// When the login ends unless it is refreshed.
    pub expires_at: DateTime<Utc>,
}

/// A role in the table that the code does not know.
#[derive(Debug, thiserror::Error)]
#[error("auth.logins.role of {sid} is no role: {role}")]
struct NoRole {
    sid: Uuid,
    role: String,
}

/// The role of a row.
pub(super) fn role_of(sid: Uuid, role: &str) -> Result<Role, Unavailable> {
    Role::parse(role).ok_or_else(|| {
        let role = role.to_owned();
        Unavailable::broken(NoRole { sid, role })
    })
}

/// A moment later; the end of time when there is none.
pub(super) fn after(now: DateTime<Utc>, span: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(span)
        .ok()
        .and_then(|span| now.checked_add_signed(span))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// The longest life of a login.
fn life_of(role: Role) -> Duration {
    match role {
        Role::Ops | Role::Service => limits::OPS_LOGIN_LIFE_MAX,
        Role::Customer | Role::Owner | Role::Driver | Role::Guest => limits::LOGIN_LIFE_MAX,
    }
}

impl PgLogins {
    /// Reads and writes through this pool.
    pub fn new(pool: PgPool) -> Self {
        Self(pool)
    }

    /// Signs somebody in: a login that lives as long as it is refreshed, within the limits of its role.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn sign_in(&self, clock: &Clock, who: &Who<'_>) -> Result<SignedIn, Unavailable> {
        let life = life_of(who.role);
        let idle = life.min(limits::LOGIN_IDLE_MAX);
        let (now, refresh) = (clock.now(), RefreshToken::fresh());
        let lives = Lives {
            created: now,
            expires: after(now, idle),
            ends: after(now, life),
        };
        let sid = clock.fresh_id();
        let principal = self.insert(sid, who, lives, Some(&refresh)).await?;
        security::signed_in(&principal);
        Ok(SignedIn {
            principal,
            refresh,
            expires_at: lives.expires,
        })
    }

    /// Opens a login for `life` of the marketplace's time, which cannot be refreshed: for our own tools.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn open(
        &self,
        clock: &Clock,
        who: &Who<'_>,
        life: Duration,
    ) -> Result<Principal, Unavailable> {
        let now = clock.now();
        let end = after(now, life);
        let lives = Lives {
            created: now,
            expires: end,
            ends: end,
        };
        self.insert(clock.fresh_id(), who, lives, None).await
    }

    #[tracing::instrument(name = "db.login_open", skip_all, level = "debug")]
    async fn insert(
        &self,
        sid: Uuid,
        who: &Who<'_>,
        lives: Lives,
        refresh: Option<&RefreshToken>,
    ) -> Result<Principal, Unavailable> {
        let shops: Vec<Uuid> = who.restaurants.iter().map(|shop| shop.uuid()).collect();
        let hash = refresh.map(RefreshToken::hash);
        sqlx::query!(
            "WITH login AS (
                 INSERT INTO auth.logins
                     (sid, principal, role, restaurants, test, ver, created_at, expires_at, ends_at)
                 VALUES ($1, $2, $3, $4, $5, 1, $6, $7, $8)
                 RETURNING sid, created_at)
             INSERT INTO auth.refresh_tokens (hash, sid, issued_at)
             SELECT $9, sid, created_at FROM login WHERE $9::bytea IS NOT NULL",
            sid,
            who.id.uuid(),
            who.role.as_str(),
            &shops,
            who.test,
            lives.created,
            lives.expires,
            lives.ends,
            hash.as_ref().map(<[u8; 32]>::as_slice),
        )
        .execute(&self.0)
        .await?;
        Ok(Principal {
            id: who.id,
            role: who.role,
            restaurants: who.restaurants.into(),
            login: sid,
            version: 1,
            test: who.test,
        })
    }

    /// Ends every login of a person. Gives how many were ended.
    ///
    /// # Errors
    /// When the database cannot be written.
    #[tracing::instrument(name = "db.logins_revoke", skip_all, level = "debug")]
    pub async fn revoke_all(
        &self,
        id: PrincipalId,
        now: DateTime<Utc>,
    ) -> Result<u64, Unavailable> {
        let done = sqlx::query!(
            "UPDATE auth.logins SET revoked_at = $2, ver = ver + 1
             WHERE principal = $1 AND revoked_at IS NULL",
            id.uuid(),
            now,
        )
        .execute(&self.0)
        .await?;
        Ok(done.rows_affected())
    }

    /// Ends one login. Gives whether it was open.
    ///
    /// # Errors
    /// When the database cannot be written.
    #[tracing::instrument(name = "db.login_revoke", skip_all, level = "debug")]
    pub async fn revoke(&self, sid: Uuid, now: DateTime<Utc>) -> Result<bool, Unavailable> {
        let done = sqlx::query!(
            "UPDATE auth.logins SET revoked_at = $2, ver = ver + 1
             WHERE sid = $1 AND revoked_at IS NULL",
            sid,
            now,
        )
        .execute(&self.0)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Gives every open login of a person other shops, so that tokens with the old ones end.
    ///
    /// # Errors
    /// When the database cannot be written.
    #[tracing::instrument(name = "db.logins_assign", skip_all, level = "debug")]
    pub async fn assign_restaurants(
        &self,
        id: PrincipalId,
        restaurants: &[RestaurantId],
    ) -> Result<u64, Unavailable> {
        let shops: Vec<Uuid> = restaurants.iter().map(|shop| shop.uuid()).collect();
        let done = sqlx::query!(
            "UPDATE auth.logins SET restaurants = $2, ver = ver + 1
             WHERE principal = $1 AND revoked_at IS NULL",
            id.uuid(),
            &shops,
        )
        .execute(&self.0)
        .await?;
        Ok(done.rows_affected())
    }
}

#[async_trait]
impl LoginStore for PgLogins {
    #[tracing::instrument(name = "db.login_find", skip_all, level = "debug")]
    async fn find(&self, sid: Uuid) -> Result<Option<Login>, Unavailable> {
        let row = sqlx::query_as!(
            Login,
            r#"SELECT ver AS "version!", expires_at, revoked_at FROM auth.logins WHERE sid = $1"#,
            sid,
        )
        .fetch_optional(&self.0)
        .await?;
        Ok(row)
    }

    #[tracing::instrument(name = "db.logins_live", skip_all, level = "debug")]
    async fn live_of(
        &self,
        person: PrincipalId,
        now: DateTime<Utc>,
        page: SessionPage,
    ) -> Result<Vec<Session>, Unavailable> {
        let (opened, sid) = page
            .behind
            .unwrap_or((now + chrono::TimeDelta::days(1), Uuid::max()));
        let rows = sqlx::query!(
            "SELECT sid, role, created_at, refreshed_at, expires_at FROM auth.logins
             WHERE principal = $1 AND revoked_at IS NULL AND expires_at > $2
               AND (created_at, sid) < ($3, $4)
             ORDER BY created_at DESC, sid DESC LIMIT $5",
            person.uuid(),
            now,
            opened,
            sid,
            page.limit,
        )
        .fetch_all(&self.0)
        .await?;
        let sessions = rows.into_iter().map(|row| {
            Ok(Session {
                login: row.sid,
                role: role_of(row.sid, &row.role)?,
                created_at: row.created_at,
                refreshed_at: row.refreshed_at,
                expires_at: row.expires_at,
            })
        });
        sessions.collect()
    }
}
