//! From what is known of a shop and its dishes to documents. A document says by its id which it is, and by
//! its digest what it says, so that only what has changed is written, and two indexes can be compared.

use std::hash::{Hash as _, Hasher as _};

use tantivy::TantivyDocument;
use uuid::Uuid;

use super::cells::{Area, Place, cells_of};
use super::entry::{Entry, ShopEntries};
use super::hash::{StableHasher, hit_key, stable_hash};
use super::romaji::romaji_of;
use super::{Fields, KIND_DISH, KIND_SHOP};

/// The id of a shop's document, or of a dish's: no two share one.
pub fn document_id(restaurant: Uuid, item: Option<&str>) -> String {
    item.map_or_else(
        || restaurant.to_string(),
        |item| format!("{restaurant}/{item}"),
    )
}

/// What all documents of a shop share, worked out once.
#[derive(Debug)]
pub struct Ground<'a> {
    shop: &'a ShopEntries,
    restaurant: String,
    cells: Vec<String>,
    areas: Vec<String>,
    facts: Vec<u8>,
}

impl<'a> Ground<'a> {
    /// The ground of a shop.
    ///
    /// # Errors
    /// When its facts are no JSON; plain values with text keys always are.
    pub fn of(shop: &'a ShopEntries) -> serde_json::Result<Self> {
        let zones = shop.facts.zones.iter();
        let corners = zones.flat_map(|zone| zone.polygon.corners());
        let area = Area::around(corners.map(|corner| (corner.lat(), corner.lon())));
        Ok(Self {
            shop,
            restaurant: shop.restaurant.to_string(),
            cells: cells_of(shop.lat, shop.lon),
            areas: area.map(|area| area.cells()).unwrap_or_default(),
            facts: serde_json::to_vec(&shop.facts)?,
        })
    }

    /// The id of an entry's document.
    pub fn id(&self, entry: &Entry) -> String {
        document_id(self.shop.restaurant, entry.display.item.as_deref())
    }

    /// Hash over everything that an entry's document says. Sequences are left out: they alone do not make
    /// a document worth writing.
    pub fn digest(&self, entry: &Entry) -> u64 {
        let mut hasher = StableHasher::default();
        (&self.cells, &self.areas).hash(&mut hasher);
        (self.shop.lat.to_bits(), self.shop.lon.to_bits()).hash(&mut hasher);
        if entry.display.item.is_none() {
            self.facts.hash(&mut hasher);
        }
        entry.hash(&mut hasher);
        hasher.finish()
    }

    /// The document of an entry.
    ///
    /// # Errors
    /// When what it displays is no JSON; plain values with text keys always are.
    pub fn document(&self, fields: &Fields, entry: &Entry) -> serde_json::Result<TantivyDocument> {
        let mut document = TantivyDocument::default();
        document.add_text(fields.id, self.id(entry));
        document.add_u64(fields.digest, self.digest(entry));
        document.add_text(fields.restaurant, &self.restaurant);
        document.add_u64(fields.shop, hit_key(self.shop.restaurant, None));
        let item = entry.display.item.as_deref();
        let kind = if item.is_some() { KIND_DISH } else { KIND_SHOP };
        document.add_text(fields.kind, kind);
        document.add_u64(fields.key, hit_key(self.shop.restaurant, item));
        self.add_words(fields, entry, &mut document);
        self.add_numbers(fields, entry, &mut document);
        document.add_bytes(fields.display, &serde_json::to_vec(&entry.display)?);
        if item.is_none() {
            document.add_bytes(fields.facts, &self.facts);
            document.add_u64(fields.facts_hash, stable_hash(&[&self.facts]));
        }
        Ok(document)
    }

    fn add_words(&self, fields: &Fields, entry: &Entry, document: &mut TantivyDocument) {
        let texts = [(fields.name, &entry.names), (fields.text, &entry.texts)];
        let cells = [(fields.cell, &self.cells), (fields.area, &self.areas)];
        for (field, values) in texts.into_iter().chain(cells) {
            for value in values {
                document.add_text(field, value);
            }
        }
        for beginning in entry.names.iter().flat_map(|name| romaji_of(name)) {
            document.add_text(fields.romaji, beginning);
        }
        for (dimension, value) in &entry.tags {
            document.add_text(fields.tag, dimension.term(value));
            let code = dimension.code(value);
            if let Some(code) = code.and_then(|code| u64::try_from(code).ok()) {
                document.add_u64(fields.tag_code, code);
            }
        }
    }

    fn add_numbers(&self, fields: &Fields, entry: &Entry, document: &mut TantivyDocument) {
        let shop = self.shop;
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
        document.add_i64(fields.restaurant_sequence, shop.restaurant_sequence);
        document.add_i64(fields.menu_sequence, shop.menu_sequence);
    }
}

/// All documents of a shop.
///
/// # Errors
/// As [`Ground::of`] and [`Ground::document`].
pub fn documents(fields: &Fields, shop: &ShopEntries) -> serde_json::Result<Vec<TantivyDocument>> {
    let ground = Ground::of(shop)?;
    let entries = shop.entries.iter();
    entries
        .map(|entry| ground.document(fields, entry))
        .collect()
}
