//! The one Tantivy writer. Every commit goes through [`SearchWriter`], which gives it its payload: a
//! plain commit would clear it.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use infra::search_schema::{
    CommitPayload, Fields, KIND_DISH, KIND_SHOP, Place, SCHEMA_VERSION, cells_of, register, schema,
    style_code,
};
use tantivy::directory::MmapDirectory;
use tantivy::{Index, IndexWriter, TantivyDocument, Term};

use super::blocking;
use super::shops::{Document, ShopDocuments};

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
    /// Opens the index in `directory`, and gives the payload of its last commit. An index of another
    /// schema, or one that cannot be opened, is removed: it can be built again from the views.
    pub(super) fn open(directory: &Path) -> Result<(Self, Option<CommitPayload>), SearchError> {
        std::fs::create_dir_all(directory)?;
        match Self::open_existing(directory) {
            Ok((writer, Some(payload))) if payload.schema == SCHEMA_VERSION => {
                return Ok((writer, Some(payload)));
            }
            Ok(_) => {}
            Err(SearchError::Index(tantivy::TantivyError::LockFailure(error, hint))) => {
                return Err(tantivy::TantivyError::LockFailure(error, hint).into());
            }
            Err(error) => {
                tracing::warn!(error = %error, "the search index is not usable, building it anew");
            }
        }
        std::fs::remove_dir_all(directory)?;
        std::fs::create_dir_all(directory)?;
        let (writer, _) = Self::open_existing(directory)?;
        Ok((writer, None))
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
            let id = shop.restaurant.to_string();
            writer.delete_term(Term::from_field_text(self.fields.restaurant, &id));
            for document in &shop.documents {
                writer.add_document(self.tantivy_document(&id, shop, document))?;
            }
        }
        Ok(())
    }

    fn tantivy_document(&self, id: &str, shop: &ShopDocuments, from: &Document) -> TantivyDocument {
        let fields = &self.fields;
        let mut document = TantivyDocument::default();
        document.add_text(fields.restaurant, id);
        let kind = if from.display.item.is_some() {
            KIND_DISH
        } else {
            KIND_SHOP
        };
        document.add_text(fields.kind, kind);
        for name in &from.names {
            document.add_text(fields.name, name);
        }
        for text in &from.texts {
            document.add_text(fields.text, text);
        }
        for style in &from.display.styles {
            document.add_text(fields.style, style);
            if let Some(code) = style_code(style) {
                document.add_u64(fields.style_code, code);
            }
        }
        for cell in cells_of(shop.lat, shop.lon) {
            document.add_text(fields.cell, cell);
        }
        document.add_u64(fields.place, Place::new(shop.lat, shop.lon).packed());
        document.add_i64(fields.price_minor, from.price_minor);
        document.add_u64(fields.popularity, from.popularity);
        document.add_i64(fields.restaurant_sequence, shop.restaurant_sequence);
        document.add_i64(fields.menu_sequence, shop.menu_sequence);
        document.add_bytes(fields.display, &from.display_json);
        document
    }
}

fn commit(writer: &mut IndexWriter, payload: &CommitPayload) -> Result<(), SearchError> {
    let text = serde_json::to_string(payload)
        .map_err(|error| tantivy::TantivyError::InvalidArgument(format!("payload: {error}")))?;
    let mut prepared = writer.prepare_commit()?;
    prepared.set_payload(&text);
    prepared.commit()?;
    Ok(())
}
