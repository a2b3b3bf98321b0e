//! A search index made by hand: shops with dishes, without views behind them.

use std::path::Path;

use domain::kernel::allergen::Allergen;
use infra::search_schema::{
    Alternatives, Dimension, Display, Entry, IndexFolder, Obstacles, ShopEntries, ShopFacts,
    Versions, documents, register, schema,
};
use tantivy::{Index, TantivyDocument};
use uuid::Uuid;

/// Where the shops stand around.
pub(crate) const CENTRE: (f64, f64) = (35.66, 139.70);

/// A shop so many degrees north and east of the centre, open from 11 to 22 on every day in Tokyo; it
/// delivers within two hundredths of a degree, in 15 minutes.
pub(crate) fn shop(id: u128, north: f64, east: f64) -> ShopEntries {
    let (lat, lon) = (CENTRE.0 + north, CENTRE.1 + east);
    let corner = |north: f64, east: f64| serde_json::json!({"lat": lat + north, "lon": lon + east});
    let days: Vec<serde_json::Value> = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
        .iter()
        .map(|day| serde_json::json!({"weekday": day, "opens": "11:00", "closes": "22:00"}))
        .collect();
    let facts: ShopFacts = serde_json::from_value(serde_json::json!({
        "time_zone": "Asia/Tokyo",
        "hours": {"days": days, "exceptions": []},
        "zones": [{"minutes": 15, "polygon": [
            corner(-0.02, -0.02), corner(-0.02, 0.02), corner(0.02, 0.02), corner(0.02, -0.02)]}],
        "pause": null, "currency": "JPY",
        // For dishes: Mondays, and the afternoons of a weekend.
        "sale": [
            [{"days": [{"weekday": "mon", "opens": "00:00", "closes": "00:00"}]}],
            [{"days": days}, {"days": [
                {"weekday": "sun", "opens": "14:00", "closes": "18:00"},
                {"weekday": "sat", "opens": "14:00", "closes": "18:00"}]}]],
    }))
    .unwrap();
    let name = format!("Menya {id}");
    ShopEntries {
        restaurant: Uuid::from_u128(id),
        lat,
        lon,
        restaurant_sequence: 1,
        menu_sequence: 1,
        facts,
        entries: vec![entry(&name, None, "")],
    }
}

/// A dish that costs 1,000 and is free of every allergen.
pub(crate) fn dish(key: &str, name: &str) -> Entry {
    Entry {
        price_minor: 1_000,
        ..entry("Menya", Some(key), name)
    }
}

fn entry(shop: &str, item: Option<&str>, name: &str) -> Entry {
    Entry {
        names: vec![if item.is_some() { name } else { shop }.to_owned()],
        texts: Vec::new(),
        tags: Vec::new(),
        price_minor: 0,
        prep_minutes: 12,
        obstacles: item.map_or_else(Alternatives::none, |_| {
            Alternatives::only(Obstacles::default())
        }),
        obstacles_most: Obstacles::default(),
        popularity: 0,
        sale: None,
        display: Display {
            restaurant_name: shop.to_owned(),
            item: item.map(str::to_owned),
            item_name: [("en".to_owned(), name.to_owned())].into(),
            currency: "JPY".to_owned(),
            city: "Tokyo".to_owned(),
            styles: Vec::new(),
        },
    }
}

/// What tests say of an entry.
pub(crate) trait Described: Sized {
    fn styled(self, style: &str) -> Self;
    fn costing(self, minor: i64) -> Self;
    fn with_allergens(self, ways: &[&[Allergen]]) -> Self;
}

impl Described for Entry {
    fn styled(mut self, style: &str) -> Self {
        self.tags.push((Dimension::Style, style.to_owned()));
        self.display.styles.push(style.to_owned());
        self
    }

    fn costing(mut self, minor: i64) -> Self {
        self.price_minor = minor;
        self
    }

    /// Each way of choosing has these allergens.
    fn with_allergens(mut self, ways: &[&[Allergen]]) -> Self {
        let sets = ways
            .iter()
            .map(|way| Obstacles::any_of(way.iter().copied()));
        self.obstacles_most = sets.clone().fold(Obstacles::default(), Obstacles::with);
        self.obstacles = sets.fold(Alternatives::none(), |all, set| {
            all.or(Alternatives::only(set))
        });
        self
    }
}

/// Puts dishes into a shop.
pub(crate) fn with(mut shop: ShopEntries, dishes: impl IntoIterator<Item = Entry>) -> ShopEntries {
    shop.entries.extend(dishes);
    shop
}

/// Writes shops, so many in a segment.
pub(crate) fn write(folder: &Path, shops: &[ShopEntries], in_a_segment: usize) {
    let (schema, fields) = schema();
    let served = IndexFolder::at(folder);
    served.serve(Versions::FIRST).unwrap();
    let directory = served.served().unwrap().unwrap();
    std::fs::create_dir(&directory).unwrap();
    let index = Index::create_in_dir(directory, schema).unwrap();
    register(&index);
    let mut writer = index
        .writer_with_num_threads::<TantivyDocument>(1, 20_000_000)
        .unwrap();
    writer.set_merge_policy(Box::new(tantivy::merge_policy::NoMergePolicy));
    for segment in shops.chunks(in_a_segment.max(1)) {
        for shop in segment {
            for document in documents(&fields, shop).unwrap() {
                writer.add_document(document).unwrap();
            }
        }
        writer.commit().unwrap();
    }
    writer.commit().unwrap();
}

/// Merges all segments into one, as the writer does by itself now and then.
pub(crate) fn merge(folder: &Path) {
    let served = IndexFolder::at(folder).served().unwrap();
    let index = Index::open_in_dir(served.unwrap()).unwrap();
    register(&index);
    let segments = index.searchable_segment_ids().unwrap();
    let mut writer = index
        .writer_with_num_threads::<TantivyDocument>(1, 20_000_000)
        .unwrap();
    writer.merge(&segments).wait().unwrap();
    writer.commit().unwrap();
}
