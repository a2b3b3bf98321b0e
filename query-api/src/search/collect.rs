//! One pass over the matching documents: what no term says is worked out, facets are counted, the best are
//! kept.

use std::collections::BinaryHeap;
use std::sync::Arc;

use domain::kernel::flags::Flags;
use infra::search_schema::{Obstacles, Place, STYLES};
use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::Column;
use tantivy::{DocAddress, DocId, Score, Searcher, SegmentOrdinal, SegmentReader};

use super::Position;
use super::answers::{ShopAnswer, ShopAnswers};
use super::facets::Counting;
use super::query::{SearchQuery, Sort};
use super::ranking::{Clock, Signals, StyleClock, clocks};
use super::shops::Shops;

/// Keeps the best hits of a query.
pub(super) struct BestHits {
    pub(super) query: Arc<SearchQuery>,
    pub(super) searcher: Searcher,
    pub(super) shops: Arc<Shops>,
}

/// A hit before its stored fields are read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Candidate {
    pub(super) position: Position,
    pub(super) address: DocAddress,
    pub(super) signals: Signals,
    pub(super) price_minor: i64,
    pub(super) promise_minutes: Option<u32>,
    pub(super) by_choice: bool,
}

impl Eq for Candidate {}

impl Ord for Candidate {
    /// The last is greatest, so that a heap gives it away first.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.position
            .cmp(&other.position)
            .then(self.address.cmp(&other.address))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// What all segments gave together.
#[derive(Clone, Debug)]
pub(super) struct Best {
    pub(super) hits: Vec<Candidate>,
    pub(super) total: usize,
    /// How many of them come behind the page before.
    pub(super) behind: usize,
    pub(super) looked_at: usize,
    pub(super) facets: Counting,
}

/// The same for one segment.
pub(super) struct SegmentBest {
    query: Arc<SearchQuery>,
    answers: ShopAnswers,
    segment: SegmentOrdinal,
    columns: Columns,
    clocks: Vec<Option<StyleClock>>,
    window_minutes: u32,
    heap: BinaryHeap<Candidate>,
    best: Best,
}

struct Columns {
    shop: Column<u64>,
    place: Column<u64>,
    price: Column<i64>,
    prep: Column<u64>,
    popularity: Column<u64>,
    sale: Column<u64>,
    tag_code: Column<u64>,
    obstacles: Column<u64>,
    obstacles_most: Column<u64>,
    key: Column<u64>,
}

impl Columns {
    fn of(reader: &SegmentReader) -> tantivy::Result<Self> {
        let fast = reader.fast_fields();
        let number = |name| fast.u64(name);
        Ok(Self {
            shop: number("shop")?,
            place: number("place")?,
            price: fast.i64("price_minor")?,
            prep: number("prep_minutes")?,
            popularity: number("popularity")?,
            sale: number("sale")?,
            tag_code: number("tag_code")?,
            obstacles: number("obstacles")?,
            obstacles_most: number("obstacles_most")?,
            key: number("key")?,
        })
    }
}

impl Collector for BestHits {
    type Fruit = Best;
    type Child = SegmentBest;

    fn for_segment(
        &self,
        segment: SegmentOrdinal,
        reader: &SegmentReader,
    ) -> tantivy::Result<SegmentBest> {
        let query = Arc::clone(&self.query);
        let shops = Arc::clone(&self.shops);
        Ok(SegmentBest {
            answers: ShopAnswers::new(Arc::clone(&query), self.searcher.clone(), shops),
            query,
            segment,
            columns: Columns::of(reader)?,
            clocks: clocks(),
            window_minutes: Flags::default().promise_window.get(),
            heap: BinaryHeap::with_capacity(self.query.limit + 1),
            best: self.nothing(),
        })
    }

    fn requires_scoring(&self) -> bool {
        !self.query.text.words.is_empty()
    }

    fn merge_fruits(&self, fruits: Vec<Best>) -> tantivy::Result<Best> {
        let mut all = self.nothing();
        for fruit in fruits {
            all.total += fruit.total;
            all.behind += fruit.behind;
            all.looked_at += fruit.looked_at;
            all.hits.extend(fruit.hits);
            all.facets.add(fruit.facets);
        }
        all.hits.sort_unstable();
        all.hits.truncate(self.query.limit);
        Ok(all)
    }
}

impl BestHits {
    fn nothing(&self) -> Best {
        Best {
            hits: Vec::new(),
            total: 0,
            behind: 0,
            looked_at: 0,
            facets: Counting::of(&self.query.facets),
        }
    }
}

impl SegmentCollector for SegmentBest {
    type Fruit = Best;

    fn collect(&mut self, doc: DocId, text_score: Score) {
        self.best.looked_at += 1;
        let price_minor = self.columns.price.first(doc).unwrap_or(0);
        if self.query.price_max.is_some_and(|max| price_minor > max) || !self.can_be_eaten(doc) {
            return;
        }
        let place = self.columns.place.first(doc).map(Place::from_packed);
        let number = self.columns.shop.first(doc).unwrap_or(0);
        let shop = self.answers.of(number, place);
        let open = shop.open && self.is_sold(doc, &shop);
        if !shop.within || self.query.open.is_some_and(|asked| asked != open) {
            return;
        }
        let address = DocAddress::new(self.segment, doc);
        let is_dish = !shop.is_itself(address);
        let is_of_another_currency = |asked: &String| is_dish && *asked != shop.currency;
        if self
            .query
            .currency
            .as_ref()
            .is_some_and(is_of_another_currency)
        {
            return;
        }
        // A shop's own codes are the styles that it is known for, not something to bring.
        let codes = self.columns.tag_code.values_for_doc(doc);
        let travel = shop.travel_minutes(codes.filter(|_| is_dish));
        if self.query.delivers && travel.is_none() {
            return;
        }
        let promise_minutes = self.promise(doc, travel);
        if let Some(max) = self.query.max_minutes
            && promise_minutes.is_none_or(|minutes| minutes > max)
        {
            return;
        }
        self.best.total += 1;
        let codes = self.columns.tag_code.values_for_doc(doc);
        let price = is_dish.then_some((price_minor, shop.currency.as_str()));
        let ways = self.columns.obstacles.values_for_doc(doc);
        let ways = ways.map(Obstacles::from_bits);
        self.best.facets.count(codes, ways, price, open);
        let signals = Signals {
            text: (!self.query.text.words.is_empty()).then_some(text_score),
            distance_m: shop.distance_m,
            clock: if is_dish {
                self.clock(doc, travel)
            } else {
                Clock::Unknown
            },
            open,
            popularity: self.columns.popularity.first(doc).unwrap_or(0),
        };
        let rank = rank(self.query.sort, &signals, price_minor, promise_minutes);
        let key = self.columns.key.first(doc).unwrap_or(0);
        self.keep(Candidate {
            position: Position { rank, key },
            address,
            signals,
            price_minor,
            promise_minutes,
            by_choice: self.is_avoided_by_choice(doc),
        });
    }

    fn harvest(mut self) -> Best {
        self.best.hits = self.heap.into_vec();
        self.best
    }
}

impl SegmentBest {
    fn keep(&mut self, candidate: Candidate) {
        let after = self.query.after;
        if after.is_some_and(|after| !candidate.position.is_behind(after)) {
            return;
        }
        self.best.behind += 1;
        self.heap.push(candidate);
        if self.heap.len() > self.query.limit {
            self.heap.pop();
        }
    }

    /// Whether some choice of options leaves out all that must be avoided.
    fn can_be_eaten(&self, doc: DocId) -> bool {
        let avoid = self.query.avoid;
        avoid == Obstacles::default()
            || self
                .columns
                .obstacles
                .values_for_doc(doc)
                .any(|bits| Obstacles::from_bits(bits).spare(avoid))
    }

    fn is_avoided_by_choice(&self, doc: DocId) -> bool {
        let most = self.columns.obstacles_most.first(doc).unwrap_or(0);
        !Obstacles::from_bits(most).spare(self.query.avoid)
    }

    /// Whether a dish is sold at this hour; one without hours of its own always is.
    fn is_sold(&self, doc: DocId, shop: &ShopAnswer) -> bool {
        let sale = self.columns.sale.first(doc);
        let Some(sale) = sale.and_then(|sale| usize::try_from(sale).ok()) else {
            return true;
        };
        let facts = self.answers.facts(shop);
        facts.is_some_and(|facts| facts.is_sold(sale, self.query.at))
    }

    /// As a quote would say for one dish ordered now: kitchen, way and the width of the window.
    fn promise(&self, doc: DocId, travel: Option<u32>) -> Option<u32> {
        let prep = u32::try_from(self.columns.prep.first(doc)?).ok()?;
        let earliest = prep.saturating_add(travel?);
        Some(earliest.saturating_add(self.window_minutes))
    }

    /// How the way to the place compares with the clock of the dish's style.
    fn clock(&self, doc: DocId, travel: Option<u32>) -> Clock {
        if self.query.near.is_none() {
            return Clock::Unknown;
        }
        let codes = self.columns.tag_code.values_for_doc(doc);
        // The styles are the first dimension: their codes are their places in the list.
        let style = codes
            .filter_map(|code| usize::try_from(code).ok())
            .find(|code| *code < STYLES.len());
        let clock = style.and_then(|code| self.clocks.get(code).copied().flatten());
        clock.map_or(Clock::Unknown, |clock| clock.compare(travel))
    }
}

/// The rank in an order: greater comes first, and what has no value comes last.
fn rank(sort: Sort, signals: &Signals, price_minor: i64, promise_minutes: Option<u32>) -> u64 {
    let least_first = |value: Option<u64>| value.map_or(0, |value| u64::MAX - value);
    match sort {
        // Of numbers that are not negative, the greater has the greater bits.
        Sort::Relevance => signals.score().max(0.0).to_bits().into(),
        Sort::Distance => least_first(signals.distance_m.map(u64::from)),
        Sort::Price => least_first(u64::try_from(price_minor).ok()),
        Sort::Promise => least_first(promise_minutes.map(u64::from)),
    }
}
