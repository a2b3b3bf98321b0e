//! Waiting for rest. The checker compares what several stores say, one after the other; what still moves
//! between them would look like a fault. Whoever checks right after a demo has not waited himself.

use std::time::Duration;

use anyhow::Context as _;
use sqlx::Row as _;

use super::store::Store;
use super::vendor::Sandbox;
use super::{CheckArgs, open_views};
use crate::console;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Looks before it goes on all the same: two minutes.
const LOOKS_MAX: u32 = 480;
/// Looks at the same before it goes on: fifteen seconds. What does not move will not come to rest.
const LOOKS_STUCK: u32 = 60;
/// Looks before it says what it waits for: a second.
const LOOKS_SILENT: u32 = 4;

/// Waits until two looks in a row find nothing left to do; one may fall between what the vendor has done
/// and its telling us. When the patience ends it goes on, and the checks say what does not come to rest.
///
/// # Errors
/// When a database or the sandbox does not answer.
pub(super) async fn wait(args: &CheckArgs) -> anyhow::Result<()> {
    let mut before = left_to_do(args).await?;
    let mut alike = 0;
    for nth in 0..LOOKS_MAX {
        tokio::time::sleep(LOOK_EVERY).await;
        let left = left_to_do(args).await?;
        alike = if left == before { alike + 1 } else { 0 };
        match &left {
            None if alike > 0 => return Ok(()),
            Some(what) if alike == LOOKS_STUCK || nth + 1 == LOOKS_MAX => {
                console::progress(format!("check      goes on although not at rest: {what}"));
                return Ok(());
            }
            Some(what) if nth == LOOKS_SILENT => {
                console::progress(format!("check      waits for what is left to do: {what}"));
            }
            None | Some(_) => {}
        }
        before = left;
    }
    Ok(())
}

/// What is left to do before the system is at rest, in words; nothing when it is.
async fn left_to_do(args: &CheckArgs) -> anyhow::Result<Option<String>> {
    let to_send = match &args.sandbox_url {
        Some(url) => Sandbox::new(url)?.under_way().await?,
        None => 0,
    };
    let mut store = Store::open(&args.database_url, None).await?;
    let mut views = open_views(args, &mut store).await.context("the views")?;
    let rows = store
        .all(
            "SELECT (SELECT count(*) FROM es.events) - (SELECT count(*) FROM es.event_log) AS unnumbered,
                    (SELECT max(s.position - p.position) FROM ops.process_positions p) AS unread,
                    (SELECT count(*) FROM ops.webhook_inbox WHERE status = 'pending') AS webhooks,
                    (SELECT count(*) FROM ops.effects WHERE status IN ('pending', 'sent')) AS effects,
                    (SELECT s.position - c.position FROM ops.publisher_cursor c) AS unpublished,
                    s.position FROM es.sequencer s",
        )
        .await?;
    let row = rows.first().context("es.sequencer is empty")?;
    let count = |column: &str| -> anyhow::Result<i64> {
        Ok(row.try_get::<Option<i64>, _>(column)?.unwrap_or_default())
    };
    let seen = views
        .all("SELECT min(position) FROM views.checkpoints WHERE topic = 'store'")
        .await?;
    let seen: Option<i64> = seen
        .first()
        .map(|row| row.try_get(0))
        .transpose()?
        .flatten();
    let unpublished = if args.kafka_brokers.is_some() {
        count("unpublished")?
    } else {
        0
    };
    let queues = [
        (to_send, "webhooks that the vendor means to send"),
        (count("unnumbered")?, "events without a position"),
        (count("unread")?, "events that a process has not read"),
        (unpublished, "events to publish"),
        (count("webhooks")?, "webhooks to handle"),
        (count("effects")?, "effects to perform"),
        (
            count("position")? - seen.unwrap_or_default(),
            "events that a view has not folded",
        ),
    ];
    let left: Vec<String> = queues
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    Ok(Some(left.join(", ")).filter(|left| !left.is_empty()))
}
