//! What the handlers share.

use std::path::Path;
use std::sync::Arc;

use axum::response::Response;
use domain::kernel::flags::Flags;
use http::HeaderMap;
use infra::applied::{Applied, AppliedHub};
use infra::clock::Clock;
use infra::http::{ApiError, Consistency, ConsistencyToken};
use infra::vault::Vault;
use sqlx::PgPool;

use crate::fresh::{Freshness, Place, Wanted};
use crate::live::LiveOrders;
use crate::menus::MenuPages;
use crate::search::SearchIndex;
use crate::shops::ShopPages;

/// The read side of one process. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    pool: PgPool,
    clock: Clock,
    vault: Vault,
    search: SearchIndex,
    fresh: Freshness,
    live: LiveOrders,
    menus: MenuPages,
    shops: ShopPages,
    flags: Flags,
}

/// What an app is made of.
pub struct Parts {
    /// The database of the views, as the query role.
    pub pool: PgPool,
    /// The clock of the process.
    pub clock: Clock,
    /// Opens sealed values.
    pub vault: Vault,
    /// What the projector announces.
    pub hub: AppliedHub,
}

/// Whether an answer shows what its reader has written, as headers.
pub(crate) struct Seen(HeaderMap);

impl Seen {
    /// Says so on the answer.
    pub(crate) fn mark(self, mut response: Response) -> Response {
        response.headers_mut().extend(self.0);
        response
    }
}

impl App {
    /// An app that reads the search index in `directory`.
    pub fn new(parts: Parts, directory: &Path) -> Self {
        let search = SearchIndex::new(directory);
        Self(Arc::new(Inner {
            fresh: Freshness::new(parts.hub, parts.pool.clone(), search.clone()),
            menus: MenuPages::new(parts.pool.clone()),
            shops: ShopPages::new(parts.pool.clone()),
            live: LiveOrders::default(),
            pool: parts.pool,
            clock: parts.clock,
            vault: parts.vault,
            search,
            flags: Flags::default(),
        }))
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.0.pool
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.0.vault
    }

    /// The tunables.
    pub(crate) fn flags(&self) -> &Flags {
        &self.0.flags
    }

    pub(crate) fn search(&self) -> &SearchIndex {
        &self.0.search
    }

    pub(crate) fn live(&self) -> &LiveOrders {
        &self.0.live
    }

    pub(crate) fn menus(&self) -> &MenuPages {
        &self.0.menus
    }

    pub(crate) fn shops(&self) -> &ShopPages {
        &self.0.shops
    }

    /// Waits for the views to have folded what the token names.
    ///
    /// # Errors
    /// 412 when they have not and the reader is strict; 503 when nobody can say.
    pub(crate) async fn views_seen(&self, consistency: &Consistency) -> Result<Seen, ApiError> {
        self.seen(Place::Views, consistency).await
    }

    /// Waits for the search index to have folded what the token names.
    ///
    /// # Errors
    /// As [`App::views_seen`].
    pub(crate) async fn index_seen(&self, consistency: &Consistency) -> Result<Seen, ApiError> {
        self.seen(Place::Index, consistency).await
    }

    async fn seen(&self, place: Place, consistency: &Consistency) -> Result<Seen, ApiError> {
        let streams = consistency.token.iter().flat_map(ConsistencyToken::streams);
        let wanted: Vec<Wanted> = streams
            .map(|(stream, sequence)| Wanted {
                kind: stream.kind.as_str().to_owned(),
                id: stream.id,
                sequence: *sequence,
            })
            .collect();
        let reached = self.0.fresh.reached(place, &wanted).await?;
        if reached {
            self.pass_on(place, &wanted)?;
        }
        Ok(Seen(consistency.verdict(reached)?))
    }

    /// An announcement may be heard here before the caches have heard it: what the token names must
    /// not be answered from before.
    fn pass_on(&self, place: Place, wanted: &[Wanted]) -> Result<(), ApiError> {
        match place {
            Place::Views => {
                for wanted in wanted {
                    self.0
                        .menus
                        .at_least(&wanted.kind, wanted.id, wanted.sequence);
                    self.0
                        .shops
                        .at_least(&wanted.kind, wanted.id, wanted.sequence);
                }
                Ok(())
            }
            Place::Index if wanted.is_empty() => Ok(()),
            Place::Index => self.0.search.reload().map_err(Into::into),
        }
    }

    /// Takes in what the projector has applied: caches, waiting reads, live orders. Gives the orders whose
    /// followers are to be sent their state.
    pub(crate) fn note(&self, applied: &Applied) -> Vec<uuid::Uuid> {
        self.0.fresh.note(applied);
        match applied {
            Applied::Views(streams) => {
                for stream in streams.iter() {
                    self.0
                        .menus
                        .at_least(stream.kind.as_str(), stream.id, stream.sequence);
                    self.0
                        .shops
                        .at_least(stream.kind.as_str(), stream.id, stream.sequence);
                }
                let orders = streams
                    .iter()
                    .filter(|stream| stream.kind.as_str() == "ordering.order");
                self.0.live.followed(orders.map(|stream| stream.id))
            }
            Applied::Index(_) => Vec::new(),
            Applied::Unknown => {
                self.0.menus.forget_all();
                self.0.shops.forget_all();
                self.0.live.all_followed()
            }
        }
    }

    /// Shows the last commit of the index. Reads files: not for a thread that serves.
    pub(crate) fn reload_index(&self) {
        match self.0.search.reload() {
            Ok(()) | Err(crate::search::SearchError::Absent) => {}
            Err(error) => tracing::warn!(error = %error, "the search index could not be reloaded"),
        }
    }
}
