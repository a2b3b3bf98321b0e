//! `GET /v1/promotions`: what the caller's shops give, or all shops and the platform.

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use infra::http::policy::action;
use infra::http::{ApiError, Consistency, Problem, Query, RestaurantStaff};
use serde::Serialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::app::App;
use crate::error::db;
use crate::http::json_of;
use crate::http::paging::{Cursor, List, PAGE_DEFAULT, limit_of};
use crate::scope::ScopeFilter;

/// What is asked for.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListPromotions {
    /// At most so many, 1 to 100.
    limit: u32,
    /// Where the page before ended, from its `Link`.
    cursor: Option<Cursor>,
}

domain::collect_struct!(ListPromotions { limit = PAGE_DEFAULT, cursor });

/// A page of promotions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PromotionPage {
    /// In the order of their ids.
    promotions: Vec<PromotionView>,
    /// For the next page; none on the last.
    cursor: Option<Cursor>,
}

/// A promotion.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PromotionView {
    /// The promotion.
    id: Uuid,
    /// Events folded; what `If-Match` compares.
    version: i64,
    /// The shop that gives it; none for the platform.
    restaurant_id: Option<Uuid>,
    /// `active` or `ended`.
    stage: String,
    /// What it is, with the limits as they are now.
    #[schema(value_type = Object)]
    terms: Value,
    /// Orders that used it, without those that died unpaid.
    redeemed: i64,
    /// When it was ended.
    ended_at: Option<DateTime<Utc>>,
}

/// Lists the promotions of the caller's shops; our staff see all.
#[utoipa::path(get, path = "/v1/promotions", operation_id = "list_promotions", tag = "restaurant",
    params(ListPromotions),
    responses((status = 200, body = PromotionPage), (status = "default", body = Problem)))]
pub(crate) async fn list_promotions(
    State(app): State<App>,
    by: RestaurantStaff<action::ListPromotions>,
    consistency: Consistency,
    Query(asked): Query<ListPromotions>,
) -> Result<Response, ApiError> {
    let limit = limit_of(asked.limit)?;
    let list = List::new("/v1/promotions", by.principal.id);
    let after = list.after(asked.cursor.as_ref())?;
    let seen = app.views_seen(&consistency).await?;
    let scope = ScopeFilter::from(&by.scope);
    let mut promotions = page(&app, &scope, after, i64::from(limit) + 1).await?;
    let cursor = list.cut(&mut promotions, limit, |promotion| promotion.id);
    let next = cursor.clone();
    let page = PromotionPage { promotions, cursor };
    Ok(seen.mark(list.answer(page, limit, next.as_ref())))
}

async fn page(
    app: &App,
    scope: &ScopeFilter,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<PromotionView>, ApiError> {
    let rows = sqlx::query!(
        r#"SELECT promotion_id, sequence, restaurant_id, stage, terms::text AS "terms!", redeemed,
                  ended_at
           FROM views.promotions
           WHERE ($1::uuid[] IS NULL OR restaurant_id = ANY($1))
             AND ($2::uuid IS NULL OR promotion_id > $2)
           ORDER BY promotion_id
           LIMIT $3"#,
        scope.shops.as_deref(),
        after,
        limit
    )
    .fetch_all(app.pool())
    .await
    .map_err(db)?;
    rows.into_iter()
        .map(|row| {
            Ok(PromotionView {
                id: row.promotion_id,
                version: row.sequence,
                restaurant_id: row.restaurant_id,
                stage: row.stage,
                terms: json_of(&row.terms)?,
                redeemed: row.redeemed,
                ended_at: row.ended_at,
            })
        })
        .collect()
}
