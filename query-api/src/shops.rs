//! Shop pages as serialised bytes, kept until the projector says that the shop has changed.

use axum::body::Bytes;
use infra::http::ApiError;
use infra::http::conditional::Etag;
use sqlx::PgPool;
use uuid::Uuid;

use crate::cache::Versioned;
use crate::http::restaurant::read_restaurant::ShopPage;

/// Pages kept: 10,000 shops of a few kilobytes.
const PAGES_MAX: u64 = 10_000;

/// An answer ready to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// Its tag.
    pub(crate) etag: Etag,
    /// JSON.
    pub(crate) body: Bytes,
}

/// The cache of shop pages.
pub(crate) struct ShopPages {
    pool: PgPool,
    pages: Versioned<Page>,
}

impl ShopPages {
    pub(crate) fn new(pool: PgPool) -> Self {
        Self {
            pool,
            pages: Versioned::new(PAGES_MAX),
        }
    }

    /// The page of a shop; none when there is no such shop.
    ///
    /// # Errors
    /// When the view cannot be read.
    pub(crate) async fn page(&self, id: Uuid) -> Result<Option<Page>, ApiError> {
        let entry = self.pages.get(id, || load(&self.pool, id)).await?;
        Ok(entry.map(|entry| entry.value.clone()))
    }

    /// Hears that a stream is visible up to a sequence.
    pub(crate) fn at_least(&self, kind: &str, id: Uuid, sequence: i64) {
        if kind == "restaurant.restaurant" {
            self.pages.at_least(id, sequence);
        }
    }

    /// Hears that anything may have changed.
    pub(crate) fn forget_all(&self) {
        self.pages.forget_all();
    }
}

#[tracing::instrument(name = "db.shop_page_read", skip_all, level = "debug")]
async fn load(pool: &PgPool, id: Uuid) -> Result<Option<(i64, Page)>, ApiError> {
    let Some(shop) = ShopPage::read(pool, id).await? else {
        return Ok(None);
    };
    let body = serde_json::to_vec(&shop).map_err(ApiError::internal)?;
    let etag = Etag::version(shop.version);
    Ok(Some((
        shop.version,
        Page {
            etag,
            body: body.into(),
        },
    )))
}
