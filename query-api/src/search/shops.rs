//! The shops of the index by their numbers: where their documents stand, and the facts by which a question
//! of hour and place is answered.
//!
//! A dish names its shop by number, wherever the two stand. Facts are read and parsed when they are first
//! asked for, and kept while the shop's document says the same: a commit costs only the shops that it
//! changed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use chrono::{DateTime, Utc};
use domain::kernel::tax::FulfilmentKind;
use infra::search_schema::{Fields, KIND_SHOP, ShopFacts, Spell};
use tantivy::index::SegmentId;
use tantivy::schema::{IndexRecordOption, Value as _};
use tantivy::{
    DocAddress, DocId, DocSet as _, Searcher, SegmentReader, TERMINATED, TantivyDocument, Term,
};

/// The shops of an index as of one commit.
#[derive(Debug, Default)]
pub(super) struct Shops {
    by_number: HashMap<u64, ShopAt>,
    /// A segment does not change but for what is deleted of it.
    listed: HashMap<SegmentId, Arc<[Listed]>>,
}

/// A shop's document.
#[derive(Clone, Debug)]
pub(super) struct ShopAt {
    pub(super) address: DocAddress,
    facts_hash: u64,
    pub(super) shop: Arc<KnownShop>,
}

/// A shop's document in its segment, deleted or not.
#[derive(Debug)]
struct Listed {
    number: u64,
    facts_hash: u64,
    doc: DocId,
}

/// Facts that are read once.
#[derive(Debug, Default)]
pub(super) struct KnownShop {
    facts: OnceLock<Option<ShopFacts>>,
    /// Of the fulfilment that was last asked for.
    spell: Mutex<Option<(Option<FulfilmentKind>, Spell)>>,
}

impl Shops {
    /// The shops that `searcher` shows; of those before it what still holds is kept.
    pub(super) fn of(
        searcher: &Searcher,
        fields: &Fields,
        before: Option<&Self>,
    ) -> tantivy::Result<Self> {
        let mut found = Self::default();
        for (segment, reader) in (0_u32..).zip(searcher.segment_readers()) {
            let id = reader.segment_id();
            let listed = match before.and_then(|before| before.listed.get(&id)) {
                Some(listed) => Arc::clone(listed),
                None => list(reader, fields)?,
            };
            for shop in listed.iter().filter(|shop| !reader.is_deleted(shop.doc)) {
                let known = before.and_then(|before| before.by_number.get(&shop.number));
                let known = known.filter(|known| known.facts_hash == shop.facts_hash);
                let at = ShopAt {
                    address: DocAddress::new(segment, shop.doc),
                    facts_hash: shop.facts_hash,
                    shop: known
                        .map(|known| Arc::clone(&known.shop))
                        .unwrap_or_default(),
                };
                found.by_number.insert(shop.number, at);
            }
            found.listed.insert(id, listed);
        }
        Ok(found)
    }

    /// The shop of this number.
    pub(super) fn get(&self, number: u64) -> Option<&ShopAt> {
        self.by_number.get(&number)
    }
}

fn list(reader: &SegmentReader, fields: &Fields) -> tantivy::Result<Arc<[Listed]>> {
    let fast = reader.fast_fields();
    let (numbers, hashes) = (fast.u64("shop")?, fast.u64("facts_hash")?);
    let term = Term::from_field_text(fields.kind, KIND_SHOP);
    let postings = reader.inverted_index(fields.kind)?;
    let mut found = Vec::new();
    if let Some(mut docs) = postings.read_postings(&term, IndexRecordOption::Basic)? {
        let mut doc = docs.doc();
        while doc != TERMINATED {
            found.push(Listed {
                number: numbers.first(doc).unwrap_or(0),
                facts_hash: hashes.first(doc).unwrap_or(0),
                doc,
            });
            doc = docs.advance();
        }
    }
    Ok(found.into())
}

impl ShopAt {
    /// The facts, read when nobody has asked before; none when they make no sense.
    pub(super) fn facts(&self, searcher: &Searcher) -> Option<&ShopFacts> {
        let facts = self.shop.facts.get_or_init(|| {
            let read = read_facts(searcher, self.address);
            if read.is_none() {
                tracing::warn!("the facts of a shop in the search index cannot be read");
            }
            read
        });
        facts.as_ref()
    }
}

impl KnownShop {
    /// Whether the shop takes orders of a fulfilment, or of any, at an instant: worked out once for as long
    /// as it stays so.
    pub(super) fn is_open(
        &self,
        facts: &ShopFacts,
        at: DateTime<Utc>,
        kind: Option<FulfilmentKind>,
    ) -> bool {
        let mut known = self.spell.lock().unwrap_or_else(PoisonError::into_inner);
        let spell = match *known {
            Some((of, spell)) if of == kind && spell.holds_at(at) => spell,
            Some(_) | None => facts.spell_at(at, kind),
        };
        *known = Some((kind, spell));
        spell.open
    }
}

fn read_facts(searcher: &Searcher, address: DocAddress) -> Option<ShopFacts> {
    let document: TantivyDocument = searcher.doc(address).ok()?;
    let (_, fields) = infra::search_schema::schema();
    let bytes = document.get_first(fields.facts)?;
    serde_json::from_slice(bytes.as_bytes()?).ok()
}
