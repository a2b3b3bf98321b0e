//! A hash that stays what it is over builds and machines: FNV-1a. Not for secrets, nor where somebody may
//! choose what is hashed so that it meets another's.

use std::hash::Hasher;

use uuid::Uuid;

/// Hashes what is written into it.
#[derive(Clone, Copy, Debug)]
pub struct StableHasher(u64);

impl Default for StableHasher {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for StableHasher {
    fn write(&mut self, bytes: &[u8]) {
        const PRIME: u64 = 0x0100_0000_01b3;
        let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(PRIME);
        self.0 = bytes.iter().fold(self.0, step);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The hash of some parts, each with its length.
pub fn stable_hash(parts: &[&[u8]]) -> u64 {
    let mut hasher = StableHasher::default();
    for part in parts {
        hasher.write(&part.len().to_le_bytes());
        hasher.write(part);
    }
    hasher.finish()
}

/// A number for a shop, or a dish of it, that is the same in every index.
pub fn hit_key(restaurant: Uuid, item: Option<&str>) -> u64 {
    stable_hash(&[restaurant.as_bytes(), item.unwrap_or_default().as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_what_it_was_and_parts_do_not_run_into_one_another() {
        assert_ne!(stable_hash(&[b"ab", b"c"]), stable_hash(&[b"a", b"bc"]));
        let shop = Uuid::from_u128(7);
        assert_ne!(hit_key(shop, None), hit_key(shop, Some("miso")));
        assert_eq!(stable_hash(&[]), 0xcbf2_9ce4_8422_2325);
    }
}
