//! What shops answer to a query's hour and place. Documents of one shop mostly stand together, so the last
//! answer is kept.

use std::sync::Arc;

use domain::kernel::bowl::Style;
use domain::kernel::tax::FulfilmentKind;
use infra::search_schema::{Dimension, Place, ShopFacts, distance_m};
use tantivy::{DocAddress, Searcher};

use super::query::SearchQuery;
use super::shops::{ShopAt, Shops};

/// The answers of one pass over a segment.
pub(super) struct ShopAnswers {
    query: Arc<SearchQuery>,
    searcher: Searcher,
    shops: Arc<Shops>,
    last: Option<(u64, Arc<ShopAnswer>)>,
}

/// What a shop answers.
#[derive(Debug, Default)]
pub(super) struct ShopAnswer {
    at: Option<ShopAt>,
    pub(super) distance_m: Option<u32>,
    /// Within the radius, and delivering there if that is asked.
    pub(super) within: bool,
    pub(super) open: bool,
    /// How long the way to the place takes; none when the shop does not deliver there.
    travel_minutes: Option<u32>,
    /// Codes of the styles that it does not deliver there.
    refused: Vec<u64>,
    pub(super) currency: String,
}

impl ShopAnswers {
    pub(super) fn new(query: Arc<SearchQuery>, searcher: Searcher, shops: Arc<Shops>) -> Self {
        Self {
            query,
            searcher,
            shops,
            last: None,
        }
    }

    /// What the shop of this number answers, whose documents say that it stands at `place`.
    pub(super) fn of(&mut self, number: u64, place: Option<Place>) -> Arc<ShopAnswer> {
        if let Some((last, answer)) = &self.last
            && *last == number
        {
            return Arc::clone(answer);
        }
        let at = self.shops.get(number).cloned();
        let answer = Arc::new(at.map_or_else(ShopAnswer::default, |at| self.ask(at, place)));
        self.last = Some((number, Arc::clone(&answer)));
        answer
    }

    fn ask(&self, at: ShopAt, place: Option<Place>) -> ShopAnswer {
        let query = &self.query;
        let distance = query.near.zip(place).map(|(near, place)| {
            whole_metres(distance_m(Place::new(near.lat(), near.lon()), place))
        });
        let far = |radius: u32| distance.is_none_or(|distance| distance > radius);
        let mut answer = ShopAnswer {
            distance_m: distance,
            within: !query.radius_m.is_some_and(far),
            ..ShopAnswer::default()
        };
        if answer.within
            && let Some(facts) = at.facts(&self.searcher)
        {
            let kind = query.delivers.then_some(FulfilmentKind::Delivery);
            answer.open = at.shop.is_open(facts, query.at, kind);
            let zone = query
                .near
                .and_then(|near| Some((near, facts.zone_of(near)?)));
            answer.travel_minutes = zone.map(|(_, zone)| zone.minutes.get());
            let refused = zone
                .into_iter()
                .flat_map(|(near, zone)| zone.refused_at(near));
            answer.refused = refused.filter_map(code_of).collect();
            answer.currency.clone_from(&facts.currency);
        }
        answer.within &= !query.delivers || answer.travel_minutes.is_some();
        answer.at = Some(at);
        answer
    }

    /// The facts of a shop that has answered.
    pub(super) fn facts<'a>(&self, answer: &'a ShopAnswer) -> Option<&'a ShopFacts> {
        answer.at.as_ref()?.facts(&self.searcher)
    }
}

impl ShopAnswer {
    /// How long the way takes for what has these codes; none when it is not delivered there.
    pub(super) fn travel_minutes(&self, mut codes: impl Iterator<Item = u64>) -> Option<u32> {
        let is_refused = !self.refused.is_empty() && codes.any(|code| self.refused.contains(&code));
        self.travel_minutes.filter(|_| !is_refused)
    }

    /// Whether a document is the shop's own, and no dish.
    pub(super) fn is_itself(&self, address: DocAddress) -> bool {
        self.at.as_ref().is_some_and(|at| at.address == address)
    }
}

fn code_of(style: Style) -> Option<u64> {
    let code = Dimension::Style.code(style.into())?;
    u64::try_from(code).ok()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a distance on the globe is positive and below 20,100 km"
)]
fn whole_metres(distance: f64) -> u32 {
    distance.round() as u32
}
