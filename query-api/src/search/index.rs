//! The index opened for reading. It is written by the projector; this side only reloads it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use infra::search_schema::{Display, Fields, STYLES, register, schema};
use tantivy::schema::Value as _;
use tantivy::{DocSet as _, Index, IndexReader, ReloadPolicy, Searcher, TantivyDocument, Term};
use uuid::Uuid;

use super::collect::{Best, BestHits, Candidate};
use super::{Found, Hit, SearchQuery};

/// Why a search was not answered.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// There is no index yet: the projector has not written any.
    #[error("there is no search index yet")]
    Absent,
    /// Tantivy failed.
    #[error("the search index cannot be read")]
    Index(#[from] tantivy::TantivyError),
    /// A document holds what cannot be shown.
    #[error("a document of the search index makes no sense")]
    Document,
}

/// The index of one host. Clones share it.
#[derive(Clone)]
pub struct SearchIndex {
    directory: PathBuf,
    open: Arc<RwLock<Option<Open>>>,
}

#[derive(Clone)]
struct Open {
    reader: IndexReader,
    fields: Fields,
}

impl SearchIndex {
    /// The index in `directory`, opened as soon as it exists.
    pub fn new(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            open: Arc::default(),
        }
    }

    /// Shows what the last commit wrote. Called when the projector announces one.
    ///
    /// # Errors
    /// When the files cannot be read.
    pub fn reload(&self) -> Result<(), SearchError> {
        let open = self
            .open
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        match open {
            Some(open) if open.reader.reload().is_ok() => Ok(()),
            // Not opened yet, or replaced by an index of another schema.
            Some(_) | None => self.open_anew(),
        }
    }

    fn open_anew(&self) -> Result<(), SearchError> {
        let opened = self.try_open()?;
        *self.open.write().unwrap_or_else(PoisonError::into_inner) = Some(opened);
        Ok(())
    }

    fn try_open(&self) -> Result<Open, SearchError> {
        if !self.directory.join("meta.json").exists() {
            return Err(SearchError::Absent);
        }
        let (wanted, fields) = schema();
        let index = Index::open_in_dir(&self.directory)?;
        if index.schema() != wanted {
            return Err(SearchError::Absent);
        }
        register(&index);
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .try_into()?;
        Ok(Open { reader, fields })
    }

    fn opened(&self) -> Result<Open, SearchError> {
        let open = self
            .open
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(open) = open {
            return Ok(open);
        }
        self.open_anew()?;
        let open = self
            .open
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        open.ok_or(SearchError::Absent)
    }

    /// Answers a search. Runs on the calling thread: a fraction of a millisecond for a term.
    ///
    /// # Errors
    /// As [`SearchError`].
    #[tracing::instrument(name = "search", skip_all, level = "debug")]
    pub fn search(&self, query: &SearchQuery) -> Result<Found, SearchError> {
        let open = self.opened()?;
        let searcher = open.reader.searcher();
        let best = searcher.search(
            &query.build(&open.fields),
            &BestHits {
                near: query.near,
                price_max: query.price_max,
                keep: query.offset.saturating_add(query.limit),
                by_text: !query.terms.is_empty(),
            },
        )?;
        let page = best.hits.iter().skip(query.offset);
        let hits = page
            .map(|candidate| hit(&searcher, &open.fields, query, candidate))
            .collect::<Result<_, _>>()?;
        Ok(Found {
            hits,
            total: best.total,
            styles: styles(&best),
        })
    }

    /// The sequences of the Restaurant and Menu streams that a shop's documents show; none when the
    /// shop is not in the index.
    ///
    /// # Errors
    /// As [`SearchError`].
    pub fn sequences(&self, restaurant: Uuid) -> Result<Option<(i64, i64)>, SearchError> {
        let open = self.opened()?;
        let term = Term::from_field_text(open.fields.restaurant, &restaurant.to_string());
        for segment in open.reader.searcher().segment_readers() {
            let postings = segment.inverted_index(open.fields.restaurant)?;
            let Some(mut docs) = postings
                .read_postings(&term, tantivy::schema::IndexRecordOption::Basic)
                .map_err(tantivy::TantivyError::from)?
            else {
                continue;
            };
            let fast = segment.fast_fields();
            let (shop, menu) = (fast.i64("restaurant_sequence")?, fast.i64("menu_sequence")?);
            let mut doc = docs.doc();
            while doc != tantivy::TERMINATED {
                if !segment.is_deleted(doc) {
                    return Ok(Some((
                        shop.first(doc).unwrap_or(0),
                        menu.first(doc).unwrap_or(0),
                    )));
                }
                doc = docs.advance();
            }
        }
        Ok(None)
    }
}

fn hit(
    searcher: &Searcher,
    fields: &Fields,
    query: &SearchQuery,
    candidate: &Candidate,
) -> Result<Hit, SearchError> {
    let document: TantivyDocument = searcher.doc(candidate.address)?;
    let restaurant = document
        .get_first(fields.restaurant)
        .and_then(|value| value.as_str())
        .and_then(|text| text.parse().ok())
        .ok_or(SearchError::Document)?;
    let display: Display = document
        .get_first(fields.display)
        .and_then(|value| value.as_bytes())
        .and_then(|bytes| serde_json::from_slice(bytes).ok())
        .ok_or(SearchError::Document)?;
    Ok(Hit {
        restaurant,
        display,
        price_minor: candidate.price_minor,
        distance_m: candidate.distance_m,
        score: candidate.score,
        why: why(query, candidate),
    })
}

/// What counted in the order of hits.
fn why(query: &SearchQuery, candidate: &Candidate) -> Vec<&'static str> {
    let reasons = [
        ("text", !query.terms.is_empty()),
        ("distance", query.near.is_some()),
        ("style", !query.styles.is_empty()),
        ("popularity", candidate.popularity > 0),
    ];
    reasons
        .into_iter()
        .filter(|(_, counted)| *counted)
        .map(|(reason, _)| reason)
        .collect()
}

fn styles(best: &Best) -> Vec<(&'static str, u64)> {
    STYLES
        .iter()
        .zip(&best.styles)
        .filter(|(_, count)| **count > 0)
        .map(|(style, count)| (style.name, *count))
        .collect()
}
