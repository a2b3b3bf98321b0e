//! The markets in which the demo's and the simulation's shops sell: money, tax, fees, clock.
//!
//! Prices of the house menus are written in yen, the currency ramen is thought in, and become local
//! prices by a factor and a step at which shops of that market set prices.

use serde_json::{Value, json};

/// A country's way of selling.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Market {
    /// ISO 3166-1.
    pub(crate) country: &'static str,
    /// ISO 4217.
    pub(crate) currency: &'static str,
    /// IANA name.
    pub(crate) time_zone: &'static str,
    /// City to name when a source has none.
    pub(crate) city: &'static str,
    /// Language tag of menus and signs.
    pub(crate) language: &'static str,
    /// `inclusive` or `exclusive`, as prices are shown.
    tax_mode: &'static str,
    /// Tax on food, in basis points.
    food_bp: u32,
    /// Tax on fees, in basis points.
    fee_bp: u32,
    /// Minor units for a thousand yen.
    per_thousand_yen: i64,
    /// Prices are multiples of this many minor units.
    price_step_minor: i64,
    /// Calling code and a number that nobody has.
    pub(crate) phone: &'static str,
}

/// Taiwan: 5 % business tax included.
pub(crate) static TAIWAN: Market = Market {
    country: "TW",
    currency: "TWD",
    time_zone: "Asia/Taipei",
    city: "臺北市",
    language: "zh-TW",
    tax_mode: "inclusive",
    food_bp: 500,
    fee_bp: 500,
    per_thousand_yen: 29_500,
    price_step_minor: 1_000,
    phone: "+886212345678",
};

/// South Korea: 10 % value-added tax included; the won has no minor unit.
pub(crate) static KOREA: Market = Market {
    country: "KR",
    currency: "KRW",
    time_zone: "Asia/Seoul",
    city: "서울특별시",
    language: "ko",
    tax_mode: "inclusive",
    food_bp: 1_000,
    fee_bp: 1_000,
    per_thousand_yen: 11_500,
    price_step_minor: 500,
    phone: "+82212345678",
};

/// Colombia: 8 % consumption tax on restaurant food, 19 % value-added tax on services, included.
pub(crate) static COLOMBIA: Market = Market {
    country: "CO",
    currency: "COP",
    time_zone: "America/Bogota",
    city: "Pereira",
    language: "en",
    tax_mode: "inclusive",
    food_bp: 800,
    fee_bp: 1_900,
    per_thousand_yen: 4_000_000,
    price_step_minor: 50_000,
    phone: "+576012345678",
};

/// The United States, with sales tax on top of the price.
pub(crate) static UNITED_STATES: Market = Market {
    country: "US",
    currency: "USD",
    time_zone: "America/Chicago",
    city: "Chicago",
    language: "en",
    tax_mode: "exclusive",
    food_bp: 1_075,
    fee_bp: 0,
    per_thousand_yen: 1_700,
    price_step_minor: 25,
    phone: "+13125550123",
};

/// The market of a country; Taiwan when the country is none of ours.
pub(crate) fn market_of(country: &str) -> &'static Market {
    let all = [&TAIWAN, &KOREA, &COLOMBIA, &UNITED_STATES];
    all.into_iter()
        .find(|market| market.country == country)
        .unwrap_or(&TAIWAN)
}

/// One ring around a shop.
struct Ring {
    key: &'static str,
    radius_m: f64,
    fee_yen: i64,
    minimum_yen: i64,
    minutes: u32,
}

/// Half of the delivery time budget of the most delicate style: near bowls travel for less.
const RINGS: [Ring; 2] = [
    Ring {
        key: "near",
        radius_m: 2_000.0,
        fee_yen: 150,
        minimum_yen: 800,
        minutes: 12,
    },
    Ring {
        key: "far",
        radius_m: 5_000.0,
        fee_yen: 300,
        minimum_yen: 1_500,
        minutes: 22,
    },
];
/// Corners of a ring's polygon.
const CORNERS: u32 = 24;
/// Metres in a degree of latitude (mean).
const DEGREE_M: f64 = 111_195.0;

impl Market {
    /// A price of the house menus in this market's minor units.
    pub(crate) fn price_minor(&self, yen: i64) -> i64 {
        let exact = yen * self.per_thousand_yen / 1_000;
        (exact + self.price_step_minor / 2) / self.price_step_minor * self.price_step_minor
    }

    /// The body of `PUT …/terms`: 18 % commission, a fee for very small orders, packaging once.
    pub(crate) fn terms(&self, seller: &str) -> Value {
        json!({
            "seller": seller,
            "tax": { "mode": self.tax_mode, "food_bp": self.food_bp, "fee_bp": self.fee_bp },
            "commission_bp": 1_800,
            "small_order": {
                "below_minor": self.price_minor(1_000),
                "fee_minor": self.price_minor(100),
            },
            "packaging_fee_minor": self.price_minor(50),
        })
    }

    /// The body of `PUT …/zones`: a near and a far ring.
    pub(crate) fn zones(&self, lat: f64, lon: f64) -> Value {
        let zones: Vec<Value> = RINGS.iter().map(|ring| self.zone(ring, lat, lon)).collect();
        json!({ "zones": zones })
    }

    /// The body of `PUT …/zones`: one circle that reaches as far as the shop's customers live.
    pub(crate) fn one_zone(&self, lat: f64, lon: f64, radius_m: f64, minutes: u32) -> Value {
        let ring = Ring {
            key: "all",
            radius_m,
            fee_yen: 200,
            minimum_yen: 0,
            minutes,
        };
        json!({ "zones": [self.zone(&ring, lat, lon)] })
    }

    fn zone(&self, ring: &Ring, lat: f64, lon: f64) -> Value {
        json!({
            "key": ring.key,
            "polygon": circle(lat, lon, ring.radius_m),
            "fee_minor": self.price_minor(ring.fee_yen),
            "minimum_minor": self.price_minor(ring.minimum_yen),
            "minutes": ring.minutes,
        })
    }
}

/// A polygon around a point, as corners in degrees.
fn circle(lat: f64, lon: f64, radius_m: f64) -> Vec<Value> {
    let east = DEGREE_M * lat.to_radians().cos().max(0.01);
    (0..CORNERS)
        .map(|corner| f64::from(corner) / f64::from(CORNERS) * std::f64::consts::TAU)
        .map(|angle| {
            json!({
                "lat": lat + radius_m / DEGREE_M * angle.sin(),
                "lon": lon + radius_m / east * angle.cos(),
            })
        })
        .collect()
}

/// A point at a distance and bearing (degrees clockwise from north), on a flat earth: for a city.
pub(crate) fn away(lat: f64, lon: f64, metres: f64, bearing: f64) -> (f64, f64) {
    let east = DEGREE_M * lat.to_radians().cos().max(0.01);
    let angle = bearing.to_radians();
    (
        lat + metres / DEGREE_M * angle.cos(),
        lon + metres / east * angle.sin(),
    )
}

#[cfg(test)]
mod tests {
    use domain::restaurant::restaurant::{Terms, Zone};

    use super::*;

    #[test]
    fn prices_are_sane_and_stepped() {
        assert_eq!(TAIWAN.price_minor(950), 28_000); // NT$ 280
        assert_eq!(KOREA.price_minor(950), 11_000);
        assert_eq!(COLOMBIA.price_minor(950), 3_800_000); // COP 38,000
        assert_eq!(UNITED_STATES.price_minor(950), 1_625);
        assert_eq!(KOREA.price_minor(0), 0);
    }

    #[test]
    fn the_domain_takes_terms_and_zones_of_every_market() {
        for market in [&TAIWAN, &KOREA, &COLOMBIA, &UNITED_STATES] {
            serde_json::from_value::<Terms>(market.terms("Shop")).expect("terms");
            let zones = market.zones(25.04, 121.53)["zones"].clone();
            serde_json::from_value::<Vec<Zone>>(zones).expect("zones");
        }
    }

    #[test]
    fn rings_lie_around_the_shop() {
        let zones = TAIWAN.zones(25.04, 121.53);
        let corners = zones["zones"][0]["polygon"].as_array().expect("a polygon");
        assert_eq!(corners.len(), 24);
        let north = corners
            .iter()
            .filter_map(|corner| corner["lat"].as_f64())
            .fold(0.0, f64::max);
        assert!((north - 25.04 - 2_000.0 / DEGREE_M).abs() < 1e-9);
    }
}
