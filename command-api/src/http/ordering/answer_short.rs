//! A customer says what to do about something that ran out.

use axum::extract::State;
use domain::aggregates::Order;
use domain::kernel::ids::OrderId;
use domain::ordering::order::{OrderCommand, ShortAnswer};
use infra::http::conditional::IfMatch;
use infra::http::policy::action::AnswerShort;
use infra::http::{ApiError, Caller, Idempotency, Json, Path};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::{Asked, BuildsOn, customer_or_ops};

/// What to do.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AnswerShortBody {
    /// Leave it out, take what is offered instead, or cancel the order.
    answer: ShortAnswer,
}
domain::collect_struct!(AnswerShortBody { answer });

/// Answers what to do about something that ran out. Without an answer in time it is left out.
#[utoipa::path(
    post,
    path = "/v1/orders/{order_id}/short/{short}/answer",
    params(
        ("order_id" = uuid::Uuid, Path, description = "The order"),
        ("short" = uuid::Uuid, Path, description = "The shortage"),
    ),
    request_body = AnswerShortBody,
    responses(Committed, Refusals)
)]
pub(super) async fn answer_short(
    State(app): State<App>,
    by: Caller<AnswerShort>,
    Path((id, short)): Path<(OrderId, Uuid)>,
    if_match: IfMatch,
    key: Idempotency,
    Json(AnswerShortBody { answer }): Json<AnswerShortBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let by = customer_or_ops(&by.principal)?;
    let command = OrderCommand::AnswerShort { short, answer, by };
    let builds_on = BuildsOn::Version(if_match.version()?);
    app.change::<Order>(&asked, id, builds_on, command, Written::reply(id))
        .await
}
