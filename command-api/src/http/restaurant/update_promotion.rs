//! A promotion gets other limits, or ends.

use std::borrow::Cow;

use axum::extract::State;
use domain::aggregates::{Promotion, PromotionBook};
use domain::kernel::ids::PromotionId;
use domain::restaurant::promotion::{Limits, PromotionCommand};
use domain::restaurant::promotion_book::PromotionBookCommand;
use infra::http::conditional::IfMatch;
use infra::http::policy::Scope;
use infra::http::policy::action::UpdatePromotion;
use infra::http::{ApiError, Idempotency, Json, Path, RestaurantStaff};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::execute::{ExecuteError, Reply, Unit, Work};
use crate::http::answer::{Committed, Refusals, Written};
use crate::http::asked::Asked;
use crate::http::whose::only_theirs;

/// What changes; what is absent stays.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdatePromotionBody {
    /// Both limits; one that is absent within is lifted.
    #[serde(default)]
    limits: Option<Limits>,
    /// Whether it ends now, for good.
    #[serde(default)]
    end: bool,
}
domain::collect_struct!(UpdatePromotionBody { limits, end = false });

/// Changes a promotion's limits, or ends it. What was redeemed stays.
#[utoipa::path(
    patch,
    path = "/v1/promotions/{promotion_id}",
    params(("promotion_id" = uuid::Uuid, Path, description = "The promotion")),
    request_body = UpdatePromotionBody,
    responses(Committed, Refusals)
)]
pub(super) async fn update_promotion(
    State(app): State<App>,
    by: RestaurantStaff<UpdatePromotion>,
    Path(id): Path<PromotionId>,
    if_match: IfMatch,
    key: Idempotency,
    Json(body): Json<UpdatePromotionBody>,
) -> Result<Committed, ApiError> {
    let asked = Asked::new(&by, key.key());
    let work = Update {
        scope: &by.scope,
        id,
        expected: if_match.version()?,
        body,
    };
    app.carry_out(&asked, &work).await
}

struct Update<'a> {
    scope: &'a Scope,
    id: PromotionId,
    expected: Option<i64>,
    body: UpdatePromotionBody,
}

impl Work for Update<'_> {
    fn name(&self) -> Cow<'static, str> {
        "restaurant.promotion.update".into()
    }

    async fn run(&self, unit: &mut Unit<'_>) -> Result<Reply, ExecuteError> {
        let mut promotion = unit.load::<Promotion>(self.id.uuid()).await?;
        only_theirs(&promotion, self.scope)?;
        unit.expect_version(&promotion, self.expected)?;
        if let Some(limits) = self.body.limits {
            promotion = unit.decide(&promotion, PromotionCommand::SetLimits { limits })?;
        }
        if self.body.end {
            let body = promotion.state.body().ok_or(ExecuteError::NotTheirs)?;
            let book = unit.load::<PromotionBook>(body.terms.issuer.book()).await?;
            unit.decide(&promotion, PromotionCommand::End)?;
            let promotion = self.id;
            unit.decide(&book, PromotionBookCommand::Delist { promotion })?;
        }
        Ok(Written::reply(self.id).tagged(promotion.stream))
    }

    fn queue_for(&self) -> Vec<infra::event_store::StreamId> {
        let busy = crate::execute::busy_stream::<Promotion>(self.id.uuid());
        busy.into_iter().collect()
    }
}
