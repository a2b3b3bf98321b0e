//! Faults of the kind that code has, planted in the ports: a simulation proves nothing until it has
//! found them.

/// One fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plant {
    /// A command leaves no record under its key.
    NoRecord,
    /// The record comes in a second transaction.
    RecordLater,
    /// An append does not look at versions at all.
    VersionsUnchecked,
    /// The position of a process is stored before its effects.
    PlaceFirst,
    /// An effect is done as soon as it is sent.
    DoneWhenSent,
    /// Timers live in the leader's memory.
    TimersInMemory,
    /// Each call to the vendor has a key of its own.
    FreshVendorKey,
    /// A feed leaves out what it was asked for when a read failed.
    GapSkipped,
    /// Positions within a stream are given in the wrong order.
    StreamInverted,
}

impl Plant {
    pub(crate) const ALL: [Self; 9] = [
        Self::NoRecord,
        Self::RecordLater,
        Self::VersionsUnchecked,
        Self::PlaceFirst,
        Self::DoneWhenSent,
        Self::TimersInMemory,
        Self::FreshVendorKey,
        Self::GapSkipped,
        Self::StreamInverted,
    ];
}
