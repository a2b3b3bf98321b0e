//! What a driver's record answers to its commands.

use uuid::Uuid;

use super::command::{DriverCommand, DriverCommandKind};
use super::event::DriverEvent;
use super::rejection::DriverRejection;
use super::state::{Driver, DriverStage};
use super::transitions::TRANSITIONS;
use crate::decider::{Context, Decider, Facets, Transitions, check_allowed};

impl Decider for Driver {
    const KIND: &'static str = "driver.driver";
    const TRANSITIONS: Transitions<Self> = TRANSITIONS;

    type Command = DriverCommand;
    type Event = DriverEvent;
    type Rejection = DriverRejection;
    type Stage = DriverStage;
    type CommandKind = DriverCommandKind;

    fn stage(&self) -> DriverStage {
        self.into()
    }

    fn decide(
        &self,
        command: DriverCommand,
        context: &Context,
    ) -> Result<Vec<DriverEvent>, DriverRejection> {
        if self.is_done(&command) {
            return Ok(Vec::new());
        }
        self.check_table(&command)?;
        let at = context.now;
        Ok(vec![match command {
            DriverCommand::Register {
                name,
                phone,
                vehicle,
            } => DriverEvent::Registered {
                name,
                phone,
                vehicle,
                at,
            },
            DriverCommand::Approve => DriverEvent::Approved { at },
            DriverCommand::Suspend { reason } => DriverEvent::Suspended { reason, at },
        }])
    }

    fn evolve(&mut self, event: &DriverEvent) {
        self.apply(event);
    }

    fn facets(&self, _stream: Uuid) -> Facets {
        Facets::default()
    }
}

impl Driver {
    /// Whether the command's outcome is already so.
    fn is_done(&self, command: &DriverCommand) -> bool {
        match command {
            DriverCommand::Register {
                name,
                phone,
                vehicle,
            } => self.body().is_some_and(|body| {
                (&body.name, &body.phone, &body.vehicle) == (name, phone, vehicle)
            }),
            DriverCommand::Approve => self.stage() == DriverStage::Approved,
            DriverCommand::Suspend { .. } => self.stage() == DriverStage::Suspended,
        }
    }

    fn check_table(&self, command: &DriverCommand) -> Result<(), DriverRejection> {
        check_allowed(self, command.into()).map_err(|refused| {
            match (refused.stage, refused.command) {
                (DriverStage::Absent, _) => DriverRejection::DriverUnknown,
                (_, DriverCommandKind::Register) => DriverRejection::AlreadyRegistered,
                _ => DriverRejection::NotAllowed(refused),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::driver::event::Vehicle;
    use crate::kernel::sample;
    use crate::testing::{Given, test_now};

    fn register(vehicle: Vehicle) -> DriverCommand {
        DriverCommand::Register {
            name: sample::sealed("driver.driver", "name"),
            phone: sample::sealed("driver.driver", "phone"),
            vehicle,
        }
    }

    fn registered() -> Given<Driver> {
        Given::nothing().done([register(Vehicle::Scooter)])
    }

    fn suspend() -> DriverCommand {
        DriverCommand::Suspend {
            reason: sample::reason("licence expired"),
        }
    }

    #[test]
    fn a_driver_is_registered_once() {
        registered().when(register(Vehicle::Scooter)).then_nothing();
        registered()
            .when(register(Vehicle::Car))
            .then_refused(DriverRejection::AlreadyRegistered);
    }

    #[test]
    fn nobody_unknown_is_approved_or_suspended() {
        for command in [DriverCommand::Approve, suspend()] {
            Given::<Driver>::nothing()
                .when(command)
                .then_refused(DriverRejection::DriverUnknown);
        }
    }

    #[test]
    fn approval_and_suspension_follow_each_other_and_repeats_change_nothing() {
        let reason = sample::reason("licence expired");
        let back = registered()
            .when(DriverCommand::Approve)
            .then([DriverEvent::Approved { at: test_now() }])
            .when(DriverCommand::Approve)
            .then_nothing()
            .when(suspend())
            .then([DriverEvent::Suspended {
                reason,
                at: test_now(),
            }])
            .when(suspend())
            .then_nothing();
        assert!(!back.state().is_approved());
        let again = back
            .when(DriverCommand::Approve)
            .then([DriverEvent::Approved { at: test_now() }]);
        assert!(again.state().is_approved());
        assert_eq!(
            registered().done([suspend()]).state().stage(),
            DriverStage::Suspended
        );
    }
}
