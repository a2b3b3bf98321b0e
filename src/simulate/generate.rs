//! A small day that depends on a seed alone, for tests: real days may not enter the repository.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::day::{DAY_S, Day, DayCourier, DayOrder, DayShop, Place, Vehicle};
use crate::demo::market::{TAIWAN, away};

/// Where the generated town is.
const CENTRE: Place = Place {
    lat: 25.045,
    lon: 121.535,
};
/// Seconds that one courier needs for an order, roughly.
const CARRYING_S: i64 = 20 * 60;
/// Orders per shop.
const ORDERS_PER_SHOP: usize = 8;
/// When the evening begins, in seconds after midnight.
const EVENING_S: i64 = 18 * 3_600;
/// How long it lasts at least and at most; more orders make it busier then, not longer.
const EVENING_LENGTH_S: (i64, i64) = (30 * 60, 2 * 3_600);
/// Seconds between two orders of an evening that is not yet busy.
const ORDER_EVERY_S: i64 = 90;

/// A day of `orders` orders in one evening; the same for the same seed.
pub(crate) fn generate(seed: u64, orders: usize) -> Day {
    let mut random = StdRng::seed_from_u64(seed);
    let length_s = length_s(orders);
    let shops: Vec<DayShop> = (0..orders.div_ceil(ORDERS_PER_SHOP).max(2))
        .map(|number| DayShop {
            key: format!("shop {}", number + 1),
            at: near(&mut random, CENTRE, 2_500.0),
        })
        .collect();
    let couriers = (0..couriers(orders, length_s))
        .map(|number| DayCourier {
            key: (number + 1).to_string(),
            vehicle: [Vehicle::Scooter, Vehicle::Scooter, Vehicle::Bicycle][number % 3],
            at: near(&mut random, CENTRE, 2_500.0),
            on_s: EVENING_S - 1_800,
            off_s: DAY_S,
        })
        .collect();
    let mut orders: Vec<DayOrder> = (0..orders)
        .map(|number| order(&mut random, number, &shops, length_s))
        .collect();
    orders.sort_by_key(|order| order.placed_s);
    Day {
        name: format!("generated day {seed}"),
        market: &TAIWAN,
        metres_per_minute: None,
        shops,
        couriers,
        orders,
        faults: Vec::new(),
        mended: Vec::new(),
    }
}

/// How long an evening of so many orders lasts.
fn length_s(orders: usize) -> i64 {
    let (shortest, longest) = EVENING_LENGTH_S;
    let unhurried = i64::try_from(orders)
        .unwrap_or(i64::MAX)
        .saturating_mul(ORDER_EVERY_S);
    unhurried.clamp(shortest, longest)
}

/// How many couriers it needs.
fn couriers(orders: usize, length_s: i64) -> usize {
    let each = usize::try_from(length_s / CARRYING_S).unwrap_or(1).max(1);
    orders.div_ceil(each).max(2)
}

fn order(random: &mut StdRng, number: usize, shops: &[DayShop], length_s: i64) -> DayOrder {
    let shop = random.random_range(0..shops.len());
    let placed_s = EVENING_S + random.random_range(0..length_s);
    DayOrder {
        key: (number + 1).to_string(),
        shop,
        to: near(random, shops[shop].at, 3_000.0),
        placed_s,
        ready_s: placed_s + random.random_range(8 * 60..20 * 60),
    }
}

fn near(random: &mut StdRng, at: Place, metres: f64) -> Place {
    let (distance, bearing) = (
        random.random_range(0.0..metres),
        random.random_range(0.0..360.0),
    );
    let (lat, lon) = away(at.lat, at.lon, distance, bearing);
    Place { lat, lon }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_day() {
        assert_eq!(generate(7, 40), generate(7, 40));
        assert_ne!(generate(7, 40).orders, generate(8, 40).orders);
    }

    #[test]
    fn a_day_is_sound() {
        let day = generate(1, 60);
        assert_eq!(day.orders.len(), 60);
        assert!(day.orders.is_sorted_by_key(|order| order.placed_s));
        assert!(
            day.orders
                .iter()
                .all(|order| order.ready_s > order.placed_s)
        );
        assert!(day.orders.iter().all(|order| order.to.is_on_earth()));
        assert!(day.last_s() - day.first_s() <= 90 * 60);
    }

    #[test]
    fn a_small_evening_is_short_and_a_large_one_is_busy() {
        assert_eq!(
            [1, 40, 200, usize::MAX].map(length_s),
            [1_800, 3_600, 7_200, 7_200]
        );
        assert_eq!(
            [(1, 1_800), (40, 3_600), (200, 7_200)].map(|(n, s)| couriers(n, s)),
            [2, 14, 34]
        );
    }
}
