//! Views with an index of them: what is fed is seen in both, and searched as a reader would.

use domain::aggregates::{AnyEvent, Kind};
use domain::restaurant::inventory::InventoryEvent;
use infra::feed::FeedRecord;
use infra::lifecycle::Progress;
use infra::search_schema::{
    CommitPayload, Display, IndexFolder, fold, query_words, register, schema,
};
use projector::{Announce, IndexQueue, IndexerParts, Projector, SearchIndexer};
use serde_json::Value;
use tantivy::collector::DocSetCollector;
use tantivy::query::{BooleanQuery, Query};
use tantivy::schema::Value as _;
use tantivy::{Index, TantivyDocument, Term};
use uuid::Uuid;

use crate::feed::{ListFeed, record};
use crate::world::{World, samples, settle};

pub(crate) const SHOP: Uuid = Uuid::from_u128(77);

/// A live shop with the sample menu.
pub(crate) fn open_shop() -> Vec<FeedRecord> {
    let menu = samples(Kind::Menu);
    open_shop_with(&menu[0])
}

/// A live shop with a menu, in the first three positions.
pub(crate) fn open_shop_with(menu: &AnyEvent) -> Vec<FeedRecord> {
    let shop = samples(Kind::Restaurant);
    let named = |name: &str| shop.iter().find(|event| event.name() == name).unwrap();
    vec![
        record(named("registered"), SHOP, 1, 1),
        record(named("approved"), SHOP, 2, 2),
        record(menu, SHOP, 1, 3),
    ]
}

/// An event of the shop's stock.
pub(crate) fn stock(event: Value) -> AnyEvent {
    serde_json::from_value::<InventoryEvent>(event)
        .unwrap()
        .into()
}

/// An indexer over the views of a world, with its index in `folder`.
pub(crate) async fn indexer(
    world: &World,
    folder: &tempfile::TempDir,
    queue: &IndexQueue,
) -> SearchIndexer {
    SearchIndexer::open(IndexerParts {
        directory: folder.path().join("index"),
        pool: world.pool.clone(),
        log: infra::event_store::EventLog::new(world.pool.clone()),
        queue: queue.clone(),
        hub: world.hub.clone(),
        announce: Announce::Everywhere,
        clock: world.clock.clock(),
    })
    .await
    .unwrap()
}

pub(crate) async fn drain(indexer: &mut SearchIndexer) {
    while indexer.advance().await.unwrap() != Progress::Idle {}
}

/// A world with a projector and an indexer.
pub(crate) struct Indexed {
    pub(crate) world: World,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) queue: IndexQueue,
    pub(crate) indexer: SearchIndexer,
    pub(crate) feed: ListFeed,
    pub(crate) projector: Projector,
}

impl Indexed {
    /// Nothing in it yet.
    pub(crate) async fn new() -> Self {
        let world = World::new().await;
        let folder = tempfile::tempdir().unwrap();
        let queue = IndexQueue::default();
        let mut indexer = indexer(&world, &folder, &queue).await;
        let feed = ListFeed::default();
        let projector = world.projector_with(&feed, Some(queue.clone()));
        drain(&mut indexer).await;
        Self {
            world,
            folder,
            queue,
            indexer,
            feed,
            projector,
        }
    }

    /// With these events in views and index.
    pub(crate) async fn with(records: Vec<FeedRecord>) -> Self {
        let mut indexed = Self::new().await;
        indexed.show(records).await;
        indexed
    }

    /// Brings a batch into the views, and then into the index.
    pub(crate) async fn show(&mut self, batch: Vec<FeedRecord>) {
        self.feed.put(batch);
        settle(&mut self.projector).await.unwrap();
        drain(&mut self.indexer).await;
    }

    pub(crate) fn found(&self, word: &str) -> Vec<String> {
        found(&self.folder, word)
    }
}

/// The folder that is searched.
pub(crate) fn served(folder: &tempfile::TempDir) -> std::path::PathBuf {
    let index = IndexFolder::at(&folder.path().join("index"));
    index.served().unwrap().unwrap()
}

/// The dishes in which all words are found, by key; a shop itself is the empty key.
pub(crate) fn found(folder: &tempfile::TempDir, word: &str) -> Vec<String> {
    let index = Index::open_in_dir(served(folder)).unwrap();
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

/// What the last commit says of itself.
pub(crate) fn payload(folder: &tempfile::TempDir) -> CommitPayload {
    let index = Index::open_in_dir(served(folder)).unwrap();
    serde_json::from_str(&index.load_metas().unwrap().payload.unwrap()).unwrap()
}
