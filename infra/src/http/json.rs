//! Request bodies: JSON into kernel values, with every fault at once when that fails.
//!
//! A body passes four steps. It is *read*, within its size and time. It is *scanned* once for nesting
//! deeper than 32 and for repeated members, which serde would let through (a map keeps the last one). It
//! is *parsed* by serde, where reading is validating, as fields are kernel values; that is the usual end.
//! Only when serde refuses is the body *collected*: read again through [`Collect`], which goes on after
//! a fault and notes each with its JSON pointer. A body type therefore derives `Deserialize` with
//! `deny_unknown_fields` and has a `collect_struct!` line; a type with alternatives by a `type` member
//! has a [`collect_tagged!`](crate::collect_tagged) line.

use std::borrow::Cow;
use std::collections::HashSet;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use domain::decider::Fault;
use domain::kernel::collect::{Collect, collect};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body_util::BodyExt as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::idempotency::BodyDigest;
use super::problem::ApiError;
use crate::limits;

/// A JSON body of at most `MAX` bytes, as an argument; as an answer, 200 with JSON.
#[derive(Clone, Copy, Debug)]
pub struct Json<T, const MAX: usize = { limits::BODY_BYTES_MAX }>(pub T);

/// The bytes of a body of at most `MAX`, as they came: for webhooks, whose signature covers them.
#[derive(Clone, Debug)]
pub struct RawBody<const MAX: usize = { limits::BODY_BYTES_MAX }>(pub Bytes);

impl<T, S, const MAX: usize> FromRequest<S> for Json<T, MAX>
where
    T: DeserializeOwned + Collect,
    S: Sync,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        check_media_type(request.headers())?;
        let digest = request.extensions().get::<BodyDigest>().cloned();
        let bytes = read(request, MAX, limits::BODY_TIMEOUT).await?;
        let value = parse(&bytes)?;
        if let Some(digest) = digest {
            digest.set(&bytes);
        }
        Ok(Self(value))
    }
}

impl<S: Sync, const MAX: usize> FromRequest<S> for RawBody<MAX> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        refuse_compressed(request.headers())?;
        read(request, MAX, limits::BODY_TIMEOUT).await.map(Self)
    }
}

impl<T: Serialize, const MAX: usize> IntoResponse for Json<T, MAX> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => {
                let kind = HeaderValue::from_static("application/json");
                ([(CONTENT_TYPE, kind)], body).into_response()
            }
            Err(error) => ApiError::internal(error).into_response(),
        }
    }
}

fn check_media_type(headers: &HeaderMap) -> Result<(), ApiError> {
    refuse_compressed(headers)?;
    let given = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    let json = essence.eq_ignore_ascii_case("application/json")
        || (essence.len() > 17
            && essence
                .get(..12)
                .is_some_and(|start| start.eq_ignore_ascii_case("application/"))
            && essence
                .get(essence.len() - 5..)
                .is_some_and(|end| end.eq_ignore_ascii_case("+json")));
    if json {
        return Ok(());
    }
    let error = ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type");
    Err(error.with_detail("the body must be application/json"))
}

/// A compressed body could be a bomb, and no client of ours needs one.
fn refuse_compressed(headers: &HeaderMap) -> Result<(), ApiError> {
    let plain = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    if headers.get_all(CONTENT_ENCODING).iter().all(plain) {
        return Ok(());
    }
    let error = ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type");
    Err(error.with_detail("compressed bodies are not accepted"))
}

async fn read(request: Request, max: usize, patience: Duration) -> Result<Bytes, ApiError> {
    let read = tokio::time::timeout(patience, read_up_to(request.into_body(), max));
    read.await.unwrap_or_else(|_| {
        Err(
            ApiError::new(StatusCode::REQUEST_TIMEOUT, "request_timeout")
                .with_detail("the body did not arrive in time"),
        )
    })
}

async fn read_up_to(mut body: Body, max: usize) -> Result<Bytes, ApiError> {
    let too_large = || {
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large")
            .with_detail(format!("the body may have {max} bytes"))
    };
    // An announced length saves reading what will be refused.
    if body.size_hint().lower() > max as u64 {
        return Err(too_large());
    }
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            ApiError::malformed("malformed_body", "the body ended early").with_source(error)
        })?;
        if let Ok(data) = frame.into_data() {
            if read.len() + data.len() > max {
                return Err(too_large());
            }
            read.extend_from_slice(&data);
        }
    }
    Ok(read.freeze())
}

/// Parses a body.
///
/// # Errors
/// 400 when it is no JSON or nested too deep, 422 with every fault when it is not what the route takes.
pub fn parse<T: DeserializeOwned + Collect>(bytes: &[u8]) -> Result<T, ApiError> {
    scan(bytes)?;
    let error = match serde_json::from_slice(bytes) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    if !error.is_data() {
        return Err(ApiError::malformed("malformed_json", error.to_string()));
    }
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|error| ApiError::malformed("malformed_json", error.to_string()))?;
    Err(ApiError::invalid(faults_of::<T>(&value)))
}

/// Every fault of a document that serde has refused.
fn faults_of<T: DeserializeOwned + Collect>(value: &Value) -> Vec<Fault> {
    let mut faults = collect::<T>(value)
        .err()
        .map(|faults| faults.0)
        .unwrap_or_default();
    if faults.is_empty() {
        // The two readers disagree, which a test of the body type should have found: say what serde says.
        faults.extend(first_fault::<T>(value));
    }
    faults.truncate(limits::FAULTS_MAX);
    faults
}

fn first_fault<T: DeserializeOwned>(value: &Value) -> Option<Fault> {
    let error = serde_path_to_error::deserialize::<_, T>(value).err()?;
    let pointer = error.path().iter().fold(String::new(), |pointer, segment| {
        use serde_path_to_error::Segment;
        match segment {
            Segment::Seq { index } => format!("{pointer}/{index}"),
            Segment::Map { key } => format!("{pointer}/{}", escape(key)),
            Segment::Enum { .. } | Segment::Unknown => pointer,
        }
    });
    let detail = error.into_inner().to_string();
    Some(Fault {
        code: "invalid_value".to_owned(),
        pointer,
        detail,
    })
}

/// A member's name as a step of a JSON pointer (RFC 6901).
fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Where the scan is.
enum Level<'a> {
    Object {
        seen: HashSet<Cow<'a, str>>,
        at: Cow<'a, str>,
    },
    List {
        index: usize,
    },
}

/// Looks once over the text for what serde lets through: deep nesting, and members given twice. Text that
/// is no JSON is left to the parser, which says where.
fn scan(bytes: &[u8]) -> Result<(), ApiError> {
    let mut levels: Vec<Level<'_>> = Vec::new();
    let mut repeated: Vec<Fault> = Vec::new();
    let mut name_next = false;
    let mut index = 0;
    while let Some(byte) = bytes.get(index) {
        match byte {
            b'{' | b'[' => {
                if levels.len() == limits::JSON_DEPTH_MAX {
                    let detail = format!("nested deeper than {}", limits::JSON_DEPTH_MAX);
                    return Err(ApiError::malformed("json_too_deep", detail));
                }
                name_next = *byte == b'{';
                levels.push(if name_next {
                    Level::Object {
                        seen: HashSet::new(),
                        at: Cow::Borrowed(""),
                    }
                } else {
                    Level::List { index: 0 }
                });
            }
            b'}' | b']' => {
                levels.pop();
                name_next = false;
            }
            b',' => match levels.last_mut() {
                Some(Level::Object { .. }) => name_next = true,
                Some(Level::List { index }) => *index += 1,
                None => {}
            },
            b'"' => {
                let Some(length) = text_length(&bytes[index..]) else {
                    break;
                };
                if name_next {
                    name_next = false;
                    note_name(&bytes[index..index + length], &mut levels, &mut repeated);
                }
                index += length;
                continue;
            }
            _ => {}
        }
        index += 1;
    }
    if repeated.is_empty() {
        Ok(())
    } else {
        Err(ApiError::invalid(repeated))
    }
}

/// The length of the text literal that begins here, quotes included.
fn text_length(bytes: &[u8]) -> Option<usize> {
    let mut index = 1;
    loop {
        match bytes.get(index)? {
            b'"' => return Some(index + 1),
            b'\\' => index += 2,
            _ => index += 1,
        }
    }
}

fn note_name<'a>(literal: &'a [u8], levels: &mut [Level<'a>], repeated: &mut Vec<Fault>) {
    let inner = &literal[1..literal.len() - 1];
    // `"\u0061"` and `"a"` are one name.
    let name = if inner.contains(&b'\\') {
        serde_json::from_slice::<String>(literal)
            .ok()
            .map(Cow::Owned)
    } else {
        std::str::from_utf8(inner).ok().map(Cow::Borrowed)
    };
    let (Some(name), Some(Level::Object { seen, at })) = (name, levels.last_mut()) else {
        return;
    };
    let is_new = seen.insert(name.clone());
    *at = name;
    if !is_new && repeated.len() < limits::FAULTS_MAX {
        repeated.push(Fault {
            code: "duplicate_member".to_owned(),
            pointer: pointer_of(levels),
            detail: "this member is given twice".to_owned(),
        });
    }
}

fn pointer_of(levels: &[Level<'_>]) -> String {
    levels
        .iter()
        .fold(String::new(), |pointer, level| match level {
            Level::Object { at, .. } => format!("{pointer}/{}", escape(at)),
            Level::List { index } => format!("{pointer}/{index}"),
        })
}

/// Makes an enum with `#[serde(tag = "type")]` readable with all its faults: the `type` member picks the
/// alternative, the other members are read as that alternative's struct.
///
/// ```text
/// #[derive(Deserialize)]
/// #[serde(tag = "type", rename_all = "snake_case")]
/// enum SetFulfilment { Delivery(ToTheDoor), Pickup(Nothing) }
/// infra::collect_tagged!(SetFulfilment { "delivery" => Delivery(ToTheDoor), "pickup" => Pickup(Nothing) });
/// ```
#[macro_export]
macro_rules! collect_tagged {
    ($type:ty { $($tag:literal => $variant:ident($inner:ty)),+ $(,)? }) => {
        impl ::domain::kernel::collect::Collect for $type {
            fn collect(
                value: &::serde_json::Value,
                at: &::domain::kernel::fault::Pointer,
                faults: &mut ::domain::kernel::fault::Faults,
            ) -> Option<Self> {
                let (tag, rest) = $crate::http::json::split_tag(value, at, faults)?;
                match tag.as_str() {
                    $($tag => <$inner as ::domain::kernel::collect::Collect>::collect(&rest, at, faults)
                        .map(Self::$variant),)+
                    _ => {
                        let known = [$($tag),+].join(", ");
                        faults.add("type_unknown", &at.at("type"), format!("must be one of {known}"));
                        None
                    }
                }
            }
        }
    };
}

/// The `type` of an object, and the object without it. For [`collect_tagged!`](crate::collect_tagged).
#[doc(hidden)]
pub fn split_tag(
    value: &Value,
    at: &domain::kernel::fault::Pointer,
    faults: &mut domain::kernel::fault::Faults,
) -> Option<(String, Value)> {
    let Some(object) = value.as_object() else {
        faults.add("not_an_object", at, "expected an object");
        return None;
    };
    let mut rest = object.clone();
    match rest.remove("type") {
        Some(Value::String(tag)) => Some((tag, Value::Object(rest))),
        Some(_) => {
            faults.add("not_a_text", &at.at("type"), "expected a text");
            None
        }
        None => {
            faults.add("missing", &at.at("type"), "type is missing");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Line {
        item: String,
        quantity: u32,
    }
    domain::collect_struct!(Line { item, quantity });

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Order {
        id: uuid::Uuid,
        lines: Vec<Line>,
        #[serde(default)]
        note: Option<String>,
    }
    domain::collect_struct!(Order { id, lines, note });

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(tag = "type", rename_all = "snake_case")]
    enum Choice {
        Order(Order),
        Line(Line),
    }
    crate::collect_tagged!(Choice { "order" => Order(Order), "line" => Line(Line) });

    fn faults<T: DeserializeOwned + Collect + std::fmt::Debug>(body: &str) -> Vec<String> {
        let error = parse::<T>(body.as_bytes()).unwrap_err();
        let mut pointers: Vec<_> = error
            .faults()
            .iter()
            .map(|fault| fault.pointer.clone())
            .collect();
        pointers.sort();
        pointers
    }

    #[test]
    fn a_good_body_is_read() {
        let order: Order = parse(
            br#"{"id":"0190b5a0-0000-7000-8000-000000000001","lines":[{"item":"miso","quantity":2}]}"#,
        )
        .unwrap();
        assert_eq!(order.lines[0].quantity, 2);
    }

    #[test]
    fn every_fault_is_reported_with_its_pointer() {
        let body =
            r#"{"id":"x","lines":[{"item":1,"quantity":-1},{"quantity":1e3,"extra":0}],"more":1}"#;
        assert_eq!(
            faults::<Order>(body),
            [
                "/id",
                "/lines/0/item",
                "/lines/0/quantity",
                "/lines/1/extra",
                "/lines/1/item",
                "/lines/1/quantity",
                "/more",
            ]
        );
    }

    #[test]
    fn alternatives_point_into_the_chosen_one() {
        assert_eq!(
            faults::<Choice>(r#"{"type":"line","item":"a"}"#),
            ["/quantity"]
        );
        assert_eq!(faults::<Choice>(r#"{"type":"soup"}"#), ["/type"]);
        assert_eq!(faults::<Choice>("[]"), [""]);
        let line: Choice = parse(br#"{"type":"line","item":"a","quantity":1}"#).unwrap();
        assert_eq!(
            line,
            Choice::Line(Line {
                item: "a".to_owned(),
                quantity: 1
            })
        );
    }

    #[test]
    fn members_given_twice_are_refused_in_any_spelling() {
        let body = r#"{"id":"x","lines":[{"item":"a","it\u0065m":"b"}],"id":"y"}"#;
        assert_eq!(faults::<Order>(body), ["/id", "/lines/0/item"]);
        assert!(scan(br#"[{"a":{"a":"a"}},{"a":["a","a"]}]"#).is_ok());
    }

    #[test]
    fn nesting_is_counted() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(scan(nested(32).as_bytes()).is_ok());
        assert_eq!(
            scan(nested(33).as_bytes()).unwrap_err().code(),
            "json_too_deep"
        );
        assert_eq!(
            scan(&b"[".repeat(2_000_000)).unwrap_err().code(),
            "json_too_deep"
        );
        assert!(scan(br#""[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[""#).is_ok());
    }

    #[test]
    fn what_is_no_json_is_400() {
        for body in [
            "",
            "{",
            "{\"id\":",
            "nul",
            "{\"id\":1}x",
            "\"\\",
            "[1,]",
            "{\"a\":1e999}",
            "\u{feff}{}",
        ] {
            let error = parse::<Order>(body.as_bytes()).unwrap_err();
            assert_eq!(
                (error.status().as_u16(), error.code()),
                (400, "malformed_json"),
                "{body}"
            );
        }
        assert_eq!(
            parse::<Order>(b"{\"id\":\"\xff\"}").unwrap_err().status(),
            400
        );
    }

    #[test]
    fn a_hundred_thousand_faults_are_cut() {
        let body = format!("[{}0]", "0,".repeat(100_000));
        assert_eq!(
            parse::<Vec<Line>>(body.as_bytes())
                .unwrap_err()
                .faults()
                .len(),
            limits::FAULTS_MAX
        );
    }

    fn media(kind: &'static str) -> Result<(), ApiError> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        check_media_type(&headers)
    }

    #[test]
    fn only_json_is_read() {
        for kind in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/merge-patch+json",
        ] {
            assert!(media(kind).is_ok(), "{kind}");
        }
        for kind in [
            "",
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/+json",
            "x/y+json",
        ] {
            assert_eq!(media(kind).unwrap_err().status(), 415, "{kind}");
        }
    }

    #[tokio::test]
    async fn a_body_over_its_size_is_413_announced_or_not() {
        let announced = Request::new(Body::from(vec![b' '; 11]));
        assert_eq!(
            read(announced, 10, limits::BODY_TIMEOUT)
                .await
                .unwrap_err()
                .status(),
            413
        );
        let chunks = ["12345", "67890", "1"].map(Ok::<_, std::io::Error>);
        let streamed = Request::new(Body::from_stream(futures::stream::iter(chunks)));
        assert_eq!(
            read(streamed, 10, limits::BODY_TIMEOUT)
                .await
                .unwrap_err()
                .status(),
            413
        );
        let exact = Request::new(Body::from("1234567890"));
        assert_eq!(
            read(exact, 10, limits::BODY_TIMEOUT).await.unwrap(),
            "1234567890"
        );
    }

    #[tokio::test]
    async fn a_body_that_does_not_come_is_408_and_one_that_breaks_off_is_400() {
        let never = Request::new(Body::from_stream(futures::stream::pending::<
            Result<Bytes, std::io::Error>,
        >()));
        assert_eq!(
            read(never, 10, Duration::from_millis(1))
                .await
                .unwrap_err()
                .status(),
            408
        );
        let broken = [Ok("12"), Err(std::io::Error::other("reset"))];
        let broken = Request::new(Body::from_stream(futures::stream::iter(broken)));
        assert_eq!(
            read(broken, 10, limits::BODY_TIMEOUT)
                .await
                .unwrap_err()
                .status(),
            400
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_scanned_and_parsed_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            drop(parse::<Order>(&bytes));
        }

        #[test]
        fn any_json_like_text_is_scanned_without_panic(text in "[\\[\\]{}\",:\\\\a0u]{0,100}") {
            drop(parse::<Order>(text.as_bytes()));
        }

        #[test]
        fn distinct_names_are_never_called_repeated(names in prop::collection::hash_set("[a-z\"\\\\/é]{0,6}", 0..10)) {
            let object: serde_json::Map<_, _> = names.into_iter().map(|name| (name, Value::Null)).collect();
            prop_assert!(scan(Value::Object(object).to_string().as_bytes()).is_ok());
        }
    }
}
