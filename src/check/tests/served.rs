//! Faults planted in what the vendor's simulator says: its ledger, its webhooks, its breaches.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::story::Checkout;
use super::world::{World, checkouts};
use crate::check::report::Invariant;
use crate::check::{CheckArgs, verdict};

/// What a simulator answers, by the first part of the path.
type Answers = HashMap<&'static str, Value>;

/// A server that gives fixed answers, gone when dropped.
struct Served {
    base: String,
    _tasks: JoinSet<()>,
}

impl Served {
    async fn start(answers: Answers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let answers = Arc::new(answers);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                answer(stream, &answers).await;
            }
        });
        Self {
            base,
            _tasks: tasks,
        }
    }
}

async fn answer(mut stream: TcpStream, answers: &Answers) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).await.unwrap_or_default() == 0 {
            return;
        }
        request.push(byte[0]);
    }
    let request = String::from_utf8(request).unwrap();
    let known = answers.iter().find(|(path, _)| request.contains(**path));
    let body = known.unwrap().1.to_string();
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    stream
        .write_all(format!("{head}{body}").as_bytes())
        .await
        .unwrap();
}

/// The simulator's side of the story.
fn good() -> Answers {
    let intents: Vec<Value> = checkouts().into_iter().map(intent).collect();
    let deliveries: Vec<Value> = checkouts().into_iter().map(delivery).collect();
    HashMap::from([
        ("/_sim/ledger", json!({ "intents": intents })),
        ("/_sim/webhooks", json!({ "deliveries": deliveries })),
        ("/_sim/breaches", json!({ "total": 0, "breaches": [] })),
        ("/_sim/clock", json!({ "now": "2026-11-20T18:00:00Z" })),
    ])
}

fn intent(of: Checkout) -> Value {
    let (status, received, refunded) = match of.0 {
        1 | 2 => ("succeeded", 980, 0),
        4 => ("succeeded", 980, 980),
        _ => ("canceled", 0, 0),
    };
    let captures = if received > 0 {
        json!([{ "amount": received }])
    } else {
        json!([])
    };
    json!({
        "id": of.intent(), "amount": 980, "currency": "jpy", "status": status,
        "metadata": { "order_id": of.order(), "payment_id": of.payment(), "attempt": "1" },
        "amount_received": received, "amount_refunded": refunded, "captures": captures,
    })
}

fn delivery(of: Checkout) -> Value {
    json!({
        "event": format!("evt_{}", of.intent()), "type": "payment_intent.succeeded",
        "state": "delivered",
        "attempts": [{ "at": "2026-11-20T09:00:00Z", "status": 500 }, { "status": 200 }],
    })
}

/// What the vendor may say otherwise: what it breaks, the page, the place in it, and the value there.
fn faults() -> Vec<(Invariant, &'static str, &'static str, Value)> {
    vec![
        (
            Invariant::I3,
            "/_sim/ledger",
            "/intents/0/amount_received",
            json!(981),
        ),
        (
            Invariant::I3,
            "/_sim/ledger",
            "/intents/0/amount",
            json!(981),
        ),
        (
            Invariant::I3,
            "/_sim/ledger",
            "/intents/0/currency",
            json!("krw"),
        ),
        (
            Invariant::I3,
            "/_sim/ledger",
            "/intents/3/amount_refunded",
            json!(0),
        ),
        (
            Invariant::I3,
            "/_sim/ledger",
            "/intents/0/captures",
            json!([{}, {}]),
        ),
        (
            Invariant::I3,
            "/_sim/ledger",
            "/intents/0/id",
            json!("pi_unknown"),
        ),
        (
            Invariant::I3,
            "/_sim/ledger",
            "/intents/1/metadata/order_id",
            json!(Checkout(1).order()),
        ),
        (
            Invariant::I10,
            "/_sim/ledger",
            "/intents/0/status",
            json!("requires_capture"),
        ),
        (
            Invariant::I10,
            "/_sim/ledger",
            "/intents/2/status",
            json!("succeeded"),
        ),
        (
            Invariant::I10,
            "/_sim/webhooks",
            "/deliveries/0/event",
            json!("evt_lost"),
        ),
        (
            Invariant::I10,
            "/_sim/webhooks",
            "/deliveries/0/attempts",
            json!([{ "status": 401 }]),
        ),
        (Invariant::Breaches, "/_sim/breaches", "/total", json!(3)),
        (
            Invariant::Breaches,
            "/_sim/breaches",
            "/breaches",
            json!([{ "class": "idempotency_mismatch", "detail": "other body", "request": "POST" }]),
        ),
    ]
}

/// What the faults of this file break, one by one.
pub(super) fn planted() -> Vec<Invariant> {
    faults().into_iter().map(|(of, ..)| of).collect()
}

#[tokio::test]
async fn the_vendors_word_is_compared_with_ours() {
    let world = World::build().await;
    let copy = world.copy().await;
    let check = async |answers: Answers| {
        let served = Served::start(answers).await;
        let args = CheckArgs {
            sandbox_url: Some(served.base.clone()),
            ..copy.args()
        };
        verdict(&args).await.unwrap()
    };
    let clean = check(good()).await;
    assert!(clean.is_clean(), "{clean}");
    for (invariant, path, place, value) in faults() {
        let mut answers = good();
        let answer = answers.get_mut(path).unwrap();
        *answer.pointer_mut(place).unwrap() = value;
        let found = check(answers).await;
        assert_eq!(found.violated(), [invariant], "{path} {place}\n{found}");
    }
    world.end().await;
}

#[tokio::test]
async fn a_webhook_that_was_deleted_after_its_time_is_not_missed() {
    let world = World::build().await;
    let copy = world.copy().await;
    let delete = "DELETE FROM ops.webhook_inbox WHERE event_key = 'evt_pi_1'";
    copy.plant(delete).await;
    let check = async |now: &str| {
        let mut answers = good();
        answers.insert("/_sim/clock", json!({ "now": now }));
        let served = Served::start(answers).await;
        let args = CheckArgs {
            sandbox_url: Some(served.base.clone()),
            ..copy.args()
        };
        verdict(&args).await.unwrap()
    };
    let young = check("2026-12-20T08:59:59Z").await;
    assert_eq!(young.violated(), [Invariant::I10], "{young}");
    let old = check("2026-12-20T09:00:01Z").await;
    assert!(old.is_clean(), "{old}");
    assert!(
        old.to_string()
            .contains("1 webhooks of more than 30 days ago"),
        "{old}"
    );
    world.end().await;
}
