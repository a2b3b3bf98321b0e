//! Our staff have parked events of a view folded again, when what was in their way is gone. The work is
//! the projector's, which is given to this service as [`Redrive`]: it writes no view itself.

use std::fmt;

use async_trait::async_trait;
use axum::extract::State;
use domain::aggregates::Kind;
use infra::event_store::StreamId;
use infra::http::policy::action::RedriveParked;
use infra::http::{ApiError, Json, Ops, Path};
use serde::{Deserialize, Deserializer, Serialize, de};
use utoipa::ToSchema;

use crate::app::App;
use crate::http::answer::Refusals;

/// A stream that is parked for a view, as the list of parked events names it: `view:kind:stream`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedName {
    /// The view.
    pub view: String,
    /// The stream.
    pub stream: StreamId,
}

impl<'de> Deserialize<'de> for ParkedName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut parts = text.splitn(3, ':');
        let parsed = parts.next().zip(parts.next()).zip(parts.next());
        let parsed = parsed.and_then(|((view, kind), id)| {
            let (kind, id) = (Kind::parse(kind).ok()?, id.parse().ok()?);
            let view = view.to_owned();
            Some(Self {
                view,
                stream: StreamId { kind, id },
            })
        });
        parsed.ok_or_else(|| de::Error::custom("must be view:kind:stream"))
    }
}

impl fmt::Display for ParkedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}:{}",
            self.view,
            self.stream.kind.as_str(),
            self.stream.id
        )
    }
}

/// What became of a stream's parked events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Redriven {
    /// Events folded; none when nothing was parked, as after an earlier request.
    pub folded: usize,
    /// Events that are parked again, in their order.
    pub parked: usize,
    /// Why the first of these cannot be folded.
    pub error: Option<String>,
}

/// Why nothing was redriven.
#[derive(Debug, thiserror::Error)]
pub enum RedriveError {
    /// There is no such view.
    #[error("no view has this name")]
    NoView,
    /// The views cannot be reached.
    #[error("the views cannot be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Whoever may write the views.
#[async_trait]
pub trait Redrive: Send + Sync {
    /// Folds the parked events of a stream again, in order, up to the first that still cannot be folded.
    ///
    /// # Errors
    /// As [`RedriveError`]; everything stays parked.
    async fn redrive(&self, parked: &ParkedName) -> Result<Redriven, RedriveError>;
}

/// Folds parked events again. Repeating it changes nothing.
#[utoipa::path(
    post,
    path = "/v1/ops/parked/{parked}/redrive",
    params(("parked" = String, Path, description = "`id` of a stream in the list of parked events")),
    responses((status = 200, description = "What became of them.", body = Redriven), Refusals)
)]
pub(super) async fn redrive_parked(
    State(app): State<App>,
    _by: Ops<RedriveParked>,
    Path(parked): Path<ParkedName>,
) -> Result<Json<Redriven>, ApiError> {
    match app.redrive.redrive(&parked).await {
        Ok(redriven) => {
            tracing::warn!(%parked, ?redriven, "redriven");
            Ok(Json(redriven))
        }
        Err(RedriveError::NoView) => Err(ApiError::not_found()),
        Err(error @ RedriveError::Unreachable(_)) => Err(ApiError::internal(error)),
    }
}
