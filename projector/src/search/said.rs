//! What an index says, document by document: the digests by which it is known what has changed, and by
//! which two indexes are compared.

use std::collections::BTreeMap;
use std::path::Path;

use infra::search_schema::Fields;
use tantivy::columnar::{Column, StrColumn};
use tantivy::schema::IndexRecordOption;
use tantivy::{
    DocId, DocSet as _, Index, IndexReader, ReloadPolicy, Searcher, SegmentReader, TERMINATED, Term,
};
use uuid::Uuid;

use super::SearchError;

/// Digests by the document's id.
pub(super) type Digests = BTreeMap<String, u64>;

/// The documents of one shop.
pub(super) fn of_shop(
    searcher: &Searcher,
    fields: &Fields,
    shop: Uuid,
) -> tantivy::Result<Digests> {
    let term = Term::from_field_text(fields.restaurant, &shop.to_string());
    let mut found = Digests::new();
    for segment in searcher.segment_readers() {
        let postings = segment.inverted_index(fields.restaurant)?;
        let Some(mut docs) = postings.read_postings(&term, IndexRecordOption::Basic)? else {
            continue;
        };
        let columns = Columns::of(segment)?;
        let mut doc = docs.doc();
        while doc != TERMINATED {
            if !segment.is_deleted(doc) {
                found.extend(columns.read(doc)?);
            }
            doc = docs.advance();
        }
    }
    Ok(found)
}

/// All documents.
pub(super) fn of_all(searcher: &Searcher) -> tantivy::Result<Digests> {
    let mut found = Digests::new();
    for segment in searcher.segment_readers() {
        let columns = Columns::of(segment)?;
        for doc in segment.doc_ids_alive() {
            found.extend(columns.read(doc)?);
        }
    }
    Ok(found)
}

struct Columns {
    ids: Option<StrColumn>,
    digests: Column<u64>,
}

impl Columns {
    fn of(segment: &SegmentReader) -> tantivy::Result<Self> {
        let fast = segment.fast_fields();
        Ok(Self {
            ids: fast.str("id")?,
            digests: fast.u64("digest")?,
        })
    }

    fn read(&self, doc: DocId) -> tantivy::Result<Option<(String, u64)>> {
        let ids = self.ids.as_ref();
        let Some((ids, ord)) = ids.and_then(|ids| Some((ids, ids.ords().first(doc)?))) else {
            return Ok(None);
        };
        let mut id = String::new();
        ids.ord_to_str(ord, &mut id)?;
        Ok(Some((id, self.digests.first(doc).unwrap_or(0))))
    }
}

/// How many documents the index in `folder` and these digests do not have in common.
pub(super) fn differing(folder: &Path, others: &Digests) -> Result<u64, SearchError> {
    let index = Index::open_in_dir(folder)?;
    let reader = index.reader_builder();
    let reader: IndexReader = reader.reload_policy(ReloadPolicy::Manual).try_into()?;
    let mut alone = of_all(&reader.searcher())?;
    let mut count = 0;
    for (id, digest) in others {
        if alone.remove(id) != Some(*digest) {
            count += 1;
        }
    }
    Ok(count + alone.len() as u64)
}
