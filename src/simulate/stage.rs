//! Sets the stage: where the day is played, its time, its shops open and their staff at work.

use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, NaiveDate, TimeDelta, TimeZone as _, Utc};
use domain::kernel::ids::RestaurantId;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use infra::clock::Clock;
use serde_json::{Value, json};

use super::day::{Day, Vehicle};
use super::fleet::seconds;
use crate::client::{Door, Person, Session};
use crate::demo::menus::{House, bowl_with_broth, houses};
use crate::demo::open_shop::{ShopPlan, open};
use crate::import::progress;

/// The date on which every day is played: a Wednesday without a clock change anywhere.
const DATE: (i32, u32, u32) = (2026, 3, 4);
/// What the shops of a played day are imported from.
const SOURCE: &str = "simulation";
/// Shops opened at once.
const SHOPS_AT_ONCE: usize = 16;
/// Real time that opening one shop may take, counted over all that are opened at once.
const OPENING: Duration = Duration::from_millis(60);
/// Real time for everything else before the first order.
const WARM_UP: Duration = Duration::from_secs(5);
/// Shops that take no orders.
const PROBES_MAX: usize = 4;
/// Larders filled for a day: some shops of a real day are asked for a hundred bowls.
const LARDERS: i64 = 10;

/// A running marketplace on a clock that may be fast.
pub(crate) struct Scene {
    /// Sessions with the API.
    pub(crate) door: Door,
    /// Where the payment vendor's API is: the sandbox's.
    pub(crate) vendor: String,
    /// The marketplace's clock.
    pub(crate) clock: Clock,
}

/// A shop of the day that is open.
pub(super) struct OpenShop {
    /// Its id as text.
    pub(super) id: String,
    /// Its staff.
    pub(super) owner: Session,
    /// Its menu as published.
    pub(super) menu: Value,
}

/// An open shop that takes no orders of the day: its broth runs out and is cooked anew, so that somebody can look how
/// soon everybody hears of it.
pub(super) struct ProbeShop {
    /// Its id as text.
    pub(super) id: String,
    /// Its staff.
    pub(super) owner: Session,
    /// Degrees north, degrees east.
    pub(super) at: (f64, f64),
    /// A bowl that it sells.
    pub(super) item: &'static str,
    /// That bowl's broth.
    pub(super) broth: &'static str,
}

/// The instant of the day's midnight at its place.
///
/// # Errors
/// When the market's time zone is unknown.
pub(crate) fn midnight(day: &Day) -> anyhow::Result<DateTime<Utc>> {
    let zone: chrono_tz::Tz = day
        .market
        .time_zone
        .parse()
        .map_err(|_| anyhow::anyhow!("the time zone is unknown"))?;
    let (year, month, date) = DATE;
    let midnight =
        NaiveDate::from_ymd_opt(year, month, date).and_then(|date| date.and_hms_opt(0, 0, 0));
    let local = midnight.and_then(|midnight| zone.from_local_datetime(&midnight).earliest());
    Ok(local.context("the day has no midnight")?.to_utc())
}

/// What the clock shows when the scene starts, so that the shops are open when the day begins.
///
/// # Errors
/// As [`midnight`].
pub(crate) fn origin(day: &Day, speed: u32) -> anyhow::Result<DateTime<Utc>> {
    let opening = OPENING * u32::try_from(day.shops.len())?;
    let lead = TimeDelta::from_std((WARM_UP + opening) * speed)?;
    Ok(midnight(day)? + TimeDelta::seconds(day.first_s()) - lead)
}

/// A speed at which the day takes about two and a half minutes and its busiest quarter of an hour
/// stays below what a small machine serves.
pub(crate) fn usual_speed(day: &Day) -> u32 {
    /// Real seconds that a day should take.
    const DAY_TAKES_S: i64 = 150;
    /// Orders that may be placed in a real second.
    const ORDERS_A_SECOND: i64 = 20;
    const QUARTER_S: i64 = 900;
    let length = day.last_s() - day.first_s();
    let busiest = day.orders.iter().map(|order| order.placed_s / QUARTER_S);
    let busiest = busiest.fold(std::collections::BTreeMap::new(), |mut counts, quarter| {
        *counts.entry(quarter).or_insert(0_i64) += 1;
        counts
    });
    let busiest = busiest.into_values().max().unwrap_or(1);
    let by_length = length / DAY_TAKES_S;
    let by_load = ORDERS_A_SECOND * QUARTER_S / busiest;
    u32::try_from(by_length.min(by_load).clamp(20, 600)).unwrap_or(20)
}

/// Opens all shops of the day; gives them in the day's order.
///
/// # Errors
/// The first refusal, with the shop's name.
pub(super) async fn open_shops(day: &Day, scene: &Scene) -> anyhow::Result<Vec<OpenShop>> {
    let ops = &scene.door.ops(0).await?;
    let bar = &progress(u64::try_from(day.shops.len())?, "shops open");
    let shops = stream::iter(0..day.shops.len())
        .map(|index| async move {
            let shop = open_one(day, scene, ops, index).await?;
            bar.inc(1);
            anyhow::Ok(shop)
        })
        .buffered(SHOPS_AT_ONCE)
        .try_collect()
        .await?;
    bar.finish_and_clear();
    Ok(shops)
}

async fn open_one(
    day: &Day,
    scene: &Scene,
    ops: &Session,
    index: usize,
) -> anyhow::Result<OpenShop> {
    let house = &houses()[index % houses().len()];
    let plan = plan(day, index, house);
    open(&scene.door, ops, &plan)
        .await
        .with_context(|| format!("cannot open {}", plan.name))?;
    Ok(OpenShop {
        id: plan.id.to_string(),
        owner: scene.door.open(&Person::owner_of(plan.id)).await?,
        menu: plan.menu,
    })
}

/// Opens the shops that take no orders, each beside one of the day's.
///
/// # Errors
/// The first refusal, with the shop's name.
pub(super) async fn open_probes(day: &Day, scene: &Scene) -> anyhow::Result<Vec<ProbeShop>> {
    let ops = &scene.door.ops(0).await?;
    let count = PROBES_MAX.min(day.shops.len());
    let beside = (0..count).map(|probe| probe * day.shops.len() / count);
    stream::iter(beside)
        .then(|index| open_probe(day, scene, ops, index))
        .try_collect()
        .await
}

async fn open_probe(
    day: &Day,
    scene: &Scene,
    ops: &Session,
    index: usize,
) -> anyhow::Result<ProbeShop> {
    let (house, item, broth) = bowl_with_broth().context("no house sells a bowl with broth")?;
    let beside = plan(day, index, house);
    let source_id = format!("{}/probe", beside.source.1);
    let probe = ShopPlan {
        id: RestaurantId::imported(SOURCE, &source_id).uuid(),
        name: format!("{} · probe", beside.name),
        source: (SOURCE, source_id),
        ..beside
    };
    open(&scene.door, ops, &probe)
        .await
        .with_context(|| format!("cannot open {}", probe.name))?;
    Ok(ProbeShop {
        id: probe.id.to_string(),
        owner: scene.door.open(&Person::owner_of(probe.id)).await?,
        at: (probe.lat, probe.lon),
        item,
        broth,
    })
}

/// A shop with a zone as wide as its customers live, open at all hours: the data's shops sold when
/// they sold.
fn plan(day: &Day, index: usize, house: &House) -> ShopPlan {
    let shop = &day.shops[index];
    let market = day.market;
    let reach_m = day.reach_m(index);
    let pace = day
        .metres_per_minute
        .unwrap_or(Vehicle::Scooter.metres_per_minute());
    let minutes = u32::try_from(seconds(reach_m / pace) / 60 + 5)
        .unwrap_or(60)
        .min(180);
    let source_id = format!("{}/{}", day.name, shop.key);
    ShopPlan {
        id: RestaurantId::imported(SOURCE, &source_id).uuid(),
        name: format!("{} · {}", house.title["en"], shop.key),
        market,
        city: market.city.to_owned(),
        address: format!("{}, {}", shop.key, market.city),
        lat: shop.at.lat,
        lon: shop.at.lon,
        source: (SOURCE, source_id),
        phone: None,
        auto_fire: false,
        styles: house.styles().into_iter().map(str::to_owned).collect(),
        hours: all_hours(),
        zones: market.one_zone(shop.at.lat, shop.at.lon, reach_m, minutes),
        menu: house.document(market),
        stock: house.counts(LARDERS),
    }
}

/// Open day and night.
pub(crate) fn all_hours() -> Value {
    let days: Vec<Value> = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
        .iter()
        .map(|weekday| json!({ "weekday": weekday, "opens": "00:00", "closes": "00:00" }))
        .collect();
    json!({ "days": days, "exceptions": [] })
}

#[cfg(test)]
mod tests {
    use super::super::generate::generate;
    use super::*;

    #[test]
    fn midnight_is_the_places_own() {
        let day = generate(1, 10);
        assert_eq!(
            midnight(&day).expect("a zone").to_rfc3339(),
            "2026-03-03T16:00:00+00:00"
        );
    }

    #[test]
    fn the_clock_starts_before_the_first_order() {
        let day = generate(1, 10);
        let first = midnight(&day).expect("a zone") + TimeDelta::seconds(day.first_s());
        let lead = first - origin(&day, 100).expect("a zone");
        assert_eq!(lead, TimeDelta::milliseconds(100 * (5_000 + 60 * 2)));
    }

    #[test]
    fn a_busy_evening_is_played_slower() {
        assert!(usual_speed(&generate(1, 20_000)) < usual_speed(&generate(1, 100)));
        assert!((20..=600).contains(&usual_speed(&generate(1, 50_000))));
    }
}
