//! From view rows to documents: a shop, and each of its dishes that can be had now.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use chrono::{DateTime, Utc};
use infra::availability::{Levels, MenuNeeds, StockLevel};
use infra::event_store::Mark;
use infra::feed::Origin;
use infra::search_schema::{Display, STYLES};
use serde::Deserialize;
use sqlx::{PgPool, Postgres, Transaction};
use uuid::Uuid;

use super::SearchError;

/// All documents of one shop; none when it must not be found.
#[derive(Clone, Debug)]
pub(super) struct ShopDocuments {
    pub(super) restaurant: Uuid,
    pub(super) lat: f64,
    pub(super) lon: f64,
    pub(super) restaurant_sequence: i64,
    pub(super) menu_sequence: i64,
    pub(super) documents: Vec<Document>,
    /// When ingredients come back by themselves.
    pub(super) returns: Vec<DateTime<Utc>>,
    /// Hash over everything that is written.
    pub(super) digest: u64,
}

/// One document.
#[derive(Clone, Debug)]
pub(super) struct Document {
    pub(super) names: Vec<String>,
    pub(super) texts: Vec<String>,
    pub(super) price_minor: i64,
    pub(super) popularity: u64,
    pub(super) display: Display,
    pub(super) display_json: Vec<u8>,
}

struct ShopRow {
    restaurant_id: Uuid,
    sequence: i64,
    stage: String,
    name: String,
    currency: String,
    city: String,
    address_text: String,
    styles: String,
    lat: f64,
    lon: f64,
    menu_sequence: Option<i64>,
    document: Option<String>,
    prices: Option<String>,
    unavailable: Option<String>,
    ingredients: Option<String>,
}

/// What the index takes from a menu document.
#[derive(Deserialize)]
struct IndexedMenu {
    #[serde(default)]
    ingredients: Vec<IndexedIngredient>,
    #[serde(default)]
    sections: Vec<IndexedSection>,
}

#[derive(Deserialize)]
struct IndexedIngredient {
    key: String,
    name: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct IndexedSection {
    items: Vec<IndexedItem>,
}

#[derive(Deserialize)]
struct IndexedItem {
    key: String,
    name: BTreeMap<String, String>,
    #[serde(default)]
    description: Option<BTreeMap<String, String>>,
    price_minor: i64,
    #[serde(default)]
    recipe: Vec<IndexedNeed>,
    #[serde(default)]
    ramen: Option<IndexedRamen>,
    #[serde(default)]
    popularity: Option<u64>,
}

#[derive(Deserialize)]
struct IndexedNeed {
    ingredient: String,
}

#[derive(Deserialize)]
struct IndexedRamen {
    style: String,
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
    rows.into_iter().map(|row| documents(&row, now)).collect()
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
        .into_iter()
        .map(|row| documents(&row, now))
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

fn documents(row: &ShopRow, now: DateTime<Utc>) -> Result<ShopDocuments, SearchError> {
    let id = row.restaurant_id;
    let bad = |table| move |source| SearchError::Row { table, id, source };
    let styles: Vec<String> = serde_json::from_str(&row.styles).map_err(bad("restaurants"))?;
    let stock: BTreeMap<String, StockLevel> =
        parse_or_default(row.ingredients.as_deref()).map_err(bad("stock"))?;
    let found = row.stage == "live";
    let mut documents = Vec::new();
    if found {
        documents.push(shop_document(row, &styles));
        if let Some(text) = &row.document {
            let dishes = Dishes {
                menu: serde_json::from_str(text).map_err(bad("menus"))?,
                needs: serde_json::from_str(text).map_err(bad("menus"))?,
                prices: parse_or_default(row.prices.as_deref()).map_err(bad("menus"))?,
                off: parse_or_default(row.unavailable.as_deref()).map_err(bad("menus"))?,
            };
            documents.extend(dishes.documents(row, &Levels::at(&stock, now)));
        }
    }
    let returns = stock
        .values()
        .filter_map(|level| level.eighty_six.as_ref()?.until);
    let mut shop = ShopDocuments {
        restaurant: id,
        lat: row.lat,
        lon: row.lon,
        restaurant_sequence: row.sequence,
        menu_sequence: row.menu_sequence.unwrap_or(0),
        documents,
        returns: returns.filter(|until| *until > now).collect(),
        digest: 0,
    };
    shop.digest = digest(&shop);
    Ok(shop)
}

fn parse_or_default<T: Default + serde::de::DeserializeOwned>(
    text: Option<&str>,
) -> Result<T, serde_json::Error> {
    text.map_or_else(|| Ok(T::default()), serde_json::from_str)
}

fn shop_document(row: &ShopRow, styles: &[String]) -> Document {
    let mut texts = vec![row.city.clone(), row.address_text.clone()];
    texts.extend(styles.iter().map(|style| words_of(style).to_owned()));
    Document::new(
        vec![row.name.clone()],
        texts,
        0,
        0,
        Display {
            restaurant_name: row.name.clone(),
            item: None,
            item_name: BTreeMap::new(),
            currency: row.currency.clone(),
            city: row.city.clone(),
            styles: styles.to_vec(),
        },
    )
}

fn words_of(style: &str) -> &'static str {
    STYLES
        .iter()
        .find(|known| known.name == style)
        .map_or("", |known| known.words)
}

/// A menu with everything that decides which of its dishes are shown, and at what price.
struct Dishes {
    menu: IndexedMenu,
    needs: MenuNeeds,
    prices: BTreeMap<String, i64>,
    off: BTreeSet<String>,
}

impl Dishes {
    fn documents(&self, row: &ShopRow, levels: &Levels) -> Vec<Document> {
        let gone = self.needs.unavailable(levels, &self.off).items;
        let names: BTreeMap<&str, &BTreeMap<String, String>> = self
            .menu
            .ingredients
            .iter()
            .map(|known| (known.key.as_str(), &known.name))
            .collect();
        self.menu
            .sections
            .iter()
            .flat_map(|section| &section.items)
            .filter(|item| !gone.contains(&item.key))
            .map(|item| self.document(row, item, &names))
            .collect()
    }

    fn document(
        &self,
        row: &ShopRow,
        item: &IndexedItem,
        ingredients: &BTreeMap<&str, &BTreeMap<String, String>>,
    ) -> Document {
        let style = item.ramen.as_ref().map(|ramen| ramen.style.clone());
        let mut texts = vec![row.name.clone(), row.city.clone()];
        texts.extend(item.description.iter().flat_map(BTreeMap::values).cloned());
        let used = item
            .recipe
            .iter()
            .filter_map(|need| ingredients.get(need.ingredient.as_str()));
        texts.extend(used.flat_map(|name| name.values()).cloned());
        texts.extend(style.iter().map(|style| words_of(style).to_owned()));
        Document::new(
            item.name.values().cloned().collect(),
            texts,
            self.prices
                .get(&item.key)
                .copied()
                .unwrap_or(item.price_minor),
            weight(item.popularity),
            Display {
                restaurant_name: row.name.clone(),
                item: Some(item.key.clone()),
                item_name: item.name.clone(),
                currency: row.currency.clone(),
                city: row.city.clone(),
                styles: style.into_iter().collect(),
            },
        )
    }
}

impl Document {
    fn new(
        names: Vec<String>,
        texts: Vec<String>,
        price_minor: i64,
        popularity: u64,
        display: Display,
    ) -> Self {
        let display_json =
            serde_json::to_vec(&display).expect("plain values with string keys always serialise");
        Self {
            names,
            texts,
            price_minor,
            popularity,
            display,
            display_json,
        }
    }
}

/// The shop's ranking, 1 for the most ordered, as a weight that falls with the rank.
fn weight(rank: Option<u64>) -> u64 {
    rank.filter(|rank| *rank > 0).map_or(0, |rank| 1_000 / rank)
}

fn digest(shop: &ShopDocuments) -> u64 {
    let mut hasher = DefaultHasher::new();
    // Sequences are left out: they alone do not make a document worth writing.
    (shop.lat.to_bits(), shop.lon.to_bits()).hash(&mut hasher);
    for document in &shop.documents {
        (&document.names, &document.texts).hash(&mut hasher);
        (
            document.price_minor,
            document.popularity,
            &document.display_json,
        )
            .hash(&mut hasher);
    }
    hasher.finish()
}
