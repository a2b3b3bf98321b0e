//! The keys that wrap keys: from the settings, the first wraps, all unwrap, so that they can rotate.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use aws_lc_rs::aead::{NONCE_LEN, RandomizedNonceKey};
use aws_lc_rs::rand;
use uuid::Uuid;

use super::cipher;
use crate::config;

/// There is no wrapping key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the keyring is empty")]
pub struct KeyringError;

/// Wraps and unwraps subject keys. Clones share the keys.
#[derive(Clone)]
pub struct Keyring {
    first: String,
    keys: Arc<HashMap<String, RandomizedNonceKey>>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring")
            .field("first", &self.first)
            .finish_non_exhaustive()
    }
}

/// The row that a wrapped key belongs to; a key moved to another row does not unwrap.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot<'a> {
    pub(super) subject: Uuid,
    pub(super) class: &'a str,
    pub(super) key_id: Uuid,
}

impl Slot<'_> {
    fn additional(&self) -> Vec<u8> {
        // The class is last, and the ids have a fixed length, so no two slots look alike.
        [
            b"wrap".as_slice(),
            self.subject.as_bytes(),
            self.key_id.as_bytes(),
            self.class.as_bytes(),
        ]
        .concat()
    }
}

impl Keyring {
    /// The keys of the settings.
    ///
    /// # Errors
    /// [`KeyringError`] when there is none.
    pub fn new(settings: &config::Vault) -> Result<Self, KeyringError> {
        let first = settings.keys.first().ok_or(KeyringError)?.id.clone();
        let named = settings.keys.iter();
        let keys = named
            .map(|named| (named.id.clone(), cipher::cipher(named.key.expose())))
            .collect();
        Ok(Self {
            first,
            keys: Arc::new(keys),
        })
    }

    /// The id of the key that wraps.
    pub(super) fn first(&self) -> &str {
        &self.first
    }

    /// Wraps a key: nonce, then ciphertext with tag.
    pub(super) fn wrap(&self, slot: Slot<'_>, key: &[u8; 32]) -> Vec<u8> {
        let wrapping = &self.keys[&self.first];
        let (nonce, text) = cipher::seal(wrapping, &slot.additional(), key.to_vec());
        [nonce.as_slice(), &text].concat()
    }

    /// Unwraps a key that was wrapped with the key `kek`.
    pub(super) fn unwrap(&self, slot: Slot<'_>, kek: &str, wrapped: &[u8]) -> Option<[u8; 32]> {
        let wrapping = self.keys.get(kek)?;
        let (nonce, text) = wrapped.split_at_checked(NONCE_LEN)?;
        let key = cipher::open(wrapping, &slot.additional(), nonce, text.to_vec())?;
        key.try_into().ok()
    }
}

/// A new key.
pub(super) fn fresh_key() -> [u8; 32] {
    let mut key = [0; 32];
    rand::fill(&mut key).expect("the system gives random bytes");
    key
}
