//! The pot is empty: an eighty-six on the shop's side, seen by everybody else in menu and search, and
//! taken back.

use anyhow::Context as _;
use serde_json::json;

use super::find::Shop;
use super::menus::broth_of;
use super::paper::{Paper, millis};
use crate::client::{Dish, Door, Person};

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
        shop: &shop.id,
        at: shop.at,
        item,
    };
    let path = format!("/v1/restaurants/{}/ingredients/{broth}/eighty-six", shop.id);
    let (name, called) = (broth.replace('_', " "), item.replace('_', " "));
    let out = owner.post("stock: eighty-six", &path, &json!({})).await?;
    let gone = told(door, &dish, false).await;
    let back = owner.delete("stock: lift eighty-six", &path).await?;
    paper.hop(&format!("the shop is out of {name}"), out.took, None);
    paper.detail(format!("{called} is gone {}", gone?));
    paper.hop("a new pot is ready", back.took, None);
    let offered = told(door, &dish, true).await?;
    paper.detail(format!("{called} is back {offered}"));
    Ok(())
}

/// Waits until menu and search say that the dish can be had, or that it cannot, and says how long each took.
async fn told(door: &Door, dish: &Dish<'_>, available: bool) -> anyhow::Result<String> {
    let watch = door.api().clock().stopwatch();
    let heard = dish.until(&watch, available).await?;
    let (menu, search) = (millis(heard.menu), millis(heard.search));
    Ok(format!(
        "for everybody: menu after {menu}, search after {search}"
    ))
}
