//! The client's history: what was asked and answered, as those who asked saw it, compared with the store
//! (I1, I2, I13). `ramen simulate` writes one; so can any load generator.
//!
//! A file of JSON lines, one for each time that a request was sent, in any order. Members, all but
//! `status` optional, unknown ones ignored:
//!
//! | member | what |
//! | --- | --- |
//! | `status` | HTTP status of the answer; null when none came |
//! | `code` | of a refusal, the problem's code |
//! | `replayed` | whether the answer said `Idempotency-Replayed: true` |
//! | `token` | `X-Consistency-Token` of the answer |
//! | `streams` | instead of a token: `[{"kind", "id", "sequence"}]` |
//! | `order_id` | an order that the answer named |
//! | `body_sha256` | hex of the hash of the answer's body |
//! | `key`, `fingerprint` | what makes two requests the same request: the key as it was sent, without quotes, and any text that is equal for equal requests |
//! | `principal`, `method`, `route` | the scope of the key; the route as the API's document spells it, such as `/v1/carts/{cart_id}/checkout` |
//! | `request_id` | the `X-Request-Id` that was sent, another one each time |
//! | `at` | when it was sent, by the marketplace's clock |

mod asked;
mod line;
mod settle;

use std::collections::HashMap;
use std::path::Path;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::report::{Invariant, Report};
use super::store::{Store, StreamVersion};
use asked::Asked;
use line::Line;

/// Versions looked up at once.
const BATCH_VERSIONS: usize = 2_000;

/// What was asked, by scope and key.
#[derive(Default)]
struct History {
    /// Versions that answers named.
    promised: u64,
    /// Those of them that are not stored.
    missing: Vec<StreamVersion>,
    asked: HashMap<String, Asked>,
    /// Of each request id, the scope and key that it was sent under.
    requests: HashMap<String, String>,
    /// Lines with a key that do not say what it is a key of.
    unscoped: u64,
}

/// Reads the history and compares it with the store; `latest` is as late as the system has certainly
/// lived.
///
/// # Errors
/// When the file cannot be read, a line is no JSON, or the database fails.
pub(super) async fn check(
    path: &Path,
    store: &mut Store,
    latest: Option<DateTime<Utc>>,
    report: &mut Report,
) -> anyhow::Result<()> {
    let place = || format!("reading {}", path.display());
    let file = tokio::fs::File::open(path).await.with_context(place)?;
    let mut lines = BufReader::new(file).lines();
    let mut history = History::default();
    let mut waiting: Vec<StreamVersion> = Vec::new();
    let mut number = 0_u64;
    while let Some(text) = lines.next_line().await.with_context(place)? {
        number += 1;
        let line: Line = serde_json::from_str(&text)
            .with_context(|| format!("line {number} of {}", path.display()))?;
        match line.promised() {
            Some(versions) => waiting.extend(versions),
            None => report.violated(
                Invariant::I1,
                format!("line {number}: the token does not read"),
            ),
        }
        history.take(number, line, report);
        if waiting.len() >= BATCH_VERSIONS {
            history.look_up(&mut waiting, store).await?;
        }
    }
    history.look_up(&mut waiting, store).await?;
    history.check_stored(report);
    settle::check(history, store, latest, report).await
}

impl History {
    fn take(&mut self, number: u64, line: Line, report: &mut Report) {
        let Some(key) = &line.key else { return };
        let scope = line.scope();
        if scope.is_none() {
            self.unscoped += 1;
        }
        let name = scope
            .as_ref()
            .map_or_else(|| key.clone(), ToString::to_string);
        if let Some(request) = &line.request_id {
            let before = self.requests.insert(request.clone(), name.clone());
            report.expect(Invariant::I2, before.is_none(), || {
                format!("line {number}: request {request} was sent before, as {before:?}")
            });
        }
        let asked = self
            .asked
            .entry(name)
            .or_insert_with(|| Asked::under(scope));
        asked.take(number, line, report);
    }

    async fn look_up(
        &mut self,
        waiting: &mut Vec<StreamVersion>,
        store: &mut Store,
    ) -> anyhow::Result<()> {
        let count = u64::try_from(waiting.len()).unwrap_or(u64::MAX);
        self.promised = self.promised.saturating_add(count);
        self.missing.extend(store.missing(waiting).await?);
        waiting.clear();
        Ok(())
    }

    fn check_stored(&self, report: &mut Report) {
        report.checked_many(Invariant::I1, self.promised);
        if self.promised > 1 && self.missing.len() == usize::try_from(self.promised).unwrap_or(0) {
            let what = format!(
                "none of the {} versions that the history names is stored: all is lost, or this is \
                 the history of another marketplace",
                self.promised
            );
            report.violated(Invariant::I1, what);
            return;
        }
        for StreamVersion { kind, id, sequence } in &self.missing {
            let what = format!("{kind}:{id} #{sequence} was answered with 2xx and is not stored");
            report.violated(Invariant::I1, what);
        }
    }
}
