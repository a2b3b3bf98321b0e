//! Taking money: reserving it at checkout, taking it when the shop accepts, giving it back.
//!
//! What a vendor's object says becomes one of the `Record…` commands of a payment here, in the same
//! way whether it came as the answer to a call, was read back, or a webhook sent us to look.

pub mod stripe;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use domain::kernel::ids::{OrderId, PaymentId};
use domain::kernel::money::Money;
use domain::payment::payment::{IntentId, PaymentCommand, VendorCode, VendorRefundId};
use domain::payment::vendor::{IntentState, PaymentCall, VendorIntent};
use infra::clock::Clock;
use infra::config::Secret;
use uuid::Uuid;

use super::Outcome;

/// The vendors of this capability.
#[derive(Clone, Debug)]
pub enum Vendor {
    /// Stripe, or its simulator.
    Stripe(stripe::StripeConfig),
}

impl Vendor {
    /// The client for the vendor.
    ///
    /// # Errors
    /// When the HTTP client cannot be built, for want of root certificates for instance.
    pub fn connect(self, clock: Clock) -> Result<Arc<dyn PaymentGateway>, stripe::StripeError> {
        match self {
            Self::Stripe(config) => Ok(Arc::new(stripe::StripeGateway::new(config, clock)?)),
        }
    }
}

/// One effect on its way to the vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// The effect's id: the vendor's idempotency key, the same at every repetition.
    pub key: Uuid,
    /// When it was sent first, if it was. A key that the vendor may have forgotten is not trusted:
    /// the object is read before anything is sent.
    pub first_sent: Option<DateTime<Utc>>,
}

impl Call {
    /// An effect that is sent for the first time.
    pub fn first(key: Uuid) -> Self {
        Self {
            key,
            first_sent: None,
        }
    }

    /// Whether a key that the vendor keeps for `life` may be forgotten by now.
    fn has_outlived(&self, life: TimeDelta, now: DateTime<Utc>) -> bool {
        self.first_sent.is_some_and(|sent| now - sent >= life)
    }
}

/// A payment to be started at the vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewIntent {
    /// Our payment.
    pub payment: PaymentId,
    /// Its order.
    pub order: OrderId,
    /// Exactly the quoted total: nothing above it can be captured later.
    pub amount: Money,
    /// Which attempt of the order, from 1.
    pub attempt: u32,
}

/// Captured money to be given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRefund {
    /// Our name for it.
    pub refund: Uuid,
    /// Our payment.
    pub payment: PaymentId,
    /// The vendor's name for the payment.
    pub intent: IntentId,
    /// How much.
    pub amount: Money,
}

/// The vendor's view of a payment.
#[derive(Clone, Debug, PartialEq)]
pub struct Intent {
    /// How it stands. The amount is what is reserved or taken, once something is.
    pub vendor: VendorIntent,
    /// What was asked for.
    pub asked: Money,
    /// Our payment, as we told the vendor.
    pub payment: Option<PaymentId>,
    /// Our order, as we told the vendor.
    pub order: Option<OrderId>,
    /// Whether real money moves.
    pub live: bool,
}

/// The vendor's view of a refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// The vendor's name for it.
    pub id: VendorRefundId,
    /// Our name for it, as we told the vendor.
    pub refund: Option<Uuid>,
    /// Our payment, as we told the vendor.
    pub payment: Option<PaymentId>,
    /// The vendor's name for the payment.
    pub intent: Option<IntentId>,
    /// How much.
    pub amount: Money,
    /// How far it is.
    pub state: RefundState,
}

/// How far a refund is at the vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundState {
    /// On its way, or waiting for somebody.
    Pending,
    /// The money went back. The vendor may still say otherwise days later.
    Succeeded,
    /// The money did not go back.
    Failed(VendorCode),
}

impl Intent {
    /// Whether nothing of it can be captured or freed any more.
    pub fn is_over(&self) -> bool {
        match self.vendor.state {
            IntentState::Taken | IntentState::Gone => true,
            IntentState::Open
            | IntentState::Declined { .. }
            | IntentState::NeedsAction
            | IntentState::Reserved { .. } => false,
        }
    }
}

impl Refund {
    /// What our payment is to be told; nothing while the refund is under way or when it is not ours.
    pub fn news(&self) -> Option<PaymentCommand> {
        let refund = self.refund?;
        match &self.state {
            RefundState::Pending => None,
            RefundState::Succeeded => Some(PaymentCommand::RecordRefunded {
                refund,
                vendor_refund: self.id.clone(),
            }),
            RefundState::Failed(code) => Some(PaymentCommand::RecordRefundFailed {
                refund,
                code: code.clone(),
            }),
        }
    }
}

/// What a webhook says about itself, once it is believed. What it says of its object is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The vendor's id of the event, the same at every delivery.
    pub id: String,
    /// Its type, for logs and metrics.
    pub kind: String,
    /// Whether it is about real money.
    pub live: bool,
    /// What to look at.
    pub subject: Subject,
}

/// The object that a webhook is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A payment.
    Intent(IntentId),
    /// A refund.
    Refund(VendorRefundId),
    /// Something that no process of ours follows.
    Other,
}

/// A vendor that takes and returns money. All calls may be repeated with the same [`Call::key`].
///
/// `Done` of [`capture`](Self::capture) and [`void`](Self::void) carries the object as it is now, which
/// need not be what was asked for: a void that comes after a capture finds a captured payment.
#[async_trait]
pub trait PaymentGateway: Send + Sync + std::fmt::Debug {
    /// Starts a payment; nothing is reserved before the customer confirms.
    async fn create_intent(&self, call: &Call, new: &NewIntent) -> Outcome<Intent>;

    /// Reads a payment.
    async fn read_intent(&self, intent: &IntentId) -> Outcome<Intent>;

    /// Takes `amount` of what is reserved and frees the rest.
    async fn capture(&self, call: &Call, intent: &IntentId, amount: Money) -> Outcome<Intent>;

    /// Frees what is reserved and ends the payment.
    async fn void(&self, call: &Call, intent: &IntentId) -> Outcome<Intent>;

    /// Gives captured money back.
    async fn refund(&self, call: &Call, new: &NewRefund) -> Outcome<Refund>;

    /// Reads a refund.
    async fn read_refund(&self, refund: &VendorRefundId) -> Outcome<Refund>;

    /// What the customer's device needs to confirm the payment. For that customer alone; never stored.
    async fn client_secret(&self, intent: &IntentId) -> Outcome<Secret<String>>;

    /// The public key that the customer's device uses with the secret.
    fn publishable_key(&self) -> &str;

    /// Whether real money moves. News that says otherwise is not for us.
    fn is_live(&self) -> bool;

    /// Reads what a webhook of this vendor is about; none when it is no event.
    fn notice(&self, body: &[u8]) -> Option<Notice>;
}

/// Performs an effect of a process. `Done` brings the command that records the result; none when the
/// vendor is still at it and will send word, as with a refund that takes days.
pub async fn perform(
    gateway: &dyn PaymentGateway,
    call: &Call,
    effect: &PaymentCall,
) -> Outcome<Option<PaymentCommand>> {
    let told = |intent: Intent| Some(intent.vendor.news());
    match effect {
        PaymentCall::CreateIntent {
            payment,
            order,
            customer: _,
            amount,
            attempt,
        } => {
            let (payment, order, amount, attempt) = (*payment, *order, *amount, *attempt);
            let new = NewIntent {
                payment,
                order,
                amount,
                attempt,
            };
            gateway.create_intent(call, &new).await.map(told)
        }
        PaymentCall::Capture { intent, amount, .. } => {
            gateway.capture(call, intent, *amount).await.map(told)
        }
        PaymentCall::Void { intent, .. } => gateway.void(call, intent).await.map(told),
        PaymentCall::Refund {
            payment,
            intent,
            refund,
            amount,
        } => {
            let (payment, refund, amount) = (*payment, *refund, *amount);
            let new = NewRefund {
                refund,
                payment,
                intent: intent.clone(),
                amount,
            };
            gateway.refund(call, &new).await.map(|refund| refund.news())
        }
        PaymentCall::Read { intent, .. } => gateway.read_intent(intent).await.map(told),
    }
}
