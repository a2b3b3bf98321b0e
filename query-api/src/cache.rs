//! A cache of rows by id that never answers from before what was announced.
//!
//! An announcement sets a floor: an entry below it is loaded again, also when its load began before the
//! announcement and ended after it. One loader works for each id, however many wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use infra::http::ApiError;
use moka::future::Cache;
use uuid::Uuid;

/// Loads tried for one answer; each may have been overtaken by an announcement.
const LOADS_MAX: usize = 3;

/// A cached value and the sequence of the row that it was made from.
#[derive(Debug)]
pub(crate) struct Entry<V> {
    /// Sequence of the row.
    pub(crate) sequence: i64,
    /// What was made of it.
    pub(crate) value: V,
    epoch: u64,
}

/// Cached values by id.
pub(crate) struct Versioned<V> {
    entries: Cache<Uuid, Arc<Entry<V>>>,
    floors: moka::sync::Cache<Uuid, i64>,
    epoch: AtomicU64,
}

/// Why nothing was loaded.
enum Nothing {
    NotThere,
    Failed(ApiError),
}

impl<V: Send + Sync + 'static> Versioned<V> {
    /// A cache of at most so many entries.
    pub(crate) fn new(entries_max: u64) -> Self {
        Self {
            entries: Cache::new(entries_max),
            floors: moka::sync::Cache::new(entries_max),
            epoch: AtomicU64::new(0),
        }
    }

    /// The value of `id`, loaded with its sequence when there is none or an older one; none when there
    /// is no such row.
    ///
    /// # Errors
    /// What `load` fails with.
    pub(crate) async fn get<F>(
        &self,
        id: Uuid,
        load: impl Fn() -> F,
    ) -> Result<Option<Arc<Entry<V>>>, ApiError>
    where
        F: Future<Output = Result<Option<(i64, V)>, ApiError>>,
    {
        let mut found = None;
        for _ in 0..LOADS_MAX {
            let Some(entry) = self.get_once(id, &load).await? else {
                return Ok(None);
            };
            if self.is_current(id, &entry) {
                return Ok(Some(entry));
            }
            self.entries.invalidate(&id).await;
            found = Some(entry);
        }
        // Announced, but the row is older: a view that has stepped back after a crash of the database.
        Ok(found)
    }

    async fn get_once<F>(
        &self,
        id: Uuid,
        load: &impl Fn() -> F,
    ) -> Result<Option<Arc<Entry<V>>>, ApiError>
    where
        F: Future<Output = Result<Option<(i64, V)>, ApiError>>,
    {
        let loading = async {
            let epoch = self.epoch.load(Ordering::Acquire);
            match load().await {
                Ok(Some((sequence, value))) => Ok(Arc::new(Entry {
                    sequence,
                    value,
                    epoch,
                })),
                Ok(None) => Err(Nothing::NotThere),
                Err(error) => Err(Nothing::Failed(error)),
            }
        };
        match self.entries.try_get_with(id, loading).await {
            Ok(entry) => Ok(Some(entry)),
            Err(nothing) => match nothing.as_ref() {
                Nothing::NotThere => Ok(None),
                Nothing::Failed(error) => Err(error.clone()),
            },
        }
    }

    fn is_current(&self, id: Uuid, entry: &Entry<V>) -> bool {
        entry.epoch == self.epoch.load(Ordering::Acquire)
            && self
                .floors
                .get(&id)
                .is_none_or(|floor| entry.sequence >= floor)
    }

    /// Says that the row of `id` shows at least this sequence now.
    pub(crate) fn at_least(&self, id: Uuid, sequence: i64) {
        let floor = self.floors.get(&id).unwrap_or(0).max(sequence);
        self.floors.insert(id, floor);
    }

    /// Says that any row may have changed.
    pub(crate) fn forget_all(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicI64;

    struct Source {
        sequence: AtomicI64,
        loads: AtomicI64,
    }

    impl Source {
        fn new() -> Self {
            Self {
                sequence: AtomicI64::new(1),
                loads: AtomicI64::new(0),
            }
        }

        fn load(&self) -> impl Future<Output = Result<Option<(i64, &'static str)>, ApiError>> {
            self.loads.fetch_add(1, Ordering::SeqCst);
            std::future::ready(Ok(Some((self.sequence.load(Ordering::SeqCst), "value"))))
        }

        fn loads(&self) -> i64 {
            self.loads.load(Ordering::SeqCst)
        }
    }

    async fn sequence(cache: &Versioned<&'static str>, source: &Source) -> i64 {
        cache
            .get(Uuid::nil(), || source.load())
            .await
            .unwrap()
            .unwrap()
            .sequence
    }

    #[tokio::test]
    async fn a_hit_loads_nothing_and_an_announcement_loads_once() {
        let (cache, source) = (Versioned::new(10), Source::new());
        assert_eq!(sequence(&cache, &source).await, 1);
        assert_eq!(sequence(&cache, &source).await, 1);
        assert_eq!(source.loads(), 1);
        source.sequence.store(2, Ordering::SeqCst);
        cache.at_least(Uuid::nil(), 2);
        cache.at_least(Uuid::nil(), 1);
        assert_eq!(sequence(&cache, &source).await, 2);
        assert_eq!(sequence(&cache, &source).await, 2);
        assert_eq!(source.loads(), 2);
    }

    #[tokio::test]
    async fn a_load_that_an_announcement_overtakes_is_not_kept() {
        let (cache, source) = (Versioned::new(10), Source::new());
        let overtaken = cache.get(Uuid::nil(), || async {
            let row = source.load().await;
            // The announcement comes after the row was read and before it is kept.
            source.sequence.store(2, Ordering::SeqCst);
            cache.at_least(Uuid::nil(), 2);
            row
        });
        assert_eq!(overtaken.await.unwrap().unwrap().sequence, 2);
        assert_eq!(source.loads(), 2);
    }

    #[tokio::test]
    async fn after_lost_announcements_everything_is_loaded_again() {
        let (cache, source) = (Versioned::new(10), Source::new());
        sequence(&cache, &source).await;
        cache.forget_all();
        sequence(&cache, &source).await;
        assert_eq!(source.loads(), 2);
    }

    #[tokio::test]
    async fn what_is_not_there_is_not_kept() {
        let cache: Versioned<()> = Versioned::new(10);
        assert!(
            cache
                .get(Uuid::nil(), || async { Ok(None) })
                .await
                .unwrap()
                .is_none()
        );
        assert!(
            cache
                .get(Uuid::nil(), || async { Ok(Some((1, ()))) })
                .await
                .unwrap()
                .is_some()
        );
    }
}
