//! How a command's failure becomes an answer: the one place where `execute` and the rules of the wire
//! meet. Nothing is logged here; the cause rides in the answer and the request's log line prints it.

use std::collections::BTreeMap;

use domain::decider::Class;
use http::StatusCode;
use infra::event_store::{AppendError, StoreError};
use infra::http::conditional::Etag;
use infra::http::idempotency::key_reused;
use infra::http::problem::PROBLEM_JSON;
use infra::http::{ApiError, Unavailable};
use infra::vault::VaultError;

use crate::execute::{Answer, ExecuteError, Refusal};
use crate::metadata::Origin;

impl From<ExecuteError> for ApiError {
    fn from(error: ExecuteError) -> Self {
        match error {
            ExecuteError::Refused(refusal) => refused(&refusal),
            ExecuteError::NotTheirs => Self::not_found(),
            ExecuteError::Moved { current } => Self::precondition_failed(&Etag::version(current)),
            ExecuteError::Conflict => Self::conflict(),
            ExecuteError::KeyReused => key_reused(),
            ExecuteError::Append(error) => append_failed(error),
            ExecuteError::Store(error) => store_failed(error).into(),
            ExecuteError::Unavailable(_) => Unavailable::transient(error).into(),
        }
    }
}

impl From<VaultError> for ExecuteError {
    fn from(error: VaultError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// The refusal of a decider as an answer.
pub(crate) fn refused(refusal: &Refusal) -> ApiError {
    let status = match refusal.class {
        Class::NotFound => StatusCode::NOT_FOUND,
        Class::Forbidden => StatusCode::FORBIDDEN,
        Class::Conflict => StatusCode::CONFLICT,
        Class::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let error = ApiError::new(status, refusal.code.clone())
        .with_detail(refusal.detail.clone())
        .with_faults(refusal.faults.clone());
    refusal.extra.iter().fold(error, |error, (name, value)| {
        error.with_extension(name, value.clone())
    })
}

/// The refusal as it is stored under an idempotency key, to be repeated byte for byte.
pub(crate) fn stored_refusal(refusal: &Refusal, origin: &Origin) -> Answer {
    let mut problem = refused(refusal).problem();
    if problem.instance.is_empty() {
        problem.instance.clone_from(&origin.request_id);
    }
    let kind = ("content-type".to_owned(), PROBLEM_JSON.to_owned());
    Answer {
        status: problem.status,
        headers: BTreeMap::from([kind]),
        body: serde_json::to_string(&problem).expect("a problem has text keys only"),
        replayed: false,
    }
}

fn append_failed(error: AppendError) -> ApiError {
    match error {
        // `execute` has tried these again already.
        AppendError::Conflict | AppendError::KeyUsed => ApiError::conflict(),
        AppendError::TooLarge => ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "event_too_large")
            .with_detail(error.to_string()),
        AppendError::Overloaded => Unavailable::Busy.into(),
        AppendError::Unavailable => Unavailable::transient(error).into(),
        AppendError::Unknown => Unavailable::outcome_unknown(error).into(),
    }
}

fn store_failed(error: StoreError) -> Unavailable {
    match error {
        StoreError::Database(error) => error.into(),
        StoreError::Decode { .. } | StoreError::Snapshot { .. } | StoreError::Hole { .. } => {
            Unavailable::broken(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::decider::Fault;
    use serde_json::json;

    use super::*;

    fn refusal() -> Refusal {
        let fault = Fault {
            code: "out_of_stock".to_owned(),
            pointer: "/lines/0".to_owned(),
            detail: "no noodles".to_owned(),
        };
        Refusal {
            class: Class::Conflict,
            code: "quote_changed".to_owned(),
            detail: "the quote has changed".to_owned(),
            faults: vec![fault],
            extra: serde_json::Map::new(),
        }
        .with("quote", json!({"total_minor": 980}))
    }

    #[test]
    fn a_refusal_keeps_everything_it_says() {
        let problem = refused(&refusal()).problem();
        assert_eq!(
            (problem.status, problem.code.as_str()),
            (409, "quote_changed")
        );
        assert_eq!(problem.errors[0].pointer, "/lines/0");
        assert_eq!(problem.extensions["quote"]["total_minor"], 980);
    }

    #[test]
    fn a_stored_refusal_says_what_the_first_one_said() {
        let origin = Origin {
            request_id: "r-1".to_owned(),
            ..Origin::default()
        };
        let stored = stored_refusal(&refusal(), &origin);
        let mut first = refused(&refusal()).problem();
        first.instance = "r-1".to_owned();
        assert_eq!(stored.body, serde_json::to_string(&first).unwrap());
        assert_eq!(
            (stored.status, stored.headers["content-type"].as_str()),
            (409, PROBLEM_JSON)
        );
    }

    #[test]
    fn every_failure_has_its_status() {
        let status = |error: ExecuteError| ApiError::from(error).status().as_u16();
        assert_eq!(status(ExecuteError::Moved { current: 3 }), 412);
        assert_eq!(status(ExecuteError::NotTheirs), 404);
        assert_eq!(status(ExecuteError::Conflict), 409);
        assert_eq!(status(ExecuteError::KeyReused), 422);
        assert_eq!(status(ExecuteError::Unavailable("vault".to_owned())), 503);
        for (error, expected) in [
            (AppendError::Conflict, 409),
            (AppendError::TooLarge, 413),
            (AppendError::Overloaded, 503),
            (AppendError::Unavailable, 503),
            (AppendError::Unknown, 503),
        ] {
            assert_eq!(status(ExecuteError::Append(error)), expected, "{error}");
        }
    }
}
