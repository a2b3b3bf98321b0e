//! A day in the columns of Rappi's published orders: `orders.csv` and `couriers.csv`.
//!
//! Known dirt and what becomes of it: restaurants have no id and are told apart by exact position;
//! times past midnight wrap to 00:xx and count for the next day; an order that is ready before it is
//! placed becomes ready when it is placed; promises are not read, ours are our own.

use std::collections::BTreeMap;
use std::path::Path;

use super::day::{DAY_S, Day, DayCourier, DayFault, DayOrder, DayShop, Place, Vehicle};
use super::file::{name, open};
use crate::demo::market::COLOMBIA;
use crate::import::{Record, for_each_record};

const ORDER_COLUMNS: [&str; 7] = [
    "order_id",
    "pick_up_lat",
    "pick_up_lng",
    "drop_off_lat",
    "drop_off_lng",
    "placement_time",
    "ready_time",
];
const COURIER_COLUMNS: [&str; 6] = [
    "courier_id",
    "vehicle",
    "on_lat",
    "on_lng",
    "on_time",
    "off_time",
];
/// A time this much earlier than the one it must follow is one of the next day.
const WRAP_S: i64 = DAY_S / 2;

/// Reads `orders.csv` and `couriers.csv` of a folder.
///
/// # Errors
/// When a file cannot be read or lacks a column; bad rows are in the day's faults.
pub(crate) fn read(folder: &Path) -> anyhow::Result<Day> {
    let name = name(folder);
    parse(
        &name,
        open(folder, "orders.csv")?,
        open(folder, "couriers.csv")?,
    )
}

/// Reads both files from anywhere.
///
/// # Errors
/// As [`read`].
pub(crate) fn parse(
    name: &str,
    orders: impl std::io::Read,
    couriers: impl std::io::Read,
) -> anyhow::Result<Day> {
    let mut reading = Reading::default();
    for_each_record(orders, &ORDER_COLUMNS, |row, record| {
        let read = reading.order(record);
        reading.keep("orders.csv", row, read, |reading, order| {
            reading.orders.push(order);
        });
    })?;
    for_each_record(couriers, &COURIER_COLUMNS, |row, record| {
        let read = courier(record);
        reading.keep("couriers.csv", row, read, |reading, courier| {
            reading.couriers.push(courier);
        });
    })?;
    Ok(reading.day(name))
}

#[derive(Default)]
struct Reading {
    shops: Vec<DayShop>,
    /// Index of a shop by the text of its position: exact, as the data has it.
    known: BTreeMap<String, usize>,
    orders: Vec<DayOrder>,
    couriers: Vec<DayCourier>,
    faults: Vec<DayFault>,
    ready_before_placed: usize,
}

impl Reading {
    fn keep<T>(
        &mut self,
        file: &str,
        row: usize,
        read: Result<T, String>,
        push: impl FnOnce(&mut Self, T),
    ) {
        match read {
            Ok(value) => push(self, value),
            Err(reason) => self.faults.push(DayFault {
                place: format!("{file}:{row}"),
                reason,
            }),
        }
    }

    fn order(&mut self, record: &Record<'_>) -> Result<DayOrder, String> {
        let key = text(record, "order_id")?;
        let at = place(record, "pick_up_lat", "pick_up_lng")?;
        let to = place(record, "drop_off_lat", "drop_off_lng")?;
        let placed_s = time(record, "placement_time")?;
        let mut ready_s = after(time(record, "ready_time")?, placed_s);
        if ready_s < placed_s {
            ready_s = placed_s;
            self.ready_before_placed += 1;
        }
        let position = format!(
            "{},{}",
            record.field("pick_up_lat"),
            record.field("pick_up_lng")
        );
        let next = self.shops.len();
        let shop = *self.known.entry(position).or_insert(next);
        if shop == next {
            self.shops.push(DayShop {
                key: format!("shop {}", next + 1),
                at,
            });
        }
        Ok(DayOrder {
            key,
            shop,
            to,
            placed_s,
            ready_s,
        })
    }

    fn day(mut self, name: &str) -> Day {
        self.orders.sort_by_key(|order| order.placed_s);
        let mut mended = Vec::new();
        if self.ready_before_placed > 0 {
            mended.push(format!(
                "{} orders were ready before placed",
                self.ready_before_placed
            ));
        }
        Day {
            name: name.to_owned(),
            market: &COLOMBIA,
            metres_per_minute: None,
            shops: self.shops,
            couriers: self.couriers,
            orders: self.orders,
            faults: self.faults,
            mended,
        }
    }
}

fn courier(record: &Record<'_>) -> Result<DayCourier, String> {
    let on_s = time(record, "on_time")?;
    let off_s = time(record, "off_time")?;
    // A shift that ends before it begins ends on the next day.
    let off_s = if off_s <= on_s { off_s + DAY_S } else { off_s };
    Ok(DayCourier {
        key: text(record, "courier_id")?,
        vehicle: vehicle(record.field("vehicle"))?,
        at: place(record, "on_lat", "on_lng")?,
        on_s,
        off_s,
    })
}

fn vehicle(word: &str) -> Result<Vehicle, String> {
    match word {
        "motorcycle" | "scooter" => Ok(Vehicle::Scooter),
        "bicycle" => Ok(Vehicle::Bicycle),
        "car" => Ok(Vehicle::Car),
        "walking" => Ok(Vehicle::Foot),
        other => Err(format!("vehicle '{other}' is not known")),
    }
}

fn text(record: &Record<'_>, column: &str) -> Result<String, String> {
    let text = record.field(column);
    if text.is_empty() {
        Err(format!("no {column}"))
    } else {
        Ok(text.to_owned())
    }
}

fn place(record: &Record<'_>, lat: &str, lon: &str) -> Result<Place, String> {
    let degrees = |column: &str| {
        let text = record.field(column);
        text.parse::<f64>()
            .map_err(|_| format!("{column} '{text}' is not a number"))
    };
    let place = Place {
        lat: degrees(lat)?,
        lon: degrees(lon)?,
    };
    if place.is_on_earth() {
        Ok(place)
    } else {
        Err(format!("{lat}, {lon} is no place on earth"))
    }
}

/// `HH:MM:SS` in seconds after midnight.
fn time(record: &Record<'_>, column: &str) -> Result<i64, String> {
    let text = record.field(column);
    let parts: Vec<i64> = text
        .split(':')
        .filter_map(|part| part.parse().ok())
        .collect();
    match parts.as_slice() {
        [hours @ 0..24, minutes @ 0..60, seconds @ 0..60] if text.split(':').count() == 3 => {
            Ok(hours * 3_600 + minutes * 60 + seconds)
        }
        _ => Err(format!("{column} '{text}' is not a time of day")),
    }
}

/// A time of day at or after `earlier`, on the next day when it seems half a day too early.
fn after(time_s: i64, earlier_s: i64) -> i64 {
    if earlier_s - time_s > WRAP_S {
        time_s + DAY_S
    } else {
        time_s
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const COURIERS: &str = "courier_id,vehicle,on_lat,on_lng,on_time,off_time\n\
        1,motorcycle,4.8,-75.7,22:37:00,00:38:00\n2,rocket,4.8,-75.7,10:00:00,12:00:00";

    fn orders(rows: &str) -> String {
        format!(
            "order_id,pick_up_lat,pick_up_lng,drop_off_lat,drop_off_lng,placement_time,\
             preparation_time,ready_time,expected_drop_off_time\n{rows}"
        )
    }

    fn day(rows: &str) -> Day {
        parse("test", orders(rows).as_bytes(), COURIERS.as_bytes()).expect("readable")
    }

    #[test]
    fn times_past_midnight_belong_to_the_next_day() {
        let day = day("1,4.8,-75.7,4.81,-75.71,23:50:00,23:51:00,00:20:00,00:40:00");
        assert_eq!(day.orders[0].placed_s, 85_800);
        assert_eq!(day.orders[0].ready_s, DAY_S + 1_200);
        assert_eq!(day.couriers[0].off_s, DAY_S + 2_280);
    }

    #[test]
    fn one_position_is_one_shop_and_orders_are_in_time() {
        let day = day("2,4.8,-75.7,4.81,-75.71,12:00:00,,12:20:00,\n\
             1,4.8,-75.7,4.82,-75.71,11:00:00,,11:20:00,\n3,4.9,-75.7,4.82,-75.71,13:00:00,,13:20:00,");
        assert_eq!(day.shops.len(), 2);
        assert_eq!(
            day.orders
                .iter()
                .map(|order| order.key.as_str())
                .collect::<Vec<_>>(),
            ["1", "2", "3"]
        );
        assert!(day.reach_m(0) > 2_400.0);
    }

    #[test]
    fn ready_before_placed_is_mended_and_bad_rows_are_named() {
        let day = day("1,4.8,-75.7,4.81,-75.71,12:00:00,,11:50:00,\n\
             2,4.8,x,4.81,-75.71,12:00:00,,12:10:00,\n3,4.8,-75.7,4.81,-75.71,25:00:00,,12:10:00,");
        assert_eq!(day.orders[0].ready_s, day.orders[0].placed_s);
        assert_eq!(day.mended, ["1 orders were ready before placed"]);
        let faults: Vec<String> = day
            .faults
            .iter()
            .map(|fault| format!("{} {}", fault.place, fault.reason))
            .collect();
        assert_eq!(
            faults,
            [
                "orders.csv:2 pick_up_lng 'x' is not a number",
                "orders.csv:3 placement_time '25:00:00' is not a time of day",
                "couriers.csv:2 vehicle 'rocket' is not known"
            ]
        );
    }

    #[test]
    fn a_shorter_day_keeps_its_shops() {
        let mut day = day("1,4.8,-75.7,4.81,-75.71,11:00:00,,11:20:00,\n\
             2,4.9,-75.7,4.82,-75.71,12:00:00,,12:20:00,");
        day.orders.reverse();
        day.truncate(1);
        assert_eq!(
            (day.shops.len(), day.orders[0].shop, day.shops[0].at.lat),
            (1, 0, 4.9)
        );
    }

    proptest! {
        #[test]
        fn any_row_is_read_or_named(row in "[0-9:.,x-]{0,80}") {
            let day = day(&row);
            prop_assert!(day.orders.len() + day.faults.len() <= 3);
        }
    }
}
