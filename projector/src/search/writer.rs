//! The one Tantivy writer. Every commit goes through [`SearchWriter`], which gives it its payload: a
//! plain commit would clear it.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use infra::event_store::LogError;
use infra::fault;
use infra::search_schema::{
    CommitPayload, Fields, Ground, SCHEMA_VERSION, documents, register, schema,
};
use tantivy::directory::MmapDirectory;
use tantivy::indexer::UserOperation;
use tantivy::{Index, IndexReader, IndexWriter, ReloadPolicy, Term};

use super::blocking;
use super::catalogue::{Look, ShopState};
use super::rows::bad_row;
use super::said::{Digests, of_all, of_shop};

/// Memory for documents before they are flushed; also the least that Tantivy takes for one thread.
const WRITER_BYTES: usize = 32 * 1024 * 1024;

/// Why the index cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The folder cannot be used.
    #[error("the folder of the search index cannot be used")]
    Folder(#[from] std::io::Error),
    /// Tantivy refuses.
    #[error("the search index cannot be written")]
    Index(#[from] tantivy::TantivyError),
    /// The views cannot be read.
    #[error("the views cannot be read for the search index")]
    Database(#[from] sqlx::Error),
    /// A view row makes no sense.
    #[error("views.{table} row {id} cannot be indexed")]
    Row {
        /// The table.
        table: &'static str,
        /// The row.
        id: uuid::Uuid,
        /// What does not parse.
        #[source]
        source: serde_json::Error,
    },
    /// The log cannot be read.
    #[error("the log cannot be read for the search index")]
    Log(#[from] LogError),
    /// A version of the index is not there, or of another schema.
    #[error("there is no search index that this build could go on with")]
    NoIndex,
    /// The work on the index has panicked.
    #[error("the search index's writer broke")]
    Broken,
}

/// What was written since the index was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Documents added, each in the place of one of the same id or in none.
    pub documents: u64,
    /// Documents taken away for good.
    pub removed: u64,
    /// Commits.
    pub commits: u64,
}

/// An open index and its writer. Clones share it.
#[derive(Clone)]
pub(super) struct SearchWriter {
    open: Arc<Mutex<Open>>,
}

struct Open {
    writer: IndexWriter,
    /// Shows the last commit, once it is reloaded.
    reader: IndexReader,
    is_stale: bool,
    fields: Fields,
    /// Counts up with each commit.
    written: Written,
    staged: Written,
}

impl SearchWriter {
    /// Opens the index in `directory`, and gives the payload of its last commit: none when there is
    /// nothing yet that this build could go on from. An index that cannot be opened, such as one of
    /// another schema, makes room for a new one: it can be built again from the views.
    pub(super) fn open(directory: &Path) -> Result<(Self, Option<CommitPayload>), SearchError> {
        std::fs::create_dir_all(directory)?;
        match Self::open_existing(directory) {
            Ok((writer, payload)) => {
                let known = payload.filter(|payload| payload.schema == SCHEMA_VERSION);
                Ok((writer, known))
            }
            Err(SearchError::Index(tantivy::TantivyError::LockFailure(error, hint))) => {
                Err(tantivy::TantivyError::LockFailure(error, hint).into())
            }
            Err(error) => {
                tracing::warn!(error = %error, "the search index is not usable, building it anew");
                make_room(directory)?;
                Ok((Self::open_existing(directory)?.0, None))
            }
        }
    }

    /// Opens the index in `directory` to go on with what it says.
    ///
    /// # Errors
    /// When there is none of this schema, or somebody else writes it.
    pub(super) fn open_as_it_is(directory: &Path) -> Result<(Self, CommitPayload), SearchError> {
        if !directory.join("meta.json").exists() {
            return Err(SearchError::NoIndex);
        }
        let (writer, payload) = Self::open_existing(directory)?;
        let known = payload.filter(|payload| payload.schema == SCHEMA_VERSION);
        Ok((writer, known.ok_or(SearchError::NoIndex)?))
    }

    fn open_existing(directory: &Path) -> Result<(Self, Option<CommitPayload>), SearchError> {
        let (schema, fields) = schema();
        let folder = MmapDirectory::open(directory).map_err(tantivy::TantivyError::from)?;
        let index = Index::open_or_create(folder, schema)?;
        register(&index);
        let payload = index.load_metas()?.payload;
        let payload = payload.and_then(|text| serde_json::from_str(&text).ok());
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual);
        let open = Open {
            writer: index.writer_with_num_threads(1, WRITER_BYTES)?,
            reader: reader.try_into()?,
            is_stale: false,
            fields,
            written: Written::default(),
            staged: Written::default(),
        };
        let open = Arc::new(Mutex::new(open));
        Ok((Self { open }, payload))
    }

    /// Brings the documents of some shops to what they say now, and commits; nothing when they say that
    /// already, unless `even_if_same`. Gives whether there was a commit.
    pub(super) async fn replace(
        &self,
        shops: Vec<ShopState>,
        payload: CommitPayload,
        even_if_same: bool,
    ) -> Result<bool, SearchError> {
        self.with(move |open| {
            open.stage(&shops)?;
            if open.staged == Written::default() && !even_if_same {
                return Ok(false);
            }
            fault::point("index.added");
            open.commit(&payload)?;
            Ok(true)
        })
        .await
    }

    /// Begins with no documents. Nobody sees that before the next commit.
    pub(super) async fn begin_anew(&self) -> Result<(), SearchError> {
        self.with(|open| {
            open.forget_staged()?;
            open.writer.delete_all_documents()?;
            Ok(())
        })
        .await
    }

    /// Adds the documents of shops that have none.
    pub(super) async fn add(&self, shops: Vec<ShopState>) -> Result<(), SearchError> {
        self.with(move |open| open.add(&shops)).await
    }

    /// Shows what was added.
    pub(super) async fn commit(&self, payload: CommitPayload) -> Result<(), SearchError> {
        self.with(move |open| open.commit(&payload)).await
    }

    /// Digests of all documents as of the last commit.
    pub(super) async fn said(&self) -> Result<Digests, SearchError> {
        self.with(|open| {
            open.reader.reload()?;
            Ok(of_all(&open.reader.searcher())?)
        })
        .await
    }

    /// What was written since the index was opened.
    pub(super) fn written(&self) -> Written {
        self.lock().written
    }

    /// Does work on the index, away from the threads that serve. Of work that fails nothing stays.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Open) -> Result<T, SearchError> + Send + 'static,
    ) -> Result<T, SearchError> {
        let shared = self.clone();
        blocking(move || {
            let mut open = shared.lock();
            let outcome = work(&mut open);
            if outcome.is_err() {
                // What was staged must not ride on the next commit, whose payload says otherwise.
                open.forget_staged()?;
            }
            outcome
        })
        .await
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Takes away what is said no more, and writes what is said anew.
    fn stage(&mut self, shops: &[ShopState]) -> Result<(), SearchError> {
        if std::mem::take(&mut self.is_stale) {
            self.reader.reload()?;
        }
        let searcher = self.reader.searcher();
        for shop in shops {
            let before = match &shop.look {
                Look::Same => continue,
                Look::Hidden | Look::Shown(_) => of_shop(&searcher, &self.fields, shop.restaurant)?,
            };
            let operations = self.changes(shop, before)?;
            if !operations.is_empty() {
                // What runs together comes into one segment.
                self.writer.run(operations)?;
            }
        }
        Ok(())
    }

    fn changes(
        &mut self,
        shop: &ShopState,
        mut before: Digests,
    ) -> Result<Vec<UserOperation>, SearchError> {
        let bad = bad_row(shop.restaurant, "restaurants");
        let fields = self.fields;
        let of_id = |id: &str| UserOperation::Delete(Term::from_field_text(fields.id, id));
        let mut operations = Vec::new();
        if let Look::Shown(entries) = &shop.look {
            let ground = Ground::of(entries).map_err(&bad)?;
            for entry in &entries.entries {
                let id = ground.id(entry);
                if before.remove(&id) != Some(ground.digest(entry)) {
                    let document = ground.document(&fields, entry).map_err(&bad)?;
                    operations.extend([of_id(&id), UserOperation::Add(document)]);
                    self.staged.documents += 1;
                }
            }
        }
        self.staged.removed += before.len() as u64;
        operations.extend(before.keys().map(|id| of_id(id)));
        Ok(operations)
    }

    fn add(&mut self, shops: &[ShopState]) -> Result<(), SearchError> {
        for shop in shops {
            let Look::Shown(entries) = &shop.look else {
                continue;
            };
            let all = documents(&self.fields, entries);
            for document in all.map_err(bad_row(shop.restaurant, "restaurants"))? {
                self.writer.add_document(document)?;
                self.staged.documents += 1;
            }
        }
        Ok(())
    }

    fn commit(&mut self, payload: &CommitPayload) -> Result<(), SearchError> {
        commit(&mut self.writer, payload)?;
        let staged = std::mem::take(&mut self.staged);
        self.written.documents += staged.documents;
        self.written.removed += staged.removed;
        self.written.commits += 1;
        self.is_stale = true;
        Ok(())
    }

    fn forget_staged(&mut self) -> Result<(), SearchError> {
        self.staged = Written::default();
        self.writer.rollback()?;
        Ok(())
    }
}

/// Empties `directory` at once, by another name: a reader beside us puts lock files into it, so that it
/// might never be seen empty.
fn make_room(directory: &Path) -> Result<(), std::io::Error> {
    let aside = directory.with_extension("unusable");
    if aside.exists() {
        std::fs::remove_dir_all(&aside)?;
    }
    std::fs::rename(directory, &aside)?;
    std::fs::create_dir_all(directory)?;
    if let Err(error) = std::fs::remove_dir_all(&aside) {
        tracing::warn!(%error, folder = %aside.display(), "an old search index is left behind");
    }
    Ok(())
}

fn commit(writer: &mut IndexWriter, payload: &CommitPayload) -> Result<(), SearchError> {
    let text = serde_json::to_string(payload)
        .map_err(|error| tantivy::TantivyError::InvalidArgument(format!("payload: {error}")))?;
    let mut prepared = writer.prepare_commit()?;
    prepared.set_payload(&text);
    fault::point("index.prepared");
    prepared.commit()?;
    fault::point("index.committed");
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn an_index_is_made_beside_readers_that_already_look_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let done = AtomicBool::new(false);
        let directory = |nth: usize| folder.path().join(nth.to_string());
        let count = 40;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    for nth in 0..count {
                        // A reader takes a lock file in the folder; whether it finds an index is all one.
                        drop(Index::open_in_dir(directory(nth)).and_then(|index| index.reader()));
                    }
                }
            });
            for nth in 0..count {
                let opened = SearchWriter::open(&directory(nth)).map(|(_, payload)| payload);
                assert_eq!(opened.unwrap(), None);
            }
            done.store(true, Ordering::SeqCst);
        });
    }

    #[test]
    fn what_cannot_be_opened_makes_room() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("search");
        std::fs::create_dir(&directory).unwrap();
        std::fs::write(directory.join("meta.json"), "no index").unwrap();
        let (_, payload) = SearchWriter::open(&directory).unwrap();
        assert_eq!(payload, None);
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }
}
