//! Places from OpenStreetMap: an Overpass extract (JSON with raw tags) or a CSV made from one.
//!
//! Names in several languages, opening hours and addresses come from the tags; a place without a
//! name, a position or a sign of ramen is refused. © OpenStreetMap contributors, Open Database License 1.0.

use std::collections::BTreeMap;
use std::io::Read;

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::Value;

use super::opening_hours;
use super::records::{Record, for_each_record};
use super::rows::{Faults, Parsed, RefusedRow, ShopRow};
use super::week::Week;

/// Name of this source in shop ids and `source` fields.
pub(crate) const SOURCE: &str = "openstreetmap";

const COLUMNS: [&str; 13] = [
    "osm_type",
    "osm_id",
    "lat",
    "lon",
    "name",
    "name_en",
    "name_ja",
    "cuisine",
    "opening_hours",
    "addr_full",
    "city",
    "phone",
    "brand",
];
/// Amenities where food is sold to eat.
const EATERIES: [&str; 6] = [
    "restaurant",
    "fast_food",
    "cafe",
    "bar",
    "pub",
    "food_court",
];
/// Words in names and cuisines that say ramen.
const SIGNS: [&str; 15] = [
    "ramen",
    "拉麵",
    "拉面",
    "ラーメン",
    "ラー麺",
    "らーめん",
    "らあめん",
    "らぁ麺",
    "沾麵",
    "つけ麺",
    "麵屋",
    "麺屋",
    "麺家",
    "麵家",
    "라멘",
];
/// Words that look like a noodle house and are none of ours.
const COUNTER_SIGNS: [&str; 5] = ["義麵", "義式", "義大利麵", "pasta", "italian"];

/// Reads an Overpass JSON extract, or the CSV form when the text does not begin with `{`.
///
/// # Errors
/// When the file is neither, or cannot be read; faults of rows are in the result.
pub(crate) fn parse(mut file: impl Read) -> anyhow::Result<Parsed> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)
        .context("the file cannot be read")?;
    let starts_as_json = bytes
        .iter()
        .find(|byte| !byte.is_ascii_whitespace())
        .is_some_and(|byte| *byte == b'{');
    if starts_as_json {
        parse_extract(&bytes)
    } else {
        parse_csv(bytes.as_slice())
    }
}

#[derive(Deserialize)]
struct Extract {
    elements: Vec<Value>,
}

#[derive(Deserialize)]
struct Element {
    #[serde(rename = "type")]
    kind: String,
    id: i64,
    #[serde(flatten)]
    at: Position,
    center: Option<Position>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

#[derive(Deserialize, Default)]
struct Position {
    lat: Option<f64>,
    lon: Option<f64>,
}

/// One place, whichever file it came from; texts are untrimmed and may be empty.
struct Place<'file> {
    row: usize,
    source_id: String,
    lat: Option<f64>,
    lon: Option<f64>,
    name: &'file str,
    names: Vec<(String, &'file str)>,
    cuisine: String,
    hours: &'file str,
    address: &'file str,
    city: &'file str,
    phone: &'file str,
}

fn parse_extract(bytes: &[u8]) -> anyhow::Result<Parsed> {
    let extract: Extract = serde_json::from_slice(bytes).context("not an Overpass extract")?;
    let mut parsed = Parsed::default();
    for (index, element) in extract.elements.into_iter().enumerate() {
        let row = index + 1;
        parsed.add(match serde_json::from_value::<Element>(element) {
            Ok(element) => tagged(row, &element),
            Err(fault) => Err(RefusedRow {
                row,
                source_id: None,
                reasons: vec![fault.to_string()],
            }),
        });
    }
    Ok(parsed)
}

fn tagged(row: usize, element: &Element) -> Result<ShopRow, RefusedRow> {
    let tag = |key: &str| element.tags.get(key).map_or("", String::as_str);
    let at = element.center.as_ref().unwrap_or(&element.at);
    let place = Place {
        row,
        source_id: format!("{}/{}", element.kind, element.id),
        lat: at.lat,
        lon: at.lon,
        name: tag("name"),
        names: languages(&element.tags),
        cuisine: format!("{};{}", tag("cuisine"), tag("brand")),
        hours: tag("opening_hours"),
        address: tag("addr:full"),
        city: tag("addr:city"),
        phone: tag("phone"),
    };
    let mut faults = Faults::default();
    if !EATERIES.contains(&tag("amenity")) {
        let kind = [
            "disused:amenity",
            "disused:name",
            "amenity",
            "shop",
            "highway",
            "office",
        ]
        .iter()
        .find_map(|key| element.tags.get(*key).map(|value| format!("{key}={value}")));
        let kind = kind.unwrap_or_else(|| "no amenity".to_owned());
        faults.add(format!("not a place that serves food ({kind})"));
    }
    shop(&place, faults)
}

/// `name:ja` and its kin; variants such as `name:zh_pinyin` are no language tags and left out.
fn languages(tags: &BTreeMap<String, String>) -> Vec<(String, &str)> {
    tags.iter()
        .filter_map(|(key, value)| Some((key.strip_prefix("name:")?, value.as_str())))
        .filter(|(tag, _)| {
            tag.chars()
                .all(|sign| sign.is_ascii_alphanumeric() || sign == '-')
        })
        .map(|(tag, value)| (if tag == "zh" { "zh-TW" } else { tag }.to_owned(), value))
        .collect()
}

fn parse_csv(bytes: &[u8]) -> anyhow::Result<Parsed> {
    let mut parsed = Parsed::default();
    for_each_record(bytes, &COLUMNS, |row, record| {
        parsed.add(listed(row, record));
    })?;
    Ok(parsed)
}

fn listed(row: usize, record: &Record<'_>) -> Result<ShopRow, RefusedRow> {
    let mut faults = Faults::default();
    let (kind, id) = (record.field("osm_type"), record.field("osm_id"));
    if kind.is_empty() || id.parse::<i64>().is_err() {
        faults.add("no osm_type and osm_id");
    }
    let names = [("en", "name_en"), ("ja", "name_ja")];
    let place = Place {
        row,
        source_id: format!("{kind}/{id}"),
        lat: record.field("lat").parse().ok(),
        lon: record.field("lon").parse().ok(),
        name: record.field("name"),
        names: names
            .map(|(tag, column)| (tag.to_owned(), record.field(column)))
            .to_vec(),
        cuisine: format!("{};{}", record.field("cuisine"), record.field("brand")),
        hours: record.field("opening_hours"),
        address: record.field("addr_full"),
        city: record.field("city"),
        phone: record.field("phone"),
    };
    shop(&place, faults)
}

fn shop(place: &Place<'_>, mut faults: Faults) -> Result<ShopRow, RefusedRow> {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for (tag, text) in &place.names {
        if let Some(text) = faults.text("name", text) {
            names.insert(tag.clone(), text);
        }
    }
    let sign = faults
        .text("name", place.name)
        .or_else(|| names.values().next().cloned());
    let name = sign.unwrap_or_else(|| {
        faults.add("no name");
        String::new()
    });
    names
        .entry("zh-TW".to_owned())
        .or_insert_with(|| name.clone());
    if !sells_ramen(&names, &place.cuisine) {
        faults.add("neither name nor cuisine says ramen");
    }
    let mut notes = Vec::new();
    let hours = hours(place.hours, &mut faults, &mut notes);
    let (lat, lon) = (
        faults.degrees("latitude", place.lat, 90.0),
        faults.degrees("longitude", place.lon, 180.0),
    );
    let shop = ShopRow {
        row: place.row,
        source_id: place.source_id.clone(),
        name,
        names,
        lat,
        lon,
        address: faults.text("address", place.address),
        city: faults.text("city", place.city),
        phone: faults.text("phone", place.phone),
        cuisine: place.cuisine.clone(),
        hours,
        notes,
    };
    faults.finish(shop)
}

fn hours(tag: &str, faults: &mut Faults, notes: &mut Vec<String>) -> Option<Week> {
    if tag.trim().is_empty() {
        return None;
    }
    match opening_hours::read(tag) {
        Ok(reading) => {
            notes.extend(reading.notes);
            Some(reading.week)
        }
        Err(fault) => {
            faults.add(format!("{fault} (in \"{tag}\")"));
            None
        }
    }
}

/// Whether a name, cuisine or brand says ramen and nothing says pasta.
fn sells_ramen(names: &BTreeMap<String, String>, cuisine: &str) -> bool {
    let all = names
        .values()
        .map(String::as_str)
        .chain([cuisine])
        .collect::<Vec<_>>()
        .join(";");
    let all = all.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| all.contains(word));
    says(&SIGNS) && !says(&COUNTER_SIGNS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn extract(elements: &Value) -> Parsed {
        let text = json!({ "version": 0.6, "elements": elements }).to_string();
        parse(text.as_bytes()).expect("an extract")
    }

    #[test]
    fn tags_become_names_hours_and_address() {
        let parsed = extract(&json!([{
            "type": "node", "id": 42, "lat": 25.08, "lon": 121.56,
            "tags": {
                "amenity": "restaurant", "name": "拉麵一番星", "name:en": "Ramen Ichiban-boshi",
                "name:zh": "拉麵一番星", "name:zh_pinyin": "la mian", "addr:city": "臺北市",
                "opening_hours": "Tu-Fr 11:30-14:00, 17:30-19:00; Su 11:30-14:00; Mo, Sa off"
            }
        }]));
        assert!(parsed.refused.is_empty(), "{:?}", parsed.refused);
        let shop = &parsed.shops[0];
        assert_eq!(shop.source_id, "node/42");
        assert_eq!(shop.names.keys().collect::<Vec<_>>(), ["en", "zh-TW"]);
        let hours = shop.hours.as_ref().expect("hours");
        assert!(hours.days[0].is_empty());
        assert_eq!(hours.days[1].len(), 2);
    }

    #[test]
    fn a_building_stands_at_its_centre() {
        let parsed = extract(&json!([{
            "type": "way", "id": 5, "center": { "lat": 25.0, "lon": 121.5 },
            "tags": { "amenity": "restaurant", "name": "麵屋緣" }
        }]));
        assert_eq!((parsed.shops[0].lat, parsed.shops[0].lon), (25.0, 121.5));
    }

    #[test]
    fn every_fault_is_named() {
        let parsed = extract(&json!([
            { "type": "node", "id": 1, "lat": 25.0, "lon": 121.5,
              "tags": { "highway": "bus_stop", "name": "拉麵", "opening_hours": "Today 11:00" } },
            { "type": "node", "id": 2, "tags": { "amenity": "restaurant" } },
            { "type": "node", "tags": {} },
            { "type": "node", "id": 4, "lat": 25.0, "lon": 121.5,
              "tags": { "amenity": "restaurant", "name": "La Pasta 義大利麵屋" } },
        ]));
        assert!(parsed.shops.is_empty());
        assert_eq!(
            parsed.refused[0].reasons,
            [
                "not a place that serves food (highway=bus_stop)",
                "opening hours: 'Today' is not understood (in \"Today 11:00\")"
            ]
        );
        assert_eq!(
            parsed.refused[1].reasons,
            [
                "no name",
                "neither name nor cuisine says ramen",
                "no latitude",
                "no longitude"
            ]
        );
        assert_eq!(parsed.refused[2].row, 3);
        assert_eq!(
            parsed.refused[3].reasons,
            ["neither name nor cuisine says ramen"]
        );
    }

    #[test]
    fn the_csv_form_is_recognised() {
        let text = format!(
            "{},district\nnode,7,25.1,121.5,一風堂,Ippudo,,ramen,11:30 - 24:00,,臺北市,,,x",
            COLUMNS.join(",")
        );
        let parsed = parse(text.as_bytes()).expect("a CSV");
        assert_eq!(parsed.shops[0].names["en"], "Ippudo");
        assert!(parsed.shops[0].hours.is_some());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(parsed) = parse(bytes.as_slice()) {
                prop_assert!(parsed.refused.iter().all(|row| !row.reasons.is_empty()));
            }
        }

        #[test]
        fn any_tags_are_read_or_refused(
            tags in prop::collection::btree_map("name(:[a-z]{2})?|amenity|opening_hours", any::<String>(), 0..6),
            lat in prop::option::of(any::<f64>()),
        ) {
            let parsed = extract(&json!([
                { "type": "node", "id": 1, "lat": lat, "lon": 1.0, "tags": tags }
            ]));
            prop_assert_eq!(parsed.shops.len() + parsed.refused.len(), 1);
        }
    }
}
