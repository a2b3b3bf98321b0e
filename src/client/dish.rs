//! A dish as everybody can read it: whether the menu and the search offer it, and how long they take to say so.

use std::time::Duration;

use anyhow::bail;
use infra::clock::Stopwatch;
use serde_json::Value;

use super::session::Session;

/// How often the menu and the search are asked whether they have heard.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// After so long nobody asks any more.
const LOOKED_FOR_MAX: Duration = Duration::from_secs(10);
/// What the looks are counted under: they are nobody's calls.
const LOOK_AT_MENU: &str = "ops: look at the menu";
const LOOK_INTO_SEARCH: &str = "ops: look into the search";

/// A dish of a shop.
pub(crate) struct Dish<'shop> {
    /// Who looks; a session that has written nothing, since one that has waits for what it wrote.
    pub(crate) visitor: Session,
    /// The shop's id.
    pub(crate) shop: &'shop str,
    /// Where the shop is: degrees north, degrees east.
    pub(crate) at: (f64, f64),
    /// The dish's key.
    pub(crate) item: &'shop str,
}

/// How long it took from the start of the watch until a place said the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heard {
    /// The shop's menu.
    pub(crate) menu: Duration,
    /// The search.
    pub(crate) search: Duration,
}

/// Where a dish is offered.
#[derive(Clone, Copy, Debug)]
enum Place {
    Menu,
    Search,
}

impl Dish<'_> {
    /// Waits until menu and search say that it can be had, or that it cannot.
    ///
    /// # Errors
    /// When a call fails, or ten seconds were not enough.
    pub(crate) async fn until(&self, watch: &Stopwatch, available: bool) -> anyhow::Result<Heard> {
        let (menu, search) = tokio::try_join!(
            self.heard(Place::Menu, watch, available),
            self.heard(Place::Search, watch, available)
        )?;
        Ok(Heard { menu, search })
    }

    async fn heard(
        &self,
        place: Place,
        watch: &Stopwatch,
        available: bool,
    ) -> anyhow::Result<Duration> {
        while watch.elapsed() < LOOKED_FOR_MAX {
            let offered = match place {
                Place::Menu => self.on_the_menu().await?,
                Place::Search => self.is_found().await?,
            };
            if offered == available {
                return Ok(watch.elapsed());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        bail!(
            "{place:?} of {} has not heard of {} within ten seconds",
            self.shop,
            self.item
        )
    }

    async fn on_the_menu(&self) -> anyhow::Result<bool> {
        let path = format!("/v1/restaurants/{}/menu", self.shop);
        let menu = self.visitor.get(LOOK_AT_MENU, &path).await?;
        let mut items = menu
            .list("/sections")
            .iter()
            .filter_map(|section| section["items"].as_array())
            .flatten();
        Ok(items.any(|item| item["key"] == self.item && item["available"] == true))
    }

    async fn is_found(&self) -> anyhow::Result<bool> {
        let (lat, lon) = self.at;
        let words = self.item.replace('_', "%20");
        let path = format!("/v1/search?q={words}&near={lat},{lon}&radius_m=50&limit=100");
        let found = self.visitor.get(LOOK_INTO_SEARCH, &path).await?;
        let is_it =
            |hit: &Value| hit["restaurant"]["id"] == *self.shop && hit["item"]["key"] == self.item;
        Ok(found.list("/hits").iter().any(is_it))
    }
}
