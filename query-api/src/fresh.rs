//! Read your writes: which sequences the views and the index have folded, and waiting for those that a
//! caller's consistency token names. Nothing polls: a waiting read listens to the announcements.

use std::time::Duration;

use infra::applied::{Applied, AppliedHub, Visible};
use infra::limits::CONSISTENCY_WAIT;
use moka::sync::Cache;
use sqlx::PgPool;
use uuid::Uuid;

use crate::search::{SearchError, SearchIndex};

/// Streams whose last sequence is remembered.
const STREAMS_MAX: u64 = 100_000;

/// Where a read looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// In the views.
    Views,
    /// In the search index.
    Index,
}

/// A stream and the sequence that a read must have seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// `context.aggregate`.
    pub(crate) kind: String,
    /// The aggregate.
    pub(crate) id: Uuid,
    /// Last sequence written.
    pub(crate) sequence: i64,
}

/// Why it cannot be said how fresh an answer is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FreshError {
    /// The views cannot be read.
    #[error("the sequence of a view row cannot be read")]
    Database(#[from] sqlx::Error),
    /// The index cannot be read.
    #[error("the sequences of an indexed shop cannot be read")]
    Search(#[from] SearchError),
}

/// What is known to be folded.
#[derive(Clone)]
pub(crate) struct Freshness {
    hub: AppliedHub,
    pool: PgPool,
    search: SearchIndex,
    known: Cache<(Place, Uuid, &'static str), i64>,
}

impl Freshness {
    pub(crate) fn new(hub: AppliedHub, pool: PgPool, search: SearchIndex) -> Self {
        Self {
            hub,
            pool,
            search,
            known: Cache::new(STREAMS_MAX),
        }
    }

    /// Remembers an announcement.
    pub(crate) fn note(&self, applied: &Applied) {
        match applied {
            Applied::Views(streams) => self.note_all(Place::Views, streams),
            Applied::Index(streams) => self.note_all(Place::Index, streams),
            Applied::Unknown => {}
        }
    }

    fn note_all(&self, place: Place, streams: &[Visible]) {
        for stream in streams {
            let key = (place, stream.id, stream.kind.as_str());
            let newest = self.known.get(&key).unwrap_or(0).max(stream.sequence);
            self.known.insert(key, newest);
        }
    }

    /// Waits until `place` has folded everything `wanted`, at most half a second. Gives whether it has.
    ///
    /// # Errors
    /// When views or index cannot be read.
    pub(crate) async fn reached(
        &self,
        place: Place,
        wanted: &[Wanted],
    ) -> Result<bool, FreshError> {
        if wanted.iter().all(|wanted| self.is_known(place, wanted)) {
            return Ok(true);
        }
        // Listening begins before looking, so that nothing falls between the two.
        let mut listener = self.hub.subscribe();
        let mut missing = self.missing(place, wanted).await?;
        let waiting = async {
            while !missing.is_empty() {
                match listener.next().await {
                    Some(Applied::Unknown) => missing = self.missing(place, &missing).await?,
                    Some(applied) => {
                        self.note(&applied);
                        missing.retain(|wanted| !self.is_known(place, wanted));
                    }
                    None => return Ok(false),
                }
            }
            Ok(true)
        };
        let limit: Duration = CONSISTENCY_WAIT;
        tokio::time::timeout(limit, waiting)
            .await
            .unwrap_or(Ok(false))
    }

    fn is_known(&self, place: Place, wanted: &Wanted) -> bool {
        KINDS
            .iter()
            .find(|kind| **kind == wanted.kind)
            .and_then(|kind| self.known.get(&(place, wanted.id, *kind)))
            .is_some_and(|sequence| sequence >= wanted.sequence)
    }

    /// Those of `wanted` that are not folded, by looking.
    async fn missing(&self, place: Place, wanted: &[Wanted]) -> Result<Vec<Wanted>, FreshError> {
        let mut missing = Vec::new();
        for wanted in wanted {
            if self.is_known(place, wanted) {
                continue;
            }
            let folded = match place {
                Place::Views => self.folded_by_views(wanted).await?,
                Place::Index => self.folded_by_index(wanted)?,
            };
            if folded < wanted.sequence {
                missing.push(wanted.clone());
            }
        }
        Ok(missing)
    }

    #[tracing::instrument(name = "db.sequence_read", skip_all, level = "debug")]
    async fn folded_by_views(&self, wanted: &Wanted) -> Result<i64, FreshError> {
        let id = wanted.id;
        let row = match wanted.kind.as_str() {
            "restaurant.restaurant" => {
                sqlx::query_scalar!(
                    "SELECT sequence FROM views.restaurants WHERE restaurant_id = $1",
                    id
                )
                .fetch_optional(&self.pool)
                .await?
            }
            "restaurant.menu" => {
                sqlx::query_scalar!(
                    "SELECT sequence FROM views.menus WHERE restaurant_id = $1",
                    id
                )
                .fetch_optional(&self.pool)
                .await?
            }
            "restaurant.inventory" => {
                sqlx::query_scalar!(
                    "SELECT sequence FROM views.stock WHERE restaurant_id = $1",
                    id
                )
                .fetch_optional(&self.pool)
                .await?
            }
            "restaurant.promotion" => {
                sqlx::query_scalar!(
                    "SELECT sequence FROM views.promotions WHERE promotion_id = $1",
                    id
                )
                .fetch_optional(&self.pool)
                .await?
            }
            "ordering.cart" => {
                sqlx::query_scalar!("SELECT sequence FROM views.carts WHERE cart_id = $1", id)
                    .fetch_optional(&self.pool)
                    .await?
            }
            "ordering.order" => {
                sqlx::query_scalar!("SELECT sequence FROM views.orders WHERE order_id = $1", id)
                    .fetch_optional(&self.pool)
                    .await?
            }
            "payment.payment" => {
                sqlx::query_scalar!(
                    "SELECT sequence FROM views.payments WHERE payment_id = $1",
                    id
                )
                .fetch_optional(&self.pool)
                .await?
            }
            "delivery.delivery" => {
                sqlx::query_scalar!(
                    "SELECT sequence FROM views.deliveries WHERE delivery_id = $1",
                    id
                )
                .fetch_optional(&self.pool)
                .await?
            }
            "driver.driver" => {
                sqlx::query_scalar!(
                    "SELECT sequence FROM views.drivers WHERE driver_id = $1",
                    id
                )
                .fetch_optional(&self.pool)
                .await?
            }
            // A kind that no view folds: there is nothing to wait for.
            _ => Some(wanted.sequence),
        };
        Ok(row.unwrap_or(0))
    }

    fn folded_by_index(&self, wanted: &Wanted) -> Result<i64, FreshError> {
        let sequences = match self.search.sequences(wanted.id) {
            Ok(sequences) => sequences,
            Err(SearchError::Absent) => None,
            Err(error) => return Err(error.into()),
        };
        let (shop, menu) = sequences.unwrap_or((0, 0));
        Ok(match wanted.kind.as_str() {
            "restaurant.restaurant" => shop,
            "restaurant.menu" => menu,
            // Stock that changes no document is announced, but not written into one.
            "restaurant.inventory" => 0,
            _ => wanted.sequence,
        })
    }
}

/// The kinds that views fold, as the announcements name them.
const KINDS: [&str; 9] = [
    "restaurant.restaurant",
    "restaurant.menu",
    "restaurant.inventory",
    "restaurant.promotion",
    "ordering.cart",
    "ordering.order",
    "payment.payment",
    "delivery.delivery",
    "driver.driver",
];
