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
pub(crate) mod tests {
    use super::*;
    use crate::clock::TestClock;
    use crate::config::{NamedKey, Secret};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    const SEED: [u8; 32] = [7; 32];

    pub(crate) fn settings() -> config::Tokens {
        let key = |id: &str, byte| NamedKey {
            id: id.to_owned(),
            key: Secret::new([byte; 32]),
        };
        config::Tokens {
            keys: vec![key("now", 7), key("before", 8)],
            issuer: "https://ramen.invalid".to_owned(),
            audience: "ramen".to_owned(),
        }
    }

    pub(crate) fn principal(role: Role) -> Principal {
        Principal {
            id: PrincipalId::new(Uuid::from_u128(1)),
            role,
            restaurants: Arc::new([RestaurantId::new(Uuid::from_u128(2))]),
            login: Uuid::from_u128(3),
            version: 4,
            test: false,
        }
    }

    fn noon() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn tokens() -> (Tokens, TestClock) {
        let hand = TestClock::at(noon(), 1);
        (Tokens::new(&settings(), hand.clock()).unwrap(), hand)
    }

    fn claims() -> Value {
        json!({
            "iss": "https://ramen.invalid", "aud": "ramen", "sub": Uuid::from_u128(1),
            "exp": noon().timestamp() + 600, "iat": noon().timestamp(), "sid": Uuid::from_u128(3),
            "ver": 4, "role": "customer", "restaurants": [],
        })
    }

    fn header() -> Value {
        json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "now"})
    }

    fn signed(header: &str, claims: &str, seed: &[u8; 32]) -> String {
        let message = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(claims)
        );
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).unwrap();
        let signature = pair.sign(message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn with(mut value: Value, name: &str, member: Value) -> String {
        value[name] = member;
        value.to_string()
    }

    fn without(mut value: Value, name: &str) -> String {
        value.as_object_mut().unwrap().remove(name);
        value.to_string()
    }

    #[test]
    fn what_is_issued_is_read() {
        let (tokens, _) = tokens();
        for role in Role::ALL {
            assert_eq!(
                tokens.read(&tokens.issue(&principal(role))),
                Ok(principal(role))
            );
        }
    }

    #[test]
    fn a_handmade_token_of_the_right_form_is_read() {
        let (tokens, _) = tokens();
        let token = signed(&header().to_string(), &claims().to_string(), &SEED);
        assert_eq!(tokens.read(&token).unwrap().role, Role::Customer);
        let before = with(header(), "kid", json!("before"));
        assert!(
            tokens
                .read(&signed(&before, &claims().to_string(), &[8; 32]))
                .is_ok()
        );
    }

    #[test]
    fn a_token_ends_to_the_second() {
        let (tokens, hand) = tokens();
        let token = tokens.issue(&principal(Role::Customer));
        hand.advance(Duration::from_secs(599));
        assert!(tokens.read(&token).is_ok());
        hand.advance(Duration::from_secs(1));
        assert_eq!(tokens.read(&token), Err(TokenError::Expired));
    }

    /// Abuse case B4: every one of these is refused.
    #[test]
    fn bad_tokens_are_refused() {
        let (tokens, _) = tokens();
        let (h, c) = (header().to_string(), claims().to_string());
        let good = signed(&h, &c, &SEED);
        let parts: Vec<_> = good.split('.').collect();
        let public = Ed25519KeyPair::from_seed_unchecked(&SEED).unwrap();
        let hmac_key =
            aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, public.public_key().as_ref());
        let hmac_message = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(with(header(), "alg", json!("HS256"))),
            URL_SAFE_NO_PAD.encode(&c)
        );
        let hmac_tag = aws_lc_rs::hmac::sign(&hmac_key, hmac_message.as_bytes());

        let mut bad: Vec<(String, String)> = Vec::new();
        let mut add = |name: &str, token: String| bad.push((name.to_owned(), token));
        add("empty", String::new());
        add("one part", parts[0].to_owned());
        add("two parts", format!("{}.{}", parts[0], parts[1]));
        add("four parts", format!("{good}.x"));
        add("no signature", format!("{}.{}.", parts[0], parts[1]));
        add("trailing byte", format!("{good}A"));
        add("trailing space", format!("{good} "));
        add("padding", format!("{good}=="));
        add(
            "other signature",
            format!(
                "{}.{}.{}",
                parts[0],
                parts[1],
                URL_SAFE_NO_PAD.encode([1; 64])
            ),
        );
        add("other key", signed(&h, &c, &[9; 32]));
        add("key of another kid", signed(&h, &c, &[8; 32]));
        add(
            "hmac with the public key",
            format!("{hmac_message}.{}", URL_SAFE_NO_PAD.encode(hmac_tag)),
        );
        for alg in [
            "none", "None", "HS256", "RS256", "ES256", "Ed25519", "eddsa",
        ] {
            add(
                &format!("alg {alg}"),
                signed(&with(header(), "alg", json!(alg)), &c, &SEED),
            );
        }
        let none = URL_SAFE_NO_PAD.encode(with(header(), "alg", json!("none")));
        add("alg none, unsigned", format!("{none}.{}.", parts[1]));
        for typ in [
            json!("JWT"),
            json!("jwt"),
            json!("id+jwt"),
            json!("AT+JWT"),
            Value::Null,
        ] {
            add(
                &format!("typ {typ}"),
                signed(&with(header(), "typ", typ), &c, &SEED),
            );
        }
        for (name, value) in [
            ("jku", json!("https://evil.example/keys")),
            ("jwk", json!({"kty": "OKP", "crv": "Ed25519", "x": "AA"})),
            ("x5u", json!("https://evil.example/cert")),
            ("x5c", json!(["AA"])),
            ("crit", json!(["exp"])),
            ("b64", json!(false)),
            ("zip", json!("DEF")),
        ] {
            add(name, signed(&with(header(), name, value), &c, &SEED));
        }
        for kid in ["", "other", "../../etc/passwd", "now' OR '1'='1", "NOW"] {
            add(
                &format!("kid {kid}"),
                signed(&with(header(), "kid", json!(kid)), &c, &SEED),
            );
        }
        for name in ["alg", "typ", "kid"] {
            add(
                &format!("header without {name}"),
                signed(&without(header(), name), &c, &SEED),
            );
        }
        for name in ["iss", "aud", "sub", "exp", "iat", "sid", "ver", "role"] {
            add(
                &format!("without {name}"),
                signed(&h, &without(claims(), name), &SEED),
            );
            add(
                &format!("{name} null"),
                signed(&h, &with(claims(), name, Value::Null), &SEED),
            );
        }
        let exp = noon().timestamp() + 600;
        for (name, value) in [
            ("exp", json!(exp.to_string())),
            ("exp", json!(1.8e9 + 600.5)),
            ("exp", json!(u64::MAX)),
            ("exp", json!(i64::MAX)),
            ("exp", json!(i64::MIN)),
            ("exp", json!([exp])),
            ("exp", json!(noon().timestamp())),
            ("exp", json!(noon().timestamp() - 1)),
            ("iat", json!(noon().timestamp() + 3_600)),
            ("aud", json!(["ramen"])),
            ("aud", json!("other")),
            ("iss", json!("https://other.invalid")),
            ("iss", json!(["https://ramen.invalid"])),
            ("sub", json!("1")),
            ("sid", json!(3)),
            ("ver", json!("4")),
            ("role", json!("root")),
            ("role", json!(["ops", "customer"])),
            ("restaurants", json!("all")),
            ("test", json!("false")),
            ("scope", json!("everything")),
        ] {
            add(
                &format!("{name} {value}"),
                signed(&h, &with(claims(), name, value), &SEED),
            );
        }
        add(
            "role twice",
            signed(&h, &c.replacen('{', "{\"role\":\"ops\",", 1), &SEED),
        );
        add(
            "exp twice",
            signed(&h, &c.replacen('{', "{\"exp\":9999999999,", 1), &SEED),
        );
        add(
            "kid twice",
            signed(&h.replacen('{', "{\"kid\":\"before\",", 1), &c, &SEED),
        );
        add("claims no object", signed(&h, "[]", &SEED));
        add("claims no JSON", signed(&h, "{", &SEED));
        add("claims with a tail", signed(&h, &format!("{c}{c}"), &SEED));
        add(
            "huge",
            signed(
                &h,
                &with(claims(), "restaurants", json!(vec![Uuid::nil(); 200])),
                &SEED,
            ),
        );

        assert!(bad.len() >= 40, "{}", bad.len());
        for (name, token) in bad {
            assert!(tokens.read(&token).is_err(), "accepted: {name}");
        }
        assert!(tokens.read(&good).is_ok());
    }

    #[test]
    fn nothing_of_a_key_prints() {
        let printed = format!("{:?} {:?}", tokens().0, settings());
        assert!(!printed.contains("7, 7"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "[A-Za-z0-9._-]{0,200}") {
            prop_assert!(tokens().0.read(&text).is_err());
        }

        #[test]
        fn a_changed_byte_is_noticed(at in any::<prop::sample::Index>(), with in "[A-Za-z0-9_-]") {
            let (tokens, _) = tokens();
            let good = tokens.issue(&principal(Role::Ops));
            let mut bytes = good.clone().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = with.as_bytes()[0];
            let changed = String::from_utf8(bytes).unwrap();
            prop_assume!(changed != good);
            prop_assert!(tokens.read(&changed).is_err());
        }
    }
}
