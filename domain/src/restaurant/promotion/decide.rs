//! What a promotion answers to its commands.

use uuid::Uuid;

use super::command::{PromotionCommand, PromotionCommandKind};
use super::event::{Limits, PromotionEvent};
use super::rejection::PromotionRejection;
use super::rules::{check_limits, check_terms};
use super::state::{Promotion, PromotionBody, PromotionStage};
use super::transitions::TRANSITIONS;
use crate::decider::{Context, Decider, Facets, Transitions, check_allowed};
use crate::kernel::fault::Faults;

impl Decider for Promotion {
    const KIND: &'static str = "restaurant.promotion";
    const TRANSITIONS: Transitions<Self> = TRANSITIONS;

    type Command = PromotionCommand;
    type Event = PromotionEvent;
    type Rejection = PromotionRejection;
    type Stage = PromotionStage;
    type CommandKind = PromotionCommandKind;

    fn stage(&self) -> PromotionStage {
        self.into()
    }

    fn decide(
        &self,
        command: PromotionCommand,
        context: &Context,
    ) -> Result<Vec<PromotionEvent>, PromotionRejection> {
        if self.is_done(&command) {
            return Ok(Vec::new());
        }
        self.check_table(&command)?;
        let at = context.now;
        let event = match command {
            PromotionCommand::Create { terms } => {
                check_terms(&terms).map_err(PromotionRejection::TermsRefused)?;
                PromotionEvent::Created(terms)
            }
            PromotionCommand::SetLimits { limits } => {
                self.check_new_limits(limits)?;
                PromotionEvent::LimitsSet { limits }
            }
            PromotionCommand::End => PromotionEvent::Ended { at },
            PromotionCommand::Redeem {
                order,
                customer,
                restaurant,
                discount,
            } => {
                if let Some(body) = self.body() {
                    body.check_limits(Some(customer))
                        .map_err(PromotionRejection::Inapplicable)?;
                }
                PromotionEvent::Redeemed {
                    order,
                    customer,
                    restaurant,
                    discount,
                    at,
                }
            }
            PromotionCommand::ReleaseRedemption { order } => {
                // One that is not remembered was released, or is too old to be.
                let Some(used) = self.body().and_then(|body| body.orders.get(&order)) else {
                    return Ok(Vec::new());
                };
                PromotionEvent::RedemptionReleased {
                    order,
                    customer: used.customer,
                    at,
                }
            }
        };
        Ok(vec![event])
    }

    fn evolve(&mut self, event: &PromotionEvent) {
        self.apply(event);
    }

    fn facets(&self, _stream: Uuid) -> Facets {
        let terms = self.body().map(|body| &body.terms);
        Facets {
            restaurant: terms.and_then(|terms| terms.issuer.restaurant()),
            currency: terms.and_then(|terms| terms.currency),
            ..Facets::default()
        }
    }
}

impl Promotion {
    /// Whether the command's outcome is already so.
    fn is_done(&self, command: &PromotionCommand) -> bool {
        let Some(body) = self.body() else {
            return false;
        };
        match command {
            PromotionCommand::Create { terms } => {
                matches!(self, Self::Active(_)) && body.terms == **terms
            }
            PromotionCommand::SetLimits { limits } => body.terms.limits == *limits,
            PromotionCommand::End => matches!(self, Self::Ended(_)),
            PromotionCommand::Redeem { order, .. } => body.orders.contains_key(order),
            PromotionCommand::ReleaseRedemption { .. } => false,
        }
    }

    fn check_table(&self, command: &PromotionCommand) -> Result<(), PromotionRejection> {
        check_allowed(self, command.into()).map_err(|refused| {
            match (refused.stage, refused.command) {
                (PromotionStage::Absent, _) => PromotionRejection::PromotionUnknown,
                (_, PromotionCommandKind::Create) => PromotionRejection::CodeTaken,
                _ => PromotionRejection::NotAllowed(refused),
            }
        })
    }

    fn check_new_limits(&self, limits: Limits) -> Result<(), PromotionRejection> {
        let mut faults = Faults::default();
        check_limits(&limits, &mut faults);
        faults.or(()).map_err(PromotionRejection::TermsRefused)?;
        self.body().map_or(Ok(()), |body| body.check_above(limits))
    }
}

impl PromotionBody {
    /// No limit is below what was redeemed: a limit holds for the past, too.
    fn check_above(&self, limits: Limits) -> Result<(), PromotionRejection> {
        let most = self.by_customer.values().copied().max().unwrap_or(0);
        for (limit, redeemed, name) in [
            (limits.total, self.redeemed, "total"),
            (limits.per_customer, most, "per_customer"),
        ] {
            if limit.is_some_and(|limit| limit < redeemed) {
                return Err(PromotionRejection::LimitBelowRedeemed {
                    redeemed,
                    limit: name,
                });
            }
        }
        Ok(())
    }
}
