//! The index says what the views say, follows what changes, and resumes from its payload.

use domain::aggregates::{AnyEvent, Kind};
use domain::restaurant::menu::MenuEvent;
use domain::restaurant::restaurant::RestaurantEvent;
use infra::applied::{Applied, AppliedHub, RemoteApplied};
use infra::feed::{FeedRecord, Origin};
use projector::IndexQueue;
use projector::rebuild::ask_for_index;
use serde_json::json;

use crate::feed::{ListFeed, hash, record};
use crate::indexed::{Indexed, SHOP, drain, found, indexer, open_shop, payload, stock};
use crate::world::{World, samples, settle};

#[tokio::test]
async fn dishes_come_change_and_go_with_the_views() {
    let mut indexed = Indexed::with(open_shop()).await;
    assert_eq!(indexed.found("味噌ラーメン"), ["miso"]);
    assert_eq!(
        indexed.found("umi"),
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
            indexed.found(word),
            ["miso"],
            "by ingredient, option and sound: {word}"
        );
    }

    // Out of egg: the dish stays, for the egg is an option, and no egg is found. Out of noodles: it goes.
    let out = |ingredient: &str| stock(json!({"type": "eighty_sixed", "ingredient": ingredient}));
    indexed.show(vec![record(&out("egg"), SHOP, 1, 4)]).await;
    assert_eq!(indexed.found("味噌ラーメン"), ["miso"]);
    assert_eq!(indexed.found("味玉"), Vec::<String>::new());
    indexed
        .show(vec![record(&out("noodles"), SHOP, 2, 5)])
        .await;
    assert_eq!(indexed.found("味噌ラーメン"), Vec::<String>::new());
    let lift = stock(json!({"type": "eighty_six_lifted", "ingredient": "noodles"}));
    indexed.show(vec![record(&lift, SHOP, 3, 6)]).await;
    assert_eq!(indexed.found("味噌ラーメン"), ["miso"]);

    let suspended = samples(Kind::Restaurant).into_iter().find(|event| {
        matches!(
            event,
            AnyEvent::Restaurant(RestaurantEvent::Suspended { .. })
        )
    });
    indexed
        .show(vec![record(&suspended.unwrap(), SHOP, 3, 7)])
        .await;
    assert_eq!(
        indexed.found("umi"),
        Vec::<String>::new(),
        "a suspended shop is not found"
    );
    let mark = payload(&indexed.folder)
        .checkpoints
        .into_iter()
        .find(|mark| mark.topic == Origin::STORE);
    assert_eq!(mark.unwrap().mark.position, 7);
}

#[tokio::test]
async fn what_is_sold_out_for_an_hour_comes_back_by_the_clock_alone() {
    let mut indexed = Indexed::with(open_shop()).await;
    let until = indexed.world.clock.clock().now() + chrono::TimeDelta::hours(1);
    let out = stock(json!({"type": "eighty_sixed", "ingredient": "noodles", "until": until}));
    indexed.show(vec![record(&out, SHOP, 1, 4)]).await;
    assert_eq!(indexed.found("味噌ラーメン"), Vec::<String>::new());

    // A process that has just begun knows the hour, too.
    let Indexed {
        world,
        folder,
        queue,
        indexer: first,
        ..
    } = indexed;
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
    let mut indexed = Indexed::with(open_shop()).await;
    indexed.projector.follow_revisions().await.unwrap();
    assert_eq!(indexed.found("味噌ラーメン"), ["miso"]);

    // As a rebuild or a redrive leaves it: other rows at the same place of the log.
    indexed
        .world
        .run_as_owner("UPDATE views.restaurants SET stage = 'suspended'")
        .await;
    let revision = ask_for_index(&indexed.world.pool).await.unwrap();
    let mut second = indexed
        .world
        .projector_with(&indexed.feed, Some(indexed.queue.clone()));
    second.follow_revisions().await.unwrap();
    drain(&mut indexed.indexer).await;
    assert_eq!(payload(&indexed.folder).revision, revision);
    assert_eq!(indexed.found("味噌ラーメン"), Vec::<String>::new());
}
