//! Every stream from its first event to its last, one after another: numbering (I4), steps (I12), rows
//! (I6), stock (I8), promotions (I9), payments (I3), card numbers. Memory holds one stream's folds and the facts.

use std::collections::HashMap;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::bills::BillWalk;
use super::cards;
use super::facts::{DeliveryFacts, Facts, OrderFacts};
use super::money::PaymentFacts;
use super::promotions::PromotionWalk;
use super::report::{Invariant, Report};
use super::steps::Walk;
use super::stock::StockWalk;
use super::store::{Event, STORED_COLUMNS, Store, Stored};
use super::views::{Comparison, Row, VIEWS, View};

/// Requests of one stream that are remembered while it is followed.
const REQUESTS_KEPT: usize = 1_000;

/// Reads all streams.
///
/// # Errors
/// When a database fails.
pub(super) async fn check(
    store: &mut Store,
    comparison: &mut Comparison,
    report: &mut Report,
) -> anyhow::Result<Facts> {
    let query = format!(
        "SELECT {STORED_COLUMNS}, l.position
         FROM es.events e LEFT JOIN es.event_log l ON l.event_row = e.id
         ORDER BY e.aggregate_type, e.aggregate_id, e.sequence"
    );
    store.open_cursor(&query).await?;
    let mut facts = Facts::default();
    let mut current: Option<Stream> = None;
    loop {
        let rows = store.next_rows().await?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            let (stored, position) = (Stored::read(row)?, position(row)?);
            if !current.as_ref().is_some_and(|stream| stream.holds(&stored)) {
                let begun = Stream::begin(&stored);
                if let Some(ended) = current.replace(begun) {
                    ended.end(&mut facts, comparison, report).await?;
                }
            }
            if let Some(position) = position {
                let last = facts.last_of_kind.entry(stored.kind.clone()).or_default();
                *last = position.max(*last);
            }
            if let Some(stream) = &mut current {
                stream.see(stored, position, report)?;
            }
        }
    }
    if let Some(ended) = current {
        ended.end(&mut facts, comparison, report).await?;
    }
    Ok(facts)
}

fn position(row: &PgRow) -> anyhow::Result<Option<i64>> {
    Ok(row.try_get("position")?)
}

/// One stream and the folds that follow it.
pub(super) struct Stream {
    kind: String,
    name: String,
    sequence: i64,
    position: i64,
    requests: HashMap<String, DateTime<Utc>>,
    walk: Walk,
    rows: Vec<(&'static View, Option<Row>)>,
    about: About,
}

/// What is learned of a stream beside its rows.
enum About {
    Order(OrderFacts, BillWalk),
    Payment(PaymentFacts),
    Delivery(DeliveryFacts),
    Stock(StockWalk),
    Promotion(PromotionWalk),
    Nothing,
}

impl Stream {
    /// The stream before its first event; `first` is any of its events.
    pub(super) fn begin(first: &Stored) -> Self {
        let views = VIEWS.iter().filter(|view| view.kind == first.kind);
        Self {
            kind: first.kind.clone(),
            name: first.stream.clone(),
            sequence: 0,
            position: 0,
            requests: HashMap::new(),
            walk: Walk::default(),
            rows: views.map(|view| (view, None)).collect(),
            about: match first.kind.as_str() {
                "ordering.order" => About::Order(OrderFacts::default(), BillWalk::default()),
                "payment.payment" => About::Payment(PaymentFacts::default()),
                "delivery.delivery" => About::Delivery(DeliveryFacts::default()),
                "restaurant.inventory" => About::Stock(StockWalk::default()),
                "restaurant.promotion" => About::Promotion(PromotionWalk::default()),
                _ => About::Nothing,
            },
        }
    }

    fn holds(&self, event: &Stored) -> bool {
        self.name == event.stream && self.kind == event.kind
    }

    /// Takes the stream's next event, and its position once it has one.
    ///
    /// # Errors
    /// When the stored text is no JSON.
    pub(super) fn see(
        &mut self,
        stored: Stored,
        position: Option<i64>,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        self.check_order(&stored, position, report);
        let metadata: Value =
            serde_json::from_str(&stored.metadata).with_context(|| stored.label())?;
        cards::scan(&stored.label(), &metadata, report);
        self.check_request(&stored, &metadata, report);
        let Some(event) = understood(stored, report)? else {
            return Ok(());
        };
        self.walk.see(&event, report);
        for (view, row) in &mut self.rows {
            *row = view.fold(row.take(), &event);
        }
        match &mut self.about {
            About::Order(order, bill) => {
                order.see(&event);
                bill.see(&event, report);
            }
            About::Payment(payment) => payment.see(&event, report),
            About::Delivery(delivery) => delivery.see(&event),
            About::Stock(stock) => stock.see(&event, report),
            About::Promotion(promotion) => promotion.see(&event, report),
            About::Nothing => {}
        }
        Ok(())
    }

    /// What one request of the system did to a stream, it did in one append, which has one instant. Its
    /// name is the effect's or the webhook's; a client's request may carry any name.
    fn check_request(&mut self, stored: &Stored, metadata: &Value, report: &mut Report) {
        let Some(request) = metadata["request_id"].as_str() else {
            return;
        };
        if metadata["role"] != "system" {
            return;
        }
        let at = stored.recorded_at;
        let first = *self.requests.entry(request.to_owned()).or_insert(at);
        report.expect(Invariant::I2, first == at, || {
            format!("{}: {request} had acted at {first} already", stored.label())
        });
    }

    fn check_order(&mut self, stored: &Stored, position: Option<i64>, report: &mut Report) {
        let due = self.sequence.saturating_add(1);
        report.expect(Invariant::I4, stored.sequence == due, || {
            format!("{} stands where #{due} is due", stored.label())
        });
        self.sequence = stored.sequence;
        // An event without a position is reported with the log.
        if let Some(position) = position {
            let before = self.position;
            report.expect(Invariant::I4, position > before, || {
                format!(
                    "{} has position {position}, its predecessor {before}",
                    stored.label()
                )
            });
            self.position = position;
        }
    }

    /// The last number of the stream, and the position of the last event that has one.
    pub(super) fn stands_at(&self) -> (i64, i64) {
        (self.sequence, self.position)
    }

    /// The rows that the views must show of it by now.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&'static View, Option<&Row>)> {
        self.rows.iter().map(|(view, row)| (*view, row.as_ref()))
    }

    /// What is known of the payment, where it is one.
    pub(super) fn payment(&self) -> Option<&PaymentFacts> {
        match &self.about {
            About::Payment(payment) => Some(payment),
            About::Order(..)
            | About::Delivery(_)
            | About::Stock(_)
            | About::Promotion(_)
            | About::Nothing => None,
        }
    }

    /// Forgets what only a stream that is read from end to end needs, so that a long one stays small: holds that have
    /// ended, and which requests have acted but for the latest.
    pub(super) fn forget(&mut self) {
        if let About::Stock(stock) = &mut self.about {
            stock.forget_ended();
        }
        if self.requests.len() > REQUESTS_KEPT {
            let mut times: Vec<DateTime<Utc>> = self.requests.values().copied().collect();
            times.sort_unstable();
            let from = times[times.len() / 2];
            self.requests.retain(|_, at| *at > from);
        }
    }

    async fn end(
        self,
        facts: &mut Facts,
        comparison: &mut Comparison,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let Ok(id) = self.name.parse::<Uuid>() else {
            report.violated(
                Invariant::I4,
                format!("{}:{} is no UUID", self.kind, self.name),
            );
            return Ok(());
        };
        for (view, row) in self.rows {
            comparison.expect(view, id, row, report).await?;
        }
        let state = self.walk.state();
        match self.about {
            About::Order(order, _) => {
                facts.orders.insert(id, order.ended(state));
            }
            About::Payment(payment) => {
                facts.payments.insert(id, payment.ended(state));
            }
            About::Delivery(delivery) => {
                if let Some(order) = delivery.carried() {
                    let carried = facts.carried.entry(order).or_default();
                    *carried = carried.saturating_add(1);
                }
            }
            About::Stock(stock) => facts.holds.extend(stock.into_holds()),
            About::Promotion(promotion) => {
                let redeemed = promotion.into_held().map(|order| (id, order));
                facts.redeemed.extend(redeemed);
            }
            About::Nothing => {}
        }
        Ok(())
    }
}

/// The event as the folds see it; none when its stream has no readable id, which is reported at its end.
pub(super) fn understood(stored: Stored, report: &mut Report) -> anyhow::Result<Option<Event>> {
    let label = stored.label();
    let body = serde_json::from_str(&stored.payload).with_context(|| label.clone())?;
    cards::scan(&label, &body, report);
    let Ok(stream) = stored.stream.parse() else {
        return Ok(None);
    };
    let event = Event {
        kind: stored.kind,
        stream,
        sequence: stored.sequence,
        name: stored.name,
        body,
        recorded_at: stored.recorded_at,
    };
    if event.text("type") != Some(event.name.as_str()) {
        let kind = event.text("type").unwrap_or("nothing");
        report.violated(
            Invariant::I12,
            format!("{label} says of itself that it is {kind}"),
        );
    }
    Ok(Some(event))
}
