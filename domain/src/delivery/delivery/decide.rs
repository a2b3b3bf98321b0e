//! What a delivery answers to its commands.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::command::{DeliveryCommand, DeliveryCommandKind};
use super::event::{DeliveryEvent, Proof, UnassignReason};
use super::rejection::DeliveryRejection;
use super::rules;
use super::state::{Delivery, DeliveryBody, DeliveryStage};
use super::transitions::TRANSITIONS;
use crate::decider::{Context, Decider, Facets, Transitions, check_allowed};
use crate::kernel::actor::Actor;
use crate::kernel::handover::ProofMethod;
use crate::kernel::ids::DriverId;

impl Decider for Delivery {
    const KIND: &'static str = "delivery.delivery";
    const TRANSITIONS: Transitions<Self> = TRANSITIONS;

    type Command = DeliveryCommand;
    type Event = DeliveryEvent;
    type Rejection = DeliveryRejection;
    type Stage = DeliveryStage;
    type CommandKind = DeliveryCommandKind;

    fn stage(&self) -> DeliveryStage {
        self.body().map_or(DeliveryStage::Absent, |body| body.stage)
    }

    fn decide(
        &self,
        command: DeliveryCommand,
        context: &Context,
    ) -> Result<Vec<DeliveryEvent>, DeliveryRejection> {
        let Some(body) = self.body() else {
            return request(command, context.now);
        };
        if body.is_done(&command, context.now) {
            return Ok(Vec::new());
        }
        self.check_table(&command)?;
        body.step(command, context.now)
    }

    fn evolve(&mut self, event: &DeliveryEvent) {
        self.apply(event);
    }

    fn facets(&self, _stream: Uuid) -> Facets {
        let request = self.body().map(|body| &body.request);
        Facets {
            restaurant: request.map(|request| request.restaurant),
            order: request.map(|request| request.order),
            ..Facets::default()
        }
    }
}

impl Delivery {
    fn check_table(&self, command: &DeliveryCommand) -> Result<(), DeliveryRejection> {
        check_allowed(self, command.into()).map_err(|refused| {
            if refused.command == DeliveryCommandKind::Request {
                DeliveryRejection::AlreadyRequested
            } else {
                DeliveryRejection::NotAllowed(refused)
            }
        })
    }
}

fn request(
    command: DeliveryCommand,
    now: DateTime<Utc>,
) -> Result<Vec<DeliveryEvent>, DeliveryRejection> {
    let DeliveryCommand::Request { mut request } = command else {
        return Err(DeliveryRejection::DeliveryUnknown);
    };
    request.at = now;
    Ok(vec![DeliveryEvent::Requested(request)])
}

impl DeliveryBody {
    /// Whether the command's outcome is already so.
    fn is_done(&self, command: &DeliveryCommand, now: DateTime<Utc>) -> bool {
        match command {
            DeliveryCommand::Request { request } => {
                (self.request.order, &self.request.dropoff) == (request.order, &request.dropoff)
            }
            DeliveryCommand::Assign { driver, .. } => self.driver == Some(*driver),
            DeliveryCommand::Unassign { .. } => self.stage == DeliveryStage::Unassigned,
            DeliveryCommand::ArriveAtPickup => self.at_pickup.is_some(),
            DeliveryCommand::VerifyPickup { checks } => {
                let found = self.verified.as_ref();
                found.is_some_and(|(found, _)| found == checks)
            }
            DeliveryCommand::OverridePickup { .. } => rules::may_go(self).is_ok(),
            DeliveryCommand::PickUp => self.picked_up_at.is_some(),
            DeliveryCommand::Depart => self.departed_at.is_some(),
            DeliveryCommand::ArriveAtDropoff => self.at_dropoff.is_some(),
            DeliveryCommand::AttemptContact { channel } => {
                rules::is_same_attempt(self, *channel, now)
            }
            DeliveryCommand::Deliver { .. } => self.stage == DeliveryStage::Delivered,
            DeliveryCommand::Fail { .. } => self.stage == DeliveryStage::Failed,
            DeliveryCommand::CorrectDropoff { dropoff } => self.dropoff == *dropoff,
            DeliveryCommand::Cancel { .. } => self.stage == DeliveryStage::Cancelled,
        }
    }

    /// Guards and events of a command that the table has.
    fn step(
        &self,
        command: DeliveryCommand,
        at: DateTime<Utc>,
    ) -> Result<Vec<DeliveryEvent>, DeliveryRejection> {
        let event = match command {
            DeliveryCommand::Request { .. } => return Err(DeliveryRejection::AlreadyRequested),
            DeliveryCommand::Assign {
                driver,
                approved,
                by,
            } => {
                return self.assign(driver, approved, by, at);
            }
            DeliveryCommand::Unassign { reason } => {
                return Ok(self.unassign(reason, at).into_iter().collect());
            }
            DeliveryCommand::ArriveAtPickup => DeliveryEvent::ArrivedAtPickup { at },
            DeliveryCommand::VerifyPickup { checks } => DeliveryEvent::PickupVerified {
                checks,
                override_by: None,
                override_reason: None,
                at,
            },
            DeliveryCommand::OverridePickup { by, reason } => {
                rules::may_override(&by)?;
                DeliveryEvent::PickupVerified {
                    checks: rules::found_at_pickup(self)?,
                    override_by: Some(by),
                    override_reason: Some(reason),
                    at,
                }
            }
            DeliveryCommand::PickUp => {
                rules::may_go(self)?;
                DeliveryEvent::PickedUp { at }
            }
            DeliveryCommand::Depart => DeliveryEvent::Departed { at },
            DeliveryCommand::ArriveAtDropoff => DeliveryEvent::ArrivedAtDropoff { at },
            DeliveryCommand::AttemptContact { channel } => {
                DeliveryEvent::ContactAttempted { channel, at }
            }
            DeliveryCommand::Deliver { proof, pin_matches } => {
                self.deliver(proof, pin_matches, at)?
            }
            DeliveryCommand::Fail { reason } => {
                rules::has_tried(self, reason, at)?;
                DeliveryEvent::Failed { reason, at }
            }
            DeliveryCommand::CorrectDropoff { dropoff } => {
                DeliveryEvent::DropoffCorrected { dropoff, at }
            }
            DeliveryCommand::Cancel { reason } => DeliveryEvent::Cancelled { reason, at },
        };
        Ok(vec![event])
    }

    fn assign(
        &self,
        driver: DriverId,
        approved: bool,
        by: Actor,
        at: DateTime<Utc>,
    ) -> Result<Vec<DeliveryEvent>, DeliveryRejection> {
        if !approved {
            return Err(DeliveryRejection::DriverNotApproved);
        }
        let mut events: Vec<_> = self
            .unassign(UnassignReason::Reassigned, at)
            .into_iter()
            .collect();
        events.push(DeliveryEvent::Assigned { driver, by, at });
        Ok(events)
    }

    fn unassign(&self, reason: UnassignReason, at: DateTime<Utc>) -> Option<DeliveryEvent> {
        self.driver
            .map(|driver| DeliveryEvent::Unassigned { driver, reason, at })
    }

    /// A wrong code is a fact, too: it is counted.
    fn deliver(
        &self,
        proof: Proof,
        pin_matches: Option<bool>,
        at: DateTime<Utc>,
    ) -> Result<DeliveryEvent, DeliveryRejection> {
        rules::is_proved(self, &proof, pin_matches)?;
        if proof.method == ProofMethod::Pin && pin_matches == Some(false) {
            return Ok(DeliveryEvent::PinFailed { at });
        }
        Ok(DeliveryEvent::Delivered { proof, at })
    }
}
