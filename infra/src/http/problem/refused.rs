//! Why something below the handlers was not done, and what an answer says of it.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use domain::decider::Rejection;
use http::StatusCode;

use super::ApiError;

/// Why a command was not carried out.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refused<R> {
    /// The business says no.
    #[error(transparent)]
    Rejected(R),
    /// Others were faster, also after fresh attempts.
    #[error("the streams were changed at the same time")]
    Conflict,
    /// The store could not do its work.
    #[error(transparent)]
    Store(Unavailable),
}

impl<R> Refused<R> {
    /// A failure of the store.
    pub fn store(error: impl Into<Unavailable>) -> Self {
        Self::Store(error.into())
    }
}

impl<R: Rejection> From<Refused<R>> for ApiError {
    fn from(refused: Refused<R>) -> Self {
        match refused {
            Refused::Rejected(rejection) => Self::rejected(&rejection),
            Refused::Conflict => Self::conflict(),
            Refused::Store(unavailable) => unavailable.into(),
        }
    }
}

/// How something below the domain failed, as far as an answer needs to know. Infrastructure errors
/// convert into it (`impl From<StoreError> for Unavailable`).
#[derive(Clone, Debug, thiserror::Error)]
pub enum Unavailable {
    /// Nothing was done; later it may work. 503 with `Retry-After`.
    #[error("temporarily unavailable")]
    Transient(#[source] Arc<dyn Error + Send + Sync>),
    /// Nothing was done: too much is waiting. 503 with `Retry-After`.
    #[error("too much is waiting")]
    Busy,
    /// It may or may not have been done. 503 `outcome_unknown`: repeat with the same key.
    #[error("outcome unknown")]
    OutcomeUnknown(#[source] Arc<dyn Error + Send + Sync>),
    /// It will not work however often it is tried: 500.
    #[error("broken")]
    Broken(#[source] Arc<dyn Error + Send + Sync>),
}

impl PartialEq for Unavailable {
    /// Two failures are alike when they ask the caller for the same; what broke is not compared.
    fn eq(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

impl Unavailable {
    /// Nothing was done; later it may work.
    pub fn transient(source: impl Error + Send + Sync + 'static) -> Self {
        Self::Transient(Arc::new(source))
    }

    /// It may or may not have been done.
    pub fn outcome_unknown(source: impl Error + Send + Sync + 'static) -> Self {
        Self::OutcomeUnknown(Arc::new(source))
    }

    /// It will not work however often it is tried.
    pub fn broken(source: impl Error + Send + Sync + 'static) -> Self {
        Self::Broken(Arc::new(source))
    }
}

impl From<sqlx::Error> for Unavailable {
    /// Lost connections, full pools and servers that are starting or stopping pass; anything else of
    /// Postgres' is ours to mend.
    fn from(error: sqlx::Error) -> Self {
        if is_transient(&error) {
            Self::transient(error)
        } else {
            Self::broken(error)
        }
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "sqlx's enum is open and grows"
)]
fn is_transient(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        // Classes 08 connection, 53 resources, 57 operator intervention, 40 rollback.
        sqlx::Error::Database(database) => database.code().is_some_and(|code| {
            ["08", "53", "57", "40"]
                .iter()
                .any(|class| code.starts_with(class))
        }),
        _ => false,
    }
}

impl From<Unavailable> for ApiError {
    fn from(unavailable: Unavailable) -> Self {
        let away = |code| Self::new(StatusCode::SERVICE_UNAVAILABLE, code);
        let second = Duration::from_secs(1);
        match &unavailable {
            Unavailable::Transient(_) => away("unavailable")
                .with_retry_after(second)
                .with_source(unavailable),
            Unavailable::Busy => Self::overloaded("appender", second),
            Unavailable::OutcomeUnknown(_) => away("outcome_unknown")
                .with_retry_after(second)
                .with_source(unavailable),
            Unavailable::Broken(_) => Self::internal(unavailable),
        }
    }
}
