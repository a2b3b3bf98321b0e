//! The payment vendor: it honours keys, and may answer late, twice, not at all, or refuse.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use async_trait::async_trait;
use command_api::gateways::payment::{
    Call, Intent, NewIntent, NewRefund, Notice, PaymentGateway, Refund, RefundState,
};
use command_api::gateways::{Outcome, Refusal};
use domain::kernel::ids::PaymentId;
use domain::kernel::money::Money;
use domain::payment::payment::{IntentId, VendorCode, VendorRefundId};
use domain::payment::vendor::{IntentState, VendorIntent};
use infra::config::Secret;
use uuid::Uuid;

use crate::line::Line;
use crate::plants::Plant;

/// What the vendor's books say of one payment.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) new: NewIntent,
    pub(crate) state: IntentState,
    pub(crate) amount: Money,
    pub(crate) captures: u32,
    pub(crate) refunds: BTreeMap<Uuid, i64>,
}

/// The vendor's books, and what it answered under which key.
#[derive(Default)]
pub(crate) struct Vendor {
    pub(crate) entries: BTreeMap<String, Entry>,
    answers: HashMap<Uuid, Outcome<Intent>>,
    refunds: HashMap<Uuid, Outcome<Refund>>,
}

fn reserved() -> IntentState {
    IntentState::Reserved {
        capture_before: None,
    }
}

impl Vendor {
    /// The vendor's name for a payment that it knows.
    pub(crate) fn intent_of(&self, payment: Uuid) -> Option<IntentId> {
        let mut entries = self.entries.iter();
        let found = entries.find(|(_, entry)| entry.new.payment == PaymentId::new(payment))?;
        IntentId::parse(found.0.clone()).ok()
    }

    /// The customer's bank reserves the money, or does not.
    pub(crate) fn confirm(&mut self, intent: &IntentId, declined: bool) {
        if let Some(entry) = self.entries.get_mut(intent.as_str())
            && matches!(
                entry.state,
                IntentState::Open | IntentState::Declined { .. }
            )
        {
            entry.state = if declined {
                let code = VendorCode::parse("card_declined").expect("a word");
                IntentState::Declined { code }
            } else {
                reserved()
            };
        }
    }

    /// A payment as the vendor shows it.
    pub(crate) fn shown(&self, intent: &IntentId) -> Option<Intent> {
        let entry = self.entries.get(intent.as_str())?;
        Some(Intent {
            vendor: VendorIntent {
                intent: intent.clone(),
                amount: entry.amount,
                state: entry.state.clone(),
            },
            asked: entry.new.amount,
            payment: Some(entry.new.payment),
            order: Some(entry.new.order),
            live: false,
        })
    }

    fn create(&mut self, key: Uuid, new: &NewIntent) -> Outcome<Intent> {
        if let Some(before) = self.answers.get(&key) {
            return before.clone();
        }
        let intent = IntentId::parse(format!("pi_{}", key.simple())).expect("a name");
        let entry = Entry {
            new: new.clone(),
            state: IntentState::Open,
            amount: new.amount,
            captures: 0,
            refunds: BTreeMap::new(),
        };
        self.entries.insert(intent.to_string(), entry);
        self.answer(key, &intent)
    }

    fn capture(
        &mut self,
        key: Uuid,
        intent: &IntentId,
        amount: Money,
        no: bool,
    ) -> Outcome<Intent> {
        if let Some(before) = self.answers.get(&key) {
            return before.clone();
        }
        let Some(entry) = self.entries.get_mut(intent.as_str()) else {
            return Outcome::Rejected(Refusal::new("resource_missing"));
        };
        if no || entry.state != reserved() || amount.amount_minor() > entry.amount.amount_minor() {
            let refused = Outcome::Rejected(Refusal::new("not_capturable"));
            self.answers.insert(key, refused.clone());
            return refused;
        }
        entry.state = IntentState::Taken;
        entry.amount = amount;
        entry.captures += 1;
        self.answer(key, intent)
    }

    fn void(&mut self, key: Uuid, intent: &IntentId) -> Outcome<Intent> {
        if let Some(before) = self.answers.get(&key) {
            return before.clone();
        }
        match self.entries.get_mut(intent.as_str()) {
            Some(entry) if entry.state != IntentState::Taken => entry.state = IntentState::Gone,
            Some(_) => return Outcome::Rejected(Refusal::new("not_cancelable")),
            None => return Outcome::Rejected(Refusal::new("resource_missing")),
        }
        self.answer(key, intent)
    }

    fn refund(&mut self, key: Uuid, new: &NewRefund) -> Outcome<Refund> {
        if let Some(before) = self.refunds.get(&key) {
            return before.clone();
        }
        let Some(entry) = self.entries.get_mut(new.intent.as_str()) else {
            return Outcome::Rejected(Refusal::new("resource_missing"));
        };
        entry.refunds.insert(key, new.amount.amount_minor());
        let done = Outcome::Done(Refund {
            id: VendorRefundId::parse(format!("re_{}", key.simple())).expect("a name"),
            refund: Some(new.refund),
            payment: Some(new.payment),
            intent: Some(new.intent.clone()),
            amount: new.amount,
            state: RefundState::Succeeded,
        });
        self.refunds.insert(key, done.clone());
        done
    }

    fn answer(&mut self, key: Uuid, intent: &IntentId) -> Outcome<Intent> {
        let shown = self.shown(intent);
        let answer = shown.map_or(
            Outcome::Rejected(Refusal::new("resource_missing")),
            Outcome::Done,
        );
        self.answers.insert(key, answer.clone());
        answer
    }
}

impl Line {
    /// A call to the vendor: it may not be taken, be lost, or be done without an answer.
    async fn calls<T>(
        &self,
        what: &'static str,
        call: impl FnOnce(&mut Vendor) -> Outcome<T>,
    ) -> Outcome<T> {
        let unknown = || Outcome::Unknown {
            why: Cow::Borrowed("no answer"),
        };
        self.pass(what).await;
        if self.world.choices.fault("vendor busy", 60) {
            return Outcome::NotDone {
                after: Duration::from_millis(500),
                why: Cow::Borrowed("too many calls"),
            };
        }
        if self.world.choices.fault("call lost", 60) {
            return unknown();
        }
        let outcome = call(&mut self.world.vendor());
        self.pass(what).await;
        if self.world.choices.fault("answer lost", 100) {
            return unknown();
        }
        outcome
    }

    fn vendor_key(&self, call: &Call) -> Uuid {
        if self.world.plant() == Some(Plant::FreshVendorKey) {
            self.world.clock.fresh_id()
        } else {
            call.key
        }
    }
}

#[async_trait]
impl PaymentGateway for Line {
    async fn create_intent(&self, call: &Call, new: &NewIntent) -> Outcome<Intent> {
        let key = self.vendor_key(call);
        self.calls("create", |vendor| vendor.create(key, new)).await
    }

    async fn read_intent(&self, intent: &IntentId) -> Outcome<Intent> {
        let read = |vendor: &mut Vendor| match vendor.shown(intent) {
            Some(shown) => Outcome::Done(shown),
            None => Outcome::Rejected(Refusal::new("resource_missing")),
        };
        self.calls("read intent", read).await
    }

    async fn capture(&self, call: &Call, intent: &IntentId, amount: Money) -> Outcome<Intent> {
        let (key, no) = (
            self.vendor_key(call),
            self.world.choices.fault("capture refused", 20),
        );
        let capture = |vendor: &mut Vendor| vendor.capture(key, intent, amount, no);
        self.calls("capture", capture).await
    }

    async fn void(&self, call: &Call, intent: &IntentId) -> Outcome<Intent> {
        let key = self.vendor_key(call);
        self.calls("void", |vendor| vendor.void(key, intent)).await
    }

    async fn refund(&self, call: &Call, new: &NewRefund) -> Outcome<Refund> {
        let key = self.vendor_key(call);
        self.calls("refund", |vendor| vendor.refund(key, new)).await
    }

    async fn read_refund(&self, _refund: &VendorRefundId) -> Outcome<Refund> {
        Outcome::Rejected(Refusal::new("resource_missing"))
    }

    async fn client_secret(&self, _intent: &IntentId) -> Outcome<Secret<String>> {
        Outcome::Rejected(Refusal::new("resource_missing"))
    }

    fn publishable_key(&self) -> &'static str {
        "pk_test"
    }

    fn is_live(&self) -> bool {
        false
    }

    fn notice(&self, _body: &[u8]) -> Option<Notice> {
        None
    }
}
