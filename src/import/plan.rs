//! From a source's row to a shop to open: fills in what the source does not say, and says so.

use domain::kernel::ids::RestaurantId;
use serde_json::Value;

use super::Format;
use super::rows::{Parsed, ShopRow};
use super::week::Week;
use crate::demo::market::Market;
use crate::demo::menus::house_for;
use crate::demo::open_shop::ShopPlan;

/// Cities of Taiwan with their centres, for the half of the places whose tags name none.
const TAIWAN_CITIES: [(&str, f64, f64); 14] = [
    ("臺北市", 25.045, 121.540),
    ("新北市", 25.012, 121.465),
    ("基隆市", 25.131, 121.740),
    ("桃園市", 24.990, 121.300),
    ("新竹市", 24.804, 120.969),
    ("苗栗縣", 24.560, 120.820),
    ("臺中市", 24.150, 120.670),
    ("彰化縣", 24.075, 120.540),
    ("嘉義市", 23.480, 120.450),
    ("臺南市", 22.995, 120.205),
    ("高雄市", 22.630, 120.310),
    ("屏東縣", 22.670, 120.490),
    ("花蓮縣", 23.980, 121.605),
    ("臺東縣", 22.755, 121.145),
];

/// The shops of a parsed file, each with a house menu that fits its name.
pub(crate) fn plans(format: Format, parsed: &Parsed, default_hours: &Week) -> Vec<ShopPlan> {
    parsed
        .shops
        .iter()
        .map(|row| plan(format, row, default_hours))
        .collect()
}

fn plan(format: Format, row: &ShopRow, default_hours: &Week) -> ShopPlan {
    let market = format.market();
    let city = city(format, row);
    let names: Vec<&str> = row.names.values().map(String::as_str).collect();
    let house = house_for(&format!("{} {}", names.join(" "), row.cuisine), row.row);
    ShopPlan {
        id: RestaurantId::imported(format.source(), &row.source_id).uuid(),
        name: sign(row),
        market,
        address: row.address.clone().unwrap_or_else(|| city.clone()),
        city,
        lat: row.lat,
        lon: row.lon,
        source: (format.source(), row.source_id.clone()),
        phone: row.phone.clone(),
        auto_fire: false,
        styles: house.styles().into_iter().map(str::to_owned).collect(),
        hours: hours(row, default_hours),
        zones: market.zones(row.lat, row.lon),
        menu: house.document(market),
        stock: house.counts(1),
    }
}

/// The name on the sign with the Latin one beside it, so that a stranger finds the shop too.
fn sign(row: &ShopRow) -> String {
    match row.names.get("en") {
        Some(latin) if !row.name.to_lowercase().contains(&latin.to_lowercase()) => {
            let both = format!("{} ({latin})", row.name);
            if both.chars().count() <= 120 {
                both
            } else {
                row.name.clone()
            }
        }
        Some(_) | None => row.name.clone(),
    }
}

fn hours(row: &ShopRow, default_hours: &Week) -> Value {
    row.hours.as_ref().unwrap_or(default_hours).body()
}

fn city(format: Format, row: &ShopRow) -> String {
    let market: &Market = format.market();
    match (&row.city, format) {
        // 台 is the everyday form of 臺; one spelling keeps a city one city.
        (Some(city), Format::Osm) => city.replace('台', "臺"),
        (Some(city), Format::Seoul) => city.clone(),
        (None, Format::Seoul) => market.city.to_owned(),
        (None, Format::Osm) => nearest_city(row.lat, row.lon).to_owned(),
    }
}

fn nearest_city(lat: f64, lon: f64) -> &'static str {
    let distance = |city: &(&str, f64, f64)| (city.1 - lat).hypot((city.2 - lon) * 0.91);
    let nearest = TAIWAN_CITIES
        .iter()
        .min_by(|left, right| distance(left).total_cmp(&distance(right)));
    nearest.map_or("臺北市", |city| city.0)
}

#[cfg(test)]
mod tests {
    use domain::kernel::hours::WeeklyHours;
    use domain::kernel::text::Name;

    use super::*;

    #[test]
    fn a_place_without_city_gets_the_nearest() {
        assert_eq!(nearest_city(24.11, 120.67), "臺中市");
        assert_eq!(nearest_city(25.03, 121.55), "臺北市");
    }

    #[test]
    fn the_embedded_sources_become_distinct_shops() {
        let week = super::super::default_hours("24/7").expect("always");
        let mut ids = std::collections::BTreeSet::new();
        for (format, bytes) in crate::demo::marketplace::sources() {
            let parsed = format.parse(bytes).expect("the demo's own files");
            assert!(parsed.refused.is_empty(), "{:?}", parsed.refused);
            assert!(parsed.shops.len() >= 40);
            for plan in plans(format, &parsed, &week) {
                serde_json::from_value::<WeeklyHours>(plan.hours.clone()).expect(&plan.name);
                Name::parse(&plan.name).expect(&plan.name);
                assert!(ids.insert(plan.id), "{}", plan.name);
                assert!(!plan.styles.is_empty());
            }
        }
    }
}
