//! The signer: what it signs and when, and that it signs nothing on top of a past that was changed.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read its world fails loudly"
)]

use std::sync::Arc;
use std::time::Duration;

use command_api::publisher::{Notary, STRETCH_MAX, Sequencer, Signer, SignerError};
use command_api::publisher::{chain, handover};
use infra::clock::{Clock, TestClock};
use infra::config::{Config, NamedKey, Secret};
use infra::event_store::{EventLog, Mark};
use infra::feed::HeadWatch;
use infra::lifecycle::{Doorbell, Loop as _, Progress};
use infra::postgres::Role;
use infra::testing::TestDatabase;
use sqlx::PgPool;
use tokio::sync::watch;

/// Chains the log anew, as whoever owns the database could.
const RECHAIN: &str = "
    UPDATE es.event_log l SET hash = c.hash FROM (
        SELECT l.position, es.chain(decode(repeat('00', 32), 'hex'), l.position, es.leaf(e))
                           OVER (ORDER BY l.position) AS hash
        FROM es.event_log l JOIN es.events e ON e.id = l.event_row) c
    WHERE c.position = l.position";

struct World {
    database: TestDatabase,
    owner: PgPool,
    clock: TestClock,
    leader: watch::Sender<Option<i64>>,
    notary: Arc<Notary>,
}

fn notary(seed: u8) -> Arc<Notary> {
    let mut settings = Config::read(&|_| Ok(None)).unwrap().checkpoints;
    settings.keys = vec![NamedKey {
        id: "test".to_owned(),
        key: Secret::new([seed; 32]),
    }];
    Arc::new(Notary::new(&settings).unwrap())
}

impl World {
    async fn with_events(count: i64) -> Self {
        let database = TestDatabase::create().await;
        let world = Self {
            owner: database.owner(),
            clock: TestClock::at("2026-11-22T12:00:00Z".parse().unwrap(), 1),
            leader: watch::Sender::new(Some(1)),
            notary: notary(1),
            database,
        };
        world.append(1, count).await;
        world
    }

    /// Appends and numbers the events `from..=to` of one stream.
    async fn append(&self, from: i64, to: i64) {
        sqlx::query(
            "INSERT INTO es.events (aggregate_type, aggregate_id, sequence, event_type,
                                    event_version, payload, metadata, event_id, recorded_at)
             SELECT 'restaurant.restaurant', '01900000-0000-7000-8000-000000000001', n, 'submitted',
                    '1', '{\"type\":\"submitted\"}', '{}', md5(n::text)::uuid, '2026-11-22T12:00:00Z'
             FROM generate_series($1::bigint, $2) AS n",
        )
        .bind(from)
        .bind(to)
        .execute(&self.owner)
        .await
        .unwrap();
        let (leadership, _) = handover(Doorbell::new());
        let (clock, head) = (Clock::system(), HeadWatch::default());
        let mut sequencer = Sequencer::new(self.database.options(), clock, head, leadership);
        while sequencer.step().await.unwrap() != Progress::Idle {}
    }

    fn signer(&self) -> Signer {
        Signer::new(
            self.database.pool(Role::App),
            self.clock.clock(),
            Arc::clone(&self.notary),
            self.leader.subscribe(),
        )
    }

    async fn checkpoints(&self) -> Vec<Mark> {
        let notes: Vec<String> =
            sqlx::query_scalar("SELECT note FROM ops.checkpoints ORDER BY position")
                .fetch_all(&self.owner)
                .await
                .unwrap();
        let read = |note: &String| self.notary.read(note).unwrap();
        notes.iter().map(read).collect()
    }

    /// Changes what is stored, as its owner, past the triggers.
    async fn tamper(&self, statements: &[&str]) {
        let mut tx = self.owner.begin().await.unwrap();
        for sql in ["SET LOCAL session_replication_role = replica"]
            .iter()
            .chain(statements)
        {
            sqlx::query(sql).execute(&mut *tx).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
}

async fn until_idle(signer: &mut Signer) {
    while signer.step().await.unwrap() != Progress::Idle {}
}

#[tokio::test]
async fn each_stretch_and_each_minute_is_signed() {
    let world = World::with_events(STRETCH_MAX + 5).await;
    let mut signer = world.signer();
    until_idle(&mut signer).await;
    let notes = world.checkpoints().await;
    assert_eq!(notes.last().unwrap().position, STRETCH_MAX);

    // Five events wait for their minute; then one note covers them.
    world.clock.advance(Duration::from_secs(59));
    until_idle(&mut signer).await;
    assert_eq!(world.checkpoints().await.len(), 1);
    world.clock.advance(Duration::from_secs(1));
    until_idle(&mut signer).await;
    let notes = world.checkpoints().await;
    assert_eq!(notes.last().unwrap().position, STRETCH_MAX + 5);

    // What is signed is the chain, followed here from its beginning.
    let log = EventLog::new(world.database.pool(Role::App));
    let mut here = Mark::default();
    for event in log.after_position(0, i64::from(u32::MAX)).await.unwrap() {
        here = chain::step(here, &event);
    }
    assert_eq!(notes.last(), Some(&here));

    world.clock.advance(Duration::from_hours(1));
    until_idle(&mut signer).await;
    assert_eq!(world.checkpoints().await.len(), 2, "nothing new, no note");
}

#[tokio::test]
async fn a_standby_signs_nothing_and_the_next_leader_goes_on() {
    let world = World::with_events(3).await;
    let mut signer = world.signer();
    world.leader.send_replace(None);
    until_idle(&mut signer).await;
    assert_eq!(world.checkpoints().await.len(), 0);

    world.leader.send_replace(Some(2));
    until_idle(&mut signer).await;
    world.append(4, 6).await;
    world.clock.advance(Duration::from_mins(1));
    until_idle(&mut world.signer()).await;
    let positions: Vec<i64> = world
        .checkpoints()
        .await
        .iter()
        .map(|note| note.position)
        .collect();
    assert_eq!(positions, [3, 6]);
}

#[tokio::test]
async fn nothing_is_signed_on_top_of_a_changed_past() {
    let edits: [&[&str]; 5] = [
        &["UPDATE es.events SET metadata = '{\"role\":\"ops\"}' WHERE sequence = 2"],
        &[
            "UPDATE es.events SET metadata = '{\"role\":\"ops\"}' WHERE sequence = 2",
            RECHAIN,
        ],
        &["DELETE FROM es.event_log WHERE position = 5"],
        &["DELETE FROM es.events WHERE sequence > 3"],
        &["DELETE FROM es.event_log WHERE position > 2"],
    ];
    for edit in edits {
        let world = World::with_events(3).await;
        let mut signer = world.signer();
        until_idle(&mut signer).await;
        world.append(4, 6).await;
        world.tamper(edit).await;
        world.clock.advance(Duration::from_mins(1));
        let plain_edit_before_the_note = edit.len() == 1 && edit[0].starts_with("UPDATE");
        for mut signer in [signer, world.signer()] {
            let outcome = signer.step().await;
            if plain_edit_before_the_note {
                // Signed already: the checker and every proof find it, the signer looks forward.
                assert!(outcome.is_ok());
            } else {
                let error = outcome.unwrap_err();
                assert!(matches!(error, SignerError::Broken(3)), "{edit:?}: {error}");
            }
        }
        let notes = world.checkpoints().await;
        assert_eq!(notes.len(), if plain_edit_before_the_note { 2 } else { 1 });
    }
}

#[tokio::test]
async fn a_note_of_somebody_else_is_not_continued() {
    let world = World::with_events(3).await;
    until_idle(&mut world.signer()).await;
    let checkpoint = world.checkpoints().await[0];
    let forged = notary(2).sign(&checkpoint).replace('\'', "''");
    world
        .tamper(&[&format!("UPDATE ops.checkpoints SET note = '{forged}'")])
        .await;
    let error = world.signer().step().await.unwrap_err();
    assert!(
        matches!(error, SignerError::Note { position: 3, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn notes_cannot_be_changed_even_by_their_owner() {
    let world = World::with_events(3).await;
    until_idle(&mut world.signer()).await;
    for sql in [
        "UPDATE ops.checkpoints SET note = ''",
        "DELETE FROM ops.checkpoints",
        "TRUNCATE ops.checkpoints",
    ] {
        let error = sqlx::query(sql).execute(&world.owner).await.unwrap_err();
        assert!(error.to_string().contains("append-only"), "{error}");
    }
}
