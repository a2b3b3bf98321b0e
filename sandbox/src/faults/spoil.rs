//! What a fault does to a finished answer.

use axum::body::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use serde_json::Value;

use super::{ErrorBody, Malformed, RetryAfter};
use crate::call::Answer;

/// Size of the padding of `Malformed::Huge`, in bytes.
const HUGE_BYTES: usize = 5 * 1024 * 1024;

const PROXY_PAGE: &str =
    "<html><head><title>Error</title></head><body><h1>Something went wrong</h1></body></html>";

/// The answer of an injected error; `vendor` is the vendor's own form of it.
pub(crate) fn error(status: StatusCode, body: ErrorBody, vendor: Answer) -> Answer {
    match body {
        ErrorBody::Vendor => vendor,
        ErrorBody::Html => Answer::html(status, PROXY_PAGE.to_owned()),
        ErrorBody::Empty => Answer::new(status, "text/plain", Bytes::new()),
    }
}

/// Adds the `Retry-After` of an injected 429.
pub(crate) fn retry_after(answer: Answer, how: RetryAfter, now: DateTime<Utc>) -> Answer {
    match how {
        RetryAfter::Seconds => answer.with("retry-after", "1"),
        RetryAfter::Date => {
            let date = now + TimeDelta::seconds(1);
            answer.with(
                "retry-after",
                &date.format("%a, %d %b %Y %H:%M:%S GMT").to_string(),
            )
        }
        RetryAfter::Absent => answer,
        RetryAfter::Absurd => answer.with("retry-after", "86400"),
    }
}

/// The answer with a body that cannot be read.
pub(crate) fn malformed(mut answer: Answer, how: Malformed) -> Answer {
    answer.body = match how {
        Malformed::Truncated => answer.body.slice(..answer.body.len() / 2),
        Malformed::Html => return Answer::html(answer.status, PROXY_PAGE.to_owned()),
        Malformed::Empty => Bytes::new(),
        Malformed::InvalidUtf8 => Bytes::from_static(b"{\"id\":\"\xff\xfe\xfd\"}"),
        Malformed::FieldMissing => changed(&answer.body, |object| {
            object.remove("id");
        }),
        Malformed::NumberAsText => changed(&answer.body, number_to_text),
        Malformed::Huge => changed(&answer.body, |object| {
            object.insert("padding".to_owned(), Value::String("x".repeat(HUGE_BYTES)));
        }),
    };
    answer
}

fn number_to_text(object: &mut serde_json::Map<String, Value>) {
    if let Some(number) = object.values_mut().find(|value| value.is_number()) {
        *number = Value::String(number.to_string());
    }
}

fn changed(body: &Bytes, change: impl FnOnce(&mut serde_json::Map<String, Value>)) -> Bytes {
    match serde_json::from_slice(body) {
        Ok(Value::Object(mut object)) => {
            change(&mut object);
            Bytes::from(Value::Object(object).to_string())
        }
        Ok(_) | Err(_) => body.clone(),
    }
}
