//! The one Tantivy writer. Every commit goes through [`SearchWriter`], which gives it its payload: a
//! plain commit would clear it.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use infra::search_schema::{CommitPayload, Fields, SCHEMA_VERSION, document, register, schema};
use tantivy::directory::MmapDirectory;
use tantivy::indexer::UserOperation;
use tantivy::{Index, IndexWriter, Term};

use super::blocking;
use super::shops::ShopDocuments;

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
    /// The work on the index has panicked.
    #[error("the search index's writer broke")]
    Broken,
}

/// An open index and its writer. Clones share it.
#[derive(Clone)]
pub(super) struct SearchWriter {
    writer: Arc<Mutex<IndexWriter>>,
    fields: Fields,
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

    fn open_existing(directory: &Path) -> Result<(Self, Option<CommitPayload>), SearchError> {
        let (schema, fields) = schema();
        let folder = MmapDirectory::open(directory).map_err(tantivy::TantivyError::from)?;
        let index = Index::open_or_create(folder, schema)?;
        register(&index);
        let payload = index.load_metas()?.payload;
        let payload = payload.and_then(|text| serde_json::from_str(&text).ok());
        let writer = index.writer_with_num_threads(1, WRITER_BYTES)?;
        Ok((
            Self {
                writer: Arc::new(Mutex::new(writer)),
                fields,
            },
            payload,
        ))
    }

    /// Replaces the documents of some shops and commits.
    pub(super) async fn replace(
        self,
        shops: Vec<ShopDocuments>,
        payload: CommitPayload,
    ) -> Result<Self, SearchError> {
        self.write(shops, payload, false).await
    }

    /// Replaces all documents and commits.
    pub(super) async fn replace_all(
        self,
        shops: Vec<ShopDocuments>,
        payload: CommitPayload,
    ) -> Result<Self, SearchError> {
        self.write(shops, payload, true).await
    }

    async fn write(
        self,
        shops: Vec<ShopDocuments>,
        payload: CommitPayload,
        all: bool,
    ) -> Result<Self, SearchError> {
        blocking(move || {
            self.write_now(&shops, &payload, all)?;
            Ok(self)
        })
        .await
    }

    fn write_now(
        &self,
        shops: &[ShopDocuments],
        payload: &CommitPayload,
        all: bool,
    ) -> Result<(), SearchError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let written = self
            .stage(&mut writer, shops, all)
            .and_then(|()| commit(&mut writer, payload));
        if written.is_err() {
            // What was staged must not ride on the next commit, whose payload says otherwise.
            writer.rollback()?;
        }
        written
    }

    fn stage(
        &self,
        writer: &mut IndexWriter,
        shops: &[ShopDocuments],
        all: bool,
    ) -> Result<(), SearchError> {
        if all {
            writer.delete_all_documents()?;
        }
        for shop in shops {
            let id = Term::from_field_text(self.fields.restaurant, &shop.restaurant.to_string());
            let documents = match &shop.documents {
                Some(documents) => document(&self.fields, documents),
                None => Ok(Vec::new()),
            };
            let documents = documents.map_err(|source| SearchError::Row {
                table: "restaurants",
                id: shop.restaurant,
                source,
            })?;
            let added = documents.into_iter().map(UserOperation::Add);
            let all: Vec<_> = [UserOperation::Delete(id)]
                .into_iter()
                .chain(added)
                .collect();
            // What runs together comes into one segment, in this order, and stays so when it is merged.
            writer.run(all)?;
        }
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
    prepared.commit()?;
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
