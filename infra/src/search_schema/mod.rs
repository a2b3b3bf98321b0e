//! The shape of the search index, shared by the side that writes it and the side that reads it:
//! fields, documents, tokeniser, geographical cells and the payload of a commit. It opens no index and
//! holds no writer.
//!
//! One document is a shop or one dish of a shop, replaced by the term of its id when what it says has
//! changed. A dish names its shop by a number, by which the reader finds the shop's facts ([`ShopFacts`]).

mod cells;
mod documents;
mod entry;
mod facts;
mod hash;
mod kana;
mod obstacles;
mod romaji;
mod styles;
mod tags;
mod text;
mod versions;
mod vocabulary;
mod words;

pub use cells::{Area, Place, areas_of, cells_of, cover, distance_m};
pub use documents::{Ground, document_id, documents};
pub use entry::{Entry, ShopEntries};
pub use facts::{PauseFacts, ShopFacts, Spell, StyleFacts, ZoneFacts};
pub use hash::{StableHasher, hit_key, stable_hash};
pub use obstacles::{Alternatives, Obstacles};
pub use romaji::{romaji_of, romaji_typed};
pub use styles::{STYLES, StyleWords, style_code, style_words};
pub use tags::{Dimension, TAG_CODES, noodle_class};
pub use text::{Folded, RamenTokenizer, fold, index_terms};
pub use versions::{IndexFolder, RebuildLock, Versions};
pub use words::{Word, query_words};

use serde::{Deserialize, Serialize};
use tantivy::Index;
use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions,
};

use crate::event_store::Mark;

/// Counts up when fields or tokens change their meaning; an index with another number is built anew.
pub const SCHEMA_VERSION: u32 = 3;

/// Name under which [`RamenTokenizer`] is registered.
pub const TOKENIZER: &str = "ramen";

/// Value of [`Fields::kind`] for a shop.
pub const KIND_SHOP: &str = "shop";
/// Value of [`Fields::kind`] for a dish.
pub const KIND_DISH: &str = "dish";

/// The fields of a document.
#[derive(Clone, Copy, Debug)]
pub struct Fields {
    /// [`document_id`], fast: the term by which a document is replaced.
    pub id: Field,
    /// Hash over what the document says ([`Ground::digest`]), fast.
    pub digest: Field,
    /// Shop id as lower-case text. Stored.
    pub restaurant: Field,
    /// [`hit_key`] of the shop, fast: whose facts a dish goes by.
    pub shop: Field,
    /// [`KIND_SHOP`] or [`KIND_DISH`].
    pub kind: Field,
    /// Names in every language; weighs more than `text`.
    pub name: Field,
    /// Names in kana and kanji as they begin in Latin letters ([`romaji_of`]); for suggestions.
    pub romaji: Field,
    /// Descriptions, ingredients, options, style words, city.
    pub text: Field,
    /// Values of every [`Dimension`], as [`Dimension::term`] (filter).
    pub tag: Field,
    /// The same as [`Dimension::code`], fast (facets).
    pub tag_code: Field,
    /// Geographical cells at three zooms (filter).
    pub cell: Field,
    /// Cells of the area in which the shop delivers (filter).
    pub area: Field,
    /// [`Place`] packed into a number, fast (exact distance).
    pub place: Field,
    /// Price in minor units, fast; 0 for a shop.
    pub price_minor: Field,
    /// Minutes that the kitchen takes for one, fast.
    pub prep_minutes: Field,
    /// [`Alternatives`] of a dish, fast, several; none for a shop.
    pub obstacles: Field,
    /// All [`Obstacles`] that a dish has when its required options are chosen without care, fast.
    pub obstacles_most: Field,
    /// The shop's own weight of a dish, fast.
    pub popularity: Field,
    /// Which of [`ShopFacts::sale`] a dish has, fast; none for one that is always sold.
    pub sale: Field,
    /// [`hit_key`], fast: hits of one score stand in its order.
    pub key: Field,
    /// [`stable_hash`] of `facts`, fast; on a shop only.
    pub facts_hash: Field,
    /// Sequence of the Restaurant stream that this document shows, fast.
    pub restaurant_sequence: Field,
    /// Sequence of the Menu stream that this document shows, fast.
    pub menu_sequence: Field,
    /// [`Display`] as JSON. Stored.
    pub display: Field,
    /// [`ShopFacts`] as JSON, on a shop only. Stored.
    pub facts: Field,
}

/// What a page of hits shows without another look-up.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
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
    /// How often rows of the views behind it had been changed by anything but the feed: after another
    /// change it is built anew.
    #[serde(default)]
    pub revision: i64,
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
        id: builder.add_text_field("id", STRING | FAST),
        digest: builder.add_u64_field("digest", FAST),
        restaurant: builder.add_text_field("restaurant", STRING | STORED),
        shop: builder.add_u64_field("shop", FAST),
        kind: builder.add_text_field("kind", STRING),
        name: builder.add_text_field("name", words.clone()),
        romaji: builder.add_text_field("romaji", STRING),
        text: builder.add_text_field("text", words),
        tag: builder.add_text_field("tag", STRING),
        tag_code: builder.add_u64_field("tag_code", FAST),
        cell: builder.add_text_field("cell", STRING),
        area: builder.add_text_field("area", STRING),
        place: builder.add_u64_field("place", FAST),
        price_minor: builder.add_i64_field("price_minor", FAST | INDEXED),
        prep_minutes: builder.add_u64_field("prep_minutes", FAST),
        obstacles: builder.add_u64_field("obstacles", FAST),
        obstacles_most: builder.add_u64_field("obstacles_most", FAST),
        popularity: builder.add_u64_field("popularity", FAST),
        sale: builder.add_u64_field("sale", FAST),
        key: builder.add_u64_field("key", FAST),
        facts_hash: builder.add_u64_field("facts_hash", FAST),
        restaurant_sequence: builder.add_i64_field("restaurant_sequence", FAST),
        menu_sequence: builder.add_i64_field("menu_sequence", FAST),
        display: builder.add_bytes_field("display", STORED),
        facts: builder.add_bytes_field("facts", STORED),
    };
    (builder.build(), fields)
}

/// Makes the tokeniser of the text fields known to an opened index.
pub fn register(index: &Index) {
    index
        .tokenizers()
        .register(TOKENIZER, RamenTokenizer::default());
}
