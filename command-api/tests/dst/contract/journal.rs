//! Appends: all of one or nothing, on the versions that were read, once under a key.

use domain::aggregates::Kind;
use domain::testing::test_now;
use infra::event_store::{
    Append, AppendError, CommandRecord, EventStore, NewEvent, StreamAppend, StreamId,
};
use uuid::Uuid;

pub(super) fn stream(id: u128) -> StreamId {
    StreamId {
        kind: Kind::Restaurant,
        id: Uuid::from_u128(id),
    }
}

/// So many events for a stream that is at a version.
pub(super) fn part(id: u128, expected_version: i64, events: u128) -> StreamAppend {
    let event = |number: u128| NewEvent {
        event_id: Uuid::from_u128(
            (id << 32) + (u128::from(expected_version.unsigned_abs()) << 8) + number,
        ),
        event_type: "submitted".to_owned(),
        event_version: "1".to_owned(),
        payload: r#"{"type":"submitted"}"#.to_owned(),
        metadata: "{}".to_owned(),
    };
    StreamAppend {
        stream: stream(id),
        expected_version,
        events: (1..=events).map(event).collect(),
    }
}

fn record(key: u8, body: &str) -> CommandRecord {
    CommandRecord {
        key_hash: [key; 32],
        fingerprint: [1; 32],
        status: 201,
        headers: "{}".to_owned(),
        body: body.to_owned(),
        created_at: test_now(),
    }
}

pub(super) fn append(streams: Vec<StreamAppend>, record: Option<CommandRecord>) -> Append {
    Append {
        streams,
        record,
        recorded_at: test_now(),
    }
}

pub(super) async fn holds(store: &EventStore) {
    let put = |streams, record| store.append(append(streams, record));
    assert_eq!(
        put(vec![part(1, 0, 2)], Some(record(1, "one"))).await,
        Ok(())
    );
    let at = |id, version| (stream(id), version);
    assert!(store.still_at(&[at(1, 2), at(2, 0)]).await.unwrap());
    assert!(!store.still_at(&[at(1, 1)]).await.unwrap());

    // A stale stream keeps the others of its append, and its record, from being written.
    let stale = vec![part(1, 1, 1), part(2, 0, 1)];
    assert_eq!(
        put(stale, Some(record(2, "two"))).await,
        Err(AppendError::Conflict)
    );
    assert!(store.still_at(&[at(1, 2), at(2, 0)]).await.unwrap());
    assert_eq!(store.command_record(&[2; 32]).await.unwrap(), None);

    // So does a version that was only read, of one that moved as of one that is not there yet.
    for read in [part(1, 1, 0), part(1, 3, 0)] {
        let relied = vec![part(2, 0, 1), read];
        assert_eq!(put(relied, None).await, Err(AppendError::Conflict));
    }
    let relied = vec![part(2, 0, 1), part(1, 2, 0)];
    assert_eq!(put(relied, None).await, Ok(()));

    // A key that was used keeps what was kept first, whatever else comes under it.
    let used = put(vec![part(2, 1, 1)], Some(record(1, "another"))).await;
    assert_eq!(used, Err(AppendError::KeyUsed));
    assert!(store.still_at(&[at(2, 1)]).await.unwrap());
    let kept = store.command_record(&[1; 32]).await.unwrap();
    assert_eq!(kept, Some(record(1, "one")));

    // Whoever does not know what became of an append repeats it: it is there once.
    assert!(
        put(vec![part(1, 0, 2)], Some(record(1, "one")))
            .await
            .is_err()
    );
    assert!(store.still_at(&[at(1, 2)]).await.unwrap());

    // A refusal is a record alone.
    assert_eq!(put(Vec::new(), Some(record(3, "no"))).await, Ok(()));
    assert_eq!(
        put(Vec::new(), Some(record(3, "no"))).await,
        Err(AppendError::KeyUsed)
    );
}
