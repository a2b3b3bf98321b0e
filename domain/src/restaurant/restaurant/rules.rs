//! The rules of a shop, each from state and command to a refusal or none.

use std::collections::HashSet;

use super::event::Zone;
use super::rejection::Missing;
use super::state::Shop;
use crate::kernel::fault::{Faults, Pointer};

/// Zones of one shop.
const ZONES_MAX: usize = 50;
/// People who work at one shop.
pub(super) const STAFF_MAX: usize = 200;
/// Devices of one shop.
pub(super) const DEVICES_MAX: usize = 50;

/// What the shop lacks to be live.
pub(super) fn missing_to_go_live(shop: &Shop, menu_published: bool) -> Vec<Missing> {
    [
        (!menu_published, Missing::Menu),
        (shop.hours.is_none(), Missing::Hours),
        (shop.zones.is_empty(), Missing::Zones),
        (shop.terms.is_none(), Missing::Terms),
    ]
    .into_iter()
    .filter_map(|(lacks, missing)| lacks.then_some(missing))
    .collect()
}

/// One to fifty zones, each with a key of its own and one limit for each style.
pub(super) fn check_zones(zones: &[Zone]) -> Result<(), Faults> {
    let mut faults = Faults::default();
    let at = Pointer::root().at("zones");
    if zones.is_empty() || zones.len() > ZONES_MAX {
        faults.add(
            "zone_count",
            &at,
            format!("a shop has 1 to {ZONES_MAX} zones"),
        );
    }
    let mut keys = HashSet::new();
    for (index, zone) in zones.iter().enumerate() {
        if !keys.insert(&zone.key) {
            faults.add(
                "key_repeated",
                &at.at(index).at("key"),
                format!("zone {} stands there already", zone.key),
            );
        }
        let mut styles = HashSet::new();
        for (number, limit) in zone.style_limits.iter().enumerate() {
            if !styles.insert(limit.style) {
                faults.add(
                    "style_repeated",
                    &at.at(index).at("style_limits").at(number).at("style"),
                    "this style has a limit already",
                );
            }
        }
    }
    faults.or(())
}
