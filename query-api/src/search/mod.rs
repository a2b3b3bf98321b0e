//! Search: the index opened for reading, the request as a query of terms, and one pass that filters by what
//! no term says, counts facets and keeps the best.
//!
//! User text never reaches Tantivy's query parser: nested parentheses overflow its stack. It is cut into
//! words here, and the query is built from them. What hour and place decide (open, delivers, promise) is
//! worked out from facts that stand in the index, so a search asks no database.

mod answers;
mod collect;
mod facets;
mod index;
mod query;
mod ranking;
mod shops;
mod spelling;

pub use facets::{Facet, FacetCounts, PriceBand};
pub use index::{SearchError, SearchIndex};
pub use query::{SearchQuery, SearchText, Sort, TextTooLong, search_text};

use uuid::Uuid;

/// A page of hits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Best first.
    pub hits: Vec<Hit>,
    /// How many documents match.
    pub total: usize,
    /// Whether more hits follow.
    pub more: bool,
    /// Matching documents by value.
    pub facets: FacetCounts,
    /// The text with its unknown words replaced by known ones that are nearly the same.
    pub did_you_mean: Option<String>,
    /// Documents that were looked at: what the search cost.
    pub looked_at: usize,
}

/// A shop or a dish that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The shop.
    pub restaurant: Uuid,
    /// What is shown of it.
    pub display: infra::search_schema::Display,
    /// Price in minor units; 0 for a shop.
    pub price_minor: i64,
    /// From the place searched near, in metres.
    pub distance_m: Option<u32>,
    /// Minutes until it is at the door there at the latest, if ordered now; none where the shop does not
    /// deliver.
    pub promise_minutes: Option<u32>,
    /// Whether the shop takes orders.
    pub open: bool,
    /// Whether what must be avoided is avoided only by the right choice of options.
    pub by_choice: bool,
    /// How well it fits.
    pub score: f32,
    /// What counted in the order of hits.
    pub why: Vec<&'static str>,
    /// Where it stands: the next page begins behind the last hit's.
    pub position: Position,
}

/// A place in the order of hits. Greater ranks come first, and of one rank lesser keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// By score, distance, price or promise.
    pub rank: u64,
    /// The hit itself.
    pub key: u64,
}

impl Position {
    /// Whether it comes behind `other`.
    pub fn is_behind(self, other: Self) -> bool {
        self.cmp(&other).is_gt()
    }
}

impl Ord for Position {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.rank.cmp(&self.rank).then(self.key.cmp(&other.key))
    }
}

impl PartialOrd for Position {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
