//! The index says what the views say, follows what changes, and resumes from its payload.

use domain::aggregates::{AnyEvent, Kind};
use domain::restaurant::inventory::InventoryEvent;
use domain::restaurant::menu::MenuEvent;
use domain::restaurant::restaurant::RestaurantEvent;
use infra::applied::{Applied, AppliedHub, RemoteApplied};
use infra::feed::{FeedRecord, Origin};
use infra::lifecycle::Progress;
use infra::search_schema::{CommitPayload, Display, fold, query_words, register, schema};
use projector::rebuild::ask_for_index;
use projector::{Announce, IndexQueue, IndexerParts, SearchIndexer};
use tantivy::collector::DocSetCollector;
use tantivy::query::{BooleanQuery, Query};
use tantivy::schema::Value as _;
use tantivy::{Index, TantivyDocument, Term};
use uuid::Uuid;

use crate::feed::{ListFeed, hash, record};
use crate::world::{World, samples, settle};

const SHOP: Uuid = Uuid::from_u128(77);

/// A live shop with the sample menu.
fn open_shop() -> Vec<FeedRecord> {
    let shop = samples(Kind::Restaurant);
    let named = |name: &str| shop.iter().find(|event| event.name() == name).unwrap();
    let menu = samples(Kind::Menu);
    vec![
        record(named("registered"), SHOP, 1, 1),
        record(named("approved"), SHOP, 2, 2),
        record(&menu[0], SHOP, 1, 3),
    ]
}

async fn indexer(world: &World, folder: &tempfile::TempDir, queue: &IndexQueue) -> SearchIndexer {
    SearchIndexer::open(IndexerParts {
        directory: folder.path().join("index"),
        pool: world.pool.clone(),
        queue: queue.clone(),
        hub: world.hub.clone(),
        announce: Announce::Everywhere,
        clock: world.clock.clock(),
    })
    .await
    .unwrap()
}

async fn drain(indexer: &mut SearchIndexer) {
    while indexer.advance().await.unwrap() != Progress::Idle {}
}

/// The dishes in which all words are found, by key; a shop itself is the empty key.
fn found(folder: &tempfile::TempDir, word: &str) -> Vec<String> {
    let index = Index::open_in_dir(folder.path().join("index")).unwrap();
    register(&index);
    let (_, fields) = schema();
    let searcher = index.reader().unwrap().searcher();
    let either = |term: &String| -> Box<dyn Query> {
        let fields = [fields.name, fields.text];
        Box::new(BooleanQuery::new_multiterms_query(
            fields
                .map(|field| Term::from_field_text(field, term))
                .to_vec(),
        ))
    };
    let words = query_words(&fold(word)).into_iter().map(|word| {
        let forms = word.forms.iter();
        let forms = forms.map(|form| -> Box<dyn Query> {
            Box::new(BooleanQuery::intersection(
                form.iter().map(either).collect(),
            ))
        });
        let any: Box<dyn Query> = Box::new(BooleanQuery::union(forms.collect()));
        any
    });
    let query = BooleanQuery::intersection(words.collect());
    let mut keys: Vec<String> = Vec::new();
    for address in searcher.search(&query, &DocSetCollector).unwrap() {
        let document: TantivyDocument = searcher.doc(address).unwrap();
        let bytes = document.get_first(fields.display).unwrap();
        let display: Display = serde_json::from_slice(bytes.as_bytes().unwrap()).unwrap();
        keys.push(display.item.unwrap_or_default());
    }
    keys.sort();
    keys
}

fn payload(folder: &tempfile::TempDir) -> CommitPayload {
    let index = Index::open_in_dir(folder.path().join("index")).unwrap();
    serde_json::from_str(&index.load_metas().unwrap().payload.unwrap()).unwrap()
}

#[tokio::test]
async fn dishes_come_change_and_go_with_the_views() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let queue = IndexQueue::default();
    let mut indexer = indexer(&world, &folder, &queue).await;
    let feed = ListFeed::default();
    let mut projector = world.projector_with(&feed, Some(queue.clone()));
    drain(&mut indexer).await;
    feed.put(open_shop());
    settle(&mut projector).await.unwrap();
    drain(&mut indexer).await;
    assert_eq!(found(&folder, "味噌ラーメン"), ["miso"]);
    assert_eq!(
        found(&folder, "umi"),
        ["", "miso"],
        "the shop's name finds shop and dish"
    );

    for word in [
        "麺",
        "noodles",
        "味玉",
        "ajitama",
        "misoramen",
        "みそらーめん",
    ] {
        assert_eq!(
            found(&folder, word),
            ["miso"],
            "by ingredient, option and sound: {word}"
        );
    }

    // Out of egg: the dish stays, for the egg is an option, and no egg is found. Out of noodles: it goes.
    let out = |ingredient: &str| {
        let text = format!(r#"{{"type": "eighty_sixed", "ingredient": "{ingredient}"}}"#);
        AnyEvent::from(serde_json::from_str::<InventoryEvent>(&text).unwrap())
    };
    feed.put(vec![record(&out("egg"), SHOP, 1, 4)]);
    settle(&mut projector).await.unwrap();
    drain(&mut indexer).await;
    assert_eq!(found(&folder, "味噌ラーメン"), ["miso"]);
    assert_eq!(found(&folder, "味玉"), Vec::<String>::new());
    feed.put(vec![record(&out("noodles"), SHOP, 2, 5)]);
    settle(&mut projector).await.unwrap();
    drain(&mut indexer).await;
    assert_eq!(found(&folder, "味噌ラーメン"), Vec::<String>::new());
    let lift = serde_json::from_str::<InventoryEvent>(
        r#"{"type": "eighty_six_lifted", "ingredient": "noodles"}"#,
    );
    feed.put(vec![record(&lift.unwrap().into(), SHOP, 3, 6)]);
    settle(&mut projector).await.unwrap();
    drain(&mut indexer).await;
    assert_eq!(found(&folder, "味噌ラーメン"), ["miso"]);

    let suspended = samples(Kind::Restaurant).into_iter().find(|event| {
        matches!(
            event,
            AnyEvent::Restaurant(RestaurantEvent::Suspended { .. })
        )
    });
    feed.put(vec![record(&suspended.unwrap(), SHOP, 3, 7)]);
    settle(&mut projector).await.unwrap();
    drain(&mut indexer).await;
    assert_eq!(
        found(&folder, "umi"),
        Vec::<String>::new(),
        "a suspended shop is not found"
    );
    let mark = payload(&folder)
        .checkpoints
        .into_iter()
        .find(|mark| mark.topic == Origin::STORE);
    assert_eq!(mark.unwrap().mark.position, 7);
}

#[tokio::test]
async fn what_is_sold_out_for_an_hour_comes_back_by_the_clock_alone() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let queue = IndexQueue::default();
    let mut first = indexer(&world, &folder, &queue).await;
    let feed = ListFeed::default();
    let mut projector = world.projector_with(&feed, Some(queue.clone()));
    drain(&mut first).await;
    feed.put(open_shop());
    settle(&mut projector).await.unwrap();
    drain(&mut first).await;
    let until = world.clock.clock().now() + chrono::TimeDelta::hours(1);
    let out = serde_json::json!({"type": "eighty_sixed", "ingredient": "noodles", "until": until});
    let out = serde_json::from_value::<InventoryEvent>(out).unwrap();
    feed.put(vec![record(&out.into(), SHOP, 1, 4)]);
    settle(&mut projector).await.unwrap();
    drain(&mut first).await;
    assert_eq!(found(&folder, "味噌ラーメン"), Vec::<String>::new());

    // A process that has just begun knows the hour, too.
    drop(first);
    let mut again = indexer(&world, &folder, &queue).await;
    world.clock.advance(std::time::Duration::from_mins(59));
    drain(&mut again).await;
    assert_eq!(found(&folder, "味噌ラーメン"), Vec::<String>::new());
    world.clock.advance(std::time::Duration::from_mins(1));
    drain(&mut again).await;
    assert_eq!(found(&folder, "味噌ラーメン"), ["miso"]);
}

#[tokio::test]
async fn an_index_that_fell_behind_resumes_from_its_payload() {
    let world = World::new().await;
    for record in open_shop() {
        world.plant(&record).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let feed = ListFeed::default();
    {
        let queue = IndexQueue::default();
        let mut indexer = indexer(&world, &folder, &queue).await;
        let mut projector = world.projector_with(&feed, Some(queue));
        feed.put(open_shop());
        drain(&mut indexer).await;
        settle(&mut projector).await.unwrap();
        drain(&mut indexer).await;
        // Applied by the views, and then the process dies before the index has it.
        let dearer = MenuEvent::AvailabilitySet {
            item: "miso".parse().unwrap(),
            available: false,
        };
        feed.put(vec![record(&dearer.clone().into(), SHOP, 2, 4)]);
        settle(&mut projector).await.unwrap();
    }
    assert_eq!(found(&folder, "味噌ラーメン"), ["miso"]);
    let queue = IndexQueue::default();
    let mut indexer = indexer(&world, &folder, &queue).await;
    let again = ListFeed::default();
    let mut projector = world.projector_with(&again, Some(queue));
    let off = MenuEvent::AvailabilitySet {
        item: "miso".parse().unwrap(),
        available: false,
    };
    again.put(vec![record(&off.into(), SHOP, 2, 4)]);
    settle(&mut projector).await.unwrap();
    assert_eq!(
        again.started()[0][&Origin::store()].position,
        3,
        "the feed reaches back to the payload"
    );
    drain(&mut indexer).await;
    assert_eq!(found(&folder, "味噌ラーメン"), Vec::<String>::new());
}

#[tokio::test]
async fn a_lost_index_is_built_from_the_views() {
    let world = World::new().await;
    world.project(vec![open_shop()]).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut indexer = indexer(&world, &folder, &IndexQueue::default()).await;
    drain(&mut indexer).await;
    assert_eq!(found(&folder, "味噌ラーメン"), ["miso"]);
    assert_eq!(payload(&folder).checkpoints[0].mark.position, 3);
}

#[tokio::test]
async fn an_index_that_was_built_or_opened_again_is_told_to_everybody() {
    let world = World::new().await;
    for record in open_shop() {
        world.plant(&record).await;
    }
    world.project(vec![open_shop()]).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = AppliedHub::new();
    let (mut there, mut here) = (elsewhere.subscribe(), world.hub.subscribe());
    let mut remote = RemoteApplied::connect(&world.pool, elsewhere)
        .await
        .unwrap();
    assert_eq!(
        there.try_next(),
        Some(Applied::Unknown),
        "it listens from now on"
    );
    drain(&mut indexer(&world, &folder, &IndexQueue::default()).await).await;
    remote.step().await.unwrap();
    assert_eq!(
        there.try_next(),
        Some(Applied::Unknown),
        "an index was built"
    );
    assert_eq!(here.try_next(), Some(Applied::Unknown));

    // Opened again after a restart, with an event that the views have and the index has not.
    let queue = IndexQueue::default();
    let mut reopened = indexer(&world, &folder, &queue).await;
    let feed = ListFeed::default();
    let mut projector = world.projector_with(&feed, Some(queue));
    feed.put(open_shop());
    settle(&mut projector).await.unwrap();
    drain(&mut reopened).await;
    let covers_menu = |applied: Option<Applied>| {
        let Some(Applied::Index(streams)) = applied else {
            panic!("{applied:?}")
        };
        streams
            .iter()
            .any(|stream| (stream.kind, stream.sequence) == (Kind::Menu, 1))
    };
    remote.step().await.unwrap();
    assert!(covers_menu(there.try_next()));
    while let Some(applied) = here.try_next() {
        if matches!(applied, Applied::Index(_)) {
            assert!(covers_menu(Some(applied)));
            return;
        }
    }
    panic!("nothing said here");
}

#[tokio::test]
async fn an_index_of_another_history_is_built_anew_from_the_views() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    {
        // A shop that was never opened in the history to come.
        let queue = IndexQueue::default();
        let mut indexer = indexer(&world, &folder, &queue).await;
        let feed = ListFeed::default();
        let mut projector = world.projector_with(&feed, Some(queue));
        drain(&mut indexer).await;
        feed.put(open_shop());
        settle(&mut projector).await.unwrap();
        drain(&mut indexer).await;
        assert_eq!(found(&folder, "umi"), ["", "miso"]);
    }
    // Events and views are restored, the folder of the index is not.
    world.clear().await;
    for record in open_shop() {
        world
            .plant(&FeedRecord {
                hash: hash(record.position + 1_000),
                ..record
            })
            .await;
    }
    let queue = IndexQueue::default();
    let mut indexer = indexer(&world, &folder, &queue).await;
    let mut projector = world.projector_with(&ListFeed::default(), Some(queue));
    settle(&mut projector).await.unwrap();
    drain(&mut indexer).await;
    assert_eq!(found(&folder, "umi"), Vec::<String>::new());
    assert!(
        world.readiness.closed().is_empty(),
        "nobody need do anything"
    );
}

#[tokio::test]
async fn rows_changed_by_anything_but_the_feed_are_indexed_anew() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let queue = IndexQueue::default();
    let mut indexer = indexer(&world, &folder, &queue).await;
    let feed = ListFeed::default();
    let mut projector = world.projector_with(&feed, Some(queue.clone()));
    drain(&mut indexer).await;
    feed.put(open_shop());
    settle(&mut projector).await.unwrap();
    drain(&mut indexer).await;
    projector.follow_revisions().await.unwrap();
    assert_eq!(found(&folder, "味噌ラーメン"), ["miso"]);

    // As a rebuild or a redrive leaves it: other rows at the same place of the log.
    world
        .run_as_owner("UPDATE views.restaurants SET stage = 'suspended'")
        .await;
    let revision = ask_for_index(&world.pool).await.unwrap();
    let mut second = world.projector_with(&feed, Some(queue.clone()));
    second.follow_revisions().await.unwrap();
    drain(&mut indexer).await;
    assert_eq!(payload(&folder).revision, revision);
    assert_eq!(found(&folder, "味噌ラーメン"), Vec::<String>::new());
}
