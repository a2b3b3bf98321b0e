//! How long an order may stay at a stage before somebody should look: the one table, for the process that raises it and for
//! whoever looks for stuck orders. What has no row is an end, and stays.

use super::flags::Flags;
use super::quantity::Minutes;

/// A stage by its name in events and views, and its longest stay.
pub type Stay = (&'static str, fn(&Flags) -> Minutes);

/// Every stage that is no end.
pub const STAYS: &[Stay] = &[
    ("awaiting_payment", |flags| flags.stay_awaiting_payment),
    ("scheduled", |flags| flags.stay_scheduled),
    ("placed", |flags| flags.stay_placed),
    ("accepted", |flags| flags.stay_accepted),
    ("cooking", |flags| flags.stay_cooking),
    ("ready", |flags| flags.stay_ready),
    ("picked_up", |flags| flags.stay_picked_up),
    ("delivered", |flags| flags.stay_ended),
    ("undeliverable", |flags| flags.stay_ended),
    ("uncollected", |flags| flags.stay_ended),
];

/// How long an order may stay there; nothing at an end.
pub fn longest_stay(stage: &str, flags: &Flags) -> Option<Minutes> {
    let row = STAYS.iter().find(|(name, _)| *name == stage);
    row.map(|(_, longest)| longest(flags))
}
