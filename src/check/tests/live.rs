//! The checker on a running system: a story followed while it grows, and faults that come while it looks.

use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;

use super::story::story;
use super::world::{Copy, World};
use crate::chaos::{Fault as Broken, Proxy};
use crate::check::live::{Live, Progress};
use crate::check::report::Invariant;
use crate::check::{CheckArgs, LiveArgs};

/// What can be judged while the log grows.
const LIVE: [Invariant; 9] = [
    Invariant::I3,
    Invariant::I4,
    Invariant::I5,
    Invariant::I6,
    Invariant::I8,
    Invariant::I9,
    Invariant::I12,
    Invariant::I16,
    Invariant::Cards,
];

/// Enough rounds for every stream of the world to be sampled.
const LAP: usize = 5;

/// A fault that comes while the checker looks: what it breaks, and the statements that plant it.
struct Fault(Invariant, &'static str);

/// At least two for each invariant.
const FAULTS: &[Fault] = &[
    Fault(
        Invariant::I3,
        r#"SELECT es.plant('payment.payment', es.tid(13),
               '{"type":"captured","amount":{"amount_minor":980,"currency":"JPY"}}')"#,
    ),
    Fault(
        Invariant::I3,
        r#"SELECT es.plant('payment.payment', es.tid(13), json_build_object('type', 'refund_requested',
               'refund', es.tid(99), 'amount', '{"amount_minor":981,"currency":"JPY"}'::json))"#,
    ),
    Fault(
        Invariant::I3,
        r#"SELECT es.plant('payment.payment', es.tid(98), body) FROM (VALUES
               (json_build_object('type', 'requested', 'order', es.tid(12), 'attempt', 1,
                   'amount', '{"amount_minor":980,"currency":"JPY"}'::json)),
               ('{"type":"authorized"}'),
               ('{"type":"captured","amount":{"amount_minor":980,"currency":"JPY"}}')) AS told (body)"#,
    ),
    Fault(
        Invariant::I3,
        r#"SELECT es.plant('payment.payment', es.tid(98), json_build_object('type', 'requested',
               'order', es.tid(12), 'attempt', 2, 'amount', '{"amount_minor":979,"currency":"JPY"}'::json))"#,
    ),
    Fault(
        Invariant::I3,
        r#"SELECT es.plant('payment.payment', es.tid(98), json_build_object('type', 'requested',
               'order', es.tid(97), 'attempt', 1, 'amount', '{"amount_minor":980,"currency":"JPY"}'::json))"#,
    ),
    Fault(
        Invariant::I4,
        r#"SELECT es.plant('restaurant.restaurant', es.tid(2), '{"type":"paused"}');
           UPDATE es.events SET sequence = sequence + 1 WHERE id = (SELECT max(id) FROM es.events)"#,
    ),
    Fault(
        Invariant::I4,
        r#"SELECT es.plant('restaurant.restaurant', es.tid(2), body)
           FROM (VALUES ('{"type":"paused"}'::json), ('{"type":"resumed"}')) AS two (body);
           UPDATE es.event_log SET event_row = -event_row
           WHERE position > (SELECT max(position) - 2 FROM es.event_log);
           UPDATE es.event_log SET event_row =
               (SELECT -sum(event_row) FROM es.event_log WHERE event_row < 0) + event_row
           WHERE event_row < 0"#,
    ),
    Fault(
        Invariant::I5,
        r#"SELECT es.plant('restaurant.restaurant', es.tid(2), '{"type":"paused"}');
           UPDATE es.event_log SET position = position + 1
           WHERE position = (SELECT max(position) FROM es.event_log)"#,
    ),
    Fault(
        Invariant::I5,
        "DELETE FROM es.event_log WHERE position = (SELECT max(position) FROM es.event_log)",
    ),
    Fault(
        Invariant::I5,
        r#"SELECT es.plant('restaurant.restaurant', es.tid(2), '{"type":"paused"}');
           DELETE FROM es.events WHERE id = (SELECT max(id) FROM es.events)"#,
    ),
    Fault(
        Invariant::I5,
        "UPDATE es.sequencer SET position = position + 1",
    ),
    Fault(
        Invariant::I6,
        "UPDATE views.orders SET state = 'cooking' WHERE order_id::text = es.tid(12)",
    ),
    Fault(
        Invariant::I6,
        "DELETE FROM views.payments WHERE payment_id::text = es.tid(13)",
    ),
    Fault(
        Invariant::I6,
        "DELETE FROM views.order_timeline WHERE order_id::text = es.tid(12) AND sequence = 3",
    ),
    Fault(
        Invariant::I8,
        r#"SELECT es.plant('restaurant.inventory', es.tid(2), json_build_object('type', 'hold_opened',
               'hold', es.tid(96), 'number', 8, 'service_date', '2026-11-20',
               'needs', '[{"ingredient":"noodles","amount":999999}]'::json))"#,
    ),
    Fault(
        Invariant::I8,
        r#"SELECT es.plant('restaurant.inventory', es.tid(2),
               '{"type":"recounted","ingredient":"egg","counted":10,"shortfall":5}')"#,
    ),
    Fault(
        Invariant::I8,
        "UPDATE views.stock SET ingredients = jsonb_set(ingredients::jsonb, '{noodles,free}', '1')::json",
    ),
    Fault(
        Invariant::I9,
        r#"SELECT es.plant('restaurant.promotion', es.tid(7), format(
               '{"type":"redeemed","order":"%s","customer":"%s","restaurant":"%s",
                 "discount":{"amount_minor":9,"currency":"JPY"},"at":"2026-11-20T12:00:00Z"}',
               es.tid(order_id), es.tid(order_id + 3), es.tid(2))::json, '{}')
           FROM (VALUES (32), (42)) AS more (order_id)"#,
    ),
    Fault(
        Invariant::I9,
        r#"SELECT es.plant('restaurant.promotion', es.tid(7), format(
               '{"type":"redemption_released","order":"%s","customer":"%s","at":"2026-11-20T12:00:00Z"}',
               es.tid(32), es.tid(35))::json, '{}')"#,
    ),
    Fault(
        Invariant::I12,
        r#"SELECT es.plant('ordering.order', es.tid(12), '{"type":"accepted"}')"#,
    ),
    Fault(
        Invariant::I12,
        "SELECT es.plant('restaurant.inventory', es.tid(2),
             json_build_object('type', 'hold_released', 'hold', es.tid(32)))",
    ),
    Fault(
        Invariant::I16,
        r#"SELECT es.plant('restaurant.restaurant', es.tid(2), '{"type":"paused"}');
           UPDATE es.events SET metadata = '{"role":"ops"}' WHERE id = (SELECT max(id) FROM es.events)"#,
    ),
    Fault(
        Invariant::I16,
        "UPDATE es.event_log SET hash = sha256('forged')
         WHERE position = (SELECT max(position) FROM es.event_log)",
    ),
    Fault(
        Invariant::I16,
        r#"SELECT es.plant('restaurant.restaurant', es.tid(2), '{"type":"paused"}');
           INSERT INTO ops.checkpoints
           SELECT (jsonb_populate_record(c, jsonb_build_object('position',
                      (SELECT position FROM es.sequencer)))).*
           FROM ops.checkpoints c ORDER BY c.position DESC LIMIT 1"#,
    ),
    Fault(
        Invariant::Cards,
        r#"SELECT es.plant('restaurant.restaurant', es.tid(2),
               '{"type":"profile_updated","name":"4242 4242 4242 4242"}')"#,
    ),
    Fault(
        Invariant::Cards,
        "UPDATE views.restaurants SET address_text = 'ask for 378282246310005'",
    ),
];

/// Reads all that there is, and looks at every row.
async fn follow(live: &mut Live) {
    for _ in 0..LAP {
        while live.advance().await.unwrap() == Progress::More {}
    }
}

async fn level(args: &CheckArgs) -> Live {
    let mut live = Live::begin(args).await.unwrap();
    follow(&mut live).await;
    live
}

#[tokio::test]
async fn a_story_is_followed_while_it_grows_and_its_rows_when_they_have_caught_up() {
    let world = World::begin().await;
    let mut live = level(&world.args()).await;
    for (nth, told) in story().chunks(7).enumerate() {
        world.tell(told).await;
        follow(&mut live).await;
        if nth % 3 == 0 {
            world.project().await;
            follow(&mut live).await;
        }
    }
    world.sign().await;
    follow(&mut live).await;
    let progress = live.line();
    let verdict = live.end();
    assert!(verdict.is_clean(), "{verdict}");
    for invariant in LIVE {
        assert!(
            verdict.count_checked(invariant) > 0,
            "{invariant} looked at nothing"
        );
    }
    assert!(
        progress.contains(&format!("position {}", story().len())),
        "{progress}"
    );
}

#[tokio::test]
async fn what_it_has_not_seen_from_the_beginning_it_reads_when_it_moves() {
    let world = World::begin().await;
    let story = story();
    let (before, after) = story.split_at(story.len() / 2);
    world.tell(before).await;
    let args = CheckArgs {
        live: LiveArgs {
            after: i64::try_from(before.len()).unwrap(),
            ..LiveArgs::default()
        },
        ..world.args()
    };
    let mut live = level(&args).await;
    world.tell(after).await;
    world.project().await;
    follow(&mut live).await;
    let verdict = live.end();
    assert!(verdict.is_clean(), "{verdict}");
    assert!(verdict.count_checked(Invariant::I6) > 0, "{verdict}");
}

#[tokio::test]
async fn a_database_that_goes_away_is_waited_for() {
    let world = World::build().await;
    let copy = world.copy().await;
    let mut live = level(&copy.args()).await;
    copy.plant(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .await;
    assert_eq!(live.advance().await.unwrap(), Progress::Idle);
    let news = live.news().unwrap();
    assert!(news.starts_with("waits for Postgres"), "{news}");
    follow(&mut live).await;
    assert_eq!(live.news().as_deref(), Some("Postgres is back"));
    let verdict = live.end();
    assert!(verdict.is_clean(), "{verdict}");
    world.end().await;
}

#[tokio::test]
async fn a_database_that_says_nothing_is_given_up_and_waited_for() {
    let world = World::build().await;
    let copy = world.copy().await;
    let options: PgConnectOptions = copy.args().database_url.parse().unwrap();
    let to = (options.get_host().to_owned(), options.get_port());
    let to = tokio::net::lookup_host(to).await.unwrap().next().unwrap();
    let proxy = Proxy::start("127.0.0.1:0".parse().unwrap(), to, 1)
        .await
        .unwrap();
    let near = options.host("127.0.0.1").port(proxy.address().port());
    let args = CheckArgs {
        database_url: near.to_url_lossy().to_string(),
        ..copy.args()
    };
    let mut live = level(&args).await;
    let patience = std::mem::replace(&mut live.patience, Duration::from_millis(50));
    proxy.set(Broken::BlackHole);
    assert_eq!(live.advance().await.unwrap(), Progress::Idle);
    let news = live.news();
    assert_eq!(
        news.as_deref(),
        Some("waits for Postgres: it does not answer")
    );
    assert_eq!(live.advance().await.unwrap(), Progress::Idle);
    assert_eq!(live.news(), None, "said once");
    live.patience = patience;
    proxy.set(Broken::None);
    follow(&mut live).await;
    assert_eq!(live.news().as_deref(), Some("Postgres is back"));
    let verdict = live.end();
    assert!(verdict.is_clean(), "{verdict}");
    world.end().await;
}

#[tokio::test]
async fn faults_that_come_while_it_looks_are_found_and_told_at_once() {
    let world = World::build().await;
    let mut missed = Vec::new();
    for Fault(of, sql) in FAULTS {
        let copy = world.copy().await;
        let mut live = level(&copy.args()).await;
        assert_eq!(live.untold(), Vec::new());
        copy.plant(sql).await;
        follow(&mut live).await;
        let told = live.untold();
        if !told.iter().any(|(invariant, _)| invariant == of) {
            missed.push(format!("{of}: {sql}\n{told:?}"));
        }
    }
    for invariant in LIVE {
        let count = FAULTS
            .iter()
            .filter(|Fault(of, _)| *of == invariant)
            .count();
        assert!(count >= 2, "{invariant} has {count} faults");
    }
    world.end().await;
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[tokio::test]
async fn an_event_that_is_passed_over_is_found_when_the_log_has_gone_on_for_long() {
    let world = World::build().await;
    let copy = world.copy().await;
    let mut live = level(&copy.args()).await;
    copy.plant(
        "INSERT INTO es.events (aggregate_type, aggregate_id, sequence, event_type, event_version,
                                payload, metadata, event_id, recorded_at)
         SELECT aggregate_type, es.tid(990), 1, event_type, event_version, payload, metadata,
                es.tid(990)::uuid, recorded_at
         FROM es.events WHERE id = 1",
    )
    .await;
    goes_on(&copy, &mut live, 39).await;
    assert_eq!(live.untold(), Vec::new());
    goes_on(&copy, &mut live, 1).await;
    let told = live.untold();
    assert!(matches!(told.as_slice(), [(Invariant::I5, _)]), "{told:?}");
    world.end().await;
}

/// Lets the log grow so often.
async fn goes_on(copy: &Copy, live: &mut Live, times: usize) {
    for _ in 0..times {
        copy.plant(
            r#"SELECT es.plant('restaurant.inventory', es.tid(2),
                   '{"type":"received","ingredient":"egg","amount":1}')"#,
        )
        .await;
        assert_eq!(live.advance().await.unwrap(), Progress::Idle);
    }
}
