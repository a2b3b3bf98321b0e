//! One person's key at work: AES-256-GCM with a random 96-bit nonce, from `aws-lc-rs`.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use uuid::Uuid;

/// An unwrapped key. It seals and opens, and shows nothing.
pub(super) struct SubjectKey {
    pub(super) id: Uuid,
    key: RandomizedNonceKey,
}

impl fmt::Debug for SubjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubjectKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl SubjectKey {
    pub(super) fn new(id: Uuid, bytes: &[u8; 32]) -> Self {
        Self {
            id,
            key: cipher(bytes),
        }
    }

    /// The nonce and the ciphertext with its tag.
    pub(super) fn seal(&self, additional: &[u8], plain: Vec<u8>) -> ([u8; NONCE_LEN], Vec<u8>) {
        seal(&self.key, additional, plain)
    }

    /// The plain text, unless anything is not as it was sealed.
    pub(super) fn open(&self, additional: &[u8], nonce: &[u8], text: Vec<u8>) -> Option<Vec<u8>> {
        open(&self.key, additional, nonce, text)
    }
}

pub(super) fn cipher(bytes: &[u8; 32]) -> RandomizedNonceKey {
    RandomizedNonceKey::new(&AES_256_GCM, bytes).expect("an AES-256 key has 32 bytes")
}

pub(super) fn seal(
    key: &RandomizedNonceKey,
    additional: &[u8],
    mut plain: Vec<u8>,
) -> ([u8; NONCE_LEN], Vec<u8>) {
    let nonce = key
        .seal_in_place_append_tag(Aad::from(additional), &mut plain)
        .expect("the system gives random bytes, and a value is far below GCM's 64 GiB");
    (*nonce.as_ref(), plain)
}

pub(super) fn open(
    key: &RandomizedNonceKey,
    additional: &[u8],
    nonce: &[u8],
    mut text: Vec<u8>,
) -> Option<Vec<u8>> {
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let length = key
        .open_in_place(nonce, Aad::from(additional), &mut text)
        .ok()?
        .len();
    text.truncate(length);
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_sealed_is_opened_and_any_flipped_bit_is_noticed(
            plain in prop::collection::vec(any::<u8>(), 0..64),
            additional in prop::collection::vec(any::<u8>(), 0..16),
            bit in any::<prop::sample::Index>(),
        ) {
            let key = SubjectKey::new(Uuid::nil(), &[3; 32]);
            let (nonce, text) = key.seal(&additional, plain.clone());
            prop_assert_eq!(key.open(&additional, &nonce, text.clone()), Some(plain));
            let mut flipped = text;
            let bit = bit.index(flipped.len() * 8);
            flipped[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(key.open(&additional, &nonce, flipped), None);
        }
    }

    #[test]
    fn a_key_shows_nothing_and_nonces_differ() {
        let key = SubjectKey::new(Uuid::nil(), &[3; 32]);
        assert!(!format!("{key:?}").contains("3, 3"));
        assert_ne!(
            key.seal(b"", b"x".to_vec()).0,
            key.seal(b"", b"x".to_vec()).0
        );
    }
}
