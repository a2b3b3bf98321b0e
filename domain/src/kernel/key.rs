//! A shop's own key for a section, item, option group, option, ingredient or zone.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The longest key, in characters.
const KEY_MAX: usize = 64;

/// `^[a-z0-9][a-z0-9_-]{0,63}$`, chosen by the shop and stable over publications of its menu.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    schemars::JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^[a-z0-9][a-z0-9_-]{0,63}$", example = "tonkotsu-classic")]
pub struct Key(String);

/// The text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key is 1 to 64 of a-z, 0-9, _ and -, starting with a letter or digit")]
pub struct KeyMalformed;

impl Key {
    /// Reads a key.
    ///
    /// # Errors
    /// [`KeyMalformed`] when the text has another form.
    pub fn parse(text: impl Into<String>) -> Result<Self, KeyMalformed> {
        let text = text.into();
        let starts = text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
        if starts && text.len() <= KEY_MAX && text.bytes().all(plain) {
            Ok(Self(text))
        } else {
            Err(KeyMalformed)
        }
    }

    /// The key's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Key {
    type Error = KeyMalformed;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(text)
    }
}

impl std::str::FromStr for Key {
    type Err = KeyMalformed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl From<Key> for String {
    fn from(key: Key) -> Self {
        key.0
    }
}

impl AsRef<str> for Key {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for Key {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

super::collect::leaf!(Key => "key_malformed");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_short_keys_are_read() {
        for good in [
            "a",
            "0",
            "tonkotsu-classic",
            "extra_noodles",
            &"x".repeat(64),
        ] {
            assert!(Key::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "_a", "A", "a b", "é", "a/b", &"x".repeat(65)] {
            assert_eq!(Key::parse(bad), Err(KeyMalformed), "{bad}");
        }
    }
}
