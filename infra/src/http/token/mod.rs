//! Access tokens: signed JWTs that say who calls. `EdDSA` alone; keys come from our own set by `kid`, never
//! from the token. Whether the login still holds is another question: see [`super::logins`].

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use domain::kernel::ids::{PrincipalId, RestaurantId};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::policy::Role;
use crate::clock::Clock;
use crate::config;
use crate::limits;

/// `typ` of an access token (RFC 9068).
const TYP: &str = "at+jwt";

/// Signs and reads access tokens.
#[derive(Clone)]
pub struct Tokens {
    signing: EncodingKey,
    signing_id: String,
    verifying: HashMap<String, DecodingKey>,
    validation: Validation,
    issuer: String,
    audience: String,
    clock: Clock,
}

/// Who a token speaks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The account: of a customer or driver also the id in the domain.
    pub id: PrincipalId,
    /// What they signed in as.
    pub role: Role,
    /// The shops that they run or work for.
    pub restaurants: Arc<[RestaurantId]>,
    /// The login.
    pub login: Uuid,
    /// The login's version; a higher one in the books ends this token.
    pub version: i64,
    /// Whether what they do is a rehearsal, which analytics leave out.
    pub test: bool,
}

/// Why a token is not believed. The words are for metrics and logs, never for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is no JWT of our form.
    #[error("malformed")]
    Malformed,
    /// Its header asks for something else than our one form.
    #[error("header")]
    Header,
    /// We have no such key.
    #[error("unknown_key")]
    UnknownKey,
    /// The signature, issuer or audience is another, or a claim is missing or of another type.
    #[error("not_ours")]
    NotOurs,
    /// Its time is over.
    #[error("expired")]
    Expired,
    /// It comes from the future.
    #[error("from_the_future")]
    FromTheFuture,
}

impl TokenError {
    /// The label in metrics.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Malformed => "token_malformed",
            Self::Header => "token_header",
            Self::UnknownKey => "token_unknown_key",
            Self::NotOurs => "token_not_ours",
            Self::Expired => "token_expired",
            Self::FromTheFuture => "token_from_the_future",
        }
    }
}

/// A key of the settings that is no Ed25519 seed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("token key {0} cannot be used")]
pub struct KeyError(String);

/// The only header that is accepted: what else a header can carry (`jku`, `jwk`, `x5u`, `crit`, …) is
/// refused by not being known, and repeated members by serde.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExactHeader {
    alg: String,
    typ: String,
    kid: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    aud: String,
    sub: Uuid,
    exp: i64,
    iat: i64,
    sid: Uuid,
    ver: i64,
    role: Role,
    #[serde(default)]
    restaurants: Vec<Uuid>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    test: bool,
}

impl Tokens {
    /// Takes the keys of the settings: the first signs, all verify.
    ///
    /// # Errors
    /// [`KeyError`] naming a key that cannot be used, or that there is none.
    pub fn new(settings: &config::Tokens, clock: Clock) -> Result<Self, KeyError> {
        let first = settings
            .keys
            .first()
            .ok_or_else(|| KeyError("(none)".to_owned()))?;
        let mut verifying = HashMap::new();
        for named in &settings.keys {
            let pair = Ed25519KeyPair::from_seed_unchecked(named.key.expose())
                .map_err(|_| KeyError(named.id.clone()))?;
            verifying.insert(
                named.id.clone(),
                DecodingKey::from_ed_der(pair.public_key().as_ref()),
            );
        }
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[&settings.issuer]);
        validation.set_audience(&[&settings.audience]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        // Expiry is checked below, by our clock.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Ok(Self {
            signing: EncodingKey::from_ed_der(&pkcs8(first.key.expose())),
            signing_id: first.id.clone(),
            verifying,
            validation,
            issuer: settings.issuer.clone(),
            audience: settings.audience.clone(),
            clock,
        })
    }

    /// A token for a login, of the usual life.
    ///
    /// # Panics
    /// Never: see [`Tokens::issue_for`].
    pub fn issue(&self, principal: &Principal) -> String {
        self.issue_for(principal, limits::ACCESS_TOKEN_LIFE)
    }

    /// A token for a login, for a span of the marketplace's time: tools on a fast clock ask for more.
    ///
    /// # Panics
    /// Never: the key was tried when it was loaded, and claims are plain JSON.
    pub fn issue_for(&self, principal: &Principal, life: Duration) -> String {
        let now = self.clock.now();
        let life = TimeDelta::from_std(life).unwrap_or(TimeDelta::zero());
        let expires = now
            .checked_add_signed(life)
            .unwrap_or(DateTime::<Utc>::MAX_UTC);
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: principal.id.uuid(),
            exp: expires.timestamp(),
            iat: now.timestamp(),
            sid: principal.login,
            ver: principal.version,
            role: principal.role,
            restaurants: principal
                .restaurants
                .iter()
                .map(|shop| shop.uuid())
                .collect(),
            test: principal.test,
        };
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TYP.to_owned());
        header.kid = Some(self.signing_id.clone());
        jsonwebtoken::encode(&header, &claims, &self.signing)
            .expect("the key was tried when it was loaded, and claims are plain JSON")
    }

    /// Reads a token.
    ///
    /// # Errors
    /// [`TokenError`] when it is not one of ours or its time is not now.
    pub fn read(&self, token: &str) -> Result<Principal, TokenError> {
        if token.len() > limits::ACCESS_TOKEN_BYTES_MAX {
            return Err(TokenError::Malformed);
        }
        let key = self.key_of(token)?;
        let claims = jsonwebtoken::decode::<Claims>(token, key, &self.validation)
            .map_err(|_| TokenError::NotOurs)?
            .claims;
        let now = self.clock.now();
        let instant = |seconds| DateTime::from_timestamp(seconds, 0).ok_or(TokenError::NotOurs);
        if now >= instant(claims.exp)? {
            return Err(TokenError::Expired);
        }
        let skew = TimeDelta::from_std(limits::CLOCK_SKEW_MAX).unwrap_or(TimeDelta::zero());
        if instant(claims.iat)? > now + skew {
            return Err(TokenError::FromTheFuture);
        }
        Ok(Principal {
            id: PrincipalId::new(claims.sub),
            role: claims.role,
            restaurants: claims
                .restaurants
                .into_iter()
                .map(RestaurantId::new)
                .collect(),
            login: claims.sid,
            version: claims.ver,
            test: claims.test,
        })
    }

    fn key_of(&self, token: &str) -> Result<&DecodingKey, TokenError> {
        let mut parts = token.split('.');
        let header = parts
            .next()
            .filter(|_| parts.clone().count() == 2)
            .ok_or(TokenError::Malformed)?;
        let header = URL_SAFE_NO_PAD
            .decode(header)
            .map_err(|_| TokenError::Malformed)?;
        let header: ExactHeader =
            serde_json::from_slice(&header).map_err(|_| TokenError::Header)?;
        if header.alg != "EdDSA" || header.typ != TYP {
            return Err(TokenError::Header);
        }
        self.verifying
            .get(&header.kid)
            .ok_or(TokenError::UnknownKey)
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("signing", &self.signing_id)
            .finish_non_exhaustive()
    }
}

/// The PKCS#8 form of an Ed25519 seed (RFC 8410 §7), which `jsonwebtoken` wants.
fn pkcs8(seed: &[u8; 32]) -> Vec<u8> {
    const PREFIX: [u8; 16] = [
        0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04,
        0x20,
    ];
    [PREFIX.as_slice(), seed].concat()
}

#[cfg(test)]
pub(crate) mod tests;
