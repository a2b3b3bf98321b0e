//! Any cut of the feed into batches gives the same rows, and so do repeats.

use domain::aggregates::Kind;
use infra::feed::FeedRecord;
use infra::lifecycle::Progress;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use uuid::Uuid;

use crate::feed::{ListFeed, record};
use crate::world::{World, samples, settle};

/// What a history is made from: for each event its stream and which sample it is.
#[derive(Clone, Debug)]
pub(crate) struct History {
    steps: Vec<(usize, usize)>,
    pub(crate) cuts: Vec<usize>,
    repeats: Vec<usize>,
}

pub(crate) fn history() -> impl Strategy<Value = History> {
    let steps = prop::collection::vec((0_usize..16, 0_usize..64), 1..80);
    let cuts = prop::collection::vec(1_usize..12, 1..40);
    let repeats = prop::collection::vec(0_usize..80, 0..4);
    (steps, cuts, repeats).prop_map(|(steps, cuts, repeats)| History {
        steps,
        cuts,
        repeats,
    })
}

/// Two streams of each kind. A stream begins with the event that opens it, which comes only once
/// where it would be another stream.
pub(crate) fn records(history: &History) -> Vec<FeedRecord> {
    let mut sequences = [0_i64; 16];
    let mut records = Vec::new();
    for (stream, sample) in &history.steps {
        let kind = Kind::ALL[stream % Kind::ALL.len()];
        let samples = samples(kind);
        let first = sequences[*stream] == 0;
        let event = if first {
            &samples[0]
        } else {
            &samples[1 + sample % (samples.len() - 1)]
        };
        sequences[*stream] += 1;
        let id = Uuid::from_u128(1 + *stream as u128);
        let position = i64::try_from(records.len()).unwrap() + 1;
        records.push(record(event, id, sequences[*stream], position));
    }
    records
}

pub(crate) fn cut(records: &[FeedRecord], cuts: &[usize]) -> Vec<Vec<FeedRecord>> {
    let mut batches = Vec::new();
    let mut rest = records;
    for size in cuts.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (batch, more) = rest.split_at((*size).min(rest.len()));
        batches.push(batch.to_vec());
        rest = more;
    }
    batches
}

#[test]
fn any_cut_and_any_repeat_give_the_same_rows() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = runtime.block_on(World::new());
    let config = Config {
        cases: 24,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&history(), |history| {
            let records = records(&history);
            runtime.block_on(async {
                world.clear().await;
                world.project(vec![records.clone()]).await.unwrap();
                let whole = world.rows().await;
                world.clear().await;
                let mut batches = cut(&records, &history.cuts);
                for repeat in &history.repeats {
                    let at = repeat % batches.len();
                    let again = batches[at].clone();
                    batches.insert(at + 1, again);
                }
                world.project(batches).await.unwrap();
                prop_assert_eq!(whole, world.rows().await);
                // A projector without checkpoints, as after a switch of feeds, meets every event again.
                let owner = world.database.owner();
                sqlx::query("TRUNCATE views.checkpoints")
                    .execute(&owner)
                    .await
                    .unwrap();
                let before = world.rows().await;
                world.project(vec![records.clone()]).await.unwrap();
                prop_assert_eq!(before, world.rows().await);
                owner.close().await;
                Ok(())
            })
        })
        .unwrap();
}

/// Who folds each batch, and whether that fails first: rolled back with all rows written.
fn turns() -> impl Strategy<Value = Vec<(bool, bool)>> {
    prop::collection::vec((any::<bool>(), prop::bool::weighted(0.25)), 40)
}

/// What a projector remembers from batch to batch is never ahead of a commit, its own or another's.
#[test]
fn two_projectors_that_fail_and_take_turns_give_the_same_rows() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = runtime.block_on(World::new());
    runtime.block_on(world.make_fragile());
    let config = Config {
        cases: 16,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&(history(), turns()), |(history, turns)| {
            let records = records(&history);
            runtime.block_on(async {
                world.clear().await;
                world.project(vec![records.clone()]).await.unwrap();
                let whole = world.rows().await;
                world.clear().await;
                take_turns(&world, &cut(&records, &history.cuts), &turns).await;
                prop_assert_eq!(whole, world.rows().await);
                Ok(())
            })
        })
        .unwrap();
}

/// Two projectors over the same feed, of which now one and now the other folds a batch first.
async fn take_turns(world: &World, batches: &[Vec<FeedRecord>], turns: &[(bool, bool)]) {
    let feeds = [ListFeed::default(), ListFeed::default()];
    let mut projectors = [world.projector(&feeds[0]), world.projector(&feeds[1])];
    for (batch, (second, fails)) in batches.iter().zip(turns.iter().cycle()) {
        for feed in &feeds {
            feed.put(batch.clone());
        }
        let projector = &mut projectors[usize::from(*second)];
        if *fails {
            world.refuse_commits(true).await;
            // It may first have to learn what the other one has done.
            while projector
                .advance()
                .await
                .is_ok_and(|done| done != Progress::Idle)
            {}
            world.refuse_commits(false).await;
        }
        // The other one lags behind, and learns of it when it is its turn again.
        while projector.advance().await.unwrap() != Progress::Idle {}
    }
    for projector in &mut projectors {
        settle(projector).await.unwrap();
    }
}

#[test]
fn every_sample_is_folded_by_every_view() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let world = World::new().await;
        let mut records = Vec::new();
        for kind in Kind::ALL {
            let samples = samples(*kind);
            // The samples after the first, each in a stream of its own, behind the one that opens it.
            for (n, event) in samples.iter().enumerate().skip(1) {
                let id = Uuid::from_u128((*kind as u128) << 32 | n as u128);
                let position = i64::try_from(records.len()).unwrap() + 1;
                records.push(record(&samples[0], id, 1, position));
                records.push(record(event, id, 2, position + 1));
            }
        }
        world.project(vec![records]).await.unwrap();
        let owner = world.database.owner();
        let parked: Vec<(String, String, Option<String>)> =
            sqlx::query_as("SELECT view, event_type, error FROM views.parked_events")
                .fetch_all(&owner)
                .await
                .unwrap();
        assert!(parked.is_empty(), "{parked:?}");
        for (view, rows) in world.rows().await {
            assert!(!rows.is_empty(), "{view} is empty");
        }
        owner.close().await;
    });
}
