//! What a refusal shows of itself, and what it keeps to itself.

use super::*;
use axum::response::IntoResponse as _;
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use http_body_util::BodyExt as _;

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
enum Sample {
    #[error("the shop is closed")]
    Closed,
    #[error("no such order")]
    Absent,
}

impl Rejection for Sample {
    fn code(&self) -> &'static str {
        match self {
            Self::Closed => "shop_closed",
            Self::Absent => "order_absent",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Closed => Class::Unprocessable,
            Self::Absent => Class::NotFound,
        }
    }

    fn faults(&self) -> Vec<Fault> {
        vec![Fault {
            code: "shop_closed".to_owned(),
            pointer: "/restaurant_id".to_owned(),
            detail: "closed until 11:00".to_owned(),
        }]
    }
}

async fn read(error: ApiError) -> (StatusCode, http::HeaderMap, Problem) {
    let (parts, body) = error.into_response().into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    (
        parts.status,
        parts.headers,
        serde_json::from_slice(&bytes).unwrap(),
    )
}

#[tokio::test]
async fn a_rejection_keeps_its_code_and_faults() {
    let (status, headers, problem) = read(Refused::Rejected(Sample::Closed).into()).await;
    assert_eq!((status.as_u16(), problem.status), (422, 422));
    assert_eq!(headers[CONTENT_TYPE], PROBLEM_JSON);
    assert_eq!(
        (problem.code.as_str(), problem.kind.as_str()),
        ("shop_closed", "/problems/shop_closed")
    );
    assert_eq!(problem.errors[0].pointer, "/restaurant_id");
    assert_eq!(problem.detail.as_deref(), Some("the shop is closed"));
    assert_eq!(read(Refused::Rejected(Sample::Absent).into()).await.0, 404);
}

#[tokio::test]
async fn a_failure_says_nothing_of_the_inside() {
    let inside = std::io::Error::other("password=hunter2");
    for error in [
        ApiError::internal(inside),
        Unavailable::transient(std::io::Error::other("hunter2")).into(),
        Refused::<Sample>::store(Unavailable::outcome_unknown(std::io::Error::other(
            "hunter2",
        )))
        .into(),
    ] {
        let response = error.into_response();
        assert!(
            response
                .extensions()
                .get::<Report>()
                .unwrap()
                .source
                .is_some()
        );
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        assert!(!String::from_utf8_lossy(&bytes).contains("hunter2"));
    }
}

#[tokio::test]
async fn limits_name_their_policy_and_when_to_come_back() {
    let error = ApiError::quota_exceeded("burst", Duration::from_millis(2_300));
    let (status, headers, problem) = read(error).await;
    assert_eq!(status, 429);
    assert_eq!(headers[RETRY_AFTER], "3");
    assert_eq!(problem.violated_policies, ["burst"]);
    assert!(problem.kind.ends_with("#quota-exceeded"));
    let (status, headers, problem) = read(Refused::<Sample>::Store(Unavailable::Busy).into()).await;
    assert_eq!(
        (status.as_u16(), &headers[RETRY_AFTER]),
        (503, &HeaderValue::from(1))
    );
    assert!(problem.kind.ends_with("#temporary-reduced-capacity"));
}

#[test]
fn only_decisions_are_kept_for_repeats() {
    assert!(ApiError::rejected(&Sample::Closed).is_decided());
    for error in [
        ApiError::conflict(),
        ApiError::forbidden(),
        ApiError::unauthorized("no_token"),
        ApiError::invalid(vec![]),
        ApiError::precondition_required(),
        ApiError::quota_exceeded("burst", Duration::ZERO),
        Unavailable::Busy.into(),
    ] {
        assert!(!error.is_decided(), "{error}");
    }
}

#[tokio::test]
async fn foreign_refusals_get_our_form_and_keep_allow() {
    let foreign = (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET,HEAD")], "no").into_response();
    let response = in_our_form(foreign);
    assert_eq!(response.headers()[ALLOW], "GET,HEAD");
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let problem: Problem = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(
        (problem.status, problem.code.as_str()),
        (405, "method_not_allowed")
    );
    let fine = in_our_form((StatusCode::OK, "yes").into_response());
    assert_eq!(fine.into_body().collect().await.unwrap().to_bytes(), "yes");
}
