//! What is kept of shops between two looks at them, so that stock which changes nothing that people see
//! costs no more than seeing that: their parsed menus, and what of these could not be had.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use infra::availability::{Levels, StockLevel, Unavailable};
use infra::search_schema::ShopEntries;
use moka::sync::Cache;
use uuid::Uuid;

use super::SearchError;
use super::dishes::IndexedMenu;
use super::rows::{ShopRow, bad_row, parse_or_default};
use super::shops::entries;

/// Shops of which menus are kept, some hundred kilobytes each: those that sell now.
const SHOPS_KEPT_MAX: u64 = 1_000;

/// What is known of shops. Clones share it.
#[derive(Clone)]
pub(super) struct Catalogue {
    shops: Cache<Uuid, Arc<KnownShop>>,
}

/// A shop as it was when its documents were last written.
#[derive(Debug)]
pub(super) struct KnownShop {
    /// Sequences of its row and of its menu's.
    stands: (i64, Option<i64>),
    menu: Option<Arc<IndexedMenu>>,
    gone: Unavailable,
}

/// A shop as its row says now.
pub(super) struct ShopState {
    pub(super) restaurant: Uuid,
    pub(super) look: Look,
    /// When ingredients come back by themselves.
    pub(super) returns: Vec<DateTime<Utc>>,
    known: Arc<KnownShop>,
}

/// What people see of a shop.
pub(super) enum Look {
    /// What they saw before.
    Same,
    /// Nothing: it must not be found.
    Hidden,
    /// These.
    Shown(Box<ShopEntries>),
}

impl Catalogue {
    pub(super) fn new() -> Self {
        Self {
            shops: Cache::new(SHOPS_KEPT_MAX),
        }
    }

    /// The version of a shop's menu that need not be read again; 0 is none.
    pub(super) fn menu_version(&self, shop: Uuid) -> i32 {
        let known = self.shops.get(&shop);
        let menu = known.and_then(|known| known.menu.clone());
        menu.map_or(0, |menu| menu.version())
    }

    /// What a shop's row says at `now`.
    ///
    /// # Errors
    /// When the row makes no sense.
    pub(super) fn look(&self, row: &ShopRow, now: DateTime<Utc>) -> Result<ShopState, SearchError> {
        let bad = |table| bad_row(row.restaurant_id, table);
        let before = self.shops.get(&row.restaurant_id);
        let stock: BTreeMap<String, StockLevel> =
            parse_or_default(row.ingredients.as_deref()).map_err(bad("stock"))?;
        let off: BTreeSet<String> =
            parse_or_default(row.unavailable.as_deref()).map_err(bad("menus"))?;
        let menu = menu_of(row, before.as_deref()).map_err(bad("menus"))?;
        let levels = Levels::at(&stock, now);
        let gone = menu.as_ref().map(|menu| menu.unavailable(&levels, &off));
        let known = KnownShop {
            stands: (row.sequence, row.menu_sequence),
            menu,
            gone: gone.unwrap_or_default(),
        };
        let is_same = before
            .as_ref()
            .is_some_and(|before| before.stands == known.stands && before.gone == known.gone);
        let look = if is_same {
            Look::Same
        } else if row.stage == "live" {
            let menu = known.menu.as_deref().map(|menu| (menu, &known.gone));
            Look::Shown(Box::new(entries(row, menu)?))
        } else {
            Look::Hidden
        };
        let returns = stock.values();
        let returns = returns.filter_map(|level| level.eighty_six.as_ref()?.until);
        Ok(ShopState {
            restaurant: row.restaurant_id,
            look,
            returns: returns.filter(|until| *until > now).collect(),
            known: Arc::new(known),
        })
    }

    /// Keeps what has been written of a shop.
    pub(super) fn remember(&self, shop: Uuid, known: Arc<KnownShop>) {
        self.shops.insert(shop, known);
    }

    /// Forgets everything: rows were changed by anything but the feed, and may stand where they stood.
    pub(super) fn forget(&self) {
        self.shops.invalidate_all();
    }
}

impl ShopState {
    /// What is to be remembered when it has been written.
    pub(super) fn known(&self) -> (Uuid, Arc<KnownShop>) {
        (self.restaurant, Arc::clone(&self.known))
    }
}

/// The menu of a row: the one that is known, or the one that the row brings.
fn menu_of(
    row: &ShopRow,
    before: Option<&KnownShop>,
) -> Result<Option<Arc<IndexedMenu>>, serde_json::Error> {
    let known = before.and_then(|before| before.menu.clone());
    let Some((document, version)) = row.document.as_deref().zip(row.menu_version) else {
        return Ok(known.filter(|menu| Some(menu.version()) == row.menu_version));
    };
    Ok(Some(Arc::new(IndexedMenu::read(version, document)?)))
}
