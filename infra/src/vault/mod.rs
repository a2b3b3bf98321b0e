//! The vault: seals personal data into events and opens it again at the edge. Each person has a key for
//! each class of data; destroying the key makes everything sealed with it unreadable, in the log, in
//! topics and in backups alike (reliability §8).
//!
//! `cipher` encrypts, `keyring` wraps keys, `subject_keys` keeps them; what may be sealed, and when a key
//! must go, is decided elsewhere.

mod cipher;
mod keyring;
mod subject_keys;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Datelike as _, Utc};
use domain::kernel::sealed::{Origin, Sealed};
use moka::sync::Cache;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::PgPool;
use uuid::Uuid;

use crate::clock::Clock;
use crate::config;
use crate::http::problem::{ApiError, Unavailable};
use crate::limits;

use cipher::SubjectKey;
pub use keyring::{Keyring, KeyringError};
use subject_keys::{Found, SubjectKeys};

/// The version of the sealing scheme: AES-256-GCM, 96-bit random nonce, origin as additional data.
const VERSION: u8 = 1;

/// The subject of data whose person is not known, such as a webhook's body.
pub const SYSTEM: Uuid = Uuid::nil();

/// How long a key lives: data of one class is forgotten together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Until the person is erased: name, phone, e-mail.
    Identity,
    /// Until the retention of orders of this month ends: address, door note, contact.
    Order(Month),
    /// Until the retention of what came in this month ends; for [`SYSTEM`] alone.
    System(Month),
}

/// A month of the calendar, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Month {
    year: u16,
    month: u8,
}

impl Month {
    /// The month of an instant. Years beyond 0 to 9999 count as the nearest of them.
    pub fn of(at: DateTime<Utc>) -> Self {
        let year = u16::try_from(at.year().clamp(0, 9_999)).unwrap_or(0);
        let month = u8::try_from(at.month()).unwrap_or(1);
        Self { year, month }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl Class {
    /// The class of an order's personal data, by the time of the sealing.
    pub fn order(at: DateTime<Utc>) -> Self {
        Self::Order(Month::of(at))
    }

    /// The class of data whose person is not known, by the time of the sealing.
    pub fn system(at: DateTime<Utc>) -> Self {
        Self::System(Month::of(at))
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identity => f.write_str("identity"),
            Self::Order(month) => write!(f, "order-{month}"),
            Self::System(month) => write!(f, "system-{month}"),
        }
    }
}

/// Why something was not sealed or opened.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum VaultError {
    /// The key was destroyed: the person is forgotten, or the data's time is over.
    #[error("erased")]
    Erased,
    /// The envelope is not what was sealed, or not where it was sealed.
    #[error("a sealed value has been changed")]
    Tampered,
    /// There never was such a key.
    #[error("unknown key {0}")]
    UnknownKey(Uuid),
    /// The key cannot be unwrapped with the keyring of this process.
    #[error("key {0} cannot be unwrapped")]
    Unwrappable(Uuid),
    /// The version of the envelope is not known to this build.
    #[error("unknown envelope version {0}")]
    UnknownVersion(u8),
    /// The value is not of the type that it is sealed as.
    #[error("a sealed value has another form")]
    OtherForm,
    /// The vault is away.
    #[error("the vault is away")]
    Away(#[source] Unavailable),
}

impl From<VaultError> for Unavailable {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Away(unavailable) => unavailable,
            VaultError::Erased
            | VaultError::Tampered
            | VaultError::UnknownKey(_)
            | VaultError::Unwrappable(_)
            | VaultError::UnknownVersion(_)
            | VaultError::OtherForm => Self::broken(error),
        }
    }
}

impl From<VaultError> for ApiError {
    fn from(error: VaultError) -> Self {
        Unavailable::from(error).into()
    }
}

/// Seals and opens. Clones share the cache of unwrapped keys.
#[derive(Clone)]
pub struct Vault {
    keys: SubjectKeys,
    by_id: Cache<Uuid, Cached>,
    current: Cache<(Uuid, String), Cached>,
    clock: Clock,
}

/// A key, or that it is gone, and the age of the clock when that was read.
#[derive(Clone)]
struct Cached {
    key: Option<Arc<SubjectKey>>,
    read_at: Duration,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault")
            .field("cached", &self.by_id.entry_count())
            .finish_non_exhaustive()
    }
}

impl Vault {
    /// A vault whose keys are in `vault.subject_keys`, reached through a pool of the role `vault`.
    ///
    /// # Errors
    /// [`KeyringError`] when the settings have no usable wrapping key.
    pub fn new(pool: PgPool, settings: &config::Vault, clock: Clock) -> Result<Self, KeyringError> {
        let keys = SubjectKeys::new(pool, Keyring::new(settings)?);
        Ok(Self {
            keys,
            by_id: cache(),
            current: cache(),
            clock,
        })
    }

    /// Seals a value of one person. `origin` says where: it is fixed into the envelope, so that the value
    /// cannot be passed off as another field's.
    ///
    /// # Errors
    /// [`VaultError::Erased`] for a person who was erased, [`VaultError::Away`].
    pub async fn seal<T: Serialize>(
        &self,
        subject: Uuid,
        class: Class,
        origin: Origin,
        value: &T,
    ) -> Result<Sealed<T>, VaultError> {
        let key = self.current_key(subject, class).await?;
        let plain = serde_json::to_vec(value).map_err(|_| VaultError::OtherForm)?;
        let (nonce, ciphertext) = key.seal(&additional(key.id, &origin), plain);
        let (nonce, ciphertext) = (STANDARD.encode(nonce), STANDARD.encode(ciphertext));
        Ok(Sealed::from_parts(
            VERSION, key.id, nonce, ciphertext, origin,
        ))
    }

    /// Opens a value.
    ///
    /// # Errors
    /// Any [`VaultError`].
    pub async fn open<T: DeserializeOwned>(&self, sealed: &Sealed<T>) -> Result<T, VaultError> {
        Self::open_with(&self.keys_of(&[sealed.key_id()]).await?, sealed)
    }

    /// Opens a list of values with at most one question to the database, each with its own outcome.
    ///
    /// # Errors
    /// [`VaultError::Away`], or a key that cannot be unwrapped; the rest is in the list.
    pub async fn open_all<T: DeserializeOwned>(
        &self,
        sealed: &[Sealed<T>],
    ) -> Result<Vec<Result<T, VaultError>>, VaultError> {
        let ids: Vec<Uuid> = sealed.iter().map(Sealed::key_id).collect();
        let keys = self.keys_of(&ids).await?;
        Ok(sealed
            .iter()
            .map(|sealed| Self::open_with(&keys, sealed))
            .collect())
    }

    /// Destroys every key of a person, for good, and keeps new ones from being made. Gives how many keys
    /// there were. Other processes forget theirs within [`limits::SUBJECT_KEY_LIFE`].
    ///
    /// # Errors
    /// [`VaultError::Away`].
    pub async fn destroy(&self, subject: Uuid) -> Result<u64, VaultError> {
        let destroyed = self.keys.destroy(subject, self.clock.now()).await?;
        self.forget();
        Ok(destroyed)
    }

    /// Destroys every key of one class, of whomever: the end of a month's retention.
    ///
    /// # Errors
    /// [`VaultError::Away`].
    pub async fn destroy_class(&self, class: Class) -> Result<u64, VaultError> {
        let destroyed = self
            .keys
            .destroy_class(&class.to_string(), self.clock.now())
            .await?;
        self.forget();
        Ok(destroyed)
    }

    /// Wraps up to `max` keys again whose wrapping key is no longer the first of the keyring. Gives how
    /// many: 0 when the rotation is done.
    ///
    /// # Errors
    /// [`VaultError::Away`], or a key that the keyring cannot unwrap.
    pub async fn rewrap(&self, max: u32) -> Result<u64, VaultError> {
        self.keys.rewrap(max).await
    }

    fn forget(&self) {
        self.by_id.invalidate_all();
        self.current.invalidate_all();
    }

    fn fresh(&self, cached: Option<Cached>) -> Option<Cached> {
        let now = self.clock.monotonic();
        cached.filter(|cached| now.saturating_sub(cached.read_at) <= limits::SUBJECT_KEY_LIFE)
    }

    /// The key to seal with, made when there is none.
    async fn current_key(
        &self,
        subject: Uuid,
        class: Class,
    ) -> Result<Arc<SubjectKey>, VaultError> {
        let name = (subject, class.to_string());
        let cached = if let Some(cached) = self.fresh(self.current.get(&name)) {
            cached
        } else {
            let read_at = self.clock.monotonic();
            let found = self
                .keys
                .find_or_make(subject, &name.1, &self.clock)
                .await?;
            let cached = Cached {
                key: found.key,
                read_at,
            };
            self.current.insert(name, cached.clone());
            self.by_id.insert(found.id, cached.clone());
            cached
        };
        cached.key.ok_or(VaultError::Erased)
    }

    /// The keys of these ids. What was read is used even when the cache has no room for it.
    async fn keys_of(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, Cached>, VaultError> {
        let cached = |id: &Uuid| self.fresh(self.by_id.get(id)).map(|cached| (*id, cached));
        let mut keys: HashMap<Uuid, Cached> = ids.iter().filter_map(cached).collect();
        let missing: Vec<Uuid> = ids
            .iter()
            .filter(|id| !keys.contains_key(id))
            .copied()
            .collect();
        if missing.is_empty() {
            return Ok(keys);
        }
        let read_at = self.clock.monotonic();
        for Found { id, key } in self.keys.find(&missing).await? {
            let cached = Cached { key, read_at };
            self.by_id.insert(id, cached.clone());
            keys.insert(id, cached);
        }
        Ok(keys)
    }

    fn open_with<T: DeserializeOwned>(
        keys: &HashMap<Uuid, Cached>,
        sealed: &Sealed<T>,
    ) -> Result<T, VaultError> {
        if sealed.version() != VERSION {
            return Err(VaultError::UnknownVersion(sealed.version()));
        }
        let id = sealed.key_id();
        let cached = keys.get(&id).ok_or(VaultError::UnknownKey(id))?;
        let key = cached.key.as_ref().ok_or(VaultError::Erased)?;
        let decode = |text: &str| STANDARD.decode(text).map_err(|_| VaultError::Tampered);
        let (nonce, ciphertext) = (decode(sealed.nonce())?, decode(sealed.ciphertext())?);
        let plain = key
            .open(&additional(id, sealed.origin()), &nonce, ciphertext)
            .ok_or(VaultError::Tampered)?;
        serde_json::from_slice(&plain).map_err(|_| VaultError::OtherForm)
    }
}

/// Unwrapped keys leave memory after their life, whether they are asked for or not.
fn cache<K: std::hash::Hash + Eq + Send + Sync + 'static>() -> Cache<K, Cached> {
    Cache::builder()
        .max_capacity(limits::SUBJECT_KEYS_CACHED_MAX)
        .time_to_live(limits::SUBJECT_KEY_LIFE)
        .build()
}

/// What the envelope's tag covers besides the value: version, key and origin, each text behind its
/// length so that no two origins look alike.
fn additional(key: Uuid, origin: &Origin) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    bytes.extend_from_slice(key.as_bytes());
    bytes.extend_from_slice(origin.id.as_bytes());
    for text in [&origin.kind, &origin.field] {
        bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    bytes
}

#[cfg(all(test, feature = "testing"))]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use super::*;
    use crate::clock::TestClock;
    use crate::config::{NamedKey, Secret};
    use crate::postgres::Role;
    use crate::testing::TestDatabase;

    fn settings(keys: &[(&str, u8)]) -> config::Vault {
        let key = |(id, byte): &(&str, u8)| NamedKey {
            id: (*id).to_owned(),
            key: Secret::new([*byte; 32]),
        };
        config::Vault {
            keys: keys.iter().map(key).collect(),
        }
    }

    struct Setup {
        database: TestDatabase,
        hand: TestClock,
        vault: Vault,
    }

    async fn setup() -> Setup {
        let database = TestDatabase::create().await;
        let hand = TestClock::at(DateTime::from_timestamp(1_800_000_000, 0).unwrap(), 1);
        let vault = Vault::new(
            database.pool(Role::Vault),
            &settings(&[("k1", 1)]),
            hand.clock(),
        )
        .unwrap();
        Setup {
            database,
            hand,
            vault,
        }
    }

    fn origin(field: &str) -> Origin {
        Origin {
            kind: "ordering.cart".to_owned(),
            id: Uuid::from_u128(5),
            field: field.to_owned(),
        }
    }

    const HANA: Uuid = Uuid::from_u128(1);
    const TARO: Uuid = Uuid::from_u128(2);

    async fn sealed(vault: &Vault, subject: Uuid) -> Sealed<String> {
        vault
            .seal(subject, Class::Identity, origin("name"), &"花".to_owned())
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn what_is_sealed_is_opened_also_by_another_process() {
        let Setup {
            database,
            hand,
            vault,
        } = setup().await;
        let envelope = sealed(&vault, HANA).await;
        assert!(!serde_json::to_string(&envelope).unwrap().contains('花'));
        assert_eq!(vault.open(&envelope).await.unwrap(), "花");
        let other = Vault::new(
            database.pool(Role::Vault),
            &settings(&[("k1", 1)]),
            hand.clock(),
        )
        .unwrap();
        assert_eq!(other.open(&envelope).await.unwrap(), "花");
        let second = sealed(&other, HANA).await;
        assert_eq!(second.key_id(), envelope.key_id());
        assert_ne!(second.nonce(), envelope.nonce());
        assert_ne!(sealed(&vault, TARO).await.key_id(), envelope.key_id());
    }

    #[tokio::test]
    async fn any_change_to_an_envelope_is_noticed() {
        let Setup {
            vault,
            database: _kept,
            ..
        } = setup().await;
        let good = sealed(&vault, HANA).await;
        let other = sealed(&vault, TARO).await;
        let parts = |envelope: &Sealed<String>| {
            (
                envelope.key_id(),
                envelope.nonce().to_owned(),
                envelope.ciphertext().to_owned(),
            )
        };
        let (id, nonce, text) = parts(&good);
        let (other_id, other_nonce, other_text) = parts(&other);
        let moved = |field: &str, kind: &str, of: u128| Origin {
            kind: kind.to_owned(),
            id: Uuid::from_u128(of),
            field: field.to_owned(),
        };
        let mut flipped = STANDARD.decode(&text).unwrap();
        flipped[0] ^= 1;
        let here = origin("name");
        for (key, nonce, text, origin) in [
            (id, nonce.clone(), STANDARD.encode(flipped), here.clone()),
            (
                id,
                nonce.clone(),
                text[..text.len() - 4].to_owned(),
                here.clone(),
            ),
            (id, nonce.clone(), String::new(), here.clone()),
            (id, nonce.clone(), "%".to_owned(), here.clone()),
            (id, other_nonce, text.clone(), here.clone()),
            (id, "AAAA".to_owned(), text.clone(), here.clone()),
            (id, nonce.clone(), other_text, here.clone()),
            (other_id, nonce.clone(), text.clone(), here),
            (
                id,
                nonce.clone(),
                text.clone(),
                moved("phone", "ordering.cart", 5),
            ),
            (
                id,
                nonce.clone(),
                text.clone(),
                moved("name", "ordering.order", 5),
            ),
            (
                id,
                nonce.clone(),
                text.clone(),
                moved("name", "ordering.cart", 6),
            ),
        ] {
            let changed: Sealed<String> = Sealed::from_parts(VERSION, key, nonce, text, origin);
            assert_eq!(vault.open(&changed).await, Err(VaultError::Tampered));
        }
        let version: Sealed<String> =
            Sealed::from_parts(2, id, nonce.clone(), text.clone(), origin("name"));
        assert_eq!(
            vault.open(&version).await,
            Err(VaultError::UnknownVersion(2))
        );
        let unknown: Sealed<String> =
            Sealed::from_parts(1, Uuid::from_u128(77), nonce, text, origin("name"));
        assert_eq!(
            vault.open(&unknown).await,
            Err(VaultError::UnknownKey(Uuid::from_u128(77)))
        );
    }

    #[tokio::test]
    async fn destroying_a_persons_keys_erases_them_for_good() {
        let Setup {
            hand,
            vault,
            database,
        } = setup().await;
        let (name, other) = (sealed(&vault, HANA).await, sealed(&vault, TARO).await);
        let now = hand.clock().now();
        let address = vault
            .seal(HANA, Class::order(now), origin("address"), &1_u8)
            .await
            .unwrap();
        assert_eq!(vault.destroy(HANA).await.unwrap(), 2);
        assert_eq!(vault.open(&name).await, Err(VaultError::Erased));
        assert_eq!(vault.open(&address).await, Err(VaultError::Erased));
        assert_eq!(vault.open(&other).await.unwrap(), "花");
        assert_eq!(vault.destroy(HANA).await.unwrap(), 0);
        for class in [
            Class::Identity,
            Class::order(now),
            Class::order(now + chrono::TimeDelta::days(40)),
        ] {
            let again = vault.seal(HANA, class, origin("name"), &"花").await;
            assert_eq!(again, Err(VaultError::Erased), "{class}");
        }
        let wrapped: i64 = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM vault.subject_keys WHERE subject = $1 AND wrapped_key IS NOT NULL"#,
            HANA
        )
        .fetch_one(&database.owner())
        .await
        .unwrap();
        assert_eq!(wrapped, 0);
    }

    #[tokio::test]
    async fn a_person_without_keys_can_be_erased_too() {
        let Setup {
            vault,
            database: _kept,
            ..
        } = setup().await;
        assert_eq!(vault.destroy(HANA).await.unwrap(), 0);
        let sealed = vault
            .seal(HANA, Class::Identity, origin("name"), &"花")
            .await;
        assert_eq!(sealed, Err(VaultError::Erased));
    }

    #[tokio::test]
    async fn another_process_forgets_a_destroyed_key_within_its_life() {
        let Setup {
            database,
            hand,
            vault,
        } = setup().await;
        let other = Vault::new(
            database.pool(Role::Vault),
            &settings(&[("k1", 1)]),
            hand.clock(),
        )
        .unwrap();
        let envelope = sealed(&vault, HANA).await;
        assert_eq!(other.open(&envelope).await.unwrap(), "花");
        vault.destroy(HANA).await.unwrap();
        assert_eq!(other.open(&envelope).await.unwrap(), "花");
        hand.advance(limits::SUBJECT_KEY_LIFE + Duration::from_micros(1));
        assert_eq!(other.open(&envelope).await, Err(VaultError::Erased));
    }

    #[tokio::test]
    async fn a_months_data_is_forgotten_together() {
        let Setup {
            hand,
            vault,
            database: _kept,
        } = setup().await;
        let class = Class::order(hand.clock().now());
        let name = sealed(&vault, HANA).await;
        let address = vault
            .seal(HANA, class, origin("address"), &1_u8)
            .await
            .unwrap();
        let other = vault
            .seal(TARO, class, origin("address"), &2_u8)
            .await
            .unwrap();
        assert_eq!(vault.destroy_class(class).await.unwrap(), 2);
        let opened = vault.open_all(&[address, other]).await.unwrap();
        assert_eq!(opened, [Err(VaultError::Erased), Err(VaultError::Erased)]);
        assert_eq!(vault.open(&name).await.unwrap(), "花");
    }

    #[tokio::test]
    async fn a_list_is_opened_each_with_its_own_outcome() {
        let Setup {
            vault,
            database: _kept,
            ..
        } = setup().await;
        let (hana, taro) = (sealed(&vault, HANA).await, sealed(&vault, TARO).await);
        vault.destroy(TARO).await.unwrap();
        let opened = vault.open_all(&[hana.clone(), taro, hana]).await.unwrap();
        assert_eq!(
            opened,
            [
                Ok("花".to_owned()),
                Err(VaultError::Erased),
                Ok("花".to_owned())
            ]
        );
    }

    #[tokio::test]
    async fn wrapping_keys_rotate_without_losing_anything() {
        let Setup {
            database,
            hand,
            vault,
        } = setup().await;
        let (hana, taro) = (sealed(&vault, HANA).await, sealed(&vault, TARO).await);
        let with = |keys: &[(&str, u8)]| {
            Vault::new(database.pool(Role::Vault), &settings(keys), hand.clock()).unwrap()
        };
        let both = with(&[("k2", 2), ("k1", 1)]);
        assert_eq!(both.rewrap(1).await.unwrap(), 1);
        assert_eq!(both.rewrap(10).await.unwrap(), 1);
        assert_eq!(both.rewrap(10).await.unwrap(), 0);
        let only_new = with(&[("k2", 2)]);
        assert_eq!(only_new.open(&hana).await.unwrap(), "花");
        assert_eq!(only_new.open(&taro).await.unwrap(), "花");
        let only_old = with(&[("k1", 1)]);
        assert_eq!(
            only_old.open(&hana).await,
            Err(VaultError::Unwrappable(hana.key_id()))
        );
    }

    #[tokio::test]
    async fn a_wrapped_key_belongs_to_its_row() {
        let Setup {
            database,
            hand,
            vault,
        } = setup().await;
        let hana = sealed(&vault, HANA).await;
        sealed(&vault, TARO).await;
        sqlx::query!(
            "UPDATE vault.subject_keys SET wrapped_key =
             (SELECT wrapped_key FROM vault.subject_keys WHERE subject = $1) WHERE subject = $2",
            TARO,
            HANA
        )
        .execute(&database.owner())
        .await
        .unwrap();
        let other = Vault::new(
            database.pool(Role::Vault),
            &settings(&[("k1", 1)]),
            hand.clock(),
        )
        .unwrap();
        assert_eq!(
            other.open(&hana).await,
            Err(VaultError::Unwrappable(hana.key_id()))
        );
    }

    #[tokio::test]
    async fn two_processes_make_one_key() {
        let Setup {
            database,
            hand,
            vault,
        } = setup().await;
        let other = Vault::new(
            database.pool(Role::Vault),
            &settings(&[("k1", 1)]),
            hand.clock(),
        )
        .unwrap();
        let (first, second) = tokio::join!(sealed(&vault, HANA), sealed(&other, HANA));
        assert_eq!(first.key_id(), second.key_id());
        assert_eq!(vault.open(&second).await.unwrap(), "花");
    }

    #[tokio::test]
    async fn a_vault_that_is_away_says_so() {
        let Setup {
            database,
            hand,
            vault,
        } = setup().await;
        let envelope = sealed(&vault, HANA).await;
        let pool = database.pool(Role::Vault);
        pool.close().await;
        let away = Vault::new(pool, &settings(&[("k1", 1)]), hand.clock()).unwrap();
        let error = away.open(&envelope).await.unwrap_err();
        assert!(matches!(error, VaultError::Away(Unavailable::Transient(_))));
        assert_eq!(ApiError::from(error).status(), 503);
    }

    #[test]
    fn classes_are_named_by_month() {
        let at = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        assert_eq!(Class::order(at).to_string(), "order-2027-01");
        assert_eq!(Class::system(at).to_string(), "system-2027-01");
    }

    #[test]
    fn origins_do_not_run_into_each_other() {
        let of = |kind: &str, field: &str| {
            additional(
                HANA,
                &Origin {
                    kind: kind.to_owned(),
                    id: TARO,
                    field: field.to_owned(),
                },
            )
        };
        assert_ne!(of("ab", "c"), of("a", "bc"));
    }
}
