//! A guest looks for a shop: searches nearby, and takes the first that is open.

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use domain::kernel::hours::WeeklyHours;
use domain::kernel::time::TimeZone;
use serde_json::{Value, json};

use super::market::{away, market_of};
use super::paper::Paper;
use crate::client::{Answer, Door, Session};

/// How far from the shop the guest lives, in metres.
const TO_THE_DOOR_M: f64 = 900.0;
/// How far the guest searches, in metres: as far as the house that never closes.
const SEARCH_M: u32 = 8_000;
/// What the guest searches for.
const WORDS: &str = "tonkotsu";

/// The shop that was found, with its menu.
pub(super) struct Shop {
    /// Its id as text.
    pub(super) id: String,
    /// Its name.
    pub(super) name: String,
    /// IANA name of its clock.
    pub(super) zone: String,
    /// `GET …/menu`.
    pub(super) menu: Value,
    /// Where its door is, as latitude and longitude.
    pub(super) at: (f64, f64),
    country: String,
}

impl Shop {
    /// A door some streets from the shop; the person is invented.
    pub(super) fn door(&self) -> Value {
        let (lat, lon) = away(self.at.0, self.at.1, TO_THE_DOOR_M, 60.0);
        let market = market_of(&self.country);
        json!({
            "name": "Hungry Guest",
            "phone": market.phone,
            "street": "Noodle Lane 1",
            "city": market.city,
            "country": market.country,
            "pin": { "lat": lat, "lon": lon },
        })
    }
}

/// Searches near a place, given as latitude and longitude, and opens the first shop's menu that sells
/// now.
///
/// # Errors
/// When no shop is open there, or a call fails.
pub(super) async fn find_shop(
    paper: &Paper,
    door: &Door,
    near: (f64, f64),
) -> anyhow::Result<Shop> {
    let visitor = door.api().visitor();
    let (lat, lon) = near;
    let path = format!("/v1/search?q={WORDS}&near={lat},{lon}&radius_m={SEARCH_M}&limit=100");
    let found = visitor
        .get("search", &path)
        .await
        .context("the search failed")?;
    paper.hop(&format!("searches for {WORDS} nearby"), found.took, None);
    paper.detail(format!(
        "{} dishes and shops within {SEARCH_M} m",
        found.body["total"]
    ));
    let mut ids: Vec<&str> = Vec::new();
    for hit in found.list("/hits") {
        let id = hit["restaurant"]["id"].as_str().unwrap_or("");
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    for id in ids {
        let shop = visitor
            .get("shop: read", &format!("/v1/restaurants/{id}"))
            .await?;
        if is_open(&shop.body, door.api().clock().now()) {
            return enter(paper, &visitor, id, &shop).await;
        }
        paper.detail(format!("{} is closed now", shop.text("/name")?));
    }
    bail!("no shop within {SEARCH_M} m of {lat},{lon} is open now; try --near elsewhere")
}

async fn enter(paper: &Paper, visitor: &Session, id: &str, shop: &Answer) -> anyhow::Result<Shop> {
    let name = shop.text("/name")?.to_owned();
    paper.hop(&format!("chooses {name}"), shop.took, None);
    let menu = visitor
        .get("menu: read", &format!("/v1/restaurants/{id}/menu"))
        .await?;
    paper.hop("reads the menu", menu.took, None);
    let at = shop.body["lat"].as_f64().zip(shop.body["lon"].as_f64());
    Ok(Shop {
        id: id.to_owned(),
        name,
        zone: shop.text("/time_zone")?.to_owned(),
        menu: menu.body,
        country: shop.text("/country")?.to_owned(),
        at: at.context("the shop has no position")?,
    })
}

/// Whether a shop sells now, by its own hours and clock.
fn is_open(shop: &Value, now: DateTime<Utc>) -> bool {
    let hours: Option<WeeklyHours> = serde_json::from_value(shop["hours"].clone()).ok();
    let zone = shop["time_zone"]
        .as_str()
        .and_then(|zone| TimeZone::parse(zone).ok());
    let is_live = shop["stage"] == "live" && shop["paused"] == false;
    is_live
        && hours
            .zip(zone)
            .is_some_and(|(hours, zone)| hours.is_open(zone, now))
}
