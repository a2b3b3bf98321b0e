//! Values that must not be seen: secrets in general, and keys with a public name.

use std::fmt;

/// A value that does not print and does not serialise. [`Secret::expose`] is easy to find in a review.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Hides a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for the one call that needs it.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// 256 bits with a public name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedKey {
    /// The name: stored beside what the key made.
    pub id: String,
    /// The key.
    pub key: Secret<[u8; 32]>,
}
