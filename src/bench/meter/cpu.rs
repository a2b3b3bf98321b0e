//! Processor time of the processes that take part, in nanoseconds where the kernel keeps them.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

/// Kernel ticks a second, in which `/proc/<pid>/stat` counts what ended children have used.
const TICKS_PER_SECOND: u64 = 100;

/// Whose time is read beside our own.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Processes {
    /// The postmaster: it and its children count as Postgres.
    pub(in super::super) postmaster: Option<u32>,
    /// The broker.
    pub(in super::super) broker: Option<u32>,
    /// Another server that an arm runs, with its children.
    pub(in super::super) other: Option<u32>,
}

/// Processor time used so far, or in between.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(in super::super) struct Cpu {
    /// This process: the services under test and the generator.
    pub(in super::super) own: Duration,
    /// Programs that this process has started and that ended.
    pub(in super::super) clients: Duration,
    /// Postgres: backends, WAL writer, checkpointer, all.
    pub(in super::super) postgres: Duration,
    /// The broker.
    pub(in super::super) broker: Duration,
    /// Another server that an arm runs.
    pub(in super::super) other: Duration,
}

impl Cpu {
    /// All of it.
    pub(in super::super) fn total(self) -> Duration {
        self.own + self.clients + self.postgres + self.broker + self.other
    }

    pub(super) fn since(self, before: Self) -> Self {
        Self {
            own: self.own.saturating_sub(before.own),
            clients: self.clients.saturating_sub(before.clients),
            postgres: self.postgres.saturating_sub(before.postgres),
            broker: self.broker.saturating_sub(before.broker),
            other: self.other.saturating_sub(before.other),
        }
    }
}

impl Processes {
    /// The times now; nothing where there is no `/proc`.
    pub(super) fn read(&self) -> Option<Cpu> {
        let children = children()?;
        let of = |pid: Option<u32>| pid.map_or(Duration::ZERO, |pid| family(pid, &children));
        Some(Cpu {
            own: own(),
            clients: ended_children(std::process::id()),
            postgres: of(self.postmaster),
            broker: of(self.broker),
            other: of(self.other),
        })
    }
}

fn own() -> Duration {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(spent.tv_sec).unwrap_or_default();
    Duration::from_secs(seconds) + Duration::from_nanos(spent.tv_nsec.unsigned_abs())
}

/// A process, its children that live, and those that have ended.
fn family(pid: u32, children: &BTreeMap<u32, Vec<u32>>) -> Duration {
    let living = children.get(&pid).into_iter().flatten();
    let living: Duration = living.copied().map(tasks).sum();
    tasks(pid) + living + ended_children(pid)
}

/// All threads of a process that live.
fn tasks(pid: u32) -> Duration {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Duration::ZERO;
    };
    let times = tasks.filter_map(Result::ok).filter_map(|task| {
        let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(times.sum())
}

/// What children have used that their parent has waited for: user and system time.
fn ended_children(pid: u32) -> Duration {
    let Some(fields) = stat(pid) else {
        return Duration::ZERO;
    };
    let ticks = |index: usize| {
        fields
            .get(index)
            .and_then(|field| field.parse::<u64>().ok())
    };
    // Fields 16 and 17 of proc(5), counted from the third, which is the first behind the name.
    let ticks = ticks(13).unwrap_or_default() + ticks(14).unwrap_or_default();
    Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND)
}

/// The children of every process.
fn children() -> Option<BTreeMap<u32, Vec<u32>>> {
    let mut found: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for entry in fs::read_dir("/proc").ok()?.filter_map(Result::ok) {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        let parent = stat(pid).and_then(|fields| fields.get(1)?.parse().ok());
        if let Some(parent) = parent {
            found.entry(parent).or_default().push(pid);
        }
    }
    Some(found)
}

/// The fields of `/proc/<pid>/stat` from the third on; a name may hold spaces and brackets.
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_computed_is_counted() {
        let processes = Processes::default();
        let Some(before) = processes.read() else {
            return;
        };
        let mut sum = 0_u64;
        while own().saturating_sub(before.own) < Duration::from_millis(5) {
            sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(7));
        }
        let spent = processes.read().unwrap().since(before);
        assert!(spent.own >= Duration::from_millis(5), "{spent:?}");
        assert_eq!(spent.postgres, Duration::ZERO);
    }
}
