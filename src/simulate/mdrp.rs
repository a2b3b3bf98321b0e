//! A day in the columns of the Meal Delivery Routing Problem's public instances (Grubhub, 2018):
//! `orders.txt`, `couriers.txt`, `restaurants.txt` and `instance_parameters.txt`, tab-separated, in
//! whole minutes and metres on a plane. Source: <https://github.com/grubhub/mdrplib>.
//!
//! The plane is laid on the map with its origin in a city, so that our API has its degrees. The
//! instances hide their city; the one here is a name for a plane.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;

use super::day::{Day, DayCourier, DayFault, DayOrder, DayShop, Place, Vehicle};
use super::file::{name, open};
use crate::demo::market::{UNITED_STATES, away};

/// Where the plane's (0, 0) lies: south-west of Chicago's centre.
const ORIGIN: Place = Place {
    lat: 41.80,
    lon: -87.75,
};
/// The instances' minute 0 in seconds after midnight. They end at minute 1,070, so that a day that
/// starts at five in the morning stays within its date.
const MINUTE_ZERO_S: i64 = 5 * 3_600;

/// Reads an instance's folder.
///
/// # Errors
/// When a file cannot be read or lacks a column; bad rows are in the day's faults.
pub(crate) fn read(folder: &Path) -> anyhow::Result<Day> {
    let text = |name: &str| -> anyhow::Result<String> {
        std::io::read_to_string(open(folder, name)?).with_context(|| format!("cannot read {name}"))
    };
    parse(
        &name(folder),
        &text("instance_parameters.txt")?,
        &text("restaurants.txt")?,
        &text("couriers.txt")?,
        &text("orders.txt")?,
    )
}

/// Reads the four texts.
///
/// # Errors
/// As [`read`].
pub(crate) fn parse(
    name: &str,
    parameters: &str,
    restaurants: &str,
    couriers: &str,
    orders: &str,
) -> anyhow::Result<Day> {
    let mut faults = Vec::new();
    let pace = table(
        "instance_parameters.txt",
        parameters,
        &["meters_per_minute"],
    )?
    .rows
    .first()
    .and_then(|row| row.number("meters_per_minute").ok())
    .filter(|pace| *pace > 0.0)
    .context("instance_parameters.txt gives no meters_per_minute")?;
    let shops = table("restaurants.txt", restaurants, &["restaurant", "x", "y"])?.read(
        &mut faults,
        |row| {
            Ok(DayShop {
                key: row.text("restaurant")?,
                at: row.place()?,
            })
        },
    );
    let places: BTreeMap<String, usize> = shops
        .iter()
        .enumerate()
        .map(|(index, shop)| (shop.key.clone(), index))
        .collect();
    let couriers = table(
        "couriers.txt",
        couriers,
        &["courier", "x", "y", "on_time", "off_time"],
    )?
    .read(&mut faults, courier);
    let columns = [
        "order",
        "x",
        "y",
        "placement_time",
        "restaurant",
        "ready_time",
    ];
    let mut orders =
        table("orders.txt", orders, &columns)?.read(&mut faults, |row| order(row, &places));
    orders.sort_by_key(|order| order.placed_s);
    Ok(Day {
        name: name.to_owned(),
        market: &UNITED_STATES,
        metres_per_minute: Some(pace),
        shops,
        couriers,
        orders,
        faults,
        mended: Vec::new(),
    })
}

fn courier(row: &Row<'_>) -> Result<DayCourier, String> {
    let (on_s, off_s) = (row.time("on_time")?, row.time("off_time")?);
    if off_s <= on_s {
        return Err("the shift ends before it begins".to_owned());
    }
    Ok(DayCourier {
        key: row.text("courier")?,
        vehicle: Vehicle::Car,
        at: row.place()?,
        on_s,
        off_s,
    })
}

fn order(row: &Row<'_>, shops: &BTreeMap<String, usize>) -> Result<DayOrder, String> {
    let shop = row.text("restaurant")?;
    let placed_s = row.time("placement_time")?;
    Ok(DayOrder {
        key: row.text("order")?,
        shop: *shops
            .get(&shop)
            .ok_or_else(|| format!("restaurant '{shop}' is not known"))?,
        to: row.place()?,
        placed_s,
        ready_s: row.time("ready_time")?.max(placed_s),
    })
}

/// A tab-separated text with a header.
struct Table<'text> {
    file: &'static str,
    rows: Vec<Row<'text>>,
}

struct Row<'text> {
    number: usize,
    fields: BTreeMap<&'text str, &'text str>,
}

fn table<'text>(
    file: &'static str,
    text: &'text str,
    columns: &[&str],
) -> anyhow::Result<Table<'text>> {
    let mut lines = text.lines().map(|line| line.trim_end_matches('\r'));
    let header: Vec<&str> = lines
        .next()
        .unwrap_or("")
        .split('\t')
        .map(str::trim)
        .collect();
    let missing: Vec<&str> = columns
        .iter()
        .filter(|column| !header.contains(column))
        .copied()
        .collect();
    anyhow::ensure!(missing.is_empty(), "{file} lacks {}", missing.join(", "));
    let rows = lines
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(index, line)| Row {
            number: index + 1,
            fields: header
                .iter()
                .copied()
                .zip(line.split('\t').map(str::trim))
                .collect(),
        })
        .collect();
    Ok(Table { file, rows })
}

impl Table<'_> {
    fn read<T>(
        &self,
        faults: &mut Vec<DayFault>,
        read: impl Fn(&Row<'_>) -> Result<T, String>,
    ) -> Vec<T> {
        let mut good = Vec::new();
        for row in &self.rows {
            match read(row) {
                Ok(value) => good.push(value),
                Err(reason) => {
                    let place = format!("{}:{}", self.file, row.number);
                    faults.push(DayFault { place, reason });
                }
            }
        }
        good
    }
}

impl Row<'_> {
    fn text(&self, column: &str) -> Result<String, String> {
        match self.fields.get(column) {
            Some(text) if !text.is_empty() => Ok((*text).to_owned()),
            Some(_) | None => Err(format!("no {column}")),
        }
    }

    fn number(&self, column: &str) -> Result<f64, String> {
        let text = self.text(column)?;
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
        number.ok_or_else(|| format!("{column} '{text}' is not a number"))
    }

    /// Minutes of the instance as seconds after midnight.
    fn time(&self, column: &str) -> Result<i64, String> {
        let text = self.text(column)?;
        match text.parse::<i64>() {
            Ok(minutes @ 0..=2_880) => Ok(MINUTE_ZERO_S + minutes * 60),
            Ok(_) | Err(_) => Err(format!("{column} '{text}' is not a minute of the day")),
        }
    }

    /// Metres east and north of the origin.
    fn place(&self) -> Result<Place, String> {
        let (x, y) = (self.number("x")?, self.number("y")?);
        if x.abs() > 1e6 || y.abs() > 1e6 {
            return Err(format!(
                "({x}, {y}) is farther than 1,000 km from the origin"
            ));
        }
        let (lat, _) = away(ORIGIN.lat, ORIGIN.lon, y, 0.0);
        let (_, lon) = away(ORIGIN.lat, ORIGIN.lon, x, 90.0);
        Ok(Place { lat, lon })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PARAMETERS: &str = "meters_per_minute\tpickup service minutes\n320\t4\n";
    const RESTAURANTS: &str = "restaurant\tx\ty\nr1\t8708\t5633\nr2\t9103\t6345\n";
    const COURIERS: &str =
        "courier\tx\ty\ton_time\toff_time\nc1\t11491\t2806\t0\t90\nc2\t1\t1\t90\t9\n";

    fn day(orders: &str) -> Day {
        let orders = format!("order\tx\ty\tplacement_time\trestaurant\tready_time\n{orders}");
        parse("test", PARAMETERS, RESTAURANTS, COURIERS, &orders).expect("readable")
    }

    #[test]
    fn metres_and_minutes_become_degrees_and_seconds() {
        let day = day("o1\t9131\t7497\t743\tr1\t753\no2\t9024\t6677\t541\tr2\t557\n");
        assert_eq!(day.orders[0].key, "o2");
        assert_eq!(day.orders[0].placed_s, 18_000 + 541 * 60);
        let metres = day.shops[0].at.metres_to(day.orders[1].to);
        let plane = (9131.0_f64 - 8708.0).hypot(7497.0 - 5633.0);
        assert!((metres - plane).abs() < plane * 0.01, "{metres} {plane}");
        let minutes = day.minutes(Vehicle::Car, day.shops[0].at, day.orders[1].to);
        assert!((minutes - (plane / 320.0).ceil()).abs() < f64::EPSILON);
    }

    #[test]
    fn bad_rows_are_named() {
        let day = day("o1\t9131\t7497\t743\tr9\t753\no2\tx\t6677\t541\tr2\t557\n");
        let reasons: Vec<&str> = day
            .faults
            .iter()
            .map(|fault| fault.reason.as_str())
            .collect();
        assert_eq!(
            reasons,
            [
                "the shift ends before it begins",
                "restaurant 'r9' is not known",
                "x 'x' is not a number"
            ]
        );
        assert_eq!(day.faults[1].place, "orders.txt:1");
    }

    proptest! {
        #[test]
        fn any_row_is_read_or_named(row in "[0-9r\t.x-]{0,60}") {
            let day = day(&row);
            prop_assert!(day.orders.len() + day.faults.len() <= 2);
        }
    }
}
