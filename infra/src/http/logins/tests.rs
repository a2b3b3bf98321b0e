//! How long access lasts once it is taken away, and what the tables say of it.

use super::*;
use crate::clock::TestClock;
use domain::kernel::ids::RestaurantId;
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

    async fn live_of(
        &self,
        _: PrincipalId,
        _: DateTime<Utc>,
        _: SessionPage,
    ) -> Result<Vec<Session>, Unavailable> {
        Ok(Vec::new())
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
    let shops = [shop];
    let who = Who::new(id, Role::Owner, &shops);
    let owner = store.open(&clock, &who, day).await.unwrap();
    let other = store.open(&clock, &who, day).await.unwrap();
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
