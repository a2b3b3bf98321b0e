//! What the views say of shops, read for the index.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use infra::event_store::Mark;
use infra::feed::Origin;
use serde::de::DeserializeOwned;
use sqlx::PgPool;
use uuid::Uuid;

use super::SearchError;

/// How far each origin of events has been read.
pub(super) type Marks = BTreeMap<Origin, Mark>;

/// A shop with its menu and its stock.
pub(super) struct ShopRow {
    pub(super) restaurant_id: Uuid,
    pub(super) sequence: i64,
    pub(super) stage: String,
    pub(super) name: String,
    pub(super) currency: String,
    pub(super) city: String,
    pub(super) address_text: String,
    pub(super) styles: String,
    pub(super) lat: f64,
    pub(super) lon: f64,
    pub(super) time_zone: String,
    pub(super) hours: Option<String>,
    pub(super) zones: String,
    pub(super) paused: bool,
    pub(super) paused_until: Option<DateTime<Utc>>,
    pub(super) menu_sequence: Option<i64>,
    pub(super) menu_version: Option<i32>,
    /// The menu's document; none when the version is known already.
    pub(super) document: Option<String>,
    pub(super) prices: Option<String>,
    pub(super) unavailable: Option<String>,
    pub(super) ingredients: Option<String>,
}

/// The rows of `shops`; the documents of menus only where their version is another than the known one,
/// which stands in the same place of `versions`.
#[tracing::instrument(name = "db.shops_read", skip_all, level = "debug")]
pub(super) async fn load(
    pool: &PgPool,
    shops: &[Uuid],
    versions: &[i32],
) -> Result<Vec<ShopRow>, sqlx::Error> {
    sqlx::query_as!(
        ShopRow,
        r#"SELECT r.restaurant_id AS "restaurant_id!", r.sequence AS "sequence!",
                  r.stage AS "stage!", r.name AS "name!", r.currency AS "currency!",
                  r.city AS "city!", r.address_text AS "address_text!",
                  r.styles::text AS "styles!", r.lat AS "lat!", r.lon AS "lon!",
                  r.time_zone AS "time_zone!", r.hours::text, r.zones::text AS "zones!",
                  r.paused AS "paused!", r.paused_until,
                  m.sequence AS "menu_sequence?", m.version AS "menu_version?",
                  CASE WHEN m.version <> known.version THEN m.document::text END AS document,
                  m.prices::text, m.unavailable::text, s.ingredients::text
           FROM unnest($1::uuid[], $2::integer[]) AS known (restaurant_id, version)
           JOIN views.restaurants r USING (restaurant_id)
           LEFT JOIN views.menus m USING (restaurant_id)
           LEFT JOIN views.stock s USING (restaurant_id)"#,
        shops,
        versions
    )
    .fetch_all(pool)
    .await
}

/// Every shop.
#[tracing::instrument(name = "db.shops_list", skip_all, level = "debug")]
pub(super) async fn all(pool: &PgPool) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!("SELECT restaurant_id FROM views.restaurants ORDER BY restaurant_id")
        .fetch_all(pool)
        .await
}

/// The shops of which an ingredient comes back, or has come back, by itself.
pub(super) async fn with_returns(pool: &PgPool) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT s.restaurant_id FROM views.stock s
           WHERE EXISTS (SELECT FROM json_each(s.ingredients) AS level
                         WHERE level.value #> '{eighty_six,until}' IS NOT NULL)"#
    )
    .fetch_all(pool)
    .await
}

/// The least checkpoint of the views that documents are made of: rows that are read later say that much
/// at least.
#[tracing::instrument(name = "db.index_marks_read", skip_all, level = "debug")]
pub(super) async fn marks(pool: &PgPool) -> Result<Marks, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT DISTINCT ON (topic, partition) topic, partition, position, hash
         FROM views.checkpoints WHERE view IN ('restaurants', 'menus', 'stock')
         ORDER BY topic, partition, position"
    )
    .fetch_all(pool)
    .await?;
    let marks = rows.into_iter().map(|row| {
        let origin = Origin {
            topic: row.topic,
            partition: row.partition,
        };
        Ok((origin, Mark::of_row(row.position, row.hash)?))
    });
    marks.collect()
}

/// Says which row makes no sense.
pub(super) fn bad_row(id: Uuid, table: &'static str) -> impl Fn(serde_json::Error) -> SearchError {
    move |source| SearchError::Row { table, id, source }
}

/// What a JSON column holds; the default when there is no row.
pub(super) fn parse_or_default<T: Default + DeserializeOwned>(
    text: Option<&str>,
) -> Result<T, serde_json::Error> {
    text.map_or_else(|| Ok(T::default()), serde_json::from_str)
}
