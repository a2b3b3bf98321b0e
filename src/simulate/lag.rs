//! Watches how far the read side is behind while the day is played.

use std::sync::Mutex;
use std::time::Duration;

use crate::client::Session;

/// Real time between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The largest lags seen, in events by name.
#[derive(Debug, Default)]
pub(super) struct Lag(Mutex<i64>);

impl Lag {
    /// Looks again and again; never ends by itself.
    pub(super) async fn watch(&self, ops: &Session) {
        loop {
            if let Ok(events) = behind(ops).await {
                let mut longest = self
                    .0
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner);
                *longest = (*longest).max(events);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// The largest number of events that any view was behind.
    pub(super) fn longest(&self) -> i64 {
        *self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// How many events the slowest view is behind.
async fn behind(ops: &Session) -> anyhow::Result<i64> {
    let answer = ops.get("ops: lag", "/v1/ops/lag").await?;
    let views = answer.list("/views").iter();
    Ok(views
        .filter_map(|view| view["behind"].as_i64())
        .max()
        .unwrap_or(0))
}
