//! Logins: who is signed in, and at which version. A token names a login and its version; raising the
//! version, or revoking the login, ends every token of it within [`limits::LOGIN_FRESH`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use domain::kernel::ids::{PrincipalId, RestaurantId};
use moka::future::Cache;
use sqlx::PgPool;
use uuid::Uuid;

use super::policy::Role;
use super::problem::Unavailable;
use super::token::Principal;
use crate::clock::Clock;
use crate::limits;

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

/// Where logins are kept.
#[async_trait]
pub trait LoginStore: Send + Sync + 'static {
    /// The login of this id.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn find(&self, sid: Uuid) -> Result<Option<Login>, Unavailable>;
}

/// The table `auth.logins`.
#[derive(Clone, Debug)]
pub struct PgLogins(PgPool);

impl PgLogins {
    /// Reads and writes through this pool.
    pub fn new(pool: PgPool) -> Self {
        Self(pool)
    }

    /// Signs somebody in for `life` of the marketplace's time.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn open(
        &self,
        clock: &Clock,
        id: PrincipalId,
        role: Role,
        restaurants: &[RestaurantId],
        life: Duration,
    ) -> Result<Principal, Unavailable> {
        let now = clock.now();
        let sid = clock.fresh_id();
        let life = TimeDelta::from_std(life).unwrap_or(TimeDelta::MAX);
        let expires_at = now
            .checked_add_signed(life)
            .unwrap_or(DateTime::<Utc>::MAX_UTC);
        let shops: Vec<Uuid> = restaurants.iter().map(|shop| shop.uuid()).collect();
        sqlx::query!(
            "INSERT INTO auth.logins (sid, principal, role, restaurants, ver, created_at, expires_at)
             VALUES ($1, $2, $3, $4, 1, $5, $6)",
            sid,
            id.uuid(),
            role.as_str(),
            &shops,
            now,
            expires_at,
        )
        .execute(&self.0)
        .await?;
        Ok(Principal {
            id,
            role,
            restaurants: restaurants.into(),
            login: sid,
            version: 1,
        })
    }

    /// Ends every login of a person. Gives how many were ended.
    ///
    /// # Errors
    /// When the database cannot be written.
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

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::clock::TestClock;
    use std::sync::Mutex;

    /// Logins in memory, which can be made to go away.
    #[derive(Default)]
    pub(crate) struct Book {
        pub(crate) login: Mutex<Option<Login>>,
        pub(crate) away: Mutex<bool>,
    }

    #[async_trait]
    impl LoginStore for Book {
        async fn find(&self, _: Uuid) -> Result<Option<Login>, Unavailable> {
            if *self.away.lock().unwrap() {
                return Err(Unavailable::Busy);
            }
            Ok(self.login.lock().unwrap().clone())
        }
    }

    pub(crate) fn login(version: i64) -> Login {
        let expires_at = DateTime::<Utc>::from_timestamp(2_000_000_000, 0).unwrap();
        Login {
            version,
            expires_at,
            revoked_at: None,
        }
    }

    fn setup() -> (Arc<Book>, Logins, TestClock, Principal) {
        let hand = TestClock::at(DateTime::from_timestamp(1_800_000_000, 0).unwrap(), 1);
        let book = Arc::new(Book::default());
        *book.login.lock().unwrap() = Some(login(4));
        let logins = Logins::new(book.clone(), hand.clock());
        let principal = crate::http::token::tests::principal(Role::Customer);
        (book, logins, hand, principal)
    }

    #[tokio::test]
    async fn access_ends_within_five_seconds() {
        let (book, logins, hand, principal) = setup();
        assert_eq!(logins.standing(&principal, false).await, Standing::Good);
        *book.login.lock().unwrap() = Some(login(5));
        assert_eq!(logins.standing(&principal, false).await, Standing::Good);
        hand.advance(limits::LOGIN_FRESH + Duration::from_micros(1));
        assert_eq!(logins.standing(&principal, false).await, Standing::Ended);
    }

    #[tokio::test]
    async fn an_absent_expired_or_revoked_login_holds_nothing() {
        let past = DateTime::<Utc>::from_timestamp(1_700_000_000, 0).unwrap();
        for login in [
            None,
            Some(Login {
                expires_at: past,
                ..login(4)
            }),
            Some(Login {
                revoked_at: Some(past),
                ..login(4)
            }),
        ] {
            let (book, logins, _hand, principal) = setup();
            *book.login.lock().unwrap() = login;
            assert_eq!(logins.standing(&principal, true).await, Standing::Ended);
        }
    }

    #[tokio::test]
    async fn with_the_store_away_reads_go_on_for_a_minute_and_writes_do_not() {
        let (book, logins, hand, principal) = setup();
        assert_eq!(logins.standing(&principal, true).await, Standing::Good);
        *book.away.lock().unwrap() = true;
        hand.advance(Duration::from_secs(59));
        assert_eq!(logins.standing(&principal, true).await, Standing::Good);
        assert_eq!(
            logins.standing(&principal, false).await,
            Standing::Unknown(Unavailable::Busy)
        );
        hand.advance(Duration::from_secs(2));
        assert_eq!(
            logins.standing(&principal, true).await,
            Standing::Unknown(Unavailable::Busy)
        );
    }

    #[cfg(feature = "testing")]
    #[tokio::test]
    async fn logins_are_kept_in_the_table() {
        let database = crate::testing::TestDatabase::create().await;
        let store = PgLogins::new(database.pool(crate::postgres::Role::App));
        let hand = TestClock::at(DateTime::from_timestamp(1_800_000_000, 0).unwrap(), 1);
        let clock = hand.clock();
        let logins = Logins::new(Arc::new(store.clone()), clock.clone());
        let id = PrincipalId::new(Uuid::from_u128(9));
        let shop = RestaurantId::new(Uuid::from_u128(10));
        let day = Duration::from_hours(24);
        let owner = store
            .open(&clock, id, Role::Owner, &[shop], day)
            .await
            .unwrap();
        let other = store
            .open(&clock, id, Role::Owner, &[shop], day)
            .await
            .unwrap();
        assert_eq!(logins.standing(&owner, false).await, Standing::Good);
        assert!(store.revoke(owner.login, clock.now()).await.unwrap());
        assert!(!store.revoke(owner.login, clock.now()).await.unwrap());
        hand.advance(Duration::from_secs(6));
        assert_eq!(logins.standing(&owner, false).await, Standing::Ended);
        assert_eq!(logins.standing(&other, false).await, Standing::Good);
        assert_eq!(store.assign_restaurants(id, &[]).await.unwrap(), 1);
        hand.advance(Duration::from_secs(6));
        assert_eq!(logins.standing(&other, false).await, Standing::Ended);
        assert_eq!(store.revoke_all(id, clock.now()).await.unwrap(), 1);
    }
}
