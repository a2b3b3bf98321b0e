//! One request from reading to answering: faults around the vendor's own work, and the record.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use futures::stream;
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use tokio::sync::oneshot;

use crate::call::{Answer, Call};
use crate::control;
use crate::faults::rules::simulated;
use crate::faults::{Fault, spoil};
use crate::pace::Orders;
use crate::record::Seen;
use crate::webhooks::sender;
use crate::world::{Job, Vendor, World};

/// Largest request body that is read, in bytes.
const BODY_MAX: usize = 1024 * 1024;

/// How long the first half of a torn body is given to leave before the reset.
const HALF_BODY_WAIT: Duration = Duration::from_millis(50);

/// The machinery around one vendor.
#[derive(Debug)]
pub(crate) struct Front<V> {
    pub(crate) world: Arc<World>,
    pub(crate) vendor: Arc<V>,
}

impl<V> Clone for Front<V> {
    fn clone(&self) -> Self {
        Self {
            world: self.world.clone(),
            vendor: self.vendor.clone(),
        }
    }
}

/// The connection is given up without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is given up on purpose")]
pub(crate) struct HungUp;

/// How an answer leaves, or does not.
enum Sending {
    Whole(Answer),
    Half(Answer),
    SlowBody(Answer, u32),
    SlowAll(Answer, u32),
    Silence,
    Reset,
}

impl<V: Vendor> Front<V> {
    /// Answers one request.
    ///
    /// # Errors
    /// [`HungUp`] when a fault, a broken body or the end of the run keeps the answer back.
    pub(crate) async fn handle(
        self,
        request: Request<Incoming>,
        orders: Arc<Orders>,
    ) -> Result<Response<Body>, HungUp> {
        let call = read(request).await?;
        if call.path == "/_sim" || call.path.starts_with("/_sim/") {
            return Ok(response(control::answer(&self, &call).await, Bytes::into));
        }
        let started = Instant::now();
        let number = self.world.record.next_number();
        let now = self.world.clock.now();
        let fault = self.world.faults.for_call(&call, now, &self.world.random);
        let sending = self.carry_out(&call, fault.as_ref()).await;
        let took_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.world.record.saw(Seen {
            took_us,
            at: now,
            ..seen(number, &call, fault.as_ref(), &sending)
        });
        self.send(sending, &orders).await
    }

    /// Does the work as far as the fault allows, and says how the answer leaves.
    async fn carry_out(&self, call: &Call, fault: Option<&Fault>) -> Sending {
        match fault {
            None | Some(Fault::Webhook(_)) => Sending::Whole(self.perform(call, None).await),
            Some(Fault::TimeoutBefore) => Sending::Silence,
            Some(Fault::ResetBefore) => Sending::Reset,
            Some(Fault::TimeoutAfterSuccess) => {
                self.perform(call, None).await;
                Sending::Silence
            }
            Some(Fault::ResetAfterSuccess) => {
                self.perform(call, None).await;
                Sending::Reset
            }
            Some(Fault::ResetMidBody) => Sending::Half(self.perform(call, None).await),
            Some(Fault::StatusBurst {
                status,
                executed,
                saved,
                body,
                headers,
            }) => {
                let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_GATEWAY);
                let mut answer = spoil::error(status, *body, self.vendor.error(status));
                add_headers(&mut answer, headers);
                if *executed {
                    let kept = saved.unwrap_or(status == StatusCode::INTERNAL_SERVER_ERROR);
                    self.perform(call, kept.then_some(&answer)).await;
                }
                Sending::Whole(answer)
            }
            Some(Fault::RateLimit { retry_after }) => {
                let answer = self.vendor.error(StatusCode::TOO_MANY_REQUESTS);
                Sending::Whole(spoil::retry_after(
                    answer,
                    *retry_after,
                    self.world.clock.now(),
                ))
            }
            Some(Fault::MalformedBody { how }) => {
                Sending::Whole(spoil::malformed(self.perform(call, None).await, *how))
            }
            Some(Fault::SlowHeaders { bytes_per_second }) => {
                Sending::SlowAll(self.perform(call, None).await, *bytes_per_second)
            }
            Some(Fault::SlowBody { bytes_per_second }) => {
                Sending::SlowBody(self.perform(call, None).await, *bytes_per_second)
            }
            Some(Fault::SlowWork { seconds }) => {
                Sending::Whole(self.perform_slowly(call, *seconds).await)
            }
            Some(Fault::Unauthorized { .. }) => {
                Sending::Whole(self.vendor.error(StatusCode::UNAUTHORIZED))
            }
        }
    }

    /// The vendor's work; webhooks that must overtake the answer are delivered first.
    async fn perform(&self, call: &Call, saved: Option<&Answer>) -> Answer {
        match self.vendor.admit(call) {
            Err(answer) => *answer,
            Ok(work) => self.finish(work, saved).await,
        }
    }

    async fn finish(&self, work: V::Work, saved: Option<&Answer>) -> Answer {
        let done = self.vendor.work(work, saved);
        for delivery in done.deliver_first {
            sender::attempt(self.world.clone(), delivery).await;
        }
        done.answer
    }

    /// The vendor's work after a pause in which the call is already admitted. It runs in a task of
    /// its own: a client that goes away does not stop the vendor.
    async fn perform_slowly(&self, call: &Call, seconds: f64) -> Answer {
        let work = match self.vendor.admit(call) {
            Err(answer) => return *answer,
            Ok(work) => work,
        };
        let (wake, woken) = oneshot::channel();
        let due = self.world.clock.now() + simulated(seconds);
        self.world.timers.add(due, Job::Wake(wake));
        let front = self.clone();
        let task = self.world.tasks.spawn(async move {
            let woken = tokio::select! {
                woken = woken => woken.is_ok(),
                () = front.world.stop.cancelled() => false,
            };
            if woken {
                Some(front.finish(work, None).await)
            } else {
                None
            }
        });
        let answer = task.await.ok().flatten();
        answer.unwrap_or_else(|| self.vendor.error(StatusCode::SERVICE_UNAVAILABLE))
    }

    async fn send(&self, sending: Sending, orders: &Orders) -> Result<Response<Body>, HungUp> {
        match sending {
            Sending::Whole(answer) => Ok(response(answer, Bytes::into)),
            Sending::SlowBody(answer, pace) => Ok(response(answer, |body| dripping(body, pace))),
            Sending::SlowAll(answer, pace) => {
                orders.slow_down(pace);
                Ok(response(answer, Bytes::into))
            }
            Sending::Half(answer) => {
                orders.reset();
                Ok(response(answer, |body| torn(&body)))
            }
            Sending::Reset => {
                orders.reset();
                Err(HungUp)
            }
            Sending::Silence => {
                self.world.stop.cancelled().await;
                Err(HungUp)
            }
        }
    }

    /// Carries out every job that is due.
    pub(crate) fn fire_due(&self) {
        while let Some((due, job)) = self.world.timers.take_due(self.world.clock.now()) {
            match job {
                Job::Deliver(id) => {
                    self.world
                        .tasks
                        .spawn(sender::attempt(self.world.clone(), id));
                }
                Job::Wake(waiting) => {
                    if waiting.send(()).is_err() {
                        tracing::debug!("a slowed call is no longer waiting");
                    }
                }
                Job::Stripe(_) => self.vendor.fire(job, due),
            }
        }
    }
}

/// Reads the whole request.
async fn read(request: Request<Incoming>) -> Result<Call, HungUp> {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(Body::new(body), BODY_MAX)
        .await
        .map_err(|_| HungUp)?;
    Ok(Call {
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body,
    })
}

fn response(answer: Answer, body: impl FnOnce(Bytes) -> Body) -> Response<Body> {
    let length = HeaderValue::from(answer.body.len());
    let mut response = Response::new(body(answer.body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    let headers = response.headers_mut();
    headers.insert(http::header::CONTENT_LENGTH, length);
    headers.insert("x-ramen-sandbox", HeaderValue::from_static("1"));
    response
}

/// Half of the body, then a failure, which makes the server give the connection up.
fn torn(body: &Bytes) -> Body {
    let half = body.slice(..body.len() / 2);
    Body::from_stream(stream::unfold(Some(half), |half| async move {
        if let Some(half) = half {
            return Some((Ok(half), None));
        }
        tokio::time::sleep(HALF_BODY_WAIT).await;
        Some((Err(HungUp), None))
    }))
}

/// The body at `pace` bytes per second.
fn dripping(body: Bytes, pace: u32) -> Body {
    let pace = pace.max(1);
    let piece = usize::try_from(pace / 10).unwrap_or(usize::MAX).max(1);
    Body::from_stream(stream::unfold(body, move |mut rest| async move {
        if rest.is_empty() {
            return None;
        }
        let next = rest.split_to(piece.min(rest.len()));
        let share = f64::from(u32::try_from(next.len()).unwrap_or(u32::MAX)) / f64::from(pace);
        tokio::time::sleep(Duration::from_secs_f64(share)).await;
        Some((Ok::<_, HungUp>(next), rest))
    }))
}

fn add_headers(answer: &mut Answer, headers: &std::collections::BTreeMap<String, String>) {
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (
            http::HeaderName::try_from(name),
            HeaderValue::try_from(value),
        ) {
            answer.headers.insert(name, value);
        }
    }
}

/// The request's entry in the record, without its times.
fn seen(number: u64, call: &Call, fault: Option<&Fault>, sending: &Sending) -> Seen {
    let answer = match sending {
        Sending::Whole(answer)
        | Sending::Half(answer)
        | Sending::SlowBody(answer, _)
        | Sending::SlowAll(answer, _) => Some(answer),
        Sending::Silence | Sending::Reset => None,
    };
    let header = |name: &str| Some(answer?.headers.get(name)?.to_str().ok()?.to_owned());
    Seen {
        number,
        at: chrono::DateTime::UNIX_EPOCH,
        method: call.method.to_string(),
        path: call.path.clone(),
        parameters: format!("{}{}", call.query, String::from_utf8_lossy(&call.body)),
        idempotency_key: call.header("idempotency-key").map(str::to_owned),
        status: answer.map(|answer| answer.status.as_u16()),
        request_id: header("request-id"),
        replayed: header("idempotent-replayed").is_some(),
        fault: fault.map(|fault| fault.name().to_owned()),
        took_us: 0,
    }
}
