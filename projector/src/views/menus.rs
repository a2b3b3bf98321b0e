//! One row for each shop's menu: the document as published, and what was changed since then.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use domain::decider::{Event as _, Recorded};
use domain::restaurant::menu::{MenuDocument, MenuEvent};
use serde_json::Value;
use uuid::Uuid;

use super::orders::number;
use super::row::{Doc, row};
use super::{Change, FoldError, FoldedView};
use crate::names::document;

/// Published menus.
#[derive(Debug)]
pub(crate) struct Menus;

row! {
    /// A menu.
    MenuRow in "menus" key restaurant_id {
        /// The shop.
        restaurant_id: Uuid,
        /// Events folded.
        sequence: i64,
        /// How often it was published.
        version: i32,
        /// As published.
        document: Doc<Value>,
        /// Prices set since then, by item, and of options by `group/option`: no key has a slash.
        prices: Doc<BTreeMap<String, i64>>,
        /// Items and options switched off, named as in `prices`.
        unavailable: Doc<BTreeSet<String>>,
        /// When the last event was stored.
        updated_at: DateTime<Utc>,
    }
}

impl FoldedView for Menus {
    const ANCHOR: bool = true;
    const REMEMBERED: bool = false;
    type Event = MenuEvent;
    type Row = MenuRow;

    fn fold(
        row: Option<MenuRow>,
        event: &Recorded<MenuEvent>,
    ) -> Result<Change<MenuRow>, FoldError> {
        let opened = || {
            row.clone().ok_or(FoldError::NotOpened {
                event: event.event.name(),
            })
        };
        let mut row = match &event.event {
            MenuEvent::Published {
                document: published,
                version,
            } => MenuRow {
                restaurant_id: event.stream,
                sequence: 0,
                version: number(*version)?,
                document: Doc(document(published)?),
                prices: Doc(BTreeMap::new()),
                unavailable: Doc(still_off(row.as_ref(), published)),
                updated_at: event.recorded_at,
            },
            MenuEvent::PriceSet { item, price_minor } => {
                let mut row = opened()?;
                row.prices.0.insert(item.to_string(), price_minor.minor());
                row
            }
            MenuEvent::AvailabilitySet { item, available } => {
                opened()?.switched(item.to_string(), *available)
            }
            MenuEvent::OptionPriceSet {
                option,
                price_minor,
            } => {
                let mut row = opened()?;
                row.prices.0.insert(option.to_string(), price_minor.minor());
                row
            }
            MenuEvent::OptionAvailabilitySet { option, available } => {
                opened()?.switched(option.to_string(), *available)
            }
        };
        row.updated_at = event.recorded_at;
        Ok(Change::Put(row))
    }
}

impl MenuRow {
    fn switched(mut self, name: String, available: bool) -> Self {
        if available {
            self.unavailable.0.remove(&name);
        } else {
            self.unavailable.0.insert(name);
        }
        self
    }
}

/// What was off before and is still on the menu.
fn still_off(before: Option<&MenuRow>, document: &MenuDocument) -> BTreeSet<String> {
    let Some(before) = before else {
        return BTreeSet::new();
    };
    let items = document.sections.iter().flat_map(|section| &section.items);
    let options = document.option_groups.iter().flat_map(|group| {
        let options = group.options.iter();
        options.map(move |option| format!("{}/{}", group.key, option.key))
    });
    let kept = items.map(|item| item.key.to_string()).chain(options);
    kept.filter(|name| before.unavailable.0.contains(name))
        .collect()
}
