//! Stripe: async-stripe's requests and objects over our own pooled HTTP client, which keeps what
//! async-stripe's own client hides: the status of every answer and its headers.
//!
//! Facts about the vendor are in integrations §3. A write is sent under the effect's id; a failure that
//! Stripe has stored for that key, a refusal that may echo our own success, and a key older than Stripe
//! keeps it, all end in reading the object, and the object decides.

mod config;
mod error;
pub mod webhook;
mod wire;

use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use chrono::{DateTime, TimeDelta, Utc};
use domain::kernel::money::Money;
use domain::payment::payment::{IntentId, VendorRefundId};
use domain::payment::vendor::IntentState;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, RETRY_AFTER};
use infra::clock::Clock;
use infra::config::Secret;
use reqwest::redirect;
use stripe_client_core::{
    CustomizedStripeRequest, IdempotencyKey, RequestStrategy, StripeClient, StripeMethod,
    StripeRequest,
};
use uuid::Uuid;

pub use config::StripeConfig;
pub use error::{ErrorAnswer, ErrorObject, StripeError};

use super::{Call, Intent, NewIntent, NewRefund, Notice, PaymentGateway, Refund};
use crate::gateways::policy::{ANSWER_BYTES_MAX, Again, CONNECT_TIMEOUT, Guard, Operation, Try};
use crate::gateways::{Outcome, Refusal};

/// The name of this gateway in the table of policies.
const GATEWAY: &str = "payment/stripe";
/// Stripe keeps keys for at least 24 h; one hour is left for clocks and for the call itself.
const KEY_LIFE: TimeDelta = TimeDelta::hours(23);
/// Connections to Stripe that are kept although idle; a proxy on the way forgets them after a minute.
const POOL_IDLE: Duration = Duration::from_secs(50);
/// A payment that Stripe is working on can be neither captured nor ended; banks take minutes.
const PROCESSING_PAUSE: Duration = Duration::from_secs(30);
/// Marks answers of the simulator.
const SANDBOX_MARK: HeaderName = HeaderName::from_static("x-ramen-sandbox");

/// Stripe as a payment gateway.
#[derive(Clone, Debug)]
pub struct StripeGateway {
    http: reqwest::Client,
    config: StripeConfig,
    guard: Guard,
    clock: Clock,
}

impl StripeGateway {
    /// A gateway for one account. It connects when it is first used.
    ///
    /// # Errors
    /// [`StripeError::Client`] when no HTTP client can be built.
    pub fn new(config: StripeConfig, clock: Clock) -> Result<Self, StripeError> {
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(POOL_IDLE)
            .redirect(redirect::Policy::none())
            // A proxy would come from the environment, which only the configuration reads.
            .no_proxy()
            .user_agent(concat!("ramen/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(StripeError::Client)?;
        let guard = Guard::new(GATEWAY, clock.clone());
        Ok(Self {
            http,
            config,
            guard,
            clock,
        })
    }

    /// Sends a request under `key` and reads its answer, with as many tries as the policy allows.
    async fn ask<R, T>(
        &self,
        operation: Operation,
        key: Option<Uuid>,
        request: &R,
        read: impl Fn(&R::Output) -> Result<T, wire::Unusable>,
    ) -> Outcome<Asked<T>>
    where
        R: StripeRequest,
        R::Output: miniserde::Deserialize,
    {
        let attempt = || async {
            let strategy = key.map_or(RequestStrategy::Once, strategy);
            let sent = request
                .customize()
                .request_strategy(strategy)
                .send(self)
                .await;
            match sent.and_then(|object| read(&object).map_err(unusable)) {
                Ok(value) => decided(Asked::Answer(value)),
                Err(error) if key.is_some() && error.needs_a_look() => {
                    decided(Asked::Look(error.refusal()))
                }
                Err(error) => error.into_try(),
            }
        };
        self.guard.call(operation, attempt).await
    }

    /// A write on an existing payment, after which the object decides where the answer does not.
    /// `untouched` says what a refusal means while the object is not over.
    async fn change<R>(
        &self,
        call: &Call,
        intent: &IntentId,
        request: &R,
        untouched: fn(&Intent, Refusal) -> Outcome<Intent>,
    ) -> Outcome<Intent>
    where
        R: StripeRequest<Output = stripe_shared::PaymentIntent> + Sync,
    {
        if call.has_outlived(KEY_LIFE, self.clock.now()) {
            match self.read_intent(intent).await.done() {
                Ok(found) if found.is_over() => return Outcome::Done(found),
                // Still to be done, and Stripe has forgotten the key: it is sent once more.
                Ok(_) => {}
                Err(unclear) => return unclear,
            }
        }
        let asked = self
            .ask(Operation::Settle, Some(call.key), request, wire::intent_in)
            .await;
        let refusal = match asked.done() {
            Ok(Asked::Answer(intent)) => return Outcome::Done(intent),
            Ok(Asked::Look(refusal)) => refusal,
            Err(undone) => return undone,
        };
        match self.read_intent(intent).await.done() {
            Ok(found) if found.is_over() => Outcome::Done(found),
            Ok(found) => untouched(&found, refusal),
            Err(unclear) => unclear.or_refused(refusal),
        }
    }

    /// The refund that we named `new.refund`, if Stripe has it.
    async fn find_refund(&self, new: &NewRefund) -> Outcome<Option<Refund>> {
        let request = wire::refunds_of(&new.intent);
        let ours = |list: &stripe_types::List<stripe_shared::Refund>| {
            let found = list.data.iter().map(wire::refund_in);
            let mut found = found.filter_map(Result::ok);
            Ok(found.find(|refund| refund.refund == Some(new.refund)))
        };
        self.ask(Operation::Read, None, &request, ours)
            .await
            .map(Asked::answer)
    }

    async fn exchange(&self, request: reqwest::RequestBuilder) -> Result<Bytes, StripeError> {
        let mut response = request.send().await.map_err(failed_to_send)?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        if self.config.refuse_sandbox && headers.contains_key(SANDBOX_MARK) {
            return Err(StripeError::Sandbox);
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(StripeError::Lost("the answer is too large".to_owned()));
            }
            body.extend_from_slice(&chunk);
        }
        if (200..300).contains(&status) {
            return Ok(body.freeze());
        }
        Err(StripeError::Answered(Box::new(
            self.error_answer(status, &headers, &body),
        )))
    }

    fn error_answer(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> ErrorAnswer {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let after = text(RETRY_AFTER.as_str());
        ErrorAnswer {
            status,
            error: serde_json::from_slice(body)
                .ok()
                .map(|body: error::ErrorBody| body.error),
            retry_after: after.and_then(|after| retry_after(after, self.clock.now())),
            should_retry: text("stripe-should-retry").and_then(|word| word.parse().ok()),
            replayed: text("idempotent-replayed") == Some("true"),
        }
    }
}

/// What Stripe said.
enum Asked<T> {
    /// The result.
    Answer(T),
    /// Something that only the object can clear up; the refusal stands if it does not.
    Look(Refusal),
}

impl<T> Asked<Option<T>> {
    /// The answer to a read, which never asks for a look.
    fn answer(self) -> Option<T> {
        match self {
            Self::Answer(value) => value,
            Self::Look(_) => None,
        }
    }
}

impl StripeClient for StripeGateway {
    type Err = StripeError;

    async fn execute(&self, request: CustomizedStripeRequest) -> Result<Bytes, StripeError> {
        let (parts, overrides) = request.into_pieces();
        let query = parts.query.filter(|query| !query.is_empty());
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        let url = format!("{}v1{}{query}", self.config.base_url, parts.path);
        let request = match parts.method {
            StripeMethod::Get => self.http.get(url),
            StripeMethod::Delete => self.http.delete(url),
            StripeMethod::Post => self
                .http
                .post(url)
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(parts.body.unwrap_or_default()),
        };
        let request = request
            .bearer_auth(self.config.secret_key.expose())
            .header("stripe-version", stripe_client_core::VERSION.as_str());
        let key = overrides
            .request_strategy
            .and_then(|strategy| strategy.get_key());
        let request = match &key {
            Some(key) => request.header("idempotency-key", key.as_str()),
            None => request,
        };
        self.exchange(request).await
    }
}

#[async_trait]
impl PaymentGateway for StripeGateway {
    async fn create_intent(&self, call: &Call, new: &NewIntent) -> Outcome<Intent> {
        // Without its secret nobody can pay an intent that we do not know: giving one up is safe, making
        // a second one for the same effect is not wanted.
        if call.has_outlived(KEY_LIFE, self.clock.now()) {
            return Outcome::Rejected(Refusal::new("key_outlived"));
        }
        let request = wire::create_intent(new);
        let asked = self
            .ask(Operation::Create, Some(call.key), &request, wire::intent_in)
            .await;
        settle(asked)
    }

    async fn read_intent(&self, intent: &IntentId) -> Outcome<Intent> {
        let request = wire::read_intent(intent);
        settle(
            self.ask(Operation::Read, None, &request, wire::intent_in)
                .await,
        )
    }

    async fn capture(&self, call: &Call, intent: &IntentId, amount: Money) -> Outcome<Intent> {
        let refused = |_: &Intent, refusal| Outcome::Rejected(refusal);
        self.change(call, intent, &wire::capture(intent, amount), refused)
            .await
    }

    async fn void(&self, call: &Call, intent: &IntentId) -> Outcome<Intent> {
        self.change(call, intent, &wire::cancel(intent), still_at_it)
            .await
    }

    async fn refund(&self, call: &Call, new: &NewRefund) -> Outcome<Refund> {
        if call.has_outlived(KEY_LIFE, self.clock.now()) {
            match self.find_refund(new).await.done() {
                Ok(Some(refund)) => return Outcome::Done(refund),
                Ok(None) => {}
                Err(unclear) => return unclear,
            }
        }
        let request = wire::refund(new);
        let asked = self
            .ask(Operation::Settle, Some(call.key), &request, wire::refund_in)
            .await;
        let refusal = match asked.done() {
            Ok(Asked::Answer(refund)) => return Outcome::Done(refund),
            Ok(Asked::Look(refusal)) => refusal,
            Err(undone) => return undone,
        };
        match self.find_refund(new).await.done() {
            Ok(Some(refund)) => Outcome::Done(refund),
            Ok(None) => Outcome::Rejected(refusal),
            Err(unclear) => unclear.or_refused(refusal),
        }
    }

    async fn read_refund(&self, refund: &VendorRefundId) -> Outcome<Refund> {
        let request = wire::read_refund(refund);
        settle(
            self.ask(Operation::Read, None, &request, wire::refund_in)
                .await,
        )
    }

    async fn client_secret(&self, intent: &IntentId) -> Outcome<Secret<String>> {
        let request = wire::read_intent(intent);
        let secret = |object: &stripe_shared::PaymentIntent| {
            let secret = object
                .client_secret
                .clone()
                .ok_or(wire::Unusable("client_secret"))?;
            Ok(Secret::new(secret))
        };
        settle(self.ask(Operation::Read, None, &request, secret).await)
    }

    fn publishable_key(&self) -> &str {
        &self.config.publishable_key
    }

    fn is_live(&self) -> bool {
        self.config.is_live()
    }

    fn notice(&self, body: &[u8]) -> Option<Notice> {
        webhook::parse(body).ok()
    }
}

/// Where there is no object to look at, the refusal stands.
fn settle<T>(asked: Outcome<Asked<T>>) -> Outcome<T> {
    match asked.done() {
        Ok(Asked::Answer(value)) => Outcome::Done(value),
        Ok(Asked::Look(refusal)) => Outcome::Rejected(refusal),
        Err(undone) => undone,
    }
}

/// Only a payment that the vendor is working on refuses to be ended; it will not be for long.
fn still_at_it(found: &Intent, refusal: Refusal) -> Outcome<Intent> {
    match found.vendor.state {
        IntentState::Open => Outcome::NotDone {
            after: PROCESSING_PAUSE,
            why: "the vendor works on it".into(),
        },
        IntentState::Declined { .. }
        | IntentState::NeedsAction
        | IntentState::Reserved { .. }
        | IntentState::Taken
        | IntentState::Gone => Outcome::Rejected(refusal),
    }
}

fn decided<T>(value: T) -> Try<T> {
    Try {
        outcome: Outcome::Done(value),
        again: Again::Never,
        failed: false,
    }
}

fn strategy(key: Uuid) -> RequestStrategy {
    let key = IdempotencyKey::new(key.to_string()).expect("a UUID has 36 characters");
    RequestStrategy::Idempotent(key)
}

fn unusable(what: wire::Unusable) -> StripeError {
    StripeError::Lost(what.to_string())
}

fn failed_to_send(error: reqwest::Error) -> StripeError {
    if error.is_connect() || error.is_builder() {
        StripeError::NotSent(error)
    } else {
        lost(error)
    }
}

/// The address stays out of the log: vendors put tokens into addresses.
fn lost(error: reqwest::Error) -> StripeError {
    StripeError::Lost(error.without_url().to_string())
}

/// `Retry-After` as seconds or as a date (RFC 9110 §10.2.3).
fn retry_after(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTime::parse_from_rfc2822(text.trim()).ok()?;
    Some((date.to_utc() - now).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = DateTime::from_timestamp(1_445_412_480, 0).unwrap();
        let seconds = |text| retry_after(text, now).map(|after| after.as_secs());
        assert_eq!(seconds("7"), Some(7));
        assert_eq!(seconds("Wed, 21 Oct 2015 07:28:30 GMT"), Some(30));
        assert_eq!(seconds("Wed, 21 Oct 2015 07:27:00 GMT"), Some(0));
        assert_eq!(seconds("soon"), None);
    }
}
