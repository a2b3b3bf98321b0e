//! Shops with more stock than a run can sell, for benchmarks and proofs.

use anyhow::Context as _;
use domain::kernel::ids::RestaurantId;
use serde_json::{Value, json};

use super::choose;
use super::market::TAIWAN;
use super::menus::houses;
use super::open_shop::{ShopPlan, open};
use crate::client::{Door, Line};
use crate::simulate::all_hours;

/// Larders in each shop: more bowls than any run sells.
const LARDERS: i64 = 20_000;
/// Where the town is.
const CENTRE: (f64, f64) = (25.045, 121.535);

/// An open shop and what is ordered there.
pub(crate) struct StockedShop {
    /// Its id.
    pub(crate) id: String,
    /// A bowl of it.
    pub(crate) line: Line,
}

/// Opens the `nth` shop of those that `source` names, or finds it again.
///
/// # Errors
/// When it is refused.
pub(crate) async fn open_stocked(
    door: &Door,
    source: &'static str,
    nth: usize,
) -> anyhow::Result<StockedShop> {
    let all = houses();
    let house = &all[nth % all.len()];
    let source_id = format!("{source}/{nth}");
    let menu = house.document(&TAIWAN);
    let line = choose::line(&menu, "ramen", 1, &mut choose::first);
    let plan = ShopPlan {
        id: RestaurantId::imported(source, &source_id).uuid(),
        name: format!("{source} {nth}"),
        market: &TAIWAN,
        city: TAIWAN.city.to_owned(),
        address: TAIWAN.city.to_owned(),
        lat: CENTRE.0,
        lon: CENTRE.1,
        source: (source, source_id),
        phone: None,
        auto_fire: false,
        styles: house.styles().into_iter().map(str::to_owned).collect(),
        hours: all_hours(),
        zones: TAIWAN.one_zone(CENTRE.0, CENTRE.1, 5_000.0, 20),
        stock: house.counts(LARDERS),
        menu,
    };
    let ops = door.ops(nth).await?;
    open(door, &ops, &plan).await?;
    Ok(StockedShop {
        id: plan.id.to_string(),
        line: line.context("a house without ramen")?,
    })
}

/// A door near all of them.
pub(crate) fn address() -> Value {
    json!({
        "name": "A guest",
        "phone": TAIWAN.phone,
        "street": "Door 1",
        "city": TAIWAN.city,
        "country": TAIWAN.country,
        "pin": { "lat": CENTRE.0 + 0.002, "lon": CENTRE.1 + 0.002 },
    })
}
