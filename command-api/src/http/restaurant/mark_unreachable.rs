//! Nobody at a shop answers: it takes no orders until somebody resumes.

use axum::extract::State;
use domain::aggregates::Restaurant;
use domain::kernel::ids::RestaurantId;
use domain::kernel::text::Reason;
use domain::restaurant::restaurant::RestaurantCommand;
use infra::http::conditional::IfMatch;
use infra::http::policy::action::MarkUnreachable;
use infra::http::{ApiError, Idempotency, Json, Ops, Path};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, BuildsOn};

/// How it is known that nobody answers.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MarkUnreachableBody {
    /// How.
    reason: Reason,
}
domain::collect_struct!(MarkUnreachableBody { reason });

/// Pauses a shop that nobody answers for, until it is resumed.
#[utoipa::path(
    post,
    path = "/v1/restaurants/{restaurant_id}/unreachable",
    params(("restaurant_id" = uuid::Uuid, Path, description = "The shop")),
    request_body = MarkUnreachableBody,
    responses(Committed, Refusals)
)]
pub(super) async fn mark_unreachable(
    State(app): State<App>,
    by: Ops<MarkUnreachable>,
    Path(id): Path<RestaurantId>,
    if_match: IfMatch,
    key: Idempotency,
    Json(MarkUnreachableBody { reason }): Json<MarkUnreachableBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let command = RestaurantCommand::MarkUnreachable {
        reason,
        for_silence: false,
    };
    let builds_on = BuildsOn::Version(if_match.version()?);
    app.change::<Restaurant>(&asked, id, builds_on, command, Written::reply(id))
        .await
}
