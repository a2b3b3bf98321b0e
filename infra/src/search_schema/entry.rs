//! What is known of a shop and its dishes, for whoever writes an index. How it becomes documents is in
//! `documents`.

use uuid::Uuid;

use super::Display;
use super::facts::ShopFacts;
use super::obstacles::{Alternatives, Obstacles};
use super::tags::Dimension;

/// All documents of one shop.
#[derive(Clone, Debug, PartialEq)]
pub struct ShopEntries {
    /// The shop.
    pub restaurant: Uuid,
    /// Latitude in degrees.
    pub lat: f64,
    /// Longitude in degrees.
    pub lon: f64,
    /// Sequence of the Restaurant stream that they show.
    pub restaurant_sequence: i64,
    /// Sequence of the Menu stream that they show.
    pub menu_sequence: i64,
    /// What only hour and place decide.
    pub facts: ShopFacts,
    /// The shop and its dishes, the shop first.
    pub entries: Vec<Entry>,
}

/// A shop or a dish.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Entry {
    /// Names in every language.
    pub names: Vec<String>,
    /// Everything else that finds it.
    pub texts: Vec<String>,
    /// Its values by dimension.
    pub tags: Vec<(Dimension, String)>,
    /// Minor units; 0 for a shop.
    pub price_minor: i64,
    /// What the kitchen takes for one.
    pub prep_minutes: u32,
    /// What somebody may have against it, by what is chosen; none for a shop.
    pub obstacles: Alternatives,
    /// The same, chosen without care.
    pub obstacles_most: Obstacles,
    /// The shop's weight of it.
    pub popularity: u64,
    /// Which of [`ShopFacts::sale`] it has; none when it is sold whenever the shop is open.
    pub sale: Option<usize>,
    /// What hits show.
    pub display: Display,
}
