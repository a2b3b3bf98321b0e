//! Tokens that are read, and every one of abuse case B4 that is not.

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
