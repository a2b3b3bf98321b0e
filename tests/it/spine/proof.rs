//! The proof of an event is followed here by a reader of its own, written from the text of the answer's
//! documentation: whoever has the public key needs nothing else from us.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::support::TestApp;

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn sha256(parts: &[&[u8]]) -> Vec<u8> {
    digest(&SHA256, &parts.concat()).as_ref().to_vec()
}

fn sized(value: &Value) -> Vec<u8> {
    let text = text(value).as_bytes();
    [&u32::try_from(text.len()).unwrap().to_be_bytes(), text].concat()
}

fn eight(value: &Value) -> [u8; 8] {
    value.as_i64().unwrap().to_be_bytes()
}

fn leaf(event: &Value) -> Vec<u8> {
    let id: uuid::Uuid = text(&event["event_id"]).parse().unwrap();
    sha256(&[
        &[0],
        &sized(&event["aggregate_type"]),
        &sized(&event["aggregate_id"]),
        &eight(&event["sequence"]),
        &sized(&event["event_type"]),
        &sized(&event["event_version"]),
        id.as_bytes(),
        &eight(&event["recorded_at_us"]),
        &sized(&event["payload"]),
        &sized(&event["metadata"]),
    ])
}

/// Position and hash of a note that the proof's key has signed.
fn said(note: &str, verifier: &str) -> (i64, Vec<u8>) {
    let (body, signature) = note.split_once("\n\n").unwrap();
    let signature = STANDARD
        .decode(signature.trim_end().rsplit(' ').next().unwrap())
        .unwrap();
    let key = STANDARD.decode(verifier.splitn(3, '+').nth(2).unwrap());
    UnparsedPublicKey::new(&ED25519, &key.unwrap()[1..])
        .verify(format!("{body}\n").as_bytes(), &signature[4..])
        .unwrap();
    let lines: Vec<&str> = body.lines().collect();
    (
        lines[1].parse().unwrap(),
        STANDARD.decode(lines[2]).unwrap(),
    )
}

/// Follows the chain from one note to the other; whether it arrives, and passes the event.
fn holds(proof: &Value) -> bool {
    let verifier = text(&proof["verifiers"][0]);
    let (mut position, mut hash) = if proof["from"].is_null() {
        (0, vec![0; 32])
    } else {
        said(text(&proof["from"]), verifier)
    };
    let (end, expected) = said(text(&proof["to"]), verifier);
    let mut passed = false;
    for encoded in proof["leaves"].as_array().unwrap() {
        position += 1;
        let stored = STANDARD.decode(text(encoded)).unwrap();
        if position == proof["event"]["position"].as_i64().unwrap() {
            passed = stored == leaf(&proof["event"]);
        }
        hash = sha256(&[&[1], &hash, &position.to_be_bytes(), &stored]);
    }
    passed && position == end && hash == expected
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_has_the_key_can_prove_what_was_written() {
    let app = TestApp::start().await;
    let ops = app.ops().await;
    let shop = app.open_shop(1, 10).await;
    let customer = app.customer(1).await;
    let order = app.placed_order(&customer, &shop).await;
    let audit = format!("/v1/ops/audit?aggregate=ordering.order:{order}");
    let audit = app.get(&ops, &audit).await.expect(200);
    let position = audit.body["events"][0]["position"].as_i64().unwrap();
    let path = format!("/v1/ops/proof/{position}");

    // What happened after the last note waits for the next one.
    app.get(&ops, &path).await.problem(404);
    app.advance(Duration::from_mins(1)).await;
    app.settle().await;
    let proof = app.get(&ops, &path).await.expect(200).body;
    assert!(holds(&proof), "{proof:#}");
    assert!(proof["from"].is_string(), "the shop was signed before");
    let first = app.get(&ops, "/v1/ops/proof/1").await.expect(200).body;
    assert!(holds(&first) && first["from"].is_null(), "{first:#}");

    let mut forged = proof.clone();
    forged["event"]["metadata"] = "{}".into();
    assert!(!holds(&forged));
    for path in ["/v1/ops/proof/999999", "/v1/ops/proof/0", "/v1/ops/proof/x"] {
        app.get(&ops, path).await.problem(404);
    }
    assert_eq!(app.get(&customer, &path).await.status, 403);
    app.end().await;
}
