//! Repeated requests (draft-ietf-httpapi-idempotency-key-header): reading the key, telling one request
//! from another, and refusing a second one while the first is being worked on. The stored answer is a
//! [`CommandRecord`], committed with the events; finding and repeating it is `execute`'s work.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{Context as Hash, SHA256};
use axum::extract::{FromRequestParts, MatchedPath, RawPathParams};
use http::header::HeaderName;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::auth;
use super::edge::Edge;
use super::problem::ApiError;
pub use crate::event_store::CommandRecord;
use crate::limits;

/// The request's header.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says `true` on an answer that was given before.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Names one request: where its answer is kept, and what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// SHA-256 over principal, method, route and key.
    pub hash: [u8; 32],
    /// SHA-256 over path parameters and body in sorted-key form.
    pub fingerprint: [u8; 32],
}

/// The idempotency key of a request that may have one. Hold it until the answer is decided: while it
/// lives, the same request is answered 409.
#[derive(Debug)]
pub struct Idempotency(Option<Keyed>);

/// The idempotency key of a request that must have one.
#[derive(Debug)]
pub struct IdempotencyRequired(Keyed);

#[derive(Debug)]
struct Keyed {
    hash: [u8; 32],
    parameters: Vec<(String, String)>,
    body: BodyDigest,
    _working: Working,
}

impl Keyed {
    fn key(&self) -> Key {
        let mut hash = Hash::new(&SHA256);
        for (name, value) in &self.parameters {
            part(&mut hash, name.as_bytes());
            part(&mut hash, value.as_bytes());
        }
        part(&mut hash, &self.body.get());
        Key {
            hash: self.hash,
            fingerprint: finish(hash),
        }
    }
}

impl Idempotency {
    /// The key, if there is one. To be called when the body has been read.
    pub fn key(&self) -> Option<Key> {
        self.0.as_ref().map(Keyed::key)
    }
}

impl IdempotencyRequired {
    /// The key. To be called when the body has been read.
    pub fn key(&self) -> Key {
        self.0.key()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Idempotency {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        read(parts, state).await.map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyRequired {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let keyed = read(parts, state).await?.ok_or_else(|| {
            ApiError::malformed(
                "idempotency_key_missing",
                "this request needs an Idempotency-Key",
            )
        })?;
        Ok(Self(keyed))
    }
}

async fn read<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<Option<Keyed>, ApiError> {
    let Some(key) = key_of(&parts.headers)? else {
        return Ok(None);
    };
    let edge = Edge::of(&parts.extensions)?;
    let principal = auth::authenticate(parts).await?;
    let route = parts
        .extensions
        .get::<MatchedPath>()
        .map_or("", MatchedPath::as_str);
    let mut hash = Hash::new(&SHA256);
    part(&mut hash, principal.id.uuid().as_bytes());
    part(&mut hash, parts.method.as_str().as_bytes());
    part(&mut hash, route.as_bytes());
    part(&mut hash, key.as_bytes());
    let hash = finish(hash);
    let working = edge.in_flight.begin(hash)?;
    let parameters = RawPathParams::from_request_parts(parts, state)
        .await
        .map_or_else(
            |_| Vec::new(),
            |params| {
                params
                    .iter()
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect()
            },
        );
    let body = BodyDigest::default();
    parts.extensions.insert(body.clone());
    Ok(Some(Keyed {
        hash,
        parameters,
        body,
        _working: working,
    }))
}

/// The key of the header: 1 to 255 visible ASCII characters, quoted as a structured-field string
/// (RFC 8941 §3.3.3) or bare. Both spellings are one key.
fn key_of(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let malformed = |detail: &str| ApiError::malformed("malformed_idempotency_key", detail);
    let mut values = headers.get_all(&IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(malformed("the key is given twice"));
    }
    let text = value
        .to_str()
        .map_err(|_| malformed("the key is not visible ASCII"))?
        .trim();
    let key = match text.strip_prefix('"') {
        Some(rest) => unquote(rest).ok_or_else(|| malformed("the quoted key does not end"))?,
        None => text.to_owned(),
    };
    let visible = key.bytes().all(|byte| byte.is_ascii_graphic());
    if !visible || !(1..=limits::IDEMPOTENCY_KEY_MAX).contains(&key.len()) {
        return Err(malformed("the key has 1 to 255 visible ASCII characters"));
    }
    Ok(Some(key))
}

/// What follows an opening quote, up to the closing one, which must be the end.
fn unquote(text: &str) -> Option<String> {
    let mut key = String::new();
    let mut chars = text.chars();
    loop {
        match chars.next()? {
            '"' => return chars.next().is_none().then_some(key),
            '\\' => key.push(chars.next().filter(|c| matches!(c, '"' | '\\'))?),
            c => key.push(c),
        }
    }
}

/// Adds one part behind its length, so that no two lists of parts look alike.
fn part(hash: &mut Hash, bytes: &[u8]) {
    hash.update(&(bytes.len() as u64).to_be_bytes());
    hash.update(bytes);
}

fn finish(hash: Hash) -> [u8; 32] {
    hash.finish()
        .as_ref()
        .try_into()
        .expect("SHA-256 has 32 bytes")
}

/// The digest of a request's body, set by the extractor that reads it.
#[derive(Clone, Debug, Default)]
pub(super) struct BodyDigest(Arc<OnceLock<[u8; 32]>>);

impl BodyDigest {
    /// Notes the body. Members in another order, other spaces and other escapes are the same body.
    pub(super) fn set(&self, body: &[u8]) {
        self.0.get_or_init(|| {
            let mut hash = Hash::new(&SHA256);
            match serde_json::from_slice::<Value>(body) {
                Ok(value) => canonical(&mut hash, &value),
                Err(_) => part(&mut hash, body),
            }
            finish(hash)
        });
    }

    /// The digest; zeros when no body was read.
    fn get(&self) -> [u8; 32] {
        self.0.get().copied().unwrap_or_default()
    }
}

/// Hashes a document with the members of each object sorted by name.
fn canonical(hash: &mut Hash, value: &Value) {
    match value {
        Value::Null => hash.update(b"n"),
        Value::Bool(true) => hash.update(b"t"),
        Value::Bool(false) => hash.update(b"f"),
        Value::Number(number) => {
            hash.update(b"#");
            part(hash, number.to_string().as_bytes());
        }
        Value::String(text) => {
            hash.update(b"\"");
            part(hash, text.as_bytes());
        }
        Value::Array(items) => {
            hash.update(b"[");
            for item in items {
                canonical(hash, item);
            }
            hash.update(b"]");
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            hash.update(b"{");
            for (name, value) in members {
                part(hash, name.as_bytes());
                canonical(hash, value);
            }
            hash.update(b"}");
        }
    }
}

/// The keyed requests that this process is working on.
#[derive(Clone, Debug, Default)]
pub(super) struct InFlight(Arc<Mutex<HashSet<[u8; 32]>>>);

/// One of them, until dropped.
#[derive(Debug)]
struct Working {
    all: InFlight,
    hash: [u8; 32],
}

impl InFlight {
    fn begin(&self, hash: [u8; 32]) -> Result<Working, ApiError> {
        if self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(hash)
        {
            Ok(Working {
                all: self.clone(),
                hash,
            })
        } else {
            Err(ApiError::new(StatusCode::CONFLICT, "in_flight")
                .with_detail("the first request with this key is still being worked on")
                .with_retry_after(Duration::from_secs(1)))
        }
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.all
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.hash);
    }
}

/// 422: the key belongs to a request that asked for something else.
pub fn key_reused() -> ApiError {
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused")
        .with_detail("the key was used before with other parameters or another body")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::edge::tests::edge;
    use crate::http::json::Json;
    use crate::http::policy::Role;
    use crate::http::token::tests::principal;
    use axum::Router;
    use axum::body::Body;
    use axum::routing::post;
    use http::{HeaderValue, Request};
    use http_body_util::BodyExt as _;
    use proptest::prelude::*;
    use tower::ServiceExt as _;

    fn parse(value: &str) -> Result<Option<String>, u16> {
        let mut headers = HeaderMap::new();
        headers.insert(&IDEMPOTENCY_KEY, HeaderValue::from_str(value).unwrap());
        key_of(&headers).map_err(|error| error.status().as_u16())
    }

    #[test]
    fn both_spellings_are_one_key() {
        for value in ["abc-1", "\"abc-1\"", "  abc-1 "] {
            assert_eq!(parse(value), Ok(Some("abc-1".to_owned())), "{value}");
        }
        assert_eq!(parse(r#""a\"b\\c""#), Ok(Some(r#"a"b\c"#.to_owned())));
        assert_eq!(key_of(&HeaderMap::new()).unwrap(), None);
    }

    #[test]
    fn what_is_no_key_is_400() {
        let long = "x".repeat(256);
        for value in [
            "",
            "\"\"",
            "\"a",
            "\"a\"b",
            "\"a\";p=1",
            r#""a\b""#,
            "a b",
            "\"a b\"",
            &long,
        ] {
            assert_eq!(parse(value), Err(400), "{value}");
        }
        assert!(parse(&"x".repeat(255)).is_ok());
        let mut twice = HeaderMap::new();
        twice.append(&IDEMPOTENCY_KEY, HeaderValue::from_static("a"));
        twice.append(&IDEMPOTENCY_KEY, HeaderValue::from_static("a"));
        assert!(key_of(&twice).is_err());
    }

    fn digest(body: &str) -> [u8; 32] {
        let digest = BodyDigest::default();
        digest.set(body.as_bytes());
        digest.get()
    }

    #[test]
    fn order_spaces_and_escapes_do_not_make_another_body() {
        let same = digest(r#"{"a":{"x":1,"y":[1,2]},"b":"é"}"#);
        assert_eq!(digest(r#" {"b":"\u00e9", "a":{"y":[1,2],"x":1}} "#), same);
        for other in [
            r#"{"a":{"x":1,"y":[2,1]},"b":"é"}"#,
            r#"{"a":{"x":1,"y":["1",2]},"b":"é"}"#,
            r#"{"a":{"x":1},"y":[1,2],"b":"é"}"#,
            r#"{"a":{"x":1,"y":[1,2]},"b":null}"#,
        ] {
            assert_ne!(digest(other), same, "{other}");
        }
    }

    #[test]
    fn a_second_request_waits_for_the_first_to_end() {
        let all = InFlight::default();
        let first = all.begin([1; 32]).unwrap();
        let refused = all.begin([1; 32]).unwrap_err();
        assert_eq!(
            (refused.status().as_u16(), refused.code()),
            (409, "in_flight")
        );
        assert!(all.begin([2; 32]).is_ok());
        drop(first);
        assert!(all.begin([1; 32]).is_ok());
    }

    async fn call(path: &str, role: Role, key: Option<&str>, body: &str) -> (u16, String) {
        let (edge, ..) = edge();
        let handler = |key: IdempotencyRequired, Json(_): Json<Vec<u32>>| async move {
            let key = key.key();
            format!("{} {}", hex::encode(key.hash), hex::encode(key.fingerprint))
        };
        let routes = Router::new().route("/things/{id}", post(handler));
        let mut request = Request::post(path)
            .header("host", "x")
            .header("content-type", "application/json")
            .header(
                "authorization",
                format!("Bearer {}", edge.tokens.issue(&principal(role))),
            );
        if let Some(key) = key {
            request = request.header(IDEMPOTENCY_KEY, key);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let response = edge.wrap(routes).oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn scope_and_fingerprint_tell_requests_apart() {
        let first = call("/things/1", Role::Customer, Some("k"), "[1]").await;
        assert_eq!(first.0, 200);
        assert_eq!(
            call("/things/1", Role::Customer, Some("\"k\""), " [ 1 ] ").await,
            first
        );
        let (hash, fingerprint) = first.1.split_once(' ').unwrap();
        let other_body = call("/things/1", Role::Customer, Some("k"), "[2]").await.1;
        assert!(other_body.starts_with(hash) && !other_body.ends_with(fingerprint));
        let other_path = call("/things/2", Role::Customer, Some("k"), "[1]").await.1;
        assert!(other_path.starts_with(hash) && !other_path.ends_with(fingerprint));
        let other_key = call("/things/1", Role::Customer, Some("l"), "[1]").await.1;
        assert!(!other_key.starts_with(hash) && other_key.ends_with(fingerprint));
    }

    #[tokio::test]
    async fn a_required_key_that_is_missing_is_400() {
        let (status, body) = call("/things/1", Role::Customer, None, "[1]").await;
        assert_eq!(status, 400);
        assert!(body.contains("idempotency_key_missing"));
    }

    proptest! {
        #[test]
        fn any_header_is_read_without_panic(text in "[ -~]{0,300}") {
            if let Ok(Some(key)) = parse(&text) {
                prop_assert!((1..=255).contains(&key.len()));
            }
        }

        #[test]
        fn what_is_quoted_is_read(key in "[!-~]{1,255}") {
            let quoted = format!("\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\""));
            prop_assert_eq!(parse(&quoted), Ok(Some(key)));
        }
    }
}
