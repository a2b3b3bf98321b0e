//! The secret that keeps a login alive: 256 random bits, known to the client alone. We keep its hash.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::{hmac, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::kernel::collect::Collect;
use domain::kernel::fault::{Faults, Pointer};
use serde::Deserialize;
use serde_json::Value;

/// Bytes of a token, a hash and a salt.
const BYTES: usize = 32;

/// A refresh token. Shows itself only where it is handed to its owner.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct RefreshToken([u8; BYTES]);

/// A text that is no refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a refresh token: 43 characters of base64url")]
pub struct NoRefreshToken;

impl RefreshToken {
    /// A new one, for a new login.
    pub(super) fn fresh() -> Self {
        Self(random())
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`NoRefreshToken`] when the text has another form. Whether it is one of ours is not asked here.
    pub fn parse(text: &str) -> Result<Self, NoRefreshToken> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| NoRefreshToken)?;
        bytes.try_into().map(Self).map_err(|_| NoRefreshToken)
    }

    /// The text that its owner keeps.
    pub fn expose(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// What we keep. The token is random, so that a plain hash is as good as a slow one.
    pub(super) fn hash(&self) -> [u8; BYTES] {
        fixed(digest(&SHA256, &self.0).as_ref())
    }

    /// The token that follows this one under a salt. Neither this token, which we do not keep, nor the
    /// salt, which the client never sees, says anything of it alone.
    pub(super) fn successor(&self, salt: &[u8; BYTES]) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        Self(fixed(hmac::sign(&key, salt).as_ref()))
    }
}

/// 256 random bits.
pub(super) fn random() -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    rand::fill(&mut bytes).expect("the system gives random bytes");
    bytes
}

fn fixed(bytes: &[u8]) -> [u8; BYTES] {
    bytes.try_into().expect("SHA-256 has 32 bytes")
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken(…)")
    }
}

impl TryFrom<String> for RefreshToken {
    type Error = NoRefreshToken;

    fn try_from(text: String) -> Result<Self, NoRefreshToken> {
        Self::parse(&text)
    }
}

impl Collect for RefreshToken {
    fn collect(value: &Value, at: &Pointer, faults: &mut Faults) -> Option<Self> {
        let Some(text) = value.as_str() else {
            faults.add("not_a_text", at, "expected a text");
            return None;
        };
        match Self::parse(text) {
            Ok(token) => Some(token),
            Err(error) => {
                faults.add("not_a_refresh_token", at, error.to_string());
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_43_characters_and_reads_back() {
        let token = RefreshToken::fresh();
        assert_eq!(token.expose().len(), 43);
        assert_eq!(RefreshToken::parse(&token.expose()), Ok(token.clone()));
        assert_ne!(token, RefreshToken::fresh());
        let good = token.expose();
        for bad in [
            "",
            "x",
            &format!("{good}="),
            &format!("{good}A"),
            &good[..42],
            &good.replace(|_| true, "+"),
        ] {
            assert_eq!(RefreshToken::parse(bad), Err(NoRefreshToken), "{bad}");
        }
    }

    #[test]
    fn a_successor_needs_both_halves() {
        let (token, salt) = (RefreshToken::fresh(), random());
        assert_eq!(token.successor(&salt), token.successor(&salt));
        assert_ne!(token.successor(&salt), token.successor(&random()));
        assert_ne!(
            token.successor(&salt),
            RefreshToken::fresh().successor(&salt)
        );
    }

    #[test]
    fn nothing_of_a_token_prints() {
        assert_eq!(format!("{:?}", RefreshToken::fresh()), "RefreshToken(…)");
    }
}
