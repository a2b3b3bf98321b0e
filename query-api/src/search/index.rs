//! The index opened for reading. It is written by the projector; this side only reloads it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use infra::search_schema::{Display, Fields, IndexFolder, register, schema};
use tantivy::schema::Value as _;
use tantivy::{DocSet as _, Index, IndexReader, ReloadPolicy, Searcher, TantivyDocument, Term};
use uuid::Uuid;

use super::collect::{BestHits, Candidate};
use super::facets::Facet;
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
    folder: IndexFolder,
    open: Arc<RwLock<Option<Arc<View>>>>,
    /// One reload at a time: an earlier commit must not be shown after a later one.
    reloading: Arc<Mutex<()>>,
}

/// A commit of one version of the index.
#[derive(PartialEq, Eq)]
struct Commit {
    directory: PathBuf,
    meta: Vec<u8>,
}

/// The index as of one commit.
struct View {
    reader: IndexReader,
    fields: Fields,
    searcher: Searcher,
    shops: Arc<Shops>,
    /// The version's folder, and what it said of the commit.
    commit: Commit,
}

impl SearchIndex {
    /// The index in `directory`, opened as soon as it exists.
    pub fn new(directory: &Path) -> Self {
        Self {
            folder: IndexFolder::at(directory),
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
        let commit = self.last_commit()?;
        if shown.as_ref().is_some_and(|view| view.commit == commit) {
            return Ok(());
        }
        let same_version = shown
            .as_ref()
            .filter(|view| view.commit.directory == commit.directory);
        let next = match same_version {
            Some(view) if view.reader.reload().is_ok() => {
                View::of(view.reader.clone(), view.fields, commit, Some(view))?
            }
            // Not opened yet, or another version, or one that was begun anew.
            Some(_) | None => try_open(commit)?,
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

    fn last_commit(&self) -> Result<Commit, SearchError> {
        let served = self.folder.served().map_err(tantivy::TantivyError::from)?;
        let directory = served.ok_or(SearchError::Absent)?;
        let meta = std::fs::read(directory.join("meta.json"));
        let meta = meta.map_err(|_| SearchError::Absent)?;
        Ok(Commit { directory, meta })
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

    /// The currencies in which dishes are priced where `query` looks, whatever its words and filters.
    ///
    /// # Errors
    /// As [`SearchError`].
    pub fn currencies(&self, query: &SearchQuery) -> Result<BTreeSet<String>, SearchError> {
        let there = SearchQuery {
            at: query.at,
            near: query.near,
            radius_m: query.radius_m,
            delivers: query.delivers,
            dishes: Some(true),
            facets: vec![Facet::Price],
            limit: 1,
            ..SearchQuery::default()
        };
        let bands = self.search(&there)?.facets.prices.into_keys();
        Ok(bands.map(|band| band.currency).collect())
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

fn try_open(commit: Commit) -> Result<View, SearchError> {
    let (wanted, fields) = schema();
    let index = Index::open_in_dir(&commit.directory)?;
    if index.schema() != wanted {
        return Err(SearchError::Absent);
    }
    register(&index);
    let reader = index.reader_builder();
    let reader = reader.reload_policy(ReloadPolicy::Manual).try_into()?;
    View::of(reader, fields, commit, None)
}

impl View {
    fn of(
        reader: IndexReader,
        fields: Fields,
        commit: Commit,
        before: Option<&Self>,
    ) -> Result<Self, SearchError> {
        let searcher = reader.searcher();
        let before = before.map(|view| &*view.shops);
        Ok(Self {
            shops: Arc::new(Shops::of(&searcher, &fields, before)?),
            reader,
            fields,
            searcher,
            commit,
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
