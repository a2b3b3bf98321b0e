//! The shops of a segment: whose document is whose, and the facts by which a question of hour and place is
//! answered.
//!
//! A shop's documents stand behind one another, the shop first, so the shop of a document is the last shop
//! before it. Facts are read and parsed when they are first asked for, and shared by segments that hold the
//! same: a commit costs only the shops that it changed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use chrono::{DateTime, Utc};
use infra::search_schema::{Fields, KIND_SHOP, ShopFacts, Spell};
use tantivy::schema::{IndexRecordOption, Value as _};
use tantivy::store::StoreReader;
use tantivy::{DocId, DocSet as _, SegmentReader, TERMINATED, TantivyDocument, Term};

/// The shops of one segment.
#[derive(Debug, Default)]
pub(super) struct SegmentShops {
    /// The documents of the shops themselves, ascending.
    starts: Vec<DocId>,
    /// In the same order, with the hash of their facts.
    shops: Vec<(u64, Arc<KnownShop>)>,
}

/// Facts that are read once.
#[derive(Debug, Default)]
pub(super) struct KnownShop {
    facts: OnceLock<Option<ShopFacts>>,
    spell: Mutex<Option<Spell>>,
}

impl SegmentShops {
    /// The shops of a segment; what `known` has by hash is not read again.
    pub(super) fn of(
        reader: &SegmentReader,
        fields: &Fields,
        known: &HashMap<u64, Arc<KnownShop>>,
    ) -> tantivy::Result<Self> {
        let hashes = reader.fast_fields().u64("facts_hash")?;
        let term = Term::from_field_text(fields.kind, KIND_SHOP);
        let postings = reader.inverted_index(fields.kind)?;
        let mut found = Self::default();
        let Some(mut docs) = postings.read_postings(&term, IndexRecordOption::Basic)? else {
            return Ok(found);
        };
        let mut doc = docs.doc();
        while doc != TERMINATED {
            let hash = hashes.first(doc).unwrap_or(0);
            found.starts.push(doc);
            let shop = known.get(&hash).cloned().unwrap_or_default();
            found.shops.push((hash, shop));
            doc = docs.advance();
        }
        Ok(found)
    }

    /// What is known, by hash.
    pub(super) fn known(&self) -> impl Iterator<Item = (u64, Arc<KnownShop>)> {
        self.shops
            .iter()
            .map(|(hash, shop)| (*hash, Arc::clone(shop)))
    }

    /// The shop to which a document belongs: its own document, and what is known of it.
    pub(super) fn shop_of(&self, doc: DocId) -> Option<(DocId, &Arc<KnownShop>)> {
        let at = self
            .starts
            .partition_point(|start| *start <= doc)
            .checked_sub(1)?;
        Some((*self.starts.get(at)?, &self.shops.get(at)?.1))
    }
}

impl KnownShop {
    /// The facts, read from `store` when nobody has asked before; none when they make no sense.
    pub(super) fn facts(
        &self,
        doc: DocId,
        store: impl FnOnce() -> Option<StoreReader>,
    ) -> Option<&ShopFacts> {
        let facts = self.facts.get_or_init(|| {
            let read = store().and_then(|store| read_facts(&store, doc));
            if read.is_none() {
                tracing::warn!("the facts of a shop in the search index cannot be read");
            }
            read
        });
        facts.as_ref()
    }

    /// Whether the shop takes orders at an instant: worked out once for as long as it stays so.
    pub(super) fn is_open(&self, facts: &ShopFacts, at: DateTime<Utc>) -> bool {
        let mut known = self.spell.lock().unwrap_or_else(PoisonError::into_inner);
        let spell = match *known {
            Some(spell) if spell.holds_at(at) => spell,
            Some(_) | None => facts.spell_at(at),
        };
        *known = Some(spell);
        spell.open
    }
}

fn read_facts(store: &StoreReader, doc: DocId) -> Option<ShopFacts> {
    let document: TantivyDocument = store.get(doc).ok()?;
    let (_, fields) = infra::search_schema::schema();
    let bytes = document.get_first(fields.facts)?;
    serde_json::from_slice(bytes.as_bytes()?).ok()
}
