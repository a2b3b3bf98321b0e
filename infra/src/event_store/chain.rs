//! A place in the log that proves its past: the position, and the hash of the chain there. Each hash
//! covers every event before it (reliability §9), so two logs that agree at a position agree up to it.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// What the chain comes to at one position: SHA-256 over all events up to there.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChainHash([u8; 32]);

/// What stands where a hash should be has not 32 bytes, or is no hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a hash of the chain is 32 bytes, in text 64 hex digits")]
pub struct NoHash;

impl ChainHash {
    /// The hash of these bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads the hash from 64 hex digits.
    ///
    /// # Errors
    /// When `text` is anything else.
    pub fn parse(text: &str) -> Result<Self, NoHash> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| NoHash)?;
        Ok(Self(bytes))
    }

    /// Its 32 bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl TryFrom<Vec<u8>> for ChainHash {
    type Error = NoHash;

    fn try_from(bytes: Vec<u8>) -> Result<Self, NoHash> {
        bytes.try_into().map(Self).map_err(|_| NoHash)
    }
}

impl fmt::Display for ChainHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for ChainHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Serialize for ChainHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ChainHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

/// How far somebody has read the log. The default is the place before the first event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mark {
    /// The last position read; 0 before the first.
    pub position: i64,
    /// The chain's hash there.
    pub hash: ChainHash,
}

impl Mark {
    /// The mark of a row of the database.
    ///
    /// # Errors
    /// When `hash` has not 32 bytes, which the tables' checks exclude.
    pub fn of_row(position: i64, hash: Vec<u8>) -> Result<Self, sqlx::Error> {
        let hash = ChainHash::try_from(hash).map_err(|error| sqlx::Error::Decode(error.into()))?;
        Ok(Self { position, hash })
    }
}

/// The log is not the one that its follower has read: a restored store, another database, or a
/// follower that was restored apart from the store. Nothing may be folded on top of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "read up to position {position}, {}",
    if *.past_head { "past the end of this log" } else { "where this log holds another history" }
)]
pub struct OtherHistory {
    /// How far the follower has read.
    pub position: i64,
    /// Whether the log ends before that position; otherwise its hash there is another one.
    pub past_head: bool,
}

impl OtherHistory {
    /// The one that is at the bottom of `error`, if that is what it comes from.
    pub fn beneath<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e Self> {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(found) = error.downcast_ref() {
                return Some(found);
            }
            cause = error.source();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_travels_as_64_hex_digits() {
        let hash = ChainHash::try_from((0..32).collect::<Vec<u8>>()).unwrap();
        let text = serde_json::to_string(&hash).unwrap();
        assert_eq!(text.len(), 66);
        assert_eq!(serde_json::from_str::<ChainHash>(&text).unwrap(), hash);
        assert_eq!(ChainHash::parse("00ff"), Err(NoHash));
        assert_eq!(ChainHash::parse(&"g".repeat(64)), Err(NoHash));
        assert_eq!(ChainHash::try_from(vec![0; 31]), Err(NoHash));
    }

    #[test]
    fn another_history_is_found_beneath_other_errors() {
        let other = OtherHistory {
            position: 7,
            past_head: true,
        };
        let error = crate::feed::FeedError::from(crate::event_store::LogError::from(other));
        assert_eq!(OtherHistory::beneath(&error), Some(&other));
        assert_eq!(OtherHistory::beneath(&NoHash), None);
    }
}
