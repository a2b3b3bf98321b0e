//! The index opened for reading. It is written by the projector; this side only reloads it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use infra::search_schema::{Display, Fields, register, schema};
use tantivy::schema::Value as _;
use tantivy::{DocSet as _, Index, IndexReader, ReloadPolicy, Searcher, TantivyDocument, Term};
use uuid::Uuid;

use super::collect::{BestHits, Candidate};
use super::query::{SearchQuery, Sort};
use super::shops::Shops;
use super::spelling::did_you_mean;
use super::{Found, Hit};

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
    open: Arc<RwLock<Option<Arc<View>>>>,
    /// One reload at a time: an earlier commit must not be shown after a later one.
    reloading: Arc<Mutex<()>>,
}

/// The index as of one commit.
struct View {
    reader: IndexReader,
    fields: Fields,
    searcher: Searcher,
    shops: Arc<Shops>,
    /// What the folder said of the commit.
    meta: Vec<u8>,
}

impl SearchIndex {
    /// The index in `directory`, opened as soon as it exists.
    pub fn new(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            open: Arc::default(),
            reloading: Arc::default(),
        }
    }

    /// Shows what the last commit wrote; costs the reading of a small file when it is shown already. Called
    /// when the projector announces one. Searches go on meanwhile with what there is.
    ///
    /// # Errors
    /// When the files cannot be read.
    pub fn reload(&self) -> Result<(), SearchError> {
        let _one = self
            .reloading
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let shown = self.shown();
        // Read before the index is: a commit after it is seen at the next reload.
        let meta = std::fs::read(self.directory.join("meta.json"));
        let meta = meta.map_err(|_| SearchError::Absent)?;
        if shown.as_ref().is_some_and(|view| view.meta == meta) {
            return Ok(());
        }
        let next = match &shown {
            Some(view) if view.reader.reload().is_ok() => {
                View::of(view.reader.clone(), view.fields, meta, Some(view))?
            }
            // Not opened yet, or replaced by an index of another schema.
            Some(_) | None => self.try_open(meta)?,
        };
        *self.open.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(next));
        Ok(())
    }

    fn shown(&self) -> Option<Arc<View>> {
        self.open
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn try_open(&self, meta: Vec<u8>) -> Result<View, SearchError> {
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
        View::of(reader, fields, meta, None)
    }

    fn opened(&self) -> Result<Arc<View>, SearchError> {
        if let Some(view) = self.shown() {
            return Ok(view);
        }
        self.reload()?;
        self.shown().ok_or(SearchError::Absent)
    }

    /// Answers a search. Runs on the calling thread: a fraction of a millisecond for a term.
    ///
    /// # Errors
    /// As [`SearchError`].
    #[tracing::instrument(name = "search", skip_all, level = "debug")]
    pub fn search(&self, query: &SearchQuery) -> Result<Found, SearchError> {
        let view = self.opened()?;
        let best = view.searcher.search(
            &query.build(&view.fields),
            &BestHits {
                query: Arc::new(query.clone()),
                searcher: view.searcher.clone(),
                shops: Arc::clone(&view.shops),
            },
        )?;
        let hits = best.hits.iter();
        let hits = hits
            .map(|candidate| view.hit(query.sort, candidate))
            .collect::<Result<_, _>>()?;
        Ok(Found {
            hits,
            total: best.total,
            more: best.behind > best.hits.len(),
            looked_at: best.looked_at,
            facets: best.facets.counts(),
            did_you_mean: view.did_you_mean(query)?,
        })
    }

    /// The sequences of the Restaurant and Menu streams that a shop's documents show, together: a document
    /// that says the same as before is not written again. None when the shop is not in the index.
    ///
    /// # Errors
    /// As [`SearchError`].
    pub fn sequences(&self, restaurant: Uuid) -> Result<Option<(i64, i64)>, SearchError> {
        let view = self.opened()?;
        let mut newest: Option<(i64, i64)> = None;
        let term = Term::from_field_text(view.fields.restaurant, &restaurant.to_string());
        for segment in view.searcher.segment_readers() {
            let postings = segment.inverted_index(view.fields.restaurant)?;
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
                    let (of_shop, of_menu) = newest.unwrap_or_default();
                    newest = Some((
                        of_shop.max(shop.first(doc).unwrap_or(0)),
                        of_menu.max(menu.first(doc).unwrap_or(0)),
                    ));
                }
                doc = docs.advance();
            }
        }
        Ok(newest)
    }
}

impl View {
    fn of(
        reader: IndexReader,
        fields: Fields,
        meta: Vec<u8>,
        before: Option<&Self>,
    ) -> Result<Self, SearchError> {
        let searcher = reader.searcher();
        let before = before.map(|view| &*view.shops);
        Ok(Self {
            shops: Arc::new(Shops::of(&searcher, &fields, before)?),
            reader,
            fields,
            searcher,
            meta,
        })
    }

    /// Words that are still being typed are not corrected.
    fn did_you_mean(&self, query: &SearchQuery) -> Result<Option<String>, SearchError> {
        if query.begun {
            return Ok(None);
        }
        Ok(did_you_mean(&self.searcher, &self.fields, &query.text)?)
    }

    fn hit(&self, sort: Sort, candidate: &Candidate) -> Result<Hit, SearchError> {
        let document: TantivyDocument = self.searcher.doc(candidate.address)?;
        let restaurant = document
            .get_first(self.fields.restaurant)
            .and_then(|value| value.as_str())
            .and_then(|text| text.parse().ok())
            .ok_or(SearchError::Document)?;
        let display: Display = document
            .get_first(self.fields.display)
            .and_then(|value| value.as_bytes())
            .and_then(|bytes| serde_json::from_slice(bytes).ok())
            .ok_or(SearchError::Document)?;
        Ok(Hit {
            restaurant,
            display,
            price_minor: candidate.price_minor,
            distance_m: candidate.signals.distance_m,
            promise_minutes: candidate.promise_minutes,
            open: candidate.signals.open,
            by_choice: candidate.by_choice,
            score: candidate.signals.score(),
            why: match sort {
                Sort::Relevance => candidate.signals.why(),
                Sort::Distance => vec!["distance"],
                Sort::Price => vec!["price"],
                Sort::Promise => vec!["promise"],
            },
            position: candidate.position,
        })
    }
}
