//! One pass over the matching documents: exact distance and price, facet counts, the best hits.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use infra::search_schema::{Place, STYLES, distance_m};
use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::Column;
use tantivy::{DocAddress, DocId, Score, SegmentOrdinal, SegmentReader};

use super::query::Near;

/// At this distance a hit's score is halved.
const HALVING_M: f64 = 3_000.0;

/// What is kept of the matching documents.
pub(super) struct BestHits {
    pub(super) near: Option<Near>,
    pub(super) price_max: Option<i64>,
    /// Hits kept: those of the page and of the pages before it.
    pub(super) keep: usize,
    /// Whether the words' score counts; without words the order is by nearness and popularity.
    pub(super) by_text: bool,
}

/// A hit before its stored fields are read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Candidate {
    pub(super) score: f32,
    pub(super) address: DocAddress,
    pub(super) distance_m: Option<u32>,
    pub(super) price_minor: i64,
    pub(super) popularity: u64,
}

impl Eq for Candidate {}

impl Ord for Candidate {
    /// The worst is greatest, so that a heap gives it away first; equal scores keep the order of the index.
    fn cmp(&self, other: &Self) -> Ordering {
        other
            .score
            .total_cmp(&self.score)
            .then(self.address.cmp(&other.address))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What all segments gave together.
#[derive(Clone, Debug, Default)]
pub(super) struct Best {
    pub(super) hits: Vec<Candidate>,
    pub(super) total: usize,
    pub(super) styles: Vec<u64>,
}

/// The same for one segment.
pub(super) struct SegmentBest {
    segment: SegmentOrdinal,
    place: Column<u64>,
    price: Column<i64>,
    popularity: Column<u64>,
    style_code: Column<u64>,
    near: Option<(Place, f64)>,
    price_max: Option<i64>,
    keep: usize,
    by_text: bool,
    heap: BinaryHeap<Candidate>,
    total: usize,
    styles: Vec<u64>,
}

impl Collector for BestHits {
    type Fruit = Best;
    type Child = SegmentBest;

    fn for_segment(
        &self,
        segment: SegmentOrdinal,
        reader: &SegmentReader,
    ) -> tantivy::Result<SegmentBest> {
        let fast = reader.fast_fields();
        Ok(SegmentBest {
            segment,
            place: fast.u64("place")?,
            price: fast.i64("price_minor")?,
            popularity: fast.u64("popularity")?,
            style_code: fast.u64("style_code")?,
            near: self
                .near
                .map(|near| (Place::new(near.lat, near.lon), f64::from(near.radius_m))),
            price_max: self.price_max,
            keep: self.keep,
            by_text: self.by_text,
            heap: BinaryHeap::with_capacity(self.keep + 1),
            total: 0,
            styles: vec![0; STYLES.len()],
        })
    }

    fn requires_scoring(&self) -> bool {
        self.by_text
    }

    fn merge_fruits(&self, fruits: Vec<Best>) -> tantivy::Result<Best> {
        let mut all = Best {
            styles: vec![0; STYLES.len()],
            ..Best::default()
        };
        for fruit in fruits {
            all.total += fruit.total;
            all.hits.extend(fruit.hits);
            for (sum, count) in all.styles.iter_mut().zip(fruit.styles) {
                *sum += count;
            }
        }
        all.hits.sort_unstable();
        all.hits.truncate(self.keep);
        Ok(all)
    }
}

impl SegmentCollector for SegmentBest {
    type Fruit = Best;

    fn collect(&mut self, doc: DocId, text_score: Score) {
        let price_minor = self.price.first(doc).unwrap_or(0);
        if self.price_max.is_some_and(|max| price_minor > max) {
            return;
        }
        let distance = self.near.map(|(centre, radius)| {
            let place = self.place.first(doc).map_or(centre, Place::from_packed);
            (distance_m(centre, place), radius)
        });
        if distance.is_some_and(|(distance, radius)| distance > radius) {
            return;
        }
        self.total += 1;
        for code in self.style_code.values_for_doc(doc) {
            if let Some(count) = usize::try_from(code)
                .ok()
                .and_then(|at| self.styles.get_mut(at))
            {
                *count += 1;
            }
        }
        let popularity = self.popularity.first(doc).unwrap_or(0);
        let distance = distance.map(|(distance, _)| distance);
        let text = if self.by_text { text_score } else { 1.0 };
        self.heap.push(Candidate {
            score: score(text, distance, popularity),
            address: DocAddress::new(self.segment, doc),
            distance_m: distance.map(whole_metres),
            price_minor,
            popularity,
        });
        if self.heap.len() > self.keep {
            self.heap.pop();
        }
    }

    fn harvest(self) -> Best {
        Best {
            hits: self.heap.into_vec(),
            total: self.total,
            styles: self.styles,
        }
    }
}

/// Words first, halved every three kilometres, up to a fifth more for popularity.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a score orders hits; its last digits say nothing"
)]
fn score(text: f32, distance_m: Option<f64>, popularity: u64) -> f32 {
    let nearness = distance_m.map_or(1.0, |distance| 1.0 / (1.0 + distance / HALVING_M));
    let liked = popularity as f64 / (popularity as f64 + 100.0);
    text * (nearness * (1.0 + 0.2 * liked)) as f32
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a distance on the globe is positive and below 20,100 km"
)]
fn whole_metres(distance: f64) -> u32 {
    distance.round() as u32
}
