//! The records of commands (I2): one for each key, of a decided outcome, stored together with the events
//! that its answer names.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::report::{Invariant, Report};
use super::store::{Store, StreamVersion};

/// Statuses after which nothing was decided, so that nothing may be stored (reliability §3). A refusal
/// by the domain may be any other 4xx.
pub(super) const UNDECIDED: &[i16] = &[400, 401, 405, 408, 412, 413, 415, 428, 429];

/// Checks every record.
///
/// # Errors
/// When the database fails.
pub(super) async fn check(store: &mut Store, report: &mut Report) -> anyhow::Result<()> {
    let repeated = store
        .all(
            "SELECT encode(key_hash, 'hex'), count(*) FROM ops.command_records
             GROUP BY key_hash HAVING count(*) > 1 LIMIT 1000",
        )
        .await?;
    for row in &repeated {
        let (key, count): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
        report.violated(Invariant::I2, format!("key {key} has {count} records"));
    }
    let mut last = Vec::new();
    loop {
        // By key and not through a cursor, since each batch asks the store a second question.
        let rows = store.records_after(&last).await?;
        let Some(end) = rows.last() else {
            return Ok(());
        };
        last = end.try_get("key_hash")?;
        let mut named = Vec::new();
        for row in &rows {
            named.extend(read(row, report)?);
        }
        check_named(store, &named, report).await?;
    }
}

/// Checks one record by itself and gives the versions that its answer names.
fn read(row: &PgRow, report: &mut Report) -> anyhow::Result<Vec<(String, StreamVersion)>> {
    let key: Vec<u8> = row.try_get("key_hash")?;
    let key = hex::encode(key);
    let status: i16 = row.try_get("status")?;
    let (headers, body): (String, String) = (row.try_get("headers")?, row.try_get("body")?);
    let decided = (200..500).contains(&status) && !UNDECIDED.contains(&status);
    report.expect(Invariant::I2, decided, || {
        format!("record {key} keeps status {status}, which decides nothing")
    });
    let headers: BTreeMap<String, Value> = serde_json::from_str(&headers).unwrap_or_default();
    let header = |name: &str| headers.get(name).and_then(Value::as_str);
    let is_json = header("content-type").is_some_and(|kind| kind.contains("json"));
    if is_json && serde_json::from_str::<Value>(&body).is_err() {
        report.violated(
            Invariant::I2,
            format!("record {key}: its body is not the JSON it claims"),
        );
    }
    let Some(token) = header("x-consistency-token").filter(|_| status < 300) else {
        return Ok(Vec::new());
    };
    let Some(versions) = versions_in(token) else {
        report.violated(
            Invariant::I2,
            format!("record {key}: its token does not read"),
        );
        return Ok(Vec::new());
    };
    Ok(versions
        .into_iter()
        .map(|version| (key.clone(), version))
        .collect())
}

async fn check_named(
    store: &mut Store,
    named: &[(String, StreamVersion)],
    report: &mut Report,
) -> anyhow::Result<()> {
    report.checked_many(
        Invariant::I2,
        u64::try_from(named.len()).unwrap_or_default(),
    );
    let versions: Vec<StreamVersion> = named.iter().map(|(_, version)| version.clone()).collect();
    let missing = store.missing(&versions).await?;
    for (key, version) in named
        .iter()
        .filter(|(_, version)| missing.contains(version))
    {
        let StreamVersion { kind, id, sequence } = version;
        let what =
            format!("record {key} answers with {kind}:{id} #{sequence}, which is not stored");
        report.violated(Invariant::I2, what);
    }
    Ok(())
}

/// The stream versions in a consistency token: base64url of `kind:id:sequence`, joined by commas. No
/// version is 0; a stream that was only read may stand there without events.
pub(super) fn versions_in(token: &str) -> Option<Vec<StreamVersion>> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    let version = |part: &str| {
        let (stream, sequence) = part.rsplit_once(':')?;
        let (kind, id) = stream.split_once(':')?;
        let sequence: i64 = sequence.parse().ok()?;
        Some(StreamVersion {
            kind: kind.to_owned(),
            id: id.to_owned(),
            sequence,
        })
    };
    let versions: Option<Vec<StreamVersion>> = text.split(',').map(version).collect();
    versions.map(|all| {
        all.into_iter()
            .filter(|version| version.sequence > 0)
            .collect()
    })
}
