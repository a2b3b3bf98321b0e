//! What a block of work has cost: processor time by process, statements, and what disturbed it.

mod cpu;
mod disk;
mod noise;
mod sql;

use std::time::Duration;

use serde::Serialize;

pub(super) use cpu::{Cpu, Processes};
pub(super) use disk::flush_time;
pub(super) use noise::Noise;
pub(super) use sql::{Sql, SqlMeter, Statement};

use noise::Machine;

/// Reads the counters at both ends of a block.
pub(super) struct Meter {
    processes: Processes,
    cpu: Option<Cpu>,
    machine: Option<Machine>,
}

/// What was measured between two readings.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Metered {
    /// Processor time; missing where the system does not tell.
    pub(super) cpu: Option<Cpu>,
    /// What others did meanwhile; missing where the system does not tell.
    pub(super) noise: Option<Noise>,
}

impl Meter {
    /// Begins to measure.
    pub(super) fn begin(processes: &Processes) -> Self {
        Self {
            processes: processes.clone(),
            cpu: processes.read(),
            machine: Machine::read(),
        }
    }

    /// What has been spent since.
    pub(super) fn end(self, wall: Duration) -> Metered {
        let cpu = self.processes.read().zip(self.cpu);
        let cpu = cpu.map(|(after, before)| after.since(before));
        let machine = Machine::read().zip(self.machine);
        let noise =
            machine.map(|(after, before)| Noise::between(before, after, cpu.map(Cpu::total), wall));
        Metered { cpu, noise }
    }
}
