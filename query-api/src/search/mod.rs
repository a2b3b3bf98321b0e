//! Search: the index opened for reading, the request as a query of terms, and one pass that filters by
//! distance, counts facets and keeps the best.
//!
//! User text never reaches Tantivy's query parser: nested parentheses overflow its stack. It is cut
//! into terms here, and the query is built from them.

mod collect;
mod index;
mod query;

pub use index::{SearchError, SearchIndex};
pub use query::{Near, SearchQuery, TextTooLong, search_terms};

use uuid::Uuid;

/// A page of hits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Best first.
    pub hits: Vec<Hit>,
    /// How many documents match.
    pub total: usize,
    /// Matching documents by style name, styles without any left out.
    pub styles: Vec<(&'static str, u64)>,
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
    /// What the order of hits follows.
    pub score: f32,
    /// What counted.
    pub why: Vec<&'static str>,
}
