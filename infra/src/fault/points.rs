//! The one list of kill points: whoever adds a point adds its line, and the suite that kills processes
//! finds it here. An architecture test compares it with the sources.

/// Whose process passes a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// The write side.
    CommandApi,
    /// What numbers and publishes events, and runs the processes.
    Publisher,
    /// What folds events into views and the index.
    Projector,
    /// `ramen rebuild` of a view and of the index, a process of its own.
    Rebuild,
}

/// A named place where a process may be made to die, hang or fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// Its name, by part and moment.
    pub name: &'static str,
    /// Whose process passes it in the way that its name says. Others may pass it too.
    pub owner: Owner,
    /// What it takes to pass it, beside ordinary traffic.
    pub needs: Needs,
}

/// What must happen before a point is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Orders that are placed, paid, cooked and brought, some of them cancelled or never paid.
    Traffic,
    /// An event that a view cannot fold.
    Poison,
    /// Another projector that takes the turn.
    Rival,
}

const fn of(owner: Owner, name: &'static str) -> Point {
    Point {
        name,
        owner,
        needs: Needs::Traffic,
    }
}

/// Every point of this build, in the order in which an order meets them.
pub const POINTS: &[Point] = &[
    of(Owner::CommandApi, "cmd.parsed"),
    of(Owner::CommandApi, "cmd.loaded"),
    of(Owner::CommandApi, "cmd.decided"),
    of(Owner::CommandApi, "key.created"),
    of(Owner::CommandApi, "append.queued"),
    of(Owner::CommandApi, "append.sent"),
    of(Owner::CommandApi, "append.committed"),
    of(Owner::CommandApi, "reply.before"),
    of(Owner::CommandApi, "reply.half"),
    of(Owner::CommandApi, "hook.verified"),
    of(Owner::CommandApi, "hook.committed"),
    of(Owner::CommandApi, "hook.answered"),
    of(Owner::Publisher, "hook.processing"),
    of(Owner::Publisher, "hook.processed"),
    of(Owner::Publisher, "seq.sent"),
    of(Owner::Publisher, "seq.committed"),
    of(Owner::Publisher, "pub.read"),
    of(Owner::Publisher, "pub.produced"),
    of(Owner::Publisher, "pub.part_acked"),
    of(Owner::Publisher, "pub.acked"),
    of(Owner::Publisher, "pub.cursor"),
    of(Owner::Publisher, "proc.folded"),
    of(Owner::Publisher, "proc.stored"),
    of(Owner::Publisher, "effect.before"),
    of(Owner::Publisher, "effect.sent"),
    of(Owner::Publisher, "effect.answered"),
    of(Owner::Publisher, "effect.recorded"),
    of(Owner::Publisher, "timer.due"),
    of(Owner::Publisher, "timer.fired"),
    of(Owner::Publisher, "sign.written"),
    of(Owner::Projector, "proj.polled"),
    of(Owner::Projector, "proj.applied"),
    of(Owner::Projector, "proj.committed"),
    Point {
        needs: Needs::Poison,
        ..of(Owner::Projector, "proj.parked")
    },
    Point {
        needs: Needs::Rival,
        ..of(Owner::Projector, "proj.revoked")
    },
    of(Owner::Projector, "index.added"),
    of(Owner::Projector, "index.prepared"),
    of(Owner::Projector, "index.committed"),
    of(Owner::Rebuild, "rebuild.half"),
    of(Owner::Rebuild, "rebuild.tailing"),
    of(Owner::Rebuild, "rebuild.swapping"),
];

#[cfg(test)]
mod tests {
    use super::POINTS;

    #[test]
    fn a_name_stands_for_one_point() {
        let mut names: Vec<_> = POINTS.iter().map(|point| point.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), POINTS.len());
    }
}
