//! The rules of an order, each a function of state and command.

use chrono::{DateTime, Utc};

use super::command::OrderCommandKind;
use super::event::FaultParty;
use super::rejection::OrderRejection;
use super::state::{BowlClock, OrderBody};
use super::transitions::{By, may_ask};
use crate::kernel::actor::Actor;
use crate::kernel::bowl::{Combined, Packaging, Style};
use crate::kernel::money::Money;
use crate::kernel::quantity::{Metres, Minutes};
use crate::ordering::line::{BowlRef, BowlSpec};

/// The longest time a kitchen may promise to need: longer is another day's order.
pub(super) const PREP_MINUTES_MAX: u32 = 240;

/// The actor may cancel now, and whose fault that is.
pub(super) fn may_cancel(
    body: &OrderBody,
    by: &Actor,
    claimed: FaultParty,
) -> Result<FaultParty, OrderRejection> {
    let asks = By::from(by);
    if matches!(by, Actor::Customer { id } if *id != body.terms.customer) {
        return Err(OrderRejection::OrderUnknown);
    }
    if !may_ask(body.stage, OrderCommandKind::Cancel, asks) {
        return Err(OrderRejection::NotYoursToCancel {
            stage: body.stage,
            by: asks,
        });
    }
    // Who cancels for themselves bears it: a shop cannot put it on its customer, nor the reverse.
    Ok(match asks {
        By::Customer => FaultParty::Customer,
        By::Shop => FaultParty::Shop,
        By::Driver | By::Ops | By::Timer | By::Process => claimed,
    })
}

/// Who answers is the customer, or whoever answers for them.
pub(super) fn is_theirs(body: &OrderBody, by: &Actor) -> Result<(), OrderRejection> {
    match by {
        Actor::Customer { id } if *id != body.terms.customer => Err(OrderRejection::OrderUnknown),
        Actor::Customer { .. }
        | Actor::Restaurant { .. }
        | Actor::Driver { .. }
        | Actor::Ops { .. }
        | Actor::System { .. } => Ok(()),
    }
}

/// The kitchen's estimate is a sensible one.
pub(super) fn prep_in_range(prep: Minutes) -> Result<(), OrderRejection> {
    if prep.get() <= PREP_MINUTES_MAX {
        Ok(())
    } else {
        Err(OrderRejection::PrepTimeOutOfRange {
            max: PREP_MINUTES_MAX,
        })
    }
}

/// The payment timer has run out.
pub(super) fn payment_time_is_over(
    body: &OrderBody,
    now: DateTime<Utc>,
) -> Result<(), OrderRejection> {
    let expires_at = body.terms.expires_at;
    if now >= expires_at {
        Ok(())
    } else {
        Err(OrderRejection::NotYetExpired { expires_at })
    }
}

/// A courier brings it.
pub(super) fn is_delivery(body: &OrderBody) -> Result<(), OrderRejection> {
    if body.is_delivery() {
        Ok(())
    } else {
        Err(OrderRejection::CustomerCollects)
    }
}

/// A courier was asked for. What a courier reports is a fact, even when the customer was to fetch it by then.
pub(super) fn had_a_courier(body: &OrderBody) -> Result<(), OrderRejection> {
    if body.terms.fulfilment.is_delivery() {
        Ok(())
    } else {
        Err(OrderRejection::CustomerCollects)
    }
}

/// The customer fetches it.
pub(super) fn is_pickup(body: &OrderBody) -> Result<(), OrderRejection> {
    if body.is_delivery() {
        Err(OrderRejection::CourierBrings)
    } else {
        Ok(())
    }
}

/// Every bowl is sealed.
pub(super) fn all_sealed(body: &OrderBody) -> Result<(), OrderRejection> {
    let open: Vec<BowlRef> = body
        .bowls
        .iter()
        .filter(|clock| clock.sealed_at.is_none())
        .map(BowlClock::bowl_ref)
        .collect();
    if open.is_empty() {
        Ok(())
    } else {
        Err(OrderRejection::BowlsNotSealed { bowls: open })
    }
}

/// Nobody pays more than they have agreed to at their bank.
pub(super) fn is_within(authorised: Money, total: Money) -> Result<(), OrderRejection> {
    if total.amount_minor() <= authorised.amount_minor() {
        Ok(())
    } else {
        Err(OrderRejection::MoreThanAuthorised { authorised, total })
    }
}

/// A pin that is put right is near the one that was agreed: elsewhere is another zone, fee and way.
pub(super) fn is_near(moved: Metres, most: Metres) -> Result<(), OrderRejection> {
    if moved <= most {
        Ok(())
    } else {
        Err(OrderRejection::PinTooFar {
            most_m: most.get(),
            moved_m: moved.get(),
        })
    }
}

/// An order is cooked again a few times only: then something else is wrong with it.
pub(super) fn may_refire(body: &OrderBody, most: u32) -> Result<(), OrderRejection> {
    if u32::try_from(body.refires.len()).is_ok_and(|times| times < most) {
        Ok(())
    } else {
        Err(OrderRejection::RefiredEnough { most })
    }
}

/// The order has these bowls, each is made again once, and somebody but the customer pays. Gives each once.
pub(super) fn may_remake(
    body: &OrderBody,
    bowls: Vec<BowlRef>,
    fault: FaultParty,
) -> Result<Vec<BowlRef>, OrderRejection> {
    if fault == FaultParty::Customer {
        return Err(OrderRejection::CustomersFault);
    }
    if bowls.is_empty() {
        return Err(OrderRejection::NoBowls);
    }
    let bowls = each_once(bowls);
    for bowl in &bowls {
        if !has_unit(body, *bowl) {
            return Err(OrderRejection::BowlUnknown { bowl: *bowl });
        }
        // What was made again for nothing is not made again for nothing.
        if body.remade.contains(bowl) || body.terms.remake_of.is_some() {
            return Err(OrderRejection::AlreadyRemade { bowl: *bowl });
        }
    }
    Ok(bowls)
}

/// Whether a line has this bowl, or so many pieces.
fn has_unit(body: &OrderBody, unit: BowlRef) -> bool {
    let Some(line) = body.bill.line(unit.line) else {
        return false;
    };
    if line.bowl.is_some() {
        body.clock(unit.line, unit.bowl).is_some()
    } else {
        (1..=line.quantity.get()).contains(&unit.bowl)
    }
}

/// In order, each once.
pub(super) fn each_once(mut bowls: Vec<BowlRef>) -> Vec<BowlRef> {
    bowls.sort_unstable();
    bowls.dedup();
    bowls
}

/// Whether a bowl must have been boiled before it is sealed; a kit is boiled at home.
pub(super) fn needs_boiling(spec: &BowlSpec) -> bool {
    spec.packaging != Packaging::Kit && spec.cook_seconds.get() > 0
}

/// Until when a bowl sealed at `sealed_at` is still ramen (`domain.md`, *Ramen rules*, 1).
///
/// Packed apart or without broth: the style's hard stop. Noodles in the broth: as long as they stand
/// that. A kit leaves the cold when it is sealed into its bag, and has the kit's four hours whatever
/// its style. Drinks have no such instant.
pub fn slurp_deadline(spec: &BowlSpec, sealed_at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let row = match spec.packaging {
        Packaging::Kit => Style::Kit.sla()?,
        Packaging::SplitHot
        | Packaging::NaturallySplit
        | Packaging::DrySauce
        | Packaging::ColdBag
        | Packaging::Closed
        | Packaging::Combined => spec.style.sla()?,
    };
    let limit = match (spec.packaging, row.combined) {
        (Packaging::Combined, Combined::PickupOnly(in_broth)) => in_broth,
        _ => row.hard_stop,
    };
    Some(sealed_at + limit.span())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::quantity::Seconds;
    use crate::testing::test_now;

    fn minutes(style: Style, packaging: Packaging) -> Option<i64> {
        let (cook_seconds, pack_seconds) = (Seconds::new(60), Seconds::new(60));
        let spec = BowlSpec {
            style,
            cook_seconds,
            pack_seconds,
            packaging,
            noodle_tenths_mm: 15,
            firmness: None,
            asked: None,
        };
        slurp_deadline(&spec, test_now()).map(|deadline| (deadline - test_now()).num_minutes())
    }

    #[test]
    fn deadlines_are_those_of_the_table() {
        for (style, packaging, expected) in [
            (Style::HakataTonkotsu, Packaging::SplitHot, Some(30)),
            (Style::Shoyu, Packaging::SplitHot, Some(40)),
            (Style::Shoyu, Packaging::Combined, Some(5)),
            (Style::Miso, Packaging::SplitHot, Some(45)),
            (Style::Iekei, Packaging::Combined, Some(8)),
            (Style::Jiro, Packaging::SplitHot, Some(50)),
            (Style::Jiro, Packaging::Combined, Some(12)),
            (Style::Tsukemen, Packaging::NaturallySplit, Some(60)),
            (Style::Mazemen, Packaging::DrySauce, Some(45)),
            (Style::AburaSoba, Packaging::Combined, Some(45)),
            (Style::HiyashiChuka, Packaging::ColdBag, Some(90)),
            (Style::Kit, Packaging::Kit, Some(240)),
            (Style::Jiro, Packaging::Kit, Some(240)),
            (Style::Side, Packaging::Closed, Some(60)),
            (Style::Drink, Packaging::Closed, None),
        ] {
            assert_eq!(
                minutes(style, packaging),
                expected,
                "{style:?} {packaging:?}"
            );
        }
    }
}
