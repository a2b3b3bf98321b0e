//! The rules of a delivery, each a function of state and command.

use chrono::{DateTime, TimeDelta, Utc};

use super::event::{ContactChannel, PickupChecks, Proof};
use super::rejection::DeliveryRejection;
use super::state::DeliveryBody;
use crate::kernel::actor::Actor;
use crate::kernel::flags::Flags;
use crate::kernel::handover::{ProofMethod, UndeliverableReason};

/// A second attempt by the same channel within this time is a repeat of the first, not another one.
const SAME_ATTEMPT: TimeDelta = TimeDelta::seconds(30);

/// Only the shop or ops let food go although a check fails.
pub(super) fn may_override(by: &Actor) -> Result<(), DeliveryRejection> {
    match by {
        Actor::Restaurant { .. } | Actor::Ops { .. } => Ok(()),
        Actor::Customer { .. } | Actor::Driver { .. } | Actor::System { .. } => {
            Err(DeliveryRejection::OverrideNotYours)
        }
    }
}

/// What this driver found at the shop.
pub(super) fn found_at_pickup(body: &DeliveryBody) -> Result<PickupChecks, DeliveryRejection> {
    let found = body.verified.as_ref().map(|(checks, _)| *checks);
    found.ok_or(DeliveryRejection::NotVerified)
}

/// The checks are made, and passed or overridden.
pub(super) fn may_go(body: &DeliveryBody) -> Result<(), DeliveryRejection> {
    let failing = found_at_pickup(body)?.failing();
    let overridden = body.verified.as_ref().is_some_and(|(_, by)| by.is_some());
    if failing.is_empty() || overridden {
        Ok(())
    } else {
        Err(DeliveryRejection::ChecksFailed { failing })
    }
}

/// The proof is complete and taken near the door. Whether a code fits is for `decide`, as a wrong one
/// is an event.
pub(super) fn is_proved(
    body: &DeliveryBody,
    proof: &Proof,
    pin_matches: Option<bool>,
) -> Result<(), DeliveryRejection> {
    let flags = Flags::default();
    if let Some(distance) = proof
        .distance_m
        .filter(|distance| *distance > flags.proof_distance)
    {
        return Err(DeliveryRejection::TooFarAway {
            distance_m: distance.get(),
            max_m: flags.proof_distance.get(),
        });
    }
    match proof.method {
        ProofMethod::Pin if body.pin_failures >= flags.pin_tries => {
            Err(DeliveryRejection::PinTriesUsedUp {
                max: flags.pin_tries,
            })
        }
        ProofMethod::Pin if pin_matches.is_none() => Err(DeliveryRejection::PinMissing),
        ProofMethod::Pin => Ok(()),
        ProofMethod::Photo | ProofMethod::Signature if proof.media_sha256.is_none() => {
            Err(DeliveryRejection::MediaMissing)
        }
        ProofMethod::Photo | ProofMethod::Signature => Ok(()),
    }
}

/// Giving up for an absent customer needs time at the door and attempts; other reasons are evident.
pub(super) fn has_tried(
    body: &DeliveryBody,
    reason: UndeliverableReason,
    now: DateTime<Utc>,
) -> Result<(), DeliveryRejection> {
    match reason {
        UndeliverableReason::NoAnswer | UndeliverableReason::AddressNotFound => {}
        UndeliverableReason::Refused
        | UndeliverableReason::Unsafe
        | UndeliverableReason::Damaged
        | UndeliverableReason::AgeCheck => return Ok(()),
    }
    let flags = Flags::default();
    let wait_until = body
        .at_dropoff
        .map(|arrived| arrived + flags.contact_wait.span());
    let attempts = u32::try_from(body.contacts.len()).unwrap_or(u32::MAX);
    if wait_until.is_some_and(|until| now >= until) && attempts >= flags.contact_attempts {
        Ok(())
    } else {
        Err(DeliveryRejection::NotTriedEnough {
            wait_until,
            attempts,
            attempts_min: flags.contact_attempts,
        })
    }
}

/// Whether an attempt was recorded just now.
pub(super) fn is_same_attempt(
    body: &DeliveryBody,
    channel: ContactChannel,
    now: DateTime<Utc>,
) -> bool {
    body.contacts
        .iter()
        .any(|(by, at)| *by == channel && (now - *at).abs() < SAME_ATTEMPT)
}
