//! Webhooks on their way out: when each leaves, what became of it, and what is held back.
//!
//! `sender` makes the attempts. What an event says and how it is signed is the vendor's part.

mod delivery;
pub(crate) mod sender;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tokio::sync::{Notify, Semaphore};

use crate::config::{WebhookEndpoint, WebhookHabits};
use crate::faults::WebhookFault;
use crate::world::{Job, World};
use delivery::{Delivery, State};

/// Attempts on the wire at once; more wait their turn.
const SENDING_MAX: usize = 64;

/// Finished deliveries kept for the control surface.
const FINISHED_MAX: usize = 20_000;

/// A reordered webhook leaves after this long even when nothing follows, in simulated seconds.
const REORDER_WAIT_SECONDS: i64 = 5;

/// An event as the sender needs it.
pub(crate) trait Outgoing: Send + Sync + std::fmt::Debug {
    /// The vendor's id of the event.
    fn id(&self) -> &str;
    /// The event's type.
    fn kind(&self) -> &str;
    /// The object whose life the event is about.
    fn subject(&self) -> &str;
    /// Whether that object has reached its end state with this event.
    fn ends_subject(&self) -> bool;
    /// The body, changed as `twist` says.
    fn body(&self, twist: &Twist) -> Vec<u8>;
}

/// Lies about an event that a fault asks for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Twist {
    pub(crate) id: Option<String>,
    pub(crate) kind: Option<&'static str>,
    pub(crate) wrong_livemode: bool,
}

/// Signs a body: secrets, Unix time, body → header name and value.
pub(crate) type Sign = fn(&[String], i64, &[u8]) -> (&'static str, String);

/// The deliveries of one simulator.
#[derive(Debug)]
pub(crate) struct Webhooks {
    habits: WebhookHabits,
    sign: Sign,
    client: reqwest::Client,
    sending: Semaphore,
    inner: Mutex<Inner>,
    /// Told whenever an attempt has ended.
    concluded: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    endpoints: Vec<Endpoint>,
    deliveries: BTreeMap<u64, Delivery>,
    added: u64,
    /// Deliveries without a finished first attempt.
    untried: BTreeSet<u64>,
    /// Events that some endpoint has not confirmed, with those endpoints.
    unconfirmed: HashMap<String, BTreeSet<usize>>,
}

#[derive(Debug, Clone)]
struct Endpoint {
    url: String,
    secrets: Vec<Secret>,
    previous: Option<String>,
}

/// A signing secret; `ends` is when a rolled one stops signing.
#[derive(Debug, Clone)]
struct Secret {
    text: String,
    ends: Option<DateTime<Utc>>,
}

impl Webhooks {
    /// # Errors
    /// When the HTTP client cannot be built.
    pub(crate) fn new(
        habits: WebhookHabits,
        endpoints: Vec<WebhookEndpoint>,
        sign: Sign,
    ) -> reqwest::Result<Self> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(habits.answer_max)
            .build()?;
        let inner = Inner {
            endpoints: endpoints.into_iter().map(Endpoint::from).collect(),
            ..Inner::default()
        };
        Ok(Self {
            habits,
            sign,
            client,
            sending: Semaphore::new(SENDING_MAX),
            inner: Mutex::new(inner),
            concluded: Notify::new(),
        })
    }

    /// Adds an endpoint, or replaces the secret of one with the same URL.
    pub(crate) fn add_endpoint(&self, endpoint: WebhookEndpoint) {
        let mut inner = self.lock();
        inner.endpoints.retain(|known| known.url != endpoint.url);
        inner.endpoints.push(endpoint.into());
    }

    /// Gives an endpoint a new secret; the old ones sign too until `old_ends`. False when there is
    /// no such endpoint.
    pub(crate) fn roll_secret(&self, url: &str, text: String, old_ends: DateTime<Utc>) -> bool {
        let mut inner = self.lock();
        let Some(endpoint) = inner.endpoints.iter_mut().find(|known| known.url == url) else {
            return false;
        };
        for old in &mut endpoint.secrets {
            old.ends = Some(old.ends.map_or(old_ends, |ends| ends.min(old_ends)));
            endpoint.previous = Some(old.text.clone());
        }
        endpoint.secrets.push(Secret { text, ends: None });
        true
    }

    /// How many endpoints there are.
    pub(crate) fn endpoints(&self) -> usize {
        self.lock().endpoints.len()
    }

    /// Events that some endpoint has not confirmed.
    pub(crate) fn unconfirmed(&self) -> HashSet<String> {
        self.lock().unconfirmed.keys().cloned().collect()
    }

    /// Puts events in line for every endpoint; returns the deliveries that must be made before
    /// the call that caused them is answered.
    pub(crate) fn enqueue(&self, world: &World, events: &[Arc<dyn Outgoing>]) -> Vec<u64> {
        let now = world.clock.now();
        let mut first = Vec::new();
        for event in events {
            let fault = world.faults.for_event(event.kind(), now, &world.random);
            for endpoint in 0..self.endpoints() {
                first.extend(self.plan(world, event, endpoint, fault.as_ref(), now));
            }
        }
        first
    }

    /// Plans the deliveries of one event to one endpoint.
    fn plan(
        &self,
        world: &World,
        event: &Arc<dyn Outgoing>,
        endpoint: usize,
        fault: Option<&WebhookFault>,
        now: DateTime<Utc>,
    ) -> Option<u64> {
        let delivery = Delivery::new(event.clone(), endpoint, fault);
        self.lock()
            .unconfirmed
            .entry(event.id().to_owned())
            .or_default()
            .insert(endpoint);
        let mut due = now + self.delay(world);
        let mut state = State::Waiting;
        match fault {
            Some(WebhookFault::Lost) => state = State::Lost,
            Some(WebhookFault::BeforeResponse) => return Some(self.add(world, delivery, None)),
            Some(WebhookFault::AfterEndState) => state = State::HeldForEnd,
            Some(WebhookFault::Reordered) => state = State::HeldForNext,
            Some(WebhookFault::Delayed { seconds }) => {
                due += crate::faults::rules::simulated(*seconds);
            }
            Some(WebhookFault::Duplicated { copies }) => {
                self.copies(world, &delivery, now, *copies, false);
            }
            Some(WebhookFault::Flood { count }) => {
                self.copies(world, &delivery, now, *count, true);
            }
            Some(
                WebhookFault::OldTimestamp { .. }
                | WebhookFault::FutureTimestamp { .. }
                | WebhookFault::BadSignature
                | WebhookFault::OldSecret
                | WebhookFault::UnknownEvent
                | WebhookFault::WrongLivemode,
            ) => {}
            None => state = self.weather(world, &delivery, now),
        }
        if state == State::HeldForNext {
            due = now + TimeDelta::seconds(REORDER_WAIT_SECONDS);
        }
        let leaves = matches!(state, State::Waiting | State::HeldForNext).then_some(due);
        self.add(world, Delivery { state, ..delivery }, leaves);
        None
    }

    /// The ordinary share of duplicates and reorderings.
    fn weather(&self, world: &World, delivery: &Delivery, now: DateTime<Utc>) -> State {
        if world.random.one_in(self.habits.duplicates_bp) {
            self.copies(world, delivery, now, 1, false);
        }
        let reordered = world.random.one_in(self.habits.reorders_bp);
        if reordered {
            State::HeldForNext
        } else {
            State::Waiting
        }
    }

    fn copies(&self, world: &World, of: &Delivery, now: DateTime<Utc>, count: u32, fresh: bool) {
        for _ in 0..count {
            let mut copy = of.clone();
            if fresh {
                copy.twist.id = Some(world.random.id("evt_", 24));
            }
            self.add(world, copy, Some(now + self.delay(world)));
        }
    }

    fn add(&self, world: &World, delivery: Delivery, due: Option<DateTime<Utc>>) -> u64 {
        let mut inner = self.lock();
        inner.added += 1;
        let id = inner.added;
        if delivery.state != State::Lost {
            inner.untried.insert(id);
        }
        inner.deliveries.insert(id, Delivery { due, ..delivery });
        inner.prune();
        drop(inner);
        if let Some(due) = due {
            world.timers.add(due, Job::Deliver(id));
        }
        id
    }

    fn delay(&self, world: &World) -> TimeDelta {
        let delay = world
            .random
            .between(self.habits.delay_min, self.habits.delay_max);
        TimeDelta::from_std(delay).unwrap_or(TimeDelta::zero())
    }

    /// Sends a delivery once more, whatever became of it. False when it is not known.
    pub(crate) fn resend(&self, world: &World, id: u64) -> bool {
        let inner = self.lock();
        let Some(delivery) = inner.deliveries.get(&id) else {
            return false;
        };
        let again = Delivery::new(delivery.event.clone(), delivery.endpoint, None);
        drop(inner);
        self.add(world, again, Some(world.clock.now()));
        true
    }

    /// Makes every delivery that was not tried yet due now, and waits until all have been tried.
    pub(crate) async fn flush(&self, world: &World) -> usize {
        let untried: Vec<u64> = self.lock().untried.iter().copied().collect();
        for id in &untried {
            self.release(world, *id);
        }
        loop {
            let concluded = self.concluded.notified();
            tokio::pin!(concluded);
            concluded.as_mut().enable();
            if untried.iter().all(|id| !self.lock().untried.contains(id)) {
                return untried.len();
            }
            concluded.await;
        }
    }

    /// Lets a waiting or held delivery go at once.
    fn release(&self, world: &World, id: u64) {
        let now = world.clock.now();
        let mut inner = self.lock();
        let Some(delivery) = inner.deliveries.get_mut(&id) else {
            return;
        };
        if delivery.leaves_at_once(now) {
            drop(inner);
            world.timers.add(now, Job::Deliver(id));
        }
    }

    /// All deliveries, newest last, with endpoints and counts.
    pub(crate) fn list(&self, limit: usize) -> Value {
        let inner = self.lock();
        let mut shown: Vec<Value> = inner
            .deliveries
            .iter()
            .rev()
            .take(limit)
            .map(|(id, one)| one.shown(*id))
            .collect();
        shown.reverse();
        json!({
            "endpoints": inner.endpoints.iter().map(|endpoint| json!({
                "url": endpoint.url, "secrets": endpoint.secrets.len(),
            })).collect::<Vec<_>>(),
            "under_way": inner.deliveries.values().filter(|one| one.is_under_way()).count(),
            "untried": inner.untried.len(),
            "unconfirmed_events": inner.unconfirmed.len(),
            "deliveries": shown,
        })
    }

    /// Waits before attempt `made + 1`, if there is one.
    fn next_wait(&self, made: usize) -> Option<Duration> {
        self.habits.retry_after.get(made.checked_sub(1)?).copied()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Drops the oldest delivery when too many finished ones are kept.
    fn prune(&mut self) {
        if self.deliveries.len() > FINISHED_MAX
            && let Some(oldest) = self.deliveries.first_entry()
            && oldest.get().is_finished()
        {
            oldest.remove();
        }
    }
}

impl From<WebhookEndpoint> for Endpoint {
    fn from(given: WebhookEndpoint) -> Self {
        let secret = Secret {
            text: given.secret,
            ends: None,
        };
        Self {
            url: given.url,
            secrets: vec![secret],
            previous: None,
        }
    }
}
