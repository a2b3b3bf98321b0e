//! Who gets what of an order that is not carried out: the policy as data, and its amounts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bill::Bill;
use super::order::{FaultParty, OrderStage as S};
use crate::kernel::handover::UndeliverableReason;

/// What the customer gets back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Back {
    /// Everything.
    All,
    /// What bringing it would have cost, and the courier's tip.
    Bringing,
    /// Nothing.
    Nothing,
}

/// Who gets what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shares {
    /// The customer.
    pub back: Back,
    /// Whether the shop is paid for the food, by whoever is to blame.
    pub shop_paid: bool,
    /// Whether a courier who was asked for is paid for the way.
    pub courier_paid: bool,
}

/// What a cancellation comes to.
#[derive(Clone, Copy, Debug)]
pub struct CancelRow {
    /// At these stages.
    pub stages: &'static [S],
    /// Through the fault of these.
    pub faults: &'static [FaultParty],
    /// They get this.
    pub shares: Shares,
}

/// What a handover that failed comes to.
#[derive(Clone, Copy, Debug)]
pub struct HandoverRow {
    /// For these reasons; none: nobody came to fetch it.
    pub reasons: &'static [UndeliverableReason],
    /// They get this.
    pub shares: Shares,
}

const fn shares(back: Back, shop_paid: bool, courier_paid: bool) -> Shares {
    Shares {
        back,
        shop_paid,
        courier_paid,
    }
}

const ANYBODY: &[FaultParty] = &[
    FaultParty::Customer,
    FaultParty::Shop,
    FaultParty::Platform,
    FaultParty::Courier,
];

/// Nothing is cooked before it is fired, so nobody has lost anything. Cooked food is paid for, unless the shop is to
/// blame; who is to blame for it pays.
pub const CANCEL_POLICY: &[CancelRow] = &[
    CancelRow {
        stages: &[S::AwaitingPayment, S::Scheduled, S::Placed, S::Accepted],
        faults: ANYBODY,
        shares: shares(Back::All, false, false),
    },
    CancelRow {
        stages: &[S::Cooking],
        faults: &[FaultParty::Customer],
        shares: shares(Back::Bringing, true, false),
    },
    CancelRow {
        stages: &[S::Ready],
        faults: &[FaultParty::Customer],
        shares: shares(Back::Nothing, true, true),
    },
    CancelRow {
        stages: &[S::Cooking, S::Ready],
        faults: &[FaultParty::Shop],
        shares: shares(Back::All, false, true),
    },
    CancelRow {
        stages: &[S::Cooking, S::Ready],
        faults: &[FaultParty::Platform],
        shares: shares(Back::All, true, true),
    },
    CancelRow {
        stages: &[S::Cooking, S::Ready],
        faults: &[FaultParty::Courier],
        shares: shares(Back::All, true, false),
    },
];

/// The shop has cooked and the courier has driven. Only what the courier or the road is to blame for goes back.
pub const HANDOVER_POLICY: &[HandoverRow] = &[
    HandoverRow {
        reasons: &[
            UndeliverableReason::NoAnswer,
            UndeliverableReason::AddressNotFound,
            UndeliverableReason::Refused,
            UndeliverableReason::AgeCheck,
        ],
        shares: shares(Back::Nothing, true, true),
    },
    HandoverRow {
        reasons: &[UndeliverableReason::Unsafe],
        shares: shares(Back::All, true, true),
    },
    HandoverRow {
        reasons: &[UndeliverableReason::Damaged],
        shares: shares(Back::All, true, false),
    },
    HandoverRow {
        reasons: &[],
        shares: shares(Back::Nothing, true, false),
    },
];

/// What the end of an order comes to, as it was decided then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Settlement {
    /// What goes back to the customer, in minor units of the order's currency.
    pub back_minor: i64,
    /// Whether the shop is paid for the food.
    pub shop_paid: bool,
    /// Whether a courier who was asked for is paid for the way.
    pub courier_paid: bool,
}

/// What a cancellation comes to. What the policy does not have gives everything back.
pub(super) fn of_cancellation(stage: S, fault: FaultParty, bill: &Bill) -> Settlement {
    let row = CANCEL_POLICY
        .iter()
        .find(|row| row.stages.contains(&stage) && row.faults.contains(&fault));
    row.map_or(shares(Back::All, false, false), |row| row.shares)
        .of(bill)
}

/// What a handover that failed comes to; without a reason, nobody came to fetch it.
pub(super) fn of_handover(reason: Option<UndeliverableReason>, bill: &Bill) -> Settlement {
    let row = HANDOVER_POLICY.iter().find(|row| match reason {
        Some(reason) => row.reasons.contains(&reason),
        None => row.reasons.is_empty(),
    });
    row.map_or(shares(Back::All, true, true), |row| row.shares)
        .of(bill)
}

impl Settlement {
    /// For samples of events.
    pub(super) const fn sample() -> Self {
        Self {
            back_minor: 980,
            shop_paid: true,
            courier_paid: false,
        }
    }
}

impl Shares {
    fn of(self, bill: &Bill) -> Settlement {
        let total = bill.total.amount_minor();
        let back_minor = match self.back {
            Back::All => total,
            Back::Bringing => bill.bringing_minor().clamp(0, total.max(0)),
            Back::Nothing => 0,
        };
        Settlement {
            back_minor,
            shop_paid: self.shop_paid,
            courier_paid: self.courier_paid,
        }
    }
}
