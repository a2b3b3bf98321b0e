//! Traces, at a collector: an order's journey from its checkout to the push, what callers decide, and
//! that a collector which is down is nobody's loss.

use std::collections::BTreeSet;

use command_api::publisher::{Relay, Sequencer, handover};
use infra::clock::Clock;
use infra::feed::HeadWatch;
use infra::http::health::Readiness;
use infra::kafka::{EventProducer, KafkaSettings};
use infra::lifecycle::{Doorbell, Loop as _, Progress};
use infra::postgres::Role as DatabaseRole;
use infra::testing::TestDatabase;
use rdkafka::mocking::MockCluster;
use reqwest::Method;
use serde_json::Value;
use uuid::Uuid;

use crate::support::{Collector, Exporting, Session, Span, TestApp, address};

/// A trace and a span, as `traceparent` names them.
fn named(traceparent: &str) -> (String, String) {
    let parts: Vec<&str> = traceparent.split('-').collect();
    (parts[1].to_owned(), parts[2].to_owned())
}

/// The one span of this name that belongs to `trace`.
#[track_caller]
fn one<'a>(spans: &'a [Span], trace: &str, name: &str) -> &'a Span {
    let found: Vec<&Span> = of(spans, trace, name).collect();
    let [span] = found.as_slice() else {
        let names: BTreeSet<&str> = spans.iter().map(|span| span.name.as_str()).collect();
        panic!(
            "{} spans {name} belong to the trace, of {names:#?}",
            found.len()
        )
    };
    span
}

fn of<'a>(spans: &'a [Span], trace: &str, name: &str) -> impl Iterator<Item = &'a Span> {
    spans
        .iter()
        .filter(move |span| span.name == name && span.belongs_to(trace))
}

/// Pays for an order while its live stream is read; gives the stream up to where it says `placed`.
async fn watched_while_paid(app: &TestApp, by: &Session, order: &str) -> String {
    let url = format!("{}/v1/orders/{order}/events", app.base);
    let mut stream = app
        .client
        .get(url)
        .bearer_auth(&by.token)
        .send()
        .await
        .unwrap();
    let mut text = String::new();
    while !text.contains(r#""state":"placed""#) {
        let chunk = stream.chunk().await.unwrap().expect("the stream goes on");
        text.push_str(std::str::from_utf8(&chunk).unwrap());
        if !text.contains(r#""state":"placed""#) {
            app.pay(by, order, "pm_card_visa").await;
        }
    }
    text
}

#[tokio::test]
async fn an_order_is_one_trace_from_checkout_to_the_push() {
    let collector = Collector::start().await;
    let exporting = collector.listen(1.0);
    let app = TestApp::start().await;
    let shop = app.open_shop(1, 10).await;
    let mei = app.customer(1).await;
    let (cart, quoted) = app.cart(&mei, &shop).await;
    let ordered = app.check_out(&mei, &cart, &quoted).await.expect(201);
    let (trace, request) = named(ordered.header("traceparent").unwrap());
    let order = ordered.body["order_id"].as_str().unwrap().to_owned();
    app.settle().await;
    let watched = watched_while_paid(&app, &mei, &order).await;
    app.get(&mei, "/v1/search?q=tonkotsu").await.expect(200);
    let token = mei.token.clone();
    app.end().await;
    let spans = collector.spans(exporting).await;

    // The request, which says its own name to the caller, its command and its append.
    let http = one(&spans, &trace, "POST /v1/carts/{cart_id}/checkout");
    assert_eq!(
        (http.id.as_str(), http.parent.as_str()),
        (request.as_str(), "")
    );
    assert_eq!(http.attribute("http.response.status_code"), Some("201"));
    let command = one(&spans, &trace, "command.ordering.cart.check_out");
    assert_eq!((&command.trace, &command.parent), (&trace, &http.id));
    assert_eq!(command.attribute("outcome"), Some("done"));
    let append = of(&spans, &trace, "append").find(|span| span.parent == command.id);
    let append = append.expect("the command's append");
    let shared = of(&spans, &trace, "append.batch")
        .any(|span| span.parent == append.id || span.links.iter().any(|(_, id)| *id == append.id));
    assert!(shared, "no shared commit belongs to the append");

    // What follows of it joins the request, which its events name.
    for name in ["sequence", "react", "project", "show", "push"] {
        assert!(
            of(&spans, &trace, name).next().is_some(),
            "no {name} joins the order"
        );
    }
    assert!(
        watched.contains(&format!(": traceparent 00-{trace}-")),
        "{watched}"
    );
    let pushed = of(&spans, &trace, "push")
        .all(|push| push.attribute("order.id") == Some(&order) && push.trace == trace);
    assert!(pushed);

    // The process asks Stripe for a payment, in the same trace.
    let effect = of(&spans, &trace, "effect.payment")
        .next()
        .expect("an effect");
    assert!(effect.attribute("effect.id").is_some());
    let asked = of(&spans, &trace, "payment/stripe create")
        .next()
        .expect("a call");
    assert_eq!(
        (&asked.parent, asked.attribute("outcome")),
        (&effect.id, Some("done"))
    );

    // Stripe's webhook is another trace; its news goes on with the order's and links to it.
    let news = of(&spans, &trace, "webhook.news").next().expect("news");
    assert_eq!(news.trace, trace);
    let brought = spans
        .iter()
        .find(|span| news.links == [(span.trace.clone(), span.id.clone())])
        .expect("the webhook that brought them");
    assert_eq!(brought.name, "webhook.stripe");
    let received = spans.iter().find(|span| span.id == brought.parent).unwrap();
    assert_eq!(received.name, "POST /v1/webhooks/stripe");
    let authorised = of(&spans, &trace, "command.payment.payment.record_authorised");
    assert!(authorised.count() > 0, "the news leads to no command");

    let searched = spans.iter().find(|span| span.name == "search").unwrap();
    let found_by = spans
        .iter()
        .find(|span| span.id == searched.parent)
        .unwrap();
    assert_eq!(found_by.name, "GET /v1/search");
    assert_whole(&spans);
    assert_nothing_personal(&spans, &token);
}

/// Parents and links lead to spans that were exported, and queries are never alone.
fn assert_whole(spans: &[Span]) {
    let known: BTreeSet<(&str, &str)> = spans
        .iter()
        .map(|span| (span.trace.as_str(), span.id.as_str()))
        .collect();
    for span in spans {
        let parent = (span.trace.as_str(), span.parent.as_str());
        assert!(
            span.parent.is_empty() || known.contains(&parent),
            "{span:?}"
        );
        for (trace, id) in &span.links {
            assert!(known.contains(&(trace.as_str(), id.as_str())), "{span:?}");
        }
        assert!(!span.is_error, "{span:?}");
        assert_eq!(span.events, 0, "a log line left with {span:?}");
        assert!(
            !(span.name.starts_with("db.") && span.parent.is_empty()),
            "{span:?}"
        );
    }
}

/// What a trace must not know.
fn assert_nothing_personal(spans: &[Span], token: &str) {
    let mut canaries: Vec<String> = [
        "_secret_", "sk_test", "whsec", "Bearer", "Menya", "tonkotsu",
    ]
    .map(str::to_owned)
    .into();
    canaries.push(token.to_owned());
    let address = address();
    let texts = address
        .as_object()
        .unwrap()
        .values()
        .filter_map(Value::as_str);
    canaries.extend(texts.filter(|text| text.len() > 2).map(str::to_owned));
    canaries.retain(|canary| canary != "Taipei");
    let said = spans
        .iter()
        .flat_map(|span| span.attributes.values().chain([&span.name]));
    for text in said {
        let told = canaries
            .iter()
            .find(|canary| text.contains(canary.as_str()));
        assert_eq!(told, None, "{text}");
        assert!(text.len() <= 80, "{text}");
    }
}

#[tokio::test]
async fn a_caller_names_the_trace_and_decides_nothing_else() {
    const THEIRS: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let (trace, caller) = named(THEIRS);
    for sample in [1.0, 0.0] {
        let collector = Collector::start().await;
        let exporting = collector.listen(sample);
        let app = TestApp::start().await;
        let header = [("traceparent", THEIRS)];
        let answer = app
            .send(None, Method::GET, "/v1/search?q=x", &header, None)
            .await
            .expect(200);
        let ours = answer.header("traceparent").unwrap().to_owned();
        app.end().await;
        let spans = collector.spans(exporting).await;
        assert_eq!(named(&ours).0, trace);
        if sample > 0.0 {
            let http = one(&spans, &trace, "GET /v1/search");
            assert_eq!((http.id.clone(), &http.parent), (named(&ours).1, &caller));
            assert!(ours.ends_with("-01"), "{ours}");
        } else {
            assert!(ours.ends_with("-00"), "{ours}");
            assert_eq!(spans.len(), 0, "{spans:#?}");
        }
    }
}

#[tokio::test]
async fn a_bowl_is_sold_while_the_collector_is_down() {
    let port = {
        let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        taken.local_addr().unwrap().port()
    };
    let exporting = Exporting::to(&format!("http://127.0.0.1:{port}"), 1.0);
    let app = TestApp::start().await;
    let shop = app.open_shop(1, 10).await;
    let mei = app.customer(1).await;
    let order = app.placed_order(&mei, &shop).await;
    assert_eq!(app.order(&mei, &order).await["state"], "placed");
    app.end().await;
    exporting.end().await;
}

#[tokio::test]
async fn a_published_batch_links_to_the_traces_of_its_events() {
    let collector = Collector::start().await;
    let exporting = collector.listen(1.0);
    let broker = MockCluster::new(1).unwrap();
    let settings = KafkaSettings {
        brokers: broker.bootstrap_servers(),
        topic_prefix: "traced".to_owned(),
        partitions: 1,
        replication: 1,
        security_protocol: "plaintext".to_owned(),
    };
    let topic = "traced.restaurant.restaurant.v1";
    broker.create_topic(topic, 1, 1).unwrap();
    let database = TestDatabase::create().await;
    let (leadership, handed) = handover(Doorbell::new());
    let (head, clock) = (HeadWatch::default(), Clock::system());
    let mut sequencer = Sequencer::new(database.options(), clock, head, leadership);
    let producer = EventProducer::connect(&settings).unwrap();
    let ready = Readiness::new();
    let mut relay = Relay::new(database.pool(DatabaseRole::App), producer, handed, &ready);
    let traces = ["1".repeat(32), "2".repeat(32)];
    for (number, trace) in (1..).zip(&traces) {
        sqlx::query(
            "INSERT INTO es.events (aggregate_type, aggregate_id, sequence, event_type,
                 event_version, payload, metadata, event_id, recorded_at)
             VALUES ('restaurant.restaurant', $1, 1, 'submitted', '1',
                 '{\"type\": \"submitted\"}', $2::json, $3, now())",
        )
        .bind(Uuid::from_u128(number).to_string())
        .bind(format!(
            r#"{{"traceparent":"00-{trace}-00f067aa0ba902b7-01"}}"#
        ))
        .bind(Uuid::from_u128(number))
        .execute(&database.owner())
        .await
        .unwrap();
    }
    while sequencer.step().await.unwrap() != Progress::Idle {}
    while relay.step().await.unwrap() != Progress::Idle {}
    let spans = collector.spans(exporting).await;
    for name in ["sequence", "publish"] {
        for trace in &traces {
            let batch = one(&spans, trace, name);
            assert_eq!((batch.links.len(), batch.parent.as_str()), (2, ""));
            assert!(
                !traces.contains(&batch.trace),
                "a batch of two has a trace of its own"
            );
        }
    }
}
