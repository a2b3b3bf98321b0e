//! Quotes that were answered lately, so that it can be said how they differ from what holds now. A hint:
//! what is forgotten, or was answered by another process, is only not compared.

use std::sync::Arc;

use domain::ordering::quote::{Quote, QuoteContent, QuoteId};
use infra::limits;
use moka::sync::Cache;

/// Quotes by id. Cheap to clone.
#[derive(Clone)]
pub struct RecentQuotes(Cache<QuoteId, Arc<QuoteContent>>);

impl Default for RecentQuotes {
    fn default() -> Self {
        let quotes = Cache::builder()
            .max_capacity(limits::RECENT_QUOTES_MAX)
            .time_to_idle(limits::RECENT_QUOTE_IDLE);
        Self(quotes.build())
    }
}

impl RecentQuotes {
    /// Keeps what a customer is shown.
    pub fn remember(&self, quote: &Quote) {
        let keep = || Arc::new(quote.content.clone());
        self.0.get_with(quote.quote_id, keep);
    }

    /// What a customer was shown under this id.
    pub fn get(&self, id: QuoteId) -> Option<Arc<QuoteContent>> {
        self.0.get(&id)
    }
}
