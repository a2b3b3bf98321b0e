//! The tables of processes: a step moves its place with all that it writes, or does nothing; effects end
//! once and wait for each other; timers fire once.

use chrono::{DateTime, TimeDelta, Utc};
use command_api::processes::tables::{NewEffect, NewTimer, ProcessTables, StateRow, Step, Written};
use domain::testing::test_now;
use infra::event_store::{ChainHash, Mark};
use uuid::Uuid;

const PROCESS: &str = "planted";
const INSTANCE: Uuid = Uuid::from_u128(1);

fn mark(position: u8) -> Mark {
    Mark {
        position: i64::from(position),
        hash: ChainHash::new([position; 32]),
    }
}

fn minute(minutes: i64) -> DateTime<Utc> {
    test_now() + TimeDelta::minutes(minutes)
}

fn effect(id: u128) -> NewEffect {
    NewEffect {
        id: Uuid::from_u128(id),
        instance: INSTANCE,
        effect: r#"{"type":"command"}"#.to_owned(),
        cause: Uuid::from_u128(9),
        test: false,
        traceparent: None,
    }
}

fn timer(name: &str, id: u128, due: i64) -> NewTimer {
    NewTimer {
        name: name.to_owned(),
        due_at: minute(due),
        fires: effect(id),
    }
}

fn step(from: Mark, end: Mark, epoch: i64, written: Written) -> Step {
    Step {
        process: PROCESS,
        from,
        end,
        epoch,
        at: test_now(),
        written,
    }
}

fn state(text: &str, over: bool) -> StateRow {
    StateRow {
        instance: INSTANCE,
        state: text.to_owned(),
        over,
    }
}

async fn due(tables: &impl ProcessTables, at: i64, busy: &[Uuid]) -> Vec<u128> {
    let rows = tables
        .due(minute(at), busy, &[("command", 8)])
        .await
        .unwrap();
    rows.iter().map(|row| row.id.as_u128()).collect()
}

pub(super) async fn hold(tables: &impl ProcessTables) {
    steps(tables).await;
    effects(tables).await;
    timers(tables).await;
}

async fn steps(tables: &impl ProcessTables) {
    let begin = tables.place(PROCESS).await.unwrap();
    assert_eq!(begin, Mark::default());
    let written = Written {
        states: vec![state("{\"a\":1}", false)],
        effects: vec![effect(11), effect(12)],
        ..Written::default()
    };
    let first = step(begin, mark(1), 2, written);
    assert!(tables.store(&first).await.unwrap());
    assert_eq!(tables.place(PROCESS).await.unwrap(), mark(1));
    // Repeated, from elsewhere, and by a leader of before: nothing of it is written.
    let other = || Written {
        states: vec![state("{\"a\":2}", true)],
        effects: vec![effect(99)],
        ..Written::default()
    };
    assert!(!tables.store(&first).await.unwrap());
    assert!(
        !tables
            .store(&step(mark(2), mark(3), 2, other()))
            .await
            .unwrap()
    );
    assert!(
        !tables
            .store(&step(mark(1), mark(2), 1, other()))
            .await
            .unwrap()
    );
    let states = tables
        .states(PROCESS, &[INSTANCE, Uuid::nil()])
        .await
        .unwrap();
    assert_eq!(states, [(INSTANCE, "{\"a\":1}".to_owned())]);
    assert_eq!(due(tables, 0, &[]).await, [11]);
}

async fn effects(tables: &impl ProcessTables) {
    let [first, second] = [11, 12].map(Uuid::from_u128);
    assert_eq!(
        due(tables, 0, &[first]).await,
        [0; 0],
        "the second waits for the first"
    );
    assert!(tables.sent(first, minute(1)).await.unwrap());
    assert!(tables.sent(first, minute(2)).await.unwrap());
    let row = &tables.due(minute(2), &[], &[("command", 8)]).await.unwrap()[0];
    assert_eq!((row.sent_at, row.attempts), (Some(minute(1)), 0));
    tables
        .postpone(first, minute(5), true, "later".to_owned())
        .await
        .unwrap();
    assert_eq!(due(tables, 4, &[]).await, [0; 0]);
    assert!(
        tables.finish(first, minute(5), None).await.unwrap(),
        "the second waited for it"
    );
    assert!(!tables.finish(first, minute(5), None).await.unwrap());
    assert!(!tables.sent(first, minute(6)).await.unwrap());
    tables
        .postpone(first, minute(6), true, "again".to_owned())
        .await
        .unwrap();
    assert_eq!(
        due(tables, 4, &[]).await,
        [0; 0],
        "it waits as long as the one before it"
    );
    assert_eq!(due(tables, 9, &[]).await, [12]);
    assert!(tables.sent(second, minute(6)).await.unwrap());
    tables
        .postpone(second, minute(7), false, "not taken".to_owned())
        .await
        .unwrap();
    let row = &tables.due(minute(9), &[], &[("command", 8)]).await.unwrap()[0];
    assert_eq!((row.sent_at, row.attempts), (None, 1));
    tables.park(second, "a person must look").await.unwrap();
    assert_eq!(due(tables, 9, &[]).await, [0; 0]);
    // What has ended stays so when it is wanted again.
    let again = Written {
        effects: vec![effect(11)],
        ..Written::default()
    };
    assert!(
        tables
            .store(&step(mark(1), mark(2), 2, again))
            .await
            .unwrap()
    );
    assert_eq!(due(tables, 9, &[]).await, [0; 0]);
}

async fn timers(tables: &impl ProcessTables) {
    let started = Written {
        timers: vec![timer("moved", 21, 10), timer("cancelled", 22, 10)],
        ..Written::default()
    };
    assert!(
        tables
            .store(&step(mark(2), mark(3), 2, started))
            .await
            .unwrap()
    );
    let changed = Written {
        cancelled: vec![(INSTANCE, "cancelled".to_owned())],
        timers: vec![timer("moved", 23, 20)],
        ..Written::default()
    };
    assert!(
        tables
            .store(&step(mark(3), mark(4), 3, changed))
            .await
            .unwrap()
    );
    assert_eq!(tables.fire(minute(19), 8).await.unwrap(), 0);
    assert_eq!(tables.fire(minute(20), 8).await.unwrap(), 1);
    assert_eq!(tables.fire(minute(30), 8).await.unwrap(), 0, "it has fired");
    assert_eq!(due(tables, 30, &[]).await, [23]);
}
