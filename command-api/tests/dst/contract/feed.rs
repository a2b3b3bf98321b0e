//! Feeds: every event once and in order of position, those of a stream as they were written; another
//! history is told from its own.

use std::collections::BTreeMap;

use infra::event_store::{ChainHash, EventStore, Mark, OtherHistory};
use infra::feed::{Checkpoints, Feed, Origin};

use super::journal::{append, part};

/// Two streams, written in turns.
pub(super) async fn fill(store: &EventStore) {
    for parts in [
        vec![part(1, 0, 1)],
        vec![part(2, 0, 2), part(1, 1, 1)],
        vec![part(1, 2, 2)],
    ] {
        store.append(append(parts, None)).await.unwrap();
    }
}

pub(super) async fn holds<F: Feed>(feed: impl Fn() -> F) {
    let from = |mark| Checkpoints::from([(Origin::store(), mark)]);
    let (mut reader, mut read) = (feed(), Vec::new());
    reader.start(from(Mark::default())).await.unwrap();
    loop {
        let records = reader.poll(2).await.unwrap();
        assert!(records.len() <= 2);
        let Some(last) = records.last() else { break };
        assert_eq!(reader.frontier(), last.mark());
        read.extend(records);
    }
    let positions: Vec<i64> = read.iter().map(|record| record.position).collect();
    assert_eq!(positions, [1, 2, 3, 4, 5, 6]);
    let mut last = BTreeMap::new();
    for record in &read {
        let before = last.insert(record.stream, record.sequence).unwrap_or(0);
        assert_eq!(record.sequence, before + 1);
    }
    // Begun again in the middle it goes on there.
    let mut again = feed();
    again.start(from(read[2].mark())).await.unwrap();
    let next = again.poll(1).await.unwrap();
    assert_eq!(next, read[3..4]);
    let elsewhere = Mark {
        position: 3,
        hash: ChainHash::new([9; 32]),
    };
    let error = feed().start(from(elsewhere)).await.unwrap_err();
    assert!(OtherHistory::beneath(&error).is_some(), "{error}");
}
