//! The vault: seals personal data into events and opens it again at the edge. Each person has a key for
//! each class of data; destroying the key makes everything sealed with it unreadable, in the log, in
//! topics and in backups alike (reliability §8).
//!
//! `cipher` encrypts, `keyring` wraps keys, `subject_keys` keeps them, `class` says which are forgotten
//! together; what may be sealed, and when a key must go, is decided elsewhere.

mod cipher;
mod class;
mod error;
mod keyring;
mod subject_keys;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::kernel::sealed::{Origin, Sealed};
use moka::sync::Cache;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::PgPool;
use uuid::Uuid;

use crate::clock::Clock;
use crate::config;
use crate::limits;

use cipher::SubjectKey;
pub use class::{Class, Month};
pub use error::VaultError;
pub use keyring::{Keyring, KeyringError};
use subject_keys::{Found, SubjectKeys};

/// The version of the sealing scheme: AES-256-GCM, 96-bit random nonce, origin as additional data.
const VERSION: u8 = 1;

/// The subject of data whose person is not known, such as a webhook's body.
pub const SYSTEM: Uuid = Uuid::nil();

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
mod tests;
