//! An index made anew beside the one that is served: compared, taken over with what has happened meanwhile,
//! and given back.

use std::path::Path;

use async_trait::async_trait;
use domain::aggregates::AnyEvent;
use domain::restaurant::menu::MenuEvent;
use infra::event_store::EventLog;
use infra::search_schema::{IndexFolder, Versions};
use projector::rebuild::{Compared, ask_for_index};
use projector::{IndexJudge, IndexRebuild, IndexRebuildError, IndexRebuildParts, IndexSwapped};
use serde_json::json;

use crate::feed::record;
use crate::indexed::{Indexed, SHOP, drain, found, indexer, open_shop, served};

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Finds so many things wrong at each of its looks, the last one from then on.
struct Judge(Vec<u64>);

#[async_trait]
impl IndexJudge for Judge {
    async fn compare(&mut self, folder: &Path) -> Result<Compared, Cause> {
        assert!(folder.join("meta.json").exists(), "there is an index");
        let differing = if self.0.len() > 1 {
            self.0.remove(0)
        } else {
            self.0[0]
        };
        Ok(Compared {
            rows: 2,
            differing,
            examples: Vec::new(),
        })
    }
}

fn parts(shop: &Indexed) -> IndexRebuildParts {
    IndexRebuildParts {
        directory: shop.folder.path().join("index"),
        pool: shop.world.pool.clone(),
        log: EventLog::new(shop.world.pool.clone()),
        clock: shop.world.clock.clock(),
    }
}

fn folder(shop: &Indexed) -> IndexFolder {
    IndexFolder::at(&shop.folder.path().join("index"))
}

/// A shop whose events stand in the log as well.
async fn shown() -> Indexed {
    let shop = Indexed::with(open_shop()).await;
    shop.world.plant_all(&open_shop()).await;
    shop
}

/// Runs a rebuild while the indexer works.
async fn rebuild(shop: &mut Indexed, judge: Judge) -> Result<IndexSwapped, IndexRebuildError> {
    let rebuild = IndexRebuild::begin(parts(shop))?;
    let mut judge = judge;
    let mut tell = |_: &_| {};
    let rebuilding = rebuild.run(&mut judge, &mut tell);
    beside(shop, rebuilding).await
}

async fn beside<T>(shop: &mut Indexed, work: impl Future<Output = T>) -> T {
    tokio::pin!(work);
    loop {
        tokio::select! {
            outcome = &mut work => return outcome,
            () = drain(&mut shop.indexer) => tokio::task::yield_now().await,
        }
    }
}

fn switched(available: bool) -> AnyEvent {
    let event = json!({"type": "availability_set", "item": "miso", "available": available});
    serde_json::from_value::<MenuEvent>(event).unwrap().into()
}

#[tokio::test]
async fn a_version_is_made_beside_and_taken_over_and_the_other_kept() {
    let mut shop = shown().await;
    let swapped = rebuild(&mut shop, Judge(vec![0])).await.unwrap();
    let moved = Versions::FIRST.moved_to(2);
    assert_eq!((swapped.versions, swapped.changed), (moved, 0));
    assert_eq!((swapped.documents, swapped.compared), (2, 2));
    assert_eq!(served(&shop.folder), folder(&shop).of(2));
    assert!(folder(&shop).of(1).exists() && folder(&shop).wanted().unwrap().is_none());
    // The indexer goes on in the new one.
    let off = record(&switched(false), SHOP, 2, 4);
    shop.world.plant(&off).await;
    shop.show(vec![off]).await;
    assert_eq!(shop.found("味噌ラーメン"), Vec::<String>::new());

    // The way back brings in what has happened since.
    let back = IndexRebuild::begin(parts(&shop)).unwrap();
    let versions = beside(&mut shop, back.roll_back()).await.unwrap();
    assert_eq!(versions, moved.moved_to(1));
    assert_eq!(served(&shop.folder), folder(&shop).of(1));
    assert_eq!(shop.found("味噌ラーメン"), Vec::<String>::new());
    assert_eq!(shop.found("umi"), [""]);
}

#[tokio::test]
async fn what_changes_until_it_is_taken_over_comes_along() {
    let mut shop = shown().await;
    let built = IndexRebuild::begin(parts(&shop)).unwrap();
    let mut judge = Judge(vec![0]);
    let mut tell = |_: &_| {};
    {
        // Made and wanted, and nobody takes it yet.
        let waiting = built.run(&mut judge, &mut tell);
        let folder = folder(&shop);
        tokio::pin!(waiting);
        while folder.wanted().unwrap().is_none() {
            tokio::select! {
                ended = &mut waiting => panic!("nobody took it: {ended:?}"),
                () = tokio::task::yield_now() => {}
            }
        }
    }
    let off = record(&switched(false), SHOP, 2, 4);
    shop.world.plant(&off).await;
    shop.feed.put(vec![off]);
    crate::world::settle(&mut shop.projector).await.unwrap();
    drain(&mut shop.indexer).await;
    assert_eq!(served(&shop.folder), folder(&shop).of(2));
    assert_eq!(shop.found("味噌ラーメン"), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_wrong_is_not_served_and_what_is_left_over_goes() {
    let mut shop = shown().await;
    let wrong = rebuild(&mut shop, Judge(vec![1])).await;
    assert!(
        matches!(wrong, Err(IndexRebuildError::Differs(_))),
        "{wrong:?}"
    );
    assert_eq!(folder(&shop).versions().unwrap(), Some(Versions::FIRST));
    assert!(
        folder(&shop).of(2).exists(),
        "as one that was killed leaves it"
    );
    let began = IndexRebuild::begin(parts(&shop)).unwrap();
    assert!(!folder(&shop).of(2).exists());
    let second = IndexRebuild::begin(parts(&shop));
    assert!(matches!(second, Err(IndexRebuildError::Busy)));
    let nothing = began.roll_back().await;
    assert!(matches!(nothing, Err(IndexRebuildError::NothingKept)));
    // Once is chance: the views went on while they were compared.
    let mended = rebuild(&mut shop, Judge(vec![1, 0])).await.unwrap();
    assert_eq!(mended.versions.served, 2);
}

#[tokio::test]
async fn it_says_what_it_mends() {
    let mut shop = shown().await;
    // Rows as they should have been all the time.
    shop.world
        .run_as_owner("UPDATE views.restaurants SET name = 'Umi Nishi'")
        .await;
    let swapped = rebuild(&mut shop, Judge(vec![0])).await.unwrap();
    assert_eq!(swapped.changed, 2, "the shop and its dish");
    assert_eq!(shop.found("nishi"), ["", "miso"]);
}

#[tokio::test]
async fn a_version_from_before_the_views_were_changed_is_declined() {
    let mut shop = shown().await;
    rebuild(&mut shop, Judge(vec![0])).await.unwrap();
    shop.projector.follow_revisions().await.unwrap();
    ask_for_index(&shop.world.pool).await.unwrap();
    let (feed, queue) = (shop.feed.clone(), Some(shop.queue.clone()));
    let mut looks = shop.world.projector_with(&feed, queue);
    looks.follow_revisions().await.unwrap();
    drain(&mut shop.indexer).await;
    let back = IndexRebuild::begin(parts(&shop)).unwrap();
    let declined = beside(&mut shop, back.roll_back()).await;
    assert!(
        matches!(declined, Err(IndexRebuildError::Declined(1))),
        "{declined:?}"
    );
    assert_eq!(served(&shop.folder), folder(&shop).of(2));
}

#[tokio::test]
async fn an_indexer_that_died_before_it_took_a_version_over_does_so_when_it_starts() {
    let mut shop = shown().await;
    rebuild(&mut shop, Judge(vec![0])).await.unwrap();
    folder(&shop).want(1).unwrap();
    let Indexed {
        world,
        folder,
        queue,
        indexer: died,
        ..
    } = shop;
    drop(died);
    let mut again = indexer(&world, &folder, &queue).await;
    drain(&mut again).await;
    assert_eq!(
        served(&folder),
        IndexFolder::at(&folder.path().join("index")).of(1)
    );
    assert_eq!(found(&folder, "味噌ラーメン"), ["miso"]);
}
