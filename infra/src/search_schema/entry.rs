//! From what is known of a shop and its dishes to documents, for whoever writes an index.

use tantivy::TantivyDocument;
use uuid::Uuid;

use super::cells::{Area, Place, cells_of};
use super::facts::ShopFacts;
use super::obstacles::{Alternatives, Obstacles};
use super::tags::Dimension;
use super::{Display, Fields, KIND_DISH, KIND_SHOP};

/// All documents of one shop.
#[derive(Clone, Debug, PartialEq)]
pub struct ShopEntries {
    /// The shop.
    pub restaurant: Uuid,
    /// Latitude in degrees.
    pub lat: f64,
    /// Longitude in degrees.
    pub lon: f64,
    /// Sequence of the Restaurant stream that they show.
    pub restaurant_sequence: i64,
    /// Sequence of the Menu stream that they show.
    pub menu_sequence: i64,
    /// What only hour and place decide.
    pub facts: ShopFacts,
    /// The shop and its dishes, the shop first.
    pub entries: Vec<Entry>,
}

/// A shop or a dish.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Entry {
    /// Names in every language.
    pub names: Vec<String>,
    /// Everything else that finds it.
    pub texts: Vec<String>,
    /// Its values by dimension.
    pub tags: Vec<(Dimension, String)>,
    /// Minor units; 0 for a shop.
    pub price_minor: i64,
    /// What the kitchen takes for one.
    pub prep_minutes: u32,
    /// What somebody may have against it, by what is chosen; none for a shop.
    pub obstacles: Alternatives,
    /// The same, chosen without care.
    pub obstacles_most: Obstacles,
    /// The shop's weight of it.
    pub popularity: u64,
    /// Which of [`ShopFacts::sale`] it has; none when it is sold whenever the shop is open.
    pub sale: Option<usize>,
    /// What hits show.
    pub display: Display,
}

/// The documents of a shop, in the order in which they must stand.
///
/// # Errors
/// When something is no JSON; plain values with text keys always are.
pub fn document(fields: &Fields, shop: &ShopEntries) -> serde_json::Result<Vec<TantivyDocument>> {
    let facts = serde_json::to_vec(&shop.facts)?;
    let corners = shop
        .facts
        .zones
        .iter()
        .flat_map(|zone| zone.polygon.corners());
    let area = Area::around(corners.map(|corner| (corner.lat(), corner.lon())));
    let ground = Ground {
        id: shop.restaurant.to_string(),
        cells: cells_of(shop.lat, shop.lon),
        areas: area.map(|area| area.cells()).unwrap_or_default(),
        facts,
    };
    shop.entries
        .iter()
        .map(|entry| one(fields, shop, &ground, entry))
        .collect()
}

/// What all documents of a shop share.
struct Ground {
    id: String,
    cells: Vec<String>,
    areas: Vec<String>,
    facts: Vec<u8>,
}

fn one(
    fields: &Fields,
    shop: &ShopEntries,
    ground: &Ground,
    entry: &Entry,
) -> serde_json::Result<TantivyDocument> {
    let mut document = TantivyDocument::default();
    document.add_text(fields.restaurant, &ground.id);
    let item = entry.display.item.as_deref();
    let kind = if item.is_some() { KIND_DISH } else { KIND_SHOP };
    document.add_text(fields.kind, kind);
    let texts = [(fields.name, &entry.names), (fields.text, &entry.texts)];
    let cells = [(fields.cell, &ground.cells), (fields.area, &ground.areas)];
    for (field, values) in texts.into_iter().chain(cells) {
        for value in values {
            document.add_text(field, value);
        }
    }
    for (dimension, value) in &entry.tags {
        document.add_text(fields.tag, dimension.term(value));
        if let Some(code) = dimension
            .code(value)
            .and_then(|code| u64::try_from(code).ok())
        {
            document.add_u64(fields.tag_code, code);
        }
    }
    for set in entry.obstacles.sets() {
        document.add_u64(fields.obstacles, set.bits());
    }
    document.add_u64(fields.obstacles_most, entry.obstacles_most.bits());
    document.add_u64(fields.place, Place::new(shop.lat, shop.lon).packed());
    document.add_i64(fields.price_minor, entry.price_minor);
    document.add_u64(fields.prep_minutes, entry.prep_minutes.into());
    document.add_u64(fields.popularity, entry.popularity);
    if let Some(sale) = entry.sale.and_then(|sale| u64::try_from(sale).ok()) {
        document.add_u64(fields.sale, sale);
    }
    document.add_u64(fields.key, hit_key(shop.restaurant, item));
    document.add_i64(fields.restaurant_sequence, shop.restaurant_sequence);
    document.add_i64(fields.menu_sequence, shop.menu_sequence);
    document.add_bytes(fields.display, &serde_json::to_vec(&entry.display)?);
    if item.is_none() {
        document.add_bytes(fields.facts, &ground.facts);
        document.add_u64(fields.facts_hash, stable_hash(&[&ground.facts]));
    }
    Ok(document)
}

/// A number for a shop, or a dish of it, that is the same in every index.
pub fn hit_key(restaurant: Uuid, item: Option<&str>) -> u64 {
    stable_hash(&[restaurant.as_bytes(), item.unwrap_or_default().as_bytes()])
}

/// A hash that stays what it is over builds and machines: FNV-1a of the parts, each with its length. Not
/// for secrets.
pub fn stable_hash(parts: &[&[u8]]) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(PRIME);
    parts.iter().fold(OFFSET, |hash, part| {
        let length = part.len().to_le_bytes();
        let bytes = length.iter().chain(part.iter());
        bytes.fold(hash, |hash, byte| step(hash, *byte))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_what_it_was_and_parts_do_not_run_into_one_another() {
        assert_ne!(stable_hash(&[b"ab", b"c"]), stable_hash(&[b"a", b"bc"]));
        let shop = Uuid::from_u128(7);
        assert_ne!(hit_key(shop, None), hit_key(shop, Some("miso")));
        assert_eq!(stable_hash(&[]), 0xcbf2_9ce4_8422_2325);
    }
}
