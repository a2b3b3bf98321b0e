//! The shape of the search index, shared by the side that writes it and the side that reads it:
//! fields, tokeniser, geographical cells and the payload of a commit. It opens no index and holds
//! no writer.
//!
//! One document is a shop or one dish of a shop. All documents of a shop are replaced together, by
//! the term of its id.

mod cells;
mod styles;
mod text;

pub use cells::{Place, cells_of, cover, distance_m};
pub use styles::{STYLES, StyleWords, style_code};
pub use text::{Folded, RamenTokenizer, fold, index_terms, query_terms};

use serde::{Deserialize, Serialize};
use tantivy::Index;
use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions,
};

use crate::event_store::Mark;

/// Counts up when fields or tokens change their meaning; an index with another number is built anew.
pub const SCHEMA_VERSION: u32 = 1;

/// Name under which [`RamenTokenizer`] is registered.
pub const TOKENIZER: &str = "ramen";

/// Value of [`Fields::kind`] for a shop.
pub const KIND_SHOP: &str = "shop";
/// Value of [`Fields::kind`] for a dish.
pub const KIND_DISH: &str = "dish";

/// The fields of a document.
#[derive(Clone, Copy, Debug)]
pub struct Fields {
    /// Shop id as lower-case text: the term by which documents are replaced. Stored.
    pub restaurant: Field,
    /// [`KIND_SHOP`] or [`KIND_DISH`].
    pub kind: Field,
    /// Names in every language; weighs more than `text`.
    pub name: Field,
    /// Descriptions, ingredients, style words, city.
    pub text: Field,
    /// Style name, one term each (filter).
    pub style: Field,
    /// Position of each style in [`STYLES`], fast (facets).
    pub style_code: Field,
    /// Geographical cells at three zooms (filter).
    pub cell: Field,
    /// [`Place`] packed into a number, fast (exact distance).
    pub place: Field,
    /// Price in minor units, fast; 0 for a shop.
    pub price_minor: Field,
    /// The shop's own weight of a dish, fast.
    pub popularity: Field,
    /// Sequence of the Restaurant stream that this document shows, fast.
    pub restaurant_sequence: Field,
    /// Sequence of the Menu stream that this document shows, fast.
    pub menu_sequence: Field,
    /// [`Display`] as JSON. Stored.
    pub display: Field,
}

/// What a page of hits shows without another look-up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Display {
    /// Name of the shop.
    pub restaurant_name: String,
    /// Key of the dish; none for a shop.
    pub item: Option<String>,
    /// Name of the dish by language; empty for a shop.
    pub item_name: std::collections::BTreeMap<String, String>,
    /// ISO 4217 code of the price.
    pub currency: String,
    /// City of the shop.
    pub city: String,
    /// Style names.
    pub styles: Vec<String>,
}

/// What a commit says about itself: how far the feed had been folded into it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitPayload {
    /// [`SCHEMA_VERSION`] of the writer.
    pub schema: u32,
    /// One entry for each partition.
    pub checkpoints: Vec<PartitionMark>,
}

/// How far one partition has been folded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionMark {
    /// Topic, or `store`.
    pub topic: String,
    /// Partition; 0 for the store.
    pub partition: i32,
    /// Where the last record folded stands in the log.
    #[serde(flatten)]
    pub mark: Mark,
}

/// Builds the schema and the handles of its fields.
pub fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let words = TextOptions::default().set_indexing_options(
        TextFieldIndexing::default()
            .set_tokenizer(TOKENIZER)
            .set_index_option(IndexRecordOption::WithFreqs),
    );
    let fields = Fields {
        restaurant: builder.add_text_field("restaurant", STRING | STORED),
        kind: builder.add_text_field("kind", STRING),
        name: builder.add_text_field("name", words.clone()),
        text: builder.add_text_field("text", words),
        style: builder.add_text_field("style", STRING),
        style_code: builder.add_u64_field("style_code", FAST),
        cell: builder.add_text_field("cell", STRING),
        place: builder.add_u64_field("place", FAST),
        price_minor: builder.add_i64_field("price_minor", FAST | INDEXED),
        popularity: builder.add_u64_field("popularity", FAST),
        restaurant_sequence: builder.add_i64_field("restaurant_sequence", FAST),
        menu_sequence: builder.add_i64_field("menu_sequence", FAST),
        display: builder.add_bytes_field("display", STORED),
    };
    (builder.build(), fields)
}

/// Makes the tokeniser of the text fields known to an opened index.
pub fn register(index: &Index) {
    index
        .tokenizers()
        .register(TOKENIZER, RamenTokenizer::default());
}
