//! Webhooks that came in: kept before they are answered, handled once, in any order.
//!
//! A webhook says that something happened, not what is true: the object is read from the vendor, held
//! against our payment, and what it says becomes a command. Its record key comes from the webhook, so
//! handling it twice is one command. News about what we do not know yet is kept and tried again, as a
//! vendor may be faster than our own commit.

use chrono::{DateTime, TimeDelta, Utc};
use domain::aggregates::{AnyCommand, Payment};
use domain::kernel::ids::PaymentId;
use domain::kernel::sealed::{Origin, Sealed};
use domain::payment::payment::{IntentId, PaymentBody, PaymentCommand, VendorRefundId};
use futures::StreamExt as _;
use infra::http::Unavailable;
use infra::lifecycle::{Loop, Progress};
use infra::vault::{Class, SYSTEM, VaultError};
use tokio::sync::watch;
use uuid::{Uuid, uuid};

use super::commands::{Once, execute_once};
use crate::app::App;
use crate::execute::ExecuteError;
use crate::gateways::Outcome;
use crate::gateways::payment::{Intent, Notice, Refund, Subject};

/// Names what came in, so that it never equals another `UUIDv5` of ours.
const NAMESPACE: Uuid = uuid!("3f9d1c62-52b7-5f7a-9d0c-8a6c0f5b7e14");
/// Webhooks taken at once.
const BATCH: i64 = 32;
/// Of these, handled at once.
const AT_ONCE: usize = 8;
/// A webhook that was taken is not taken again for this long, in real time: longer than any handling.
const LEASE: TimeDelta = TimeDelta::minutes(2);
/// The first pause before another try, doubled each time (integrations §1).
const RETRY_MIN: TimeDelta = TimeDelta::seconds(1);
/// The longest pause.
const RETRY_MAX: TimeDelta = TimeDelta::hours(1);
/// After this, a person must look.
const GIVE_UP_AFTER: TimeDelta = TimeDelta::hours(24);

/// Why a webhook could not be kept or taken.
#[derive(Debug, thiserror::Error)]
pub enum InboxError {
    /// The database said no or could not be reached.
    #[error("the webhook inbox cannot be used")]
    Database(#[from] sqlx::Error),
    /// The body could not be sealed or opened.
    #[error("a webhook's body cannot be sealed or opened")]
    Vault(#[from] VaultError),
    /// What the vault gave is not what was put in.
    #[error("a webhook's envelope cannot be read")]
    Envelope(#[from] serde_json::Error),
}

impl From<InboxError> for infra::http::ApiError {
    fn from(error: InboxError) -> Self {
        match error {
            InboxError::Database(error) => Unavailable::from(error).into(),
            InboxError::Vault(error) => error.into(),
            InboxError::Envelope(error) => Self::internal(error),
        }
    }
}

/// Keeps a verified webhook of `source`, once for each `event`; without an id of the vendor's, once for
/// each body. The body is sealed, for it holds what a customer told the vendor. Gives whether it is new.
///
/// # Errors
/// When it cannot be kept: the vendor will send it again.
pub async fn keep(
    app: &App,
    source: &str,
    event: Option<String>,
    body: &[u8],
) -> Result<bool, InboxError> {
    let now = app.clock.now();
    let event_key = event.unwrap_or_else(|| format!("sha256:{}", digest_of(body)));
    let text = String::from_utf8_lossy(body).into_owned();
    let class = Class::system(now);
    let sealed = app
        .vault
        .seal(SYSTEM, class, origin_of(source, &event_key), &text)
        .await?;
    let sealed = serde_json::to_string(&sealed)?;
    let inserted = sqlx::query!(
        "INSERT INTO ops.webhook_inbox (source, event_key, received_at, body, status, due_at)
         VALUES ($1, $2, $3, $4, 'pending', $3)
         ON CONFLICT (source, event_key) DO NOTHING",
        source,
        event_key,
        now,
        sealed
    )
    .execute(&app.pool)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

fn digest_of(body: &[u8]) -> String {
    hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body))
}

fn origin_of(source: &str, event_key: &str) -> Origin {
    let id = inbox_id(source, event_key);
    Origin {
        kind: "ops.webhook_inbox".to_owned(),
        id,
        field: "body".to_owned(),
    }
}

/// The id of a webhook: its command's record key.
fn inbox_id(source: &str, event_key: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, format!("{source}\n{event_key}").as_bytes())
}

/// Handles what has come in, while this instance leads.
pub struct Inbox {
    app: App,
    leading: watch::Receiver<Option<i64>>,
}

/// A webhook that was taken.
struct Taken {
    source: String,
    event_key: String,
    received_at: DateTime<Utc>,
    body: String,
    attempts: i32,
}

/// What came of handling one.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// Nothing more is to be done.
    Done,
    /// To be tried again, for this reason.
    Again(String),
    /// A person must look, for this reason.
    Park(String),
}

impl Inbox {
    /// The inbox of `app`.
    pub fn new(app: App, leading: watch::Receiver<Option<i64>>) -> Self {
        Self { app, leading }
    }

    async fn take(&self) -> Result<Vec<Taken>, InboxError> {
        let now = self.app.clock.now();
        let taken = sqlx::query_as!(
            Taken,
            "UPDATE ops.webhook_inbox SET attempts = attempts + 1, due_at = $2
             WHERE (source, event_key) IN (
                 SELECT source, event_key FROM ops.webhook_inbox
                 WHERE status = 'pending' AND due_at <= $1
                 ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED)
             RETURNING source, event_key, received_at, body, attempts",
            now,
            now + LEASE * i32::try_from(self.app.clock.speed()).unwrap_or(1),
            BATCH
        )
        .fetch_all(&self.app.pool)
        .await?;
        Ok(taken)
    }

    async fn settle(&self, taken: &Taken, verdict: Verdict) -> Result<(), InboxError> {
        let now = self.app.clock.now();
        let (status, due_at, why) = match verdict {
            Verdict::Done => ("done", now, None),
            Verdict::Again(why) if now - taken.received_at < GIVE_UP_AFTER => {
                ("pending", now + self.pause(taken.attempts), Some(why))
            }
            Verdict::Again(why) | Verdict::Park(why) => ("parked", now, Some(why)),
        };
        if status == "parked" {
            tracing::error!(
                webhook.source = taken.source,
                webhook.key = taken.event_key,
                reason = why,
                "webhook {} parked, a person must look",
                taken.event_key
            );
        }
        metrics::counter!("ramen_webhooks_total", "source" => taken.source.clone(), "outcome" => status)
            .increment(1);
        sqlx::query!(
            "UPDATE ops.webhook_inbox SET status = $3, due_at = $4, last_error = $5
             WHERE source = $1 AND event_key = $2",
            taken.source,
            taken.event_key,
            status,
            due_at,
            why
        )
        .execute(&self.app.pool)
        .await?;
        Ok(())
    }

    /// From half to all of a pause that doubles with each try.
    fn pause(&self, attempts: i32) -> TimeDelta {
        let full = pause_after(attempts);
        let half = full / 2;
        let spread = half
            .to_std()
            .map(|half| self.app.clock.jitter(half))
            .unwrap_or_default();
        half + TimeDelta::from_std(spread).unwrap_or_default()
    }

    async fn handle(&self, taken: &Taken) -> Verdict {
        let notice = match self.open(taken).await {
            Ok(Some(notice)) => notice,
            Ok(None) => return Verdict::Park("the body is no event".to_owned()),
            Err(InboxError::Vault(VaultError::Away(_))) => {
                return Verdict::Again("the vault is away".to_owned());
            }
            Err(error) => return Verdict::Park(error.to_string()),
        };
        if notice.live != self.app.payments.is_live() {
            return Verdict::Park("live mode is not ours".to_owned());
        }
        match &notice.subject {
            Subject::Intent(intent) => self.handle_intent(taken, intent).await,
            Subject::Refund(refund) => self.handle_refund(taken, refund).await,
            Subject::Other => Verdict::Done,
        }
    }

    async fn open(&self, taken: &Taken) -> Result<Option<Notice>, InboxError> {
        let sealed: Sealed<String> = serde_json::from_str(&taken.body)?;
        let body = self.app.vault.open(&sealed).await?;
        Ok(self.app.payments.notice(body.as_bytes()))
    }

    async fn handle_intent(&self, taken: &Taken, id: &IntentId) -> Verdict {
        let intent = match self.app.payments.read_intent(id).await.done() {
            Ok(intent) => intent,
            Err(undone) => return unread(undone),
        };
        let Some(payment) = intent.payment else {
            return Verdict::Again("the intent names no payment of ours".to_owned());
        };
        let known = match self.payment(payment).await {
            Ok(known) => known,
            Err(verdict) => return verdict,
        };
        match mismatch(&known, &intent, self.app.payments.is_live()) {
            Some(what) => Verdict::Park(format!("the intent's {what} is not our payment's")),
            None => {
                self.tell(taken, payment, &known, intent.vendor.news())
                    .await
            }
        }
    }

    async fn handle_refund(&self, taken: &Taken, id: &VendorRefundId) -> Verdict {
        let refund = match self.app.payments.read_refund(id).await.done() {
            Ok(refund) => refund,
            Err(undone) => return unread(undone),
        };
        let Some(payment) = refund.payment else {
            return Verdict::Again("the refund names no payment of ours".to_owned());
        };
        let known = match self.payment(payment).await {
            Ok(known) => known,
            Err(verdict) => return verdict,
        };
        match refund_mismatch(&known, &refund) {
            Err(verdict) => verdict,
            Ok(()) => match refund.news() {
                Some(news) => self.tell(taken, payment, &known, news).await,
                None => Verdict::Done,
            },
        }
    }

    /// Our payment as the database has it, not as this process remembers it.
    async fn payment(&self, id: PaymentId) -> Result<PaymentBody, Verdict> {
        let loaded = self.app.executor.current::<Payment>(id.uuid()).await;
        let payment = loaded.map_err(|error| Verdict::Again(error.to_string()))?;
        let unknown = || Verdict::Again("the payment is not known yet".to_owned());
        payment.state.body().cloned().ok_or_else(unknown)
    }

    async fn tell(
        &self,
        taken: &Taken,
        payment: PaymentId,
        known: &PaymentBody,
        news: PaymentCommand,
    ) -> Verdict {
        let id = inbox_id(&taken.source, &taken.event_key);
        let command = AnyCommand::Payment(payment.uuid(), news);
        let order = known.order.uuid();
        let once = Once {
            by: "webhooks",
            id,
            order,
            cause: None,
            test: false,
        };
        match execute_once(&self.app.executor, &once, command).await {
            Ok(_) => Verdict::Done,
            // The aggregate knows better what has become of it meanwhile.
            Err(ExecuteError::Refused(refusal)) => {
                tracing::info!(
                    payment.id = %payment,
                    webhook.key = taken.event_key,
                    refusal.code = refusal.code,
                    "payment {payment} has no use for a webhook"
                );
                Verdict::Done
            }
            Err(error) => Verdict::Again(error.to_string()),
        }
    }
}

/// The pause after so many tries.
fn pause_after(attempts: i32) -> TimeDelta {
    let doublings = u32::try_from(attempts.saturating_sub(1))
        .unwrap_or(0)
        .min(20);
    (RETRY_MIN * 2_i32.saturating_pow(doublings)).min(RETRY_MAX)
}

/// What an object that could not be read means.
fn unread(undone: Outcome<()>) -> Verdict {
    match undone {
        Outcome::Done(()) => Verdict::Done,
        Outcome::Rejected(refusal) if refusal.alarm => Verdict::Park(refusal.code),
        Outcome::Rejected(refusal) => Verdict::Again(refusal.code),
        Outcome::NotDone { why, .. } | Outcome::Unknown { why } => Verdict::Again(why.into_owned()),
    }
}

/// What of an intent contradicts our payment: then it is not acted on, whatever it says.
fn mismatch(known: &PaymentBody, intent: &Intent, live: bool) -> Option<&'static str> {
    let other_name = known
        .intent
        .as_ref()
        .is_some_and(|name| *name != intent.vendor.intent);
    [
        (intent.live != live, "live mode"),
        (intent.asked != known.amount, "amount or currency"),
        (intent.order != Some(known.order), "order"),
        (other_name, "name"),
    ]
    .into_iter()
    .find_map(|(wrong, what)| wrong.then_some(what))
}

fn refund_mismatch(known: &PaymentBody, refund: &Refund) -> Result<(), Verdict> {
    let ours = known
        .refunds
        .iter()
        .find(|ours| Some(ours.refund) == refund.refund);
    let Some(ours) = ours else {
        return Err(Verdict::Again("the refund is not known yet".to_owned()));
    };
    if ours.amount != refund.amount {
        return Err(Verdict::Park("the refund's amount is not ours".to_owned()));
    }
    if refund.intent != known.intent {
        return Err(Verdict::Park(
            "the refund's intent is not our payment's".to_owned(),
        ));
    }
    Ok(())
}

impl Loop for Inbox {
    const NAME: &'static str = "webhook_inbox";
    type Error = InboxError;

    async fn step(&mut self) -> Result<Progress, InboxError> {
        if self.leading.borrow().is_none() {
            return Ok(Progress::Idle);
        }
        let taken = self.take().await?;
        if taken.is_empty() {
            return Ok(Progress::Idle);
        }
        let this = &*self;
        let count = taken.len();
        let handled = futures::stream::iter(taken)
            .map(|taken| async move { this.settle(&taken, this.handle(&taken).await).await })
            .buffer_unordered(AT_ONCE)
            .collect::<Vec<_>>()
            .await;
        handled.into_iter().collect::<Result<(), _>>()?;
        Ok(Progress::Did(count))
    }
}

#[cfg(test)]
mod tests {
    use domain::kernel::ids::{CustomerId, OrderId, RestaurantId};
    use domain::kernel::money::{Currency, Money};
    use domain::payment::payment::PaymentStage;
    use domain::payment::vendor::{IntentState, VendorIntent};

    use super::*;
    use crate::gateways::Refusal;

    fn yen(amount: i64) -> Money {
        Money::new(amount, Currency::parse("JPY").unwrap())
    }

    fn known() -> PaymentBody {
        PaymentBody {
            stage: PaymentStage::RequiresPayment,
            order: OrderId::new(Uuid::from_u128(1)),
            customer: CustomerId::new(Uuid::from_u128(2)),
            restaurant: RestaurantId::new(Uuid::from_u128(3)),
            amount: yen(980),
            attempt: 1,
            intent: Some(IntentId::parse("pi_1").unwrap()),
            capture_before: None,
            declined: None,
            unwinding: None,
            refunds: vec![],
        }
    }

    fn intent() -> Intent {
        Intent {
            vendor: VendorIntent {
                intent: IntentId::parse("pi_1").unwrap(),
                amount: yen(980),
                state: IntentState::Taken,
            },
            asked: yen(980),
            payment: Some(PaymentId::new(Uuid::from_u128(4))),
            order: Some(known().order),
            live: false,
        }
    }

    #[test]
    fn only_an_intent_that_agrees_in_everything_is_acted_on() {
        assert_eq!(mismatch(&known(), &intent(), false), None);
        let news_before_our_commit = PaymentBody {
            intent: None,
            ..known()
        };
        assert_eq!(mismatch(&news_before_our_commit, &intent(), false), None);
        assert_eq!(mismatch(&known(), &intent(), true), Some("live mode"));
        let dearer = Intent {
            asked: yen(9_800),
            ..intent()
        };
        assert_eq!(
            mismatch(&known(), &dearer, false),
            Some("amount or currency")
        );
        let dollars = Money::new(980, Currency::parse("USD").unwrap());
        let dollars = Intent {
            asked: dollars,
            ..intent()
        };
        assert_eq!(
            mismatch(&known(), &dollars, false),
            Some("amount or currency")
        );
        let elsewhere = Intent {
            order: None,
            ..intent()
        };
        assert_eq!(mismatch(&known(), &elsewhere, false), Some("order"));
        let renamed = PaymentBody {
            intent: IntentId::parse("pi_2").ok(),
            ..known()
        };
        assert_eq!(mismatch(&renamed, &intent(), false), Some("name"));
    }

    #[test]
    fn pauses_go_from_a_second_to_an_hour() {
        let seconds: Vec<_> = (1..=14)
            .map(|tries| pause_after(tries).num_seconds())
            .collect();
        assert_eq!(seconds[..5], [1, 2, 4, 8, 16]);
        assert_eq!(
            (seconds[11], seconds[12], seconds[13]),
            (2_048, 3_600, 3_600)
        );
        assert_eq!(pause_after(i32::MAX), RETRY_MAX);
        assert_eq!(pause_after(0), RETRY_MIN);
    }

    #[test]
    fn what_cannot_be_read_is_tried_again_unless_it_is_our_fault() {
        let missing: Outcome<()> = Outcome::Rejected(Refusal::new("resource_missing"));
        assert_eq!(
            unread(missing),
            Verdict::Again("resource_missing".to_owned())
        );
        let key: Outcome<()> = Outcome::Rejected(Refusal::alarming("api_key_expired"));
        assert_eq!(unread(key), Verdict::Park("api_key_expired".to_owned()));
    }
}
