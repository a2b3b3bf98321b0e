//! The client's history: what was asked and answered, as a load generator saw it, compared with the store
//! (I1, I2, I13).
//!
//! A file of JSON lines, one for each request that was sent, in any order. Members, all but `status`
//! optional, unknown ones ignored:
//!
//! | member | what |
//! | --- | --- |
//! | `status` | HTTP status of the answer; null when none came |
//! | `token` | `X-Consistency-Token` of the answer |
//! | `streams` | instead of a token: `[{"kind", "id", "sequence"}]` |
//! | `order_id` | an order that the answer named |
//! | `key`, `fingerprint` | what makes two requests the same request: any text, equal for equal requests |
//! | `body_sha256` | hex of the hash of the answer's body |
//! | `key_hash` | hex of the key of the command's record, where the client knows how it is made |

use std::collections::HashMap;
use std::path::Path;

use anyhow::Context as _;
use serde::Deserialize;
use sqlx::Row as _;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::records::versions_in;
use super::report::{Invariant, Report};
use super::store::{Store, StreamVersion};

/// Versions looked up at once.
const BATCH_VERSIONS: usize = 2_000;

/// One line.
#[derive(Debug, Deserialize)]
struct Line {
    status: Option<u16>,
    token: Option<String>,
    #[serde(default)]
    streams: Vec<Named>,
    order_id: Option<String>,
    key: Option<String>,
    fingerprint: Option<String>,
    body_sha256: Option<String>,
    key_hash: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Named {
    kind: String,
    id: String,
    sequence: i64,
}

/// What a key was answered: fingerprint, status, hash of the body.
type Answered = (Option<String>, u16, Option<String>);

/// Reads the history and compares it with the store.
///
/// # Errors
/// When the file cannot be read, a line is no JSON, or the database fails.
pub(super) async fn check(
    path: &Path,
    store: &mut Store,
    report: &mut Report,
) -> anyhow::Result<()> {
    let place = || format!("reading {}", path.display());
    let file = tokio::fs::File::open(path).await.with_context(place)?;
    let mut lines = BufReader::new(file).lines();
    let mut answered: HashMap<String, Answered> = HashMap::new();
    let mut recorded: Vec<(String, u16)> = Vec::new();
    let mut waiting: Vec<StreamVersion> = Vec::new();
    let mut number = 0_u64;
    while let Some(text) = lines.next_line().await.with_context(place)? {
        number += 1;
        let line: Line = serde_json::from_str(&text)
            .with_context(|| format!("line {number} of {}", path.display()))?;
        if let Some(status) = line.status.filter(|status| (200..300).contains(status)) {
            match line.promised() {
                Some(versions) => waiting.extend(versions),
                None => report.violated(
                    Invariant::I1,
                    format!("line {number}: the token does not read"),
                ),
            }
            recorded.extend(line.key_hash.clone().map(|key| (key, status)));
        }
        compare(number, line, &mut answered, report);
        if waiting.len() >= BATCH_VERSIONS {
            check_stored(store, &mut waiting, report).await?;
            check_recorded(store, &mut recorded, report).await?;
        }
    }
    check_stored(store, &mut waiting, report).await?;
    check_recorded(store, &mut recorded, report).await
}

impl Line {
    /// What the answer says is stored; none when its token is unreadable.
    fn promised(&self) -> Option<Vec<StreamVersion>> {
        let mut versions = self
            .token
            .as_deref()
            .map_or(Some(Vec::new()), versions_in)?;
        versions.extend(self.streams.iter().map(|named| StreamVersion {
            kind: named.kind.clone(),
            id: named.id.clone(),
            sequence: named.sequence,
        }));
        versions.extend(self.order_id.iter().map(|order| StreamVersion {
            kind: "ordering.order".to_owned(),
            id: order.clone(),
            sequence: 1,
        }));
        Some(versions)
    }
}

/// Whether nothing was decided by an answer, so that the next one to the same key may differ.
fn is_open(status: u16) -> bool {
    status >= 500
        || matches!(
            status,
            400 | 401 | 403 | 408 | 409 | 412 | 413 | 415 | 422 | 428 | 429
        )
}

fn compare(number: u64, line: Line, answered: &mut HashMap<String, Answered>, report: &mut Report) {
    let (Some(key), Some(status)) = (line.key, line.status) else {
        return;
    };
    if is_open(status) {
        return;
    }
    let now = (line.fingerprint, status, line.body_sha256);
    let Some(before) = answered.get(&key) else {
        answered.insert(key, now);
        return;
    };
    report.expect(Invariant::I13, *before == now, || {
        format!("line {number}: key {key} was answered {before:?} before and {now:?} now")
    });
}

async fn check_stored(
    store: &mut Store,
    waiting: &mut Vec<StreamVersion>,
    report: &mut Report,
) -> anyhow::Result<()> {
    report.checked_many(
        Invariant::I1,
        u64::try_from(waiting.len()).unwrap_or_default(),
    );
    for StreamVersion { kind, id, sequence } in store.missing(waiting).await? {
        let what = format!("{kind}:{id} #{sequence} was answered with 2xx and is not stored");
        report.violated(Invariant::I1, what);
    }
    waiting.clear();
    Ok(())
}

async fn check_recorded(
    store: &mut Store,
    recorded: &mut Vec<(String, u16)>,
    report: &mut Report,
) -> anyhow::Result<()> {
    let keys: Vec<String> = recorded.iter().map(|(key, _)| key.to_lowercase()).collect();
    let mut stored: HashMap<String, i16> = HashMap::new();
    for row in store.records_of(&keys).await? {
        stored.insert(row.try_get(0)?, row.try_get(1)?);
    }
    for (key, status) in recorded.drain(..) {
        let kept = stored.get(&key.to_lowercase()).copied();
        report.expect(Invariant::I2, kept == i16::try_from(status).ok(), || {
            format!("key {key} was answered {status}, its record says {kept:?}")
        });
    }
    Ok(())
}
