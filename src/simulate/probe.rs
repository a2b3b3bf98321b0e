//! Measures how soon everybody hears that something is sold out, or is back, while the day is played: a few shops that
//! take no orders of the day run out of a broth and cook a new one, again and again, and the menu and the search are
//! asked until they say so.
//!
//! They are shops of their own so that no order of the day finds its bowl sold out; their events go the same way
//! through the log, the feed, the views and the index as everybody else's.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::future;
use serde_json::json;

use super::stage::ProbeShop;
use crate::client::{Api, Dish};

/// Real time between two changes of one shop: four shops make a handful of changes a second at most, and stay far
/// below what one caller may ask for.
const CHANGE_EVERY: Duration = Duration::from_secs(1);

/// What went wrong with the probes; what went well is among the latencies.
#[derive(Debug, Default)]
pub(super) struct Probe(Mutex<Vec<String>>);

impl Probe {
    /// Changes and looks again and again; never ends by itself.
    pub(super) async fn watch(&self, api: &Api, shops: &[ProbeShop]) {
        future::join_all(shops.iter().map(|shop| self.watch_one(api, shop))).await;
        future::pending::<()>().await;
    }

    async fn watch_one(&self, api: &Api, shop: &ProbeShop) {
        let mut sold_out = true;
        loop {
            if let Err(fault) = change(api, shop, sold_out).await {
                let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                faults.push(format!("{fault:#}"));
            }
            sold_out = !sold_out;
            tokio::time::sleep(CHANGE_EVERY).await;
        }
    }

    /// What went wrong.
    pub(super) fn into_faults(self) -> Vec<String> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs out of the broth, or has it again, and counts how long menu and search take to say so: from the shop's tap.
async fn change(api: &Api, shop: &ProbeShop, sold_out: bool) -> anyhow::Result<()> {
    let ProbeShop {
        id,
        owner,
        at,
        item,
        broth,
    } = shop;
    let path = format!("/v1/restaurants/{id}/ingredients/{broth}/eighty-six");
    let dish = Dish {
        visitor: owner.another(),
        shop: id,
        at: *at,
        item,
    };
    let watch = api.clock().stopwatch();
    if sold_out {
        let name = "ops: stock: eighty-six";
        owner.post(name, &path, &json!({})).await?;
    } else {
        owner.delete("ops: stock: lift eighty-six", &path).await?;
    }
    let heard = dish.until(&watch, !sold_out).await?;
    let [menu, search] = if sold_out {
        ["heard: sold out, in menu", "heard: sold out, in search"]
    } else {
        ["heard: back, in menu", "heard: back, in search"]
    };
    api.latencies().add(menu, heard.menu);
    api.latencies().add(search, heard.search);
    Ok(())
}
