//! Waiting for rest. The checker compares what several stores say, one after the other; what still moves
//! between them would look like a fault. Whoever checks right after a demo has not waited himself.

use std::time::Duration;

use sqlx::Row as _;

use super::CheckArgs;
use super::store::Store;
use super::vendor::Sandbox;
use crate::console;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Looks before it goes on all the same: fifteen seconds.
const LOOKS_MAX: u32 = 60;
/// Looks before it says what it waits for.
const LOOKS_SILENT: u32 = 4;

/// What is open, then how far everybody is.
const OURS: &str = "
    SELECT (SELECT count(*) FROM ops.effects WHERE status IN ('pending', 'sent'))
         + (SELECT count(*) FROM ops.webhook_inbox WHERE status = 'pending'),
           (SELECT coalesce(max(id), 0) FROM es.events), (SELECT position FROM es.sequencer),
           (SELECT position FROM ops.publisher_cursor)";
const VIEWS: &str = "SELECT coalesce(sum(position), 0)::bigint FROM views.checkpoints";

/// How far everybody is, and whether anything is under way.
#[derive(PartialEq, Eq)]
struct Pulse {
    open: i64,
    positions: [i64; 4],
}

/// Waits until two looks in a row find the same and nothing under way, for fifteen seconds at most: then
/// the checks themselves say what does not come to rest.
///
/// # Errors
/// When a database or the sandbox does not answer.
pub(super) async fn wait(args: &CheckArgs) -> anyhow::Result<()> {
    let mut before = look(args).await?;
    for nth in 0..LOOKS_MAX {
        tokio::time::sleep(LOOK_EVERY).await;
        let now = look(args).await?;
        if now.open == 0 && now == before {
            return Ok(());
        }
        if nth == LOOKS_SILENT {
            console::progress("check      waiting for the system to come to rest");
        }
        before = now;
    }
    Ok(())
}

async fn look(args: &CheckArgs) -> anyhow::Result<Pulse> {
    let sent = match &args.sandbox_url {
        Some(url) => Sandbox::new(url)?.under_way().await?,
        None => 0,
    };
    let ours = one(&args.database_url, OURS).await?;
    let views_url = args.views_url.as_ref().unwrap_or(&args.database_url);
    let views = one(views_url, VIEWS).await?;
    Ok(Pulse {
        open: ours.try_get::<i64, _>(0)? + sent,
        positions: [
            ours.try_get(1)?,
            ours.try_get(2)?,
            ours.try_get(3)?,
            views.try_get(0)?,
        ],
    })
}

/// The one row of a query, seen by a connection of its own: a snapshot does not move.
async fn one(url: &str, query: &str) -> anyhow::Result<sqlx::postgres::PgRow> {
    let rows = Store::open(url, None).await?.all(query).await?;
    rows.into_iter()
        .next()
        .ok_or_else(|| anyhow::anyhow!("no row: {query}"))
}
