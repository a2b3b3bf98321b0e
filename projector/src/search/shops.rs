//! From view rows to documents: a shop that can be found, and with it its dishes that can be had now.

use std::collections::BTreeMap;

use domain::kernel::flags::Flags;
use infra::availability::Unavailable;
use infra::search_schema::{
    Alternatives, Dimension, Display, Entry, Obstacles, PauseFacts, ShopEntries, ShopFacts,
    style_words,
};

use super::SearchError;
use super::dishes::IndexedMenu;
use super::rows::{ShopRow, bad_row, parse_or_default};

/// The documents of a live shop: itself, and of its menu what is not gone.
///
/// # Errors
/// When the row makes no sense.
pub(super) fn entries(
    row: &ShopRow,
    menu: Option<(&IndexedMenu, &Unavailable)>,
) -> Result<ShopEntries, SearchError> {
    let bad = |table| bad_row(row.restaurant_id, table);
    let mut facts = facts(row).map_err(bad("restaurants"))?;
    let mut entries = vec![shop(row).map_err(bad("restaurants"))?];
    if let Some((menu, gone)) = menu {
        let prices: BTreeMap<String, i64> =
            parse_or_default(row.prices.as_deref()).map_err(bad("menus"))?;
        facts.sale = menu.sale().to_vec();
        entries.extend(menu.entries(row, &prices, gone));
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
