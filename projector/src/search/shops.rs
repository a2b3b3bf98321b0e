//! From view rows to documents: a shop that can be found, and with it its dishes that can be had now.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use chrono::{DateTime, Utc};
use domain::kernel::flags::Flags;
use infra::availability::{Levels, StockLevel};
use infra::search_schema::{
    Alternatives, Dimension, Display, Entry, Obstacles, PauseFacts, ShopEntries, ShopFacts,
    style_words,
};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::SearchError;
use super::dishes::IndexedMenu;
use super::rows::ShopRow;

/// All documents of one shop; none when it must not be found.
#[derive(Clone, Debug)]
pub(super) struct ShopDocuments {
    pub(super) restaurant: Uuid,
    /// None when it must not be found.
    pub(super) documents: Option<ShopEntries>,
    /// When ingredients come back by themselves.
    pub(super) returns: Vec<DateTime<Utc>>,
    /// Hash over everything that is written.
    pub(super) digest: u64,
}

/// The documents of a shop as its row says at `now`.
///
/// # Errors
/// When the row makes no sense.
pub(super) fn shop_documents(
    row: &ShopRow,
    now: DateTime<Utc>,
) -> Result<ShopDocuments, SearchError> {
    let bad = |table| bad_row(row.restaurant_id, table);
    let stock: BTreeMap<String, StockLevel> =
        parse_or_default(row.ingredients.as_deref()).map_err(bad("stock"))?;
    let documents = if row.stage == "live" {
        Some(entries(row, &Levels::at(&stock, now))?)
    } else {
        None
    };
    let returns = stock
        .values()
        .filter_map(|level| level.eighty_six.as_ref()?.until);
    Ok(ShopDocuments {
        restaurant: row.restaurant_id,
        returns: returns.filter(|until| *until > now).collect(),
        digest: digest(documents.as_ref()),
        documents,
    })
}

fn entries(row: &ShopRow, levels: &Levels) -> Result<ShopEntries, SearchError> {
    let bad = |table| bad_row(row.restaurant_id, table);
    let mut facts = facts(row).map_err(bad("restaurants"))?;
    let mut entries = vec![shop(row).map_err(bad("restaurants"))?];
    if let Some(text) = &row.document {
        let menu = IndexedMenu::read(text, row).map_err(bad("menus"))?;
        entries.extend(menu.entries(row, levels, &mut facts.sale));
    }
    Ok(ShopEntries {
        restaurant: row.restaurant_id,
        lat: row.lat,
        lon: row.lon,
        restaurant_sequence: row.sequence,
        menu_sequence: row.menu_sequence.unwrap_or(0),
        facts,
        entries,
    })
}

fn bad_row(id: Uuid, table: &'static str) -> impl Fn(serde_json::Error) -> SearchError {
    move |source| SearchError::Row { table, id, source }
}

pub(super) fn parse_or_default<T: Default + DeserializeOwned>(
    text: Option<&str>,
) -> Result<T, serde_json::Error> {
    text.map_or_else(|| Ok(T::default()), serde_json::from_str)
}

fn shop(row: &ShopRow) -> Result<Entry, serde_json::Error> {
    let styles: Vec<String> = serde_json::from_str(&row.styles)?;
    let mut texts = vec![row.city.clone(), row.address_text.clone()];
    texts.extend(styles.iter().map(|style| style_words(style).to_owned()));
    Ok(Entry {
        names: vec![row.name.clone()],
        texts,
        tags: styles
            .iter()
            .map(|style| (Dimension::Style, style.clone()))
            .collect(),
        price_minor: 0,
        prep_minutes: Flags::default().kitchen_prep.get(),
        obstacles: Alternatives::none(),
        obstacles_most: Obstacles::default(),
        popularity: 0,
        sale: None,
        display: Display {
            restaurant_name: row.name.clone(),
            item: None,
            item_name: BTreeMap::new(),
            currency: row.currency.clone(),
            city: row.city.clone(),
            styles,
        },
    })
}

fn facts(row: &ShopRow) -> Result<ShopFacts, serde_json::Error> {
    Ok(ShopFacts {
        time_zone: serde_json::from_value(row.time_zone.clone().into())?,
        hours: parse_or_default(row.hours.as_deref())?,
        zones: serde_json::from_str(&row.zones)?,
        pause: row.paused.then_some(PauseFacts {
            until: row.paused_until,
        }),
        currency: row.currency.clone(),
        sale: Vec::new(),
    })
}

fn digest(shop: Option<&ShopEntries>) -> u64 {
    let mut hasher = DefaultHasher::new();
    if let Some(shop) = shop {
        // Sequences are left out: they alone do not make a document worth writing.
        (shop.lat.to_bits(), shop.lon.to_bits()).hash(&mut hasher);
        serde_json::to_string(&shop.facts)
            .unwrap_or_default()
            .hash(&mut hasher);
        shop.entries.hash(&mut hasher);
    }
    hasher.finish()
}
