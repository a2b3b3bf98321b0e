//! A day of orders, whichever columns it came in: shops, couriers and orders with their times.

use std::collections::BTreeSet;

use crate::demo::market::Market;

/// Seconds of a day.
pub(crate) const DAY_S: i64 = 86_400;

/// A place on the map in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Place {
    /// Degrees north.
    pub(crate) lat: f64,
    /// Degrees east.
    pub(crate) lon: f64,
}

/// Mean radius of the earth in metres (IUGG).
const EARTH_M: f64 = 6_371_008.8;

impl Place {
    /// Whether both degrees are numbers of this earth.
    pub(crate) fn is_on_earth(self) -> bool {
        self.lat.abs() <= 90.0 && self.lon.abs() <= 180.0
    }

    /// Great-circle distance in metres (haversine).
    pub(crate) fn metres_to(self, other: Self) -> f64 {
        let (lat, other_lat) = (self.lat.to_radians(), other.lat.to_radians());
        let half_lat = (other_lat - lat) / 2.0;
        let half_lon = (other.lon - self.lon).to_radians() / 2.0;
        let chord = half_lat.sin().powi(2) + lat.cos() * other_lat.cos() * half_lon.sin().powi(2);
        2.0 * EARTH_M * chord.clamp(0.0, 1.0).sqrt().asin()
    }
}

/// How somebody carries, with the speed that the simulation gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Vehicle {
    /// Motorcycle or scooter.
    Scooter,
    /// Bicycle.
    Bicycle,
    /// Car.
    Car,
    /// On foot.
    Foot,
}

impl Vehicle {
    /// The API's word.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Scooter => "scooter",
            Self::Bicycle => "bicycle",
            Self::Car => "car",
            Self::Foot => "foot",
        }
    }

    /// Metres a minute through a city, stops included: 24, 15, 21 and 5 km/h.
    pub(crate) fn metres_per_minute(self) -> f64 {
        match self {
            Self::Scooter => 400.0,
            Self::Bicycle => 250.0,
            Self::Car => 350.0,
            Self::Foot => 83.0,
        }
    }
}

/// A shop of the day.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DayShop {
    /// The data's name for it.
    pub(crate) key: String,
    /// Where it is.
    pub(crate) at: Place,
}

/// A courier's shift.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DayCourier {
    /// The data's name.
    pub(crate) key: String,
    /// How they carry.
    pub(crate) vehicle: Vehicle,
    /// Where the shift begins.
    pub(crate) at: Place,
    /// Seconds after the day's midnight.
    pub(crate) on_s: i64,
    /// Seconds after the day's midnight, after `on_s`.
    pub(crate) off_s: i64,
}

/// An order of the day.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DayOrder {
    /// The data's name.
    pub(crate) key: String,
    /// Index into the day's shops.
    pub(crate) shop: usize,
    /// Where it goes.
    pub(crate) to: Place,
    /// When the customer orders, in seconds after the day's midnight.
    pub(crate) placed_s: i64,
    /// When the food is ready, not before `placed_s`.
    pub(crate) ready_s: i64,
}

/// A row that stayed out, with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DayFault {
    /// File and row.
    pub(crate) place: String,
    /// What is wrong.
    pub(crate) reason: String,
}

/// A whole day.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Day {
    /// What to call it: the folder or the seed.
    pub(crate) name: String,
    /// Money, tax and clock of the place.
    pub(crate) market: &'static Market,
    /// Metres a minute for every vehicle, where the data says so.
    pub(crate) metres_per_minute: Option<f64>,
    /// Shops.
    pub(crate) shops: Vec<DayShop>,
    /// Couriers.
    pub(crate) couriers: Vec<DayCourier>,
    /// Orders by `placed_s`.
    pub(crate) orders: Vec<DayOrder>,
    /// Rows that stayed out.
    pub(crate) faults: Vec<DayFault>,
    /// What was mended in the data, in sentences.
    pub(crate) mended: Vec<String>,
}

impl Day {
    /// When the first order is placed.
    pub(crate) fn first_s(&self) -> i64 {
        self.orders.first().map_or(0, |order| order.placed_s)
    }

    /// When the last order is placed.
    pub(crate) fn last_s(&self) -> i64 {
        self.orders.last().map_or(0, |order| order.placed_s)
    }

    /// Keeps the first `count` orders and the shops they need.
    pub(crate) fn truncate(&mut self, count: usize) {
        self.orders.truncate(count);
        let used: BTreeSet<usize> = self.orders.iter().map(|order| order.shop).collect();
        let places: Vec<usize> = used.into_iter().collect();
        self.shops = places
            .iter()
            .map(|place| self.shops[*place].clone())
            .collect();
        for order in &mut self.orders {
            order.shop = places.binary_search(&order.shop).unwrap_or(0);
        }
    }

    /// Metres from a shop to its farthest customer, with a tenth to spare.
    pub(crate) fn reach_m(&self, shop: usize) -> f64 {
        let at = self.shops[shop].at;
        let orders = self.orders.iter().filter(|order| order.shop == shop);
        orders
            .map(|order| at.metres_to(order.to))
            .fold(500.0, f64::max)
            * 1.1
    }

    /// Minutes that `vehicle` needs from one place to another; streets are a third longer than
    /// the straight line, unless the data is a plane with its own speed.
    pub(crate) fn minutes(&self, vehicle: Vehicle, from: Place, to: Place) -> f64 {
        let straight = from.metres_to(to);
        match self.metres_per_minute {
            Some(pace) => (straight / pace).ceil(),
            None => straight * 1.3 / vehicle.metres_per_minute(),
        }
    }
}
