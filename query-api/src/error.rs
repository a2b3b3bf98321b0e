//! How what breaks below the handlers becomes an answer.

use infra::http::{ApiError, Unavailable};

use crate::fresh::FreshError;
use crate::search::SearchError;

/// A query that failed: 503 when it may pass, else 500.
pub(crate) fn db(error: sqlx::Error) -> ApiError {
    Unavailable::from(error).into()
}

impl From<SearchError> for ApiError {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::Absent => Unavailable::transient(error).into(),
            SearchError::Index(_) | SearchError::Document => Self::internal(error),
        }
    }
}

impl From<FreshError> for ApiError {
    fn from(error: FreshError) -> Self {
        match error {
            FreshError::Database(error) => db(error),
            FreshError::Search(error) => error.into(),
        }
    }
}
