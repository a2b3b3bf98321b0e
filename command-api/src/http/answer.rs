//! What a write answers, and how that stands in the document.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode};
use infra::http::ApiError;
use infra::http::idempotency::REPLAYED;
use infra::http::problem::PROBLEM_JSON;
use serde::Serialize;
use utoipa::openapi::{Content, Ref, RefOr, Response as Documented, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};
use uuid::Uuid;

use crate::execute::{Answer, Reply};

/// An answer that is committed together with what it tells, or was so at an earlier request.
#[derive(Debug)]
pub(super) struct Committed(pub(super) Answer);

/// The body of most writes: what was written to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Written {
    /// Its id.
    id: Uuid,
}

impl Written {
    /// 200.
    pub(super) fn reply(id: impl Into<Uuid>) -> Reply {
        Reply::ok(json_of(&Self { id: id.into() }))
    }

    /// 201, to be read under `path`.
    pub(super) fn created(id: impl Into<Uuid>, path: &str) -> Reply {
        let id = id.into();
        Reply::created(json_of(&Self { id }), format!("/v1/{path}/{id}"))
    }
}

/// A body as a document.
pub(super) fn json_of(body: &impl Serialize) -> serde_json::Value {
    serde_json::to_value(body).expect("an answer has text keys and finite numbers")
}

impl IntoResponse for Committed {
    fn into_response(self) -> Response {
        match respond(self.0) {
            Ok(response) => response,
            Err(error) => ApiError::internal(error).into_response(),
        }
    }
}

fn respond(answer: Answer) -> Result<Response, http::Error> {
    let mut response = Response::builder().status(StatusCode::from_u16(answer.status)?);
    for (name, value) in &answer.headers {
        let (name, value) = (HeaderName::try_from(name)?, HeaderValue::try_from(value)?);
        response = response.header(name, value);
    }
    if answer.replayed {
        response = response.header(REPLAYED, HeaderValue::from_static("true"));
    }
    response.body(Body::from(answer.body))
}

impl IntoResponses for Committed {
    fn responses() -> BTreeMap<String, RefOr<Documented>> {
        let schema = Ref::from_schema_name("Written");
        let done = ResponseBuilder::new()
            .description(
                "Done. `ETag` is the new version, `X-Consistency-Token` makes a read wait for it.",
            )
            .content("application/json", Content::new(Some(schema)));
        BTreeMap::from([("200".to_owned(), done.build().into())])
    }
}

/// How every route refuses: RFC 9457.
pub(super) struct Refusals;

impl IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<Documented>> {
        let schema = Ref::from_schema_name("Problem");
        let refused = ResponseBuilder::new()
            .description("Refused; `code` says why and `errors` where.")
            .content(PROBLEM_JSON, Content::new(Some(schema)));
        BTreeMap::from([("default".to_owned(), refused.build().into())])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(replayed: bool) -> Answer {
        let headers = [("etag", "\"3\""), ("content-type", "application/json")];
        Answer {
            status: 201,
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            body: "{}".to_owned(),
            replayed,
        }
    }

    #[test]
    fn an_answer_keeps_its_headers_and_says_when_it_is_a_repeat() {
        let first = Committed(answer(false)).into_response();
        assert_eq!(
            (first.status(), &first.headers()["etag"]),
            (StatusCode::CREATED, &HeaderValue::from_static("\"3\""))
        );
        assert!(!first.headers().contains_key(REPLAYED));
        let again = Committed(answer(true)).into_response();
        assert_eq!(again.headers()[REPLAYED], "true");
    }

    #[test]
    fn a_stored_answer_that_makes_no_sense_is_our_fault() {
        let broken = Answer {
            status: 7,
            ..answer(true)
        };
        assert_eq!(Committed(broken).into_response().status(), 500);
    }
}
