//! What a webhook means: the object that it names is read from the vendor and held against our payment,
//! and what it says becomes a command, under a key that comes from the webhook.

use domain::aggregates::{AnyCommand, Kind, Payment};
use domain::decider::Decider as _;
use domain::kernel::ids::{OrderId, PaymentId};
use domain::payment::payment::{IntentId, PaymentBody, PaymentCommand, VendorRefundId};
use infra::event_store::{EventLog, Loaded, StoreError, StreamId};
use infra::telemetry::{TraceContext, context_of, continues, links};
use infra::vault::VaultError;
use tracing::{Instrument as _, Span};
use uuid::Uuid;

use super::table::{InboxError, Taken, inbox_id};
use crate::app::App;
use crate::execute::ExecuteError;
use crate::gateways::Outcome;
use crate::gateways::payment::{Intent, Notice, Refund, Subject};
use crate::processes::commands::{Once, execute_once};

/// What came of handling one.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing more is to be done.
    Done,
    /// To be tried again, for this reason.
    Again(String),
    /// A person must look, for this reason.
    Park(String),
}

impl Verdict {
    /// In traces.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Again(_) => "again",
            Self::Park(_) => "parked",
        }
    }
}

/// Handles webhooks. Clones share everything.
#[derive(Clone)]
pub(super) struct Handler {
    app: App,
}

impl Handler {
    pub(super) fn new(app: App) -> Self {
        Self { app }
    }

    /// Finds out what `taken` means and acts on it.
    pub(super) async fn handle(&self, taken: &Taken) -> Verdict {
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
        let body = taken.open(&self.app).await?;
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
        let live = self.app.payments.is_live();
        self.tell(taken, payment, |known| {
            match mismatch(known, &intent, live) {
                Some(what) => Err(Verdict::Park(format!(
                    "the intent's {what} is not our payment's"
                ))),
                None => Ok(Some(intent.vendor.clone().news())),
            }
        })
        .await
    }

    async fn handle_refund(&self, taken: &Taken, id: &VendorRefundId) -> Verdict {
        let refund = match self.app.payments.read_refund(id).await.done() {
            Ok(refund) => refund,
            Err(undone) => return unread(undone),
        };
        let Some(payment) = refund.payment else {
            return Verdict::Again("the refund names no payment of ours".to_owned());
        };
        self.tell(taken, payment, |known| {
            refund_mismatch(known, &refund)?;
            Ok(refund.news())
        })
        .await
    }

    /// Tells our payment what the vendor says of it. What this process remembers is enough to go on, for
    /// the commit checks it; only the database's word is enough not to.
    async fn tell(
        &self,
        taken: &Taken,
        payment: PaymentId,
        news: impl Fn(&PaymentBody) -> Result<Option<PaymentCommand>, Verdict> + Sync,
    ) -> Verdict {
        let executor = &self.app.executor;
        let remembered = executor.store().load::<Payment>(payment.uuid()).await;
        let mut wanted = self.wanted(remembered, &news);
        if !matches!(wanted, Ok(Some(_))) {
            let current = executor.current::<Payment>(payment.uuid()).await;
            wanted = self.wanted(current, &news);
        }
        match wanted {
            Ok(Some((order, command))) => self.execute(taken, payment, order, command).await,
            Ok(None) => {
                tracing::info!(
                    payment.id = %payment,
                    webhook.key = taken.event_key,
                    "payment {payment} has no use for a webhook"
                );
                Verdict::Done
            }
            Err(verdict) => verdict,
        }
    }

    /// What the payment of an order makes of news: none when it has them already, or knows better.
    fn wanted(
        &self,
        payment: Result<Loaded<Payment>, StoreError>,
        news: impl Fn(&PaymentBody) -> Result<Option<PaymentCommand>, Verdict>,
    ) -> Result<Option<(OrderId, PaymentCommand)>, Verdict> {
        let payment = payment.map_err(|error| Verdict::Again(error.to_string()))?;
        let Some(known) = payment.state.body() else {
            return Err(Verdict::Again("the payment is not known yet".to_owned()));
        };
        let Some(command) = news(known)? else {
            return Ok(None);
        };
        let decided = payment
            .state
            .decide(command.clone(), &self.app.clock.context());
        let is_new = decided.is_ok_and(|events| !events.is_empty());
        Ok(is_new.then_some((known.order, command)))
    }

    async fn execute(
        &self,
        taken: &Taken,
        payment: PaymentId,
        order: OrderId,
        command: PaymentCommand,
    ) -> Verdict {
        let id = inbox_id(&taken.source, &taken.event_key);
        let span = self.news_span(payment, id).await;
        let once = Once {
            by: "webhooks",
            id,
            order: order.uuid(),
            cause: None,
            test: false,
            trace: context_of(&span).or_else(|| taken.trace()),
        };
        let command = AnyCommand::Payment(payment.uuid(), command);
        let executed = execute_once(&self.app.executor, &once, command);
        match executed.instrument(span).await {
            Ok(_) => Verdict::Done,
            // The aggregate knows better what has become of it meanwhile.
            Err(ExecuteError::Refused(refusal)) => {
                tracing::info!(
                    payment.id = %payment,
                    webhook.key = taken.event_key,
                    refusal.code = refusal.code,
                    "payment {payment} has no use for a webhook any longer"
                );
                Verdict::Done
            }
            Err(error) => Verdict::Again(error.to_string()),
        }
    }
}

impl Handler {
    /// News of a payment go on with the trace that asked for it, and link to the webhook's own.
    async fn news_span(&self, payment: PaymentId, webhook: Uuid) -> Span {
        let span = tracing::debug_span!(
            "webhook.news",
            webhook.id = %webhook,
            payment.id = %payment,
        );
        if !span.is_disabled() {
            continues(&span, self.asked_for_by(payment).await);
            links(&span, context_of(&Span::current()));
        }
        span
    }

    /// The trace of the command that began the payment.
    async fn asked_for_by(&self, payment: PaymentId) -> Option<TraceContext> {
        let stream = StreamId {
            kind: Kind::Payment,
            id: payment.uuid(),
        };
        let log = EventLog::new(self.app.pool.clone());
        let begun = log.of_stream(stream, 1, 1).await.ok()?;
        TraceContext::in_metadata(&begun.first()?.metadata)
    }
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

#[cfg(test)]
mod tests {
    use domain::kernel::ids::{CustomerId, RestaurantId};
    use domain::kernel::money::{Currency, Money};
    use domain::payment::payment::PaymentStage;
    use domain::payment::vendor::{IntentState, VendorIntent};

    use uuid::Uuid;

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
            captured: None,
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
