//! Faults planted in a client's history, and in the store behind a true one.

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::story::{Checkout, id};
use super::world::{Copy, World, checkouts};
use crate::check::Verdict;
use crate::check::report::Invariant;

const REFUSAL: &str = r#"{"code":"out_of_stock"}"#;

/// A request of a checkout's customer, sent for the `n`th time under `key`, and never answered.
fn sent(of: Checkout, key: &str, n: u32) -> Value {
    json!({
        "principal": of.customer(), "method": "POST", "route": "/v1/carts/{cart_id}/checkout",
        "key": key, "fingerprint": "same", "request_id": format!("{key}.{n}"), "status": null,
        "at": "2026-11-20T10:00:00Z",
    })
}

/// The same, answered.
fn answered(of: Checkout, key: &str, n: u32, status: u16, body: &str) -> Value {
    let mut line = sent(of, key, n);
    line["status"] = status.into();
    line["body_sha256"] = hex::encode(digest(&SHA256, body.as_bytes())).into();
    line
}

fn with(mut line: Value, members: Value) -> Value {
    let Value::Object(members) = members else {
        panic!("members stand in an object")
    };
    line.as_object_mut().unwrap().extend(members);
    line
}

/// Each checkout lost its first answer, was refused while in flight, and heard it when asked again; the
/// first customer was also refused once, and gave up once before anything arrived.
fn truth() -> Vec<Value> {
    let mut lines = Vec::new();
    for of in checkouts() {
        let order = of.order();
        let body = format!(r#"{{"order_id":"{order}"}}"#);
        let in_flight = answered(of, &order, 2, 409, "{}");
        let again = answered(of, &order, 3, 201, &body);
        lines.extend([
            sent(of, &order, 1),
            with(in_flight, json!({ "code": "in_flight" })),
            with(again, json!({ "replayed": true, "order_id": order })),
        ]);
    }
    let refused = answered(Checkout(1), "refused", 1, 422, REFUSAL);
    let again = answered(Checkout(1), "refused", 2, 422, REFUSAL);
    lines.extend([
        with(refused, json!({ "code": "out_of_stock" })),
        with(again, json!({ "code": "out_of_stock", "replayed": true })),
        sent(Checkout(1), "never", 1),
    ]);
    lines
}

/// Lines that say what the store does not, and what each breaks.
fn false_lines() -> Vec<(Invariant, Value)> {
    let of = Checkout(1);
    let order = of.order();
    let body = format!(r#"{{"order_id":"{order}"}}"#);
    let streams =
        |sequence: u32| json!([{ "kind": "ordering.order", "id": order, "sequence": sequence }]);
    vec![
        (Invariant::I1, json!({ "status": 201, "order_id": id(999) })),
        (
            Invariant::I1,
            json!({ "status": 200, "streams": streams(99) }),
        ),
        (Invariant::I1, json!({ "status": 200, "token": "!" })),
        // Answered, and no record was kept.
        (Invariant::I2, answered(of, "nobody", 1, 200, "{}")),
        // One name for two requests.
        (
            Invariant::I2,
            with(sent(of, "other", 1), json!({ "request_id": "never.1" })),
        ),
        // Another status, another body, another refusal, and one key for two different wishes.
        (Invariant::I13, answered(of, &order, 4, 200, &body)),
        (Invariant::I13, answered(of, &order, 4, 201, "{}")),
        (
            Invariant::I13,
            with(
                answered(of, "refused", 3, 422, "{}"),
                json!({ "code": "out_of_stock", "replayed": true }),
            ),
        ),
        (
            Invariant::I13,
            with(
                answered(of, &order, 4, 201, &body),
                json!({ "fingerprint": "other" }),
            ),
        ),
    ]
}

/// Faults of the store that a true history shows: what each breaks, what it is, and the statement.
const BROKEN_WORDS: &[(Invariant, &str, &str)] = &[
    (
        Invariant::I1,
        "an order that was answered is gone",
        "DELETE FROM es.events WHERE aggregate_id = es.tid(12)",
    ),
    (
        Invariant::I1,
        "all orders are gone",
        "DELETE FROM es.events WHERE aggregate_type = 'ordering.order'",
    ),
    (
        Invariant::I2,
        "a record is gone",
        "DELETE FROM ops.command_records WHERE body LIKE '%' || es.tid(12) || '%'",
    ),
    (
        Invariant::I2,
        "a repeat was executed, too",
        r#"SELECT es.plant('ordering.order', es.tid(22), '{"type":"completed"}',
                   json_build_object('role', 'customer', 'request_id', es.tid(12) || '.2'))"#,
    ),
    (
        Invariant::I2,
        "what was refused was executed",
        r#"SELECT es.plant('ordering.order', es.tid(22), '{"type":"completed"}',
                   '{"role":"customer","request_id":"refused.1"}')"#,
    ),
    (
        Invariant::I2,
        "what was never answered was executed and not recorded",
        r#"SELECT es.plant('ordering.order', es.tid(22), '{"type":"completed"}',
                   '{"role":"customer","request_id":"never.1"}')"#,
    ),
    (
        Invariant::I13,
        "another answer is kept to be repeated",
        "UPDATE ops.command_records SET body = body || ' ' WHERE body LIKE '%' || es.tid(12) || '%'",
    ),
];

/// What the faults of this file break, one by one.
pub(super) fn planted() -> Vec<Invariant> {
    let told = false_lines().into_iter().map(|(of, _)| of);
    told.chain(BROKEN_WORDS.iter().map(|(of, ..)| *of))
        .collect()
}

/// A world and a place for histories of it.
struct Told {
    copy: Copy,
    folder: TempDir,
}

impl Told {
    async fn of(world: &World) -> Self {
        Self {
            copy: world.copy().await,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    async fn verdict(&self, lines: &[Value]) -> Verdict {
        let path = self.folder.path().join("history.jsonl");
        let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
        std::fs::write(&path, lines.join("\n")).unwrap();
        self.copy.verdict_with_history(&path).await
    }
}

#[tokio::test]
async fn a_clients_history_is_compared_with_the_store() {
    let world = World::build().await;
    let told = Told::of(&world).await;
    let clean = told.verdict(&truth()).await;
    assert!(clean.is_clean(), "{clean}");
    assert!(
        !clean.to_string().contains("not run: what clients"),
        "{clean}"
    );
    for invariant in [Invariant::I1, Invariant::I2, Invariant::I13] {
        assert!(clean.count_checked(invariant) > 0, "{clean}");
    }

    for (invariant, line) in false_lines() {
        let mut lines = truth();
        lines.push(line.clone());
        let verdict = told.verdict(&lines).await;
        assert_eq!(verdict.violated(), [invariant], "{line}\n{verdict}");
    }
    world.end().await;
}

#[tokio::test]
async fn a_store_that_breaks_its_word_is_found_by_a_true_history() {
    let world = World::build().await;
    for (invariant, what, sql) in BROKEN_WORDS {
        let told = Told::of(&world).await;
        told.copy.plant(sql).await;
        let verdict = told.verdict(&truth()).await;
        assert!(verdict.violated().contains(invariant), "{what}\n{verdict}");
    }
    world.end().await;
}

#[tokio::test]
async fn a_record_that_was_deleted_after_its_time_is_not_missed() {
    let world = World::build().await;
    let told = Told::of(&world).await;
    let delete = "DELETE FROM ops.command_records WHERE body LIKE '%' || es.tid(12) || '%'";
    told.copy.plant(delete).await;
    let sent_at = |at: &str| {
        let mut lines = truth();
        for line in &mut lines {
            line["at"] = at.into();
        }
        lines
    };
    let young = told.verdict(&sent_at("2026-10-22T12:00:00Z")).await;
    assert_eq!(young.violated(), [Invariant::I2], "{young}");
    let old = told.verdict(&sent_at("2026-10-20T12:00:00Z")).await;
    assert!(old.is_clean(), "{old}");
    assert!(old.to_string().contains("older than 30 days"), "{old}");
    world.end().await;
}
