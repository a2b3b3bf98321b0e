//! A rebuild of the world's views with the checker's folds as its judge: a clean one is swapped, one with a
//! fault in any view is refused. Of the tail, where only some streams are looked at, the same faults are found.

use async_trait::async_trait;
use infra::config::{Config, Secret};
use projector::VIEWS;
use projector::rebuild::{
    Asked, Compared, IndependentFold, Old, Rebuild, RebuildError, Swapped, views_named,
};

use super::world::{Copy, World};
use crate::check::rebuilt::{Rebuilt, Rows};
use crate::rebuild::{CheckersFold, parts};

/// One fault in the rows of each view, and faults of rows that are missing or nobody's.
const FAULTS: &[&str] = &[
    "UPDATE views_next.restaurants SET name = name || '?'",
    "UPDATE views_next.menus SET version = version + 1",
    "UPDATE views_next.stock SET updated_at = updated_at + interval '1 second'",
    "UPDATE views_next.promotions SET redeemed = redeemed + 1",
    "UPDATE views_next.carts SET tip_minor = tip_minor + 1",
    "UPDATE views_next.orders SET total_minor = total_minor + 1 WHERE order_id = es.tid(12)::uuid",
    "UPDATE views_next.order_details SET allergens = '[]' WHERE order_id = es.tid(12)::uuid",
    "INSERT INTO views_next.kitchen_queue
         (order_id, sequence, restaurant_id, number, service_date, fulfilment, state, auto_fire, lines,
          bowls, promise_latest, updated_at)
     SELECT order_id, sequence, restaurant_id, number, service_date, fulfilment, 'placed', true, '[]',
            '[]', promise_latest, updated_at
     FROM views.orders LIMIT 1",
    "DELETE FROM views_next.order_timeline WHERE order_id = es.tid(12)::uuid AND sequence = 2",
    "UPDATE views_next.payments SET captured_minor = 0 WHERE captured_minor > 0",
    "DELETE FROM views_next.deliveries WHERE delivery_id = (SELECT min(delivery_id::text)::uuid FROM views_next.deliveries)",
    "INSERT INTO views_next.drivers
     SELECT es.tid(999)::uuid, sequence, stage, name, phone, vehicle, stage_reason, registered_at, updated_at
     FROM views_next.drivers LIMIT 1",
];

/// The checker's folds, over rows into which a fault is planted before they are compared whole.
struct Spoiled<'a> {
    copy: &'a Copy,
    fault: &'static str,
    fold: CheckersFold,
}

#[async_trait]
impl IndependentFold for Spoiled<'_> {
    async fn compare(
        &mut self,
        asked: Asked<'_>,
    ) -> Result<Compared, Box<dyn std::error::Error + Send + Sync>> {
        if asked.streams.is_none() {
            self.copy.plant(self.fault).await;
        }
        self.fold.compare(asked).await
    }
}

fn settings(copy: &Copy) -> Config {
    let mut config = Config::read(&|_| Ok(None)).unwrap();
    config.postgres.events = Some(Secret::new(copy.args().database_url));
    config
}

async fn rebuild_all(copy: &Copy, fault: &'static str) -> Result<Swapped, RebuildError> {
    let names: Vec<String> = VIEWS.iter().map(|view| view.name.to_owned()).collect();
    let (parts, fold) = parts(&settings(copy)).unwrap();
    let rebuild = Rebuild::begin(parts, views_named(&names)?).await?;
    let mut fold = Spoiled { copy, fault, fold };
    rebuild.run(&mut fold, Old::Keep, &mut |_| {}).await
}

#[tokio::test]
async fn what_is_clean_is_swapped_and_a_fault_in_any_view_is_refused() {
    let world = World::build().await;
    let copy = world.copy().await;
    // What is served is wrong: the reason for a rebuild.
    copy.plant("UPDATE views.orders SET total_minor = 1").await;
    let mut unseen = Vec::new();
    for fault in FAULTS {
        match rebuild_all(&copy, fault).await {
            Err(RebuildError::Differs { .. }) => {}
            other => unseen.push(format!("{fault}: {other:?}")),
        }
    }
    assert_eq!(unseen, Vec::<String>::new());
    assert!(!copy.verdict().await.is_clean(), "nothing was swapped");

    let swapped = rebuild_all(&copy, "SELECT").await.unwrap();
    assert!(swapped.compared >= 40, "{swapped:?}");
    assert!(swapped.versions.iter().all(|served| served.version == 2));
    let verdict = copy.verdict().await;
    assert!(verdict.is_clean(), "{verdict}");
    world.end().await;
}

#[tokio::test]
async fn a_fault_is_found_in_the_streams_that_are_asked_for_and_in_no_other() {
    let world = World::build().await;
    let names: Vec<&str> = VIEWS.iter().map(|view| view.name).collect();
    let mut seen = Vec::new();
    // A row of nobody belongs to no stream: only the whole shows it.
    let faults = FAULTS.iter().filter(|fault| !fault.contains("tid(999)"));
    for fault in faults.chain(&["SELECT"]) {
        let copy = world.copy().await;
        copy.plant(&fault.replace("views_next", "views")).await;
        let url = copy.args().database_url;
        let streams = copy.streams().await;
        for asked in [&streams[..], &[]] {
            let rows = Rows {
                schema: "views",
                views: &names,
                up_to: i64::MAX,
                streams: Some(asked),
            };
            let found = Rebuilt::compare(&url, &url, rows).await.unwrap();
            let is_due = *fault != "SELECT" && !asked.is_empty();
            if (found.differing > 0) != is_due {
                seen.push(format!("{fault} in {} streams: {found:?}", asked.len()));
            }
        }
    }
    assert_eq!(seen, Vec::<String>::new());
    world.end().await;
}
