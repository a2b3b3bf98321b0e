//! What the views say of shops, read for the index.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use infra::event_store::Mark;
use infra::feed::Origin;
use sqlx::{PgPool, Postgres, Transaction};
use uuid::Uuid;

use super::SearchError;
use super::shops::{ShopDocuments, shop_documents};

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
    pub(super) document: Option<String>,
    pub(super) prices: Option<String>,
    pub(super) unavailable: Option<String>,
    pub(super) ingredients: Option<String>,
}

/// The documents of `shops`, as of the views now.
#[tracing::instrument(name = "db.shops_read", skip_all, level = "debug")]
pub(super) async fn load_some(
    pool: &PgPool,
    shops: &[Uuid],
    now: DateTime<Utc>,
) -> Result<Vec<ShopDocuments>, SearchError> {
    let rows = sqlx::query_as!(
        ShopRow,
        r#"SELECT r.restaurant_id AS "restaurant_id!", r.sequence AS "sequence!",
                  r.stage AS "stage!", r.name AS "name!", r.currency AS "currency!",
                  r.city AS "city!", r.address_text AS "address_text!",
                  r.styles::text AS "styles!", r.lat AS "lat!", r.lon AS "lon!",
                  r.time_zone AS "time_zone!", r.hours::text, r.zones::text AS "zones!",
                  r.paused AS "paused!", r.paused_until,
                  m.sequence AS "menu_sequence?", m.document::text, m.prices::text,
                  m.unavailable::text, s.ingredients::text
           FROM views.restaurants r
           LEFT JOIN views.menus m USING (restaurant_id)
           LEFT JOIN views.stock s USING (restaurant_id)
           WHERE r.restaurant_id = ANY($1)"#,
        shops
    )
    .fetch_all(pool)
    .await?;
    rows.iter().map(|row| shop_documents(row, now)).collect()
}

/// The documents of every shop with the checkpoints of the same snapshot.
#[tracing::instrument(name = "db.shops_read_all", skip_all, level = "debug")]
pub(super) async fn load_all(
    pool: &PgPool,
    now: DateTime<Utc>,
) -> Result<(Vec<ShopDocuments>, BTreeMap<Origin, Mark>), SearchError> {
    let mut snapshot = pool.begin().await?;
    sqlx::query!("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        .execute(&mut *snapshot)
        .await?;
    let marks = marks(&mut snapshot).await?;
    let rows = sqlx::query_as!(
        ShopRow,
        r#"SELECT r.restaurant_id AS "restaurant_id!", r.sequence AS "sequence!",
                  r.stage AS "stage!", r.name AS "name!", r.currency AS "currency!",
                  r.city AS "city!", r.address_text AS "address_text!",
                  r.styles::text AS "styles!", r.lat AS "lat!", r.lon AS "lon!",
                  r.time_zone AS "time_zone!", r.hours::text, r.zones::text AS "zones!",
                  r.paused AS "paused!", r.paused_until,
                  m.sequence AS "menu_sequence?", m.document::text, m.prices::text,
                  m.unavailable::text, s.ingredients::text
           FROM views.restaurants r
           LEFT JOIN views.menus m USING (restaurant_id)
           LEFT JOIN views.stock s USING (restaurant_id)"#
    )
    .fetch_all(&mut *snapshot)
    .await?;
    snapshot.commit().await?;
    let shops = rows
        .iter()
        .map(|row| shop_documents(row, now))
        .collect::<Result<_, _>>()?;
    Ok((shops, marks))
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

/// The least checkpoint of the views that documents are made of.
async fn marks(
    snapshot: &mut Transaction<'_, Postgres>,
) -> Result<BTreeMap<Origin, Mark>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT DISTINCT ON (topic, partition) topic, partition, position, hash
         FROM views.checkpoints WHERE view IN ('restaurants', 'menus', 'stock')
         ORDER BY topic, partition, position"
    )
    .fetch_all(&mut **snapshot)
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
