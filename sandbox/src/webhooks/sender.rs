//! The attempts: one POST each, outside every lock.

use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};

use super::delivery::{Attempt, Delivery, Forgery, State};
use super::{Endpoint, Webhooks};
use crate::world::{Job, World};

/// What is needed to send, taken out of the lock.
struct Letter {
    url: String,
    secrets: Vec<String>,
    delivery: Delivery,
}

/// Makes one attempt of delivery `id`, if it is waiting for one, and plans what follows.
pub(crate) async fn attempt(world: Arc<World>, id: u64) {
    let webhooks = &world.webhooks;
    let Some(letter) = webhooks.take(id, world.clock.now()) else {
        return;
    };
    let Ok(_permit) = webhooks.sending.acquire().await else {
        return;
    };
    let at = world.clock.now();
    let started = Instant::now();
    let sent = webhooks.post(&letter, at).await;
    let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let attempt = match sent {
        Ok(status) => Attempt {
            at,
            status: Some(status.as_u16()),
            error: None,
            took_ms,
        },
        Err(error) => Attempt {
            at,
            status: None,
            error: Some(error.to_string()),
            took_ms,
        },
    };
    webhooks.conclude(&world, id, attempt);
}

impl Webhooks {
    /// Takes a delivery whose attempt is due.
    fn take(&self, id: u64, now: DateTime<Utc>) -> Option<Letter> {
        let mut inner = self.lock();
        let delivery = inner.deliveries.get_mut(&id)?;
        let early = delivery.due.is_some_and(|due| due > now);
        if early || !matches!(delivery.state, State::Waiting | State::HeldForNext) {
            return None;
        }
        delivery.state = State::Sending;
        let delivery = delivery.clone();
        let endpoint = inner.endpoints.get(delivery.endpoint)?;
        let secrets = endpoint.signing(delivery.forgery, now);
        Some(Letter {
            url: endpoint.url.clone(),
            secrets,
            delivery,
        })
    }

    async fn post(
        &self,
        letter: &Letter,
        now: DateTime<Utc>,
    ) -> reqwest::Result<reqwest::StatusCode> {
        let body = letter.delivery.event.body(&letter.delivery.twist);
        let stamp = now.timestamp() + letter.delivery.forgery.shifted_seconds;
        let (name, signature) = (self.sign)(&letter.secrets, stamp, &body);
        let request = self
            .client
            .post(&letter.url)
            .header("content-type", "application/json; charset=utf-8")
            .header(
                "user-agent",
                "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            )
            .header("cache-control", "no-cache")
            .header(name, signature)
            .body(body);
        Ok(request.send().await?.status())
    }

    /// Records an attempt; plans the next one or lets held deliveries follow.
    fn conclude(&self, world: &World, id: u64, attempt: Attempt) {
        let confirmed = attempt
            .status
            .is_some_and(|status| (200..300).contains(&status));
        let mut inner = self.lock();
        inner.untried.remove(&id);
        let Some(delivery) = inner.deliveries.get_mut(&id) else {
            return;
        };
        delivery.attempts.push(attempt);
        let mut retry = None;
        if confirmed {
            delivery.state = State::Delivered;
        } else if let Some(wait) = self.next_wait(delivery.attempts.len()) {
            let wait = TimeDelta::from_std(wait).unwrap_or(TimeDelta::zero());
            retry = Some(world.clock.now() + wait);
            delivery.state = State::Waiting;
        } else {
            delivery.state = State::Failed;
        }
        delivery.due = retry;
        let (event, endpoint) = (delivery.event.clone(), delivery.endpoint);
        let followers = inner.followers(id, endpoint, event.subject(), event.ends_subject());
        let settled = confirmed && inner.confirmed(event.id(), endpoint);
        drop(inner);
        if settled {
            world.journal.note("delivered", &event.id());
        }
        if let Some(due) = retry {
            world.timers.add(due, Job::Deliver(id));
        }
        for follower in followers {
            self.release(world, follower);
        }
        self.concluded.notify_waiters();
    }
}

impl super::Inner {
    /// Deliveries that were held until this one had left.
    fn followers(&self, id: u64, endpoint: usize, subject: &str, ends: bool) -> Vec<u64> {
        let held = self.untried.iter().filter(|held| **held != id);
        held.filter(|held| {
            let Some(one) = self.deliveries.get(held) else {
                return false;
            };
            let next = one.state == State::HeldForNext && **held < id;
            let end = one.state == State::HeldForEnd && ends && one.event.subject() == subject;
            one.endpoint == endpoint && (next || end)
        })
        .copied()
        .collect()
    }

    /// Notes a confirmation; true when it was the last endpoint that had not confirmed the event.
    fn confirmed(&mut self, event: &str, endpoint: usize) -> bool {
        let Some(left) = self.unconfirmed.get_mut(event) else {
            return false;
        };
        left.remove(&endpoint);
        let settled = left.is_empty();
        if settled {
            self.unconfirmed.remove(event);
        }
        settled
    }
}

impl Endpoint {
    /// The secrets that sign at `now`, or the wrong ones that a fault asks for.
    fn signing(&self, forgery: Forgery, now: DateTime<Utc>) -> Vec<String> {
        if forgery.bad_signature {
            return vec!["whsec_forged".to_owned()];
        }
        if forgery.old_secret {
            return vec![
                self.previous
                    .clone()
                    .unwrap_or_else(|| "whsec_retired".to_owned()),
            ];
        }
        let active = self
            .secrets
            .iter()
            .filter(|secret| secret.ends.is_none_or(|ends| now < ends));
        active.map(|secret| secret.text.clone()).collect()
    }
}
