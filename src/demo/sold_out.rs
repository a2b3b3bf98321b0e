//! The pot is empty: an eighty-six on the shop's side, seen by everybody else in menu and search, and
//! taken back.

use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::json;

use super::find::Shop;
use super::menus::broth_of;
use super::paper::{Paper, millis};
use crate::client::{Door, Person, Session};

/// How often the menu and the search are asked whether they have heard.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How often at most: ten seconds.
const LOOKS_MAX: u32 = 1_000;

/// What everybody can read of a dish.
struct Dish<'shop> {
    visitor: Session,
    shop: &'shop Shop,
    item: &'shop str,
}

/// Takes the broth of a dish off, waits until menu and search know, and puts it on again.
///
/// # Errors
/// When a call fails, or the dish is still offered after ten seconds.
pub(super) async fn run_out(
    paper: &Paper,
    door: &Door,
    shop: &Shop,
    item: &str,
) -> anyhow::Result<()> {
    let Some(broth) = broth_of(item) else {
        return Ok(()); // a shop of somebody else's making
    };
    let owner = Person::owner_of(shop.id.parse().context("the shop's id is no UUID")?);
    let owner = door.open(&owner).await?;
    let dish = Dish {
        visitor: door.api().visitor(),
        shop,
        item,
    };
    let path = format!("/v1/restaurants/{}/ingredients/{broth}/eighty-six", shop.id);
    let name = broth.replace('_', " ");
    let out = owner.post("stock: eighty-six", &path, &json!({})).await?;
    let gone = dish.told(door, false).await;
    let back = owner.delete("stock: lift eighty-six", &path).await?;
    paper.hop(&format!("the shop is out of {name}"), out.took, None);
    paper.detail(format!("{} is gone {}", dish.name(), gone?));
    paper.hop("a new pot is ready", back.took, None);
    paper.detail(format!(
        "{} is back {}",
        dish.name(),
        dish.told(door, true).await?
    ));
    Ok(())
}

impl Dish<'_> {
    fn name(&self) -> String {
        self.item.replace('_', " ")
    }

    /// Waits until menu and search say that it can be had, or that it cannot, and says how long each took.
    async fn told(&self, door: &Door, available: bool) -> anyhow::Result<String> {
        let watch = door.api().clock().stopwatch();
        let (mut menu, mut search) = (None, None);
        for _ in 0..LOOKS_MAX {
            if menu.is_none() && self.on_the_menu().await? == available {
                menu = Some(watch.elapsed());
            }
            if search.is_none() && self.is_found().await? == available {
                search = Some(watch.elapsed());
            }
            if let (Some(menu), Some(search)) = (menu, search) {
                let (menu, search) = (millis(menu), millis(search));
                return Ok(format!(
                    "for everybody: menu after {menu}, search after {search}"
                ));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        bail!("menu and search have not heard within ten seconds")
    }

    async fn on_the_menu(&self) -> anyhow::Result<bool> {
        let path = format!("/v1/restaurants/{}/menu", self.shop.id);
        let menu = self.visitor.get("menu: read", &path).await?;
        let mut items = menu
            .list("/sections")
            .iter()
            .filter_map(|section| section["items"].as_array())
            .flatten();
        Ok(items.any(|item| item["key"] == self.item && item["available"] == true))
    }

    async fn is_found(&self) -> anyhow::Result<bool> {
        let (lat, lon) = self.shop.at;
        let words = self.item.replace('_', "%20");
        let path = format!("/v1/search?q={words}&near={lat},{lon}&radius_m=50&limit=100");
        let found = self.visitor.get("search", &path).await?;
        let is_it = |hit: &serde_json::Value| {
            hit["restaurant"]["id"] == *self.shop.id && hit["item"]["key"] == self.item
        };
        Ok(found.list("/hits").iter().any(is_it))
    }
}
