//! Processes (I15): the instance of an order that is over has ended and waits for nothing, timers and
//! effects are on time, and one courier at most carries an order away.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::Row as _;
use uuid::Uuid;

use super::facts::Facts;
use super::report::{Invariant, Report};
use super::store::Store;

/// The process that every order has an instance of.
const ORDERS: &str = "order_fulfilment";

/// How late a timer or an effect may be, the bound of the alarm (reliability §11).
const LATE_MAX: TimeDelta = TimeDelta::seconds(60);

/// Checks instances, timers and effects.
///
/// # Errors
/// When the database fails.
pub(super) async fn check(
    store: &mut Store,
    facts: &Facts,
    latest: Option<DateTime<Utc>>,
    report: &mut Report,
) -> anyhow::Result<()> {
    let over = instances(store).await?;
    check_instances(facts, &over, report);
    // The checker has no clock: the system has certainly lived until the last thing that it wrote.
    let as_of = latest.max(last_effect(store).await?);
    check_timers(store, &over, as_of, report).await?;
    check_effects(store, as_of, report).await?;
    for (order, carriers) in &facts.carried {
        report.expect(Invariant::I15, *carriers <= 1, || {
            format!("order {order} was carried away by {carriers} couriers")
        });
    }
    Ok(())
}

/// By process and instance, whether it has ended.
type Instances = HashMap<(String, Uuid), bool>;

async fn instances(store: &mut Store) -> anyhow::Result<Instances> {
    store
        .open_cursor("SELECT process, instance, over FROM ops.process_instances")
        .await?;
    let mut found = HashMap::new();
    loop {
        let rows = store.next_rows().await?;
        if rows.is_empty() {
            return Ok(found);
        }
        for row in &rows {
            found.insert((row.try_get(0)?, row.try_get(1)?), row.try_get(2)?);
        }
    }
}

fn check_instances(facts: &Facts, over: &Instances, report: &mut Report) {
    let mut settled: HashMap<Uuid, bool> = HashMap::new();
    for payment in facts.payments.values() {
        let Some(order) = payment.order else { continue };
        let ended = ["captured", "voided", "failed", "expired"].contains(&payment.state);
        let all = settled.entry(order).or_insert(true);
        *all &= ended && !payment.is_refunding();
    }
    for (order, about) in &facts.orders {
        let dead = ["expired", "rejected", "cancelled"].contains(&about.state);
        let paid = settled.get(order).copied().unwrap_or(true);
        let due = about.state == "completed" || (dead && paid);
        let is = over.get(&(ORDERS.to_owned(), *order));
        report.expect(Invariant::I15, is == Some(&due), || {
            let is = match is {
                None => "missing",
                Some(true) => "over",
                Some(false) => "not over",
            };
            format!(
                "order {order} is {}, money settled: {paid}, its process is {is}",
                about.state
            )
        });
    }
    for (process, instance) in over.keys().filter(|(process, _)| process == ORDERS) {
        report.expect(Invariant::I15, facts.orders.contains_key(instance), || {
            format!("instance {instance} of {process} is of no order")
        });
    }
}

async fn last_effect(store: &mut Store) -> anyhow::Result<Option<DateTime<Utc>>> {
    let rows = store
        .all("SELECT max(greatest(created_at, sent_at, finished_at)) FROM ops.effects")
        .await?;
    Ok(rows
        .first()
        .map(|row| row.try_get(0))
        .transpose()?
        .flatten())
}

async fn check_timers(
    store: &mut Store,
    over: &Instances,
    as_of: Option<DateTime<Utc>>,
    report: &mut Report,
) -> anyhow::Result<()> {
    store
        .open_cursor("SELECT process, instance, name, due_at FROM ops.timers")
        .await?;
    loop {
        let rows = store.next_rows().await?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in &rows {
            let (process, instance): (String, Uuid) = (row.try_get(0)?, row.try_get(1)?);
            let (name, due): (String, DateTime<Utc>) = (row.try_get(2)?, row.try_get(3)?);
            let label = format!("timer {name} of {process} {instance}");
            report.expect(Invariant::I15, !is_late(due, as_of), || {
                format!("{label} was due at {due} and has not fired")
            });
            let ended = over.get(&(process, instance));
            report.expect(Invariant::I15, ended == Some(&false), || {
                format!("{label} waits for an instance that has ended or never began")
            });
        }
    }
}

async fn check_effects(
    store: &mut Store,
    as_of: Option<DateTime<Utc>>,
    report: &mut Report,
) -> anyhow::Result<()> {
    let counted = store.all("SELECT count(*) FROM ops.effects").await?;
    let count: i64 = counted
        .first()
        .map(|row| row.try_get(0))
        .transpose()?
        .unwrap_or_default();
    report.checked_many(Invariant::I15, u64::try_from(count).unwrap_or_default());
    store
        .open_cursor(
            "SELECT effect_id, process, instance, status, due_at, last_error FROM ops.effects
             WHERE status <> 'done'",
        )
        .await?;
    loop {
        let rows = store.next_rows().await?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in &rows {
            let (effect, process): (Uuid, String) = (row.try_get(0)?, row.try_get(1)?);
            let (instance, status): (Uuid, String) = (row.try_get(2)?, row.try_get(3)?);
            let due: DateTime<Utc> = row.try_get(4)?;
            let error: Option<String> = row.try_get(5)?;
            if status == "parked" || is_late(due, as_of) {
                let error = error.unwrap_or_else(|| "no error".to_owned());
                let what = format!("effect {effect} of {process} {instance} is {status}: {error}");
                report.violated(Invariant::I15, what);
            }
        }
    }
}

fn is_late(due: DateTime<Utc>, as_of: Option<DateTime<Utc>>) -> bool {
    as_of.is_some_and(|as_of| due + LATE_MAX < as_of)
}
