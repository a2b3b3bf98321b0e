//! Our staff do what a shop or a courier should have done: the reason stands in the order's story beside what was done.

use domain::aggregates::Order;
use domain::decider::Fault;
use domain::kernel::actor::Actor;
use domain::kernel::fault::Pointer;
use domain::kernel::text::Reason;
use domain::ordering::order::{By, OrderCommand};
use infra::event_store::Loaded;
use infra::http::policy::Role;
use infra::http::{ApiError, Principal};

use crate::execute::{ExecuteError, Unit};

/// Who acts in whose place, and why.
#[derive(Clone, Debug)]
pub(super) struct Behalf {
    pub(super) by: Actor,
    pub(super) of: By,
    pub(super) reason: Reason,
}

impl Behalf {
    /// Nothing when the shop acts itself; our staff must say why they act in its place.
    ///
    /// # Errors
    /// 422 `reason_missing`.
    pub(super) fn of_shop(
        by: &Principal,
        reason: Option<Reason>,
    ) -> Result<Option<Self>, ApiError> {
        if by.role != Role::Ops {
            return Ok(None);
        }
        let Some(reason) = reason else {
            let at = Pointer::root().at("reason");
            let detail = "say why you act in the shop's place";
            return Err(ApiError::invalid(vec![Fault::new(
                "reason_missing",
                &at,
                detail,
            )]));
        };
        Ok(Some(Self {
            by: Actor::Ops { id: by.id },
            of: By::Shop,
            reason,
        }))
    }

    /// Notes the reason, when something was done.
    ///
    /// # Errors
    /// As [`Unit::decide`].
    pub(super) fn note(
        &self,
        unit: &mut Unit<'_>,
        before: &Loaded<Order>,
        after: &Loaded<Order>,
    ) -> Result<(), ExecuteError> {
        if after.version == before.version {
            return Ok(());
        }
        let note = OrderCommand::NoteOnBehalf {
            by: self.by.clone(),
            of: self.of,
            reason: self.reason.clone(),
        };
        unit.decide(after, note)?;
        Ok(())
    }
}
