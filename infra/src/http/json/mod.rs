//! Request bodies: JSON into kernel values, with every fault at once when that fails.
//!
//! A body passes four steps. It is *read*, within its size and time. It is *scanned* once for nesting
//! deeper than 32 and for repeated members, which serde would let through (a map keeps the last one). It
//! is *parsed* by serde, where reading is validating, as fields are kernel values; that is the usual end.
//! Only when serde refuses is the body *collected*: read again through [`Collect`], which goes on after
//! a fault and notes each with its JSON pointer. A body type therefore derives `Deserialize` with
//! `deny_unknown_fields` and has a `collect_struct!` line; a type with alternatives by a `type` member
//! has a [`collect_tagged!`](crate::collect_tagged) line.

mod scan;
mod tagged;
#[cfg(test)]
mod tests;

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
use scan::{escape, scan};
#[doc(hidden)]
pub use tagged::split_tag;

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
    if let Ok(value) = serde_json::from_slice(bytes) {
        return Ok(value);
    }
    // What is JSON is not malformed, whatever serde calls it: `null` for a variant is a syntax error to it.
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
